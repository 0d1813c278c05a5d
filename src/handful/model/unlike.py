"""A flag for inputs unlike the training data: how far a new sample lies from its nearest neighbours there.

Distances are measured in a space that fits the modality: frozen features of the network or descriptors of the
picture, standardised columns of a table. What is far is what the training samples themselves are not, each
measured against those of other groups.

Sun et al., "Out-of-distribution detection with deep nearest neighbors", ICML 2022.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.utils.validation import check_is_fitted

from handful.model.new_words import NewWords
from handful.strategies.chain import Chain, Stateless
from handful.strategies.embedding import Embedding, Together
from handful.strategies.finetune import FineTunedClassifier, FineTunedRegressor
from handful.strategies.pixels import Descriptor
from handful.strategies.synthesis import plain
from handful.strategies.tables import MISSING, TableEncoder

QUANTILE = 0.99  # about so many of fresh samples of the same kind are not flagged
NEIGHBOURS = 3
LEAST = 0.01  # nearer than this is the same: numbers are kept with three digits
MOST = 2000  # training samples that are kept to measure against


class Unlike(BaseEstimator):
    """Flags samples that lie farther from the training samples than those lie from each other.

    Parameters
    ----------
    space : a transformer from samples to `(n, d)`, which may learn from the training samples
    unit_length : whether only the direction of a vector counts, as for features of a network

    Attributes
    ----------
    known_ : `(m, d)` float16, the training samples in the space, 2,000 at most
    threshold_ : the mean distance to the three nearest that 99 of 100 training samples do not exceed
    """

    def __init__(self, space: Any, unit_length: bool = False) -> None:
        self.space = space
        self.unit_length = unit_length

    def fit(self, X: Any, unit: np.ndarray) -> Unlike:
        """X as a Dataset holds it; `unit` `(n,)` says which samples belong together."""
        self.space_ = self.space.fit(X)
        rows = np.arange(len(unit))
        if len(rows) > MOST:
            rows = np.sort(np.random.default_rng(0).choice(rows, MOST, replace=False))
        some = X.iloc[rows] if isinstance(X, pd.DataFrame) else X[rows]
        self.known_ = self._scaled(getattr(self.space_, "transform_known", self.space_.transform)(some))
        own = _distances(self.known_, self.known_)
        own[unit[rows][:, None] == unit[rows]] = np.inf
        self.threshold_ = _threshold(_nearest(own))
        return self

    def distance(self, X: Any) -> np.ndarray:
        """How far each sample is from what is known `(n,)`, in units of the threshold: above 1 is unlike."""
        check_is_fitted(self, "threshold_")
        new = self._scaled(self.space_.transform(X))
        chunks = [new[i : i + 1000] for i in range(0, len(new), 1000)]
        return np.concatenate([_nearest(_distances(c, self.known_)) for c in chunks]) / self.threshold_

    def _scaled(self, Z: np.ndarray) -> np.ndarray:
        if self.unit_length:
            Z = Z / np.maximum(np.linalg.norm(Z, axis=1, keepdims=True), 1e-12)
        return np.clip(Z, -1e4, 1e4).astype(np.float16)  # which ends at 65,504


def _distances(A: np.ndarray, B: np.ndarray) -> np.ndarray:
    A, B = A.astype(float), B.astype(float)
    squared = (A * A).sum(axis=1)[:, None] + (B * B).sum(axis=1) - 2 * A @ B.T
    return np.sqrt(np.maximum(squared, 0))


def _nearest(distances: np.ndarray) -> np.ndarray:
    """Mean distance to the nearest few; infinite where all others are in the sample's own group."""
    k = min(NEIGHBOURS, distances.shape[1])
    return np.partition(distances, k - 1, axis=1)[:, :k].mean(axis=1)


def _threshold(own: np.ndarray) -> float:
    """The 99 % quantile of n + 1 distances; carried on, as log-normal, where n is too small."""
    own = np.sort(own[np.isfinite(own)])
    n = len(own)
    k = int(np.ceil((n + 1) * QUANTILE))
    if k <= n:
        return float(max(own[k - 1], LEAST))
    logs = np.log(own[own > LEAST])  # copies of each other, as in tables of few categories, are at 0
    carried = np.exp(logs.mean() + norm.ppf(QUANTILE) * logs.std()) if len(logs) else LEAST
    return float(max(own[-1], carried, LEAST))


class Either(BaseEstimator):
    """Flags what one of several flags would."""

    def __init__(self, flags: list[Any]) -> None:
        self.flags = flags

    def fit(self, X: Any, unit: np.ndarray) -> Either:
        """X as a Dataset holds it; `unit` `(n,)` says which samples belong together."""
        self.flags_ = [clone(flag).fit(X, unit) for flag in self.flags]
        return self

    def distance(self, X: Any) -> np.ndarray:
        """The largest of the distances `(n,)`: above 1 is unlike."""
        check_is_fitted(self, "flags_")
        return np.max([flag.distance(X) for flag in self.flags_], axis=0)


class TableSpace(TransformerMixin, BaseEstimator):
    """Standardised numbers, categories, and for each column of categories how rare the row's category is.

    Parameters
    ----------
    encoder : TableEncoder
        How texts and pictures are looked at; plainly unless given.
    """

    def __init__(self, encoder: TableEncoder | None = None) -> None:
        self.encoder = encoder

    def fit(self, X: pd.DataFrame, y: Any = None) -> TableSpace:
        self.encoder_ = (TableEncoder() if self.encoder is None else clone(self.encoder)).fit(X)
        self.n_ = len(X)
        self.counts_ = [self._texts(X, c).value_counts().to_dict() for c in self.encoder_.categorical_]
        return self

    def transform(self, X: pd.DataFrame) -> np.ndarray:
        return self._joined(X, 0)

    def transform_known(self, X: pd.DataFrame) -> np.ndarray:
        """The same for training rows, none of which counts as its own example."""
        return self._joined(X, 1)

    def _joined(self, X: pd.DataFrame, own: int) -> np.ndarray:
        columns = zip(self.encoder_.categorical_, self.counts_, strict=True)
        met = [self._texts(X, c).map(counts).fillna(own).to_numpy(dtype=float) - own for c, counts in columns]
        rarity = [-np.log((m + 0.5) / (self.n_ + 1 - own)) for m in met]
        encoded = self.encoder_.transform(X)
        numbers = len(self.encoder_.numeric_)
        if numbers:
            # "Is missing" as 0 and 1: standardised, one rare gap would lie farther than anything else.
            (_, standardised), _ = self.encoder_.parts_[0]
            scale = standardised.scale_[numbers:]
            encoded[:, numbers : numbers + len(scale)] *= scale
        return np.column_stack([encoded, *rarity])

    def _texts(self, X: pd.DataFrame, column: str) -> pd.Series:
        values = X[column].astype(object)
        return values.where(values.notna(), MISSING).astype(str)


class Surface(Stateless):
    """Colour and texture of a picture, the part of the descriptor that tells noise from pictures."""

    def transform(self, X: Any) -> np.ndarray:
        """`Images` to `(n, 94)`."""
        return Descriptor().transform(X)[:, -94:]


def unlike(
    X: Any, unit: np.ndarray, modality: str, members: Sequence[Any]
) -> Unlike | NewWords | Either | None:
    """The flag for a model with these members; None where there is nothing to measure in or against.

    For pictures the network that a member looks through is used, at its last block but one, whose features
    told noise and foreign pictures apart more surely than the last layer's (benchmarks/conformal.py). For
    texts it is the network and the words that were never met: a network that knows many matters overlooks
    letters drawn by chance, and counted words another matter in the same words (benchmarks/unlike_texts.py).
    """
    if len(np.unique(unit)) < 3 * NEIGHBOURS:
        return None
    if modality == "table":
        steps = [step for m in map(plain, members) if isinstance(m, Chain) for step in m.features]
        scaled = (s for s in steps if isinstance(s, TableEncoder) and s.scale)
        return Unlike(TableSpace(next(scaled, None))).fit(X, unit)
    if modality == "image":
        kinds = Embedding, FineTunedClassifier, FineTunedRegressor
        used = next((step.backbone for step in _first(members) if isinstance(step, kinds)), None)
        if used is None:
            return Unlike(Surface()).fit(X, unit)
        from handful.backbones import levels

        blocks = [name for name in levels(used) if name.startswith("block")]
        return Unlike(Embedding(used, blocks[-2] if len(blocks) > 1 else "last"), unit_length=True).fit(
            X, unit
        )
    if modality == "text":
        frozen = [
            step for step in _first(members) if isinstance(step, Stateless) and hasattr(step, "backbone")
        ]
        if not frozen:
            return NewWords().fit(X, unit)
        return Either([NewWords(), Unlike(clone(frozen[0]), unit_length=True)]).fit(X, unit)
    return None


def _first(members: Sequence[Any]) -> list[Any]:
    """What each of the members looks through, or the member itself."""
    first = [m.features[0] if isinstance(m, Chain) else m for m in map(plain, members)]
    return [step.parts[0] if isinstance(step, Together) else step for step in first]
