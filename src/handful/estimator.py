"""handful as a scikit-learn estimator, for pipelines and for nested cross-validation."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils import Tags, check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from handful.data.names import count
from handful.data.source import are_strings
from handful.errors import DataError
from handful.fit import fit_run
from handful.model.model import Model
from handful.settings import Settings, several


class _Handful(BaseEstimator):
    _task: str

    def __init__(
        self,
        *,
        metric: str | None = None,
        budget: str = "quick",
        families: str | tuple[str, ...] | None = None,
        backbones: str | tuple[str, ...] = (),
        allow_download: bool = False,
        candidates: tuple[tuple[str, Any], ...] = (),
        cv: Any = None,
        n_jobs: int | None = 1,
        random_state: int | np.random.RandomState | None = 0,
    ) -> None:
        self.metric = metric
        self.budget = budget
        self.families = families
        self.backbones = backbones
        self.allow_download = allow_download
        self.candidates = candidates
        self.cv = cv
        self.n_jobs = n_jobs
        self.random_state = random_state

    def fit(self, X: Any, y: Any, groups: Any = None, unlabelled: Any = None) -> Any:
        """Try the candidates under one protocol, and fit the chosen one on all of X.

        X : `(n, d)` array or DataFrame, pictures `(n, H, W[, 3])`, or texts `(n,)`; y : `(n,)`;
        groups : `(n,)` or None; unlabelled : more of the same as X without labels, to learn from, or None.
        """
        X, y = self._checked(X, y)
        more = None if unlabelled is None else self._new(unlabelled)
        settings = Settings(
            task=self._task,
            metric=self.metric,
            budget=self.budget,
            families=None if self.families is None else several(self.families),
            backbones=several(self.backbones),
            allow_download=self.allow_download,
            jobs=None if self.n_jobs in (None, -1) else int(self.n_jobs),
            seed=_seed(self.random_state),
        )
        with tempfile.TemporaryDirectory(prefix="handful-") as folder:
            settings = Settings(**{**settings.__dict__, "out": str(Path(folder) / "run")})
            data = (X, y) if groups is None else (X, y, groups)
            run = fit_run(data, settings, self.candidates, self.cv, unlabelled=more)
            self.model_: Model = run.model
            self.summary_ = run.summary
        return self

    def _checked(self, X: Any, y: Any) -> tuple[Any, np.ndarray]:
        if _as_it_is(X):
            columns = list(getattr(X, "columns", ()))
            if columns and all(isinstance(column, str) for column in columns):
                validate_data(self, X, skip_check_array=True)  # keeps their names; predict checks them itself
            return X, np.asarray(y)
        numeric = self._task == "regression"
        return validate_data(
            self,
            X,
            y,
            dtype=np.float64,
            ensure_all_finite="allow-nan",
            ensure_min_samples=2,
            y_numeric=numeric,
        )

    def _new(self, X: Any) -> Any:
        if _as_it_is(X):
            return X
        return validate_data(self, X, dtype=np.float64, ensure_all_finite="allow-nan", reset=False)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags

    def predict(self, X: Any) -> np.ndarray:
        """Labels or values, `(n,)`."""
        check_is_fitted(self, "model_")
        return self.model_.predict(self._new(X))


def _seed(random_state: Any) -> int:
    if random_state is None or isinstance(random_state, Integral):
        return int(random_state or 0)
    return int(check_random_state(random_state).randint(2**31 - 1))


def _as_it_is(X: Any) -> bool:
    """Frames, pictures and texts are read by handful; matrices are checked as scikit-learn does."""
    a_frame = isinstance(X, pd.DataFrame) or hasattr(X, "to_pandas")
    pictures = len(getattr(X, "shape", ())) > 2 or (isinstance(X, (list, tuple)) and _holds_pictures(X))
    return a_frame or pictures or are_strings(X)


def _holds_pictures(X: Sequence[Any]) -> bool:
    """Whether these are arrays of two or three dimensions; the nested lists of a cube are no pictures."""
    return len(X) > 0 and len(getattr(X[0], "shape", ())) > 1


class HandfulClassifier(ClassifierMixin, _Handful):
    """The best classifier that this data honestly gives.

    Parameters
    ----------
    metric : accuracy, balanced_accuracy, log_loss, roc_auc, f1, or what mistakes cost ("cost: a>b=10"); None
        chooses by the class sizes
    budget : "quick", "standard", "thorough", or a duration such as "90s", "20m", "1h"
    families, backbones, allow_download, candidates, cv : as in `handful.fit`
    n_jobs : worker processes; 1 fits in this process, None or -1 takes all cores
    random_state : the seed of everything random; of a RandomState it is drawn, None is 0

    Attributes
    ----------
    model_ : the chosen model, fitted on all data
    summary_ : what report.json would say: expected score with its interval, leaderboard, audit
    n_features_in_, feature_names_in_ : of a matrix or a frame, the number of columns; of a frame their names
    classes_ : the labels, sorted as by `np.unique`

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from handful import HandfulClassifier
    >>> X, y = load_wine(return_X_y=True)
    >>> HandfulClassifier(families=("classic",)).fit(X, y).score(X, y) > 0.95
    True
    """

    _task = "classification"

    def fit(self, X: Any, y: Any, groups: Any = None, unlabelled: Any = None) -> HandfulClassifier:
        super().fit(X, y, groups, unlabelled)
        # scikit-learn's scorers take column i for the label np.unique(y)[i]; handful counts "9" before "10".
        self.classes_ = np.sort(np.asarray(self.model_.classes))
        return self

    def _checked(self, X: Any, y: Any) -> tuple[Any, np.ndarray]:
        X, y = super()._checked(X, y)
        missing = np.flatnonzero(pd.isna(y))
        if len(missing):
            raise DataError(
                f"y contains NaN or None: {count(len(missing), 'sample')} without a label, the first at "
                f"position {missing[0]}. Leave them out, or give them to fit as unlabelled=."
            )
        check_classification_targets(y)
        return X, y

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probabilities `(n, K)` in the order of `classes_`."""
        check_is_fitted(self, "model_")
        order = np.argsort(np.asarray(self.model_.classes))
        return np.take(self.model_.predict_proba(self._new(X)), order, axis=1)


class HandfulRegressor(RegressorMixin, _Handful):
    """The best regressor that this data honestly gives; parameters and attributes as in HandfulClassifier.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from handful import HandfulRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> HandfulRegressor(families=("classic",)).fit(X[:100], y[:100]).predict(X[100:]).shape
    (342,)
    """

    _task = "regression"
