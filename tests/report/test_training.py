"""The page shows how networks learned, whether others would do, and the gap against trained numbers."""

from __future__ import annotations

from handful.report.page import render
from handful.report.training_figures import capacity_figure, crowd_figure, loss_figure
from tests.report import made_up
from tests.report.test_labels import section
from tests.report.test_page import Reader

COURSE = {
    "splits": 5,
    "epoch": [1, 2, 3, 4],
    "train_loss": [1.0, 0.5, 0.3, 0.2],
    "val_loss": [1.1, 0.7, 0.65, 0.8],
    "val_score": [0.4, 0.6, 0.7, 0.7],
    "kept": 3,
    "kept_low": 2,
    "kept_high": 4,
    "still_falling": 0,
    "words": "The loss on examples that were set aside was lowest after 3 passes over the data.",
}
POINTS = [
    {"name": "a", "parameters": 100, "train_score": 0.8, "score": 0.7, "low": 0.6, "high": 0.8},
    {"name": "b", "parameters": 1600, "train_score": 1.0, "score": 0.75, "low": None, "high": None},
]


def test_the_page_tells_when_validation_turned() -> None:
    summary, extras = made_up.table_run()
    summary["overfitting"][0]["loss_curve"] = COURSE
    summary["overfitting"][1]["loss_curve"] = COURSE | {"val_loss": None}
    summary["capacity"] = [{"name": "a", "label": "a small network", "points": POINTS, "words": "No more."}]
    for line, share in zip(summary["overfitting"], (0.1, 3.0, 40.0), strict=False):
        line["parameters_per_example"] = share
    text = Reader(section(render(summary, extras), "overfitting")).text
    assert "How the best network learned" in text and "1 more network" in text
    assert "lowest after 3 passes" in text and "kept" in text
    assert "Would a smaller or larger network do?" in text and "No more." in text
    assert "Do more trained numbers mean more learned by heart?" in text


def test_without_networks_nothing_is_said_of_them() -> None:
    summary, extras = made_up.table_run()
    text = Reader(section(render(summary, extras), "overfitting")).text
    assert "network learned" not in text and "larger network" not in text


def test_the_losses_are_two_lines_and_a_mark() -> None:
    figure = loss_figure(COURSE)
    assert figure is not None and figure.count("<polyline") == 2 and "kept" in figure
    assert "set aside: from 1.1 to 0.8, lowest 0.65" in figure
    blind = loss_figure(COURSE | {"val_loss": None})
    assert blind is not None and blind.count("<polyline") == 1 and "kept" not in blind
    assert loss_figure(COURSE | {"epoch": [1], "train_loss": [1.0], "val_loss": None}) is None


def test_scores_stand_against_trained_numbers_on_equal_factors() -> None:
    figure = capacity_figure(POINTS, lambda v: f"{v:.1f}", lambda v: f"{v:.2f}", (0.0, 1.0))
    assert figure.count("<circle") == 4 and figure.count("whisker") == 1
    assert "1,600 trained numbers: training 1.00, held out 0.75" in figure


def test_each_candidate_is_a_dot_and_the_chosen_one_is_marked() -> None:
    rows = [("a", 0.01, 0.0, False), ("b", 5.0, 0.2, True), ("c", 900.0, 0.1, False)]
    figure = crowd_figure(rows, "rows", lambda v: f"{100 * v:.0f}", lambda v: f"{100 * v:.1f} points")
    assert figure.count('class="point other"') == 2 and figure.count('class="point "') == 1
    assert "3 candidates, gaps from 0.0 points to 20.0 points" in figure
    assert "c: 900 times as many trained numbers as rows, gap 10.0 points" in figure
