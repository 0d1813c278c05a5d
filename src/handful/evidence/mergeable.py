"""Classes that cannot be told apart with this many examples, and the score if they were one class.

For two classes a and b, p_a / (p_a + p_b) of the chosen row's out-of-fold probabilities should be larger on
examples of a. How often it is, over all pairs of one example each, is the area under the ROC curve, and is
tested against chance as by Mann and Whitney ("On a test of whether one of two random variables is
stochastically larger than the other", 1947). Out-of-fold scores depend on each other, so the standard error
of that test is made larger as by Nadeau and Bengio ("Inference for the generalization error", Machine
Learning 52, 2003): by sqrt(1 + k / (k - 1)) for k folds, which is 1.5 for five.

Pairs that are not found better than chance are named, so a correction for the number of pairs would name
more; each pair is tested by itself at 5 %, and one that is put right in 80 % of cases is never named.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy.stats import norm, rankdata

from handful.evidence.predictions import Predictions, Row
from handful.scoring import cost_metric

ALPHA = 0.05
SURELY_APART = 0.8  # pairs put right more often than this are never named
FEWEST = 5  # units (groups, or examples) of a class below which nothing is said of it


@dataclass(frozen=True)
class Mergeable:
    """Classes (codes) that could not be told apart.

    `apart` is the share of pairs, one example of each class, that the model puts right (0.5 is chance; the
    largest where there are more than two classes); `merged` is the run's metric if they were one class.
    """

    classes: tuple[int, ...]
    apart: float
    merged: float


def mergeable(predictions: Predictions, chosen: Row) -> list[Mergeable]:
    """Sets of classes of which no two can be told apart, the worst first; at least two classes are left."""
    if chosen.oof is None or chosen.oof.ndim == 2 or chosen.oof.shape[2] < 3:
        return []
    level = level_pairs(predictions, chosen)
    found = []
    for classes in _sets(level):
        if len(classes) < chosen.oof.shape[2]:
            apart = max(level[pair] for pair in combinations(classes, 2))
            found.append(Mergeable(classes, apart, merged_score(predictions, chosen, classes)))
    return sorted(found, key=lambda m: (m.apart, m.classes))


def level_pairs(predictions: Predictions, row: Row) -> dict[tuple[int, int], float]:
    """Pairs of classes that a row does not tell apart better than chance, with the share put right."""
    assert row.oof is not None
    scores = np.nanmean(row.oof[:, predictions.covered], axis=0)  # (n, K)
    y, unit = predictions.y[predictions.covered], predictions.unit[predictions.covered]
    folds = max(2, sum(s.repeat == 0 for s in predictions.splits))
    inflation = np.sqrt(1 + folds / (folds - 1))
    found = {}
    for a, b in combinations(range(scores.shape[1]), 2):
        share, error = told_apart(*(_shares(scores, y, unit, k, (a, b)) for k in (a, b)))
        if share < SURELY_APART and norm.sf((share - 0.5) / (error * inflation)) > ALPHA:
            found[a, b] = share
    return found


def told_apart(of_a: np.ndarray, of_b: np.ndarray) -> tuple[float, float]:
    """How often a value of `of_a` is above one of `of_b` (ties half), and its standard error under chance.

    >>> told_apart(np.array([0.9, 0.8, 0.7, 0.6, 0.5]), np.array([0.5, 0.4, 0.3, 0.2, 0.1]))
    (0.98, 0.19148542155126763)
    """
    m, n = len(of_a), len(of_b)
    if min(m, n) < FEWEST:
        return 1.0, 1.0
    above = rankdata(np.r_[of_a, of_b])[:m].sum() - m * (m + 1) / 2
    return float(above / (m * n)), float(np.sqrt((m + n + 1) / (12 * m * n)))


def _shares(scores: np.ndarray, y: np.ndarray, unit: np.ndarray, k: int, pair: tuple[int, int]) -> np.ndarray:
    """p_a / (p_a + p_b) of the examples of class k, one value a unit: copies are no further evidence."""
    of_k = scores[y == k]
    both = of_k[:, pair[0]] + of_k[:, pair[1]]
    share = np.where(both > 0, of_k[:, pair[0]] / np.where(both > 0, both, 1), 0.5)
    code = np.unique(unit[y == k], return_inverse=True)[1]
    return np.bincount(code, share) / np.bincount(code)


def _sets(pairs: dict[tuple[int, int], float]) -> list[tuple[int, ...]]:
    """Sets in which every two classes are a pair, grown from the worst pair on; every pair is in one."""
    sets: list[tuple[int, ...]] = []
    for pair in sorted(pairs, key=lambda pair: (pairs[pair], pair)):
        for i, classes in enumerate(sets):
            more = tuple(sorted({*classes, *pair}))
            if all(two in pairs for two in combinations(more, 2)) and len({*classes} & {*pair}):
                sets[i] = more
                break
        else:
            sets.append(pair)
    return list(dict.fromkeys(sets))


def merged_score(predictions: Predictions, row: Row, classes: Sequence[int]) -> float:
    """The run's metric with these classes as one: their probabilities added, nothing fitted anew."""
    assert row.oof is not None
    K = row.oof.shape[2]
    code = np.zeros(K, dtype=int)
    rest = [k for k in range(K) if k not in classes[1:]]
    code[rest] = np.arange(len(rest))
    code[list(classes[1:])] = code[classes[0]]
    added = row.oof @ np.eye(len(rest))[code]  # (R, n, K - merged)
    renamed = Row(row.name, row.label, row.family, row.cost, oof=added)
    metric = predictions.metric
    if metric.costs is not None:  # what a mistake about the new class costs: the mean over its parts
        parts = np.eye(len(rest))[code]
        parts = parts / parts.sum(axis=0)
        matrix = parts.T @ np.array(metric.costs) @ parts * (1 - np.eye(len(rest)))
        metric = cost_metric(tuple(map(tuple, matrix.tolist())), [str(k) for k in rest])
    of = Predictions(code[predictions.y], predictions.unit, metric, predictions.splits, [renamed], [])
    return float(of.score(renamed)[0])
