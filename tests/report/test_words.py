from __future__ import annotations

import numpy as np
import pytest

from handful.report import words


def summary_of(metric: str, value: float, low: float | None, high: float | None, **more: object) -> dict:
    return {
        "expected": {"metric": metric, "value": value, "low": low, "high": high},
        "dataset": {"modality": "image"},
    } | more


@pytest.mark.parametrize(
    "name, score, shown",
    [
        ("accuracy", 2999 / 3000, "99.97%"),
        ("accuracy", 1 / 3000, "0.03%"),
        ("accuracy", 1.0, "100.0%"),
        ("accuracy", 1 - 1e-12, "100.0%"),  # rounding of the machine
        ("accuracy", 0.0, "0.0%"),
        ("r2", 0.99971, "0.9997"),
        ("r2", 0.00001, "0.000"),  # the mean alone is no end that could be reached or missed
        ("log_loss", 0.00021, "0.0002"),
        ("log_loss", 0.0, "0.000"),
    ],
)
def test_no_score_is_rounded_to_all_or_nothing(name: str, score: float, shown: str) -> None:
    label, higher, percent, _ = words.METRICS[name]
    assert words.Metric(name, label, higher, percent).show(score) == shown


def test_no_whole_per_cent_and_no_end_of_an_interval_is_all_or_nothing() -> None:
    metric = words.Metric("accuracy", "accuracy", percent=True)
    assert (metric.show(0.996, 0), metric.show(0.004, 0), metric.show(0.994, 0)) == ("99.6%", "0.4%", "99%")
    assert metric.span(0.9981, 0.99996) == "99.8–99.996%"
    assert metric.difference(0.0001) == "0.0 points"


def test_the_metric_of_the_summary_comes_before_what_is_known_of_the_name() -> None:
    info = {"name": "f1", "label": "F1 of 'sick'", "higher_is_better": True, "percent": True, "words": "…"}
    metric = words.metric_of(summary_of("f1", 0.5, 0.4, 0.6, metric_info=info))
    assert metric.label == "F1 of 'sick'" and metric.show(0.5) == "50.0%"


def test_numbers_that_are_not_numbers_become_none_everywhere() -> None:
    given = {"a": [np.float32("nan"), (1, np.inf)], "b": {"c": np.int64(3)}}
    assert words.clean(given) == {"a": [None, [1, None]], "b": {"c": 3}}


def test_no_negative_zero_is_written() -> None:
    metric = words.Metric("r2", "R²")
    assert metric.show(-0.0001) == "0.000"
    assert metric.show(-0.21) == "−0.210"
    assert metric.span(-0.5, 0.05) == "−0.500 to 0.050"
