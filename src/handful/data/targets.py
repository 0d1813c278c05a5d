"""The target: missing or not, classification or regression, which classes."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from handful.data.dataset import Finding
from handful.data.many_labels import (
    check_one_column,
    check_one_label_a_row,
    check_several_columns,
    check_unordered,
    indicators,
)
from handful.data.names import count, did_you_mean, listed
from handful.data.values import (
    MISSING,
    MISSING_AMONG_NUMBERS,
    maybe_thousands,
    number_style,
    odd_among_numbers,
    plain_values,
    to_category,
    to_number,
    unit_of,
    without_markers,
)
from handful.errors import DataError

_TARGET_NAMES = ("target", "label", "class", "y")
# Whole numbers with up to this many values are taken for classes, where each value occurs often enough.
_MOST_INTEGER_CLASSES = 20
_MOST_FLOAT_CLASSES = 10
_WHOLE = re.compile(r"0|-?[1-9]\d*", re.ASCII)


@dataclass
class Target:
    """The target of the rows kept: `keep` is a mask over all rows, `y` and `classes` as in Dataset.

    `style` says how its numbers are written as text; "" where none are.
    """

    keep: np.ndarray
    y: np.ndarray
    task: str
    classes: np.ndarray | None = None
    findings: list[Finding] = field(default_factory=list)
    style: str = ""


def find_target_column(
    columns: Sequence[str], wanted: str | None, data: str | None = None
) -> tuple[str, list[Finding]]:
    """The target's column: the one asked for, or one that bears a usual name; DataError where none does.

    `data` is how the person named the data, for the message.
    """
    columns = list(columns)
    if wanted is not None:
        if wanted not in columns:
            check_several_columns(wanted, columns, data)
            raise DataError(
                f"there is no column {wanted!r} to use as the target.{did_you_mean(wanted, columns)} "
                f"The columns are: {listed(columns, 30)}."
            )
        return wanted, []
    by_name = {column.casefold(): column for column in reversed(columns)}
    usual = [by_name[name] for name in _TARGET_NAMES if name in by_name]
    if not usual:
        hint = ""
        if all(to_number(name, "plain") is not None for name in columns):
            hint = " The first line seems to hold values: is the line of column names missing?"
        raise DataError(
            f"which column is the target? Name it with --target COLUMN. The columns are: "
            f"{listed(columns, 30)}.{hint}"
        )
    message = f"The column {usual[0]!r} was taken as the target. Use --target COLUMN to name another."
    return usual[0], [Finding("target", "note", message, [usual[0]])]


def read_target(
    values: Any,
    ids: np.ndarray,
    *,
    name: str,
    task: str = "auto",
    drop_classes: Sequence[str] = (),
    parse: bool = True,
    data: str | None = None,
    decimal: str = "",
) -> Target:
    """The target of every row that has one.

    `values` are labels or numbers, one a row. With `parse` they are cells of a file: labels become strings
    without outer white space, and markers such as NA, or - among numbers, mean missing. Without, they keep
    their dtype. Rows without a value, and those of `drop_classes`, are left out (`Target.keep`). DataError
    where the target cannot be learned, with the command to give instead (`data` is how the person named the
    data); see also `check_classes`. `decimal` is the mark of the file (`values.decimal_mark`).
    """
    column = values if isinstance(values, pd.Series) else _as_series(values, name)
    check_unordered(column, name, task, data)
    check_one_label_a_row(column, name, data)
    raw = column.astype(object).tolist()
    plain = plain_values(column)
    markers: set[str] = set()
    if parse:
        plain, markers = _without_missing(plain, decimal)
    present = [v for v in plain if v is not None]
    style = _style_of(present, parse, decimal)
    numbers = _numbers(present, style)
    infinite = False
    if numbers is not None:
        infinite = not np.isfinite(numbers).all()
        finite = iter(np.isfinite(numbers))
        plain = [v if v is None or next(finite) else None for v in plain]
        numbers = numbers[np.isfinite(numbers)]
    keep = np.array([v is not None for v in plain], dtype=bool)
    findings = _missing_findings(keep, ids, name, markers, infinite)
    if not keep.any():
        raise DataError(f"the target {name!r} has no value in any row. Fill it in, or name another column.")
    present = [v for v in plain if v is not None]
    guessed = task == "auto"
    if guessed:
        task, reason = decide_task(present, numbers)
        if reason:
            message = f"The task is {task}, because {reason}. Use --task to say otherwise."
            findings.append(Finding("task", "note", message, [name]))
    if task == "regression":
        findings += _point_findings(present, style, decimal, name)
        return _regression(present, style, keep, ids, name, findings)
    if parse:
        labels: list[Any] = _text_labels(present, numbers, style)
        findings += _stripped_findings([v for v, k in zip(raw, keep, strict=True) if k])
    else:
        # Labels of an array are the caller's own, and predictions are compared with them: unchanged.
        labels = [v for v, k in zip(raw, keep, strict=True) if k]
    drop_classes = [label for label in drop_classes if label not in markers]
    result = _classification(labels, column, keep, name, drop_classes, findings)
    result.style = style or ""
    if markers and result.classes is not None and len(result.classes) == 1:
        raise DataError(
            f"the target {name!r} holds one class, {_name(result.classes[0])}, beside "
            f"{listed(map(repr, sorted(markers)))}, which was read as missing. Where it is a "
            "class, give it another name."
        )
    if guessed and parse and numbers is None:
        _check_not_nearly_numbers(plain, result, ids, name)
    if isinstance(values, np.ndarray) and values.dtype.kind == "U" and result.classes is not None:
        result.classes = result.classes.astype(str)
    return result


def _without_missing(plain: list[Any], decimal: str) -> tuple[list[Any], set[str]]:
    """Cells of a file with None where a marker means missing, and the markers, which might be names."""
    plain, always = without_markers(plain, MISSING)
    always.discard("")
    fewer, markers = without_markers(plain, MISSING_AMONG_NUMBERS)
    present = [v for v in fewer if v is not None]
    numbers = _numbers(present, _style_of(present, True, decimal)) if markers else None
    if numbers is None or len(np.unique(numbers)) == 1:  # "1" and "-" are two names, as "+" and "-" are
        return plain, always
    return fewer, always | markers


def _check_not_nearly_numbers(plain: list[Any], target: Target, ids: np.ndarray, name: str) -> None:
    """DataError where one value that is no number has made classes of a target, and some have one example."""
    odd = odd_among_numbers([v if k else None for v, k in zip(plain, target.keep, strict=True)])
    if odd is None or np.bincount(target.y).min() > 1:
        return
    raise DataError(
        f"nearly all values of the target {name!r} are numbers, but {odd[1]!r} (row {ids[odd[0]]}) is "
        "not one, or is written unlike the others, so they would be classes, some with 1 example. Correct "
        "the value, or leave the cell empty: its row is then left out."
    )


def check_classes(y: np.ndarray, classes: np.ndarray, what: str = "row", damaged: int = 0) -> None:
    """DataError where classes cannot be told apart: a single one, one per row, or one with one example."""
    counts = np.bincount(y, minlength=len(classes))
    also = f" ({count(damaged, 'damaged file')} left out)" if damaged else ""
    if len(classes) == 1:
        raise DataError(
            f"there is one class, {_name(classes[0])}, in all {len(y)} {what}s{also}; there is nothing to "
            "tell apart. Add examples of another class, or name another target."
        )
    if (counts == 1).all():
        hint = " For a number to be predicted use --task regression." if classes.dtype.kind in "iuf" else ""
        raise DataError(
            f"there are as many classes as {what}s ({len(classes)}){also}: every class has 1 example, and "
            f"nothing can be learned from that. Is the target the right column?{hint}"
        )
    small = [(str(classes[i]), int(counts[i])) for i in np.flatnonzero(counts < 2)]
    if small:
        name, n = small[0]
        others = f" (so do {listed(repr(c) for c, _ in small[1:])})" if len(small) > 1 else ""
        drops = " ".join(f"--drop-class {_quoted(c)}" for c, _ in small[:8])
        raise DataError(
            f"class {name!r} has {count(n, 'example')}{others}{also}, but cross-validation needs at least 2 "
            f"in every class. Add examples, merge the class, or leave it out with {drops}."
        )


def decide_task(present: Sequence[Any], numbers: np.ndarray | None) -> tuple[str, str]:
    """("classification" or "regression", why), from the target's values that are there; "" for names."""
    if numbers is None:
        return "classification", ""
    n, distinct = len(numbers), len(np.unique(numbers))
    if (numbers != np.round(numbers)).any():
        if distinct <= _MOST_FLOAT_CLASSES and n >= 10 * distinct:
            return "classification", f"the target has only {distinct} values"
        return "regression", f"the target is a number with {distinct} values"
    if distinct > 2 and distinct > n / 2:
        return (
            "regression",
            f"most of the {n} values of the target are different numbers",
        )
    if distinct <= _MOST_INTEGER_CLASSES or _are_class_codes(numbers):
        return "classification", f"the target has only {distinct} values"
    return "regression", f"the target is a number with {distinct} values"


def encode(
    values: Any,
    name: str,
    task: str,
    classes: np.ndarray | None,
    style: str = "",
    dropped: Sequence[str] = (),
) -> tuple[np.ndarray, np.ndarray]:
    """(mask of rows with a value, y of those) for data that comes later, in the classes of before.

    Rows of the classes `dropped`, which were left out before, count as rows without a value.

    Numbers are read in `style`, that of before (`Target.style`); it is guessed where there was none. A label
    is looked up as it is, then as a cell of a file would be read. DataError for a label that is none of
    `classes`, or for text where a number is expected.
    """
    column = values if isinstance(values, pd.Series) else _as_series(values, name)
    plain = plain_values(column)
    codes = {} if classes is None else {str(label).strip(): i for i, label in enumerate(classes.tolist())}
    among_numbers = classes is None or number_style(list(codes)) is not None
    markers = (MISSING | MISSING_AMONG_NUMBERS if among_numbers else MISSING) - set(codes)
    missing = [v is None or (isinstance(v, str) and v in markers) for v in plain]
    keep = ~np.array(missing, dtype=bool)
    present = [v for v, k in zip(plain, keep, strict=True) if k]
    known = style or _style_of(present, parse=True)
    if classes is None or task == "regression":
        return keep, _regression_numbers(present, known, np.flatnonzero(keep).astype(str), name)
    read = _text_labels(present, _numbers(present, known), known)
    labels = [str(v) if str(v) in codes else text for v, text in zip(present, read, strict=True)]
    wanted = ~np.isin(labels, list(dropped))
    keep[np.flatnonzero(keep)[~wanted]] = False
    labels = [label for label, is_wanted in zip(labels, wanted, strict=True) if is_wanted]
    unknown = next((label for label in labels if label not in codes), None)
    if unknown is not None:
        raise DataError(
            f"the label {unknown!r} is not among the classes that the model was fitted on: {listed(codes)}."
            f"{did_you_mean(unknown, codes)} Correct the label, or take its examples out."
        )
    return keep, np.array([codes[label] for label in labels], dtype=np.int64)


def _as_series(values: Any, name: str) -> pd.Series:
    array = values if isinstance(values, np.ndarray) else indicators(values)
    if array is None:
        array = _objects(list(values))
    check_one_column(array, name)
    if array.ndim == 2:
        array = array[:, 0]
    if array.ndim != 1:
        raise DataError(
            f"the target {name!r} has one value a row, shape (n,), but this one has {array.shape}."
        )
    return pd.Series(array, dtype=object if array.dtype == object else None)


def _objects(values: list[Any]) -> np.ndarray:
    array = np.empty(len(values), dtype=object)
    for i, value in enumerate(values):  # a list of lists stays a list of values
        array[i] = value
    return array


def _style_of(present: Sequence[Any], parse: bool, decimal: str = "") -> str | None:
    """How numbers among the values are written as text, "" where none are; None where not all are numbers.

    Without `parse` no text is a number.
    """
    if not present or any(isinstance(v, (bool, np.bool_)) for v in present):
        return None
    texts = [v for v in present if isinstance(v, str)]
    if texts and not parse:
        return None
    style = number_style(texts, decimal) if texts else ""
    return style if _numbers(present, style) is not None else None


def _numbers(present: Sequence[Any], style: str | None) -> np.ndarray | None:
    """The values as floats where all are numbers in this style; None otherwise."""
    if style is None:
        return None
    numbers = [to_number(v, style or "plain") for v in present]
    return None if None in numbers else np.array(numbers, dtype=np.float64)


def _text_labels(present: Sequence[Any], numbers: np.ndarray | None, style: str | None) -> list[str]:
    """Labels of a file as strings; whole numbers without a point (missing values make floats of them).

    A label keeps its unit: "10 mg" is the name of a class.
    """
    bare = unit_of(style or "") in ("", "%")
    if numbers is not None and bare and (numbers == np.round(numbers)).all():
        # A float holds 15 digits, and longer names of classes would become one.
        texts = [str(value) for value in present]
        return [t if _WHOLE.fullmatch(t) else str(int(v)) for t, v in zip(texts, numbers, strict=True)]
    return [to_category(value) for value in present]


def _regression(
    present: list[Any],
    style: str | None,
    keep: np.ndarray,
    ids: np.ndarray,
    name: str,
    findings: list[Finding],
) -> Target:
    y = _regression_numbers(present, style, ids[keep], name)
    if len(y) == 1:
        raise DataError(f"there is 1 row with a value of the target {name!r}; many more are needed.")
    if len(np.unique(y)) == 1:
        raise DataError(
            f"the target {name!r} is {y[0]:g} in all {len(y)} rows: there is nothing to predict. "
            "Name another column with --target."
        )
    return Target(keep, y, "regression", None, findings, style or "")


def _regression_numbers(present: Sequence[Any], style: str | None, ids: np.ndarray, name: str) -> np.ndarray:
    read = [to_number(value, style or "plain") for value in present]
    bad = next((i for i, number in enumerate(read) if number is None), None)
    if bad is not None:
        odd = None if style else odd_among_numbers(present)
        bad = bad if odd is None else odd[0]
        like = (
            f" written like {style.replace('plain', '1234.5')}" if style else " written alike" if odd else ""
        )
        other = "" if style else ", or use --task classification"
        raise DataError(
            f"regression needs numbers{like}, but the target {name!r} holds {present[bad]!r} "
            f"(row {ids[bad]}). Correct the value{other}."
        )
    return np.array(read, dtype=np.float64)


def _classification(
    labels: list[Any],
    column: pd.Series,
    keep: np.ndarray,
    name: str,
    drop_classes: Sequence[str],
    findings: list[Finding],
) -> Target:
    present = _own_dtype(labels, column, name)
    names = np.array([str(label).strip() for label in present.tolist()], dtype=object)
    if drop_classes:
        dropped = np.isin(names, _known_drops(drop_classes, sorted(set(names))))
        keep = keep.copy()
        keep[np.flatnonzero(keep)[dropped]] = False
        present = present[~dropped]
        message = (
            f"Left out {count(int(dropped.sum()), 'row')} of the classes {listed(drop_classes)}, as asked."
        )
        findings.append(Finding("dropped class", "note", message, list(drop_classes)))
        if not len(present):
            raise DataError("--drop-class leaves no class. Keep at least two.")
    if len(present) == 1:
        raise DataError(f"there is 1 row with a value of the target {name!r}; many more are needed.")
    classes, y = np.unique(present, return_inverse=True)
    order = _natural_order(classes)
    y = np.argsort(order)[y]
    classes = classes[order]
    findings += _similar_findings([str(c) for c in classes.tolist()])
    return Target(keep, y.astype(np.int64), "classification", classes, findings)


def _own_dtype(labels: list[Any], column: pd.Series, name: str) -> np.ndarray:
    """The labels as an array of the dtype they came in."""
    kinds = {"text" if isinstance(v, str) else "bool" if isinstance(v, (bool, np.bool_)) else
             "number" if to_number(v) is not None else type(v).__name__ for v in labels}  # fmt: skip
    if len(kinds) > 1 or not kinds <= {"text", "bool", "number"}:
        raise DataError(
            f"the labels of the target {name!r} are of the kinds {listed(sorted(kinds))}; they must be all "
            "text, all numbers or all truth values. Convert them, for instance with y.astype(str)."
        )
    if kinds == {"text"}:
        return _objects(labels)
    dtype = column.dtype if isinstance(column.dtype, np.dtype) and column.dtype != object else None
    array = np.array(labels, dtype=dtype)
    if array.dtype != object or all(isinstance(label, int) for label in labels):
        return array
    numbers = array.astype(float)  # of Decimal, of Fraction
    return numbers.astype(np.int64) if (numbers == np.round(numbers)).all() else numbers


def _known_drops(drop_classes: Sequence[str], known: list[str]) -> list[str]:
    for wanted in drop_classes:
        if wanted not in known:
            raise DataError(
                f"--drop-class {wanted}: there is no such class.{did_you_mean(wanted, known)} "
                f"The classes are: {listed(known, 30)}."
            )
    return list(drop_classes)


def _natural_order(classes: np.ndarray) -> np.ndarray:
    """Strings that are all numbers in the order of the numbers: 2 before 10."""
    names = [str(c) for c in classes]
    style = number_style(names) if classes.dtype == object else None
    if style is None:
        return np.arange(len(classes))
    return np.argsort(np.array([to_number(name, style) for name in names]), kind="stable")


def _are_class_codes(numbers: np.ndarray) -> bool:
    """0…K-1 or 1…K without a gap, none much rarer than another: codes of classes, not measurements."""
    values, counts = np.unique(numbers, return_counts=True)
    gapless = values[0] in (0, 1) and values[-1] - values[0] + 1 == len(values)
    return bool(gapless and counts.min() >= 2 and counts.max() <= 3 * counts.min())


def _missing_findings(
    keep: np.ndarray, ids: np.ndarray, name: str, markers: set[str], infinite: bool
) -> list[Finding]:
    missing = [str(i) for i in ids[~keep]]
    if not missing:
        return []
    a_value = "a finite value" if infinite else "a value"
    message = (
        f"Left out {count(len(missing), 'row')} without {a_value} of the target {name!r}: {listed(missing)}."
    )
    if markers:
        shown = listed(map(repr, sorted(markers)))
        message += f" {shown} was read as missing; where it is a class, give it another name."
    return [Finding("missing target", "warning", message, missing)]


def _point_findings(present: Sequence[Any], style: str | None, decimal: str, name: str) -> list[Finding]:
    """What the points of the target's numbers were taken for, where that is not plain."""
    texts = [value for value in present if isinstance(value, str)]
    if decimal == "," and style != number_style(texts):
        message = f"The target {name!r} was read like {style}, since other numbers have decimal commas."
        return [Finding("numbers as text", "note", message, [name])]
    example = maybe_thousands(texts)
    if style != "plain" or decimal or example is None:
        return []
    message = (
        f"Points in the target {name!r} were read as decimal, but may part thousands, since whole numbers "
        f"stand beside them ({example!r} as {to_number(example):g}). If they do, write the numbers without "
        "points."
    )
    return [Finding("maybe thousands", "warning", message, [name])]


def _stripped_findings(raw: Sequence[Any]) -> list[Finding]:
    stripped = sorted({v for v in raw if isinstance(v, str) and v != v.strip()})
    if not stripped:
        return []
    message = f"Labels with white space around them were read without it: {listed(map(repr, stripped))}."
    return [Finding("white space in labels", "note", message, [v.strip() for v in stripped])]


def _similar_findings(classes: list[str]) -> list[Finding]:
    """Classes that differ only in case, in white space, or in how their accents are stored."""
    same = defaultdict(list)
    for label in classes:
        same[" ".join(unicodedata.normalize("NFC", label.casefold()).split())].append(label)
    alike = [labels for labels in same.values() if len(labels) > 1]
    if not alike:
        return []
    shown = "; ".join(listed(map(repr, labels)) for labels in alike)
    message = (
        f"Labels that differ only in case, in white space or in how their accents are stored count as "
        f"different classes: {shown}. If they mean the same, write them alike."
    )
    return [Finding("similar labels", "warning", message, [c for labels in alike for c in labels])]


def _name(label: Any) -> str:
    return repr(label.item() if isinstance(label, np.generic) else label)


def _quoted(label: str) -> str:
    """A label as it must be typed in a shell."""
    return label if label.isalnum() else "'" + label.replace("'", "'\\''") + "'"
