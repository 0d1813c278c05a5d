from __future__ import annotations

import numpy as np
import pytest

from handful.evidence.comparison import above_guess, cheapest, difference, tie_group
from handful.evidence.ensemble import select
from handful.evidence.predictions import Row
from tests.evidence.drawn import constant, held_out, right


def test_the_error_of_a_difference_is_that_of_paired_samples() -> None:
    y = np.arange(100) % 2
    i = np.arange(100)
    oofs = {"baseline": constant(y), "a": right(y, i >= 10), "b": right(y, i >= 20)}  # 10 samples differ
    predictions = held_out(oofs, y)
    found = difference(predictions, predictions.row("a"), predictions.row("b"))
    assert found.value == pytest.approx(0.1)
    assert found.error == pytest.approx(1.25 * np.sqrt(0.1 * 0.9 / 99 + 1e-4), rel=1e-6)


def test_what_is_clearly_worse_is_out_and_what_is_as_good_is_in() -> None:
    random = np.random.default_rng(1)
    y = random.integers(0, 2, 150)
    skill = {"baseline": 0.5, "good": 0.85, "also good": 0.84, "poor": 0.6}
    predictions = held_out({k: right(y, random.random(150) < p) for k, p in skill.items()}, y)
    group = tie_group(predictions)
    assert set(group) == {"good", "also good"}
    assert predictions.score(predictions.row(group[0]))[0] >= predictions.score(predictions.row(group[1]))[0]


def test_equals_are_told_apart_in_at_most_one_of_twenty_cases() -> None:
    apart = 0
    for seed in range(200):
        random = np.random.default_rng(seed)
        y = random.integers(0, 2, 60)
        oofs = {name: right(y, random.random(60) < 0.7) for name in ("baseline", "one", "other")}
        apart += len(tie_group(held_out(oofs, y))) < 2
    assert apart <= 10


def test_a_large_difference_is_found_nearly_always() -> None:
    found = 0
    for seed in range(50):
        random = np.random.default_rng(seed)
        y = random.integers(0, 2, 100)
        skill = {"baseline": 0.5, "one": 0.9, "other": 0.65}
        found += tie_group(held_out({k: right(y, random.random(100) < p) for k, p in skill.items()}, y)) == [
            "one"
        ]
    assert found >= 45


def test_one_that_never_differs_is_tied_even_without_any_spread() -> None:
    y = np.arange(40) % 2
    perfect = right(y, y >= 0)
    predictions = held_out({"baseline": constant(y), "a": perfect, "b": perfect.copy()}, y)
    assert tie_group(predictions) == ["a", "b"]
    same = difference(predictions, *predictions.rows[1:])
    assert same.value == 0 and same.interval()[1] == pytest.approx(1.96 * 1.25 / 40, rel=1e-3)
    assert same.examples_to_tell() is None


def test_groups_that_are_right_together_are_harder_to_tell_apart() -> None:
    y = np.arange(100) % 2
    unit = np.arange(100) // 10
    oofs = {"baseline": constant(y), "a": right(y, unit != 9), "b": right(y, unit < 6)}
    alone, grouped = held_out(oofs, y), held_out(oofs, y, unit=unit)
    assert tie_group(alone) == ["a"]
    assert tie_group(grouped) == ["a", "b"]


def test_values_are_compared_by_their_errors() -> None:
    random = np.random.default_rng(0)
    y = random.normal(size=120)
    noise = {"baseline": 1.0, "good": 0.3, "also good": 0.3, "poor": 0.8}
    oofs = {k: y + random.normal(0, s, 120) for k, s in noise.items()}
    for metric in ("r2", "rmse", "mae"):
        assert set(tie_group(held_out(oofs, y, metric=metric))) == {"good", "also good"}


def test_four_times_the_examples_tell_half_the_difference() -> None:
    y = np.arange(1000) % 2
    i = np.arange(1000)
    oofs = {
        "baseline": constant(y),
        "a": right(y, i % 10 > 0),
        "b": right(y, i % 10 > 1),
        "c": right(y, (i % 20 > 0) & (i % 20 != 11)),
    }
    predictions = held_out(oofs, y)
    far = difference(predictions, predictions.row("a"), predictions.row("b"))
    # n = 1000 · (error / difference)² · (1.96 + 0.84)², about 10 % of samples being right for one alone.
    assert far.examples_to_tell() == pytest.approx(1.25**2 * 0.09 / 0.1**2 * 2.8016**2, rel=0.02)
    level = difference(predictions, predictions.row("a"), predictions.row("c"))
    assert level.value == 0 and level.examples_to_tell() is None
    assert level.examples_to_tell(least=0.05) is not None


def test_the_cheapest_is_that_of_least_cost_then_of_fewest_parameters() -> None:
    rows = [
        Row("a", "a", "classic", 5, parameters=10),
        Row("b", "b", "classic", 2, parameters=None),
        Row("c", "c", "classic", 2, parameters=70),
    ]
    assert cheapest(rows).name == "c"
    assert cheapest(rows[:2]).name == "b"


def test_without_a_candidate_there_is_no_group() -> None:
    y = np.arange(20) % 2
    assert tie_group(held_out({"baseline": constant(y)}, y)) == []


def test_only_what_scores_higher_than_the_baseline_is_above_a_guess() -> None:
    y = np.linspace(-1.0, 1.0, 50)
    wild = np.where(np.arange(50) == 0, 30.0, y)  # one wild error hides that it is hopeless
    oofs = {"baseline": np.zeros(50), "good": 0.9 * y, "wild": wild, "as a guess": np.zeros(50)}
    predictions = held_out(oofs, y, metric="r2")
    assert "wild" in tie_group(predictions)
    assert [row.name for row in above_guess(predictions)] == ["good"]


@pytest.mark.parametrize("unit", [1e-14, 1e12])
def test_who_cannot_be_told_apart_does_not_depend_on_the_unit(unit: float) -> None:
    random = np.random.default_rng(0)
    y = random.normal(size=60)
    oofs = {"baseline": 0 * y, "poor": 0.3 * y, "good": y + 0.2 * random.normal(size=60)}
    scaled = held_out({name: unit * v for name, v in oofs.items()}, unit * y, metric="mae")
    assert select(scaled).name == "good"
    assert tie_group(scaled) == tie_group(held_out(oofs, y, metric="mae")) == ["good"]
