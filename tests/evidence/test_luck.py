from __future__ import annotations

import numpy as np
import pytest

from handful.evidence.luck import fifths, luck
from tests.evidence.drawn import constant, held_out, right


def test_a_fifth_of_each_class_is_tested_on_and_groups_are_whole() -> None:
    y = np.repeat([0, 1, 2], [50, 30, 20])
    weights = fifths(y, np.arange(100), 200, [0])
    assert set(weights.sum(axis=1)) == {20.0}
    for k, size in enumerate([50, 30, 20]):
        assert set(weights[:, y == k].sum(axis=1)) == {size / 5}
    assert weights.mean(axis=0) == pytest.approx(0.2, abs=0.1)  # each sample in its turn
    unit = np.arange(100) // 5
    assert all(len(np.unique(w[unit == 7])) == 1 for w in fifths(y, unit, 50, [0]))


def test_the_range_is_that_of_twenty_samples_out_of_a_hundred() -> None:
    y = np.zeros(100, dtype=int)
    y[:50] = 1
    random = np.random.default_rng(0)
    predictions = held_out({"baseline": constant(y), "some": right(y, random.permutation(100) < 80)}, y)
    found = luck(predictions, predictions.row("some"))
    assert found is not None
    assert len(found.scores) == 1000 and found.scores.mean() == pytest.approx(0.8, abs=0.01)
    # 20 of 100 without putting back: the standard deviation is √(.8 · .2 / 20 · 80/99) = .080.
    assert found.scores.std() == pytest.approx(0.080, abs=0.01)
    assert found.low == pytest.approx(0.65) and found.high == pytest.approx(0.95)


def test_each_repeat_has_its_share_of_the_splits() -> None:
    y = np.arange(60) % 2
    repeats = np.stack([right(y, y >= 0), right(y, y < 0)])  # all right, then all wrong
    predictions = held_out({"baseline": repeats}, y)
    found = luck(predictions, predictions.rows[0])
    assert found is not None
    assert np.unique(found.scores, return_counts=True)[1].tolist() == [500, 500]


def test_no_luck_is_told_where_a_fifth_has_no_score() -> None:
    y = np.r_[0, 0, 0, 0, 1]
    scores = np.column_stack([1 - y, y]).astype(float)
    predictions = held_out({"baseline": scores}, y, metric="roc_auc")
    assert luck(predictions, predictions.rows[0]) is None


def test_values_have_luck_too_and_it_repeats_under_its_seed() -> None:
    random = np.random.default_rng(0)
    y = random.normal(size=80)
    predictions = held_out({"baseline": y + random.normal(0, 0.5, 80)}, y, metric="r2")
    first, again, other = (luck(predictions, predictions.rows[0], seed) for seed in (0, 0, 1))
    assert first is not None and again is not None and other is not None
    assert first.low < 0.8 < first.high
    assert (first.scores == again.scores).all() and (first.scores != other.scores).any()
