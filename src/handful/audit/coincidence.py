"""Whether table rows that are equal must be copies, or can be equal by chance."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

# Columns depend on each other, so equal rows are more common than independence says: in random subsets
# of the columns of 27 real tables (benchmarks/equal_rows.py: 22 from R packages and KEEL, 5 from
# scikit-learn) rows were equal where independence expected down to 1e-13 pairs of them (keel_vehicle,
# 13 measures of one silhouette). Dependent columns still left at least 0.30 of the log-probability that
# independent ones would have, related DNA sequences aside. Two ways to be improbable follow from that.
SHARE_OF_INDEPENDENCE = 0.25
IMPROBABLE = 0.1  # expected pairs when only that share counts
UNLIKELY = 1e-3  # expected pairs under plain independence; then the neighbours must be missing, too


@dataclass(frozen=True)
class Coincidence:
    """How many equal rows chance would make.

    `copies` are rows beyond the first of their kind; `neighbours` are pairs of distinct rows that differ in
    a single column; `log10_pairs` is the expected number of equal pairs if columns were independent, and
    `log10_dependent` the same if they carried only SHARE_OF_INDEPENDENCE of that information.
    """

    copies: int
    neighbours: int
    log10_pairs: float
    log10_dependent: float

    @property
    def improbable(self) -> bool:
        """Whether the equal rows must be copies.

        Either coincidence is out of the question for columns that depend as strongly as any seen; or it is
        unlikely and comes without its usual company. Rows that are equal by nature stand among many more
        that differ in one column (titanic: 825 copies, 6,998 neighbours; iris: 1 and 19), while rows that
        were copied have few or none (bupa: 4 and 0; movement_libras: 30 and 0).
        """
        if self.log10_dependent < math.log10(IMPROBABLE):
            return True
        return self.log10_pairs < math.log10(UNLIKELY) and self.copies >= self.neighbours


def column_codes(X: pd.DataFrame) -> np.ndarray:
    """Each column's values as codes, `(n, columns)`; missing is -1."""
    return np.column_stack([pd.factorize(X.iloc[:, j])[0] for j in range(X.shape[1])])


def coincidence(X: pd.DataFrame) -> Coincidence:
    """Measure on the distinct rows, so that copies do not testify for themselves."""
    codes = column_codes(X)
    first = np.sort(np.unique(codes, axis=0, return_index=True)[1])
    distinct = _without_renamed_columns(column_codes(pd.DataFrame(codes[first])))
    n = len(distinct)
    if n < 2:
        return Coincidence(len(codes) - n, 0, 0.0, 0.0)
    pairs = n * (n - 1) / 2
    equal = np.array([_equal_pairs(column) for column in distinct.T])
    # A column in which no two values are equal is counted as if one pair were.
    log10_equal = np.log10(np.maximum(equal, 1) / pairs).sum()
    return Coincidence(
        copies=len(codes) - n,
        neighbours=_pairs_that_differ_once(distinct),
        log10_pairs=float(np.log10(pairs) + log10_equal),
        log10_dependent=float(np.log10(pairs) + SHARE_OF_INDEPENDENCE * log10_equal),
    )


def _without_renamed_columns(codes: np.ndarray) -> np.ndarray:
    """Columns that rename each other (a code and its name) count once.

    Codes follow the order of appearance, so such columns have equal codes. Columns in which most values are
    unique have equal codes by nature, and are left.
    """
    repeating = codes.max(axis=0) < len(codes) / 2
    return np.column_stack([np.unique(codes[:, repeating], axis=1), codes[:, ~repeating]])


def _equal_pairs(values: np.ndarray) -> int:
    counts = np.unique(values, return_counts=True)[1]
    return int((counts * (counts - 1) // 2).sum())


def _pairs_that_differ_once(distinct: np.ndarray) -> int:
    """Pairs of distinct rows equal in all columns but one.

    Each value gets a random 64-bit word and a row the sum of its words, so a row without column j is a
    subtraction, and equal sums are equal rows (a false one has a chance below 1e-9).
    """
    rng = np.random.default_rng(0)
    words = np.empty(distinct.shape, np.uint64)
    for j, column in enumerate(distinct.T):
        words[:, j] = rng.integers(0, 2**64, column.max() + 2, dtype=np.uint64)[column]
    total = words.sum(axis=1, dtype=np.uint64)
    return sum(_equal_pairs(total - words[:, j]) for j in range(distinct.shape[1]))
