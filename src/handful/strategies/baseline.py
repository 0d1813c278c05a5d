"""What one gets without learning anything from X: the floor that every other candidate has to beat."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from handful.data.dataset import Dataset
from handful.settings import Settings
from handful.strategies.candidate import Candidate


class Majority(ClassifierMixin, BaseEstimator):
    """Always the most frequent class, with the class frequencies as probabilities.

    scikit-learn's DummyClassifier looks at X's shape; this looks only at its length, so it serves images.
    """

    def fit(self, X: Any, y: np.ndarray) -> Majority:
        self.classes_, counts = np.unique(y, return_counts=True)
        self.prior_ = counts / counts.sum()
        self.n_parameters_ = len(counts)
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        check_is_fitted(self, "prior_")
        return np.tile(self.prior_, (len(X), 1))

    def predict(self, X: Any) -> np.ndarray:
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


class Mean(RegressorMixin, BaseEstimator):
    """Always the mean of the target."""

    def fit(self, X: Any, y: np.ndarray) -> Mean:
        self.mean_ = float(np.mean(y))
        self.n_parameters_ = 1
        return self

    def predict(self, X: Any) -> np.ndarray:
        check_is_fitted(self, "mean_")
        return np.full(len(X), self.mean_)


def candidates(dataset: Dataset, settings: Settings) -> list[Candidate]:
    """One: the majority class, or the mean."""
    if dataset.task == "classification":
        return [Candidate("majority", "always the most frequent class", "baseline", Majority(), cost=0)]
    return [Candidate("mean", "always the mean", "baseline", Mean(), cost=0)]
