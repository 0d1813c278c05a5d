"""Intervals of shares keep their promise: a fixed model on several hundred made-up draws."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from handful.evidence.selection import SELECTION_FACTOR, Interval, around, errors
from handful.evidence.shares import auc_worth, wilson
from tests.evidence.drawn import constant, held_out, right

Draw = Callable[[np.random.Generator], tuple[np.ndarray, np.ndarray, np.ndarray]]  # y, right or wrong, group


def told(y: np.ndarray, correct: np.ndarray, unit: np.ndarray, metric: str = "accuracy") -> Interval:
    oofs = {"baseline": constant(y), "model": right(y, correct)}
    predictions = held_out(oofs, y, metric=metric, unit=unit)
    model = predictions.row("model")
    score, error = float(predictions.score(model)[0]), float(errors(predictions, [model])[0])
    return around(predictions, score, score, error, SELECTION_FACTOR, row=model)


def grouped(groups: int, size: int, wrong: float, hit: float) -> Draw:
    """Whole groups are wrong, and in the others some examples."""

    def drawn(random: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        unit = np.repeat(np.arange(groups), size)
        correct = (random.random(groups) > wrong)[unit] & (random.random(len(unit)) < hit)
        return np.arange(len(unit)) % 2, correct, unit

    return drawn


def of_classes(counts: tuple[int, int], recalls: tuple[float, float]) -> Draw:
    def drawn(random: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        y = np.repeat([0, 1], counts)
        return y, random.random(len(y)) < np.array(recalls)[y], np.arange(len(y))

    return drawn


@pytest.mark.parametrize(
    ("metric", "draw", "truth", "width"),
    [
        ("accuracy", of_classes((50, 50), (0.9, 0.9)), 0.9, 0.15),
        ("accuracy", grouped(10, 10, 0.1, 1.0), 0.9, 0.55),
        ("accuracy", grouped(10, 10, 0.1, 0.97), 0.9 * 0.97, 0.45),
        ("accuracy", grouped(20, 5, 0.0, 0.9), 0.9, 0.21),
        ("balanced_accuracy", of_classes((90, 10), (0.97, 0.85)), 0.91, 0.29),
        ("balanced_accuracy", of_classes((90, 10), (0.95, 0.7)), 0.825, 0.34),
        ("balanced_accuracy", of_classes((50, 50), (0.9, 0.9)), 0.9, 0.16),
        ("f1", of_classes((90, 10), (1.0, 0.9)), 2 * 0.9 / 1.9, 0.36),
    ],
)
def test_the_interval_of_a_share_holds_it_in_95_of_100_draws(
    metric: str, draw: Draw, truth: float, width: float
) -> None:
    random = np.random.default_rng(0)
    intervals = [told(*draw(random), metric) for _ in range(300)]
    assert np.mean([i.low <= truth <= i.high for i in intervals]) >= 0.93
    assert np.mean([i.high - i.low for i in intervals]) < width


def test_six_groups_without_a_mistake_are_six_examples() -> None:
    y, unit = np.arange(120) % 2, np.arange(120) // 20
    perfect, one_wrong = (told(y, correct, unit) for correct in (y >= 0, np.arange(120) > 0))
    assert 0.3 < perfect.low < 0.5 and perfect.high == pytest.approx(1)
    assert perfect.low < one_wrong.low < 0.75  # little more is known from one mistake


def test_ten_rare_rows_that_are_all_found_are_ten_examples() -> None:
    y = np.repeat([0, 1], [90, 10])
    found = told(y, y >= 0, np.arange(100), "balanced_accuracy")
    assert 0.8 < found.low < 0.86 and found.high == pytest.approx(1)
    assert told(y, y >= 0, np.arange(100)).low > 0.95  # of accuracy they are a tenth


def test_an_auc_of_chance_is_worth_what_its_known_variance_says() -> None:
    assert auc_worth(0.5, np.array([20, 30])) == pytest.approx(3 * 20 * 30 / 51)  # (m + n + 1) / 12mn
    few = auc_worth(0.9, np.array([5, 200]))
    assert few == pytest.approx(auc_worth(0.9, np.array([200, 5]))) and 8 < few < 15
    assert auc_worth(1.0, np.array([5, 200])) > 5 and auc_worth(0.0, np.array([5, 200])) > 5


def test_beside_one_an_interval_reaches_as_far_as_the_few_mistakes_allow() -> None:
    one, two = wilson(59 / 60, 60), wilson(58 / 60, 60)
    assert one[1] == pytest.approx(
        1 + np.log(0.975) / 60
    )  # a rate at which one mistake or more come in 2.5 %
    assert two[1] < one[1] < wilson(1.0, 60)[1] == 1 and wilson(56 / 60, 60)[1] == pytest.approx(
        0.9738, abs=1e-3
    )
    assert wilson(1 / 60, 60) == pytest.approx((1 - one[1], 1 - one[0]))
    assert wilson(0.9999, 24)[1] == pytest.approx(1)
