"""Evidence under costs: contributions, what luck reaches, and intervals that keep their promise."""

from __future__ import annotations

import numpy as np
import pytest

from handful.evidence.bootstrap import draw
from handful.evidence.comparison import difference
from handful.evidence.contributions import contributions
from handful.evidence.mergeable import merged_score
from handful.evidence.selection import around, errors, expected
from handful.evidence.signal import signal
from tests.evidence.drawn import constant, held_out, right

COST = "cost: 1>0=10"


def rare(n: int = 200) -> np.ndarray:
    return (np.arange(n) % 20 == 0).astype(int)


def test_contributions_are_what_each_sample_cost() -> None:
    y = rare()
    correct = np.arange(len(y)) % 7 != 0
    predictions = held_out({"baseline": constant(y), "model": right(y, correct)}, y, metric=COST)
    share = contributions(predictions, [predictions.row("model")])[0]
    np.testing.assert_allclose(share, -np.where(correct, 0, np.where(y == 1, 10, 1)))
    assert predictions.score(predictions.row("model"))[0] == pytest.approx(-share.mean())


def test_a_class_that_was_never_missed_may_still_be() -> None:
    y = rare()
    predictions = held_out({"baseline": constant(y), "model": right(y, y >= 0)}, y, metric=COST)
    model = predictions.row("model")
    told = around(predictions, 0.0, 0.0, float(errors(predictions, [model])[0]), row=model)
    assert told.low == 0 and 0.1 < told.high < 0.5  # 3 of 10 more missed would cost 0.15 a sample


def test_the_interval_of_a_mean_cost_holds_it_in_95_of_100_draws() -> None:
    random, held = np.random.default_rng(0), 0
    missed, alarms, n = 0.25, 0.1, 150
    truth = 0.08 * missed * 10 + 0.92 * alarms
    for _ in range(300):
        y = (random.random(n) < 0.08).astype(int)
        y[:2] = 1
        correct = random.random(n) > np.where(y == 1, missed, alarms)
        predictions = held_out({"baseline": constant(y), "model": right(y, correct)}, y, metric=COST)
        model = predictions.row("model")
        score = float(predictions.score(model)[0])
        told = around(predictions, score, score, float(errors(predictions, [model])[0]), row=model)
        held += told.low <= truth <= told.high
    assert 0.92 <= held / 300 <= 0.995


def test_a_model_that_saves_nothing_has_learned_nothing() -> None:
    y = rare()
    random = np.random.default_rng(1)
    noise = {f"coin {i}": right(y, random.random(len(y)) < 0.5) for i in range(5)}
    predictions = held_out({"baseline": constant(y), **noise}, y, metric=COST)
    assert not signal(predictions, predictions.row("coin 0")).found
    good = right(y, random.random(len(y)) < 0.95)
    predictions = held_out({"baseline": constant(y), "good": good, **noise}, y, metric=COST)
    found = signal(predictions, predictions.row("good"))
    assert found.found and found.gain > 0
    told = expected(predictions, draw(predictions.unit, predictions.covered, 200))
    assert told.low <= predictions.score(predictions.row("good"))[0] <= told.high


def test_the_cheaper_of_two_leads_by_what_it_saves() -> None:
    y = rare()
    missing, alarming = right(y, y == 0), right(y, np.arange(len(y)) % 10 != 3)
    predictions = held_out({"baseline": constant(y), "a": missing, "b": alarming}, y, metric=COST)
    lead = difference(predictions, predictions.row("b"), predictions.row("a"))
    assert lead.value == pytest.approx(0.5 - 0.1) and lead.error > 0


def test_of_merged_classes_a_mistake_among_them_costs_nothing() -> None:
    y = np.arange(30) % 3
    predictions = held_out({"model": right(y, y != 1, 3)}, y, metric="cost: 1>2=5")
    assert predictions.score(predictions.row("model"))[0] == pytest.approx(5 / 3)
    assert merged_score(predictions, predictions.row("model"), (1, 2)) == 0
