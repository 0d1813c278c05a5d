"""What the cells of a column mean: missing, number, truth value, date, category or text.

A column arrives as a pandas Series of any dtype, or as strings from a text file. `plain_values` brings it
to Python values with None where nothing is; the other functions read those.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd

# Strings that mean "nothing was measured", whatever else the column holds.
MISSING = frozenset({"", "NA", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "NaT", "NULL", "null", "?"})
# Strings that do so among numbers and dates, but can be a category of their own among words ("+" and "-").
MISSING_AMONG_NUMBERS = frozenset({"-", "--", ".", "None", "none", "missing", "unknown"})

_PLAIN = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?(inf|Inf|INF|infinity|Infinity)", re.ASCII)
_COMMA_THOUSANDS = re.compile(r"[+-]?([1-9]\d{0,2}(,\d{3})+|\d+)(\.\d+)?", re.ASCII)
_DECIMAL_COMMA = re.compile(r"[+-]?(\d{1,3}([. \u00a0\u202f]\d{3})+|\d+)(,\d+)?([eE][+-]?\d+)?", re.ASCII)
_CODE = re.compile(r"0\d+", re.ASCII)
_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}.*)?", re.ASCII)
_EPOCH = datetime(1970, 1, 1)
_DAY = timedelta(days=1)

# How numbers are written in text. The order matters: "1,234" is 1234 unless the column says otherwise.
NUMBER_STYLES: dict[str, tuple[re.Pattern[str], Callable[[str], str]]] = {
    "plain": (_PLAIN, lambda text: text),
    "1,234.5": (_COMMA_THOUSANDS, lambda text: text.replace(",", "")),
    "1.234,5": (_DECIMAL_COMMA, lambda text: re.sub(r"[. \u00a0\u202f]", "", text).replace(",", ".")),
}
# Where day and month cannot be told apart, the first that fits every value is taken.
DATE_STYLES = ("iso", "%Y/%m/%d", "%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y", "%d-%m-%Y", "%B %d, %Y", "%d %B %Y")
DATE_PARTS = ("days", "year", "month", "weekday")


def is_missing(value: Any) -> bool:
    """None, NaN, NaT or pandas' NA.

    >>> [is_missing(v) for v in (None, float("nan"), "", 0)]
    [True, True, False, False]
    """
    if value is None or value is pd.NA or value is pd.NaT:
        return True
    if isinstance(value, (float, np.floating, np.datetime64, np.timedelta64)):
        return bool(value != value)
    return type(value).__name__ == "Decimal" and value.is_nan()


def plain_values(column: pd.Series) -> list[Any]:
    """The column as Python values, None where missing; strings without outer white space.

    Strings that mean missing stay as they are: that depends on what the column holds.
    """
    values = column.astype(object).tolist()
    return [v.strip() if isinstance(v, str) else None if is_missing(v) else v for v in values]


def without_markers(values: Sequence[Any], markers: frozenset[str]) -> tuple[list[Any], set[str]]:
    """The values with None for each string among `markers`, and the markers that were met."""
    met = {v for v in values if isinstance(v, str) and v in markers}
    if not met:
        return list(values), met
    return [None if isinstance(v, str) and v in met else v for v in values], met


def number_style(texts: Sequence[str]) -> str | None:
    """The style in which every one of these strings is a number, or None.

    >>> number_style(["1", "2.5"]), number_style(["1,5", "2"]), number_style(["1,234", "7"])
    ('plain', '1.234,5', '1,234.5')
    >>> number_style(["12 %", "7%"]), number_style(["007", "123"]), number_style(["1", "a"])
    ('plain %', None, None)
    """
    percent = all(text.endswith("%") for text in texts)
    if percent:
        texts = [text[:-1].rstrip() for text in texts]
    # 007 and 01234 are codes: as numbers they would lose their zeros and gain an order.
    if any(_CODE.fullmatch(text) for text in texts):
        return None
    for style, (pattern, _) in NUMBER_STYLES.items():
        if all(pattern.fullmatch(text) for text in texts):
            return f"{style} %" if percent else style
    return None


def odd_among_numbers(values: Sequence[Any]) -> tuple[int, Any] | None:
    """(position, value) of the first that is no number, where over nine in ten are numbers of one style.

    >>> odd_among_numbers(["1,5"] * 20 + ["3O"]), odd_among_numbers(["1", "a"])
    ((20, '3O'), None)
    """
    values, _ = without_markers(values, MISSING_AMONG_NUMBERS)
    there = [i for i, value in enumerate(values) if value is not None]
    others = ([i for i in there if not _is_number(values[i], f"{style} %")] for style in NUMBER_STYLES)
    odd = min(others, key=len)
    if not odd or len(odd) >= len(there) / 10:
        return None
    texts = [values[i] for i in set(there) - set(odd) if isinstance(values[i], str)]
    return None if number_style(texts) is None else (odd[0], values[odd[0]])


def _is_number(value: Any, style: str) -> bool:
    return not isinstance(value, (bool, np.bool_)) and to_number(value, style) is not None


def to_number(value: Any, style: str = "plain") -> float | None:
    """The value as a float, None where it is no number; strings are read in `style`, else plainly.

    >>> to_number("1,5", "1.234,5"), to_number("12 %", "plain %"), to_number("a"), to_number(True)
    (1.5, 12.0, None, 1.0)
    """
    if isinstance(value, str):
        return _text_to_number(value.strip(), style)
    if isinstance(value, timedelta):
        return value / _DAY
    if isinstance(value, (Real, np.bool_)) or type(value).__name__ == "Decimal":
        try:
            return float(value)
        except OverflowError:
            return math.copysign(math.inf, 1 if value > 0 else -1)
    return None


def in_style(text: str, style: str) -> str:
    """A plainly written number as a column of this style has it.

    >>> in_style("-1234.5", "1.234,5 %"), in_style("7.5", "1,234.5"), in_style("7", "")
    ('-1234,5%', '7.5', '7')
    """
    if style.startswith("1.234,5"):
        text = text.replace(".", ",")
    return f"{text}%" if style.endswith("%") else text


def date_style(texts: Sequence[str]) -> str | None:
    """The style in which every one of these strings is a date, or None."""
    return next((s for s in DATE_STYLES if all(to_datetime(text, s) is not None for text in texts)), None)


def to_datetime(value: Any, style: str = "iso") -> datetime | None:
    """The value as a datetime without a zone (UTC where it had one), None where it is no date."""
    if isinstance(value, str):
        value = _text_to_datetime(value.strip(), style)
    elif isinstance(value, np.datetime64):
        value = value.astype("datetime64[us]").item()
    if isinstance(value, datetime):
        if value.tzinfo is not None:
            try:
                value = value.astimezone(UTC).replace(tzinfo=None)
            except OverflowError:
                return None
        return value
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)
    return None


def date_parts(moment: datetime) -> tuple[float, float, float, float]:
    """(days since 1970, year, month 1…12, weekday 0…6 from Monday)."""
    days = (moment - _EPOCH) / _DAY
    return days, float(moment.year), float(moment.month), float(moment.weekday())


def to_boolean(value: Any) -> float | None:
    """1.0 or 0.0 for a truth value or its name, None for anything else."""
    if isinstance(value, str):
        return {"true": 1.0, "false": 0.0, "1": 1.0, "0": 0.0}.get(value.strip().lower())
    number = to_number(value)
    return number if number in (0.0, 1.0) else None


def to_category(value: Any) -> str:
    """The value's name; whole floats lose their point, so that 1.0 from one file is 1 from another.

    >>> to_category(1.0), to_category(True), to_category("a")
    ('1', 'True', 'a')
    """
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        return str(int(value))
    return str(value)


def _text_to_number(text: str, style: str) -> float | None:
    if style.endswith(" %"):
        text, style = text.removesuffix("%").rstrip(), style.removesuffix(" %")
    for name in (style, "plain"):
        pattern, clean = NUMBER_STYLES[name]
        if pattern.fullmatch(text):
            return float(clean(text))
    return None


def _text_to_datetime(text: str, style: str) -> datetime | None:
    try:
        if style == "iso":
            return datetime.fromisoformat(text) if _ISO_DATE.fullmatch(text) else None
        return datetime.strptime(text, style)
    except ValueError:
        return None
