"""Table files are read as they are written, or refused with the line that is wrong."""

from __future__ import annotations

import builtins
import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from handful.data.tables import read_table
from handful.errors import DataError, MissingExtraError


def written(folder: Path, content: str | bytes, name: str = "t.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.csv", "a,b\n1,x y\n2,z\n"),
        ("t.csv", "\ufeffa,b\r\n1,x y\r\n2,z\r\n"),
        ("t.csv", "a;b\n1;x y\n2;z"),
        ("t.tsv", "a\tb\n1\tx y\n2\tz\n"),
        ("t.txt", "a|b\n1|x y\n2|z\n"),
        ("t.csv", 'a,"b"\n1,"x y"\n\n2,z\n'),
        ("t.txt", 'a b\n1 "x y"\n2 z\n'),
        ("t.csv", 'a, "b"\n1, "x y" \n2,z\n'),
        ("t.csv", "sep=;\na;b\n1;x y\n2;z\n"),
        ("t.csv", "\ufeffsep=|\r\na|b\r\n1|x y\r\n2|z\r\n"),
        ("t.csv", b"\xff\xfe" + "a,b\n1,x y\n2,z\n".encode("utf-16-le")),
    ],
)
def test_delimiters_and_marks_of_order_are_found(tmp_path, name, content):
    frame = read_table(written(tmp_path, content, name))
    assert frame.columns.tolist() == ["a", "b"]
    assert frame.to_numpy().tolist() == [["1", "x y"], ["2", "z"]]


def test_a_semicolon_file_with_decimal_commas_is_split_at_semicolons(tmp_path):
    frame = read_table(written(tmp_path, "a;b\n1,5;2,25\n3,5;4,0\n"))
    assert frame.to_numpy().tolist() == [["1,5", "2,25"], ["3,5", "4,0"]]


@pytest.mark.parametrize("first", ["170,5;65", "170,5;65,5"])
def test_decimal_commas_do_not_split_a_file_that_semicolons_split_as_well(tmp_path, first):
    header = "Größe, cm;Gewicht" if first.count(",") == 1 else "Größe, cm;Gewicht, kg"
    frame = read_table(written(tmp_path, f"{header}\n{first}\n{first}\n"))
    assert frame.columns.tolist() == header.split(";") and frame.iloc[0].tolist() == first.split(";")


@pytest.mark.parametrize(
    "content, columns",
    [
        ("name; role,age\nann; nurse,31\nbob; cook,42\n", ["name; role", "age"]),
        ("a; b; c,age\nx; y; z,1\nu; v; w,2\n", ["a; b; c", "age"]),
        ("lat;lon,place\n1.5;2.5,ulm\n3.5;4.5,bonn\n", ["lat;lon", "place"]),
        ("a;b,c,d\nx;y,1,2\nu;v,3,4\n", ["a;b", "c", "d"]),
        ("name, role;age\nann, nurse;31\nbob, cook;42\n", ["name, role", "age"]),
        ("size, cm; weight, kg\n1,5; 2,5\n3,5; 4,5\n", ["size, cm", "weight, kg"]),
        ('"a, b";c\n"x, y";1\n"z, w";2\n', ["a, b", "c"]),
        ("size,cm;a;b;c\nbig,one;1;2;3\nsmall,two;4;5;6\n", ["size,cm", "a", "b", "c"]),
    ],
)
def test_where_commas_and_semicolons_both_split_all_lines_that_counts_which_looks_like_it(
    tmp_path, content, columns
):
    assert [name.strip() for name in read_table(written(tmp_path, content)).columns] == columns


def test_commas_split_a_file_whose_texts_hold_semicolons(tmp_path):
    frame = read_table(written(tmp_path, "a,b\nx; y,1\nz; w,2\n"))
    assert frame.to_numpy().tolist() == [["x; y", "1"], ["z; w", "2"]]


@pytest.mark.parametrize(
    ("columns", "strays", "line"),
    [("label,text", (20,), 22), ("text,label", (5, 20), 7), ("text,label", (39,), 41)],
)
def test_a_quote_that_swallows_rows_is_named(tmp_path, columns, strays, line):
    rows = [columns]
    for i in range(40):
        text = f"film number {i} was great"
        cells = {"label": ("neg", "pos")[i % 2], "text": f'"{text}' if i in strays else text}
        rows.append(",".join(cells[name] for name in columns.split(",")))
    with pytest.raises(DataError, match=rf"line {line} of .*double quote.*written twice"):
        read_table(written(tmp_path, "\n".join(rows)))


def test_quotes_inside_unquoted_cells_are_part_of_them(tmp_path):
    frame = read_table(written(tmp_path, 'a,b\n5" pipe,the "best" one\n6",x\n'))
    assert frame.to_numpy().tolist() == [['5" pipe', 'the "best" one'], ['6"', "x"]]


def test_blanks_around_a_quoted_cell_are_no_part_of_it(tmp_path):
    frame = read_table(written(tmp_path, 'a,b\n"x, ""y"" , z" , "p, ""q"""  \n1," 2 "\n'))
    assert frame.to_numpy().tolist() == [['x, "y" , z', 'p, "q"'], ["1", " 2 "]]


def test_line_breaks_and_quotes_in_fields_survive(tmp_path):
    frame = read_table(written(tmp_path, 'a,b\n"1\n2","x ""y"", z"\n'))
    assert frame.to_numpy().tolist() == [["1\n2", 'x "y", z']]


def test_a_column_without_a_name_is_called_by_its_place(tmp_path):
    assert read_table(written(tmp_path, ",a\n0,1\n1,2\n")).columns.tolist() == ["column 1", "a"]


def test_a_table_of_one_column_is_read(tmp_path):
    assert read_table(written(tmp_path, "x\n1\n2\n"))["x"].tolist() == ["1", "2"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty"),
        (" \n\n", "nothing but white space"),
        ("a,b\n", "names of 2 columns, but no row"),
        ("a,b,a\n1,2,3\n", "more than one column named 'a'"),
        ("a, a\n1,2\n", "more than one column named 'a'"),
        ("a,b\n1,2\n3,4,5\n", "line 3 of .* has 3 fields, but the first line names 2 columns"),
        ('a,b\n"1\n1",2\n3\n', "line 4 of .* has 1 fields"),
        ("a,b\n1,2\n3,caf\xe9\n".encode("latin-1"), r"byte 0xe9 at position 13 \(line 3\).*iconv -f WINDOWS"),
        (b"a,b\n1,\0\n", "zero byte at position 6"),
        (b"\xff\xfea", "UTF-16 but is damaged"),
    ],
)
def test_a_bad_file_is_refused_with_its_fault(tmp_path, content, message):
    with pytest.raises(DataError, match=message):
        read_table(written(tmp_path, content))


def test_missing_paths_folders_and_other_kinds_are_refused(tmp_path):
    written(tmp_path, "a,b\n1,2\n", "data.csv")
    with pytest.raises(DataError, match=r"Did you mean 'data.csv'"):
        read_table(tmp_path / "dta.csv")
    with pytest.raises(DataError, match=r"is a folder"):
        read_table(tmp_path)
    with pytest.raises(DataError, match=r"expected is one of \.csv.*Save it as \.xlsx"):
        read_table(written(tmp_path, "x", "t.xls"))


@pytest.mark.parametrize("name", ["t.parquet", "t.xlsx"])
def test_files_that_only_bear_the_name_are_refused(tmp_path, name):
    with pytest.raises(DataError, match=r"is not an? (Parquet|XLSX) file that can be read"):
        read_table(written(tmp_path, "hello", name))


def mixed_frame() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "number": [1.5, np.nan, 3.25],
            "whole": [1, 2, 3],
            "name": ["a", None, "ü"],
            "truth": [True, False, True],
            "day": [datetime.datetime(2024, 1, 2), datetime.datetime(2024, 3, 4), None],
        }
    )


def test_parquet_keeps_types(tmp_path):
    pytest.importorskip("pyarrow")
    mixed_frame().to_parquet(tmp_path / "t.parquet")
    frame = read_table(tmp_path / "t.parquet")
    assert frame.columns.tolist() == mixed_frame().columns.tolist()
    assert frame["number"].dtype == np.float64 and frame["truth"].dtype == bool
    assert str(frame["day"].dtype).startswith("datetime64")


def test_xlsx_reads_the_first_sheet(tmp_path):
    pytest.importorskip("openpyxl")
    mixed_frame().to_excel(tmp_path / "t.xlsx", index=False)
    frame = read_table(tmp_path / "t.xlsx")
    assert frame.columns.tolist() == mixed_frame().columns.tolist()
    assert frame["name"].tolist()[0] == "a" and frame["truth"].tolist() == [True, False, True]
    assert frame["day"].tolist()[0] == datetime.datetime(2024, 1, 2)


@pytest.mark.parametrize(("name", "package"), [("t.parquet", "pyarrow"), ("t.xlsx", "openpyxl")])
def test_a_missing_extra_gives_the_install_line(tmp_path, monkeypatch, name, package):
    real = builtins.__import__

    def without(name: str, *args: object, **kwargs: object) -> object:
        if name.split(".")[0] == package:
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtraError, match=r'pip install "handful\[tables\]"'):
        read_table(written(tmp_path, "x", name))
