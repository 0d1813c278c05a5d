from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from handful.evidence.bootstrap import draw
from handful.evidence.leaderboard import leaderboard
from handful.evidence.overfitting import diagnose, overfitting, remedies
from handful.evidence.predictions import Predictions, Row
from handful.protocol.splits import Split
from handful.scoring import get_metric


@pytest.mark.parametrize(
    ("train", "score", "gap", "baseline", "surely", "said"),
    [
        (0.92, 0.90, (0.01, 0.03), 0.5, 0.85, "sound"),
        (1.0, 0.85, (0.1, 0.2), 0.5, 0.8, "overfits a little"),
        (1.0, 0.7, (0.2, 0.4), 0.5, 0.6, "overfits"),
        (1.0, 0.5, (0.4, 0.6), 0.5, 0.5, "memorises"),
        (0.883, 0.470, (-0.058, 0.884), 0.5, 0.05, "memorises"),  # worse than a guess is never sound
        (0.5, 0.5, (-0.1, 0.1), 0.5, 0.5, "underfits"),
        (0.70, 0.69, (-0.1, 0.12), 0.5, 0.8, "underfits"),  # another one does better on new examples
        (0.8, 0.75, (-0.01, 0.11), 0.5, 0.6, "sound"),  # a gap that chance alone can make
        (0.8, 0.7, (-0.01, 0.21), 0.5, 0.6, "cannot tell"),  # and that may be most of what was learned
        (0.8, 0.8, (-0.2, 0.2), 0.5, 0.6, "cannot tell"),
        (-0.1, -4.0, (1.0, 6.8), -10.0, -5.0, "overfits a little"),  # errors, with their sign turned
        (0.9, 0.9, (0.0, 0.0), None, 0.8, "cannot tell"),
    ],
)
def test_the_diagnosis_follows_how_much_of_the_learned_holds(
    train: float,
    score: float,
    gap: tuple[float, float],
    baseline: float | None,
    surely: float,
    said: str,
) -> None:
    assert diagnose(train, score, gap, baseline, surely)[0] == said


def made(trained: float, held_out: float, n: int = 200, metric: str = "accuracy") -> Predictions:
    """A baseline, and one candidate that is right as often as given on either part."""
    y = np.arange(n) % 2
    tests = np.array_split(np.random.default_rng(0).permutation(n), 5)
    splits = [Split(0, f, np.setdiff1d(np.arange(n), t), t, f) for f, t in enumerate(tests)]

    def scores(share: float) -> np.ndarray:
        right = np.arange(n) // 2 % 20 < 20 * share
        return np.eye(2)[np.where(right, y, 1 - y)] * 0.8 + 0.1

    rows = []
    for name, seen, unseen in (("baseline", 0.5, 0.5), ("it", trained, held_out)):
        row = Row(name, name, "baseline" if name == "baseline" else "classic", 1, oof=scores(unseen)[None])
        row.train, row.parameters = [scores(seen)[s.train] for s in splits], 480
        rows.append(row)
    return Predictions(
        y,
        np.arange(n),
        get_metric(metric, "classification", y, np.arange(2)),
        splits,
        rows,
        [],
    )


def judged(predictions: Predictions) -> dict:
    bootstrap = draw(predictions.unit, predictions.covered)
    (line,) = overfitting(predictions, leaderboard(predictions), bootstrap, "table")
    return line


def test_the_interval_of_the_gap_is_that_of_a_difference_of_shares() -> None:
    line = judged(made(1.0, 0.85))
    assert line["gap"] == pytest.approx(0.15)
    assert line["gap_high"] - line["gap_low"] == pytest.approx(2 * 1.96 * np.sqrt(0.85 * 0.15 / 200), rel=0.2)
    assert line["diagnosis"] == "overfits a little" and line["words"].startswith("70%")
    assert line["parameters_per_example"] == 3


def test_a_perfect_score_on_both_parts_still_has_an_interval() -> None:
    line = judged(made(1.0, 1.0))
    assert line["diagnosis"] == "sound" and line["try"] == []
    assert line["gap_low"] == pytest.approx(0) and 0.01 < line["gap_high"] < 0.03


def test_the_gap_is_positive_where_less_is_better() -> None:
    line = judged(made(1.0, 0.8, metric="log_loss"))
    assert line["gap"] > 0.3 and line["gap_low"] > 0.1


def test_copies_in_one_group_widen_the_interval() -> None:
    alone, copied = made(1.0, 0.8), made(1.0, 0.8)
    copied.unit = np.arange(200) // 8
    wide, narrow = (line["gap_high"] - line["gap_low"] for line in (judged(copied), judged(alone)))
    assert wide > 1.5 * narrow


@pytest.mark.parametrize("diagnosis", ["memorises", "overfits", "overfits a little", "underfits", "sound"])
@pytest.mark.parametrize("family", ["classic", "transfer", "ensemble"])
@pytest.mark.parametrize("per_example", [None, 0.1, 40.0])
def test_what_to_try_never_pulls_in_two_directions(
    diagnosis: str, family: str, per_example: float | None
) -> None:
    row = Row("it", "it", family, 1, members=["a", "b"] if family == "ensemble" else None)
    said = " ".join(remedies(diagnosis, row, per_example, "image", family == "transfer"))
    assert not ("stronger" in said and ("weaker" in said or "flexible" in said))
    assert ("fewer trained numbers" in said) <= (per_example == 40.0)
    assert (said == "") == (diagnosis == "sound")
    assert not (diagnosis == "underfits" and ("more labelled" in said or "copies" in said))
    assert not (family == "transfer" and "(transfer)" in said)


def test_what_learns_from_frozen_features_is_not_told_to_try_them() -> None:
    predictions = made(1.0, 0.7)
    it = predictions.row("it")
    vectors, both = replace(it, name="vectors", family="transfer"), "(transfer), which has less to learn here"
    more = replace(it, name="vectors spread", family="unlabelled", base="vectors")
    tuned = replace(it, name="tuned", family="finetune", base="vectors")
    spread = replace(it, name="it spread", family="unlabelled", base="it")
    predictions.rows += [vectors, more, tuned, spread]
    board = leaderboard(predictions)
    found = overfitting(predictions, board, draw(predictions.unit, predictions.covered), "text")
    told = {line["name"]: any(both in remedy for remedy in line["try"]) for line in found}
    assert told == {"it": True, "vectors": False, "vectors spread": False, "tuned": True, "it spread": True}
