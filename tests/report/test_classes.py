"""Class by class in the report: counts, intervals, and words about the small ones."""

from __future__ import annotations

import json

import numpy as np

from handful.report.classes import classes_part, rare_text
from handful.report.page import render
from handful.report.text import answer_text
from tests.evidence.drawn import constant, held_out
from tests.report import made_up
from tests.report.test_page import Reader


def part() -> list[dict]:
    y = np.repeat([0, 1, 2], [60, 12, 40])
    said = y.copy()
    said[60:65], said[:3] = 0, 1
    predictions = held_out({"baseline": constant(y, K=3), "model": np.eye(3)[said]}, y)
    found = classes_part(predictions, predictions.row("model"), ["well", "ill", "old"], "rows")
    assert found is not None
    return json.loads(json.dumps(found))


def test_a_class_is_told_in_words_with_a_warning_where_it_has_few_examples() -> None:
    well, ill, old = part()
    assert ill["words"].startswith(
        "Of 12 rows of 'ill', 7 were found (58%; of new ones 28 to 83%); the others were taken for 'well' "
        "(5). Of 10 that the model calls so, 7 are right. These are few examples to tell by: with more of "
        "this class one would know it better."
    )
    assert ill["few"] and ill["recall"] == 7 / 12 and ill["recall_low"] < 0.35 < 0.8 < ill["recall_high"]
    assert ill["taken_for"] == [{"class": "well", "count": 5}] and ill["named"] == 10
    assert well["taken_for"] == [{"class": "ill", "count": 3}] and "few" not in well["words"]
    assert old["words"] == (
        "Of 40 rows of 'old', all were found (100%; of new ones 89 to 100%). Of 40 that the model calls so, "
        "all are right."
    )


def test_a_class_of_which_one_in_thousands_is_missed_is_not_found_whole() -> None:
    y = np.repeat([0, 1], [3000, 1000])
    said = y.copy()
    said[0] = 1
    predictions = held_out({"baseline": constant(y), "model": np.eye(2)[said]}, y)
    found = classes_part(predictions, predictions.row("model"), ["well", "ill"], "rows")
    assert found is not None
    assert "2,999 were found (99.97%; of new ones 99.8 to 99.9997%)" in found[0]["words"]


def test_small_classes_stand_in_words_on_the_page_and_in_the_terminal() -> None:
    summary, extras = made_up.image_run()
    page = Reader(render(summary | {"classes": part()}, extras)).text
    assert "Of 12 rows of 'ill'" in page and "Of 40 rows" not in page
    assert "Rare      Of 12 rows of 'ill'" in answer_text(summary | {"classes": part()})


def test_equal_classes_need_no_words() -> None:
    same = [line | {"n": 20} for line in part()]
    assert rare_text({"classes": same}) is None and rare_text({"classes": None}) is None


def test_what_a_class_was_taken_for_is_counted_in_words() -> None:
    y = np.repeat(np.arange(5), 12)
    said = y.copy()
    said[:6] = [1, 1, 2, 2, 3, 4]
    predictions = held_out({"baseline": constant(y, K=5), "model": np.eye(5)[said]}, y)
    found = classes_part(predictions, predictions.row("model"), list("abcde"), "rows")
    assert found is not None and "and 1 other class" in found[0]["words"]
    assert "other classes" not in found[0]["words"]
