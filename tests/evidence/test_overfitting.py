from __future__ import annotations

import numpy as np
import pytest

from handful.evidence.overfitting import words
from handful.scoring import get_metric

ACCURACY = get_metric("accuracy", "classification", np.array([0, 1]), np.arange(2))
RMSE = get_metric("rmse", "regression", np.array([0.0, 1.0]), None)


@pytest.mark.parametrize(
    ("metric", "train", "score", "baseline", "said"),
    [
        (ACCURACY, 0.92, 0.90, 0.5, "sound"),
        (ACCURACY, 1.0, 0.85, 0.5, "some overfitting"),
        (ACCURACY, 1.0, 0.7, 0.5, "overfits"),
        (ACCURACY, 1.0, 0.5, 0.5, "memorises"),
        (ACCURACY, 0.5, 0.5, 0.5, "underfits"),
        (RMSE, 0.1, 4.0, 10.0, "some overfitting: 61%"),
        (RMSE, 3.0, 3.1, 10.0, "sound"),
    ],
)
def test_words_follow_how_much_of_the_learned_holds(metric, train, score, baseline, said) -> None:  # type: ignore[no-untyped-def]
    assert words(metric, train, score, baseline).startswith(said)
