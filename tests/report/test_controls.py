from __future__ import annotations

import numpy as np

from handful.evidence.controls import controls
from handful.report.page import render
from handful.report.text import answer_text
from tests.evidence.test_controls import compared, shares
from tests.report import made_up
from tests.report.test_page import Reader


def run_with(**hits: float) -> dict:
    summary, _ = made_up.image_run()
    y, found = shares(**hits)
    more = {
        "controls": controls(compared(y), found, None),
        "controls_absent": [{"name": "exif", "reason": "no EXIF"}],
    }
    return summary | more


def test_a_flagged_control_stands_above_the_answer() -> None:
    summary = run_with(file_name=0.9, border_pixels=0.7, image_size=0.5)
    text = Reader(render(summary)).text
    alarm = text.index("Before you rely on this: A model that sees only the name of the file")
    assert alarm < text.index("Use Average of the 5 best models")
    assert "One of these models does not fail." in text and "File name alarm" in text
    assert "Border of the picture associated" in text and "no EXIF" in text
    assert "Look at   2 alarms: A model that sees only the name of the file" in answer_text(summary)


def test_controls_that_fail_as_they_must_raise_no_alarm() -> None:
    text = Reader(render(run_with(file_name=0.5) | {"audit": []})).text
    assert "Models that must fail" in text and "Before you rely on this" not in text
    assert "does not fail" not in text


def test_the_leak_premium_is_told_in_points() -> None:
    premium = {
        "value": 0.062,
        "low": 0.03,
        "high": 0.09,
        "random": 0.912,
        "grouped": 0.85,
        "names": ["model"],
    }
    summary, _ = made_up.image_run()
    text = Reader(render(summary | {"leak_premium": premium})).text
    assert "would have read 91.2% instead of 85.0%: 6.2 points too good" in text
    text = Reader(render(summary | {"leak_premium": premium | {"low": -0.01}})).text
    assert "that chance can make" in text


def test_a_regression_run_shows_its_controls() -> None:
    summary, _ = made_up.regression_run()
    lines = controls(compared(np.random.default_rng(0).normal(size=40), metric="r2"), None, None)
    assert lines == []
    line = {"name": "row order", "score": -0.1, "chance": 0.0, "p": 0.8, "effect": -0.1, "flagged": False}
    text = Reader(render(summary | {"controls": [line | {"kind": "clear", "message": "It fails."}]})).text
    assert "Order of the rows It fails." in text
