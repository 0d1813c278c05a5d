"""When are equal rows copies? `equal_rows.py data.csv ... --target target`, with five tables of scikit-learn.

For each table: the rows beyond the first of their kind, the pairs of distinct rows that differ in one
column, the expected number of equal pairs were columns independent (log10), what the audit makes of it, and
whether 3 % of planted copies are recognised. Then how strongly columns depend: over random subsets of the
columns of the distinct rows in which rows are still equal, the least share of their joint log-probability
that the observed coincidences leave (1: independent).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn import datasets

from handful.audit.coincidence import Coincidence, coincidence, column_codes

SUBSETS = 600


def least_share(X: pd.DataFrame, rng: np.random.Generator) -> float:
    """Observed log-probability of equal rows over the independent one, at its smallest."""
    codes = column_codes(X)
    codes = np.unique(codes, axis=0)
    n, columns = codes.shape
    pairs = n * (n - 1) / 2
    log_equal = np.array([np.log10(max(equal_pairs(column[:, None]), 1) / pairs) for column in codes.T])
    share = np.inf
    for _ in range(SUBSETS):
        size = rng.integers(2, min(columns, 40)) if columns > 2 else 2
        subset = rng.choice(columns, size, replace=False)
        observed = equal_pairs(codes[:, subset])
        if observed:
            share = min(share, np.log10(observed / pairs) / log_equal[subset].sum())
    return float(share)


def equal_pairs(codes: np.ndarray) -> int:
    counts = np.unique(codes, axis=0, return_counts=True)[1]
    return int((counts * (counts - 1) // 2).sum())


def verdict(measured: Coincidence) -> str:
    if measured.copies == 0:
        return "-"
    return "copies" if measured.improbable else "chance"


def tables(paths: list[Path], target: str) -> dict[str, pd.DataFrame]:
    found = {path.parent.name: pd.read_csv(path).drop(columns=target) for path in paths}
    for name in ("iris", "wine", "breast_cancer", "diabetes", "digits"):
        found[f"sklearn {name}"] = getattr(datasets, f"load_{name}")(as_frame=True).data
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("paths", nargs="*", type=Path)
    parser.add_argument("--target", default="target")
    arguments = parser.parse_args()
    print(f"{'table':28s} rows cols copies neighbours log10 pairs  verdict  3% planted  least share")
    for name, X in tables(arguments.paths, arguments.target).items():
        as_is = coincidence(X)
        planted = coincidence(pd.concat([X, X.sample(frac=0.03, random_state=0)], ignore_index=True))
        share = least_share(X, np.random.default_rng(0))
        print(
            f"{name:28s} {len(X):4d} {X.shape[1]:4d} {as_is.copies:6d} {as_is.neighbours:10d} "
            f"{as_is.log10_pairs:11.1f}  {verdict(as_is):7s}  {verdict(planted):10s}  {share:.2f}"
        )


if __name__ == "__main__":
    main()
