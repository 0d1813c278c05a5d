"""Choosing, and what score to expect of the chosen: never the winner's own cross-validated score.

The best of many cross-validated scores is too good: somebody had to be lucky. Bootstrap bias-corrected
cross-validation repeats the choice on resampled out-of-fold predictions and scores each choice on the
samples it did not see; it needs no further fit.

Tsamardinos, Greasidou & Borboudakis, "Bootstrapping the out-of-sample predictions for efficient and accurate
cross-validation", Machine Learning 107, 2018.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from handful.evidence.predictions import Predictions, Row

LEVEL = 0.95
# Selection makes the score of the chosen vary more than that of a model fixed beforehand; 1.3 gave 95 %
# coverage over eight data sets with 25 candidates at n = 50, 100 and 200 (see docs/design.md).
SELECTION_FACTOR = 1.3


@dataclass(frozen=True)
class Interval:
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Bootstrap:
    """Weights `(B, n)` of B draws of samples, groups whole."""

    weights: np.ndarray

    @property
    def left_out(self) -> np.ndarray:
        return (self.weights == 0).astype(float)


def draw(unit: np.ndarray, covered: np.ndarray, B: int = 1000, seed: int = 0) -> Bootstrap:
    """B bootstrap draws of the covered samples; those of one unit come and go together."""
    names, code = np.unique(unit[covered], return_inverse=True)
    random = np.random.default_rng([seed, 7])
    counts = random.multinomial(len(names), np.full(len(names), 1 / len(names)), size=B)
    weights = np.zeros((B, len(unit)))
    weights[:, covered] = counts[:, code]
    return Bootstrap(weights)


def winner(predictions: Predictions) -> Row:
    """The row with the best score; among equals the cheapest to predict with, then by name."""
    rows = predictions.sound
    scores = [float(predictions.metric.gain(predictions.score(r)[0])) for r in rows]
    return rows[int(np.nanargmax(scores))]


def followed(predictions: Predictions) -> list[str]:
    """Those that further questions are asked of: what is served, the best deep and the best other one."""
    chosen = winner(predictions)
    best = [best_single(predictions, deep) for deep in (True, False)]
    names = [*(chosen.members or [chosen.name]), *(row.name if row is not None else None for row in best)]
    return list(dict.fromkeys(name for name in names if name is not None))


def best_single(predictions: Predictions, deep: bool) -> Row | None:
    """The best plain candidate with, or without, a neural network in it; None where there is none."""
    gain = predictions.metric.gain
    rows = [r for r in predictions.sound if r.members is None and r.family != "baseline" and r.deep == deep]
    return max(rows, key=lambda r: float(gain(predictions.score(r)[0])), default=None)


def expected(predictions: Predictions, bootstrap: Bootstrap, refit_step: float = 0.0) -> Interval:
    """The score of the chosen model on new data, corrected for having been chosen, with a 95 % interval.

    The value is the mean, over the draws, of the out-of-bag score of each draw's winner. `refit_step` is what
    its learning curve says that learning from all data will add.
    """
    rows, metric = predictions.sound, predictions.metric
    inside = np.array([predictions.score(r, bootstrap.weights) for r in rows])  # (C, B)
    left_out = bootstrap.left_out
    left_out[:, np.setdiff1d(np.arange(len(predictions.y)), predictions.covered)] = 0
    outside = np.array([predictions.score(r, left_out) for r in rows])
    gains = np.where(np.isnan(inside), -np.inf, metric.gain(inside))
    chosen = outside[gains.argmax(axis=0), np.arange(inside.shape[1])]
    value = float(np.nanmean(chosen)) + refit_step
    if metric.name in ("accuracy", "balanced_accuracy"):
        value = min(1.0, max(0.0, value))
        best = rows.index(winner(predictions))
        n = effective_n(float(predictions.score(rows[best])[0]), inside[best], len(predictions.covered))
        return Interval(value, *wilson(value, n / SELECTION_FACTOR))
    if metric.percent:
        value = min(1.0, value)
    low, high = np.nanquantile(chosen, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]) + refit_step
    return Interval(value, min(float(low), value), max(float(high), value))


def interval(predictions: Predictions, row: Row, bootstrap: Bootstrap) -> Interval | None:
    """A row's own score with its sampling error (not corrected for selection); None without scores."""
    if row.oof is None:
        return None
    value = float(predictions.score(row)[0])
    draws = predictions.score(row, bootstrap.weights)
    if predictions.metric.name in ("accuracy", "balanced_accuracy"):
        return Interval(value, *wilson(value, effective_n(value, draws, len(predictions.covered))))
    low, high = np.nanquantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(value, float(low), float(high))


def effective_n(p: float, draws: np.ndarray, n: int) -> float:
    """How many independent examples the n are worth: fewer where groups make scores vary more."""
    variance = float(np.nanvar(draws))
    design = variance / (p * (1 - p) / n) if 0 < p < 1 else 1.0
    return n / max(1.0, design)


def wilson(p: float, n: float) -> tuple[float, float]:
    """Wilson's interval for a share p of n (real number) examples; never empty, also at 0 and 1."""
    z = float(norm.ppf((1 + LEVEL) / 2))
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return float(max(0.0, centre - half)), float(min(1.0, centre + half))
