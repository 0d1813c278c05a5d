"""A small version of benchmarks/synthesis.py."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from synthesis import above, collected, drawn, gains, opened, sources, tell_gains


def test_copies_are_worth_nothing_with_customs_and_the_worst_is_told(
    capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("synthesis.RATIOS", (1.0,))
    wine, stores = opened(sources(None)["wine"]), {}
    for seed in (0, 1):
        some, rest = drawn(wine, 5, seed)
        assert np.bincount(some.y).tolist() == [5, 5, 5] and len(rest) == len(wine) - 15
        store: dict = {}
        list(gains(some, rest, seed, ["copies"], store))
        stores["wine", 5, seed] = {"gains": store}
    found = collected(stores)
    assert len(found) == 4 and all(g.mean == 0 and g.entered == 0 for g in found if g.customs)
    monkeypatch.setattr("synthesis.RATIOS", (1.0,))
    assert tell_gains(found)
    assert "the worst is plain copies, x1: +0.00 points" in capsys.readouterr().out


def test_holm_keeps_only_what_is_above_zero_beyond_luck() -> None:
    random = np.random.default_rng(0)
    samples = [random.normal(size=10) for _ in range(20)] + [5 + random.normal(size=10)]
    assert above(samples)[0] == [20]
