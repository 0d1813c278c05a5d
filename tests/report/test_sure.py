from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest

from handful.evidence.calibration import calibrate, calibration
from handful.evidence.conformal import conformal
from handful.report.page import render
from handful.scoring import softmax
from tests.evidence.test_calibration import honest
from tests.evidence.test_selection import made, right
from tests.report import made_up
from tests.report.test_page import Reader


def measured(scores: np.ndarray, y: np.ndarray) -> dict[str, Any]:
    predictions = made({"model": scores}, y)
    found = calibrate(predictions, predictions.rows[0])
    return {
        "calibration": calibration(found),
        "conformal": conformal(predictions, predictions.rows[0], found.temperature),
    }


def section(page: str) -> str:
    return page.split('<section id="sure"')[1].split("</section>")[0]


@cache
def images() -> str:
    summary, extras = made_up.image_run()
    logits, y = honest(300, 10)
    return render(summary | measured(softmax(3 * logits), y), extras)


@cache
def numbers() -> str:
    summary, extras = made_up.regression_run()
    told = {"level": 0.9, "covered": 0.91, "half_width": 41.2, "width": 82.4, "spread": 164.8}
    return render(summary | {"calibration": None, "conformal": told}, extras)


@cache
def growing() -> str:
    summary, extras = made_up.regression_run()
    random = np.random.default_rng(0)
    said = random.uniform(10, 100, 300)
    predictions = made({"model": said}, said * (1 + random.normal(0, 0.1, 300)), metric="r2")
    told = conformal(predictions, predictions.rows[0], None)
    return render(summary | {"calibration": None, "conformal": told}, extras)


@pytest.mark.parametrize("page_of", [images, numbers, growing])
def test_the_section_is_whole_and_prints_no_missing_number(page_of: Callable[[], str]) -> None:
    page = page_of()
    reader = Reader(page)
    assert reader.open == [] and len(reader.ids) == len(set(reader.ids))
    assert not re.search(r"\b(nan|inf|None|null)\b", Reader(section(page)).text, re.IGNORECASE)
    for svg in re.findall(r"<svg.*?</svg>", section(page), re.DOTALL):
        assert re.search(r"<title>.*?</title><desc>.+?</desc>", svg, re.DOTALL)
    assert page.index('id="overfitting"') < page.index('id="sure"') < page.index('id="trust"')


def test_a_model_that_was_too_sure_is_said_to_have_been_set_right() -> None:
    text = Reader(section(images())).text
    assert "Left to itself it was too sure" in text
    assert "in 9 out of 10 cases" in text and "I do not know" in text
    assert section(images()).count('class="point"') == 10 and 'class="raw"' in images()


def test_a_model_that_is_mostly_right_names_one_class() -> None:
    summary, extras = made_up.table_run()
    y = np.arange(200) % 2
    text = Reader(section(render(summary | measured(right(y, np.arange(200) % 25 != 0), y), extras))).text
    assert "it always names one class" in text and "Most often left open" not in text


def test_an_interval_is_compared_with_knowing_nothing() -> None:
    text = Reader(section(numbers())).text
    assert "within ±41.2 of the prediction" in text
    assert "the model's is 50% of it" in text and "91 of 100 true values lay inside" in text


def test_errors_that_go_with_the_prediction_are_told_for_small_and_large_ones() -> None:
    text = Reader(section(growing())).text
    assert "of a middling prediction" in text and "because errors go with the prediction here" in text
    assert "smallest third" in text and "a range meant to hold 50 of 100 held" in text
    assert "equally wide" not in text and "All intervals are equally wide" in Reader(section(numbers())).text


def test_the_answer_says_how_far_off_a_prediction_usually_is() -> None:
    page = growing().split('<section id="answer"')[1].split("</section>")[0]
    assert "Half of its predictions for rows that it had not seen were off by less than" in Reader(page).text


def test_without_evidence_there_is_no_section() -> None:
    assert 'id="sure"' not in made_up.page(made_up.image_run)
