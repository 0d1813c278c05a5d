from __future__ import annotations

import numpy as np
import pytest

from handful.evidence.bootstrap import draw
from handful.evidence.choice import paired_gain
from handful.evidence.comparison import difference
from handful.evidence.ensemble import ENSEMBLING, add_average
from handful.evidence.ledger import GREEDY, Line, ledger, techniques_of
from handful.evidence.predictions import Predictions
from tests.evidence.drawn import constant, held_out, right


def tried(pairs: dict[str, tuple[np.ndarray, np.ndarray]], y: np.ndarray) -> Predictions:
    """Candidates without ("a") and with ("a+") a technique, by where they are right."""
    oofs = {"baseline": constant(y)}
    for name, (without, added) in pairs.items():
        oofs |= {name: right(y, without), f"{name}+": right(y, added)}
    predictions = held_out(oofs, y)
    for name in pairs:
        predictions.row(f"{name}+").base, predictions.row(f"{name}+").technique = name, "flips"
        predictions.row(f"{name}+").seconds = 2.0
    return predictions


def told(predictions: Predictions) -> dict[str, Line]:
    bootstrap = draw(predictions.unit, predictions.covered)
    return {line.technique: line for line in ledger(predictions, bootstrap)}


def at_random(n: int, pairs: int, gain: float, random: np.random.Generator) -> Predictions:
    """Pairs whose members are right in 70 % of cases, more by `gain` with the technique; half alike."""
    y = random.integers(0, 2, n)
    common = random.normal(size=n)
    cut = {0: -0.5244, 1: float(np.quantile(np.random.default_rng(0).normal(size=100_000), 0.3 - gain))}
    draws = random.normal(size=(pairs, 2, n))
    seen = {
        f"c{i}": tuple(np.sqrt(0.5) * common + np.sqrt(0.5) * d[k] > cut[k] for k in (0, 1))
        for i, d in enumerate(draws)
    }
    return tried(seen, y)  # type: ignore[arg-type]


def test_one_pair_has_its_paired_difference() -> None:
    y = np.arange(100) % 2
    without, added = np.arange(100) >= 40, np.arange(100) >= 25  # right in 60 and in 75
    predictions = tried({"a": (without, added)}, y)
    line = told(predictions)["flips"]
    assert line.gain is not None and line.gain.value == pytest.approx(0.15)
    assert line.gain.error == difference(predictions, predictions.row("a+"), predictions.row("a")).error
    assert (line.worth, line.pairs, line.seconds) == ("better", 1, 2.0)
    assert (line.added, line.base) == (predictions.row("a+"), predictions.row("a"))


def test_what_helps_its_own_candidate_is_also_held_against_the_best_without_it() -> None:
    i, y = np.arange(100), np.arange(100) % 2
    predictions = tried({"a": (i >= 40, i >= 25), "b": (i >= 20, i >= 60)}, y)
    line = told(predictions)["flips"]
    assert line.best == (predictions.row("a+"), predictions.row("b"))
    assert line.over_best is not None and line.over_best.value == pytest.approx(-0.05, abs=0.01)
    assert line.gain is not None and line.gain.value > 0.1
    alone = tried({"a": (i >= 40, i >= 25)}, y)
    alone.rows = [r for r in alone.rows if r.name != "a"]
    assert told(alone)["flips"].over_best is None


def test_what_was_stopped_early_is_told_of_the_repeats_that_it_was_examined_in() -> None:
    i, y = np.arange(100), np.arange(100) % 2
    without, added = i >= 40, i >= 25
    oofs = {
        "baseline": [constant(y)] * 2,
        "a": [right(y, without), right(y, i >= 0)],
        "a+": [right(y, added)] * 2,
    }
    predictions = held_out({name: np.array(oof) for name, oof in oofs.items()}, y)
    row = predictions.row("a+")
    row.base, row.technique, row.seconds = "a", "flips", 2.0
    row.partial, row.oof, row.stopped, row.splits_done = row.oof, None, "behind", 5
    row.partial[1] = np.nan
    line = told(predictions)["flips"]
    assert line.gain is not None and line.gain.value == pytest.approx(0.15) and line.gain.error > 0
    assert (line.repeats, line.kept, line.seconds, line.added.name, line.base.name) == (
        1,
        False,
        2.0,
        "a+",
        "a",
    )
    assert line.best is not None and (line.best[0].name, line.best[1].name) == ("a+", "a")
    row.partial[0, :3] = np.nan  # not even one repeat is whole
    assert told(predictions)["flips"].reason == (
        "no candidate with it could be examined: it was stopped early, behind the leader"
    )


def test_a_harmful_technique_is_dropped() -> None:
    y = np.arange(100) % 2
    line = told(add_average(tried({"a": (np.arange(100) >= 10, np.arange(100) >= 40)}, y)))["flips"]
    assert (line.worth, line.kept) == ("worse", False)


def test_ten_pairs_that_are_worth_nothing_show_no_gain_and_a_true_gain_is_inside() -> None:
    random = np.random.default_rng(0)
    for true in (0.0, 0.03):
        values, flattering, inside = [], [], []
        for seed in range(100):
            predictions = at_random(100, 10, true, random)
            pairs = [(predictions.row(f"c{i}+"), predictions.row(f"c{i}")) for i in range(10)]
            picked, gain = paired_gain(
                predictions, draw(predictions.unit, predictions.covered, 200, seed), pairs
            )
            low, high = gain.interval()
            values.append(gain.value - true)
            flattering.append(difference(predictions, *picked).value - true)
            inside.append(low <= true <= high)
        assert abs(np.mean(values)) < 0.01
        assert np.mean(flattering) > 0.02
        assert np.mean(inside) >= 0.92


def test_one_wild_error_of_a_pair_is_doubt_and_no_certain_cost() -> None:
    random = np.random.default_rng(0)
    y = random.normal(size=100)
    sound, same, other = (y + random.normal(0, 0.5, 100) for _ in range(3))
    wild = y + random.normal(0, 0.4, 100)
    wild[0] += 12
    oofs = {"baseline": np.zeros(100), "a": sound, "a with": same, "b": other, "b with": wild}
    predictions = held_out(oofs, y, metric="r2")
    pairs = [(predictions.row(f"{name} with"), predictions.row(name)) for name in "ab"]
    picked, gain = paired_gain(predictions, draw(predictions.unit, predictions.covered, seed=0), pairs)
    assert picked == pairs[0] and gain.value < difference(predictions, *picked).interval()[0]
    assert gain.interval()[1] > 0


def test_ensembling_is_compared_with_the_best_alone() -> None:
    random = np.random.default_rng(0)
    y = random.integers(0, 3, 200)
    oofs = {"baseline": constant(y, K=3)}
    oofs |= {f"c{i}": 0.4 * np.eye(3)[y] + random.random((200, 3)) for i in range(6)}
    predictions = add_average(held_out(oofs, y))
    found = told(predictions)
    line = found[ENSEMBLING]
    assert line.gain is not None and line.gain.value > 0.1 and line.kept and line.worth == "better"
    assert line.added is not None and line.added.name == "average"
    greedy = found[GREEDY]
    assert greedy.base is line.added and not greedy.kept and greedy.worth == "cannot tell"


def test_where_one_is_clearly_best_ensembling_says_so() -> None:
    y = np.arange(200) % 2
    predictions = add_average(tried({"a": (np.arange(200) >= 100, np.arange(200) >= 2)}, y))
    line = told(predictions)[ENSEMBLING]
    assert line.gain is None and not line.kept and line.reason is not None
    assert "no other candidate comes near enough to the best" in line.reason
    blind = {"baseline": constant(y), "a": constant(y, 1), "b": right(y, np.arange(200) >= 150)}
    line = told(add_average(held_out(blind, y)))[ENSEMBLING]
    assert line.reason == "no candidate is better than a guess, so that nothing is averaged"


def test_a_member_uses_what_it_is_built_on() -> None:
    y = np.arange(60) % 2
    predictions = tried({"a": (np.arange(60) > 0, y >= 0)}, y)
    top = predictions.row("a")
    top.base, top.technique = "elsewhere", "transfer"
    assert techniques_of(predictions, predictions.row("a+")) == {"flips", "transfer"}
    assert techniques_of(predictions, top) == {"transfer"}
    averaged = add_average(predictions)
    assert techniques_of(averaged, averaged.row("average")) == {"flips", "transfer", ENSEMBLING}


def test_what_cannot_be_compared_says_why() -> None:
    y = np.arange(60) % 2

    def reason(base: str | None, failed: str | None = None, stopped: str | None = None) -> str:
        predictions = tried({"a": (y >= 0, y >= 0)}, y)
        predictions.row("a+").base = base
        if failed or stopped:
            row = predictions.row("a" if base == "a" else "a+")
            row.oof, row.failed, row.stopped = None, failed, stopped
        line = told(predictions)["flips"]
        assert line.gain is None and line.worth == "unknown" and line.reason is not None
        return line.reason

    assert reason("pixels svm") == "the same without it ('pixels svm') was not tried in this run"
    assert reason(None) == "no candidate was tried that is the same but for it"
    assert reason("a", "5 of 5 fits failed: MemoryError") == (
        "a, the same without it, could not be examined: 5 of 5 fits failed: MemoryError"
    )
    assert reason("b", stopped="time") == "no candidate with it could be examined: there was no time"
    assert reason("a", stopped="behind") == (
        "a, the same without it, could not be examined: it was stopped early, behind the leader"
    )
    assert reason("b", "it took too long") == "no candidate with it could be examined: it took too long"


@pytest.mark.parametrize("metric", ["r2", "rmse"])
def test_a_gain_of_values_is_in_the_unit_of_the_metric(metric: str) -> None:
    random = np.random.default_rng(0)
    y = random.normal(size=300)
    noise = random.normal(size=300)
    oofs = {"baseline": np.zeros(300), "a": y + noise, "a+": y + 0.5 * noise}
    predictions = held_out(oofs, y, metric=metric)
    predictions.row("a+").base, predictions.row("a+").technique = "a", "flips"
    line = told(predictions)["flips"]
    plain = predictions.score(predictions.row("a+"))[0] - predictions.score(predictions.row("a"))[0]
    assert line.gain is not None
    assert line.gain.value == pytest.approx(plain if metric == "r2" else -plain) and line.worth == "better"


def test_a_part_that_a_candidate_lacks_is_credited_to_the_whole() -> None:
    y = np.arange(100) % 2
    whole, without, less = (np.arange(100) >= k for k in (25, 40, 20))
    oofs = {"baseline": constant(y), "a": right(y, whole), "b": right(y, without), "c": right(y, less)}
    predictions = held_out(oofs, y)
    for name, part in (("b", "the text column"), ("c", "the number column")):
        row = predictions.row(name)
        row.base, row.technique, row.lacks = "a", part, True
    lines = told(predictions)
    text, number = lines["the text column"], lines["the number column"]
    assert text.gain is not None and number.gain is not None
    assert (text.gain.value, number.gain.value) == (pytest.approx(0.15), pytest.approx(-0.05))
    assert text.added is predictions.row("a") and text.base is predictions.row("b")
    assert techniques_of(predictions, predictions.row("a")) == {"the text column", "the number column"}
    assert techniques_of(predictions, predictions.row("c")) == {"the text column"}
    assert techniques_of(predictions, predictions.row("baseline")) == set()
    assert (text.kept, number.kept) == (True, False)  # "c" is best, and does without
