"""Stands in for the package tabicl: as there, a column that is empty in all rows asked is left out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from sklearn.impute import SimpleImputer
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


class _Network:
    inside: Any

    def __init__(
        self,
        n_estimators: int = 8,
        model_path: Any = None,
        allow_auto_download: bool = True,
        device: Any = None,
        random_state: int | None = 42,
    ) -> None:
        assert not allow_auto_download and Path(model_path).is_file()

    def fit(self, X: np.ndarray, y: np.ndarray) -> Any:
        self.X, self.y = X, y
        return self

    def _asked(self, what: str, X: np.ndarray) -> np.ndarray:
        asked = ~np.isnan(X).all(axis=0)
        model = self.inside(n_neighbors=min(3, len(self.X)), weights="distance")
        pipeline = make_pipeline(SimpleImputer(keep_empty_features=True), StandardScaler(), model)
        return getattr(pipeline.fit(self.X[:, asked], self.y), what)(X[:, asked])

    def predict(self, X: np.ndarray) -> np.ndarray:
        return self._asked("predict", X)


class TabICLClassifier(_Network):
    inside = KNeighborsClassifier

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        return self._asked("predict_proba", X)


class TabICLRegressor(_Network):
    inside = KNeighborsRegressor
