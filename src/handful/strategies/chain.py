"""Features, then a head: the shape of most candidates."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin, clone, is_classifier
from sklearn.utils.validation import check_is_fitted

from handful.strategies.candidate import accepts, margins_to_scores


class Stateless(TransformerMixin, BaseEstimator):
    """A transformer that learns nothing: a pure function of one sample."""

    def fit(self, X: Any, y: Any = None) -> Any:
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return True


class Chain(BaseEstimator):
    """A list of transformers and a head, all fitted on the training part only.

    scikit-learn's Pipeline, with one thing more: `groups` and `unlabelled` reach every step whose `fit` names
    them, so that inner splits are grouped too, and that a step can learn from data without labels.

    Parameters
    ----------
    features : list of transformers
    head : a classifier or regressor
    """

    def __init__(self, features: list[Any], head: Any) -> None:
        self.features = features
        self.head = head

    def __sklearn_tags__(self) -> Any:
        return self.head.__sklearn_tags__()

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        params = {"features": self.features, "head": self.head}
        if deep:
            params |= {f"head__{k}": v for k, v in self.head.get_params().items()}
            for i, step in enumerate(self.features):
                params |= {f"features{i}__{k}": v for k, v in step.get_params().items()}
        return params

    def set_params(self, **params: Any) -> Chain:
        for name, value in params.items():
            part, _, rest = name.partition("__")
            if not rest:
                setattr(self, part, value)
            elif part == "head":
                self.head.set_params(**{rest: value})
            else:
                self.features[int(part.removeprefix("features"))].set_params(**{rest: value})
        return self

    def fit(self, X: Any, y: np.ndarray, groups: np.ndarray | None = None, unlabelled: Any = None) -> Chain:
        """X as the first step takes it, y `(n,)`, groups `(n,)` or None, unlabelled like X or None.

        What is unlabelled, `(m, …)`, comes to a step as the steps before it have transformed it.
        """
        self.features_ = []
        parts = [*self.features, self.head]
        wanting = [accepts(part.fit, "unlabelled") for part in parts]
        for i, step in enumerate(self.features):
            fitted = _fit(clone(step), X, y, groups, unlabelled)
            X = fitted.transform(X)
            if unlabelled is not None and any(wanting[i + 1 :]):
                unlabelled = fitted.transform(unlabelled)
            self.features_.append(fitted)
        self.head_ = _fit(clone(self.head), X, y, groups, unlabelled)
        if is_classifier(self.head):
            self.classes_ = self.head_.classes_
        for part in (*self.features_, self.head_):
            if hasattr(part, "history_"):
                self.history_ = part.history_
        return self

    def _transform(self, X: Any) -> Any:
        check_is_fitted(self, "head_")
        for step in self.features_:
            X = step.transform(X)
        return X

    def predict_proba(self, X: Any) -> np.ndarray:
        Z = self._transform(X)
        if hasattr(self.head_, "predict_proba"):
            return self.head_.predict_proba(Z)
        return margins_to_scores(self.head_.decision_function(Z))

    def predict(self, X: Any) -> np.ndarray:
        return self.head_.predict(self._transform(X))


def _fit(estimator: Any, X: Any, y: np.ndarray, groups: np.ndarray | None, unlabelled: Any) -> Any:
    beside = {"groups": groups, "unlabelled": unlabelled}
    wanted = {k: v for k, v in beside.items() if v is not None and accepts(estimator.fit, k)}
    return estimator.fit(X, y, **wanted)


def learns_from_unlabelled(estimator: Any) -> bool:
    """Whether it learns from unlabelled data where there is some: an argument `use_unlabelled` may say no."""
    if isinstance(estimator, Chain) and type(estimator).fit is Chain.fit:
        return any(learns_from_unlabelled(part) for part in (*estimator.features, estimator.head))
    if not accepts(estimator.fit, "unlabelled"):
        return False
    said = [v for k, v in estimator.get_params().items() if k.split("__")[-1] == "use_unlabelled"]
    return any(said) or not said
