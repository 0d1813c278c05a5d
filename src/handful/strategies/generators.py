"""Generators: what learns the samples of a training part and makes up more of them, class by class."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.covariance import ledoit_wolf


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
        Z, y = np.asarray(X, dtype=float), np.asarray(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        self.means_ = np.stack([Z[codes == k].mean(axis=0) for k in range(len(self.classes_))])
        residuals = Z - self.means_[codes]
        pooled = _root(residuals)
        self.roots_ = [
            _root(residuals[codes == k]) if (codes == k).sum() > 2 else pooled
            for k in range(len(self.classes_))
        ]
        return self

    def sample(self, labels: np.ndarray, seed: int | None = None) -> np.ndarray:
        random = np.random.default_rng([self.random_state if seed is None else seed, 41])
        noise = random.standard_normal((len(labels), self.means_.shape[1]))
        codes = np.searchsorted(self.classes_, labels)
        made = np.empty_like(noise)
        for k in np.unique(codes):
            made[codes == k] = self.means_[k] + noise[codes == k] @ self.roots_[k].T
        return made


def _root(residuals: np.ndarray) -> np.ndarray:
    """A matrix A with A A' the shrunk covariance of centred rows."""
    covariance = ledoit_wolf(residuals, assume_centered=True)[0]
    values, vectors = np.linalg.eigh(covariance)
    return vectors * np.sqrt(np.maximum(values, 0))


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
        rows = np.array([random.choice(np.flatnonzero(self.y_ == label)) for label in labels], dtype=int)
        if isinstance(self.X_, pd.DataFrame):
            return self.X_.iloc[rows].reset_index(drop=True)
        return np.asarray(self.X_[rows])
