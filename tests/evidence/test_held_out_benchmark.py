"""A small version of benchmarks/held_out.py."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from held_out import coverage


@pytest.mark.parametrize(
    ("metric", "kind", "truth", "width"),
    [
        ("roc_auc", "hidden", 0.92, 0.45),
        ("roc_auc", "easier", 0.99, 0.4),
        ("balanced_accuracy", "hidden", 0.92, 0.4),
    ],
)
def test_a_test_set_with_five_positives_is_told_with_an_interval_that_holds(
    metric: str, kind: str, truth: float, width: float
) -> None:
    true, held, wide = coverage(metric, (200, 5), kind, 200)
    assert true == pytest.approx(truth, abs=0.01) and held >= 0.92 and wide < width
