"""The gain of what is chosen among several over what is not, corrected for the choice.

The best of several is partly lucky, the more so the more there are. The choice is therefore repeated inside a
bootstrap: the best are picked on the samples drawn, as one would pick them, and their difference is taken on
those left out; the gain told is the mean over the draws (Tsamardinos, Greasidou & Borboudakis, "Bootstrapping
the out-of-sample predictions for efficient and accurate cross-validation", Machine Learning 107, 2018). The
interval has the paired errors of those that are picked, each as often as it is. With the error of the best on
all samples alone, what one wild error of another costs would seem certain, and so would the difference of two
that happen to have no dear mistake.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from handful.evidence.bootstrap import Bootstrap
from handful.evidence.comparison import Difference, difference, paired
from handful.evidence.contributions import contributions
from handful.evidence.ensemble import rounded
from handful.evidence.predictions import Predictions, Row

# The error of a difference between two that were each chosen among several, against that of two fixed ones
# (measured: benchmarks/told_apart.py).
SELECTED = 1.1

Pair = tuple[Row, Row]


def chosen_difference(
    predictions: Predictions, first: Sequence[Row], second: Sequence[Row], bootstrap: Bootstrap
) -> Difference:
    """The gain of the best of `first` over the best of `second`, corrected for both choices."""
    one, other = (contributions(predictions, rows)[:, predictions.covered] for rows in (first, second))
    i, j = (_drawn(predictions, share, bootstrap) for share in (one, other))
    found = _outside(predictions, one, other, i, j, bootstrap)
    return Difference(found.value, SELECTED * found.error, found.n)


def paired_gain(
    predictions: Predictions, bootstrap: Bootstrap, pairs: Sequence[Pair]
) -> tuple[Pair, Difference]:
    """The pair `(with, without)` whose first is best, and the gain of picking a pair in this way."""
    held = predictions.covered
    first, second = (contributions(predictions, rows)[:, held] for rows in zip(*pairs, strict=True))
    picked = pairs[int(rounded(first.mean(axis=1)).argmax())]
    if len(pairs) == 1:
        return picked, difference(predictions, *picked)
    i = _drawn(predictions, first, bootstrap)
    return picked, _outside(predictions, first, second, i, i, bootstrap)


def _drawn(predictions: Predictions, share: np.ndarray, bootstrap: Bootstrap) -> np.ndarray:
    """Which row of `share` `(C, n)` is best on the samples of each draw, `(B,)`."""
    weights = bootstrap.weights[:, predictions.covered]
    return rounded(weights @ share.T / weights.sum(axis=1, keepdims=True)).argmax(axis=1)


def _outside(
    predictions: Predictions,
    first: np.ndarray,
    second: np.ndarray,
    i: np.ndarray,
    j: np.ndarray,
    bootstrap: Bootstrap,
) -> Difference:
    """Of rows `i` `(B,)` of `first` `(C, n)` against rows `j` of `second`, on what each draw left out."""
    left_out = bootstrap.left_out[:, predictions.covered]
    draws = np.arange(len(left_out))
    with np.errstate(invalid="ignore", divide="ignore"):
        gains = ((left_out @ first.T)[draws, i] - (left_out @ second.T)[draws, j]) / left_out.sum(axis=1)
    chosen, times = np.unique(np.column_stack([i, j]), axis=0, return_counts=True)
    errors = [paired(predictions, first[a] - second[b]).error for a, b in chosen]
    error = float(np.sqrt(np.average(np.square(errors), weights=times)))
    return Difference(float(np.nanmean(gains)), error, len(predictions.covered))
