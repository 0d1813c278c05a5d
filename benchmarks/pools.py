"""What the benchmarks of the evidence draw from, and how: shared, so that all of them draw alike."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from handful.data.dataset import Dataset
from handful.evidence.predictions import Predictions, tabulate
from handful.protocol.evaluate import fit_and_predict
from handful.protocol.run import Cell
from handful.scoring import get_metric
from handful.settings import Settings


def embedded(folder: Path | None, names: Iterable[str]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Pictures as 40 principal components `(n, 40)` of frozen features (block 5), with their labels.

    Of the folders that are there; none without a folder.
    """
    found = {}
    for name in names:
        if folder is not None and (folder / name).is_dir():
            from handful.backbones import embed
            from handful.data.load import load

            dataset = load(folder / name, Settings())
            features = embed(dataset.X, level="block5")
            low = np.linalg.svd(features - features.mean(axis=0), full_matrices=False)
            found[name] = ((low[0] * low[1])[:, :40], dataset.y)
    return found


def some(y: np.ndarray, n: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Positions of n examples, at least two of each class and the others as they come, and of the rest."""
    rows = np.concatenate([random.permutation(np.flatnonzero(y == k))[:2] for k in np.unique(y)])
    rest = random.permutation(np.setdiff1d(np.arange(len(y)), rows))
    more = max(0, n - len(rows))
    return np.r_[rows, rest[:more]], rest[more:]


def framed(X: np.ndarray) -> pd.DataFrame:
    """Numbers `(n, d)` as a table."""
    return pd.DataFrame(X, columns=[f"x{i}" for i in range(X.shape[1])])


def tabular(
    X: pd.DataFrame | np.ndarray,
    y: np.ndarray,
    classes: np.ndarray | None,
    groups: np.ndarray | None = None,
) -> Dataset:
    """A data set of rows; y holds codes into `classes`, or values where that is None."""
    task = "regression" if classes is None else "classification"
    ids, meta = np.arange(len(y)).astype(str), pd.DataFrame(index=range(len(y)))
    return Dataset(X, y, ids, meta, task, "table", classes, groups)


def gathered(dataset: Dataset, cells: Sequence[Cell], metric: str = "accuracy") -> Predictions:
    """Cells run in this process, as the run folder would give them back."""
    K = None if dataset.classes is None else len(dataset.classes)
    found = [(c, fit_and_predict(c.candidate, c.split, dataset, K)) for c in cells]
    return tabulate(dataset, get_metric(metric, dataset.task, dataset.y, dataset.classes), found)
