"""Targets that are refused, told apart from odd class names: several labels a row, and ordered labels."""

from __future__ import annotations

import ast
import shlex
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from handful.data.names import listed
from handful.data.values import is_missing
from handful.errors import DataError, SettingsError

SEPARATORS = (";", "|")
_SEVERAL = ("multilabel", "multi-label", "multi_label", "multioutput", "multi-output")
_ORDERED = ("ordinal", "ordered", "ordinal_regression", "ranking")
_LISTS = (list, tuple, set, frozenset, np.ndarray)


def check_task(task: str, target: str | None = None, data: str | None = None) -> None:
    """SettingsError that says what to do where --task asks for several labels a row, or for ordered ones."""
    name = task.casefold()
    if name in _SEVERAL:
        raise SettingsError(
            f"--task {task}: one label a row is predicted, not several. Make a column of 0 and 1 for each "
            "label, leave the other labels' columns out of the table, and start one run a label: "
            f"{_command(data, 'LABEL')}"
        )
    if name in _ORDERED:
        raise SettingsError(
            f"--task {task}: there are no models for ordered labels. {_two_ways(target, data)}"
        )


def check_several_columns(wanted: str, columns: Sequence[str], data: str | None = None) -> None:
    """DataError where --target names several columns that exist, as `a,b,c`."""
    parts = [part.strip() for part in wanted.split(",")]
    if len(parts) < 2 or not set(parts) <= set(columns):
        return
    rest = listed(parts[1:])
    raise DataError(
        f"--target {wanted} names {len(parts)} columns, but one label a row is predicted. Start one run a "
        f"label, the first with {_command(data, parts[0])} (take {rest} out of the table before, unless they "
        "are known where predictions are made: they would be learned from)."
    )


def check_one_label_a_row(column: pd.Series, name: str, data: str | None = None) -> None:
    """DataError where the cells of the target hold several labels: lists, lists as text, or joined tags.

    Class names may hold commas, slashes, brackets and bars: joined tags are only what cannot be anything
    else, because labels recur in other company and at other places (`a|b`, `b|c`, `b`).
    """
    values = [v for v in column.astype(object).tolist() if not _absent(v)]
    for read, way in (
        (_lists, f"table.pop({name!r}).str.join('|').str.get_dummies()"),
        (_lists_as_text, f"table.pop({name!r}).map(ast.literal_eval).str.join('|').str.get_dummies()"),
    ):
        found = read(values)
        if found is not None:
            raise DataError(_several(name, found, values[0], way, data))
    for separator in SEPARATORS:
        tags = _joined(values, separator)
        if tags is not None:
            way = f"table.pop({name!r}).str.get_dummies({separator!r})"
            example = next(v for v in values if separator in v)
            raise DataError(_several(name, tags, example, way, data))


def check_one_column(y: Any, name: str) -> None:
    """DataError where y has several columns, `(n, k)`; k = 1 is well."""
    values = np.asarray(y)
    shape = values.shape
    if values.ndim != 2 or shape[1] == 1:
        return
    told = f"the target {name!r} has one value a row, shape (n,), but this one has {shape}"
    zeros_and_ones = values.dtype.kind in "biuf" and ((values == 0) | (values == 1)).all()
    if zeros_and_ones and (values.sum(axis=1) == 1).all():
        raise DataError(f"{told}: each row has a single 1. Give the classes: y.argmax(axis=1).")
    first = f"y[{y.columns[0]!r}]" if isinstance(y, pd.DataFrame) else "y[:, 0]"
    raise DataError(
        f"{told}. One label a row is predicted: start one run a column, the first with "
        f"handful.fit((X, {first}))."
    )


def indicators(values: Any) -> np.ndarray | None:
    """A list of rows of 0 and 1, all as long and longer than one, as an array `(n, k)`; else None."""
    rows = list(values)
    if not rows or not all(isinstance(row, (list, tuple)) and len(row) == len(rows[0]) > 1 for row in rows):
        return None
    if not all(isinstance(v, (bool, int, float)) and v in (0, 1) for row in rows for v in row):
        return None
    return np.array(rows, dtype=float)


def check_unordered(column: pd.Series, name: str, task: str, data: str | None = None) -> None:
    """DataError where the target is an ordered pandas Categorical and nobody said what to make of it.

    With two categories there is no order to lose; with a task that was asked for, somebody has decided.
    """
    kind = column.dtype
    if not isinstance(kind, pd.CategoricalDtype) or not kind.ordered or task != "auto":
        return
    if column.nunique() < 3:
        return
    order = " < ".join(str(c) for c in kind.categories[:8]) + (" < …" if len(kind.categories) > 8 else "")
    raise DataError(
        f"the target {name!r} is ordered ({order}), and there are no models for ordered labels. "
        f"{_two_ways(name, data)}"
    )


def _two_ways(target: str | None, data: str | None) -> str:
    column = target or "y"
    return (
        "Either keep the order as numbers, 1 to K in place of the labels (of an ordered pandas column: "
        f"table[{column!r}].cat.codes + 1), with --task regression: {_command(data, column)} --task "
        f"regression. Or drop the order and have plain classes: {_command(data, column)} --task "
        "classification."
    )


def _command(data: str | None, target: str) -> str:
    return f"handful fit {shlex.quote(data or 'DATA')} --target {shlex.quote(target)}"


def _several(name: str, labels: Sequence[str], example: Any, way: str, data: str | None) -> str:
    shown = repr(example.tolist() if isinstance(example, np.ndarray) else example)
    return (
        f"the target {name!r} holds several labels a row, such as {shown[:80]}: {len(labels)} in all "
        f"({listed(labels)}). One label a row is predicted. Make a column of 0 and 1 for each label "
        f"(in pandas: table.join({way})), and start one run a label on a table without the other labels' "
        f"columns, the first with {_command(data, labels[0])}"
    )


def _absent(value: Any) -> bool:
    return not isinstance(value, _LISTS) and is_missing(value)


def _lists(values: Sequence[Any]) -> list[str] | None:
    """The labels in cells that are lists, most frequent first; None where no cell is one."""
    lists = [v for v in values if isinstance(v, _LISTS)]
    return _labels(lists) if lists else None


def _lists_as_text(values: Sequence[Any]) -> list[str] | None:
    """The labels in cells such as `["cat", "dog"]`; None where a cell is anything else.

    Two numbers in brackets may be an interval, which is a class like any other.
    """
    if not values or not all(isinstance(v, str) and v.strip()[:1] in "[{" and v.strip() for v in values):
        return None
    try:
        lists = [ast.literal_eval(v.strip()) for v in values]
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        return None
    if not all(isinstance(v, _LISTS) for v in lists):
        return None
    if all(len(v) == 2 and all(isinstance(x, (int, float)) for x in v) for v in lists):
        return None
    return _labels(lists)


def _labels(lists: Sequence[Any]) -> list[str]:
    counts = Counter(
        str(label) for v in lists for label in np.ravel(np.array(list(v), dtype=object)).tolist()
    )
    return [label for label, _ in counts.most_common()] or ["LABEL"]


def _joined(values: Sequence[Any], separator: str) -> list[str] | None:
    """The labels in cells such as `a|b`, most frequent first; None where they may be plain class names.

    In a crossing of two properties (`male|young`) or a path (`animal|cat`) every part keeps its place; a tag
    stands now here, now there.
    """
    if not all(isinstance(v, str) for v in values):
        return None
    split = {v: [part.strip() for part in v.split(separator)] for v in set(values)}
    split = {v: [p for p in parts if p] for v, parts in split.items()}
    several = [parts for parts in split.values() if len(parts) > 1]
    if len(several) < 2 or any(len(set(parts)) < len(parts) for parts in several):
        return None
    places: dict[str, set[int]] = defaultdict(set)
    for parts in split.values():
        for i, part in enumerate(parts):
            places[part].add(i)
    moving = sum(len(where) > 1 for where in places.values())
    if moving < max(2, len(places) / 4):
        return None
    counts = Counter(part for v in values for part in split[v])
    return [label for label, _ in counts.most_common()]
