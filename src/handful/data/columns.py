"""The columns of a table's X by what they hold, of one DataFrame.

A table is one DataFrame: float64 columns are numbers (NaN where missing), object columns categories (None
where missing), columns of the dtype `TEXT` texts ("" where there is none), and those of the dtype "picture"
pictures. So rows are taken, joined, stored and sent to workers in one way, whatever the columns hold.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from handful.data.picture_column import PictureDtype

# Of texts, and of nothing else in an X: so an encoder can tell them from categories.
TEXT = pd.StringDtype("python")
NUMBER, CATEGORY, TEXTS, PICTURE = "number", "category", "text", "picture"


def kind_of(column: pd.Series) -> str:
    """NUMBER, CATEGORY, TEXTS or PICTURE.

    >>> kind_of(pd.Series([1.0, 2.0])), kind_of(pd.Series(["a", None], dtype=object))
    ('number', 'category')
    """
    if isinstance(column.dtype, PictureDtype):
        return PICTURE
    if column.dtype == TEXT:
        return TEXTS
    return NUMBER if pd.api.types.is_numeric_dtype(column.dtype) else CATEGORY


def columns_of(X: pd.DataFrame, *kinds: str) -> list[str]:
    """The names of the columns of these kinds, in their order."""
    return [name for name in X.columns if kind_of(X[name]) in kinds]


def only_plain(X: pd.DataFrame) -> pd.DataFrame:
    """The numbers and categories alone."""
    return X[columns_of(X, NUMBER, CATEGORY)]


def absent(X: pd.DataFrame) -> np.ndarray:
    """Where a row says nothing, `(n, columns)` of bool: a text without a letter is as missing as NaN."""
    gaps = [(X[c] == "").to_numpy(bool) if kind_of(X[c]) == TEXTS else X[c].isna().to_numpy() for c in X]
    return np.column_stack(gaps) if gaps else np.zeros((len(X), 0), dtype=bool)
