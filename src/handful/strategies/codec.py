"""Rows of a table to a matrix that a network can learn, and back to rows that look like the table's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from handful.data.columns import PICTURE, TEXTS, columns_of
from handful.errors import DataError
from handful.nets.likelihood import CATEGORY, FLAGGED, NUMBER, Layout

MISSING = None
RARE = "(rare)"
# A number with at most so many values, each of so many rows on average, is drawn from these: a normal
# distribution would put what lies between 0 and 1 into a column of zeros and ones.
FEW_VALUES, ROWS_EACH = 8, 5
MOST_CATEGORIES = 30  # the others share a column, as those do that were seen once
MOST_DECIMALS = 6


class RowCodec(BaseEstimator):
    """A DataFrame of float64 and object columns (str, None) as a matrix `(n, d)`, and the way back.

    A number becomes its normal score: what a normal distribution has at the number's rank in the training
    part; beside it stands a flag where the column has missing values. Categories, and numbers of few values,
    become one column for each value, missing among them.

    After `fit`: `layout_` tells what each column of the matrix is (see `handful.nets.likelihood.Layout`).

    Parameters
    ----------
    normal : bool
        False: numbers are standardised only.

    Examples
    --------
    >>> X = pd.DataFrame({"age": [20.0, 31.0, 47.0, None], "kind": ["a", "b", "a", "a"]})
    >>> codec = RowCodec().fit(X)
    >>> codec.encode(X).shape
    (4, 4)
    >>> codec.decode(codec.encode(X))["age"].tolist()
    [20.0, 31.0, 47.0, nan]
    """

    def __init__(self, normal: bool = True) -> None:
        self.normal = normal

    def fit(self, X: pd.DataFrame, y: Any = None) -> RowCodec:
        """X `(n, …)`; nothing else is looked at. DataError for texts and pictures: there is no way back."""
        other = columns_of(X, TEXTS, PICTURE)
        if other:
            raise DataError(
                f"no rows can be made up for the column {other[0]!r}: what codes a text or a picture does "
                "not lead back to one. Leave the column out."
            )
        self.columns_ = [_learned(X[name], self.normal) for name in X.columns]
        self.names_ = list(X.columns)
        self.layout_ = Layout(tuple(column.field for column in self.columns_))
        return self

    def encode(self, X: pd.DataFrame) -> np.ndarray:
        """`(n, d)` float64. Numbers beyond those seen are taken as the last seen; values never seen are 0."""
        check_is_fitted(self, "columns_")
        parts = [column.encode(X[name]) for name, column in zip(self.names_, self.columns_, strict=True)]
        return np.concatenate(parts, axis=1)

    def decode(self, Z: np.ndarray, random: np.random.Generator | None = None) -> pd.DataFrame:
        """Rows with the columns, in the order and of the types, of the training part.

        Z : `(n, d)` numbers as scores, and probabilities of flags and values (what is below 0 counts as 0;
            they need not sum to 1)
        random : draws what is missing and which value a category takes; None: what is most probable

        Numbers lie in the range that was seen, with as many decimals; categories are among those seen.
        """
        check_is_fitted(self, "columns_")
        Z = np.asarray(Z, dtype=float)
        of = self.layout_.field
        return pd.DataFrame(
            {
                name: column.decode(Z[:, of == i], random)
                for i, (name, column) in enumerate(zip(self.names_, self.columns_, strict=True))
            },
            index=pd.RangeIndex(len(Z)),
        )


class _Number:
    """A column of many numbers, by scores at knots that were seen.

    scores, values : `(k,)` ascending; a value that was seen several times spans the scores of its ranks
    decimals : how many the column has; None: more than are counted
    """

    def __init__(self, present: np.ndarray, flagged: bool, normal: bool, dtype: str) -> None:
        self.flagged = flagged
        self.dtype = dtype
        self.decimals = _decimals(present)
        values, counts = np.unique(present, return_counts=True)
        after = np.cumsum(counts)
        if normal:
            first, last = (norm.ppf(rank / len(present)) for rank in (after - counts + 0.5, after - 0.5))
            middle = norm.ppf((after - counts / 2) / len(present))
        else:
            spread = present.std() or 1.0
            first = last = middle = (values - present.mean()) / spread
        self.seen, self.middle = values, middle
        several = last > first
        self.scores = np.concatenate([first, last[several]])
        self.values = np.concatenate([values, values[several]])
        order = np.argsort(self.scores, kind="stable")
        self.scores, self.values = self.scores[order], self.values[order]

    @property
    def field(self) -> tuple[str, int]:
        return (FLAGGED, 2) if self.flagged else (NUMBER, 1)

    def encode(self, series: pd.Series) -> np.ndarray:
        numbers = series.to_numpy(dtype=float, na_value=np.nan)
        missing = np.isnan(numbers)
        scores = np.where(missing, 0.0, np.interp(numbers, self.seen, self.middle))
        return np.column_stack([scores, missing]) if self.flagged else scores[:, None]

    def decode(self, Z: np.ndarray, random: np.random.Generator | None) -> pd.Series:
        numbers = np.interp(Z[:, 0], self.scores, self.values)
        if self.decimals is not None:
            numbers = np.round(numbers, self.decimals)
        if self.flagged:
            limit = 0.5 if random is None else random.random(len(Z))
            numbers[Z[:, 1] > limit] = np.nan
        return _typed(numbers, self.dtype)


class _Values:
    """A column of few values: strings, or numbers.

    values : a column each, the commonest first; MISSING is one of them where it was seen
    rare : values that share one more column, each as often as it was seen
    """

    def __init__(self, column: list[Any], numeric: bool, dtype: str) -> None:
        self.numeric = numeric
        self.dtype = dtype
        counts = pd.Series(column, dtype=object).value_counts(dropna=True)
        names = sorted(counts.index, key=lambda v: (-counts[v], v))
        common = [v for v in names if numeric or counts[v] > 1][:MOST_CATEGORIES]
        self.rare = [v for v in names if v not in set(common) for _ in range(int(counts[v]))]
        missing = len(column) - int(counts.sum())
        self.values = [*common, *([MISSING] if missing else [])]
        self.shares = np.array(
            [float(counts[v]) for v in common]
            + [missing] * bool(missing)
            + [len(self.rare)] * bool(self.rare)
        )

    @property
    def field(self) -> tuple[str, int]:
        return (CATEGORY, len(self.values) + bool(self.rare))

    def encode(self, series: pd.Series) -> np.ndarray:
        place = {v: i for i, v in enumerate(self.values)}
        other = len(self.values) if self.rare else None
        out = np.zeros((len(series), self.field[1]))
        for i, value in enumerate(_plain(series)):
            k = place.get(value, None if value is MISSING else other)
            if k is not None:
                out[i, k] = 1.0
        return out

    def decode(self, Z: np.ndarray, random: np.random.Generator | None) -> pd.Series:
        p = np.where(np.isfinite(Z), np.maximum(Z, 0.0), 0.0)
        p[p.sum(axis=1) <= 0] = self.shares
        if random is None:
            chosen = p.argmax(axis=1)
        else:
            bound = np.cumsum(p, axis=1)
            chosen = (bound < random.random(len(p))[:, None] * bound[:, -1:]).sum(axis=1)
        several = (
            [self.rare[0] if random is None else str(random.choice(self.rare)) for _ in chosen]
            if self.rare
            else []
        )
        found = [self.values[k] if k < len(self.values) else several[i] for i, k in enumerate(chosen)]
        if self.numeric:
            return _typed(np.array([np.nan if v is MISSING else v for v in found], dtype=float), self.dtype)
        return pd.Series(found, dtype=object)


def _learned(series: pd.Series, normal: bool) -> _Number | _Values:
    dtype = str(series.dtype)
    if not pd.api.types.is_numeric_dtype(series):
        return _Values(_plain(series), False, dtype)
    numbers = series.to_numpy(dtype=float, na_value=np.nan)
    present = numbers[~np.isnan(numbers)]
    distinct = len(np.unique(present))
    if distinct <= 2 or (distinct <= FEW_VALUES and len(present) >= ROWS_EACH * distinct):
        return _Values(_plain(series), True, dtype)
    return _Number(present, len(present) < len(numbers), normal, dtype)


def _plain(series: pd.Series) -> list[Any]:
    """The values, None where missing."""
    return [MISSING if pd.isna(v) else v for v in series.tolist()]


def _decimals(present: np.ndarray) -> int | None:
    for decimals in range(MOST_DECIMALS + 1):
        if (np.round(present, decimals) == present).all():
            return decimals
    return None


def _typed(numbers: np.ndarray, dtype: str) -> pd.Series:
    whole = np.issubdtype(np.dtype(dtype), np.floating) or not np.isnan(numbers).any()
    return pd.Series(numbers).astype(dtype if whole else "float64")
