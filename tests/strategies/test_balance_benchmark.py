"""Small versions of benchmarks/imbalance.py and benchmarks/threshold.py."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import imbalance
import threshold
from handful.data.load import load
from handful.settings import Settings


def test_a_draw_has_its_share_and_the_rest_is_weighted_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imbalance, "TABLES", ("logistic",))
    random = np.random.default_rng(0)
    y = np.repeat([0, 1], 200)
    whole = load((random.normal(size=(400, 3)) + 1.5 * y[:, None], y), Settings())
    dataset, n, weights = imbalance.drawn(whole, 1, 60, 0.1, seed=0)
    assert n == 60 and dataset.y[:60].sum() == 6 and len(dataset) == 400 and len(weights) == 340
    assert [weights.sum(), weights[dataset.y[60:] == 1].sum()] == pytest.approx([1, 0.1])
    found = imbalance.measured(dataset, n, weights, 1, seed=0)
    lines = imbalance.table("made", [found, found])
    assert len(lines) == 6 and all(line.count("|") == 10 for line in lines)
    assert found["balanced_accuracy after"]["score"] > 0.7


def test_rules_are_compared_on_the_same_draw() -> None:
    random = np.random.default_rng(1)
    y = np.repeat([0, 1], [150, 60])
    part = threshold.drawn(y, 60, 0.1, seed=0)
    assert part is not None and y[part[0]].sum() == 6
    only = {"logistic": threshold.HEADS["logistic"]}
    heads, threshold.HEADS = threshold.HEADS, only
    try:
        lines = threshold.gains(random.normal(size=(210, 3)) + y[:, None], y, part)
    finally:
        threshold.HEADS = heads
    assert len(lines) == 3 * (len(threshold.RULES) + 1)
    assert all(line["gain"] == 0 for line in lines if line["rule"] == "none")
