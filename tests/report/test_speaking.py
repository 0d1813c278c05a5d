"""The words that speak for each class, and texts on the page."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from handful.data.dataset import Dataset
from handful.data.load import load
from handful.report.content import beginning
from handful.report.extras import _altered
from handful.report.page import render
from handful.report.speaking import speaking
from handful.settings import Settings
from handful.strategies.candidate import Candidate
from tests.report import made_up
from tests.report.test_labels import FLAGGED, section
from tests.report.test_page import Reader

TEXT = "river stone cloud lamp bread paper glass wind table horse smoke apple chair light sound water"
EVIL = "so <script>alert(1)</script> bad"


def texts(n: int = 40) -> Dataset:
    """Two classes of random words; three in four of the class "a" hold the word marker."""
    random = np.random.default_rng(0)
    said = [" ".join(random.choice(TEXT.split(), 8)) for _ in range(n)]
    said = [f"{text} marker" if i % 2 == 0 and i % 8 else text for i, text in enumerate(said)]
    return load((said, ["a", "b"] * (n // 2)), Settings())


def test_a_word_that_one_class_holds_speaks_for_it_with_its_numbers() -> None:
    dataset = texts()
    found = speaking(dataset)
    assert found is not None
    assert found[0] == {"class": "a", "words": [{"word": "marker", "own": 15, "others": 0}]}
    assert found[1] == {"class": "b", "words": []}


def test_words_that_only_chance_divides_are_not_shown() -> None:
    dataset = texts(120)
    shown = 0
    for seed in range(10):
        dataset.y = np.random.default_rng(seed).permutation(dataset.y)
        shown += sum(len(line["words"]) for line in speaking(dataset) or [])
    assert shown <= 10  # one a time was asked for


def test_without_classes_or_words_nothing_speaks() -> None:
    assert speaking(load((["!!", "??"] * 4, ["a", "b"] * 4), Settings())) is None
    assert speaking(load((TEXT.split(), np.arange(16) / 3), Settings(modality="text"))) is None


def test_a_long_text_is_cut_behind_a_word_and_a_poem_behind_a_line() -> None:
    shown, rest = beginning("word " * 100)
    assert shown is not None and shown.endswith("word") and len(shown) <= 280
    assert rest is not None and len(shown) + 1 + len(rest) == 499
    shown, rest = beginning("\n".join("abcdefghij" * 3 for _ in range(20)))
    assert shown is not None and shown.count("\n") == 7
    assert beginning("字" * 300)[0] == "字" * 280


def test_texts_on_the_page_are_shown_and_never_run() -> None:
    summary, extras = made_up.image_run()
    for mistake in extras["mistakes"]:
        mistake |= {"picture": None, "text": EVIL}
    extras["labels"] = [{"id": "Shirt/<b>.png", "picture": None, "row": None, "text": EVIL}]
    extras["map"] |= {"pictures": None, "texts": [EVIL] * 300, "seen": "words"}
    extras["words"] = [{"class": "a", "words": [{"word": "<b>", "own": 3, "others": 0}]}]
    page = render(summary | {"labels": FLAGGED}, extras)
    assert "<script>alert(1)" not in page
    look = Reader(section(page, "look")).text
    assert EVIL in look and "Texts of similar words lie close together" in look
    assert "Words that speak for each class" in look and "<b> 3 : 0" in look
    assert section(page, "look").count("data-text=") == 300
    assert EVIL in Reader(section(page, "trust")).text


class Altering:
    """An estimator that makes copies, as those that learn from altered texts do."""

    def made(self, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return np.array([text.upper() for text in X], dtype=object), np.arange(len(X))


def test_the_copies_of_a_text_are_those_that_a_candidate_learns_from() -> None:
    said = ["short", "a longer letter " * 5, "the longest letter of all " * 9]
    dataset = load((said * 2, ["a", "b"] * 3), Settings())
    candidates = [Candidate("c", "c", "augmentation", Altering(), technique="capitals")]
    run = SimpleNamespace(dataset=dataset, candidates=candidates)
    text = dataset.X[1]
    assert _altered(run) == {"capitals": [text, text.upper()]}  # type: ignore[arg-type]
