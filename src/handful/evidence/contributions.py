"""What each sample adds to a score: with it, every difference of scores is a mean over samples.

A score is, to first order, the mean of one number a sample: for accuracy, whether it was predicted right; for
the other metrics, the score plus the sample's influence on it (how fast the score would change if the sample
weighed more). Differences between candidates are then paired, sample by sample; their errors follow from the
spread of those numbers over the groups, and thousands of resampled scores are one product of matrices.

Hampel, "The influence curve and its role in robust estimation", JASA 69, 1974; Efron, "The jackknife, the
bootstrap and other resampling plans", 1982 (the infinitesimal jackknife); for the area under the curve
DeLong, DeLong & Clarke-Pearson, Biometrics 44, 1988.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from handful.evidence.predictions import Predictions, Row
from handful.scoring import Metric, sample_cost, sample_log_loss


def contributions(
    predictions: Predictions, rows: Sequence[Row], seen: np.ndarray | None = None
) -> np.ndarray:
    """`(C, n)`: the mean of a line over the samples held out is the row's gain (more is better).

    Averaged over repeats; NaN where a sample was never held out, or is not in `seen` `(n,)` (None: all are):
    those have no say in the others, and a repeat of which too little is seen for a score has none either. For
    F1 of one class in a two-class problem and all other metrics of `handful.scoring`.
    """
    seen = np.ones(len(predictions.y), dtype=bool) if seen is None else seen
    return np.array([_of_row(predictions, row, seen) for row in rows]).reshape(len(rows), len(predictions.y))


def _of_row(predictions: Predictions, row: Row, seen: np.ndarray) -> np.ndarray:
    assert row.oof is not None
    n = len(predictions.y)
    total, scores = np.zeros(n), []
    times = np.zeros(n)
    for oof in row.oof:
        known = np.isfinite(oof.reshape(n, -1)[:, 0])
        if not known.any():  # a repeat that a candidate stopped early has not seen
            continue
        held = np.flatnonzero(known & seen)
        y = predictions.y[held]
        score = predictions.metric.value(y, oof[held]) if len(held) else np.nan
        if np.isnan(score) and len(held) < known.sum():  # all or most of it is hidden: it had one split
            continue
        influence = INFLUENCE[predictions.metric.name](predictions.metric, y, oof[held], score)
        total[held] += influence
        times[held] += 1
        scores.append(score)
    with np.errstate(invalid="ignore"):
        return np.asarray(predictions.metric.gain(np.mean(scores or [np.nan]) + total / times))


def by_unit(values: np.ndarray, unit: np.ndarray) -> np.ndarray:
    """Values `(…, n)` summed over the samples of each unit, `(…, G)`: units are what varies by itself."""
    _, code = np.unique(unit, return_inverse=True)
    summed = np.zeros((*values.shape[:-1], code.max() + 1))
    np.add.at(np.moveaxis(summed, -1, 0), code, np.moveaxis(values, -1, 0))
    return summed


def deviations(differences: np.ndarray, unit: np.ndarray) -> np.ndarray:
    """`(…, G)` deviations whose root sum of squares is the standard error of the mean of `(…, n)`."""
    n = differences.shape[-1]
    summed = by_unit(differences - differences.mean(axis=-1, keepdims=True), unit)
    groups = summed.shape[-1]
    return summed / n * np.sqrt(groups / max(1, groups - 1))


def standard_error(share: np.ndarray, unit: np.ndarray) -> np.ndarray:
    """`(…,)`: how much the mean of contributions `(…, n)` varies from sample to sample, groups whole."""
    return np.sqrt((deviations(share, unit) ** 2).sum(axis=-1))


def squared_distances(spread: np.ndarray) -> np.ndarray:
    """Variances `(C, C)` of the difference of each two rows, from their deviations `(C, G)`."""
    norms = (spread**2).sum(axis=1)
    return np.maximum(norms[:, None] + norms[None] - 2 * spread @ spread.T, 0.0)


# --- the influence of each sample: `(n,)` with mean 0


def _accuracy(metric: Metric, y: np.ndarray, scores: np.ndarray, score: float) -> np.ndarray:
    return (scores.argmax(axis=1) == y) - score


def _balanced_accuracy(metric: Metric, y: np.ndarray, scores: np.ndarray, score: float) -> np.ndarray:
    hit = scores.argmax(axis=1) == y
    there = np.unique(y)
    out = np.zeros(len(y))
    for k in there:
        mine = y == k
        out[mine] = (hit[mine] - hit[mine].mean()) * len(y) / (mine.sum() * len(there))
    return out


def _log_loss(metric: Metric, y: np.ndarray, scores: np.ndarray, score: float) -> np.ndarray:
    return sample_log_loss(y, scores) - score


def _cost(metric: Metric, y: np.ndarray, scores: np.ndarray, score: float) -> np.ndarray:
    assert metric.costs is not None
    return sample_cost(y, scores, metric.costs) - score


def _mae(metric: Metric, y: np.ndarray, scores: np.ndarray, score: float) -> np.ndarray:
    return np.abs(y - scores) - score


def _rmse(metric: Metric, y: np.ndarray, scores: np.ndarray, score: float) -> np.ndarray:
    return ((y - scores) ** 2 - score**2) / (2 * score) if score > 0 else np.zeros(len(y))


def _r2(metric: Metric, y: np.ndarray, scores: np.ndarray, score: float) -> np.ndarray:
    spread = (y - y.mean()) ** 2
    variance = spread.mean()
    if variance == 0:
        return np.zeros(len(y))
    return (-((y - scores) ** 2) + (1 - score) * spread) / variance


def _roc_auc(metric: Metric, y: np.ndarray, scores: np.ndarray, score: float) -> np.ndarray:
    K = scores.shape[1]
    wanted = [1] if K == 2 else [k for k in range(K) if (y == k).any()]
    return np.mean([_placements(y == k, scores[:, k]) for k in wanted], axis=0)


def _placements(positive: np.ndarray, score: np.ndarray) -> np.ndarray:
    """How much of the other class each sample is on the right side of, centred and scaled to its class."""
    out = np.zeros(len(positive))
    for mine, sign in ((positive, 1), (~positive, -1)):
        other = np.sort(score[~mine])
        below = np.searchsorted(other, score[mine]) + np.searchsorted(other, score[mine], side="right")
        placed = sign * below / (2 * len(other))  # ties count half
        out[mine] = (placed - placed.mean()) * len(positive) / mine.sum()
    return out


def _f1(metric: Metric, y: np.ndarray, scores: np.ndarray, score: float) -> np.ndarray:
    K, predicted = scores.shape[1], scores.argmax(axis=1)
    parts = []
    for k in range(K):
        hit = ((y == k) & (predicted == k)).astype(float)
        named = (y == k).astype(float) + (predicted == k)
        if named.sum() > 0:
            f1 = 2 * hit.sum() / named.sum()
            parts.append((f1, len(y) * (2 * hit - f1 * named) / named.sum()))
    if K == 2:  # the metric is that of the rarer class, or of both; whichever it is has the same score
        alone = [influence for f1, influence in parts if np.isclose(f1, score)]
        if alone:
            return alone[0]
    return np.mean([influence for _, influence in parts], axis=0)


Influence = Callable[[Metric, np.ndarray, np.ndarray, float], np.ndarray]
INFLUENCE: dict[str, Influence] = {
    "accuracy": _accuracy,
    "balanced_accuracy": _balanced_accuracy,
    "log_loss": _log_loss,
    "roc_auc": _roc_auc,
    "f1": _f1,
    "cost": _cost,
    "mae": _mae,
    "rmse": _rmse,
    "r2": _r2,
}
