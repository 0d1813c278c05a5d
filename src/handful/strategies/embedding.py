"""What a pretrained network says of a sample, as the first step of a chain: computed once, fitted nowhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted

from handful.data.views import PLAIN
from handful.strategies.chain import Stateless


class Embedding(Stateless):
    """Frozen features of a pretrained backbone.

    Nothing is fitted: an embedding is a function of one picture, so it is computed once and cached.

    Parameters
    ----------
    backbone : str
        A name that `handful backbones` lists, or a local file.
    level : str
        Which part of the network: "last", "last_max", "block5", …, "all" (see `handful.backbones.levels`).
        The middle of the network is often worth more than its end where pictures are unlike photographs.
    view : str
        The fixed view of each picture that is encoded, one of `handful.data.views.VIEWS`.
    """

    def __init__(self, backbone: str = "lite0", level: str = "last", view: str = PLAIN) -> None:
        self.backbone = backbone
        self.level = level
        self.view = view

    def transform(self, X: Any) -> np.ndarray:
        """`Images` or `(n, S, S, 3)` uint8 to `(n, d)` float32."""
        from handful.backbones import embed

        return embed(X, self.backbone, self.level, seen=self.view)


class Together(Stateless):
    """Features of several kinds side by side, such as those of two backbones.

    Parameters
    ----------
    parts : list of `Stateless`
    """

    def __init__(self, parts: list[Stateless]) -> None:
        self.parts = parts

    def transform(self, X: Any) -> np.ndarray:
        """What all parts take, of n samples, to `(n, d1 + d2 + …)` float32."""
        return np.concatenate([part.transform(X) for part in self.parts], axis=1)


class BlockScaler(TransformerMixin, BaseEstimator):
    """Standardises columns, and lets each block of them count as much as any other, or as much as is said.

    A standardised block of d columns has a mean squared norm of d, so that the wider of two backbones would
    decide every distance. Each block is divided by its own norm and multiplied by one number, so that all
    together have the norm that standardised columns have: heads need no other penalties.

    Parameters
    ----------
    widths : list of int
        How many columns each block has, in their order.
    counts : list of float, or None
        How long the vector of each block is, in proportion; None: all alike.
    """

    def __init__(self, widths: list[int], counts: list[float] | None = None) -> None:
        self.widths = widths
        self.counts = counts

    def fit(self, Z: np.ndarray, y: Any = None) -> BlockScaler:
        """Z `(n, sum(widths))`."""
        self.scaler_ = StandardScaler().fit(Z)
        blocks = np.split(self.scaler_.transform(Z), np.cumsum(self.widths)[:-1], axis=1)
        norms = [float(np.sqrt((block**2).sum(axis=1).mean())) or 1.0 for block in blocks]
        counts = np.ones(len(self.widths)) if self.counts is None else np.array(self.counts, dtype=float)
        wanted = counts * np.sqrt(sum(self.widths) / (counts**2).sum())
        self.weights_ = np.repeat(wanted / np.array(norms), self.widths)  # (d,)
        return self

    def transform(self, Z: np.ndarray) -> np.ndarray:
        check_is_fitted(self, "weights_")
        return self.scaler_.transform(Z) * self.weights_


class TextEmbedding(Stateless):
    """Frozen vectors of a pretrained text encoder, or the means of static word vectors.

    Nothing is fitted: a vector is a function of one text. Encoders are trained so that only directions count,
    so every vector has the length sqrt(d): the unit variance that heads expect, and no angle is changed.

    Parameters
    ----------
    backbone : str
        A name that `handful backbones` lists, or a local folder.
    """

    def __init__(self, backbone: str = "minilm") -> None:
        self.backbone = backbone

    def transform(self, X: Any) -> np.ndarray:
        """Texts `(n,)` to `(n, d)` float32."""
        from handful.backbones.texts import embed_texts

        Z = embed_texts(X, self.backbone)
        norms = np.linalg.norm(Z, axis=1, keepdims=True)
        return Z * np.float32(np.sqrt(Z.shape[1])) / np.maximum(norms, np.float32(1e-6))

    def warm(self, X: Any, device: str, progress: Callable[[int, int], None]) -> None:
        """Compute the vectors of texts `(n,)` once, so that `transform` finds them."""
        from handful.backbones.texts import warm_texts

        warm_texts(X, self.backbone, device=device, progress=progress)
