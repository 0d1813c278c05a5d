"""A column of texts or pictures beside other columns: frozen or counted features, in few numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.decomposition import PCA
from sklearn.utils.validation import check_is_fitted

from handful.data.columns import absent
from handful.data.picture_column import PictureArray

MOST = 32  # numbers for a text or a picture


class Squeezed(TransformerMixin, BaseEstimator):
    """One column of texts or pictures as the principal components of their features, on one scale.

    All components are divided by one number, so that the first of them varies as a standardised column does
    and each of the others as it deserves: hundreds of features, each with variance 1, would drown a few
    columns of numbers. Where there is no text or picture the components are 0, their mean; a further column
    says so, if the training part has such rows.

    Parameters
    ----------
    features : a transformer of texts `(n,)`, or of `Images`, to `(n, d)`
    most : components at most
    """

    def __init__(self, features: Any, most: int = MOST) -> None:
        self.features = features
        self.most = most

    def fit(self, X: pd.DataFrame, y: Any = None) -> Squeezed:
        """X `(n, 1)`: the column."""
        gone = absent(X)[:, 0]
        self.gaps_ = bool(gone.any())
        self.features_, self.pca_ = clone(self.features), None
        if (~gone).sum() > 1:
            Z = np.asarray(self.features_.fit_transform(content(X)), dtype=float)
            self.pca_ = PCA(min(self.most, len(Z) - 1, Z.shape[1]), svd_solver="full").fit(Z)
            self.scale_ = float(np.sqrt(self.pca_.explained_variance_[0])) or 1.0
        return self

    def transform(self, X: pd.DataFrame) -> np.ndarray:
        """`(n, components)` float64, and a column of 0 and 1 where there were gaps."""
        check_is_fitted(self, "features_")
        gone = absent(X)[:, 0]
        out = np.zeros((len(X), 0 if self.pca_ is None else self.pca_.n_components_))
        if self.pca_ is not None and not gone.all():
            out[~gone] = (
                self.pca_.transform(np.asarray(self.features_.transform(content(X)), float)) / self.scale_
            )
        return np.column_stack([out, gone]) if self.gaps_ else out


def content(X: pd.DataFrame) -> Any:
    """The texts `(m,)` or the `Images` of the rows of `(n, 1)` that have one."""
    column = X.iloc[:, 0]
    if isinstance(column.array, PictureArray):
        return column.array.pictures
    return column.to_numpy(dtype=object)[~absent(X)[:, 0]]
