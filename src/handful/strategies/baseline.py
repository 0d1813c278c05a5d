"""What one gets without learning anything from X: the floor that every other candidate has to beat."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from handful.costs import Costs
from handful.data.dataset import Dataset
from handful.scoring import choose_metric
from handful.settings import Settings
from handful.strategies.candidate import Candidate
from handful.strategies.decision import decided


class Majority(ClassifierMixin, BaseEstimator):
    """Always the most frequent class, with the class frequencies as probabilities.

    With `costs`, a K x K tuple (see `handful.costs`): always the class that costs least (see `decided`).

    scikit-learn's DummyClassifier looks at X's shape; this looks only at its length, so it serves images.
    """

    def __init__(self, costs: Costs | None = None) -> None:
        self.costs = costs

    def fit(self, X: Any, y: np.ndarray) -> Majority:
        self.classes_, counts = np.unique(y, return_counts=True)
        self.prior_ = counts / counts.sum()
        if self.costs is not None:
            self.prior_ = decided(self.prior_, np.array(self.costs)[np.ix_(self.classes_, self.classes_)])
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
    """One: the majority class, the cheapest answer where mistakes cost, or the mean."""
    costs = choose_metric(dataset, settings).costs
    if costs is not None and dataset.classes is not None:
        shares = np.bincount(dataset.y, minlength=len(costs)) / len(dataset)
        cheapest = dataset.classes[int((shares @ np.array(costs)).argmin())]
        label = f"always {str(cheapest)!r}, the cheapest answer"
        return [Candidate("cheapest", label, "baseline", Majority(costs), cost=0)]
    if dataset.task == "classification":
        return [Candidate("majority", "always the most frequent class", "baseline", Majority(), cost=0)]
    return [Candidate("mean", "always the mean", "baseline", Mean(), cost=0)]
