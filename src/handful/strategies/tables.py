"""Tables as matrices: encoding that learns its means, medians and categories inside the training fold."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler
from sklearn.utils.validation import check_is_fitted

MISSING = "(missing)"


class TableEncoder(TransformerMixin, BaseEstimator):
    """A DataFrame of numeric (float64) and categorical (object) columns as a float matrix.

    Parameters
    ----------
    scale : bool
        True, for methods that compare columns: numbers are standardised, with the median where missing and a
        column that says so; categories are one-hot (those seen once share a column). False, for trees:
        numbers as they are, missing included; categories as whole numbers.
    """

    def __init__(self, scale: bool = True) -> None:
        self.scale = scale

    def fit(self, X: pd.DataFrame, y: Any = None) -> TableEncoder:
        self.numeric_ = [c for c in X.columns if pd.api.types.is_numeric_dtype(X[c])]
        self.categorical_ = [c for c in X.columns if c not in set(self.numeric_)]
        if self.scale:
            imputer = SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)
            numeric = make_pipeline(imputer, StandardScaler())
            categorical = OneHotEncoder(
                min_frequency=2, handle_unknown="infrequent_if_exist", sparse_output=False, dtype=np.float64
            )
        else:
            numeric = "passthrough"
            categorical = OrdinalEncoder(
                handle_unknown="use_encoded_value", unknown_value=-1, dtype=np.float64
            )
        self.encoder_ = ColumnTransformer(
            [("numeric", numeric, self.numeric_), ("categorical", categorical, self.categorical_)]
        ).fit(self._filled(X))
        return self

    def transform(self, X: pd.DataFrame) -> np.ndarray:
        """`(n, d)` float64."""
        check_is_fitted(self, "encoder_")
        return np.asarray(self.encoder_.transform(self._filled(X)), dtype=np.float64)

    def _filled(self, X: pd.DataFrame) -> pd.DataFrame:
        text = X[self.categorical_].astype(object)
        return X[self.numeric_].join(text.where(text.notna(), MISSING))
