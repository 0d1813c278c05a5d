from __future__ import annotations

import numpy as np
import pytest

from handful.evidence.bootstrap import draw
from handful.evidence.comparison import Difference
from handful.evidence.luck import Luck
from handful.evidence.predictions import Predictions, Row
from handful.evidence.signal import Signal
from handful.evidence.verdict import Trend, Verdict
from handful.report import words
from handful.report.luck import luck_part
from handful.report.page import render
from handful.report.summary import add_certainty, judge
from handful.report.ties import tie_part
from handful.report.verdict import cost, verdict_part
from tests.evidence.drawn import constant, held_out, right
from tests.report import made_up
from tests.report.test_page import Reader

ACCURACY = words.Metric("accuracy", "accuracy", percent=True)
RMSE = words.Metric("rmse", "RMSE", higher_is_better=False, decimals=1)
NETWORK = Row("net", "Frozen features + SVM", "transfer", 60, deep=True, seconds=24.0)
TREE = Row("tree", "Decision tree", "classic", 8, seconds=3.1)
LEARNED, LUCK = Signal(True, 9.0, 2.5, 0.31), Signal(False, 1.4, 2.5, 0.03)
Y = np.arange(40) % 2
PREDICTIONS = held_out({"baseline": constant(Y), "tree": right(Y, Y >= 0), "net": right(Y, Y >= 0)}, Y)


def told(answer: str, why: str, value: float = 0.0, error: float = 0.02, **more: object) -> dict:
    """`verdict` of report.json for a made-up verdict."""
    metric = more.pop("metric", ACCURACY)
    signal = more.pop("signal", LEARNED)
    lead = Difference(value, error, 260)
    verdict = Verdict(answer, why, signal, 0.01, NETWORK, TREE, lead, **more)  # type: ignore[arg-type]
    return verdict_part(verdict, PREDICTIONS, metric, "pictures")  # type: ignore[arg-type]


def test_yes_names_both_and_says_by_how_much_and_how_surely() -> None:
    found = told("yes", "better", 0.062, 0.02)
    assert found["short"] == "Is deep learning right for this data? Yes."
    assert found["text"].startswith(found["short"])
    assert (
        "The best network (frozen features + SVM) beats the best traditional model (decision tree) by "
        "6.2 points of accuracy; in 19 out of 20 such cases the true lead is between 2.3 and 10.1 points."
    ) in found["text"]
    board = [{"name": "net", "family": "transfer"}]
    assert "took 24 s with the network beside the one pass through the pretrained network, 3.1 s" in " ".join(
        cost({"verdict": found, "leaderboard": board})
    )
    assert " s " not in found["text"]  # a report is the same wherever it ran, apart from `seconds`
    assert (found["difference"], found["deep"], found["traditional"]) == (0.062, "net", "tree")
    assert found["seconds"] == {"deep": 24.0, "traditional": 3.1}
    assert found["examples_to_tell"] is None


def test_no_turns_the_interval_to_the_side_that_is_ahead() -> None:
    text = told("no", "worse", -0.062, 0.02)["text"]
    assert "The best traditional model (decision tree) beats the best network" in text
    assert "between 2.3 and 10.1 points" in text


def test_as_good_says_that_the_traditional_one_is_cheaper() -> None:
    text = told("no", "as good", 0.001, 0.004)["text"]
    assert "brings nothing that matters over the best traditional model" in text
    assert "0.1 points ahead, and in 19 out of 20 such cases 0.9 points ahead at the most" in text
    assert "The traditional model is the cheaper one to use." in text


def test_cannot_tell_says_what_may_be_and_what_would_decide() -> None:
    found = told("cannot tell", "too close", 0.021, 0.02)
    assert "is 2.1 points of accuracy ahead of the best traditional model" in found["text"]
    assert "anywhere from 1.8 points behind to 6.0 points ahead" in found["text"]
    # 260 · (0.02 / 0.021 · 2.80)²
    assert found["examples_to_tell"] == 1851
    assert "To be sure of a difference of 2.1 points would take about 1,900 pictures" in found["text"]
    assert "is level with the best" in told("cannot tell", "too close", 0.0, 0.02)["text"]
    assert "points of accuracy behind the best" in told("cannot tell", "too close", -0.02, 0.02)["text"]


def test_errors_are_told_in_their_unit_and_more_is_always_better() -> None:
    text = told("yes", "better", 4.0, 1.0, metric=RMSE)["text"]
    assert "by 4.0 (RMSE); in 19 out of 20 such cases the true lead is between 2.0 and 6.0." in text
    unsure = told("cannot tell", "too close", 0.4, 1.0, metric=RMSE)["text"]
    assert "is 0.4 (RMSE) ahead of the best traditional model" in unsure


@pytest.mark.parametrize(
    ("trend", "said"),
    [
        (
            Trend(-0.02, 0.06, 0.01),
            "moved 8.0 points towards the network: more pictures speak for it.",
        ),
        (Trend(0.02, 0.03, 0.02), "Chance can do as much: nothing says yet that more pictures would change"),
        (Trend(0.02, 0.0204, 0.02), "stayed where it was: nothing says yet that more pictures would change"),
    ],
)
def test_the_curves_say_whether_more_data_would_change_it(trend: Trend, said: str) -> None:
    found = told("cannot tell", "too close", 0.021, 0.02, trend=trend)
    assert said in found["text"]
    assert found["trend"]["full"] == trend.full


def test_nothing_to_learn_does_not_talk_of_networks() -> None:
    found = told("nothing to learn", "luck", 0.01, 0.04, signal=LUCK)
    assert found["short"] == "There is nothing to learn here yet."
    assert "beats a guess by 3.0 points of accuracy, but the best of 2 candidates" in found["text"]
    assert "network" not in found["text"]
    nothing = Signal(False, 0.0, 0.0, -0.1)
    worse = told("nothing to learn", "luck", 0.0, 0.04, signal=nothing)
    assert "The chosen model is no better than a guess that does not look at the pictures." in worse["text"]
    blind = held_out({"baseline": constant(Y), "tree": constant(Y, 1), "net": constant(Y)}, Y)
    verdict = Verdict("nothing to learn", "luck", nothing, 0.01, NETWORK, TREE, Difference(0.0, 0.04, 40))
    found = verdict_part(verdict, blind, ACCURACY, "pictures")
    assert "None of 2 candidates beats a guess" in found["text"]


def test_without_a_network_it_is_said_what_was_learned_instead() -> None:
    verdict = Verdict("cannot tell", "no network", LEARNED, 0.01, None, TREE)
    found = verdict_part(verdict, PREDICTIONS, ACCURACY, "rows")
    assert found["text"] == (
        "Is deep learning right for this data? Cannot tell: no network was tried. What was tried does learn: "
        "it beats a guess by 31.0 points of accuracy."
    )
    assert found["difference"] is found["deep"] is found["trend"] is None


def gone(name: str, **why: str) -> Row:
    return Row(name, name, "transfer", 60, deep=True, **why)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        ([gone("a", failed="no memory")], "the only network failed."),
        ([gone(n, stopped="behind") for n in "ab"], "both networks were stopped because they were behind."),
        ([gone(n, stopped="time") for n in "abc"], "all 3 networks were left out for want of time."),
        (
            [gone("a", failed="no memory"), *(gone(n, stopped="behind") for n in "bc")],
            "of 3 networks 1 failed and 2 were stopped because they were behind.",
        ),
    ],
)
def test_it_is_said_what_became_of_the_networks(missing: list[Row], said: str) -> None:
    verdict = Verdict("cannot tell", "no network", LEARNED, 0.01, None, TREE, missing=missing)
    found = verdict_part(verdict, PREDICTIONS, ACCURACY, "rows")
    assert found["short"] == f"Is deep learning right for this data? Cannot tell: {said}"


def test_a_traditional_model_that_failed_is_not_asked_for_again() -> None:
    missing = [Row("svm", "SVM", "classic", 8, failed="no memory")]
    verdict = Verdict("cannot tell", "no traditional model", LEARNED, 0.01, NETWORK, missing=missing)
    text = verdict_part(verdict, PREDICTIONS, ACCURACY, "rows")["text"]
    assert "Cannot tell: the only traditional model failed. What was tried does learn" in text
    assert "run it again" not in text


def test_where_all_candidates_failed_it_says_so_and_why() -> None:
    predictions = held_out({"baseline": constant(Y)}, Y)
    predictions.rows.append(Row("svm", "SVM", "classic", 8, failed="5 of 5 fits failed"))
    predictions.causes.append({"cause": "ValueError: no licence", "candidates": ["svm"], "count": 5})
    summary = {"chosen": "baseline", "leaderboard": [], "reasons": {}}
    judge(summary, predictions, [], draw(predictions.unit, predictions.covered), 0)
    assert summary["verdict"]["text"] == (
        "Is deep learning right for this data? Cannot tell: no candidate could be examined. The only "
        "candidate failed. The reason: ValueError: no licence."
    )


def test_one_candidate_is_not_spoken_of_as_many() -> None:
    nothing, some = Signal(False, 0.0, 0.0, -0.1), Signal(False, 1.4, 2.5, 0.03)
    blind = held_out({"baseline": constant(Y), "tree": constant(Y, 1)}, Y)
    for signal, said in (
        (nothing, "The one candidate does not beat a guess that does not look at the rows."),
        (some, "beats a guess by 3.0 points of accuracy, but luck alone gets that far"),
    ):
        verdict = Verdict("nothing to learn", "luck", signal, 0.01, None, TREE)
        text = verdict_part(verdict, blind, ACCURACY, "rows")["text"]
        assert said in text and "of 1 candidate" not in text
        assert text.endswith("cleaner answers or another model may change that.")


def tied(cost: int) -> tuple[Predictions, dict | None]:
    y, i = np.arange(100) % 2, np.arange(100)
    oofs = {"baseline": constant(y), "best": right(y, i % 10 > 0), "other": right(y, i % 9 > 0)}
    predictions = held_out(oofs, y)
    predictions.row("best").cost = cost
    return predictions, tie_part(predictions, ["best", "other"], predictions.row("best"), "rows")


def test_the_cheapest_of_the_ties_is_offered_with_what_it_takes_to_tell() -> None:
    _, found = tied(cost=9)
    assert found is not None and found["cheapest"] == "other"
    assert found["words"].startswith("The cheapest of them to use: other. It would take")
    assert [line["name"] for line in found["examples_to_tell"]] == ["other"]
    predictions, found = tied(cost=1)
    assert found is not None and found["words"] == "The chosen one is the cheapest of them to use."
    assert tie_part(predictions, ["best"], predictions.row("best"), "rows") is None
    found = tie_part(predictions, ["best", "other"], predictions.row("baseline"), "rows")
    assert found is not None and found["cheapest"] == "baseline"


def test_beside_a_guess_that_serves_nothing_is_a_fair_choice() -> None:
    y = np.arange(60) % 2
    worse = right(y, np.arange(60) % 10 == 0)
    predictions = held_out({"baseline": constant(y), "worse": worse, "as good": constant(y, 1)}, y)
    summary = {"chosen": "baseline", "leaderboard": [], "reasons": {}}
    judge(summary, predictions, [], draw(predictions.unit, predictions.covered), 0)
    assert summary["tie_group"] is None and summary["tie"] is None
    assert summary["reasons"]["tie_group"] == "no candidate is better than a guess"
    add_certainty(summary, predictions, predictions.row("baseline"))
    assert summary["calibration"] is None and "as sure of one" in summary["reasons"]["calibration"]


def test_the_luck_meter_says_the_worse_end_first() -> None:
    scores = np.linspace(0.7, 0.9, 1001)
    found = luck_part(Luck(scores), ACCURACY)
    assert "anything from 70% to 90%" in found["words"]  # 70.5 and 89.5 %
    assert (found["min"], found["max"], found["n_splits"], len(found["dots"])) == (0.7, 0.9, 1001, 50)
    assert (
        "nearly all such divisions would have reported 100%"
        in luck_part(Luck(np.ones(50)), ACCURACY)["words"]
    )
    assert "anything from 90.0 to 70.0" in luck_part(Luck(np.array([70.0] * 50 + [90.0] * 50)), RMSE)["words"]


def test_the_page_shows_the_verdict_the_ties_and_the_luck() -> None:
    summary, extras = made_up.image_run()
    summary["verdict"] = told("yes", "better", 0.062, 0.02)
    summary["luck"] = luck_part(Luck(np.linspace(0.78, 0.95, 500)), ACCURACY)
    best, other = summary["tie_group"][:2]
    summary["tie"] = {
        "best": best,
        "cheapest": other,
        "examples_to_tell": [{"name": other, "examples": 1234, "words": "about 1,200 pictures"}],
        "words": "The cheapest of them to use: this one.",
    }
    page = render(summary, extras)
    text = Reader(page).text
    assert "Yes. The best network (frozen features + SVM) beats" in text
    assert "The cheapest of them to use: this one." in text
    assert "EfficientNet-Lite0 (block 5) with logistic regression about 1,200 pictures" in text
    assert "What one lucky split would have said" in text and "expect 87.3%" in text
    assert page.count('<circle class="value"') >= 50


def test_a_page_without_them_is_whole() -> None:
    summary, extras = made_up.table_run()
    assert "lucky split" not in Reader(render(summary | {"luck": None, "verdict": None}, extras)).text
