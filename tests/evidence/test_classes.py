from __future__ import annotations

import numpy as np
import pytest

from handful.evidence.classes import classes, unequal
from tests.evidence.drawn import constant, held_out, right


def test_each_class_is_counted_found_and_named() -> None:
    y = np.repeat([0, 1, 2], [30, 10, 4])
    said = y.copy()
    said[:6], said[30:33], said[33] = 1, 0, 2
    predictions = held_out({"baseline": constant(y, K=3), "model": np.eye(3)[said]}, y)
    common, rare, rarest = classes(predictions, predictions.row("model"))
    assert (rare.n, rare.hits, rare.named) == (10, 6, 12) and rare.taken_for == ((0, 3), (2, 1))
    assert rare.recall is not None and rare.recall.value == 0.6
    assert rare.precision is not None and rare.precision.value == 0.5
    assert rare.recall.low < 0.4 and rare.recall.high > 0.8 and rare.few
    assert not common.few and common.taken_for == ((1, 6),)
    assert rarest.recall is not None and rarest.recall.high == pytest.approx(1) and rarest.recall.low < 0.6


def test_a_class_that_is_never_named_has_no_precision() -> None:
    y = np.repeat([0, 1], [30, 10])
    predictions = held_out({"baseline": constant(y)}, y)
    _, rare = classes(predictions, predictions.row("baseline"))
    assert rare.precision is None and rare.hits == 0
    assert rare.recall is not None and rare.recall.low == 0 and 0.2 < rare.recall.high < 0.6


def test_copies_of_one_example_are_one_example() -> None:
    y = np.repeat([0, 1], [30, 30])
    correct = np.arange(60) % 30 < 15
    alone = held_out({"model": right(y, correct)}, y)
    tens = held_out({"model": right(y, correct)}, y, unit=np.arange(60) // 5)
    wide, narrow = (classes(p, p.rows[0])[1].recall for p in (tens, alone))
    assert wide is not None and narrow is not None
    assert wide.high - wide.low > 1.5 * (narrow.high - narrow.low)
    assert classes(tens, tens.rows[0])[1].few


def test_values_have_no_classes() -> None:
    predictions = held_out({"model": np.arange(10.0)}, np.arange(10.0), metric="rmse")
    assert classes(predictions, predictions.rows[0]) == []


@pytest.mark.parametrize(("counts", "answer"), [([10, 10], False), ([19, 10], False), ([20, 10, 15], True)])
def test_classes_are_unequal_from_twice_as_many_on(counts: list[int], answer: bool) -> None:
    assert unequal(counts) is answer
