"""Customs: which generated examples may enter the training part.

Each is examined on its own. It enters only if a model that was cross-fitted inside the training part agrees
with its label, it is not a copy of a training example, and it does not lie far outside of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.metrics.pairwise import euclidean_distances

from handful.strategies.heads import LogisticHead, inner_folds

FOLDS = 3
# Nearer to a training example than this share of the usual distance between neighbours, it is a copy.
COPY = 0.1
# Farther from all of them than this quantile of the distances between neighbours, times SLACK, it is far out.
FAR, SLACK = 0.99, 1.5


@dataclass(frozen=True)
class Customs:
    """What became of each generated example `(m,)`: `enters`, or the reason why it does not."""

    disagrees: np.ndarray
    copy: np.ndarray
    far: np.ndarray

    @property
    def enters(self) -> np.ndarray:
        return ~(self.disagrees | self.copy | self.far)


def examine(
    Z: np.ndarray,
    y: np.ndarray,
    made: np.ndarray,
    labels: np.ndarray,
    groups: np.ndarray | None = None,
    seed: int = 0,
) -> Customs:
    """Training part Z `(n, d)`, y `(n,)`; generated `made` `(m, d)` with `labels` `(m,)`.

    Where a class has one member, so that nothing can be cross-fitted, the model is fitted on all.
    """
    Z, made = np.asarray(Z, dtype=float), np.asarray(made, dtype=float)
    mean, std = Z.mean(axis=0), Z.std(axis=0)
    scale = np.where(std > 1e-9, std, 1.0)
    Z, made = (Z - mean) / scale, (made - mean) / scale
    near = neighbour_distances(Z)
    distance = euclidean_distances(made, Z).min(axis=1)
    return Customs(
        disagrees=_opinion(Z, y, made, groups, seed) != labels,
        copy=distance < COPY * np.median(near),
        far=distance > SLACK * np.quantile(near, FAR),
    )


def neighbour_distances(Z: np.ndarray) -> np.ndarray:
    """From each sample `(n, d)` to the nearest other one that is not the same, `(n,)`."""
    between = euclidean_distances(Z)
    between[between < 1e-6 * (between.max() or 1.0)] = np.inf
    near = between.min(axis=1)
    return near[np.isfinite(near)] if np.isfinite(near).any() else np.ones(1)


def _opinion(
    Z: np.ndarray, y: np.ndarray, made: np.ndarray, groups: np.ndarray | None, seed: int
) -> np.ndarray:
    """The label `(m,)` that models on parts of the training part give together."""
    classes = np.unique(y)
    if len(classes) < 2 or not len(made):
        return np.full(len(made), classes[0])
    folds = inner_folds(y, groups, FOLDS, seed, classes=True)
    parts = [a for a, _ in folds] or [np.arange(len(y))]
    models = [LogisticHead(Cs=(0.03,)).fit(Z[rows], y[rows]) for rows in parts]
    return classes[np.mean([m.predict_proba(made) for m in models], axis=0).argmax(axis=1)]
