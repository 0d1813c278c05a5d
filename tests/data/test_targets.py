"""The target: its task, its classes, and what makes it unusable."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

from handful.data.targets import Target, check_classes, decide_task, encode, find_target_column, read_target
from handful.errors import DataError


def read(values: object, **options: object) -> Target:
    return read_target(values, np.arange(len(values)).astype(str), name="y", **options)  # type: ignore[arg-type]


def labels(target: Target) -> list:
    assert target.classes is not None
    return target.classes[target.y].tolist()


@pytest.mark.parametrize(
    ("numbers", "task"),
    [
        ([0, 1] * 10, "classification"),
        ([1, 1, 2, 2, 3, 3], "classification"),
        ([0, 0, 1, 1], "classification"),
        (list(range(50)) * 5, "classification"),
        (list(range(10)), "regression"),
        ([17, 22, 35, 35, 41, 56, 60, 61], "regression"),
        ([3 * i for i in range(40)] * 4, "regression"),
        ([0.5, 1.5] * 10, "classification"),
        ([0.1 * i for i in range(20)], "regression"),
    ],
)
def test_the_task_is_seen_from_the_numbers(numbers, task):
    assert decide_task(numbers, np.array(numbers, dtype=float))[0] == task
    assert read([str(n) for n in numbers]).task == task


def test_the_task_can_be_said():
    assert read(["1", "2", "1", "2"], task="regression").y.tolist() == [1.0, 2.0, 1.0, 2.0]
    target = read([0.25, 0.5, 0.25, 0.5], task="classification", parse=False)
    assert target.classes.tolist() == [0.25, 0.5] and target.y.tolist() == [0, 1, 0, 1]


def test_a_guessed_task_says_so():
    (finding,) = read(["1", "2", "1", "2"]).findings
    assert finding.kind == "task" and "--task" in finding.message


def test_numbers_that_became_floats_are_printed_whole_and_sorted_as_numbers():
    target = read(["10.0", "2.0", "2.0", "", "10.0", "1.0", "1.0"])
    assert target.classes.tolist() == ["1", "2", "10"]
    assert labels(target) == ["10", "2", "2", "10", "1", "1"]


def test_labels_are_stripped_with_a_finding():
    target = read(["b", "b ", "a", "a"])
    assert labels(target) == ["b", "b", "a", "a"]
    assert [f.kind for f in target.findings] == ["white space in labels"]


def test_labels_of_arrays_are_left_as_they_are_with_a_warning():
    target = read(np.array(["b", "b ", "b", "b "]), parse=False)
    assert target.classes.tolist() == ["b", "b "]
    assert [f.kind for f in target.findings] == ["similar labels"]


def test_labels_that_differ_only_in_case_are_a_warning():
    (finding,) = read(["Cat", "cat", "dog", "Cat", "cat", "dog"]).findings
    assert finding.severity == "warning" and finding.items == ["Cat", "cat"]


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        (np.array([3, 1, 3, 1], dtype=np.int32), np.int32),
        (np.array([True, False, True, False]), np.bool_),
        (np.array(["b", "a", "b", "a"]), np.dtype("<U1")),
        (np.array(["b", "a", "b", "a"], dtype=object), np.dtype(object)),
        (pd.Series(["b", "a", "b", "a"]), np.dtype(object)),
        (pd.Series([1, 2, 1, 2], dtype="Int64"), np.int64),
        (pd.Categorical(["b", "a", "b", "a"]), np.dtype(object)),
        ([1, 2, 1, 2, None], np.int64),
        (["b", "a", "b", "a"], np.dtype(object)),
    ],
)
def test_classes_of_arrays_keep_their_dtype(values, dtype):
    values = list(values) if isinstance(values, pd.Categorical) else values
    target = read(values, task="classification", parse=False)
    assert target.classes.dtype == dtype
    assert labels(target) == [v for v in list(values) if v is not None]


def test_rows_without_a_target_are_left_out_and_named():
    target = read(["a", "", "b", "NA", "a", "b"])
    assert target.keep.tolist() == [True, False, True, False, True, True]
    assert target.findings[0].items == ["1", "3"] and target.findings[0].severity == "warning"


def test_minus_is_a_label_and_not_missing():
    assert read(["+", "-", "+", "-"]).classes.tolist() == ["+", "-"]


def test_minus_among_numbers_is_missing_and_says_so():
    ratings = [*("12345" * 6), "-", "-"]
    target = read(ratings)
    assert target.classes.tolist() == list("12345") and target.keep.tolist() == [True] * 30 + [False] * 2
    assert (
        target.findings[0].items == ["30", "31"] and "'-' was read as missing" in target.findings[0].message
    )
    prices = read([*(f"{i},{i % 7}" for i in range(30)), "-", "unknown"])
    assert prices.task == "regression" and prices.keep.sum() == 30
    assert read(["1", "-"] * 5).classes.tolist() == ["-", "1"]


def test_minus_among_later_numbers_is_missing_where_it_is_no_class():
    for classes in (None, np.array(["1", "2"], dtype=object)):
        task = "regression" if classes is None else "classification"
        assert encode(["1", "-", "2"], "y", task, classes)[0].tolist() == [True, False, True]
    keep, y = encode(["+", "-"], "y", "classification", np.array(["+", "-"], dtype=object))
    assert keep.all() and y.tolist() == [0, 1]
    with pytest.raises(DataError, match=r"label 'unknown' is not among"):
        encode(["unknown"], "y", "classification", np.array(["cat", "dog"], dtype=object))


def test_a_value_that_makes_classes_of_numbers_is_named():
    values = [*(str(i + 0.5) for i in range(29)), "-", "3O"]
    with pytest.raises(
        DataError, match=r"nearly all values of the target 'y' are numbers, but '3O' \(row 30\)"
    ):
        read(values)
    with pytest.raises(DataError, match=r"holds '3O' \(row 30\)"):
        read([*(f"{i},5" for i in range(30)), "3O"], task="regression")
    ratings = [*("12345" * 6), "good", "good"]
    assert read(ratings).classes.tolist() == [*"12345", "good"]
    assert read([*("12345" * 6), "x"], drop_classes=("x",)).classes.tolist() == list("12345")


@pytest.mark.parametrize(("form", "odd"), [("{},4", "2.5"), ("{}%", "12")])
def test_a_number_of_a_target_written_unlike_the_others_is_named(form, odd):
    values = [form.format(i) for i in range(39)]
    values.insert(7, odd)
    with pytest.raises(
        DataError, match=rf"but '{odd}' \(row 7\) is not one, or is written unlike the others"
    ):
        read(values)
    with pytest.raises(DataError, match=rf"holds '{odd}' \(row 7\)"):
        read(values, task="regression")


def test_long_whole_numbers_stay_apart():
    names = ["10000000000000001", "10000000000000000"]
    for values in (names * 2, [int(name) for name in names] * 2):
        target = read(values, task="classification")
        assert labels(target) == names * 2
        assert encode(values, "y", "classification", target.classes)[1].tolist() == target.y.tolist()


def test_infinite_numbers_of_a_target_count_as_missing():
    target = read([0.5, np.inf, 1.5, 2.5], task="regression", parse=False)
    assert target.y.tolist() == [0.5, 1.5, 2.5] and target.keep.tolist() == [True, False, True, True]


def test_decimal_commas_in_a_target_are_read():
    assert read(["1,5", "2,5", "3,25"]).y.tolist() == [1.5, 2.5, 3.25]


def test_points_part_thousands_of_a_target_where_a_column_has_decimal_commas():
    prices = ["700", "980", "1.000", "1.020", "1.500"]
    target = read(prices, decimal=",")
    assert target.y.tolist() == [700, 980, 1000, 1020, 1500] and target.style == "1.234,5"
    assert any("read like 1.234,5" in finding.message for finding in target.findings)
    assert encode(["1.020"], "y", "regression", None, target.style)[1].tolist() == [1020]
    unsure = read(prices)
    assert unsure.y[3] == 1.02
    assert [f.kind for f in unsure.findings if f.severity == "warning"] == ["maybe thousands"]


def test_a_unit_is_no_part_of_a_number_and_part_of_a_label():
    assert read(["$1.50", "$2.50", "$3.25"]).y.tolist() == [1.5, 2.5, 3.25]
    target = read(["10 mg", "5 mg"] * 5)
    assert target.classes.tolist() == ["5 mg", "10 mg"]
    assert encode(["10 mg"], "y", "classification", target.classes, target.style)[1].tolist() == [1]
    assert read(["12 %", "12%", "7%"] * 5).classes.tolist() == ["7", "12"]


def test_classes_can_be_dropped():
    target = read(["a", "b", "c", "a", "b"], drop_classes=("c",))
    assert labels(target) == ["a", "b", "a", "b"] and target.keep.tolist() == [True, True, False, True, True]
    with pytest.raises(DataError, match=r"there is no such class. Did you mean 'cat'"):
        read(["cat", "dog"] * 2, drop_classes=("Cat",))


@pytest.mark.parametrize(
    ("values", "options", "message"),
    [
        (["", "NA", ""], {}, "'y' has no value in any row"),
        (["a"], {}, "there is 1 row"),
        (["1.5"], {}, "there is 1 row"),
        (["1", "2", "x"], {"task": "regression"}, r"regression needs numbers, but .* 'x' \(row 2\)"),
        ([1.5, 1.5, 1.5], {"task": "regression"}, "is 1.5 in all 3 rows: there is nothing to predict"),
        (
            np.array([1, "a", 2, "b"], dtype=object),
            {"parse": False},
            "kinds number, text; they must be all",
        ),
        (np.zeros((3, 2)), {"parse": False}, r"one value a row, shape \(n,\).*\(3, 2\)"),
    ],
)
def test_a_target_that_cannot_be_learned_is_refused(values, options, message):
    with pytest.raises(DataError, match=message):
        read(values, **options)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["a"] * 4, "there is one class, 'a', in all 4 rows"),
        (["a", "b", "c"], r"as many classes as rows \(3\).*Is the target the right column"),
        (
            ["a", "a", "rare one", "b", "b"],
            "class 'rare one' has 1 example, but cross-validation needs at least 2 in every class. Add "
            "examples, merge the class, or leave it out with --drop-class 'rare one'",
        ),
        (["a", "a", "b", "c"], r"\(so do 'c'\).*--drop-class b --drop-class c"),
    ],
)
def test_classes_that_cannot_be_told_apart_are_refused(values, message):
    target = read(values)
    with pytest.raises(DataError, match=message):
        check_classes(target.y, target.classes)


def test_the_target_column_is_found_by_name():
    assert find_target_column(["a", "b"], "b") == ("b", [])
    name, findings = find_target_column(["a", "Label", "y"], None)
    assert name == "Label" and findings[0].kind == "target"


@pytest.mark.parametrize(
    ("columns", "wanted", "message"),
    [
        (
            ["age", "outcome"],
            "Outcme",
            "no column 'Outcme'.*Did you mean 'outcome'.*columns are: age, outcome",
        ),
        (["age", "outcome"], None, "Name it with --target COLUMN. The columns are: age, outcome"),
        (["5.1", "3.5", "0"], None, "is the line of column names missing"),
    ],
)
def test_a_missing_target_column_names_what_is_there(columns, wanted, message):
    with pytest.raises(DataError, match=message):
        find_target_column(columns, wanted)


def test_later_labels_are_coded_in_the_known_classes():
    keep, y = encode(["2.0", "", "1.0"], "y", "classification", np.array(["1", "2"], dtype=object))
    assert keep.tolist() == [True, False, True] and y.tolist() == [1, 0]
    assert encode([True, False], "y", "classification", np.array([False, True]))[1].tolist() == [1, 0]
    with pytest.raises(DataError, match=r"label 'catt' is not among .*Did you mean 'cat'"):
        encode(["catt"], "y", "classification", np.array(["cat", "dog"], dtype=object))


def test_a_class_that_was_read_as_missing_is_named():
    target = read(["NA", "EU", "AS"] * 4)
    assert "'NA' was read as missing" in target.findings[0].message
    with pytest.raises(DataError, match="one class, 'EU', beside 'NA', which was read as missing"):
        read(["NA", "EU"] * 4)


def test_infinite_values_are_said_to_be_infinite():
    (finding, *_) = read(np.array([1.5, np.inf, 2.5, 3.5, 0.5]), task="regression", parse=False).findings
    assert "without a finite value" in finding.message


def test_labels_that_print_alike_are_a_warning():
    (finding,) = read(["M\u00fcll", "Mu\u0308ll", "Glas"] * 2).findings
    assert finding.kind == "similar labels" and len(finding.items) == 2


def test_labels_of_other_kinds_of_numbers_can_be_stored():
    assert read([Decimal(i % 2) for i in range(8)], parse=False).classes.tolist() == [0, 1]
    halves = read([Fraction(1 + i % 2, 2) for i in range(8)], parse=False, task="classification")
    assert halves.classes.tolist() == [0.5, 1.0]
