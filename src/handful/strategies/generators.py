"""Generators: what learns the samples of a training part and makes up more of them, class by class."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.metrics.pairwise import euclidean_distances

from handful.strategies.covariance import Spread, shrunk


class Generator(BaseEstimator, ABC):
    """Learns from `fit(X, y, groups)`, then makes up examples with the labels that are asked for.

    `SPACE` says what X is: "features", a matrix `(n, d)`, or "X", the samples themselves (`Images` or a
    DataFrame). What `sample` gives has the same form. An expensive training is kept by
    `handful.strategies.stage.remembered`; weights are arrays, so that a fitted generator can be stored.
    """

    SPACE = "features"

    @abstractmethod
    def fit(self, X: Any, y: np.ndarray, groups: np.ndarray | None = None) -> Any:
        """X `(n, …)`, y `(n,)` labels."""

    @abstractmethod
    def sample(self, labels: np.ndarray, seed: int | None = None) -> Any:
        """As many made-up samples as `labels` `(m,)`, in their order; the same for the same seed.

        seed : None takes that of the generator
        """


class Gaussian(Generator):
    """For each class a normal distribution, its covariance shrunk (Ledoit & Wolf 2004).

    A class of one or two members takes the covariance of all classes around their means.
    """

    def __init__(self, random_state: int = 0) -> None:
        self.random_state = random_state

    def fit(self, X: Any, y: np.ndarray, groups: np.ndarray | None = None) -> Gaussian:
        self.classes_, self.means_, self.spreads_ = _spread(np.asarray(X, dtype=float), np.asarray(y))
        return self

    def sample(self, labels: np.ndarray, seed: int | None = None) -> np.ndarray:
        random = np.random.default_rng([self.random_state if seed is None else seed, 41])
        codes = np.searchsorted(self.classes_, labels)
        return self.means_[codes] + _noise(random, codes, self.spreads_)


class KDE(Generator):
    """For each class a kernel density estimate: a member, moved as the class is spread, only less.

    The kernel is normal with the shrunk covariance of the class times h², with h by Scott's rule for as many
    dimensions as the covariance fills (its participation ratio); and all is drawn a little to the mean, so
    that what is made varies as much as the class (the smoothed bootstrap with shrinkage of Silverman & Young,
    "The bootstrap: to smooth or not to smooth?", Biometrika 74, 1987).
    """

    def __init__(self, random_state: int = 0) -> None:
        self.random_state = random_state

    def fit(self, X: Any, y: np.ndarray, groups: np.ndarray | None = None) -> KDE:
        self.Z_, self.y_ = np.asarray(X, dtype=float), np.asarray(y)
        self.classes_, self.means_, self.spreads_ = _spread(self.Z_, self.y_)
        sizes = np.array([(self.y_ == label).sum() for label in self.classes_])
        filled = np.array([_filled(spread) for spread in self.spreads_])
        self.h_ = sizes ** (-1 / (filled + 4))
        return self

    def sample(self, labels: np.ndarray, seed: int | None = None) -> np.ndarray:
        random = np.random.default_rng([self.random_state if seed is None else seed, 47])
        codes, rows = np.searchsorted(self.classes_, labels), _members(random, self.y_, labels)
        h, mean = self.h_[codes, None], self.means_[codes]
        moved = self.Z_[rows] - mean + h * _noise(random, codes, self.spreads_)
        return mean + moved / np.sqrt(1 + h**2)


class SMOTE(Generator):
    """Between a member of the class and one of its nearest neighbours there, for every class.

    Chawla et al., "SMOTE: synthetic minority over-sampling technique", JAIR 16, 2002. A class of one member
    gives copies of it.
    """

    def __init__(self, neighbours: int = 5, random_state: int = 0) -> None:
        self.neighbours = neighbours
        self.random_state = random_state

    def fit(self, X: Any, y: np.ndarray, groups: np.ndarray | None = None) -> SMOTE:
        self.Z_, self.y_ = np.asarray(X, dtype=float), np.asarray(y)
        self.near_ = np.tile(np.arange(len(self.y_))[:, None], self.neighbours)  # (n, neighbours), itself
        for label in np.unique(self.y_):
            rows = np.flatnonzero(self.y_ == label)
            between = euclidean_distances(self.Z_[rows])
            np.fill_diagonal(between, np.inf)
            k = min(self.neighbours, len(rows) - 1)
            if k:  # fewer neighbours than wanted stand there several times
                nearest = rows[np.argsort(between, axis=1, kind="stable")[:, :k]]
                self.near_[rows] = nearest[:, np.arange(self.neighbours) % k]
        return self

    def sample(self, labels: np.ndarray, seed: int | None = None) -> np.ndarray:
        random = np.random.default_rng([self.random_state if seed is None else seed, 53])
        one = _members(random, self.y_, labels)
        other = self.near_[one, random.integers(0, self.neighbours, len(one))]
        return self.Z_[one] + random.random((len(one), 1)) * (self.Z_[other] - self.Z_[one])


def _spread(Z: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, list[Spread]]:
    """The classes, their means `(K, d)`, and the shrunk covariance of each."""
    classes, codes = np.unique(y, return_inverse=True)
    means = np.stack([Z[codes == k].mean(axis=0) for k in range(len(classes))])
    residuals = Z - means[codes]
    pooled = shrunk(residuals)
    own = [codes == k for k in range(len(classes))]
    return classes, means, [shrunk(residuals[rows]) if rows.sum() > 2 else pooled for rows in own]


def _filled(spread: Spread) -> float:
    """Over how many dimensions a covariance is spread, by its eigenvalues: (their sum)² / sum of squares."""
    rows, rest = spread
    total, d = (rows**2).sum(), rows.shape[1]
    squares = ((rows @ rows.T) ** 2).sum() + 2 * rest**2 * total + d * rest**4
    return float((total + d * rest**2) ** 2 / squares) if squares > 0 else 1.0


def _noise(random: np.random.Generator, codes: np.ndarray, spreads: list[Spread]) -> np.ndarray:
    """Normal noise `(m, d)` with the covariance of each one's class."""
    noise = random.standard_normal((len(codes), spreads[0][0].shape[1]))
    for k in np.unique(codes):
        rows, rest = spreads[k]
        mine = codes == k
        noise[mine] = rest * noise[mine] + random.standard_normal((mine.sum(), len(rows))) @ rows
    return noise


def _members(random: np.random.Generator, y: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """For each label the position of a sample of that class, drawn at random."""
    rows = np.empty(len(labels), dtype=int)
    for label in np.unique(labels):
        rows[labels == label] = random.choice(np.flatnonzero(y == label), (labels == label).sum())
    return rows


class Copies(Generator):
    """The samples themselves once more, drawn at random: what others must beat, and what customs stop."""

    SPACE = "X"

    def __init__(self, random_state: int = 0) -> None:
        self.random_state = random_state

    def fit(self, X: Any, y: np.ndarray, groups: np.ndarray | None = None) -> Copies:
        self.X_, self.y_ = X, np.asarray(y)
        return self

    def sample(self, labels: np.ndarray, seed: int | None = None) -> Any:
        random = np.random.default_rng([self.random_state if seed is None else seed, 43])
        rows = _members(random, self.y_, np.asarray(labels))
        if isinstance(self.X_, pd.DataFrame):
            return self.X_.iloc[rows].reset_index(drop=True)
        return np.asarray(self.X_[rows])
