"""Predictions made by hand, for tests of what is computed from them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from handful.evidence.predictions import Predictions, Row
from handful.protocol.splits import Split
from handful.scoring import get_metric


def held_out(
    oofs: dict[str, np.ndarray],
    y: np.ndarray,
    *,
    metric: str = "accuracy",
    unit: np.ndarray | None = None,
    deep: Sequence[str] = (),
) -> Predictions:
    """Predictions of candidates with given out-of-fold scores `(n, K)` or `(R, n, K)` (values one axis less).

    Five folds. The candidate "baseline" is one; those named `deep` are networks; the others are classic.
    """
    n, task = len(y), "regression" if metric in ("r2", "rmse", "mae") else "classification"
    axes = 1 if task == "regression" else 2
    rows = []
    for cost, (name, scores) in enumerate(oofs.items()):
        family = "baseline" if name == "baseline" else "transfer" if name in deep else "classic"
        oof = scores[None] if scores.ndim == axes else scores
        rows.append(Row(name, name, family, cost, deep=name in deep, oof=oof))
    assert rows[0].oof is not None
    tests = np.array_split(np.arange(n), 5)
    splits = [
        Split(r, f, np.setdiff1d(np.arange(n), t), t, f)
        for r in range(len(rows[0].oof))
        for f, t in enumerate(tests)
    ]
    for row in rows:
        assert row.oof is not None
        row.train = [row.oof[s.repeat, s.train] for s in splits]
    classes = None if task == "regression" else np.arange(int(y.max()) + 1)
    unit = np.arange(n) if unit is None else unit
    return Predictions(y, unit, get_metric(metric, task, y, classes), splits, rows, [])


def right(y: np.ndarray, correct: np.ndarray, K: int = 2) -> np.ndarray:
    """Scores that name the true class where `correct` says so, and another elsewhere."""
    return np.eye(K)[np.where(correct, y, (y + 1) % K)]


def constant(y: np.ndarray, k: int = 0, K: int = 2) -> np.ndarray:
    """Scores that always name the class k."""
    return np.tile(np.eye(K)[k], (len(y), 1))
