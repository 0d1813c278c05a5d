"""A small version of benchmarks/unlabelled.py."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from unlabelled import drawn, gain, offered, pictures_of, scored, tell

NAMES = ["thumbnail svm", "thumbnail svm, label spreading"]


def test_label_spreading_brings_what_is_wanted_on_digits(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = pictures_of("digits")
    draws = []
    for seed in (3000, 3001):
        dataset, rows = drawn(whole, 5, 1000, seed)
        seen = np.concatenate([dataset.X.digests, dataset.unlabelled.digests])
        assert len(seen) == len(whole) and len(rows) == 50 and len(dataset.unlabelled) == 1000
        draws.append(scored(dataset, rows, seed, tmp_path / f"digits-{seed}", NAMES))
    assert scored(dataset, rows, seed, tmp_path / f"digits-{seed}", NAMES) == draws[1]  # from disk
    assert gain(draws, NAMES[1])[0] > 3
    assert tell({("digits", 5): draws}, 1000)
    said = capsys.readouterr().out
    assert f"| {NAMES[1]} | unlabelled data: label spreading | +" in said and "kept" in said


def test_everything_that_learns_from_unlabelled_data_is_compared_with_its_base() -> None:
    dataset, _ = drawn(pictures_of("digits"), 2, 10, 0)
    found = {c.name: c for c in offered(dataset)}
    learning = [c for c in found.values() if (c.technique or "").startswith("unlabelled data")]
    assert len(learning) >= 6 and all(c.base in found for c in learning)
