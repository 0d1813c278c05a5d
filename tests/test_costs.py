"""What mistakes cost: read, refused with what is wrong, written again, and scored."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.naive_bayes import GaussianNB

import handful
from handful.costs import class_costs, read_costs, written
from handful.errors import SettingsError
from handful.protocol.run import Run
from handful.scoring import get_metric

ILL = ["healthy", "sick"]


def test_what_is_not_named_costs_one_and_right_answers_nothing() -> None:
    assert read_costs("cost: sick>healthy=10, healthy>sick=0.5", ILL) == ((0.0, 0.5), (10.0, 0.0))
    three = np.array(read_costs("COST:a>b=3", ["a", "b", "c"]))
    assert three.tolist() == [[0, 3, 1], [1, 0, 1], [1, 1, 0]]
    assert class_costs(tuple(map(tuple, three))).tolist() == [2, 1, 1]


def test_names_may_hold_what_separates() -> None:
    names = ["a>b", "x, y", "p=q"]
    costs = read_costs("cost: a>b>x, y=4, 'x, y'>p=q=2", names)
    assert costs[0][1] == 4 and costs[1][2] == 2 and costs[2][0] == 1


@pytest.mark.parametrize("text", ["cost: sick>healthy=10", "cost: healthy>sick=1", "cost:sick>healthy=2.5"])
def test_costs_are_written_as_they_are_read(text: str) -> None:
    costs = read_costs(text, ILL)
    assert read_costs(written(costs, ILL), ILL) == costs


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("cost", "which mistake costs what.*TRUE>PREDICTED=COST"),
        ("cost: sikc>healthy=10", "no class 'sikc'. Did you mean 'sick'"),
        ("cost: sick>healthy=-1", "from 0 on"),
        ("cost: sick>healthy=inf", "from 0 on"),
        ("cost: sick>healthy=much", "'much', is not a number"),
        ("cost: sick=10", "not understood; write TRUE>PREDICTED"),
        ("cost: sick>sick=1", "right answer"),
        ("cost: sick>healthy=1, sick>healthy=2", "given twice"),
        ("cost: sick>healthy=0", "always saying 'healthy' would cost nothing"),
    ],
)
def test_costs_that_make_no_sense_are_refused(text: str, told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        get_metric(text, "classification", np.array([0, 1]), np.array(ILL))


def test_costs_of_a_measured_value_are_refused() -> None:
    with pytest.raises(SettingsError, match="belongs to the other kind of problem"):
        get_metric("cost: a>b=2", "regression", np.array([0.1, 0.2]), None)


def test_costs_of_a_class_that_does_not_exist_are_refused_before_anything_is_fitted(tmp_path: Path) -> None:
    X, y = np.arange(40.0).reshape(20, 2), np.repeat(ILL, 10)
    with pytest.raises(SettingsError, match="Did you mean 'sick'"):
        handful.fit((X, y), metric="cost: sikc>healthy=5", out=tmp_path / "run", jobs=1)
    assert not (tmp_path / "run").exists()


def test_a_run_under_costs_tells_what_mistakes_cost(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    y = np.repeat(ILL, [32, 8])
    X = random.normal(size=(40, 3)) + 1.5 * (y == "sick")[:, None]
    run = handful.fit(
        (X, y),
        metric="cost: sick>healthy=10",
        families=["baseline"],
        candidates=[("bayes", GaussianNB())],
        out=tmp_path / "run",
        jobs=1,
    )
    told = run.summary
    assert told["protocol"]["metric"] == told["expected"]["metric"] == "cost"
    assert "--metric 'cost: sick>healthy=10'" in told["command"]
    assert Run.open(run.folder).metric.costs == ((0.0, 1.0), (10.0, 0.0))
    guess = next(line for line in told["leaderboard"] if line["family"] == "baseline")
    assert guess["label"] == "always 'sick', the cheapest answer" and guess["score"] == pytest.approx(0.8)
    assert "expect the mistakes to cost about 0." in repr(run) and "costs 0.800" in repr(run)
    assert [line["class"] for line in told["classes"]] == ILL and not told["reasons"].get("verdict")


def test_the_score_is_the_mean_cost_for_every_row_of_weights() -> None:
    metric = get_metric("cost: sick>healthy=10", "classification", np.array([0, 1]), np.array(ILL))
    y, scores = np.array([0, 0, 1, 1]), np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.1, 0.9]])
    assert metric.value(y, scores) == pytest.approx((0 + 1 + 10 + 0) / 4)
    assert metric(y, scores, np.array([[1, 0, 0, 1], [0, 1, 2, 0]])).tolist() == pytest.approx([0, 7])
    assert metric.key == "cost: sick>healthy=10" and metric.name == "cost" and not metric.higher_is_better
    assert "'sick' taken for 'healthy' 10, 'healthy' taken for 'sick' 1" in metric.words


def test_equal_costs_are_the_error_rate() -> None:
    random = np.random.default_rng(0)
    y, scores = random.integers(0, 3, 50), random.dirichlet([1, 1, 1], 50)
    names = np.array(["a", "b", "c"])
    cost = get_metric("cost: a>b=1", "classification", y, names).value(y, scores)
    assert cost == pytest.approx(1 - get_metric("accuracy", "classification", y, names).value(y, scores))
