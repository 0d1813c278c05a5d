"""Words that give the class away."""

from __future__ import annotations

import numpy as np

from handful.audit.telling import check_words
from tests.audit.data import table, texts

TEXT = "river stone cloud lamp bread paper glass wind table horse smoke apple chair light sound water"
WORDS = TEXT.split()


def said(n: int, seed: int = 0, length: int = 8) -> list[str]:
    random = np.random.default_rng(seed)
    return [" ".join(random.choice(WORDS, length)) for _ in range(n)]


def labelled(*stamps: str, n: int = 20) -> tuple[list[str], list[str]]:
    """n texts a class, each with the stamp of its class at its end; the classes are k0, k1, …"""
    X = [f"{text} {stamp}" for k, stamp in enumerate(stamps) for text in said(n, k)]
    return X, [f"k{k}" for k in range(len(stamps)) for _ in range(n)]


def test_a_name_in_one_of_many_other_texts_is_not_in_none_of_them():
    X, y = labelled("reef", "", n=250)
    X[-1] += " reef"
    (finding, _) = check_words(texts(X, ["reef" if label == "k0" else label for label in y]))
    assert "reef in 100% of its own texts and 0.4% of the others" in finding.message


def test_a_phrase_in_all_texts_of_one_class_alone_is_an_alarm():
    (finding,) = check_words(texts(*labelled("sent from the clinic", "", "")))
    assert (finding.kind, finding.severity, finding.items) == (
        "one phrase predicts the class",
        "alarm",
        ["k0"],
    )
    assert "\u201csent from the clinic\u201d stands in nearly every text of the class 'k0'" in finding.message


def test_several_different_phrases_are_a_note():
    X, y = labelled("", "")
    X = [f"le {x} mais {x[:5]} donc" if label == "k0" else x for x, label in zip(X, y, strict=True)]
    (finding,) = check_words(texts(X, y))
    assert finding.severity == "note" and "easy to tell apart" in finding.message


def test_few_texts_and_many_words_raise_no_alarm():
    for seed in range(20):
        X = [
            " ".join(f"w{i}" for i in np.random.default_rng([seed, k]).integers(0, 300, 60))
            for k in range(10)
        ]
        assert check_words(texts(X, ["a", "b"] * 5)) == []


def test_a_word_in_half_of_the_texts_is_no_alarm():
    X, y = labelled("", "")
    X = [
        f"{x} stamp" if label == "k0" and i % 2 else x for i, (x, label) in enumerate(zip(X, y, strict=True))
    ]
    assert check_words(texts(X, y)) == []


def test_names_of_classes_in_their_own_texts_are_told_with_how_often():
    X = [f"{text} about Deep Sea" if i < 12 else text for i, text in enumerate(said(20))] + said(20, 1)
    (finding,) = check_words(texts(X, ["deep_sea"] * 20 + ["shore"] * 20))
    assert (finding.kind, finding.severity) == ("class name in the texts", "warning")
    assert "deep_sea in 60% of its own texts and 0% of the others" in finding.message


def test_the_name_of_a_class_in_nearly_all_of_its_texts_is_an_alarm():
    X = [f"{text} (spam)" for text in said(20)] + said(20, 1)
    found = {f.kind: f.severity for f in check_words(texts(X, ["spam"] * 20 + ["ham"] * 20))}
    assert found["class name in the texts"] == "alarm"


def test_a_name_that_all_texts_hold_says_nothing():
    X = [f"{text} review" for text in said(40)]
    assert check_words(texts(X, ["review"] * 20 + ["other"] * 20)) == []


def test_short_names_and_parts_of_words_do_not_count():
    X = [f"{text} no goodness" for text in said(20)] + said(20, 1)
    assert [f.kind for f in check_words(texts(X, ["no"] * 20 + ["good"] * 20))] == [
        "one phrase predicts the class"
    ]


def test_other_data_has_no_words():
    import pandas as pd

    assert check_words(table(pd.DataFrame({"a": [1, 2, 3, 4]}), ["a", "b"] * 2)) == []


def test_a_name_and_a_phrase_are_found_where_words_are_not_parted():
    random = np.random.default_rng(0)
    words = "打印机账单密码屏幕键盘电话网络邮件"
    plain = ["".join(random.choice(list(words), 10)) for _ in range(40)]
    y = ["退款"] * 20 + ["其他"] * 20
    X = [
        f"{text[:5]}退款{text[5:]}" if label == "退款" else text for text, label in zip(plain, y, strict=True)
    ]
    name, phrase = check_words(texts(X, y))
    assert name.severity == "alarm" and "退款 in 100% of its own texts" in name.message
    assert phrase.severity == "alarm" and "\u201c退款\u201d" in phrase.message
