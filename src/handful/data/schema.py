"""Which columns of a table are used, and how their values are read, again in new rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from handful.data.columns import TEXT
from handful.data.dataset import Finding
from handful.data.names import count, did_you_mean, listed
from handful.data.texts import clean
from handful.data.values import (
    DATE_PARTS,
    MISSING,
    MISSING_AMONG_NUMBERS,
    are_truths,
    date_parts,
    decimal_mark,
    plain_values,
    to_boolean,
    to_category,
    to_datetime,
    to_number,
    unit_of,
    without_markers,
)
from handful.errors import DataError

# So many values that all do not fit are another column; fewer may be slips, in one row to be predicted.
_ANOTHER_COLUMN = 5


@dataclass(frozen=True)
class Column:
    """One column that is used: `kind` is numeric, categorical, boolean, date, text or picture.

    `style` says how its strings are written (a number or date style), `parts` which parts of a date vary,
    `known` which categories there are.
    """

    name: str
    kind: str
    style: str = ""
    parts: tuple[str, ...] = ()
    known: tuple[str, ...] = ()


@dataclass(frozen=True)
class TableSchema:
    """How a table becomes X: the columns used in order, those left out with the reason, the target.

    `inputs` are all columns it was made from, in the order of the input.
    """

    columns: tuple[Column, ...]
    left_out: dict[str, str] = field(default_factory=dict)
    target: str | None = None
    inputs: tuple[str, ...] = ()

    @property
    def feature_names(self) -> list[str]:
        """The columns of X."""
        return [name for column in self.columns for name in feature_names(column)]

    def apply(
        self,
        frame: pd.DataFrame,
        findings: list[Finding] | None = None,
        rows: Sequence[int] | np.ndarray | None = None,
    ) -> pd.DataFrame:
        """X for the rows of `frame`: float64 columns, object columns of str or None, and columns of texts.

        A text column has the dtype `TEXT`; where nothing was written it holds "". Of a picture column the
        names of the files are kept, str or None, which `handful.data.load` reads.

        Other columns are ignored, their order does not matter. Values that do not fit their column become
        missing, with a line in `findings` that names them by `rows`, the numbers of the frame's rows in the
        person's table (0, 1, ... unless given); new categories stay, with such a line too, as for a column
        that is empty. DataError where a column is missing, or where none of five or more values of a column
        fits.
        """
        frame = named_columns(frame)
        self._check_present(list(frame.columns))
        pointed = decimal_mark(frame[name] for name in self.of_kind("numeric")) == "."
        features: dict[str, pd.Series] = {}
        for column in self.columns:
            parts, unfit, infinite = _convert(column, frame[column.name], rows, pointed)
            if findings is not None:
                findings.extend(_value_findings(column, unfit, infinite))
                findings.extend(_empty_findings(column, parts[0]))
                findings.extend(_percent_findings(column, frame[column.name], parts[0]))
                if column.known:
                    findings.extend(_category_findings(column, parts[0], rows))
            for name, values in zip(feature_names(column), parts, strict=True):
                features[name] = pd.Series(values, dtype=values.dtype)
        return pd.DataFrame(features, index=pd.RangeIndex(len(frame)))

    def of_kind(self, kind: str) -> list[str]:
        """The columns of a kind."""
        return [column.name for column in self.columns if column.kind == kind]

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {
            "columns": [
                {**asdict(column), "parts": list(column.parts), "known": list(column.known)}
                for column in self.columns
            ],
            "left_out": dict(self.left_out),
            "target": self.target,
            "inputs": list(self.inputs),
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> TableSchema:
        """The inverse of `to_json`."""
        columns = tuple(
            Column(**{**c, "parts": tuple(c["parts"]), "known": tuple(c.get("known", ()))})
            for c in values["columns"]
        )
        return cls(columns, dict(values["left_out"]), values["target"], tuple(values["inputs"]))

    def _check_present(self, present: list[str]) -> None:
        missing = [column.name for column in self.columns if column.name not in present]
        if missing:
            raise DataError(
                f"the table has no column {listed(map(repr, missing))}, which the model was fitted on."
                f"{did_you_mean(missing[0], present)} Its columns are: {listed(present, 20)}. "
                "Add or rename the column."
            )


def named_columns(frame: pd.DataFrame) -> pd.DataFrame:
    """The same table with strings for column names and rows counted from 0; DataError for duplicates."""
    names = [column_name(name, i) for i, name in enumerate(frame.columns)]
    twice = sorted(name for name, n in Counter(names).items() if n > 1)
    if twice:
        raise DataError(
            f"the table has more than one column named {listed(map(repr, twice))}; "
            "give every column a name of its own."
        )
    return frame.set_axis(names, axis=1).reset_index(drop=True)


def column_name(name: Any, position: int) -> str:
    """A column's name as text; a column without one is named by its place.

    >>> column_name(" age ", 0), column_name("", 0)
    ('age', 'column 1')
    """
    text = to_category(name).strip() if name is not None else ""
    return text or f"column {position + 1}"


def feature_names(column: Column) -> list[str]:
    """The columns of X that a column becomes."""
    if column.kind != "date":
        return [column.name]
    return [f"{column.name} ({part})" for part in column.parts]


def texts_of(values: Sequence[Any]) -> Any:
    """Cleaned texts `(n,)` of the dtype `TEXT`; "" where there is none."""
    return pd.array(["" if value is None else clean(to_category(value)) for value in values], dtype=TEXT)


def _convert(
    column: Column, series: pd.Series, rows: Sequence[int] | np.ndarray | None, pointed: bool
) -> tuple[list[Any], list[tuple[int, Any]], int]:
    """The features of one column, the values (row, value) that do not fit it, how many were infinite.

    `pointed`: its file has decimal points, whatever the column was fitted on.
    """
    if column.kind == "numeric" and _is_plain_numeric(series):
        numbers = series.to_numpy(dtype=np.float64, na_value=np.nan).copy()
        infinite = np.isinf(numbers)
        numbers[infinite] = np.nan
        return [numbers], [], int(infinite.sum())
    values, _ = without_markers(plain_values(series), MISSING)
    if column.kind == "categorical":
        texts = [None if value is None else to_category(value) for value in values]
        return [_objects(_as_known(texts, column.known))], [], 0
    if column.kind == "text":
        return [texts_of(values)], [], 0
    if column.kind == "picture":
        return [_objects([None if value is None else str(value) for value in values])], [], 0
    values, _ = without_markers(values, MISSING_AMONG_NUMBERS)
    style = column.style or ("iso" if column.kind == "date" else "plain")
    read: Callable[[Any], Any] = {
        "numeric": lambda value: to_number(value, style, pointed=pointed),
        "boolean": to_boolean,
        "date": lambda value: to_datetime(value, style) or to_datetime(value),  # as programs write them
    }[column.kind]
    if column.kind == "numeric" and are_truths(values):  # 0 and 1, as another program writes them
        read = to_boolean
    read_values = [None if value is None else read(value) for value in values]
    numbered = range(len(values)) if rows is None else rows
    unfit = [
        (int(row), value)
        for row, value, read_value in zip(numbered, values, read_values, strict=True)
        if read_value is None and value is not None
    ]
    if len(unfit) >= _ANOTHER_COLUMN and len(unfit) == sum(value is not None for value in values):
        raise DataError(
            f"the column {column.name!r} is {column.kind} for the model, but now it holds values such as "
            f"{unfit[0][1]!r} (row {unfit[0][0]}). Give the column as it was when the model was fitted."
        )
    if column.kind == "date":
        return _date_features(column, read_values), unfit, 0
    numbers = np.array([np.nan if v is None else v for v in read_values], dtype=np.float64)
    infinite = np.isinf(numbers)
    numbers[infinite] = np.nan
    return [numbers], unfit, int(infinite.sum())


def _as_known(texts: list[str | None], known: Sequence[str]) -> list[str | None]:
    """Codes that another program wrote as numbers (1.0 for 1, 1234 for 01234) as the categories they were."""
    codes = {int(name): name for name in known if name.isdecimal()}
    if len(codes) < sum(name.isdecimal() for name in known):  # "1" and "01" are two
        return texts
    names = set(known)
    found = []
    for text in texts:
        number = None if text is None or text in names else to_number(text)
        found.append(
            text if number is None else codes.get(int(number), text) if number.is_integer() else text
        )
    return found


def _category_findings(
    column: Column, values: np.ndarray, rows: Sequence[int] | np.ndarray | None
) -> list[Finding]:
    """Categories that were not there when the model was fitted."""
    numbered = range(len(values)) if rows is None else rows
    names = set(column.known)
    new = [(v, row) for v, row in zip(values, numbered, strict=True) if v is not None and v not in names]
    if not new:
        return []
    are = "is" if len(new) == 1 else "are"
    shown = listed((f"{value!r} (row {row})" for value, row in new), 5)
    message = (
        f"{count(len(new), 'value')} of the categorical column {column.name!r} {are} new to the model, which "
        f"knows nothing of them: {shown}. It knows {listed(map(repr, column.known), 5)}."
    )
    return [Finding("new category", "warning", message, [column.name])]


def _date_features(column: Column, moments: Sequence[Any]) -> list[np.ndarray]:
    nothing = (np.nan,) * len(DATE_PARTS)
    table = np.array([nothing if m is None else date_parts(m) for m in moments], dtype=np.float64)
    table = table.reshape(-1, len(DATE_PARTS))
    return [table[:, DATE_PARTS.index(part)].copy() for part in column.parts]


def _is_plain_numeric(series: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(series.dtype) and not pd.api.types.is_complex_dtype(series.dtype)


def _objects(values: Sequence[Any]) -> np.ndarray:
    """An object array, also where numpy would guess another dtype."""
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def _value_findings(column: Column, unfit: list[tuple[int, Any]], infinite: int) -> list[Finding]:
    findings = []
    if unfit:
        shown = listed((f"{value!r} (row {row})" for row, value in unfit), 5)
        message = (
            f"{count(len(unfit), 'value')} of the {column.kind} column {column.name!r} did not fit and "
            f"became missing: {shown}."
        )
        findings.append(Finding("unfit value", "warning", message, [column.name]))
    if infinite:
        message = f"{count(infinite, 'infinite value')} of the column {column.name!r} became missing."
        findings.append(Finding("infinite value", "warning", message, [column.name]))
    return findings


def _empty_findings(column: Column, values: Any) -> list[Finding]:
    """A warning where a column that was learned from has no value in several rows."""
    read = pd.Series(values)
    if len(read) < _ANOTHER_COLUMN or not (read.isna() | (read == "")).all():
        return []
    message = f"The column {column.name!r}, which was learned from, holds no value in all {len(read)} rows."
    return [Finding("empty column", "warning", message, [column.name])]


def _percent_findings(column: Column, series: pd.Series, values: Any) -> list[Finding]:
    """A warning where 5% was learned from, and what comes now looks like 0.05."""
    if column.kind != "numeric" or unit_of(column.style) != "%":
        return []
    largest = float(np.nanmax(np.abs(values), initial=0.0))
    if not 0 < largest <= 1 or any("%" in str(value) for value in series):
        return []
    message = (
        f"The column {column.name!r} was learned from with %; now its values have none, and are 1 at most. "
        f"They are read as percents: {largest:g} as {largest:g}%. Write {100 * largest:g}% if that is meant."
    )
    return [Finding("percents", "warning", message, [column.name])]
