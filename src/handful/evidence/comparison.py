"""Which candidates cannot be told apart from the best, what it would take to tell, and the cheapest of them.

All candidates were examined on the same samples, so the difference of two of them is a mean of paired
differences, sample by sample (repeats averaged), and its error follows from their spread over the groups.
The models of different folds learned from overlapping samples, which makes their errors move together: the
plain error is multiplied by `TRAINING` (Nadeau & Bengio, "Inference for the generalization error", Machine
Learning 52, 2003, derive such a factor; theirs, 1.5 for five folds, proved too wide for pooled predictions).
A candidate belongs to the group of the best unless some other beats it by more than the largest difference
that luck alone brings about among that many candidates (multiple comparisons with the best: Hsu, Annals of
Statistics 9, 1981), the luck being drawn with random multipliers (Chernozhukov, Chetverikov & Kato, Annals of
Statistics 41, 2013).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from handful.costs import class_costs
from handful.evidence.contributions import contributions, deviations, squared_distances
from handful.evidence.predictions import Predictions, Row

LEVEL = 0.95
POWER = 0.8
MULTIPLIERS = 1000
# What overlapping training parts add to the error of a difference: measured, see benchmarks/told_apart.py.
TRAINING = 1.25
MOST_EXAMPLES = 100_000


@dataclass(frozen=True)
class Difference:
    """How much better one candidate is than another (gain: more is always better), with its error."""

    value: float
    error: float
    n: int

    def interval(self, level: float = LEVEL) -> tuple[float, float]:
        reach = float(norm.ppf((1 + level) / 2)) * self.error
        return self.value - reach, self.value + reach

    def examples_to_tell(self, least: float = 0.0) -> int | None:
        """Examples at which such a difference would be found in 80 of 100 cases; None beyond counting.

        The error shrinks with the root of the number of examples. `least` is the smallest difference looked
        for, where the one seen is smaller.
        """
        size = max(abs(self.value), least)
        if self.error == 0:
            return self.n if size > 0 else None
        wanted = size / (norm.ppf((1 + LEVEL) / 2) + norm.ppf(POWER))
        if size <= 0 or self.n * (self.error / wanted) ** 2 > MOST_EXAMPLES:
            return None
        return int(np.ceil(self.n * (self.error / wanted) ** 2))


def difference(predictions: Predictions, better: Row, worse: Row) -> Difference:
    """The paired difference of two rows on the samples that were held out."""
    pair = contributions(predictions, [better, worse])[:, predictions.covered]
    return paired(predictions, pair[0] - pair[1])


def paired(predictions: Predictions, differences: np.ndarray) -> Difference:
    """The mean of one difference a sample held out, `(n,)`, with its error."""
    spread = deviations(differences, predictions.unit[predictions.covered])
    error = TRAINING * float(np.sqrt((spread**2).sum() + _floor(predictions)))
    return Difference(float(differences.mean()), error, len(predictions.covered))


def _floor(predictions: Predictions) -> float:
    """The least variance of a difference: two that never differ on few samples may still differ.

    As if one more sample had been right for one of the two alone (Agresti & Min, Statistics in Medicine 24,
    2005, add as much to a table of pairs). Only for shares and costs: other metrics differ wherever
    predictions do. Of costs it is the usual mistake, an average over the samples.
    """
    if predictions.metric.name not in ("accuracy", "balanced_accuracy", "cost"):
        return 0.0
    costs = predictions.metric.costs
    usual = 1.0 if costs is None else float(class_costs(costs)[predictions.y[predictions.covered]].mean())
    return usual**2 / len(np.unique(predictions.unit[predictions.covered])) ** 2


def above_guess(predictions: Predictions) -> list[Row]:
    """The rows that score higher than the baseline."""
    gain = predictions.metric.gain
    floor = gain(predictions.score(predictions.baseline())[0])
    return [row for row in predictions.sound if gain(predictions.score(row)[0]) > floor]


def tie_group(predictions: Predictions, rows: Sequence[Row] | None = None, seed: int = 0) -> list[str]:
    """Names of the candidates that cannot be told apart from the best, best first.

    All but the baseline are compared, unless `rows` are given.
    """
    rows = [r for r in predictions.sound if r.family != "baseline"] if rows is None else list(rows)
    if not rows:
        return []
    held = predictions.covered
    share = contributions(predictions, rows)[:, held]  # (C, n)
    means = share.mean(axis=1)
    spread = deviations(share, predictions.unit[held])  # (C, G)
    luck = np.random.default_rng([seed, 13]).normal(size=(MULTIPLIERS, spread.shape[1])) @ spread.T  # (B, C)
    rounding = 1e-24 * float((spread**2).sum(axis=1).max()) or 1.0
    error = np.sqrt(squared_distances(spread) + _floor(predictions) + rounding)  # (C, C)
    behind = []
    for c in range(len(rows)):
        lead = (means - means[c]) / (TRAINING * error[c])
        reach = np.quantile(((luck - luck[:, [c]]) / error[c]).max(axis=1), (1 + LEVEL) / 2)
        behind.append(bool(lead.max() > max(reach, 1.96)))
    order = np.argsort(-means, kind="stable")
    return [rows[i].name for i in order if not behind[i]]


def cheapest(rows: Sequence[Row]) -> Row:
    """The one that costs least to predict with, then the smallest."""
    return min(rows, key=lambda r: (r.cost, np.inf if r.parameters is None else r.parameters, r.name))
