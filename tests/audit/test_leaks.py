import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_diabetes, load_iris, load_wine

from handful.audit.leaks import KIND, check_columns
from handful.data.columns import TEXT
from tests.audit.data import table


@pytest.fixture(scope="module")
def wine():
    loaded = load_wine(as_frame=True)
    return loaded.data, loaded.target.to_numpy()


@pytest.fixture(scope="module")
def diabetes():
    loaded = load_diabetes(as_frame=True)
    return loaded.data, loaded.target.to_numpy()


def _severities(dataset):
    return [(found.severity, found.items) for found in check_columns(dataset, 5)]


def test_a_category_that_names_the_class_is_an_alarm_with_the_question(wine):
    X, y = wine
    [found] = check_columns(table(X.assign(code=np.array(["k7", "a1", "q3"])[y]), y), 5)
    assert (found.kind, found.severity, found.items) == (KIND, "alarm", ["code"])
    assert "Is it known before the outcome is?" in found.message
    assert "'outcome'" in found.message


def test_a_number_that_orders_the_classes_is_an_alarm(wine):
    X, y = wine
    rng = np.random.default_rng(0)
    leaking = X.assign(days_in_hospital=y * 10.0 + rng.uniform(0, 9, len(y)))
    assert _severities(table(leaking, y)) == [("alarm", ["days_in_hospital"])]


def test_a_leak_with_a_few_missing_values_is_still_found(wine):
    X, y = wine
    code = pd.Series(np.array(["k", "a", "q"])[y]).astype(object)
    code[y == 1] = None
    assert _severities(table(X.assign(code=code), y)) == [("alarm", ["code"])]


def test_two_columns_that_rename_the_target_are_both_alarms(wine):
    X, y = wine
    leaking = X.assign(code=y * 1.0, word=np.array(["k", "a", "q"])[y])
    assert _severities(table(leaking, y)) == [("alarm", ["code"]), ("alarm", ["word"])]


def test_honest_columns_are_left_alone(wine):
    assert check_columns(table(*wine), 5) == []
    iris = load_iris(as_frame=True)
    assert check_columns(table(iris.data, iris.target), 5) == []


def test_an_easy_task_with_several_perfect_measurements_is_a_note():
    iris = load_iris(as_frame=True)
    setosa = iris.target.to_numpy() == 0
    assert _severities(table(iris.data, setosa)) == [("note", ["petal length (cm)", "petal width (cm)"])]


def test_an_identifier_without_order_is_no_leak(wine):
    X, y = wine
    names = [f"bottle {i}" for i in range(len(y))]
    assert check_columns(table(X.assign(name=names), y), 5) == []


def test_a_row_number_in_sorted_data_is_an_alarm(wine):
    X, y = wine
    order = np.argsort(y, kind="stable")
    assert _severities(table(X.iloc[order].assign(row=np.arange(len(y))), y[order])) == [("alarm", ["row"])]


def test_few_rows_and_many_columns_raise_no_alarm_by_accident():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(10, 400)))
    y = np.repeat([0, 1], 5)
    assert any((X[c][y == 0].max() < X[c][y == 1].min()) for c in X)  # one does sort the ten rows
    assert check_columns(table(X, y), 5) == []


def test_copies_of_rows_do_not_make_their_names_a_leak(wine):
    X, y = wine
    X = X.assign(name=[f"bottle {i}" for i in range(len(y))])
    doubled = pd.concat([X, X, X], ignore_index=True)
    assert check_columns(table(doubled, np.tile(y, 3), np.tile(np.arange(len(y)), 3)), 5) == []


def test_regression_target_in_other_units_is_an_alarm(diabetes):
    X, y = diabetes
    assert _severities(table(X.assign(pounds=y * 2.2 + 1), y, task="regression")) == [("alarm", ["pounds"])]


def test_regression_target_on_a_curve_is_an_alarm(diabetes):
    X, y = diabetes
    rng = np.random.default_rng(0)
    curved = np.exp(y / 60) * rng.uniform(0.97, 1.03, len(y))
    assert _severities(table(X.assign(curved=curved), y, task="regression")) == [("alarm", ["curved"])]


def test_regression_mean_of_a_category_is_an_alarm(diabetes):
    X, y = diabetes
    tens = np.round(y / 20) * 20
    leaking = X.assign(band=[f"band {t}" for t in tens])
    assert _severities(table(leaking, tens + X["age"].to_numpy(), task="regression")) == [("alarm", ["band"])]


def test_honest_regression_is_left_alone(diabetes):
    assert check_columns(table(*diabetes, task="regression"), 5) == []


def test_a_text_that_only_one_class_has_is_an_alarm_and_what_it_says_is_not_looked_at(wine):
    X, y = wine
    every = np.array([f"note {i} of the case" for i in range(len(y))], dtype=object)
    assert _severities(table(X.assign(note=pd.array(every, dtype=TEXT)), y)) == []
    some = np.where(y == 1, every, "")
    two = np.flatnonzero(y != 2)
    X, y = X.assign(note=pd.array(some, dtype=TEXT)).iloc[two].reset_index(drop=True), y[two]
    assert _severities(table(X, y)) == [("alarm", ["note"])]
