"""What the cells of a column mean: missing, number, truth value, date, category or text.

A column arrives as a pandas Series of any dtype, or as strings from a text file. `plain_values` brings it
to Python values with None where nothing is; the other functions read those.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd

# Strings that mean "nothing was measured", whatever else the column holds.
MISSING = frozenset({"", "NA", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "NaT", "NULL", "null", "?"})
# Strings that do so among numbers and dates, but can be a category of their own among words ("+" and "-").
MISSING_AMONG_NUMBERS = frozenset({"-", "--", ".", "None", "none", "missing", "unknown"})

_PLAIN = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?(inf|Inf|INF|infinity|Infinity)", re.ASCII)
_COMMA_THOUSANDS = re.compile(r"[+-]?([1-9]\d{0,2}([,'’]\d{3})+|\d+)(\.\d+)?", re.ASCII)
_DECIMAL_COMMA = re.compile(
    r"[+-]?([1-9]\d{0,2}([.'’ \u00a0\u202f]\d{3})+|\d+)(,\d+)?([eE][+-]?\d+)?", re.ASCII
)
# A currency may stand before a number, any unit behind it: letters before digits are a name (P1).
_CURRENCY = r"$¢£¥\u20a0-\u20cf"
_QUANTITY = re.compile(
    rf"([+-]?) *((?:[A-Z]{{0,3}}[{_CURRENCY}]|CHF|EUR|GBP|USD)?) *"
    rf"([+-]?[0-9.,](?:[0-9.,'’ \u00a0\u202f]*[0-9.,])?(?:[eE][+-]?[0-9]+)?)\s*"
    rf"((?:(?:[^\W\d_]|[%‰°{_CURRENCY}])[^\d\s]{{0,11}})?)"
)
_MAYBE_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}\.\d{3}", re.ASCII)
# What looks like numbers or a date, read or not: $5, ~5.2, 3 h 20 min, 05.03.24 11:30; names such as P1, 007A
# and 10.0.0.1 do not.
_A_NUMBER = r"(?:\d{4}-\d\d?-\d\d?|\d\d?-\d\d?-\d{2,4}|\d+(?:[.,:/'’]\d+){0,2})"
_A_UNIT = r"(?:\s?(?:[^\W\d_]{1,10}|[^\w\s]{1,2}))?"
_LIKE_NUMBERS = re.compile(
    rf"(?!\D*0\d\d)[^\w\s#]{{0,3}}\s?(?:(?:CHF|EUR|GBP|USD)\s)?{_A_NUMBER}{_A_UNIT}(?:\s+{_A_NUMBER}{_A_UNIT})*"
)
_CODE = re.compile(r"0\d+", re.ASCII)
_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}.*)?", re.ASCII)
_EPOCH = datetime(1970, 1, 1)
_DAY = timedelta(days=1)

# How numbers are written in text. The order matters: "1,234" is 1234 unless the column says otherwise.
NUMBER_STYLES: dict[str, tuple[re.Pattern[str], Callable[[str], str]]] = {
    "plain": (_PLAIN, lambda text: text),
    "1,234.5": (_COMMA_THOUSANDS, lambda text: re.sub("[,'’]", "", text)),
    "1.234,5": (_DECIMAL_COMMA, lambda text: re.sub(r"[.'’ \u00a0\u202f]", "", text).replace(",", ".")),
}
# Where day and month cannot be told apart, the first that fits every value is taken.
DATE_STYLES = ("iso", "%Y/%m/%d", "%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y", "%d-%m-%Y", "%B %d, %Y", "%d %B %Y")
_TIMES = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")  # which may follow a date
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


def number_style(texts: Sequence[str], decimal: str = "") -> str | None:
    """The style in which every one of these strings is a number, or None; with the unit that all share.

    `decimal` is the mark of the file they are from, where it is known (`decimal_mark`).

    >>> number_style(["1", "2.5"]), number_style(["1,5", "2"]), number_style(["1,234", "7"])
    ('plain', '1.234,5', '1,234.5')
    >>> number_style(["12 %", "7%"]), number_style(["$1.50", "$2"]), number_style(["1 kg", "2 g"])
    ('plain %', '$ plain', None)
    >>> number_style(["007", "123"]), number_style(["1", "a"])
    (None, None)
    >>> number_style(["1.020", "700"]), number_style(["1.020", "700"], ",")
    ('plain', '1.234,5')
    """
    quantities = [_quantity(text) for text in texts]
    numbers = [number for _, number, _ in quantities]
    units = {(before, after) for before, _, after in quantities} or {("", "")}
    # 007 and 01234 are codes: as numbers they would lose their zeros and gain an order.
    if len(units) > 1 or any(_CODE.fullmatch(number) for number in numbers):
        return None
    ((before, after),) = units
    with_commas = decimal == "," and any("." in number or "," in number for number in numbers)
    for style in ("1.234,5", *NUMBER_STYLES) if with_commas else NUMBER_STYLES:
        if all(NUMBER_STYLES[style][0].fullmatch(number) for number in numbers):
            return " ".join(filter(None, (before, style, after)))
    return None


def decimal_mark(columns: Iterable[pd.Series]) -> str:
    """A comma where some column of a file surely has decimal commas, else a point where one has points.

    "" where none of them says so.

    >>> [decimal_mark([pd.Series(["1.020", "700"]), pd.Series([other])]) for other in ("0,5", "0.5", "1,234")]
    [',', '.', '']
    """
    marks = set()
    for column in columns:
        if pd.api.types.is_numeric_dtype(column.dtype):
            continue
        values, _ = without_markers(plain_values(column), MISSING | MISSING_AMONG_NUMBERS)
        texts = [value for value in values if isinstance(value, str)]
        style = number_style(texts)
        written = "".join(number for _, number, _ in map(_quantity, texts)) if style else ""
        if style and _of_style(style)[1] == "1.234,5" and ("," in written or "." in written):
            marks.add(",")
        elif "." in written and not _pointed_by_threes(texts):
            marks.add(".")
    return min(marks, default="")


def maybe_thousands(texts: Sequence[str]) -> str | None:
    """The first of these plain numbers whose point may part thousands: whole ones stand beside it.

    >>> [maybe_thousands(texts) for texts in (["700", "1.020"], ["1.020", "2.125"], ["7", "0.125"])]
    ['1.020', None, None]
    """
    pointed = [text for text in texts if "." in text]
    return pointed[0] if _pointed_by_threes(texts) and len(pointed) < len(texts) else None


def _pointed_by_threes(texts: Sequence[str]) -> bool:
    pointed = [number for _, number, _ in map(_quantity, texts) if "." in number]
    return bool(pointed) and all(_MAYBE_THOUSANDS.fullmatch(number) for number in pointed)


def _quantity(text: str) -> tuple[str, str, str]:
    """(currency before, number, unit behind); the whole text for the number where it is built otherwise.

    >>> _quantity("-$5"), _quantity("1.7 kg"), _quantity("P1")
    (('$', '-5', ''), ('', '1.7', 'kg'), ('', 'P1', ''))
    """
    text = text.replace("\u2212", "-")  # a minus as typeset
    built = _QUANTITY.fullmatch(text)
    return (built[2], built[1] + built[3], built[4]) if built else ("", text, "")


@cache
def _of_style(style: str) -> tuple[str, str, str]:
    """(currency before, name in NUMBER_STYLES, unit behind)."""
    name = next((name for name in NUMBER_STYLES if name in style.split(" ")), "plain")
    before, _, after = style.partition(name)
    return before.strip(), name, after.strip()


def unit_of(style: str) -> str:
    """The unit that numbers of this style are written with, "" for none.

    >>> unit_of("$ 1,234.5"), unit_of("plain kg"), unit_of("plain")
    ('$', 'kg', '')
    """
    before, _, after = _of_style(style)
    return before or after


def odd_among_numbers(values: Sequence[Any]) -> tuple[int, Any] | None:
    """(position, value) of the first that is no number of the style that over nine in ten are written in.

    >>> odd_among_numbers(["1,5"] * 20 + ["3O"]), odd_among_numbers(["1,5"] * 20 + ["2.5"])
    ((20, '3O'), (20, '2.5'))
    >>> odd_among_numbers(["1", "a"])
    """
    values, _ = without_markers(values, MISSING_AMONG_NUMBERS)
    there = [i for i, value in enumerate(values) if value is not None]
    quantities = {i: _quantity(values[i]) for i in there if isinstance(values[i], str)}
    units = Counter((before, after) for before, _, after in quantities.values())
    unit = max(units, key=units.__getitem__, default=("", ""))

    def is_odd(i: int, style: str) -> bool:
        if i not in quantities:
            return isinstance(values[i], (bool, np.bool_)) or to_number(values[i]) is None
        before, number, after = quantities[i]
        return (before, after) != unit or not NUMBER_STYLES[style][0].fullmatch(number)

    odd = min(([i for i in there if is_odd(i, style)] for style in NUMBER_STYLES), key=len)
    if not odd or len(odd) >= len(there) / 10:
        return None
    texts = [values[i] for i in quantities.keys() - set(odd)]
    return None if number_style(texts) is None else (odd[0], values[odd[0]])


def like_unread_numbers(values: Sequence[Any]) -> str | None:
    """The first number or date in a form that is not read, where over nine in ten look like one; else None.

    >>> like_unread_numbers(["1.7 kg", "300 g"]), like_unread_numbers(["P001", "P002"])
    ('1.7 kg', None)
    """
    alike = [value for value in values if isinstance(value, str) and _LIKE_NUMBERS.fullmatch(value)]
    if len(alike) <= 0.9 * len(values):
        return None
    codes = re.compile(r"[\d\s]+")
    return next((v for v in alike if to_number(v) is None and not codes.fullmatch(v)), None)


def to_number(value: Any, style: str = "plain", *, pointed: bool = False) -> float | None:
    """The value as a float, None where it is no number; strings are read in `style`, else plainly.

    `pointed` strings, of a file with decimal points, are read plainly first.

    >>> to_number("1,5", "1.234,5"), to_number("12 %", "plain %"), to_number("a"), to_number(True)
    (1.5, 12.0, None, 1.0)
    >>> to_number("1.125", "1.234,5"), to_number("1.125", "1.234,5", pointed=True)
    (1125.0, 1.125)
    """
    if isinstance(value, str):
        return _text_to_number(value.strip(), style, pointed)
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
    before, name, after = _of_style(style)
    return f"{before}{text.replace('.', ',') if name == '1.234,5' else text}{after}"


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
        name = value.strip().lower()
        if name in ("true", "false"):
            return float(name == "true")
    number = to_number(value)
    return number if number in (0.0, 1.0) else None


def are_truths(values: Sequence[Any]) -> bool:
    """Whether all that is there is "true" or "false"."""
    present = [value for value in values if value is not None]
    return bool(present) and all(isinstance(v, str) and v.lower() in ("true", "false") for v in present)


def to_category(value: Any) -> str:
    """The value's name; whole floats lose their point, so that 1.0 from one file is 1 from another.

    >>> to_category(1.0), to_category(True), to_category("a")
    ('1', 'True', 'a')
    """
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        return str(int(value))
    return str(value)


def _text_to_number(text: str, style: str, pointed: bool) -> float | None:
    before, style_name, after = _of_style(style)
    before_it, number, behind_it = _quantity(text)
    if (before_it, behind_it) not in ((before, after), ("", "")):
        return None
    for name in ("plain", style_name) if pointed else (style_name, "plain"):
        pattern, clean = NUMBER_STYLES[name]
        if pattern.fullmatch(number):
            return float(clean(number))
    return None


def _text_to_datetime(text: str, style: str) -> datetime | None:
    if style == "iso":
        return _parsed(datetime.fromisoformat, text) if _ISO_DATE.fullmatch(text) else None
    with_times = (_parsed(datetime.strptime, text, style + time) for time in _TIMES)
    return next((moment for moment in with_times if moment is not None), None)


def _parsed(parse: Callable[..., datetime], *args: str) -> datetime | None:
    try:
        return parse(*args)
    except ValueError:
        return None
