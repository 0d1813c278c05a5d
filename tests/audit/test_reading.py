"""How much can be read in texts."""

from __future__ import annotations

import numpy as np
import pytest

from handful.audit import reading
from handful.audit.reading import check_reading
from tests.audit.data import texts

LONG = "a few words that say what is the matter with it"


def test_very_short_texts_are_quoted_and_many_of_them_are_a_warning():
    (few,) = check_reading(texts([LONG] * 9 + ["no idea"], ["a", "b"] * 5))
    assert (few.kind, few.severity, few.items) == ("very short text", "note", ["9"])
    assert "1 text has fewer than 3 words: \u201cno idea\u201d" in few.message
    (many,) = check_reading(texts([LONG] * 5 + ["no", "yes"] * 2, ["a", "b", "c"] * 3))
    assert many.severity == "warning" and "Is this the right column" in many.message


def test_characters_that_are_words_are_not_short():
    assert check_reading(texts(["打印机坏了请帮忙", "我忘记了密码"] * 2, ["a", "b"] * 2)) == []


def test_texts_longer_than_the_network_reads_are_counted(monkeypatch):
    monkeypatch.setattr("handful.backbones.texts.default_text_backbone", lambda: "minilm")
    monkeypatch.setattr(reading, "_pieces", lambda dataset, name: (256, np.array([300, 10, 256, 11, 12, 9])))
    (note,) = check_reading(texts([LONG * 30, LONG, LONG, LONG, LONG, LONG], ["a", "b"] * 3))
    assert (note.kind, note.severity, note.items) == ("long text", "note", ["0"])
    assert "1 text is longer than the 256 word pieces (about 200 English words)" in note.message


def test_without_a_network_no_text_is_too_long(monkeypatch):
    monkeypatch.setattr("handful.backbones.texts.default_text_backbone", lambda: None)
    assert check_reading(texts([LONG * 100, LONG], ["a", "b"])) == []


RUSSIAN = "принтер снова не печатает"


@pytest.mark.parametrize(
    ("labels", "severity"), [(["a", "b"] * 10, "note"), (["a"] * 10 + ["b"] * 10, "warning")]
)
def test_several_scripts_are_a_note_and_a_warning_where_they_go_with_the_class(labels, severity):
    (finding,) = check_reading(texts([LONG] * 10 + [RUSSIAN] * 10, labels))
    assert (finding.kind, finding.severity) == ("several scripts", severity)
    assert "Latin (10 texts), Cyrillic (10 texts)" in finding.message
    assert ("Cyrillic stands for b" in finding.message) == (severity == "warning")


def test_a_stray_text_in_another_script_is_not_worth_a_line():
    assert check_reading(texts([LONG] * 19 + [RUSSIAN], ["a", "b"] * 10)) == []
