"""A column of a table that alone predicts the target: often it was written down after the outcome."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from handful.data.columns import PICTURE, TEXTS, absent, kind_of
from handful.data.dataset import Dataset, Finding
from handful.scoring import per_cent

NEARLY_PERFECT = 0.99  # of the way from chance to perfect; R² for regression
NEXT_IS_WORSE = 0.9  # the best other column must stay below this
COPY_OF_TARGET = 0.9999  # R² of a straight line: the target itself, in other units
BY_CHANCE = 1e-3  # probability that any of the columns sorts the classes by accident
FEWEST_ROWS = 20  # for regression

KIND = "one column predicts the target"

Predict = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class _Column:
    """What one column does alone: `score` out of fold (1 is perfect), `copy`: it renames the target."""

    name: str
    score: float
    suspect: bool
    copy: bool


def check_columns(dataset: Dataset, folds: int) -> list[Finding]:
    """An alarm for each column that alone is nearly perfect where no other column comes close.

    If several different measurements are each nearly perfect, the task is more likely easy than leaking (one
    kind of iris against the others), so that is a note. A column with as few values as the target (or a
    straight line to it) merely renames it, and is an alarm whatever the others do.
    """
    if not isinstance(dataset.X, pd.DataFrame) or not _enough_rows(dataset):
        return []
    columns = _alone(dataset, folds)
    suspects = [column for column in columns if column.suspect]
    copies = [column for column in suspects if column.copy]
    others = [column for column in suspects if not column.copy]
    findings = [_alarm(column, dataset, _best_but(columns, copies)) for column in copies]
    if len(others) == 1 and _best_but(columns, suspects) < NEXT_IS_WORSE:
        findings.append(_alarm(others[0], dataset, _best_but(columns, suspects)))
    elif others:
        findings.append(_note(others))
    return findings


def _alarm(column: _Column, dataset: Dataset, next_best: float) -> Finding:
    target = dataset.origin.get("target")
    outcome = f"the target {target!r}" if isinstance(target, str) else "the target"
    others = (
        f"the next best column reaches {per_cent(next_best)}%" if next_best > 0 else "no other column helps"
    )
    way = "of the way from guessing to perfect" if dataset.task == "classification" else "of the variation"
    message = (
        f"Column {column.name!r} alone predicts {outcome} ({per_cent(column.score)}% {way}; {others}). Is it "
        f"known before the outcome is? If it is written down afterwards, or is the outcome under another "
        f"name, remove the column: a model that leans on it will fail on new data."
    )
    return Finding(KIND, "alarm", message, [column.name])


def _note(columns: list[_Column]) -> Finding:
    names = [column.name for column in columns]
    if len(names) == 1:
        what = f"Column {names[0]!r} alone predicts the target, and others come close."
    else:
        listed = ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")
        what = f"Each of {len(names)} columns alone predicts the target: {listed}."
    message = f"{what} The task may just be easy; make sure that they are known before the outcome is."
    return Finding(KIND, "note", message, names)


def _best_but(columns: list[_Column], without: list[_Column]) -> float:
    return max((column.score for column in columns if column not in without), default=0.0)


def _enough_rows(dataset: Dataset) -> bool:
    """Whether a nearly perfect column could not be an accident of few rows and many columns."""
    if dataset.task != "classification":
        return len(dataset) >= FEWEST_ROWS and float(np.ptp(dataset.y)) > 0
    from scipy.special import gammaln

    sizes = np.bincount(dataset.y)
    # Ways to sort K classes along a line, over all orders of the labels; then each allowed error may be
    # any sample; then any column may do it.
    log_chance = gammaln(len(sizes) + 1) + gammaln(sizes + 1).sum() - gammaln(sizes.sum() + 1)
    log_chance += _allowed_errors(dataset.y) * np.log(len(dataset)) + np.log(max(dataset.X.shape[1], 1))
    return bool(log_chance < np.log(BY_CHANCE))


def _allowed_errors(y: np.ndarray) -> int:
    """One in a hundred of the errors of guessing, but one at each border between classes.

    A border is learned from the training part, and so lies one sample off in an unlucky fold.
    """
    sizes = np.bincount(y)
    guessing = len(y) - int(sizes.max())
    return max(
        int((1 - NEARLY_PERFECT) * guessing), len(sizes) - 1 if guessing >= 20 * (len(sizes) - 1) else 0
    )


def _alone(dataset: Dataset, folds: int) -> list[_Column]:
    """The columns that do well alone. In-sample first, which is quick and only too kind, then out of fold."""
    splits = _splits(dataset, folds)
    everything = np.arange(len(dataset))
    columns = []
    for position, name in enumerate(dataset.X.columns):
        values = dataset.X.iloc[:, position]
        if kind_of(values) in (TEXTS, PICTURE):  # whether there is one; what it says differs in every row
            x = absent(values.to_frame())[:, 0].astype(np.int64)
        else:
            x = values.to_numpy(np.float64) if values.dtype.kind == "f" else pd.factorize(values)[0]
        best: _Column | None = None
        for predict in _predictors(dataset.task, values.dtype.kind == "f"):
            if _score(dataset, predict(x, dataset.y, everything)[everything]) < NEXT_IS_WORSE:
                continue
            predicted = np.empty(len(dataset))
            for train, test in splits:
                predicted[test] = predict(x, dataset.y, train)[test]
            column = _judge(dataset, str(name), x, predicted)
            if best is None or column.score > best.score:
                best = column
        if best is not None:
            columns.append(best)
    return columns


def _splits(dataset: Dataset, folds: int) -> list[tuple[np.ndarray, np.ndarray]]:
    from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold

    rows = np.zeros((len(dataset), 1))
    if dataset.task == "classification":
        splitter = StratifiedKFold if dataset.groups is None else StratifiedGroupKFold
    else:
        splitter = KFold if dataset.groups is None else GroupKFold
    return list(splitter(folds, shuffle=True, random_state=0).split(rows, dataset.y, dataset.groups))


def _score(dataset: Dataset, predicted: np.ndarray) -> float:
    """1 is perfect, 0 is the best constant."""
    y = dataset.y
    if dataset.task != "classification":
        return float(1 - np.square(y - predicted).sum() / np.square(y - y.mean()).sum())
    guessing = len(y) - np.bincount(y).max()
    return float(1 - (predicted != y).sum() / guessing)


def _judge(dataset: Dataset, name: str, x: np.ndarray, predicted: np.ndarray) -> _Column:
    score = _score(dataset, predicted)
    if dataset.task == "classification":
        suspect = int((predicted != dataset.y).sum()) <= _allowed_errors(dataset.y)
        known = x[~np.isnan(x)] if x.dtype.kind == "f" else x
        copy = len(np.unique(known)) <= len(np.unique(dataset.y))
        return _Column(name, score, suspect, copy)
    line = x.dtype.kind == "f" and _score(dataset, _line(x, dataset.y, np.arange(len(x)))) >= COPY_OF_TARGET
    return _Column(name, score, score >= NEARLY_PERFECT, line)


def _predictors(task: str, numeric: bool) -> list[Predict]:
    if task == "classification":
        return [_tree] if numeric else [_majority_of_category]
    return [_line, _monotone] if numeric else [_mean_of_category]


# Each predictor learns from the rows `train` of one column and predicts all rows.


def _tree(x: np.ndarray, y: np.ndarray, train: np.ndarray) -> np.ndarray:
    """A decision tree with two leaves a class; missing values go to the better side."""
    from sklearn.tree import DecisionTreeClassifier

    leaves = 2 * len(np.unique(y))
    tree = DecisionTreeClassifier(max_leaf_nodes=leaves, random_state=0)
    return tree.fit(x[train, None], y[train]).predict(x[:, None])


def _majority_of_category(x: np.ndarray, y: np.ndarray, train: np.ndarray) -> np.ndarray:
    """The most common class of the category in training; of all, where the category is new."""
    table = np.zeros((x.max() + 2, int(y.max()) + 1))  # the last row is "missing", code -1
    np.add.at(table, (x[train], y[train]), 1)
    table += 1e-6 * table.sum(axis=0)
    return table.argmax(axis=1)[x]


def _mean_of_category(x: np.ndarray, y: np.ndarray, train: np.ndarray) -> np.ndarray:
    """The mean of the category in training; of all, where the category is new."""
    size = x.max() + 2
    codes = x[train] % size
    counts = np.bincount(codes, minlength=size)
    sums = np.bincount(codes, weights=y[train], minlength=size)
    return np.where(counts > 0, sums / np.maximum(counts, 1), y[train].mean())[x]


def _line(x: np.ndarray, y: np.ndarray, train: np.ndarray) -> np.ndarray:
    """A straight line; the mean where x is missing."""
    known = train[~np.isnan(x[train])]
    mean = y[train].mean()
    if len(known) < 2 or np.ptp(x[known]) == 0:
        return np.full(len(x), mean)
    centre = x[known].mean()
    scale = np.abs(x[known] - centre).max()
    u = (x - centre) / scale
    slope = (u[known] * (y[known] - y[known].mean())).sum() / np.square(u[known]).sum()
    return np.where(np.isnan(x), mean, y[known].mean() + slope * u)


def _monotone(x: np.ndarray, y: np.ndarray, train: np.ndarray) -> np.ndarray:
    """The best rising or falling curve; the mean where x is missing."""
    from scipy.stats import spearmanr
    from sklearn.isotonic import IsotonicRegression

    known = train[~np.isnan(x[train])]
    predicted = np.full(len(x), y[train].mean())
    if len(known) < 2 or np.ptp(x[known]) == 0:
        return predicted
    if np.ptp(y[known]) == 0:
        return predicted
    rising = bool(spearmanr(x[known], y[known]).statistic >= 0)
    curve = IsotonicRegression(increasing=rising, out_of_bounds="clip").fit(x[known], y[known])
    present = ~np.isnan(x)
    predicted[present] = curve.predict(x[present])
    return predicted
