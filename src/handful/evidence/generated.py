"""How far generated examples are like real ones: density, coverage, variety.

Naeem, Oh, Uh, Choi & Yoo, "Reliable fidelity and diversity metrics for generative models", ICML 2020: around
each real example lies a ball that reaches to its k-th nearest real neighbour. Coverage is the share of balls
with a generated example inside; density counts in how many balls a generated example lies, so that it is
large where they crowd where real ones do. Both are taken class by class, since a generated cat near real dogs
is no cat. Density of fresh real examples is 1 on average, and what their coverage would be is known exactly.
Neither notices a generator that repeats its examples: copies are counted apart, by
`handful.strategies.customs`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.metrics.pairwise import euclidean_distances

NEIGHBOURS = 5


@dataclass(frozen=True)
class Likeness:
    """Means over classes, each weighted by its real examples.

    `coverage` within 0…1 and `coverage_if_real`, what as many fresh real examples would reach on average;
    `density` from 0, 1 for fresh real ones; `variety`: how far two generated examples of a class lie apart on
    average, over how far two real ones do.
    """

    density: float
    coverage: float
    coverage_if_real: float
    variety: float | None


def likeness(
    real: np.ndarray, y: np.ndarray, made: np.ndarray, labels: np.ndarray, k: int = NEIGHBOURS
) -> Likeness | None:
    """Real `(n, d)` with labels y `(n,)`, generated `(m, d)` with `labels` `(m,)`, in one scale.

    k is smaller in classes of no more than k examples. None where no class has two real examples and a
    generated one.
    """
    found, weights = [], []
    for label in np.unique(labels):
        own, new = real[y == label], made[labels == label]
        if len(own) < 2:
            continue
        few = min(k, len(own) - 1)
        density, coverage = density_and_coverage(own, new, few)
        found.append((density, coverage, coverage_if_real(len(own), len(new), few), _variety(own, new)))
        weights.append(len(own))
    if not found:
        return None
    parts = np.array(found, dtype=float)  # (classes, 4), NaN where a class has no variety
    known = np.isfinite(parts[:, 3])
    variety = float(np.average(parts[known, 3], weights=np.array(weights)[known])) if known.any() else None
    density, coverage, expected = (float(v) for v in np.average(parts[:, :3], axis=0, weights=weights))
    return Likeness(density, coverage, expected, variety)


def density_and_coverage(real: np.ndarray, made: np.ndarray, k: int) -> tuple[float, float]:
    """Both of one class: real `(n, d)`, generated `(m, d)`, 1 <= k < n.

    >>> line = np.arange(4.0)[:, None]
    >>> density_and_coverage(line, np.array([[0.5], [9.0]]), k=1)
    (1.0, 0.5)
    """
    between = euclidean_distances(real)
    np.fill_diagonal(between, -1.0)  # itself, whatever the rounding
    radius = np.sort(between, axis=1)[:, k]  # (n,)
    away = euclidean_distances(made, real)  # (m, n)
    inside = away <= radius
    return float(inside.sum() / (k * len(made))), float(inside.any(axis=0).mean())


def coverage_if_real(n: int, m: int, k: int) -> float:
    """The coverage that m fresh real examples reach on average with n others (Naeem et al., equation 8).

    A ball stays empty where the k nearest of the n - 1 + m others are all among the n - 1.

    >>> round(coverage_if_real(1000, 1000, 5), 3)
    0.969
    """
    steps = np.arange(1, k + 1)
    return float(1 - np.prod((n - steps) / (n + m - steps)))


def _variety(real: np.ndarray, made: np.ndarray) -> float:
    """Mean distance of two generated examples over that of two real ones; NaN where there are no two."""
    if len(made) < 2:
        return np.nan
    apart, usual = (euclidean_distances(Z)[np.triu_indices(len(Z), 1)].mean() for Z in (made, real))
    return float(apart / usual) if usual > 0 else np.nan
