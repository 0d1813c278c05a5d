import numpy as np
import pandas as pd
import pytest

from handful.audit.groups import check_enough_groups, groups_per_class, unite
from handful.errors import DataError
from tests.audit.data import table


def _dataset(labels, groups=None, task="classification"):
    return table(pd.DataFrame({"x": np.arange(len(labels))}), labels, groups, task)


def test_unite_joins_what_is_connected_through_others():
    united = unite(np.array([7, 7, 3, 4]), [np.array([1, 2])], 4)
    assert united[0] == united[1] == united[2] != united[3]


def test_unite_gives_none_where_all_stand_alone():
    assert unite(None, [], 3) is None


def test_unite_keeps_groups_that_the_person_gave_even_if_each_stands_alone():
    assert len(np.unique(unite(np.array([5, 6, 7]), [], 3))) == 3


def test_groups_per_class_counts_a_group_once_in_each_class_it_appears_in():
    counts = groups_per_class(_dataset(["a", "a", "b", "b"], [0, 0, 0, 1]))
    assert counts.tolist() == [1, 2]


def test_a_class_of_one_example_is_named_with_what_to_do():
    with pytest.raises(DataError, match=r"Class 'rare' has 1 example, .*at least 2.*--drop-class 'rare'"):
        check_enough_groups(_dataset(["common"] * 9 + ["rare"]), 5)


def test_fewer_folds_name_the_classes_that_are_too_small():
    [found] = check_enough_groups(_dataset(["a"] * 9 + ["b"] * 3 + ["c"] * 4), 5)
    assert found.items == ["b", "c"]
    assert "3 folds instead of 5" in found.message
    assert "b (3), c (4)" in found.message


def test_enough_groups_give_no_finding():
    assert check_enough_groups(_dataset(["a"] * 5 + ["b"] * 5), 5) == []


def test_regression_with_one_group_stops():
    with pytest.raises(DataError, match="at least 2 groups"):
        check_enough_groups(_dataset([1.0, 2.0, 3.0], [0, 0, 0], "regression"), 5)


def test_regression_with_three_groups_has_three_folds():
    [found] = check_enough_groups(_dataset([1.0, 2.0, 3.0, 4.0], [0, 0, 1, 2], "regression"), 5)
    assert "3 folds instead of 5" in found.message
