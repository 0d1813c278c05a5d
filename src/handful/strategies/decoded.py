"""A generator that learns numbers and gives samples: what it makes up is decoded."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.decomposition import PCA

from handful.strategies.generators import Generator


class Decoded(Generator):
    """A generator of vectors, with a codec that makes vectors of samples and samples of vectors.

    Parameters
    ----------
    codec : has `fit(X, y)`, `encode(X)` to `(n, d)`, and `decode` back; it learns from the training part
    generator : Generator with SPACE "features"
    """

    SPACE = "X"

    def __init__(self, codec: Any, generator: Any, random_state: int = 0) -> None:
        self.codec = codec
        self.generator = generator
        self.random_state = random_state

    def fit(self, X: Any, y: np.ndarray, groups: np.ndarray | None = None) -> Decoded:
        self.codec_ = clone(self.codec).fit(X, y)
        self.generator_ = clone(self.generator).fit(self.codec_.encode(X), y, groups)
        return self

    def sample(self, labels: np.ndarray, seed: int | None = None) -> Any:
        made = self.generator_.sample(labels, self.random_state if seed is None else seed)
        return self.codec_.decode(made)


class PictureCodec(BaseEstimator):
    """Pictures as a few numbers, their principal components, and pictures of numbers.

    `variance` is the share of it that the components keep; the rest is lost, so what is decoded is smooth.
    """

    def __init__(self, variance: float = 0.95) -> None:
        self.variance = variance

    def fit(self, X: Any, y: Any = None) -> PictureCodec:
        flat = self._flat(X)
        self.side_ = int(np.asarray(X).shape[1])
        self.pca_ = PCA(n_components=self.variance, svd_solver="full").fit(flat)
        return self

    def encode(self, X: Any) -> np.ndarray:
        """Pictures `(n, S, S, 3)` uint8 to `(n, d)`."""
        return self.pca_.transform(self._flat(X))

    def decode(self, Z: np.ndarray) -> np.ndarray:
        """`(n, d)` to pictures `(n, S, S, 3)` uint8."""
        flat = self.pca_.inverse_transform(Z)
        pixels = np.clip(np.round(flat * 255), 0, 255).astype(np.uint8)
        return pixels.reshape(len(Z), self.side_, self.side_, 3)

    def _flat(self, X: Any) -> np.ndarray:
        pixels = np.asarray(X)
        return pixels.reshape(len(pixels), -1) / 255.0
