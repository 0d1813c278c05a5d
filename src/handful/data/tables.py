"""Table files to rows of raw values: CSV and its kin, JSON lines, Parquet, XLSX."""

from __future__ import annotations

import codecs
import csv
import io
import json
import os
import re
from pathlib import Path
from typing import Any

import pandas as pd

from handful.data.names import missing_path
from handful.data.schema import column_name, named_columns
from handful.errors import DataError, MissingExtraError

TEXT_SUFFIXES = (".csv", ".tsv", ".txt", ".tab", ".data", ".dat")
JSON_LINES = (".jsonl", ".ndjson")
TABLE_SUFFIXES = (*TEXT_SUFFIXES, *JSON_LINES, ".parquet", ".pq", ".xlsx", ".xlsm")
_DELIMITERS = ",;\t|"
_SNIFFED_ROWS = 50
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
# csv refuses fields over 128 KiB; texts can be longer, and a whole file fits into memory here.
csv.field_size_limit(2**31 - 1)


def read_table(path: str | os.PathLike[str]) -> pd.DataFrame:
    """The table as it is written: strings from text files, the stored types from Parquet and XLSX.

    Column names are without outer white space; a column without a name is called by its place
    ("column 1"). Rows are counted from 0. DataError names the line or column that cannot be read.
    """
    path = Path(path)
    _check_exists(path)
    suffix = path.suffix.lower()
    if suffix not in TABLE_SUFFIXES:
        raise DataError(
            f"{str(path)!r} is not a table that can be read: expected is one of {', '.join(TABLE_SUFFIXES)}."
            + (" Save it as .xlsx or CSV." if suffix in (".xls", ".ods") else "")
            + (" Write it as JSON lines (.jsonl), one object a line." if suffix == ".json" else "")
        )
    try:
        if suffix in (".parquet", ".pq"):
            frame = _read_parquet(path)
        elif suffix in (".xlsx", ".xlsm"):
            frame = _read_xlsx(path)
        elif suffix in JSON_LINES:
            frame = _read_json_lines(path)
        else:
            frame = _read_text(path)
    except PermissionError:
        raise DataError(f"{str(path)!r} may not be read; change its permissions.") from None
    if frame.shape[1] == 0:
        raise DataError(f"{str(path)!r} holds no columns.")
    if len(frame) == 0:
        raise DataError(
            f"{str(path)!r} holds the names of {frame.shape[1]} columns, but no row below them. Add rows."
        )
    try:
        return named_columns(frame)
    except DataError as error:
        raise DataError(f"{str(path)!r}: {error}") from None


def names_of(path: Path) -> list[str]:
    """The columns that the first line of a text file names, if it is a table; [] where it can be none."""
    if path.suffix.lower() not in TEXT_SUFFIXES:
        return []
    try:
        text = _decoded(path)
        first: list[str] = next(filter(None, _reader(*_separated(text, path.suffix.lower()))), [])
    except (DataError, OSError, csv.Error):
        return []
    return [column_name(name, i) for i, name in enumerate(first)]


def _check_exists(path: Path) -> None:
    if path.is_dir():
        raise DataError(f"{str(path)!r} is a folder, and a table was expected.")
    if not path.exists():
        raise DataError(f"{missing_path(path)} Give the path of a table, or of a folder of images or texts.")
    if path.stat().st_size == 0:
        raise DataError(f"{str(path)!r} is empty (0 bytes). Export it again.")


def _read_text(path: Path) -> pd.DataFrame:
    text, delimiter = _separated(_decoded(path), path.suffix.lower())
    if not text.strip():
        raise DataError(f"{str(path)!r} holds nothing but white space. Export it again.")
    rows = _rows(path, text, delimiter)
    names = [column_name(name, i) for i, name in enumerate(rows[0])]
    columns = zip(*rows[1:], strict=True) if len(rows) > 1 else [() for _ in names]
    # Built by position, then named: two columns of one name are found by the caller, not lost here.
    series = {i: pd.Series(list(values), dtype=object) for i, values in enumerate(columns)}
    frame = pd.DataFrame(series, index=pd.RangeIndex(len(rows) - 1))
    return frame.set_axis(names, axis=1)


def _read_json_lines(path: Path) -> pd.DataFrame:
    """One object a line; a key that a line lacks is missing there."""
    rows = []
    for number, line in enumerate(_decoded(path).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise DataError(f"line {number} of {str(path)!r} is not JSON: {error}.") from None
        if not isinstance(row, dict):
            raise DataError(
                f"line {number} of {str(path)!r} is a JSON {_kind(row)}; expected is one object a "
                'line, such as {"text": "…", "label": "…"}.'
            )
        nested = next((name for name, value in row.items() if isinstance(value, (dict, list))), None)
        if nested is not None:
            raise DataError(
                f"line {number} of {str(path)!r}: {nested!r} holds a JSON {_kind(row[nested])}; "
                "expected is one value a key. Leave the key out, or give each of its values a key of its own."
            )
        rows.append({_whole(name): _whole(value) for name, value in row.items()})
    names = list(dict.fromkeys(name for row in rows for name in row))
    return pd.DataFrame({name: pd.Series([row.get(name) for row in rows], dtype=object) for name in names})


def _whole(value: Any) -> Any:
    """A string without halves of surrogate pairs, which JSON can hold and no encoding has; all else as is."""
    return value.encode("utf-8", "ignore").decode("utf-8") if isinstance(value, str) else value


def _kind(value: Any) -> str:
    """What JSON calls a value.

    >>> _kind({}), _kind([]), _kind("a"), _kind(1.5), _kind(True), _kind(None)
    ('object', 'list', 'string', 'number', 'truth value', 'null')
    """
    names = {dict: "object", list: "list", str: "string", bool: "truth value", type(None): "null"}
    return names.get(type(value), "number")


def _decoded(path: Path) -> str:
    raw = path.read_bytes()
    if raw.startswith(_UTF16):
        try:
            return raw.decode("utf-16")
        except UnicodeDecodeError:
            raise DataError(
                f"{str(path)!r} begins as UTF-16 but is damaged. Save it again as UTF-8."
            ) from None
    if b"\0" in raw:
        raise DataError(
            f"{str(path)!r} is not text: it holds a zero byte at position {raw.index(0)}. Expected is a "
            "CSV in UTF-8; a spreadsheet must end in .xlsx."
        )
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        position = error.start
        line = raw[:position].count(b"\n") + 1
        raise DataError(
            f"{str(path)!r} is not UTF-8: the byte 0x{raw[position]:02x} at position {position} (line "
            f"{line}) does not belong there. It is probably Windows-1252 (Latin-1). Convert it with: "
            f"iconv -f WINDOWS-1252 -t UTF-8 {path.name} > utf8-{path.name} "
            "(in a spreadsheet: save as 'CSV UTF-8')."
        ) from None


def _separated(text: str, suffix: str) -> tuple[str, str]:
    """The text and its delimiter, which a first line such as `sep=;` may name: it is emptied."""
    told = re.match(rf"sep=([{_DELIMITERS}])(?=[\r\n])", text)
    return (text[told.end() :], told[1]) if told else (text, _sniff(text, suffix))


def _sniff(text: str, suffix: str) -> str:
    """The delimiter that splits the first lines into the same number (over one) of fields.

    Where tabs split all of them so, commas are decimal ones, or part of names; for semicolons: `_separating`.
    """
    order = "\t" + _DELIMITERS.replace("\t", "") if suffix in (".tsv", ".tab") else _DELIMITERS
    nothing, separating = (0.0, False, 0), _separating(text)
    best, best_score = order[0], nothing
    for delimiter in order:
        widths = _first_widths(text, delimiter)
        if widths and widths[0] > 1:
            # A ragged file must still find its delimiter, so that the message names the line.
            fitting = sum(width == widths[0] for width in widths) / len(widths)
            score = (fitting, fitting == 1 and delimiter in (separating, "\t"), widths[0])
            if score > best_score:
                best, best_score = delimiter, score
    if best_score == nothing:
        widths = _first_widths(text, " ")
        if widths and widths[0] > 1 and len(set(widths)) == 1 and len(widths) > 1:
            return " "
    return best


def _separating(text: str) -> str | None:
    """Which of comma and semicolon separates, if both split all lines: by what stands around them.

    Commas between digits, in all lines below the header, are decimal ones. What a blank always follows, where
    it does not follow the other, belongs to texts. None where that does not tell.
    """
    lines = [line for line in re.sub(r'"[^"]*"', "", text).splitlines() if line][: _SNIFFED_ROWS + 1]
    below, whole = "\n".join(lines[1:]), "\n".join(lines)
    if "," in below and not re.search(r"(?<!\d),|,(?!\d)", below):
        return ";"
    of_texts = [mark for mark in ",;" if mark in whole and not re.search(rf"{mark}(?! )", whole)]
    return {",": ";", ";": ","}[of_texts[0]] if len(of_texts) == 1 else None


def _reader(text: str, delimiter: str, *, strict: bool = False) -> Any:
    """The cells of each line, as lists of strings; blanks around a quoted cell are no part of it.

    A quote that is not closed takes the following lines into its cell, or raises csv.Error where `strict`.
    """
    if delimiter != " " and (' "' in text or '" ' in text):
        around = rf'(^|[{delimiter}\r\n]) *("[^"]*+(?:""[^"]*+)*+") *(?=[{delimiter}\r\n]|\Z)'
        text = re.sub(around, r"\1\2", text)
    lines = io.StringIO(text, newline="")
    return csv.reader(lines, delimiter=delimiter, skipinitialspace=delimiter == " ", strict=strict)


def _first_widths(text: str, delimiter: str) -> list[int]:
    widths = []
    reader = _reader(text, delimiter)
    try:
        for row in reader:
            if row:
                widths.append(len(row))
            if len(widths) >= _SNIFFED_ROWS:
                break
    except csv.Error:
        return []
    return widths


def _rows(path: Path, text: str, delimiter: str) -> list[list[str]]:
    """The header and the rows; DataError with the line number where a row has too few or many fields."""
    reader = _reader(text, delimiter, strict=True)
    rows: list[list[str]] = []
    ended = 0
    try:
        for row in reader:
            line, ended = ended + 1, reader.line_num
            if not row:
                continue
            if rows and len(row) != len(rows[0]):
                raise DataError(
                    f"line {line} of {str(path)!r} has {len(row)} fields, but the first line names "
                    f"{len(rows[0])} columns (fields are separated by {_delimiter_name(delimiter)}). Correct "
                    "the line; a field that holds the separator or a line break must stand in double quotes."
                )
            rows.append(row)
    except csv.Error:
        raise DataError(
            f"line {ended + 1} of {str(path)!r} has a double quote at the beginning of a cell, and none at "
            "its end. Close it or take it out; quotes inside a quoted cell are written twice "
            '("the ""best"" one").'
        ) from None
    return rows


def _delimiter_name(delimiter: str) -> str:
    return {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars (|)", " ": "spaces"}[delimiter]


def _read_parquet(path: Path) -> pd.DataFrame:
    try:
        import pyarrow.parquet as parquet
    except ImportError:
        raise MissingExtraError("pyarrow", "tables", "Reading Parquet files") from None
    try:
        table = parquet.ParquetFile(path).read()
    except (OSError, ValueError) as error:  # pyarrow's own errors derive from these two
        raise DataError(
            f"{str(path)!r} is not a Parquet file that can be read ({type(error).__name__}). Export it again."
        ) from None
    names = [name for name in table.column_names if not name.startswith("__index_level_")]
    columns = [table.column(i) for i, name in enumerate(table.column_names) if name in names]
    frame = pd.DataFrame({i: column.to_pandas() for i, column in enumerate(columns)})
    return frame.set_axis(names, axis=1)


def _read_xlsx(path: Path) -> pd.DataFrame:
    try:
        import openpyxl
    except ImportError:
        raise MissingExtraError("openpyxl", "tables", "Reading XLSX files") from None
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except PermissionError:
        raise
    except Exception as error:  # a damaged zip or XML can raise nearly anything
        raise DataError(
            f"{str(path)!r} is not an XLSX file that can be read ({type(error).__name__}). Save it again."
        ) from None
    with_values = [
        row for row in book.worksheets[0].iter_rows(values_only=True) if any(_filled(v) for v in row)
    ]
    book.close()
    if not with_values:
        raise DataError(f"the first sheet of {str(path)!r} is empty; the table must be on the first sheet.")
    width = max(i + 1 for row in with_values for i, value in enumerate(row) if _filled(value))
    header, *rows = [[*row[:width], *[None] * (width - len(row))] for row in with_values]
    columns: dict[int, pd.Series] = {
        i: pd.Series([row[i] for row in rows], dtype=object) for i in range(width)
    }
    names = [column_name(name, i) for i, name in enumerate(header)]
    return pd.DataFrame(columns, index=pd.RangeIndex(len(rows))).set_axis(names, axis=1)


def _filled(value: Any) -> bool:
    return value is not None and value != ""
