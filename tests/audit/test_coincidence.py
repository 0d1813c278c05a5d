import numpy as np
import pandas as pd

from handful.audit.coincidence import coincidence


def _copied(X, copies):
    return pd.concat([X, X.iloc[:copies]], ignore_index=True)


def test_copies_among_continuous_columns_are_improbable():
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(100, 5)))
    measured = coincidence(_copied(X, 4))
    assert (measured.copies, measured.neighbours) == (4, 0)
    assert measured.improbable


def test_a_tripled_table_is_improbable_because_copies_do_not_testify_for_themselves():
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(100, 4)))
    assert coincidence(pd.concat([X, X, X], ignore_index=True)).improbable


def test_equal_rows_of_few_discrete_columns_are_probable():
    X = pd.DataFrame(np.random.default_rng(0).integers(0, 3, size=(200, 4)))
    assert not coincidence(X).improbable


def test_one_continuous_column_is_not_enough():
    X = pd.DataFrame({"length": np.random.default_rng(0).normal(size=50)})
    assert not coincidence(_copied(X, 2)).improbable


def test_a_code_its_name_and_its_other_names_count_once():
    rng = np.random.default_rng(0)
    city, age = rng.integers(0, 10, 100), rng.integers(20, 60, 100)
    renamed = {f"name {i} of the city": [f"{i} {c}" for c in city] for i in range(12)}
    once = coincidence(pd.DataFrame({"city": city, "age": age}))
    assert coincidence(pd.DataFrame({"city": city, "age": age, **renamed})) == once
    assert not once.improbable


def test_neighbours_are_pairs_that_differ_in_one_column():
    X = pd.DataFrame({"a": [1.0, 1, 1, 2], "b": ["x", "x", "y", "z"], "c": [0.0, 5, 0, np.nan]})
    assert coincidence(X).neighbours == 2  # rows 0, 1 differ in c; rows 0, 2 in b


def test_missing_equals_missing():
    X = pd.DataFrame({"a": [np.nan, np.nan, 1.0], "b": [None, None, "x"]})
    assert coincidence(X).copies == 1
