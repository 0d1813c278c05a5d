"""What made-up rows bring on tables: noise, mixtures of two rows, SMOTE, against the same model without them.

    python benchmarks/more_rows.py ../shared/data/tabular [--draws 3]

Tables with classes and 250 to 2,500 rows: 100 rows to learn from, up to 800 others to test on. The candidates
are those that `standard` offers; nothing was tuned on these figures but which of them `quick` offers (seeds
from 500), and the draws reported begin at seed 0.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from handful.data.dataset import Dataset
from handful.data.load import load
from handful.errors import HandfulError
from handful.settings import Settings
from handful.strategies import augmentation, classic
from handful.strategies.candidate import scores
from machine import heading

N, REST = 100, 800
STANDARD = Settings(budget="standard")


def tables(folder: Path) -> dict[str, Dataset]:
    """The tables below a folder that are large enough and have enough of each class."""
    found = {}
    for file in sorted(folder.glob("*/data.csv")):
        try:
            dataset = load(file, Settings(target="target"))
        except HandfulError:
            continue
        if dataset.task != "classification" or not 250 <= len(dataset) <= 2500:
            continue
        if np.bincount(dataset.y).min() >= 20 and len(dataset.classes) <= 6:
            found[file.parent.name] = dataset
    return found


def gained(dataset: Dataset, seed: int) -> dict[str, tuple[float, float]]:
    """For each candidate the gain in accuracy and in balanced accuracy over its base, in points."""
    order = np.random.default_rng(seed).permutation(len(dataset))
    rows, rest = order[:N], order[N : N + REST]
    K = len(dataset.classes)
    if np.bincount(dataset.y[rows], minlength=K).min() < 4:
        return {}
    some = Dataset(
        dataset.X.iloc[rows].reset_index(drop=True),
        dataset.y[rows],
        dataset.ids[rows],
        dataset.meta.iloc[rows].reset_index(drop=True),
        "classification",
        "table",
        dataset.classes,
    )
    known = {c.name: c for c in classic.candidates(some, STANDARD)}
    truth = dataset.y[rest]

    def right(candidate) -> tuple[float, float]:
        fitted = candidate.fresh(seed).fit(some.X, some.y)
        hit = scores(fitted, dataset.X.iloc[rest], K).argmax(axis=1) == truth
        return float(hit.mean()), float(np.mean([hit[truth == k].mean() for k in np.unique(truth)]))

    plain: dict[str, tuple[float, float]] = {}
    found = {}
    for candidate in augmentation.candidates(some, STANDARD):
        if candidate.base not in plain:
            plain[candidate.base] = right(known[candidate.base])
        pairs = zip(right(candidate), plain[candidate.base], strict=True)
        found[candidate.name] = tuple(100 * (a - b) for a, b in pairs)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--draws", type=int, default=3)
    arguments = parser.parse_args()
    by_name: dict[str, list[np.ndarray]] = {}
    for dataset in tables(arguments.folder).values():
        with threadpool_limits(1), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            draws = [gained(dataset, seed) for seed in range(arguments.draws)]
        for name in dict.fromkeys(name for draw in draws for name in draw):
            values = np.array([draw[name] for draw in draws if name in draw])
            by_name.setdefault(name, []).append(values.mean(axis=0))
    print(heading(__file__))
    print(
        f"{N} rows, {arguments.draws} draws a table; gain over the same model without, in points ± standard"
    )
    print("error over tables (best and worst table).\n")
    print("| candidate | tables | accuracy | balanced accuracy |")
    print("|---|---|---|---|")
    for name, gains in by_name.items():
        cells = []
        for values in np.array(gains).T:
            error = values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else float("nan")
            cells.append(f"{values.mean():+.1f} ± {error:.1f} ({values.max():+.1f}, {values.min():+.1f})")
        print(f"| {name} | {len(gains)} | {' | '.join(cells)} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
