"""Generated examples: a candidate, its base, that learned from made-up examples too.

Generators enlarge the training part of a fold; what they make never comes into a validation part. Whether it
helps is not believed: each is a line of the ledger.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, clone

from handful.data.dataset import Dataset, Images
from handful.settings import Settings
from handful.strategies.candidate import Candidate
from handful.strategies.chain import Chain
from handful.strategies.customs import examine
from handful.strategies.generators import Generator
from handful.strategies.inner import MADE_UP


class WithSynthetic(BaseEstimator):
    """A chain that also learns from examples that a generator makes up of its training part.

    Parameters
    ----------
    estimator : Chain, a classifier
    generator : Generator; learns the samples themselves (`SPACE` "X") or the chain's features ("features")
    ratio : float > 0, or a dict of one for each label
        Examples made up for each real one, of each class.
    customs : bool
        Whether each made-up example is examined before it enters (see `handful.strategies.customs`).

    After `fit`: `made_` how many were made up, `entered_` how many the model learned from.
    """

    def __init__(
        self,
        estimator: Chain,
        generator: Generator,
        ratio: float | dict[Any, float] = 1.0,
        customs: bool = True,
    ) -> None:
        self.estimator = estimator
        self.generator = generator
        self.ratio = ratio
        self.customs = customs

    def __sklearn_tags__(self) -> Any:
        return self.estimator.__sklearn_tags__()

    def fit(self, X: Any, y: np.ndarray, groups: np.ndarray | None = None) -> WithSynthetic:
        """X as the chain takes it, y `(n,)` labels, groups `(n,)` or None."""
        y = np.asarray(y)
        unit = np.arange(len(y)) if groups is None else np.asarray(groups)
        generator = clone(self.generator)
        if generator.SPACE == "features":
            steps, Z = _prepared(self.estimator, X, y, groups)
            generator.fit(Z, y, groups)
            made, labels = self._admitted(generator, Z, y, groups, Z)
            rest = Chain([], self.estimator.head).fit(*_together(Z, y, unit, made, labels))
            self.estimator_ = clone(self.estimator)
            self.estimator_.features_, self.estimator_.head_ = steps, rest.head_
            self.estimator_.classes_ = rest.classes_
        else:
            generator.fit(X, y, groups)
            described = _prepared(self.estimator, X, y, groups) if self.customs else None
            made, labels = self._admitted(generator, X, y, groups, described)
            self.estimator_ = clone(self.estimator).fit(*_together(X, y, unit, made, labels))
        self.classes_ = self.estimator_.classes_
        if hasattr(generator, "history_"):
            self.history_ = generator.history_
        return self

    def _admitted(
        self, generator: Generator, X: Any, y: np.ndarray, groups: np.ndarray | None, seen: Any
    ) -> tuple[Any, np.ndarray]:
        """What was made up and may enter, with its labels. `seen`: Z, or (steps, Z) that describe X."""
        wanted = _wanted(y, self.ratio)
        made = generator.sample(wanted)
        self.made_ = self.entered_ = len(wanted)
        if not self.customs:
            return made, wanted
        if isinstance(seen, tuple):
            steps, Z = seen
            looked: Any = made
            for step in steps:
                looked = step.transform(looked)
        else:
            Z, looked = seen, made
        enters = examine(Z, y, looked, wanted, groups).enters
        self.entered_ = int(enters.sum())
        return _rows(made, np.flatnonzero(enters)), wanted[enters]

    def predict_proba(self, X: Any) -> np.ndarray:
        return self.estimator_.predict_proba(X)

    def predict(self, X: Any) -> np.ndarray:
        return self.estimator_.predict(X)


def _wanted(y: np.ndarray, ratio: float | dict[Any, float]) -> np.ndarray:
    """Labels of what is to be made up: `ratio` times as many as there are of each class, at least one."""
    labels, counts = np.unique(y, return_counts=True)
    each = np.array([ratio[k] for k in labels.tolist()]) if isinstance(ratio, dict) else ratio
    return np.repeat(labels, np.maximum(1, np.round(each * counts)).astype(int))


def _prepared(chain: Chain, X: Any, y: np.ndarray, groups: np.ndarray | None) -> tuple[list[Any], np.ndarray]:
    """The chain's features, fitted, and what they make of X."""
    fitted = Chain(chain.features, _Nothing()).fit(X, y, groups)
    Z = X
    for step in fitted.features_:
        Z = step.transform(Z)
    return fitted.features_, np.asarray(Z)


class _Nothing(BaseEstimator):
    """A head that learns nothing."""

    def fit(self, Z: Any, y: np.ndarray) -> _Nothing:
        return self


def _rows(X: Any, rows: np.ndarray) -> Any:
    return X.iloc[rows] if isinstance(X, pd.DataFrame) else X[rows]


def _together(
    X: Any, y: np.ndarray, unit: np.ndarray, made: Any, labels: np.ndarray
) -> tuple[Any, np.ndarray, np.ndarray]:
    """(X, y, groups) of the real samples and, after them, of the made-up ones."""
    if isinstance(X, Images):
        joined: Any = X.joined(np.asarray(made))
    elif isinstance(X, pd.DataFrame):
        joined = pd.concat([X, made], ignore_index=True)
    else:
        joined = np.concatenate([X, np.asarray(made, dtype=X.dtype)])
    return joined, np.concatenate([y, labels]), np.concatenate([unit, np.full(len(labels), MADE_UP)])


def candidates(dataset: Dataset, settings: Settings) -> list[Candidate]:
    """From `standard` on, for classes: few generators, each on a candidate that may gain from it."""
    return []
