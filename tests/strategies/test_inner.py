"""What validates inside a training part is spread over the classes, and keeps groups whole."""

from __future__ import annotations

import numpy as np

from handful.strategies.inner import validation_part


def test_a_fifth_of_each_class_validates() -> None:
    y = np.repeat(["a", "b", "c"], [50, 30, 10])
    held = validation_part(y, None, seed=3, classes=True)
    assert held is not None
    assert {k: int((y[held] == k).sum()) for k in "abc"} == {"a": 10, "b": 6, "c": 2}
    np.testing.assert_array_equal(held, validation_part(y, None, seed=3, classes=True))
    assert not np.array_equal(held, validation_part(y, None, seed=4, classes=True))


def test_groups_are_never_on_both_sides() -> None:
    random = np.random.default_rng(0)
    groups = np.repeat(np.arange(30), 4)
    y = random.integers(0, 2, 30)[groups]
    held = validation_part(y, groups, seed=0, classes=True)
    assert held is not None and 16 <= len(held) <= 24
    assert np.intersect1d(groups[held], np.delete(groups, held)).size == 0


def test_every_class_keeps_something_to_learn_from() -> None:
    y = np.r_[np.zeros(90, dtype=int), [1], [2, 2]]
    held = validation_part(y, None, seed=0, classes=True)
    assert held is not None
    assert set(np.delete(y, held)) == {0, 1, 2}


def test_too_few_to_spare_any_gives_none() -> None:
    assert validation_part(np.arange(6) % 2, None, seed=0, classes=True) is None
    assert validation_part(np.repeat([0, 1], 35), None, seed=0, classes=True) is None
    assert validation_part(np.repeat([0, 1], 90), np.repeat([0, 1], 90), seed=0, classes=True) is None
    assert validation_part(np.linspace(0, 1, 100), None, seed=0, classes=False).size == 20
