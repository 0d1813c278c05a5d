"""The luck meter: what a single random split would have reported.

Most people divide their data once, at random, into 80 % to learn from and 20 % to test on, and report one
number. Here the stored out-of-fold predictions of the chosen model are scored on very many such fifths.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from handful.evidence.predictions import Predictions, Row

SPLITS = 1000
TEST_SHARE = 5  # one in five is tested on
LEVEL = 0.95


@dataclass(frozen=True)
class Luck:
    """Scores `(n_splits,)` of single splits, sorted; 95 % of them lie from `low` to `high`."""

    scores: np.ndarray

    @property
    def low(self) -> float:
        return float(np.quantile(self.scores, (1 - LEVEL) / 2))

    @property
    def high(self) -> float:
        return float(np.quantile(self.scores, (1 + LEVEL) / 2))


def luck(predictions: Predictions, row: Row, seed: int = 0) -> Luck | None:
    """The scores of `row` on random fifths of the samples, groups whole, classes in proportion.

    Each fifth takes its predictions from one repeat, the repeats in turn, so that with several of them the
    training parts vary too. None where fewer than ten fifths have a score (ROC-AUC of a single class).
    """
    if row.oof is None:
        return None
    n, repeats = len(predictions.y), len(row.oof)
    found = []
    for repeat, oof in enumerate(row.oof):
        held = np.flatnonzero(np.isfinite(oof.reshape(n, -1)[:, 0]))
        draws = len(range(repeat, SPLITS, repeats))
        weights = fifths(predictions.y[held], predictions.unit[held], draws, [seed, repeat, 17])
        found.append(predictions.metric(predictions.y[held], oof[held], weights))
    scores = np.sort(np.concatenate(found))
    scores = scores[np.isfinite(scores)]
    return Luck(scores) if len(scores) >= 10 else None


def fifths(y: np.ndarray, unit: np.ndarray, draws: int, seed: list[int]) -> np.ndarray:
    """Weights `(draws, n)`: 1 for a random fifth of the units, 0 elsewhere, every class in proportion.

    Units stand in line by class (a group by that of its first sample), at random within it, and every fifth
    of the line is taken from a random start: so each class gives a fifth of its units, rounded either way.
    """
    random = np.random.default_rng(seed)
    _, first, code = np.unique(unit, return_index=True, return_inverse=True)
    strata = y[first] if np.issubdtype(y.dtype, np.integer) else np.zeros(len(first))
    keys = strata + random.random((draws, len(first)))  # the whole part is the class, the rest is chance
    place = keys.argsort(axis=1).argsort(axis=1)
    start = random.integers(0, TEST_SHARE, (draws, 1))
    return (place % TEST_SHARE == start)[:, code].astype(float)
