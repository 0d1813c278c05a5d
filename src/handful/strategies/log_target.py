"""The logarithm of a skewed target, such as a price: small and large values then count alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.stats import skew
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.utils.validation import check_is_fitted

from handful.data.dataset import Dataset
from handful.strategies.candidate import Candidate, accepts
from handful.strategies.chain import Chain

TECHNIQUE = "log of the target"
SKEWED = 1.0  # skewness from which on it is tried: 2 is an exponential distribution, 0.5 is hardly seen


class LogTarget(RegressorMixin, BaseEstimator):
    """A regressor of the logarithm of a target, its predictions brought back to means.

    The exponential of a predicted mean logarithm is a median, and too small as a mean: it is multiplied by
    the mean of what it was off by on the training part (Duan's smearing). A prediction stays within one
    standard deviation of the logarithms that were seen, for an exponential makes a small excess a huge one.
    Where a training part holds a value that is not positive, the target is left as it is.

    scikit-learn's TransformedTargetRegressor holds functions, which no run file can name, and gives medians.

    Duan, "Smearing estimate: a nonparametric retransformation method", JASA 78, 1983.

    Parameters
    ----------
    regressor : a regressor with its usual arguments
    """

    def __init__(self, regressor: Any) -> None:
        self.regressor = regressor

    def fit(self, Z: np.ndarray, y: np.ndarray, groups: np.ndarray | None = None) -> LogTarget:
        """Z `(n, d)`, y `(n,)` values, groups `(n,)` or None."""
        y = np.asarray(y, dtype=float)
        self.logged_ = bool((y > 0).all())
        t = np.log(y) if self.logged_ else y
        regressor = clone(self.regressor)
        beside = {"groups": groups} if groups is not None and accepts(regressor.fit, "groups") else {}
        self.regressor_ = regressor.fit(Z, t, **beside)
        if hasattr(self.regressor_, "history_"):
            self.history_ = self.regressor_.history_
        if self.logged_:
            self.range_ = float(t.min() - t.std()), float(t.max() + t.std())
            self.smearing_ = float(np.mean(np.exp(t - self._log(Z))))
        return self

    def _log(self, Z: np.ndarray) -> np.ndarray:
        return np.clip(np.asarray(self.regressor_.predict(Z), dtype=float), *self.range_)

    def predict(self, Z: np.ndarray) -> np.ndarray:
        check_is_fitted(self, "regressor_")
        return np.exp(self._log(Z)) * self.smearing_ if self.logged_ else self.regressor_.predict(Z)


def with_log(found: list[Candidate], dataset: Dataset, names: Sequence[str]) -> list[Candidate]:
    """The candidates, and those called `names`, chains, once more on the logarithm of a skewed target."""
    if not is_skewed(dataset):
        return found
    return found + [
        base.plus(
            TECHNIQUE,
            ", log",
            "of the target's logarithm",
            Chain(base.estimator.features, LogTarget(base.estimator.head)),
        )
        for base in found
        if base.name in names
    ]


def is_skewed(dataset: Dataset) -> bool:
    """Whether the target is a positive number with a long tail of large values, which its logarithm lacks."""
    if dataset.task != "regression" or not (dataset.y > 0).all():
        return False
    tail = float(skew(dataset.y))
    return tail > SKEWED and abs(float(skew(np.log(dataset.y)))) < tail
