"""Customs: which generated examples may enter the training part.

Each is examined on its own, in the features that the model sees. It enters only if models that were
cross-fitted inside the training part agree with its label, it is not a copy of a training example, and it
does not lie far outside of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.metrics.pairwise import euclidean_distances

from handful.strategies.candidate import accepts
from handful.strategies.heads import LogisticHead, inner_folds

FOLDS = 3
# Nearer to a training example than this share of the usual distance between neighbours, it is a copy: few
# fresh examples come so near by chance, and nearly all copies with a little noise (benchmarks/synthesis.py).
COPY = 0.1
# Farther from all of them than this quantile of the distances between neighbours, times SLACK, it is far out.
FAR, SLACK = 0.99, 1.5
_SAME = 1e-6  # of the largest distance: rounding


@dataclass(frozen=True)
class Customs:
    """What became of each generated example `(m,)`: `enters`, or the reasons why it does not."""

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
    model: Any = None,
) -> Customs:
    """Judge generated samples against a training part Z `(n, d)`, y `(n,)`.

    `made` `(m, d)` are the samples, `labels` `(m,)` what they are meant to be.
    Z is what a model sees: one scale for all columns is set here, no more. `model` is the classifier that is
    cross-fitted, logistic regression unless given. Where a class has one member, so that nothing can be held
    out, it is fitted on all. Samples that are not finite numbers count as far out.
    """
    Z, made = np.asarray(Z, dtype=float), np.asarray(made, dtype=float)
    y, labels = np.asarray(y), np.asarray(labels)
    broken = ~np.isfinite(made).all(axis=1)
    mean, scale = Z.mean(axis=0), float(np.sqrt(Z.var(axis=0).mean())) or 1.0
    Z, made = (Z - mean) / scale, (np.where(broken[:, None], mean, made) - mean) / scale
    near = neighbour_distances(Z, groups)
    distance = distances_to(made, Z)
    return Customs(
        disagrees=_opinion(Z, y, made, groups, seed, model) != labels,
        copy=(distance < COPY * np.median(near)) & ~broken,
        far=(distance > SLACK * np.quantile(near, FAR)) | broken,
    )


def neighbour_distances(Z: np.ndarray, groups: np.ndarray | None = None) -> np.ndarray:
    """From each sample `(n, d)` to the nearest that is neither the same nor of its group, at most `(n,)`.

    Ones where there is none at all.
    """
    between = euclidean_distances(Z)
    between[between < _SAME * (between.max() or 1.0)] = np.inf
    if groups is not None:
        groups = np.asarray(groups)
        between[groups[:, None] == groups] = np.inf
    near = between.min(axis=1)
    return near[np.isfinite(near)] if np.isfinite(near).any() else np.ones(1)


def distances_to(made: np.ndarray, Z: np.ndarray) -> np.ndarray:
    """From each generated sample `(m, d)` to the nearest of Z `(n, d)`, `(m,)`; 0 where it is the same."""
    if not len(made):
        return np.zeros(0)
    between = euclidean_distances(made, Z)
    between[between < _SAME * (between.max() or 1.0)] = 0
    return between.min(axis=1)


def _opinion(
    Z: np.ndarray, y: np.ndarray, made: np.ndarray, groups: np.ndarray | None, seed: int, model: Any
) -> np.ndarray:
    """The label `(m,)` that models on parts of the training part give together."""
    classes = np.unique(y)
    if len(classes) < 2 or not len(made):
        return np.full(len(made), classes[0])
    folds = inner_folds(y, groups, FOLDS, seed, classes=True)
    parts = [learned for learned, _ in folds] or [np.arange(len(y))]
    scores = np.zeros((len(made), len(classes)))
    for rows in parts:
        fitted = clone(LogisticHead(Cs=(0.3,)) if model is None else model)
        beside = {"groups": groups[rows]} if groups is not None and accepts(fitted.fit, "groups") else {}
        scores += fitted.fit(Z[rows], y[rows], **beside).predict_proba(made)
    return classes[scores.argmax(axis=1)]
