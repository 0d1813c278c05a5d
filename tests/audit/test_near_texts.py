"""Texts that are nearly the same, and those that are only alike."""

from __future__ import annotations

import numpy as np
import pytest

from handful.audit import audit
from handful.audit.near_texts import near_duplicate_texts
from tests.audit.data import texts

TEXT = (
    "the printer on floor two prints every page twice since monday and the paper tray jams after ten sheets "
    "so please send someone who can look at it before the big meeting on friday because nobody else may open "
    "it"
)
WORDS = TEXT.split()
ANSWER = "we have seen this before with other machines of the kind and will come"
OTHER = [
    "my laptop does not find the network in the library any more although it did last week",
    "could you reset the password of my account I have forgotten it over the holidays",
    "the projector in room nine shows everything in green and the remote control is gone",
    "please install the statistics program on all machines of the course before tuesday",
    "mail from outside arrives two days late and some of it does not arrive at all",
    "the scanner sends empty files whatever is put into it and blinks in red all day",
]


def changed(how: str) -> str:
    words = list(WORDS)
    if how == "another name":
        words[4] = "three"
        words[9] = "tuesday"
    elif how == "quoted in a reply":
        words = [
            *ANSWER.split(),
            ">",
            *words,
        ]
    elif how == "a line more":
        words += ["sent", "from", "my", "phone", "please", "excuse", "errors"]
    elif how == "cut off":
        words = words[:20]
    elif how == "capitals":
        words = [word.upper() + "," for word in words]
    return " ".join(words)


@pytest.mark.parametrize("how", ["another name", "quoted in a reply", "a line more", "cut off", "capitals"])
def test_a_text_that_was_changed_a_little_is_near_to_the_one_it_was(how):
    found = near_duplicate_texts([*OTHER, TEXT, changed(how)], largest=10)
    assert [cluster.tolist() for cluster in found.clusters] == [[6, 7]]


def test_texts_on_one_matter_are_not_near():
    assert near_duplicate_texts(OTHER, largest=10).clusters == []


def test_a_short_text_inside_a_long_one_is_no_copy():
    found = near_duplicate_texts([*OTHER, TEXT, "on floor two", "the paper tray jams"], largest=10)
    assert found.clusters == []


def test_short_texts_are_near_only_where_nearly_all_is_the_same():
    few = ["thanks a lot!", "Thanks a lot", "thanks for nothing", "no", "a lot of it"]
    assert [c.tolist() for c in near_duplicate_texts(few, largest=10).clusters] == [[0, 1]]


def test_what_most_texts_end_with_makes_no_copies():
    signature = "with kind regards the service desk of the faculty room one hundred and two telephone three"
    assert near_duplicate_texts([f"{text} {signature}" for text in OTHER], largest=10).clusters == []


def test_likeness_is_not_chained():
    a, b = WORDS[:24], WORDS[16:40]
    found = near_duplicate_texts([*OTHER, " ".join(a), " ".join(WORDS[8:32]), " ".join(b)], largest=10)
    assert sorted(len(c) for c in found.clusters) == [2]  # the outer two share too little


def test_a_language_without_spaces_is_compared_by_its_characters():
    one = "打印机从星期一开始每页都打印两次请派人来看看"
    found = near_duplicate_texts(
        [one, one.replace("星期一", "星期二"), "我忘记了密码请帮我重新设置一下谢谢"], 10
    )
    assert [c.tolist() for c in found.clusters] == [[0, 1]]


def test_texts_without_a_word_are_near_to_nothing():
    assert near_duplicate_texts(["!!!", "?", "..."], largest=10).clusters == []


def test_near_duplicates_become_groups_and_are_told_with_their_words():
    labels = ["a", "b"] * 3 + ["a", "b"]
    audited = audit(texts([*OTHER, TEXT, changed("another name")], labels))
    assert audited.groups is not None and audited.groups[6] == audited.groups[7]
    assert len(np.unique(audited.groups)) == 7
    found = {f.kind: f for f in audited.findings}
    assert "2 texts share most of their words" in found["near-duplicates"].message
    assert found["near-duplicates"].items[0].startswith("6 ~ 7: \u201cthe printer on floor two")
    assert "Nearly the same text" in found["near-duplicates, two labels"].message


def test_many_texts_of_one_form_are_told_and_not_grouped():
    form = (
        "your order number {} has left our house today and will reach you within the next three working days"
    )
    filled = [form.format(i) for i in range(30)]
    rest = [" ".join(np.random.default_rng(i).permutation(WORDS)) for i in range(60)]
    audited = audit(texts(filled + rest, ["order", "other", "more"] * 30))
    crowd = next(f for f in audited.findings if f.kind == "many texts look alike")
    assert crowd.message.startswith("30 texts look so much alike") and audited.groups is None
