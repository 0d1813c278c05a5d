from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.model_selection import GroupKFold, KFold, PredefinedSplit, ShuffleSplit

from handful.data.dataset import Dataset
from handful.data.load import load
from handful.errors import DataError, SettingsError
from handful.protocol.splits import compare_splits, value_strata
from handful.settings import Settings
from tests.conftest import table
from tests.door import write_pictures


def test_every_sample_is_held_out_once_a_repeat_and_classes_are_even() -> None:
    dataset = table("classification")
    splits = compare_splits(dataset, Settings(budget="standard"))
    assert len(splits) == 15
    for repeat in range(3):
        held = np.concatenate([s.test for s in splits if s.repeat == repeat])
        assert sorted(held) == list(range(len(dataset)))
    assert all(np.ptp(np.bincount(dataset.y[s.test])) <= 1 for s in splits)
    assert all(np.intersect1d(s.train, s.test).size == 0 for s in splits)


def test_repeats_differ_and_a_seed_repeats() -> None:
    dataset = table("classification")
    one, two = (compare_splits(dataset, Settings(budget="standard")) for _ in range(2))
    assert all(np.array_equal(a.test, b.test) and a.seed == b.seed for a, b in zip(one, two, strict=True))
    assert not np.array_equal(one[0].test, one[5].test)
    other = compare_splits(dataset, Settings(seed=1))
    assert not np.array_equal(one[0].test, other[0].test)


def test_groups_are_never_on_both_sides() -> None:
    dataset = replace(table("classification"), groups=np.arange(60) // 4)
    for split in compare_splits(dataset, Settings(budget="standard")):
        assert np.intersect1d(dataset.groups[split.train], dataset.groups[split.test]).size == 0
        assert len(np.unique(dataset.y[split.train])) == 3


def test_folds_are_as_many_as_the_smallest_class_has_groups() -> None:
    dataset = table("classification")
    dataset = replace(dataset, groups=np.where(dataset.y == 2, 100 + np.arange(60) % 3, np.arange(60)))
    splits = compare_splits(dataset, Settings())
    assert len(splits) == 3


def test_a_class_in_one_group_is_an_error_that_names_it() -> None:
    dataset = table("classification")
    dataset = replace(dataset, groups=np.where(dataset.y == 2, 99, np.arange(60)))
    with pytest.raises(DataError, match="class 'virginica' has 1 group"):
        compare_splits(dataset, Settings())


def test_values_in_one_group_are_an_error_without_a_word_of_classes() -> None:
    dataset = replace(table("regression"), groups=np.zeros(60, dtype=int))
    with pytest.raises(DataError, match=r"the data has 1 group, .* check what --groups names") as error:
        compare_splits(dataset, Settings())
    assert "class" not in str(error.value)


def test_folds_of_a_measured_target_are_even_in_its_tenths() -> None:
    dataset = table("regression")
    tenth = value_strata(dataset.y, 5)
    assert len(np.unique(tenth)) == 10
    for split in compare_splits(dataset, Settings(budget="standard")):
        assert np.ptp(np.bincount(tenth[split.test], minlength=10)) <= 1


def test_equal_values_are_in_one_quantile_and_few_values_in_few() -> None:
    counts = np.array([0.0] * 30 + [1.0, 2.0, 3.0])
    assert len(np.unique(value_strata(counts, 5)[counts == 0])) == 1
    assert np.unique(value_strata(np.arange(11.0), 5)).tolist() == [0, 1]


def test_groups_of_a_measured_target_stay_whole() -> None:
    dataset = replace(table("regression"), groups=np.arange(60) // 4)
    for split in compare_splits(dataset, Settings(budget="standard")):
        assert np.intersect1d(dataset.groups[split.train], dataset.groups[split.test]).size == 0
        assert len(split.test) >= 8


def test_own_splitter_begins_a_new_repeat_where_test_parts_overlap() -> None:
    dataset = table("regression")
    splits = compare_splits(dataset, Settings(), cv=ShuffleSplit(4, test_size=0.5, random_state=0))
    assert [s.repeat for s in splits] == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("cv", "message"),
    [
        ([([0, 1], [1, 2])], "share no sample"),
        ([([0, 1], [999])], "positions must lie in"),
        ([], "gave no split"),
        ([1, 2], "split 1 is no pair of training and test positions"),
        ([("a", "b")], "split 1 is no pair"),
        (4.5, "a number of folds, a splitter of scikit-learn or a list .* but this is a float"),
        ("five", "but this is a str"),
        (True, "but this is a bool"),
        (1, "cv=1: from 2 to 20 folds are possible, because class 'setosa' has 20 examples"),
        (21, "cv=21: from 2 to 20 folds"),
        (GroupKFold(3), r"GroupKFold cannot divide this data: .*groups.*\(X, y, groups\) or groups="),
        (KFold(100), "KFold cannot divide this data: .*n_splits=100"),
        ([(range(40), range(40, 60))], "all that is ever held out.*at least two splits.*test=PATH"),
        ([(range(40), range(40, 60)), (range(20), range(40, 60))], "all that is ever held out"),
    ],
)
def test_own_splits_that_are_wrong_are_refused(cv: Any, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        compare_splits(table("classification"), Settings(), cv=cv)


def test_a_number_asks_for_so_many_folds_of_ours() -> None:
    dataset = replace(table("classification"), groups=np.arange(60) // 2)
    splits = compare_splits(dataset, Settings(budget="standard"), cv=np.int64(8))
    assert len(splits) == 24 and not any(s.own for s in splits)
    for split in splits:
        assert np.intersect1d(dataset.groups[split.train], dataset.groups[split.test]).size == 0
    asked, usual = (compare_splits(dataset, Settings(), cv=cv) for cv in (5, None))
    assert all(np.array_equal(a.test, b.test) for a, b in zip(asked, usual, strict=True))


def with_gaps() -> Dataset:
    """Ten rows, of which the first two and the sixth have no target."""
    y = np.array([None, None, "a", "b", "a", None, "a", "b", "a", "b"], dtype=object)
    return load((np.random.default_rng(0).normal(size=(10, 2)), y), Settings())


@pytest.mark.parametrize(
    "cv",
    [[([2, 3, 4, 5], [0, 6, 7]), ([6, 7, 8], [3, 2])], PredefinedSplit([-1, -1, 1, 1, -1, -1, 0, 0, -1, -1])],
)
def test_own_positions_are_rows_as_given_whatever_was_left_out(cv: Any) -> None:
    dataset = with_gaps()
    splits = compare_splits(dataset, Settings(), cv=cv)
    assert [sorted(dataset.ids[s.test].tolist()) for s in splits] == [["6", "7"], ["2", "3"]]
    assert not {"0", "1", "5"} & {i for s in splits for i in dataset.ids[s.train]}
    assert {"2", "3", "4"} <= set(dataset.ids[splits[0].train])


def test_own_splitter_sees_the_rows_that_are_left() -> None:
    splits = compare_splits(with_gaps(), Settings(), cv=KFold(7))
    assert np.concatenate([s.test for s in splits]).tolist() == list(range(7))


def test_a_part_of_which_no_row_is_left_is_named() -> None:
    cv = [([2, 3], [4, 6]), ([2, 3, 4], [0, 1, 5])]
    with pytest.raises(SettingsError, match="cv: of the 3 samples in the test part of split 2 none is left"):
        compare_splits(with_gaps(), Settings(), cv=cv)


def test_own_positions_of_pictures_count_the_damaged(tmp_path: Path) -> None:
    write_pictures(tmp_path, per_class=4)
    (tmp_path / "a" / "01.png").write_bytes(b"")
    dataset = load(tmp_path, Settings())
    split = compare_splits(dataset, Settings(), cv=[([0, 1, 4, 5], [3, 7]), ([3, 7], [0, 4])])[0]
    assert dataset.ids[split.test].tolist() == ["a/03.png", "b/03.png"]
    assert dataset.ids[split.train].tolist() == ["a/00.png", "b/00.png", "b/01.png"]
