from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.datasets import load_iris
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from handful.evidence.mergeable import level_pairs, mergeable, merged_score, told_apart
from handful.evidence.predictions import Predictions
from tests.evidence.test_selection import made


def split_iris(seed: int) -> Predictions:
    """Iris with one of its classes split at random into two labels (codes 0 and 3)."""
    X, y = load_iris(return_X_y=True)
    random = np.random.default_rng(seed)
    y[random.permutation(50)[:25]] = 3
    cv = StratifiedKFold(5, shuffle=True, random_state=seed)
    p = cross_val_predict(LinearDiscriminantAnalysis(), X, y, cv=cv, method="predict_proba")
    return made({"lda": p}, y)


def test_a_class_split_at_random_is_named_and_no_other_is() -> None:
    found = [mergeable(p, p.row("lda")) for p in map(split_iris, range(20))]
    assert sum([m.classes for m in named] == [(0, 3)] for named in found) >= 19


def test_merged_they_score_what_the_others_cost() -> None:
    predictions = split_iris(0)
    (found,) = mergeable(predictions, predictions.row("lda"))
    oof = predictions.row("lda").oof[0]
    added = np.column_stack([oof[:, 0] + oof[:, 3], oof[:, 1], oof[:, 2]])
    assert found.merged == np.mean(added.argmax(axis=1) == np.where(predictions.y == 3, 0, predictions.y))
    assert found.merged > predictions.score(predictions.row("lda"))[0] + 0.1
    assert 0.25 < found.apart < 0.75


def test_merged_classes_need_not_stand_side_by_side() -> None:
    y = np.array([0, 1, 2, 3] * 10)
    predictions = made({"it": np.eye(4)[np.array([2, 1, 0, 3] * 10)]}, y)
    assert merged_score(predictions, predictions.row("it"), (0, 2)) == 1
    assert merged_score(predictions, predictions.row("it"), (0, 1)) == 0.5


def test_three_classes_alike_are_one_set() -> None:
    random = np.random.default_rng(0)
    y = np.arange(160) % 4
    p = np.where(y[:, None] == 3, [0.05, 0.05, 0.05, 0.85], [0.31, 0.31, 0.31, 0.07])
    p = p * random.uniform(0.95, 1.05, p.shape)
    predictions = made({"it": p / p.sum(axis=1, keepdims=True)}, y)
    assert [m.classes for m in mergeable(predictions, predictions.row("it"))] == [(0, 1, 2)]


def test_copies_are_no_further_evidence() -> None:
    y = np.repeat([0, 1, 2], 100)
    side = np.repeat(norm.ppf((np.arange(60) * 7 % 20 + 0.5) / 20), 5)  # five copies each
    side[:100] += 0.6
    p = np.column_stack([1 / (1 + np.exp(-side)), 1 / (1 + np.exp(side)), np.zeros(300)])
    p[200:] = [0, 0, 1]
    alone = made({"it": p}, y)
    grouped = made({"it": p}, y, unit=np.repeat(np.arange(60), 5))
    assert (0, 1) not in level_pairs(alone, alone.row("it"))
    assert (0, 1) in level_pairs(grouped, grouped.row("it"))


def test_two_classes_and_values_have_nothing_to_merge() -> None:
    y = np.arange(40) % 2
    two = made({"it": np.full((40, 2), 0.5)}, y)
    assert mergeable(two, two.row("it")) == []
    values = made({"it": np.zeros(40)}, y.astype(float), metric="r2")
    assert mergeable(values, values.row("it")) == []


def test_of_classes_with_few_examples_nothing_is_said() -> None:
    assert told_apart(np.full(4, 0.5), np.full(50, 0.5))[0] == 1
    assert told_apart(np.full(5, 0.5), np.full(50, 0.5)) == pytest.approx((0.5, 0.1367), abs=1e-3)
