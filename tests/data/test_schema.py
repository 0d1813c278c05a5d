"""Columns are read for what they hold, and new rows in the same way."""

from __future__ import annotations

import datetime
import json

import numpy as np
import pandas as pd
import pytest

from handful.data.infer import infer_schema
from handful.data.schema import TableSchema
from handful.errors import DataError

N = 12


def frame_of(**columns: list) -> pd.DataFrame:
    """A table with these columns, the first twelve values of each, beside a plain number."""
    return pd.DataFrame(
        {
            "plain": pd.Series([0.5, 1.5, 0.5] * 4),
            **{name: pd.Series((values * N)[:N], dtype=object) for name, values in columns.items()},
        }
    )


def kinds(frame: pd.DataFrame) -> dict[str, tuple[str, str]]:
    schema, _ = infer_schema(frame, "target")
    return {c.name: (c.kind, c.style) for c in schema.columns if c.name != "plain"}


def found(frame: pd.DataFrame) -> dict[str, list[str]]:
    return {finding.kind: finding.items for finding in infer_schema(frame, "target")[1]}


@pytest.mark.parametrize(
    ("values", "kind", "style", "first"),
    [
        (["1", "2.5", "-3e2"], "numeric", "plain", 1.0),
        (["1,5", "2"], "numeric", "1.234,5", 1.5),
        (["1.234,5", "2"], "numeric", "1.234,5", 1234.5),
        (["1,234", "2,500.5"], "numeric", "1,234.5", 1234.0),
        (["0,123", "2,500"], "numeric", "1.234,5", 0.123),
        (["12 %", "7%"], "numeric", "plain %", 12.0),
        (["$10.00", "-$7.50"], "numeric", "$ plain", 10.0),
        (["1.234,50 €", "7,10€"], "numeric", "1.234,5 €", 1234.5),
        (["CHF 1'200.50", "CHF 70"], "numeric", "CHF 1,234.5", 1200.5),
        (["1.7 kg", "12 kg"], "numeric", "plain kg", 1.7),
        (["1'200.50", "1’300"], "numeric", "1,234.5", 1200.5),
        (["\u22120.37", "2"], "numeric", "plain", -0.37),
        (["1.7 kg", "300 g"], "categorical", "", "1.7 kg"),
        (["P1", "P2"], "categorical", "", "P1"),
        (["1", "NA", "2"], "numeric", "plain", 1.0),
        (["1", "-", "unknown", "2"], "numeric", "plain", 1.0),
        ([1, 2.5, None], "numeric", "", 1.0),
        ([1, "2", None], "numeric", "plain", 1.0),
        (["True", "false"], "boolean", "", 1.0),
        ([True, False, None], "boolean", "", 1.0),
        (["a", "b", ""], "categorical", "", "a"),
        (["+", "-"], "categorical", "", "+"),
        (["00123", "01234"], "categorical", "", "00123"),
        ([1, "a", 2.0], "categorical", "", "1"),
        (["1", "b"], "categorical", "", "1"),
        (["2024-01-02", "2023-05-06"], "date", "iso", 19724.0),
        (["2.1.2024", "31.5.2023"], "date", "%d.%m.%Y", 19724.0),
        (["31/5/2023", "2/1/2024"], "date", "%d/%m/%Y", 19508.0),
        (["2.1.2024 12:00", "31.5.2023 11:30:10"], "date", "%d.%m.%Y", 19724.5),
        (["1/2/2024 6:00 PM", "12/31/2023"], "date", "%m/%d/%Y", 19724.75),
        ([datetime.date(2024, 1, 2), datetime.date(2023, 1, 2)], "date", "", 19724.0),
    ],
)
def test_a_column_is_read_for_what_it_holds(values, kind, style, first):
    frame = frame_of(c=values)
    assert kinds(frame)["c"] == (kind, style)
    X = infer_schema(frame, "target")[0].apply(frame)
    column = next(name for name in X.columns if name.startswith("c"))
    assert X[column].iloc[0] == first
    assert X[column].dtype == (object if kind == "categorical" else np.float64)


def test_missing_is_nan_in_numbers_and_none_in_categories():
    frame = frame_of(number=["1", "NA", "?"], name=["a", "null", None])
    X = infer_schema(frame, "target")[0].apply(frame)
    assert np.isnan(X["number"].iloc[1:3]).all()
    assert X["name"].tolist()[1:3] == [None, None]


def test_a_date_becomes_its_varying_parts():
    frame = frame_of(day=["2024-01-02 12:00", "2024-03-05"])
    X = infer_schema(frame, "target")[0].apply(frame)
    days = ["day (days)", "day (month)"]
    assert X.columns.tolist() == ["plain", *days]
    assert X[days].iloc[0].tolist() == [19724.5, 1.0]


def test_dates_with_zones_are_brought_to_utc():
    moments = pd.to_datetime(["2024-01-02T00:00+02:00", "2024-01-05T00:00+02:00"] * 6)
    frame = frame_of().assign(day=moments)
    X = infer_schema(frame, "target")[0].apply(frame)
    assert X["day (days)"].iloc[0] == 19724 - 2 / 24


@pytest.mark.parametrize(
    ("name", "values", "reason"),
    [
        ("n", list(range(N)), "identifier"),
        ("n", [str(i) for i in range(N, 0, -1)], "identifier"),
        ("ID", [7, 3, 9, 4, 1, 22, 35, 30, 41, 50, 61, 70], "identifier"),
        ("patientId", [7, 3, 9, 4, 1, 22, 35, 30, 41, 50, 61, 70], "identifier"),
        ("who", [f"name {i}" for i in range(N)], "identifier"),
        ("same", ["x"], "constant"),
        ("same", [3.5], "constant"),
        ("none", [None, "", "NA"], "empty"),
        ("wave", [1 + 2j, 3j], "complex numbers"),
    ],
)
def test_columns_that_cannot_help_are_left_out_and_named(name, values, reason):
    frame = frame_of(**{name: values})
    if reason == "complex numbers":
        frame[name] = frame[name].astype(complex)
    schema, _ = infer_schema(frame, "target")
    assert schema.left_out == {name: reason}
    assert found(frame)[f"{reason} column"] == [name]


@pytest.mark.parametrize(
    "form",
    [
        *(
            "{0}.5 kg|{0}00 g",
            "${0}|€{0}",
            "{0}.03.24 11:30",
            "{0}.1.24",
            "<{0}.5|{0}.5",
            "~{0}",
            "{0}:30:10",
        ),
        *("{0} h 20 min", "{0} Mar 2024", "2024-{0}-5", "1.{0}M|{0}00K", "1{0} kg|1{0} g|{0}", "(${0}.00)"),
    ],
)
def test_numbers_and_dates_that_are_not_read_are_a_warning(form):
    forms = form.split("|")
    values = [forms[i % len(forms)].format(i) for i in range(1, 29)]
    frame = pd.DataFrame({"x": values, "size": [i / 7 for i in range(28)]})
    schema, findings = infer_schema(frame, "target")
    assert list(schema.left_out) == ["x"]
    (finding,) = findings
    assert (finding.kind, finding.severity, finding.items) == ("unread numbers", "warning", ["x"])
    assert any(f"x ({value!r})" in finding.message for value in values)


@pytest.mark.parametrize(
    "form",
    [
        *("P{0:03}", "S-{0}", "{0:08x}-9c0b-4ef8-bb6d-6bb9bd380a11", "{0:05}", "0{0}", "2024-{0:04}", "#{0}"),
        *("123-45-6{0}", "10.0.0.{0}", "{0} Main Street", "ABC {0}", "No. {0}", "030 12{0}", "{0:03}A"),
    ],
)
def test_what_names_a_row_is_a_note(form):
    values = [form.format(i * 7919 % 997) for i in range(40)]
    frame = pd.DataFrame({"x": values, "size": [i / 7 for i in range(40)]})
    schema, findings = infer_schema(frame, "target")
    assert schema.left_out == {"x": "identifier"}
    assert {f.severity for f in findings} == {"note"}


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("year", list(range(2000, 2000 + N))),
        ("x", [7, 3, 9, 4, 1, 22, 35, 30, 41, 50, 61, 70]),
        ("id", [1, 1, 2]),
        ("x", [i + 0.5 for i in range(N)]),
        ("x", ["only", None]),
    ],
)
def test_columns_that_may_help_stay(name, values):
    assert infer_schema(frame_of(**{name: values}), "target")[0].left_out == {}


def test_a_plain_array_keeps_all_its_columns():
    frame = pd.DataFrame({"x0": range(N), "x1": [1.0] * N})
    schema, _ = infer_schema(frame, None, keep_all=True)
    assert schema.feature_names == ["x0", "x1"]


def test_a_table_without_a_useful_column_is_refused():
    with pytest.raises(DataError, match=r"no column is left .* same \(constant\)"):
        infer_schema(pd.DataFrame({"same": [1, 1, 1]}), "target")


TITLES = [
    *("cannot print from laptop", "printer jams again", "laptop screen is black", "cannot open the invoice"),
    *("invoice sent twice again", "open invoice is wrong", "printer prints black pages", "screen jams again"),
    *("wrong invoice sent", "cannot open laptop", "black screen again today", "prints from laptop fail"),
]


@pytest.mark.parametrize(
    ("name", "values", "kind"),
    [
        ("title", TITLES, "text"),
        ("ticket id", TITLES, None),
        ("slide", [f"slide number {i}" for i in range(12)], None),
        ("who", [f"Anna{i} Maria{i} Berg{i}" for i in range(12)], None),
    ],
)
def test_a_few_words_are_a_text_where_words_recur_from_row_to_row(name, values, kind):
    frame = pd.DataFrame({name: values, "kind": list("ab") * 6})
    schema, _ = infer_schema(frame, "y")
    assert {c.name: c.kind for c in schema.columns}.get(name) == kind
    assert (name in schema.left_out) == (kind is None)


def test_numbers_written_as_text_and_markers_are_noted():
    notes = found(frame_of(price=["1,5", "2"], size=["1", "?"], zip=["01234", "99999"]))
    assert notes == {"numbers as text": ["price"], "missing marker": ["size"], "code": ["zip"]}


PRICES = ["700", "980", "1.000", "1.020"]


def test_points_part_thousands_where_another_column_has_decimal_commas():
    frame = frame_of(
        size=["0,5", "12"], price=PRICES, ratio=["1,234", "2"], share=["0.125", "7"], n=["1", "7"]
    )
    assert kinds(frame) == {
        "size": ("numeric", "1.234,5"),
        "price": ("numeric", "1.234,5"),
        "ratio": ("numeric", "1.234,5"),
        "share": ("numeric", "plain"),
        "n": ("numeric", "plain"),
    }
    schema, findings = infer_schema(frame, "target")
    X = TableSchema.from_json(schema.to_json()).apply(frame.iloc[[3, 2]])
    assert X["price"].tolist() == [1020, 1000] and X["ratio"].tolist() == [2, 1.234]
    (note,) = findings
    assert note.kind == "numbers as text" and "price (1.234,5)" in note.message


@pytest.mark.parametrize(
    ("other", "warned"), [(["7", "8"], ["price"]), (["0.5", "8"], []), (["1,234", "5"], ["price"])]
)
def test_points_that_may_part_thousands_are_a_warning(other, warned):
    frame = frame_of(price=PRICES, exact=["1.020", "2.125"], other=other)
    findings = [f for f in infer_schema(frame, "target")[1] if f.severity == "warning"]
    assert [item for f in findings for item in f.items] == warned
    assert all("price ('1.000' as 1)" in f.message and "without points (1000)" in f.message for f in findings)


def test_a_slip_that_makes_categories_of_numbers_is_a_warning():
    ages = [*(str(20 + i % 9) for i in range(40)), "-", "3O"]
    frame = pd.DataFrame({"age": ages, "size": [i / 7 for i in range(42)]}).iloc[10:]
    schema, findings = infer_schema(frame, "target")
    assert schema.of_kind("categorical") == ["age"]
    (finding,) = findings
    assert (finding.kind, finding.severity, finding.items) == ("nearly numbers", "warning", ["age"])
    assert "age ('3O' in row 41)" in finding.message
    assert found(frame.assign(age=[f"0{i % 9}" for i in range(31)] + ["x"])) == {}


@pytest.mark.parametrize(
    ("values", "odd"),
    [
        ([f"{i},4" for i in range(39)], "2.5"),
        ([f"{i},4" for i in range(5)] * 8, "2.5"),
        ([f"{i}%" for i in range(39)], "12"),
        ([f"{i}%" for i in range(39)], "12 kg"),
        ([f"${i}" for i in range(39)], "€12"),
    ],
)
def test_a_number_written_unlike_the_others_is_named(values, odd):
    frame = pd.DataFrame({"x": [*values[:7], odd, *values[7:]]})
    frame["size"] = [i / 7 for i in range(len(frame))]
    warned = [f for f in infer_schema(frame, "target")[1] if f.severity == "warning"]
    assert [f.kind for f in warned] == ["nearly numbers"] and f"x ({odd!r} in row 7)" in warned[0].message


def test_infinite_values_become_missing_with_a_finding():
    frame = frame_of(x=[1.0, float("inf"), 2.0], text=["1", "-inf", "2"])
    findings: list = []
    X = infer_schema(frame, "target")[0].apply(frame, findings)
    assert np.isnan(X["x"].iloc[1]) and np.isnan(X["text"].iloc[1])
    assert [(f.kind, f.items) for f in findings] == [("infinite value", ["x"]), ("infinite value", ["text"])]


def test_pandas_dtypes_are_read():
    frame = frame_of().assign(
        category=pd.Categorical([1, 2, None] * 4),
        whole=pd.array([1, None, 3] * 4, dtype="Int64"),
        truth=pd.array([True, None, False] * 4, dtype="boolean"),
        text=pd.array(["a", None, "b"] * 4, dtype="string"),
    )
    X = infer_schema(frame, "target")[0].apply(frame)
    assert X["category"].tolist()[:3] == ["1", "2", None]
    assert X["text"].tolist()[:3] == ["a", None, "b"]
    assert X["whole"].dtype == np.float64 and X["whole"].isna().sum() == 4
    assert X["truth"].dropna().tolist()[:2] == [1.0, 0.0]


def test_the_schema_survives_json():
    frame = frame_of(day=["2024-01-02", "2023-05-06"], name=["a", "b"], same=["x"])
    schema, _ = infer_schema(frame, "target")
    again = TableSchema.from_json(json.loads(json.dumps(schema.to_json())))
    assert again == schema and again.apply(frame).equals(schema.apply(frame))


def test_new_rows_are_read_alike_whatever_their_order_and_types():
    schema, _ = infer_schema(frame_of(price=["1,5", "2,25"], name=["a", "b"]), "target")
    new = pd.DataFrame({"extra": [1, 2], "name": [2.0, None], "price": [3.5, "4,5"], "plain": ["7", ""]})
    X = schema.apply(new)
    assert X.columns.tolist() == ["plain", "price", "name"]
    assert X["price"].tolist() == [3.5, 4.5] and X["name"].tolist() == ["2", None]
    assert X["plain"].iloc[0] == 7 and np.isnan(X["plain"].iloc[1])


def test_new_rows_may_leave_the_unit_out_and_not_change_it():
    schema, _ = infer_schema(frame_of(weight=["1.7 kg", "12 kg"]), "target")
    findings: list = []
    X = schema.apply(pd.DataFrame({"weight": ["3kg", "3", 3, "3 g"], "plain": 1.0}), findings)
    assert X["weight"].tolist()[:3] == [3, 3, 3] and "'3 g' (row 3)" in findings[0].message


def test_a_new_file_with_decimal_points_is_read_so_by_a_model_of_decimal_commas():
    schema, _ = infer_schema(frame_of(price=["1,5", "2.250,75"], big=["1 234", "5 678"]), "target")
    new = pd.DataFrame({"price": ["1.125", "2.5", "-3.75"], "big": ["1 234", "7", "8"], "plain": "7"})
    X = schema.apply(new)
    assert X["price"].tolist() == [1.125, 2.5, -3.75] and X["big"].tolist() == [1234, 7, 8]
    beside = schema.apply(new.assign(price=["1.125", "2.500", "3.750"], plain="0.5"))
    assert beside["price"].tolist() == [1.125, 2.5, 3.75]
    commas = schema.apply(new.assign(price=["1.125", "2.500", "3,75"]))
    assert commas["price"].tolist() == [1125, 2500, 3.75]


def test_dates_and_truth_values_may_be_written_as_other_programs_do():
    frame = frame_of(day=["31.5.2023", "2.1.2024"], member=["True", "False"])
    schema, _ = infer_schema(frame, "target")
    findings: list = []
    new = pd.DataFrame({"day": ["2023-05-31", "2.1.2024"], "member": ["1.0", "0.0"], "plain": [1, 2]})
    X = schema.apply(new, findings)
    assert X["day (days)"].tolist() == [19508, 19724] and X["member"].tolist() == [1, 0] and not findings


def test_zeros_and_ones_may_come_back_as_truth_values():
    schema, _ = infer_schema(frame_of(smoker=["1", "0"], age=["31", "47"]), "target")
    findings: list = []
    new = pd.DataFrame({"smoker": ["True", "", "false"], "age": ["31", "true", "9"], "plain": [1, 2, 3]})
    X = schema.apply(new, findings)
    assert X["smoker"].tolist()[::2] == [1, 0] and np.isnan(X["smoker"][1])
    assert np.isnan(X["age"][1]) and [f.kind for f in findings] == ["unfit value"]  # here it says nothing


def test_percents_that_come_back_as_shares_are_named():
    schema, _ = infer_schema(frame_of(rate=["5%", "70 %"]), "target")
    for rates, noticed in ((["0.05", "0.7"], ["percents"]), (["0.5%", "0.7"], []), (["5", "0.7"], [])):
        findings: list = []
        X = schema.apply(pd.DataFrame({"rate": rates, "plain": [1, 2]}), findings)
        assert X["rate"][1] == 0.7 and [f.kind for f in findings] == noticed
    schema.apply(pd.DataFrame({"rate": [0.25], "plain": [1]}), findings)
    assert "'rate'" in findings[0].message and "0.25 as 0.25%. Write 25%" in findings[0].message


def test_a_missing_column_names_the_nearest():
    schema, _ = infer_schema(frame_of(price=["1", "2"]), "target")
    with pytest.raises(DataError, match=r"no column 'price'.*Did you mean 'Price'"):
        schema.apply(pd.DataFrame({"Price": [1], "plain": [2]}))


def test_values_that_do_not_fit_are_missing_with_a_finding():
    schema, _ = infer_schema(frame_of(price=["1", "2"]), "target")
    findings: list = []
    X = schema.apply(pd.DataFrame({"price": ["3", "much"], "plain": [1, 2]}), findings)
    assert np.isnan(X["price"].iloc[1])
    assert findings[0].kind == "unfit value" and "'much' (row 1)" in findings[0].message


def test_a_column_that_is_empty_in_new_data_is_named():
    schema, _ = infer_schema(frame_of(kind=["wide", "thin"]), "target")
    empty = pd.DataFrame({"kind": [None, "", "NA", None, float("nan")], "plain": range(5)})
    findings: list = []
    schema.apply(empty, findings)
    assert [f.kind for f in findings] == ["empty column"] and "'kind'" in findings[0].message
    findings.clear()
    schema.apply(empty.iloc[:1], findings)  # one row may lack a value
    assert findings == []


def test_a_column_in_which_nothing_fits_is_refused():
    schema, _ = infer_schema(frame_of(price=["1", "2"]), "target")
    with pytest.raises(DataError, match=r"'price' is numeric for the model, but now it holds .* 'much'"):
        schema.apply(pd.DataFrame({"price": ["much"] * 5, "plain": [1] * 5}))


def test_one_row_is_read_as_it_would_be_among_others():
    schema, _ = infer_schema(frame_of(price=["1", "2"]), "target")
    findings: list = []
    X = schema.apply(pd.DataFrame({"price": ["much"], "plain": [1]}), findings)
    assert np.isnan(X["price"].iloc[0]) and X["plain"].iloc[0] == 1
    assert "'much' (row 0)" in findings[0].message


def test_a_column_named_like_a_part_of_a_date_is_refused():
    frame = frame_of(**{"day": ["2024-01-02", "2023-05-06"], "day (days)": [1, 2]})
    with pytest.raises(DataError, match=r"'day \(days\)' has the name"):
        infer_schema(frame, "target")


def codes(values):
    return pd.DataFrame({"c": values, "x": np.arange(len(values)) % 7})


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (pd.Categorical([1.0, 2.0] * 10), ["1.0", "2.0"]),
        (["01234", "00007"] * 10, [1234, 7]),
        (["1", "2", "x"] * 7, [1.0, "2.00"]),
    ],
)
def test_codes_that_another_program_wrote_as_numbers_are_the_same_categories(before, after):
    schema, _ = infer_schema(codes(before))
    findings = []
    first = schema.apply(codes(before))["c"].tolist()[:2]
    assert schema.apply(codes(after), findings)["c"].tolist() == first
    assert findings == []


def test_new_categories_stay_with_a_finding():
    schema, _ = infer_schema(codes(["red", "blue"] * 10))
    findings = []
    X = schema.apply(codes(["red", "green", None]), findings, rows=[3, 4, 5])
    assert X["c"].tolist() == ["red", "green", None]
    (finding,) = findings
    assert finding.severity == "warning" and "'green' (row 4)" in finding.message


def test_codes_that_are_one_number_are_not_mixed_up():
    schema, _ = infer_schema(codes(["1", "01", "x"] * 7))
    assert schema.apply(codes(["1", "01", "1.0"]))["c"].tolist() == ["1", "01", "1.0"]
