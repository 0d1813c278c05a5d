from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from handful.evidence.bootstrap import draw
from handful.evidence.choice import chosen_difference
from handful.evidence.predictions import Predictions
from handful.evidence.signal import Signal
from handful.evidence.verdict import Verdict, practical, verdict
from tests.evidence.drawn import constant, held_out, right

LEARNED = Signal(True, 9.0, 2.5, 0.3)


def judged(predictions: Predictions, learned: Signal = LEARNED, half: Predictions | None = None) -> Verdict:
    return verdict(predictions, draw(predictions.unit, predictions.covered, 300), learned, half)


def skilled(n: int, deep: float, classic: float, seed: int = 0) -> Predictions:
    random = np.random.default_rng(seed)
    y = np.arange(n) % 2
    skill = {"network": deep, "other network": deep - 0.1, "tree": classic, "other tree": classic - 0.1}
    oofs = {name: right(y, random.permutation(n) < p * n) for name, p in skill.items()}
    return held_out({"baseline": constant(y), **oofs}, y, deep=("network", "other network"))


def test_a_network_that_is_clearly_better_is_right() -> None:
    found = judged(skilled(300, deep=0.92, classic=0.78))
    assert (found.answer, found.why) == ("yes", "better")
    assert found.deep is not None and found.deep.name == "network"
    assert found.traditional is not None and found.traditional.name == "tree"
    assert found.lead is not None and found.lead.value == pytest.approx(0.14, abs=0.02)


def test_a_network_that_is_clearly_worse_is_not() -> None:
    found = judged(skilled(300, deep=0.75, classic=0.92))
    assert (found.answer, found.why) == ("no", "worse")


def test_with_few_examples_a_small_lead_decides_nothing_and_says_what_would() -> None:
    found = judged(skilled(100, deep=0.84, classic=0.80))
    assert (found.answer, found.why) == ("cannot tell", "too close")
    assert found.lead is not None
    low, high = found.lead.interval()
    assert low < 0 < high
    examples = found.lead.examples_to_tell(found.margin)
    assert examples is not None and examples > 1000


def test_a_network_that_brings_less_than_a_point_is_not_right() -> None:
    y = np.arange(4000) % 2
    i = np.arange(4000)
    oofs = {
        "baseline": constant(y),
        "tree": right(y, i % 20 > 0),
        "network": right(y, (i % 20 > 0) | (i % 200 == 0)),  # half a point better, and surely so
    }
    found = judged(held_out(oofs, y, deep=("network",)))
    assert found.lead is not None and found.lead.interval()[0] > 0
    assert (found.answer, found.why) == ("no", "as good")


def test_without_a_network_or_without_a_traditional_model_it_cannot_tell() -> None:
    y = np.arange(60) % 2
    rows = {"baseline": constant(y), "some": right(y, np.arange(60) % 5 > 0)}
    assert judged(held_out(rows, y)).why == "no network"
    assert judged(held_out(rows, y, deep=("some",))).why == "no traditional model"
    assert judged(held_out(rows, y)).answer == "cannot tell"


def test_a_network_that_failed_or_was_stopped_was_tried_all_the_same() -> None:
    predictions = skilled(300, deep=0.92, classic=0.78)
    for name, why in (("network", {"failed": "no memory"}), ("other network", {"stopped": "behind"})):
        row = predictions.row(name)
        row.oof, row.failed, row.stopped = None, why.get("failed"), why.get("stopped")
    found = judged(predictions)
    assert (found.why, [row.name for row in found.missing]) == ("no network", ["network", "other network"])


def test_where_no_candidate_was_examined_nothing_is_known_of_the_data() -> None:
    y = np.arange(60) % 2
    predictions = held_out({"baseline": constant(y), "some": right(y, y >= 0)}, y)
    predictions.row("some").oof, predictions.row("some").failed = None, "5 of 5 fits failed"
    found = judged(predictions, Signal(False, 0.0, 0.0, 0.0))
    assert (found.answer, found.why) == ("cannot tell", "no candidate")
    assert [row.name for row in found.missing] == ["some"]


def test_where_nothing_was_learned_nothing_else_is_said() -> None:
    found = judged(skilled(300, deep=0.92, classic=0.78), Signal(False, 1.0, 2.5, 0.02))
    assert (found.answer, found.why) == ("nothing to learn", "luck")


def test_the_lead_is_corrected_for_having_picked_the_best_of_many() -> None:
    naive, corrected = [], []
    for seed in range(30):
        random = np.random.default_rng(seed)
        y = random.integers(0, 2, 80)
        names = [f"coin {i}" for i in range(21)]  # twenty networks against one tree, all as good
        oofs = {name: right(y, random.random(80) < 0.7) for name in names}
        predictions = held_out({"baseline": constant(y), **oofs}, y, deep=names[1:])
        networks, tree = predictions.rows[2:], predictions.rows[1:2]
        found = chosen_difference(
            predictions, networks, tree, draw(predictions.unit, predictions.covered, 200)
        )
        best = max(predictions.score(r)[0] for r in networks)
        naive.append(best - predictions.score(tree[0])[0])
        corrected.append(found.value)
    assert np.mean(naive) > 0.07
    assert abs(np.mean(corrected)) < 0.02


def test_a_trend_says_whom_more_data_favours() -> None:
    y = np.arange(400) % 2
    i = np.arange(400)

    def at(deep: int, classic: int) -> Predictions:
        oofs = {
            "baseline": constant(y),
            "tree": right(y, i % 20 >= classic),
            "network": right(y, i % 20 >= deep),
        }
        return held_out(oofs, y, deep=("network",))

    rising = judged(at(deep=4, classic=4), half=at(deep=8, classic=4)).trend
    assert rising is not None and rising.direction == "deep"
    assert rising.half == pytest.approx(-0.2) and rising.full == pytest.approx(0.0)
    falling = judged(at(deep=8, classic=4), half=at(deep=8, classic=8)).trend
    assert falling is not None and falling.direction == "traditional"
    level = judged(at(deep=4, classic=4), half=at(deep=5, classic=5)).trend
    assert level is not None and level.direction == "none"


def test_there_is_no_trend_where_one_of_the_two_was_not_followed() -> None:
    predictions = skilled(100, 0.84, 0.80)
    y = predictions.y
    half = held_out({"baseline": constant(y), "tree": right(y, y >= 0)}, y)
    assert judged(predictions, half=half).trend is None


@pytest.mark.parametrize(("metric", "margin"), [("r2", 0.01), ("rmse", 0.02), ("mae", 0.02)])
def test_values_have_a_verdict_and_a_margin_in_their_unit(metric: str, margin: float) -> None:
    random = np.random.default_rng(0)
    y = random.choice([-1.0, 1.0], 200)
    oofs = {
        "baseline": np.zeros(200),
        "ridge": y + random.normal(0, 0.8, 200),
        "network": y + random.normal(0, 0.3, 200),
    }
    predictions = held_out(oofs, y, metric=metric, deep=("network",))
    assert practical(predictions) == pytest.approx(margin)
    found = judged(predictions)
    assert found.answer == "yes" and found.lead is not None and found.lead.value > 0


def test_what_learns_from_names_too_is_as_traditional_as_its_base() -> None:
    predictions = skilled(300, deep=0.8, classic=0.9)
    named, words = predictions.row("other network"), predictions.row("other tree")
    named.family, named.base, named.deep = "names", "words", False
    words.name, words.family = "words", "transfer"
    found = judged(predictions)
    assert found.traditional is not None and found.traditional.name == "tree"
    predictions.row("tree").family = "transfer"
    assert judged(predictions).why == "no traditional model"
    words.family = "classic"
    found = judged(predictions)
    assert found.traditional is not None and found.traditional.name in ("words", "other network")


def test_equals_seldom_lead_where_one_mistake_is_dear(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks"))
    from told_apart import _equals_under_costs

    ends = np.array([_equals_under_costs(60, 6, 50, seed) for seed in range(40)])
    assert ((ends[:, 0] > 0) | (ends[:, 1] < 0)).sum() <= 3  # 16 of 40 with the error of one pair alone
