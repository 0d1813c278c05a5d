from __future__ import annotations

import re

import pytest

from handful.data.text_copies import WAYS, copy_of

REVIEW = (
    "The printer on the second floor is broken again. Nobody has called the technician yet! "
    "Could somebody from the office please look after it before the meeting on Thursday?"
)


@pytest.mark.parametrize("way", WAYS)
def test_a_copy_is_the_same_wherever_it_is_made_and_another_with_each_number(way: str) -> None:
    copies = [copy_of(REVIEW, way, k) for k in range(20)]
    assert copies == [copy_of(REVIEW, way, k) for k in range(20)]
    assert len(set(copies)) > 3 and all(copies) and copy_of(REVIEW + " Now.", way, 3) != copies[3]


def test_words_dropped_are_some_and_the_others_keep_their_order() -> None:
    for k in range(10):
        left = iter(REVIEW.split())
        assert all(word in left for word in copy_of(REVIEW, "words dropped", k).split())
    lengths = [len(copy_of(REVIEW, "words dropped", k).split()) for k in range(50)]
    assert 0.75 < sum(lengths) / 50 / len(REVIEW.split()) < 0.95


def test_swapped_words_are_the_same_words() -> None:
    swapped = copy_of(REVIEW, "words swapped", 1)
    assert sorted(swapped.split()) == sorted(REVIEW.split()) and swapped != REVIEW


def test_typing_errors_keep_the_number_of_words_and_their_first_letters() -> None:
    wrong, right = copy_of(REVIEW, "typos", 2).split(), REVIEW.split()
    assert [w[0] for w in wrong] == [w[0] for w in right]
    assert 1 <= sum(a != b for a, b in zip(wrong, right, strict=True)) < len(right) / 2


def test_sentences_are_left_out_whole() -> None:
    sentences = [s.strip() for s in re.findall(r"[^.!?]+[.!?]", REVIEW)]
    copies = {copy_of(REVIEW, "sentences dropped", k) for k in range(60)}
    assert copies > {REVIEW, sentences[0], f"{sentences[0]} {sentences[2]}"}
    assert {s.strip() for c in copies for s in re.findall(r"[^.!?]+[.!?]", c)} <= set(sentences)


def test_where_nothing_can_be_changed_the_copy_is_the_text() -> None:
    assert copy_of("ok", "typos", 1) == "ok" and copy_of("one sentence", "sentences dropped", 1)
    assert all(copy_of("yes", way, k) == "yes" for way in WAYS for k in range(5))


def test_words_of_languages_without_spaces_are_dropped_too() -> None:
    text = "打印机坏了，请帮忙修理一下，谢谢大家。"
    copies = {copy_of(text, "words dropped", k) for k in range(10)}
    assert len(copies) > 5 and all(set(copy) <= set(text) and copy for copy in copies)
