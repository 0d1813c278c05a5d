from __future__ import annotations

import re
import shlex
from types import SimpleNamespace
from typing import Any

import pytest

from handful.report.summary import _command
from handful.report.text import answer_text
from handful.settings import Settings
from tests.report import made_up


@pytest.mark.parametrize("name", list(made_up.RUNS))
def test_the_answer_is_a_few_printable_lines(name: str) -> None:
    summary, _ = made_up.RUNS[name]()
    text = answer_text(summary)
    assert 4 <= len(text.splitlines()) <= 10
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202e\udc80-\udcff]", text)
    assert not re.search(r"\b(nan|None|inf)\b", text)


def test_it_says_what_to_use_and_what_to_expect() -> None:
    text = answer_text(made_up.image_run()[0])
    assert "Use       Average of the 5 best models" in text
    assert "expect about 87 right, between 83 and 91" in text
    assert "(accuracy 87.3%, 83.4–90.6%, 95% interval)" in text
    assert "1 alarm: 1 picture is there twice" in text
    assert "1 of 29 candidates: MemoryError" in text


def test_ties_are_named_in_words() -> None:
    text = answer_text(made_up.table_run()[0])
    assert "with this much data Support vector machine (RBF) and Random forest cannot be told apart" in text


def test_without_a_model_it_says_why() -> None:
    text = answer_text(made_up.failed_run()[0])
    assert "No model can be recommended" in text
    assert "the table holds infinite values" in text
    assert answer_text({}).startswith("No model can be recommended")


def test_a_test_set_without_a_score_says_why() -> None:
    summary = made_up.table_run()[0]
    reason = "the test set holds only the class 'a', for which F1 is not defined"
    summary["test"] = {"metric": "f1", "value": None, "n": 1, "inside": None, "reason": reason}
    assert f"Test set  Your own test set of 1 row was not scored: {reason}." in answer_text(summary)


def test_the_command_to_do_it_again_can_be_pasted_into_a_terminal() -> None:
    named = SimpleNamespace(origin={"name": "my data & more.csv"})
    run: Any = SimpleNamespace(settings=Settings(target="the outcome"), dataset=named, by_hand=[])
    words = shlex.split(_command(run))
    assert words[:5] == ["handful", "fit", "my data & more.csv", "--target", "the outcome"]
