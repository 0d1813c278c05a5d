from __future__ import annotations

import numpy as np
import pytest

from handful.evidence.greedy import gram, greedy_row, greedy_weights
from tests.evidence.drawn import constant, held_out, right


def test_two_that_err_in_opposite_ways_get_equal_weights_and_a_worse_one_none() -> None:
    random = np.random.default_rng(0)
    error = random.normal(size=500)
    G = gram(np.array([error, -error, 3 + random.normal(size=500)]))
    weights = greedy_weights(G, bags=1, share=1.0)
    assert weights == pytest.approx([0.5, 0.5, 0.0])
    assert weights @ G @ weights == pytest.approx(0, abs=1e-9)


def test_weights_sum_to_one_and_repeat() -> None:
    G = gram(np.random.default_rng(0).normal(size=(9, 200)))
    first, again = greedy_weights(G), greedy_weights(G)
    assert first.sum() == pytest.approx(1) and (first >= 0).all()
    assert (first == again).all()


def test_the_weights_of_a_fold_are_chosen_without_it() -> None:
    random = np.random.default_rng(0)
    y = random.integers(0, 2, 100)
    oofs = {"baseline": constant(y)}
    oofs |= {f"c{i}": right(y, random.random(100) < 0.6 + 0.05 * i) for i in range(5)}
    before = greedy_row(held_out(oofs, y))
    changed = y.copy()
    changed[:20] = 1 - y[:20]  # other truth in the first fold: other weights for the others, not for itself
    after = greedy_row(held_out(oofs, changed))
    assert before is not None and after is not None and before.oof is not None and after.oof is not None
    assert (before.oof[0, :20] == after.oof[0, :20]).all()
    assert (before.oof[0, 20:] != after.oof[0, 20:]).any()
    assert before.members is not None and "c4" in before.members


def test_the_average_of_values_beats_each_of_them() -> None:
    random = np.random.default_rng(0)
    y = random.normal(size=100)
    oofs = {"baseline": np.zeros(100)} | {f"c{i}": y + random.normal(0, 0.5, 100) for i in range(4)}
    predictions = held_out(oofs, y, metric="r2")
    row = greedy_row(predictions)
    assert row is not None
    alone = max(predictions.score(predictions.row(f"c{i}"))[0] for i in range(4))
    assert predictions.score(row)[0] > alone + 0.05


def test_one_candidate_has_nothing_to_be_averaged_with() -> None:
    y = np.arange(20) % 2
    assert greedy_row(held_out({"baseline": constant(y), "only": right(y, y >= 0)}, y)) is None
