"""Training on several fixed views of every picture, and averaging over them when predicting."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.utils.validation import check_is_fitted

from handful.data.views import PLAIN
from handful.strategies.candidate import margins_to_scores
from handful.strategies.chain import Chain


class Views(Chain):
    """A chain that learns from fixed views of the training pictures beside the pictures themselves.

    A view of a sample belongs to the sample's group, so that inner folds never hold out a view of what they
    learn from. What is predicted is the plain picture, or the average over it and the views in `averaged`.

    Parameters
    ----------
    features : list of transformers; the first looks at pictures and has an argument `view`
    head : a classifier or regressor
    views : tuple of str
        Names in `handful.data.views.VIEWS`.
    averaged : tuple of str
        The views whose predictions are averaged with that of the plain picture ("test-time averaging").
    most : int
        The most rows that the head learns from: with more pictures each shows fewer of its views, in turn.

    References
    ----------
    Simard, Steinkraus & Platt, "Best practices for convolutional neural networks applied to visual document
    analysis", ICDAR 2003; Decoste & Schölkopf, "Training invariant support vector machines", Machine Learning
    46, 2002 (virtual examples).
    """

    def __init__(
        self,
        features: list[Any],
        head: Any,
        views: tuple[str, ...] = (),
        averaged: tuple[str, ...] = (),
        most: int = 1000,
    ) -> None:
        super().__init__(features, head)
        self.views = views
        self.averaged = averaged
        self.most = most

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        own = {"views": self.views, "averaged": self.averaged, "most": self.most}
        return super().get_params(deep) | own

    def fit(  # type: ignore[override]  # learns from labelled samples only
        self, X: Any, y: np.ndarray, groups: np.ndarray | None = None
    ) -> Views:
        """X `Images` or `(n, S, S, 3)` uint8, y `(n,)`, groups `(n,)` or None."""
        unit = np.arange(len(y)) if groups is None else np.asarray(groups)
        shown = [(PLAIN, np.arange(len(y))), *self._shown(len(y))]
        Z = np.concatenate([self._seen(X[rows], name) for name, rows in shown])
        rows = np.concatenate([rows for _, rows in shown])
        rest = Chain(self.features[1:], self.head).fit(Z, np.asarray(y)[rows], unit[rows])
        self.features_ = [clone(self.features[0]), *rest.features_]
        self.head_ = rest.head_
        if is_classifier(self.head):
            self.classes_ = self.head_.classes_
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        return np.mean([self._proba(X, name) for name in (PLAIN, *self.averaged)], axis=0)

    def predict(self, X: Any) -> np.ndarray:
        if is_classifier(self.head):
            return self.classes_[self.predict_proba(X).argmax(axis=1)]
        return np.mean([self.head_.predict(self._rest(X, name)) for name in (PLAIN, *self.averaged)], axis=0)

    def _proba(self, X: Any, name: str) -> np.ndarray:
        Z = self._rest(X, name)
        if hasattr(self.head_, "predict_proba"):
            return self.head_.predict_proba(Z)
        return margins_to_scores(self.head_.decision_function(Z))

    def _rest(self, X: Any, name: str) -> Any:
        """What the head is given of a view of X."""
        check_is_fitted(self, "head_")
        Z = self._seen(X, name)
        for step in self.features_[1:]:
            Z = step.transform(Z)
        return Z

    def _seen(self, X: Any, name: str) -> np.ndarray:
        """The first features of a view of X, from the cache where they are there."""
        return clone(self.features[0]).set_params(view=name).transform(X)

    def _shown(self, n: int) -> list[tuple[str, np.ndarray]]:
        """(view, positions) for each view: all of them, or as many a picture as `most` allows, in turn."""
        V = len(self.views)
        each = min(V, max(0, self.most // max(1, n) - 1))
        first = np.arange(n) * each
        taken = [np.flatnonzero((v - first) % V < each) for v in range(V)]
        return [(name, rows) for name, rows in zip(self.views, taken, strict=True) if len(rows)]
