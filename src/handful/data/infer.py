"""Which columns of a table say something, and of what kind each is."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from handful.data.dataset import Finding
from handful.data.names import listed
from handful.data.schema import Column, TableSchema, feature_names, named_columns
from handful.data.texts import WORD, words
from handful.data.values import (
    DATE_PARTS,
    MISSING,
    MISSING_AMONG_NUMBERS,
    are_truths,
    date_parts,
    date_style,
    decimal_mark,
    like_unread_numbers,
    maybe_thousands,
    number_style,
    odd_among_numbers,
    plain_values,
    to_category,
    to_datetime,
    to_number,
    without_markers,
)
from handful.errors import DataError

# Below this many rows, running or distinct values are no sign of an identifier.
_IDENTIFIER_ROWS = 10
# Values of so many words are texts; of a few words they are where words recur from row to row, as in titles
# ("cannot print from laptop") and not in names of persons or places.
_TEXT_WORDS = 5
_FEW_WORDS, _RECUR = 3, 0.5
# From this share of strings on, a column holds texts, and a number among them is one too ("404").
MOSTLY = 0.9
_ID_NAME = re.compile(
    r"(^|[^a-z])(id|ids|idx|index|uuid|guid|identifier|rownames?|row|record|unnamed|column)([^a-z]|$)", re.I
)
_CAMEL_ID = re.compile(r"[a-z](ID|Id)$")
# A series of years runs in order too, and means something.
_TIME_NAME = re.compile(r"year|time|day|date|month|week|hour|minute|second", re.I)


def infer_schema(
    frame: pd.DataFrame,
    target: str | None = None,
    *,
    keep_all: bool = False,
    pictures: Sequence[str] = (),
    decimal: str | None = None,
) -> tuple[TableSchema, list[Finding]]:
    """How to read a table, and what was noticed on the way.

    Left out are columns that are constant, empty, or identifiers; `keep_all` (for plain numeric arrays,
    whose columns were chosen by somebody) leaves out none that can be read. `pictures` names the columns
    that hold image files. `target` is how the target is called, which is not in the table. `decimal` is the
    mark of the file (`decimal_mark`), where more is known of it than these columns. DataError where nothing
    is left.
    """
    notes = _Notes(frame.index)
    frame = named_columns(frame)
    inputs = list(frame.columns)
    if decimal is None:
        decimal = decimal_mark(frame.iloc[:, i] for i in range(frame.shape[1]))
    columns: list[Column] = []
    left_out: dict[str, str] = {}
    for name in inputs:
        if name in pictures:
            columns.append(Column(name, "picture"))
            notes.add("picture", name)
            continue
        column, reason = _infer_column(name, frame[name], notes, keep_all, decimal)
        if column is None:
            left_out[name] = reason
        else:
            columns.append(column)
    if not columns:
        why = listed(f"{name} ({reason})" for name, reason in left_out.items()) or "there is no other column"
        raise DataError(
            f"no column is left to learn from beside the target {target!r}: {why}. Add columns that say "
            "something about each row."
        )
    _check_feature_names(columns)
    schema = TableSchema(tuple(columns), left_out, target, tuple(inputs))
    return schema, _left_out_findings(left_out) + notes.findings()


class _Notes:
    """What was noticed in the columns, by kind; each kind becomes one finding. `rows` are their names."""

    _MESSAGES = {
        "numbers as text": "Numbers written as text were read as numbers: {}.",
        "maybe thousands": "Points were read as decimal, but may part thousands, since whole numbers stand "
        "beside them: {}. If they do, write the numbers without points (1000).",
        "missing marker": "These strings were read as missing: {}.",
        "nearly numbers": "Nearly all values of these columns are numbers, but one is not, or is written "
        "unlike the others, so they became categories, or were left out where all values differ: {}. Correct "
        "such values, or leave their cells empty.",
        "unread numbers": "Columns that look like numbers or dates in a form that is not read were left out: "
        "{}. Write numbers with one unit in all rows, or none (1.5 kg), and dates such as 2024-03-05.",
        "code": "Columns of digits with leading zeros were read as categories: {}.",
        "date": "Dates were read as days since 1970, year, month and weekday: {}.",
        "text": "Columns of sentences were read as texts: {}.",
        "picture": "Columns of image files were read as pictures: {}.",
    }

    _WARNINGS = ("nearly numbers", "unread numbers", "maybe thousands")

    def __init__(self, rows: Sequence[Any]) -> None:
        self.rows = rows
        self._columns: dict[str, dict[str, str]] = defaultdict(dict)

    def add(self, kind: str, column: str, detail: str = "") -> None:
        self._columns[kind][column] = f"{column} ({detail})" if detail else column

    def has(self, kind: str, column: str) -> bool:
        return column in self._columns[kind]

    def findings(self) -> list[Finding]:
        return [
            Finding(
                kind,
                "warning" if kind in self._WARNINGS else "note",
                message.format(listed(self._columns[kind].values())),
                list(self._columns[kind]),
            )
            for kind, message in self._MESSAGES.items()
            if self._columns[kind]
        ]


def _infer_column(
    name: str, series: pd.Series, notes: _Notes, keep_all: bool, decimal: str
) -> tuple[Column | None, str]:
    """The column as it will be read, or None and why it is left out."""
    if isinstance(series.dtype, pd.CategoricalDtype):
        values, _ = without_markers(plain_values(series), MISSING)
        column = Column(name, "categorical")
    elif pd.api.types.is_complex_dtype(series.dtype):
        return None, "complex numbers"
    else:
        values = plain_values(series)
        column, values = _read_kind(name, values, notes, decimal)
    present = [value for value in values if value is not None]
    if column.kind == "categorical" and _holds_texts(name, series):
        notes.add("text", name)
        return Column(name, "text"), ""
    if not keep_all:
        reason = _why_useless(column, present, len(values))
        if reason == "identifier" and column.kind == "categorical":
            reason = _why_unread(name, present, notes) or reason
        if reason:
            return None, reason
    if column.kind == "date":
        column = _varying_parts(column, present)
        notes.add("date", name, column.style if column.style not in ("", "iso") else "")
    if column.kind == "categorical":
        column = replace(column, known=tuple(sorted({to_category(value) for value in present})))
    return column, ""


def _read_kind(name: str, values: list[Any], notes: _Notes, decimal: str) -> tuple[Column, list[Any]]:
    """The kind of a column, and its values with None where a marker means missing."""
    values, met = without_markers(values, MISSING)
    column = _numeric_or_date(name, values, decimal)
    if column is None:
        fewer, more = without_markers(values, MISSING_AMONG_NUMBERS)
        if more and any(value is not None for value in fewer):
            column = _numeric_or_date(name, fewer, decimal)
            if column is not None:
                values, met = fewer, met | more
    if met - {""}:
        notes.add("missing marker", name, ", ".join(repr(marker) for marker in sorted(met - {""})))
    if column is None:
        present = [value for value in values if isinstance(value, str)]
        if present and all(value.isdigit() for value in present):
            notes.add("code", name)
        odd = odd_among_numbers(values)
        if odd is not None:
            notes.add("nearly numbers", name, f"{odd[1]!r} in row {notes.rows[odd[0]]}")
        return Column(name, "categorical"), values
    if column.kind == "numeric" and column.style not in ("", "plain"):
        notes.add("numbers as text", name, column.style)
    example = maybe_thousands([value for value in values if isinstance(value, str)])
    if column.style == "plain" and not decimal and example:
        notes.add("maybe thousands", name, f"{example!r} as {to_number(example):g}")
    return column, values


def _numeric_or_date(name: str, values: list[Any], decimal: str) -> Column | None:
    """The column where every value is a number, a truth value, or a date; None otherwise."""
    present = [value for value in values if value is not None]
    texts = [value for value in present if isinstance(value, str)]
    others = [value for value in present if not isinstance(value, str)]
    if others and all(isinstance(v, (bool, np.bool_)) for v in others) and not texts:
        return Column(name, "boolean")
    if texts and not others and are_truths(texts):
        return Column(name, "boolean")
    if all(to_number(value) is not None for value in others):
        style = number_style(texts, decimal) if texts else ""
        if style is not None:
            return Column(name, "numeric", style)
    if all(to_datetime(value) is not None for value in others):
        style = date_style(texts) if texts else ""
        if style is not None:
            return Column(name, "date", style)
    return None


def _why_useless(column: Column, present: list[Any], n: int) -> str:
    """Why a column cannot help, or "" where it may."""
    if not present:
        return "empty"
    distinct = len({to_category(value) for value in present})
    if distinct == 1 and len(present) == n and n > 1:
        return "constant"
    if len(present) == n and distinct == n and _is_identifier(column, present):
        return "identifier"
    return ""


def _why_unread(name: str, present: list[Any], notes: _Notes) -> str:
    """Why a column of different strings is not read, where they name no rows: they look like numbers."""
    example = like_unread_numbers(present)
    if example is not None and not notes.has("nearly numbers", name):
        notes.add("unread numbers", name, repr(example))
    return "" if example is None else "numbers or dates in a form that is not read"


def _is_identifier(column: Column, distinct_values: list[Any]) -> bool:
    """Values that are all distinct, and name the row rather than measure it."""
    named = bool(_ID_NAME.search(column.name) or _CAMEL_ID.search(column.name))
    long_enough = len(distinct_values) >= _IDENTIFIER_ROWS
    if column.kind == "categorical":
        return named or long_enough
    if column.kind != "numeric":
        return False
    numbers = np.array([to_number(value, column.style or "plain") for value in distinct_values], dtype=float)
    if not np.isfinite(numbers).all() or (numbers != np.round(numbers)).any():
        return False
    steps = np.diff(numbers)
    runs = len(steps) > 0 and bool((steps == 1).all() or (steps == -1).all())
    return named or (runs and long_enough and not _TIME_NAME.search(column.name))


def _holds_texts(name: str, series: pd.Series) -> bool:
    """Whether a column of strings holds texts: long ones, or short ones that share their words."""
    n_words = words_of(series)
    if n_words >= _TEXT_WORDS:
        return True
    if n_words < _FEW_WORDS or _ID_NAME.search(name) or _CAMEL_ID.search(name):
        return False
    values, _ = without_markers(plain_values(series), MISSING)
    rows = [set(re.findall(WORD, to_category(value).lower())) for value in values if value is not None]
    counts = Counter(word for row in rows for word in row)
    told = [counts[word] > 1 for row in rows for word in row if counts[word] <= len(rows) / 2]
    return sum(told) >= _RECUR * len(told) > 0  # "slide number 7": words of most rows say nothing


def words_of(series: pd.Series, *, recurring: bool = False) -> float:
    """How many words a value has on average, if nearly all are strings that seldom recur; else 0.

    With `recurring` they may recur, unless they are numbers.
    """
    if pd.api.types.is_numeric_dtype(series.dtype) or isinstance(series.dtype, pd.CategoricalDtype):
        return 0.0
    values, _ = without_markers(plain_values(series), MISSING)
    present = [value for value in values if value is not None]
    strings = sum(isinstance(value, str) for value in present)
    if not strings or strings < MOSTLY * len(present):
        return 0.0
    texts = [to_category(value) for value in present]
    if len(set(texts)) <= len(texts) / 2 and (not recurring or number_style(texts) is not None):
        return 0.0
    return sum(words(text) for text in texts) / len(texts)


def _varying_parts(column: Column, present: list[Any]) -> Column:
    """The date column with those parts that are not the same in every row; days always."""
    moments = [to_datetime(value, column.style or "iso") for value in present]
    table = np.array([date_parts(moment) for moment in moments if moment is not None]).reshape(-1, 4)
    varies = [part for part, values in zip(DATE_PARTS, table.T, strict=True) if len(set(values)) > 1]
    return Column(column.name, "date", column.style, tuple(varies or DATE_PARTS[:1]))


def _check_feature_names(columns: list[Column]) -> None:
    """DataError where a part of a date would take the name of another column."""
    counts = Counter(name for column in columns for name in feature_names(column))
    clash = sorted(name for name, n in counts.items() if n > 1)
    if clash:
        raise DataError(
            f"the column {clash[0]!r} has the name that a part of a date column would get; rename it."
        )


def _left_out_findings(left_out: dict[str, str]) -> list[Finding]:
    explained = {
        "identifier": "name the row and say nothing about new ones, so they were left out",
        "constant": "hold the same value in every row, so they were left out",
        "empty": "hold no value, so they were left out",
        "complex numbers": "hold complex numbers, which no model here reads, so they were left out",
    }
    findings = []
    for reason, text in explained.items():
        names = [name for name, why in left_out.items() if why == reason]
        if names:
            kind = f"{reason} column"
            severity = "warning" if reason == "complex numbers" else "note"
            findings.append(Finding(kind, severity, f"Columns that {text}: {listed(names)}.", names))
    return findings
