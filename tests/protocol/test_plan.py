from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.model_selection import GroupKFold, LeaveOneGroupOut, LeaveOneOut, PredefinedSplit

from handful.protocol.plan import curve_cells, permuted_cells, shortcut_cells, ungrouped_cells
from handful.protocol.splits import compare_splits, labels_of
from handful.settings import Settings
from handful.strategies import propose
from tests.conftest import files_of, pictures, table

SETTINGS = Settings(jobs=1, budget="standard")


def test_controls_meet_the_first_repeat_of_the_comparison() -> None:
    dataset = files_of(pictures())
    splits = compare_splits(dataset, SETTINGS)
    cells = shortcut_cells(dataset, splits)
    assert {c.split.purpose for c in cells} == {"shortcut"} and {c.split.repeat for c in cells} == {0}
    assert len(cells) == 9 * 5
    np.testing.assert_array_equal(cells[0].split.test, splits[0].test)


def test_shuffled_labels_are_asked_of_the_best_traditional_and_the_best_deep_candidate() -> None:
    dataset = pictures()
    splits = compare_splits(dataset, SETTINGS)
    learners = [c for c in propose(dataset, SETTINGS) if c.family != "baseline"]
    cells = permuted_cells(dataset, learners, splits)
    best = {next(c.name for c in learners if c.deep), next(c.name for c in learners if not c.deep)}
    assert {c.candidate.name for c in cells} == best and len(cells) == 2 * 5
    shuffled = labels_of(dataset, cells[0].split)
    assert (shuffled != dataset.y).any() and (np.bincount(shuffled) == np.bincount(dataset.y)).all()


def test_groups_are_torn_apart_only_where_there_are_groups() -> None:
    dataset = table("classification")
    learners = propose(dataset, SETTINGS)[1:]
    assert ungrouped_cells(dataset, learners, compare_splits(dataset, SETTINGS)) == []
    grouped = replace(dataset, groups=np.arange(60) // 2)
    cells = ungrouped_cells(grouped, learners, compare_splits(grouped, SETTINGS))
    assert len(cells) == 3 * 5
    torn = [np.intersect1d(grouped.groups[c.split.train], grouped.groups[c.split.test]) for c in cells]
    assert all(map(len, torn))
    held = np.concatenate([c.split.test for c in cells if c.candidate is learners[0]])
    assert sorted(held) == list(range(60))


def test_a_single_pair_of_duplicates_is_not_worth_a_question() -> None:
    dataset = table("classification")
    groups = np.arange(60)
    groups[1] = 0
    pair = replace(dataset, groups=groups)
    assert ungrouped_cells(pair, propose(pair, SETTINGS)[1:], compare_splits(pair, SETTINGS)) == []


def test_a_small_class_gets_larger_training_parts_on_the_curve() -> None:
    dataset = table("classification")
    y = np.where(np.arange(60) < 2, 2, dataset.y % 2)  # two examples of class 2: two folds
    small = replace(dataset, y=y)
    splits = compare_splits(small, SETTINGS)
    learners = propose(small, SETTINGS)
    more = [c.split for c in curve_cells(small, learners[:2], splits) if c.split.purpose == "curve_more"]
    assert [len(s.train) for s in splits[:2]] == [30, 30] and [len(s.train) for s in more] == [48] * 5
    assert sorted(np.concatenate([s.test for s in more])) == list(range(60))
    assert all(len(np.unique(small.y[s.train])) == 3 for s in more)
    five = compare_splits(dataset, SETTINGS)
    assert not [c for c in curve_cells(dataset, learners, five) if c.split.purpose == "curve_more"]


@pytest.mark.parametrize("cv", [LeaveOneOut(), LeaveOneGroupOut(), GroupKFold(5)])
def test_own_splits_are_compared_with_no_torn_ones(cv: Any) -> None:
    grouped = replace(table("classification"), groups=np.arange(60) // 2)
    splits = compare_splits(grouped, SETTINGS, cv)
    assert ungrouped_cells(grouped, propose(grouped, SETTINGS)[1:], splits) == []


def test_own_splits_get_no_folds_of_ours_on_the_curve() -> None:
    dataset = table("classification")
    small = replace(dataset, y=np.where(np.arange(60) < 3, 2, dataset.y % 2))  # three of class 2: three folds
    splits = compare_splits(small, SETTINGS, PredefinedSplit(np.arange(60) % 3))
    cells = curve_cells(small, propose(small, SETTINGS)[:2], splits)
    assert {c.split.purpose for c in cells} >= {"curve50"} and "curve_more" not in {
        c.split.purpose for c in cells
    }
