"""Targets with several labels a row, or ordered ones, are refused with what to do; odd names are not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from handful.data.load import load
from handful.data.many_labels import check_task
from handful.data.targets import find_target_column, read_target
from handful.errors import DataError, SettingsError
from handful.fit import check
from handful.settings import Settings


def read(values: object, **options: object) -> list:
    target = read_target(values, np.arange(len(values)).astype(str), name="tags", **options)  # type: ignore[arg-type]
    assert target.classes is not None
    return target.classes.tolist()


TAGS = ["Comedy", "Action|Comedy", "Drama", "Comedy|Drama", "Action", "Action|Drama"] * 3


@pytest.mark.parametrize(
    ("values", "first", "way"),
    [
        ([["cat"], ["dog", "cat"], ["dog"], ["cat"]], "cat", "str.join"),
        ([("cat",), ("dog", "cat"), None, ("cat",)], "cat", "str.join"),
        ([{"cat"}, {"cat"}, {"dog"}, {"dog"}, {"cat"}], "cat", "str.join"),
        ([np.array(["cat"]), np.array(["cat", "dog"])], "cat", "str.join"),
        (['["cat", "dog"]', '["cat"]', "[]", '["dog", "cat"]', '["cat"]'], "cat", "literal_eval"),
        (["['cat', 'dog']", "['cat']", "['cat']"], "cat", "literal_eval"),
        (TAGS, "Comedy", "get_dummies('|')"),
        ([t.replace("|", "; ") for t in TAGS], "Comedy", "get_dummies(';')"),
    ],
)
def test_several_labels_a_row_are_refused_with_the_command_for_the_first(values, first, way):
    column = pd.Series(values, dtype=object)
    with pytest.raises(DataError, match="several labels a row") as error:
        read(column, data="my films.csv")
    assert str(error.value).endswith(f"the first with handful fit 'my films.csv' --target {first}")
    assert way in str(error.value)


def test_the_way_in_pandas_that_the_message_tells_makes_a_column_a_label():
    table = pd.DataFrame({"tags": TAGS})
    assert list(table.join(table.pop("tags").str.get_dummies("|"))) == ["Action", "Comedy", "Drama"]
    table = pd.DataFrame({"tags": [["cat"], ["dog", "cat"]]})
    assert list(table.join(table.pop("tags").str.join("|").str.get_dummies())) == ["cat", "dog"]


@pytest.mark.parametrize(
    "names",
    [
        ["New York", "San Francisco"],
        ["cat/dog", "neither, or unknown"],
        ["(0, 5]", "(5, 10]", "(10, 15]"],
        ["[0, 5]", "[5, 10]"],
        ["[unknown]", "known"],
        ["male|young", "male|old", "female|young", "female|old"],
        ["animal;cat", "animal;dog", "plant;rose", "plant"],
        ["a;b", "c"],
        ["yes", "no", "yes;no"],
        ["1|2", "3|4"],
    ],
)
def test_odd_class_names_stay_classes(names):
    assert sorted(read(names * 3)) == sorted(names)


def test_several_target_columns_are_refused_with_the_first_command():
    with pytest.raises(DataError, match="one label a row") as error:
        find_target_column(["x", "a", "b c"], "a,b c", "t.csv")
    assert "handful fit t.csv --target a (take b c out" in str(error.value)
    assert find_target_column(["x", "a,b"], "a,b")[0] == "a,b"
    with pytest.raises(DataError, match="there is no column 'a,z'"):
        find_target_column(["x", "a"], "a,z")


def test_y_of_several_columns_is_refused():
    X = pd.DataFrame({"x": [0.0, 1, 2, 3]})
    both = np.array([[1, 1], [0, 1], [1, 0], [0, 0]])
    for y in (both, both.tolist()):
        with pytest.raises(DataError, match=r"shape \(n,\).*handful.fit\(\(X, y\[:, 0\]\)\)"):
            load((X, y), Settings())
    with pytest.raises(DataError, match=r"handful.fit\(\(X, y\['a'\]\)\)"):
        load((X, pd.DataFrame(both, columns=["a", "b"])), Settings())
    with pytest.raises(DataError, match=r"y\.argmax"):
        load((X, np.eye(2)[[0, 1, 0, 1]]), Settings())
    one = load((X, pd.DataFrame({"a": [0, 1, 0, 1]})), Settings())
    assert one.y.tolist() == [0, 1, 0, 1]


def test_an_ordered_target_is_refused_until_somebody_says_what_to_make_of_it():
    grades = pd.Categorical(["low", "mid", "high"] * 4, ["low", "mid", "high"], ordered=True)
    column = pd.Series(grades)
    with pytest.raises(
        DataError, match=r"ordered .low < mid < high.*--task regression.*--task classification"
    ):
        read(column, data="t.parquet")
    assert sorted(read(column, task="classification", parse=False)) == ["high", "low", "mid"]
    assert read(pd.Series(pd.Categorical(["a", "b"] * 4, ordered=True)), parse=False) == ["a", "b"]
    assert len(read(pd.Series(pd.Categorical(["a", "b", "c"] * 4)), parse=False)) == 3


@pytest.mark.parametrize(("task", "told"), [("multilabel", "0 and 1"), ("ordinal", "--task regression")])
def test_tasks_that_do_not_exist_say_what_to_do(task, told):
    with pytest.raises(SettingsError, match=told):
        check(Settings(task=task, target="grade"))
    check_task("classification")
