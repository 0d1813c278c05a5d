from __future__ import annotations

import copy
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import handful.report
from handful.report import words
from handful.report.content import table_cells
from handful.report.page import render
from handful.report.text import answer_text
from tests.report import made_up


class Reader(HTMLParser):
    """What a browser would find in a page: visible text, ids, links, addresses, elements."""

    VOID = {"meta", "link", "img", "br", "input"}

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.words: list[str] = []
        self.folded: list[str] = []
        self.ids: list[str] = []
        self.anchors: list[str] = []
        self.addresses: list[str] = []
        self.elements: list[str] = []
        self.handlers: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        if tag not in self.VOID and not self.get_starttag_text().endswith("/>"):
            self.open.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            if name in ("src", "href", "srcset", "xlink:href", "action", "poster"):
                (self.anchors if (value or "").startswith("#") else self.addresses).append(value or "")
            if name.startswith("on"):
                self.handlers.append(name)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"style", "script"} & set(self.open):
            self.words.append(data)
            if "details" in self.open:
                self.folded.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


@pytest.fixture(scope="module", params=list(made_up.RUNS))
def page(request: pytest.FixtureRequest) -> str:
    return made_up.page(made_up.RUNS[request.param])


def read(make: Callable, **changes: object) -> Reader:
    if not changes:
        return Reader(made_up.page(make))
    summary, extras = make()
    return Reader(render(summary | changes, extras))


def test_missing_numbers_are_never_printed(page: str) -> None:
    assert not re.search(r"\b(nan|inf|None|null|undefined)\b", Reader(page).text, re.IGNORECASE)


def test_every_element_is_closed_and_ids_are_unique(page: str) -> None:
    reader = Reader(page)
    assert reader.open == []
    assert len(reader.ids) == len(set(reader.ids))
    assert {a[1:] for a in reader.anchors} <= set(reader.ids)


def test_nothing_is_fetched_from_elsewhere(page: str) -> None:
    assert all(address.startswith("data:") for address in Reader(page).addresses)
    assert not re.search(r"@import|url\(", page)
    assert "default-src 'none'" in page


def test_every_figure_has_a_title_and_a_description(page: str) -> None:
    for svg in re.findall(r"<svg.*?</svg>", page, re.DOTALL):
        assert 'aria-hidden="true"' in svg or re.search(r"<title>.*?</title><desc>.+?</desc>", svg, re.DOTALL)


def test_what_comes_from_the_data_is_escaped() -> None:
    reader = read(made_up.hostile_run)
    assert reader.elements.count("script") == 1
    assert reader.handlers == []
    assert "<script>alert(1)</script>" in reader.text


def test_unprintable_characters_of_file_names_do_not_reach_the_page() -> None:
    page = made_up.page(made_up.hostile_run)
    page.encode("utf-8")
    assert not re.search("[\x00-\x08\x1b\u202e\udc80-\udcff]", page)


def test_the_answer_names_the_model_in_words_and_the_corrected_score() -> None:
    reader = read(made_up.image_run)
    answer = reader.text.split("What was tried", 2)[1]
    assert "Use Average of the 5 best models" in answer
    assert "Out of 100 new pictures, expect about 87 right, between 83 and 91." in answer
    assert "88.1%" not in answer  # the winner's own score is not what new data will show
    assert "ensemble/uniform" not in reader.text


def test_the_sections_stand_in_order_and_are_numbered() -> None:
    page = made_up.page(made_up.image_run)
    assert re.findall(r'<section id="(\w+)"', page) == [
        "answer",
        "ledger",
        "leaderboard",
        "overfitting",
        "more_data",
        "trust",
        "look",
        "method",
        "glossary",
    ]
    assert re.findall(r"<h2[^>]*><span>(\d)</span>", page) == list("123456789")


def test_a_section_without_evidence_is_left_out_and_its_reason_is_given() -> None:
    summary, _ = made_up.image_run()
    summary |= {"overfitting": None, "reasons": {"overfitting": "Training scores were not kept."}}
    page = render(summary)
    assert 'id="overfitting"' not in page
    assert 'id="look"' in page  # the scores per class are in the summary
    assert "Training scores were not kept." in Reader(page).text


def test_an_empty_summary_gives_a_page_that_says_so() -> None:
    assert "No model can be recommended" in Reader(render({}, {})).text


def test_when_all_failed_the_causes_are_grouped_and_nothing_is_promised() -> None:
    reader = read(made_up.failed_run)
    assert "No model can be recommended" in reader.text
    assert "9 candidates" in reader.text and reader.text.count("Input X contains infinity") == 1
    assert "expect about" not in reader.text


def test_a_score_no_better_than_guessing_is_called_so() -> None:
    summary, extras = made_up.table_run()
    summary["expected"] |= {"value": 0.55, "low": 0.46, "high": 0.64}
    assert "nothing reliable was learned" in Reader(render(summary, extras)).text
    assert "nothing reliable was learned" not in read(made_up.table_run).text


def test_where_nothing_was_learned_nothing_is_a_fair_choice() -> None:
    summary, extras = made_up.image_run()
    summary["tie"] = {"cheapest": summary["tie_group"][-1], "words": "The cheapest of them to use: HOG."}
    assert "any of them is a fair choice. The cheapest" in Reader(render(summary, extras)).text
    assert "the cheapest of them" in answer_text(summary)
    summary["verdict"] = {
        "deep_learning": "nothing to learn",
        "short": "Nothing yet.",
        "text": "Nothing yet.",
    }
    text = Reader(render(summary, extras)).text
    assert "from the chosen one, and none of them is shown to be better than a guess." in text
    assert "fair choice" not in text and "The cheapest of them" not in text
    assert "the cheapest of them" not in answer_text(summary)


def test_a_guess_that_serves_is_not_called_corrected() -> None:
    summary, extras = made_up.table_run()
    assert "is already corrected for that" in Reader(render(summary, extras)).text
    guess = next(row for row in summary["leaderboard"] if row["family"] == "baseline")
    summary["chosen"] = guess["name"]
    text = Reader(render(summary, extras)).text
    assert "None is used, so the score above is that of guessing" in text
    assert "is already corrected for that" not in text


def test_a_lower_is_better_metric_orders_and_compares_the_other_way() -> None:
    summary, extras = made_up.regression_run()
    board = [made_up.candidate(f"m{s}", "classic", f"Model {s}", s) for s in (61.0, 54.3)]
    board.append(made_up.candidate("baseline/mean", "baseline", "Always the mean", 77.0))
    summary |= {
        "metric_info": None,
        "leaderboard": board,
        "chosen": "m54.3",
        "winner": "m54.3",
        "expected": {"metric": "rmse", "value": 55.0, "low": 50.1, "high": 60.2, "level": 0.95},
        "overfitting": None,
        "test": None,
    }
    text = Reader(render(summary, extras)).text
    expected = "expect errors of about 55.0, between 50.1 and 60.2, in the units of the target, where large "
    assert f"{expected}errors weigh more." in text
    assert text.index("1 Model 54.3") < text.index("2 Model 61.0")
    assert "nothing reliable" not in text and "lower is better" in text


def test_long_lists_are_folded_but_the_chosen_one_stays_in_sight() -> None:
    summary, extras = made_up.image_run()
    last = summary["leaderboard"][19]
    last |= {"label": "The humble one", "score": 0.5}
    reader = Reader(render(summary | {"chosen": last["name"]}, extras))
    assert "Raw pixels (PCA) with random forest" in reader.folded
    assert not any("The humble one" in words for words in reader.folded)


def test_an_alarm_of_the_audit_stands_beside_the_answer() -> None:
    text = read(made_up.image_run).text
    alarm = "Before you rely on this: 1 picture is there twice"
    assert text.index(alarm) < text.index("Each dot is")


def test_duplicates_are_shown_as_pictures_and_other_items_by_name() -> None:
    page = made_up.page(made_up.image_run)
    trust = page.split('<section id="trust"')[1].split("</section>")[0]
    assert trust.count("<img") == 6
    assert "Dress/notes.txt.png" in trust


def test_no_mistakes_is_said_in_words() -> None:
    assert "Not one: every example was predicted correctly" in read(made_up.many_classes_run).text


def test_a_confusion_matrix_of_many_classes_becomes_the_worst_pairs() -> None:
    page = made_up.page(made_up.many_classes_run)
    assert 'class="heat"' not in page
    assert re.search(r"<td>Species number 03</td><td>Species number 04</td>", page)
    assert 'class="heat"' in made_up.page(made_up.image_run)


def test_mistakes_of_a_table_show_the_row() -> None:
    text = read(made_up.table_run).text
    assert "said no , 94% sure truly yes" in text
    assert "smoker missing" in text and "bmi 27.4" in text


def test_regression_shows_the_residual_band() -> None:
    page = made_up.page(made_up.regression_run)
    assert page.count('class="point"') == 2 * 200  # truth against prediction, and what is left as an error
    assert 'class="band"' in page


def test_a_measured_value_colours_the_map_and_orders_the_pictures() -> None:
    summary, extras = made_up.regression_run()
    random = np.random.default_rng(0)
    value = np.arange(60.0)
    extras["map"] = {
        "xy": random.normal(size=(60, 2)),
        "label": value,
        "predicted": value + 1,
        "id": [f"{i}.png" for i in range(60)],
        "outside": value < 3,
        "pictures": None,
    }
    page = render(summary, extras)
    assert all(f'class="v{k}"' in page for k in range(6))
    assert "60 examples, 3 of them outside of the range that was told (ringed)" in page
    assert "7.png: 7, predicted 8" in page and "0 to 10" in page


def test_a_test_set_outside_the_interval_is_pointed_out() -> None:
    assert "it reached an R² of 0.310, outside the interval" in read(made_up.regression_run).text


def test_the_glossary_explains_only_words_of_this_page() -> None:
    assert "Frozen features" in read(made_up.image_run).text
    assert "Frozen features" not in read(made_up.table_run).text


def test_a_verdict_is_shown_once_there_is_one() -> None:
    text = read(made_up.image_run, verdict={"deep_learning": "yes", "text": "Deep learning pays here."}).text
    assert "Deep learning pays here." in text


def test_the_same_run_gives_the_same_page_and_is_left_unchanged() -> None:
    summary, extras = made_up.image_run()
    before = copy.deepcopy(summary)
    first = render(summary, extras)
    assert first == render(*made_up.image_run())
    assert summary == before


def test_the_page_stays_under_four_megabytes_with_large_noisy_pictures() -> None:
    summary, extras = made_up.image_run()
    noise = list(np.random.default_rng(0).integers(0, 256, (300, 160, 160, 3), dtype=np.uint8))
    extras["map"]["pictures"] = noise
    extras["mistakes"] = [m | {"picture": p} for m, p in zip(extras["mistakes"] * 4, noise, strict=False)]
    extras["examples"] = {name: noise[:12] for name in extras["examples"]}
    extras["pictures"] = {str(i): p for i, p in enumerate(noise)}
    summary["audit"][0]["items"] = list(extras["pictures"])
    assert len(render(summary, extras).encode()) < 4_000_000


def test_extras_may_hold_arrays_instead_of_lists() -> None:
    summary, extras = made_up.image_run()
    plain = render(summary, extras)
    extras["confusion"] = {name: np.asarray(value) for name, value in extras["confusion"].items()}
    extras["map"] = {name: np.asarray(value) for name, value in extras["map"].items()}
    extras["examples"] = {name: np.asarray(value) for name, value in extras["examples"].items()}
    assert render(summary, extras) == plain


def test_missing_values_and_dates_of_a_row_are_shown_in_words() -> None:
    summary, extras = made_up.table_run()
    extras["mistakes"][0]["row"] = {"when": pd.Timestamp("2024-02-29"), "left": pd.NaT, "ward": pd.NA}
    text = Reader(render(summary, extras)).text
    assert "when 2024-02-29 00:00:00 left missing ward missing row 17" in text


def test_many_alarms_do_not_bury_the_answer() -> None:
    summary, extras = made_up.image_run()
    alarm = {"kind": "leak", "severity": "alarm", "message": "A column tells the answer.", "items": []}
    text = Reader(render(summary | {"audit": [alarm] * 5}, extras)).text
    assert text.count("Before you rely on this") == 2
    assert "And 3 more alarms" in text


def test_no_template_asks_for_a_name_that_every_dict_has() -> None:
    """`v.values` in a template is the method of a dict, which is never false."""
    taken = {name for name in dir(dict) if not name.startswith("_")}
    for page in Path(handful.report.__file__).parent.glob("*.html"):
        asked = set(
            re.findall(r"\.(\w+)\b(?!\()", " ".join(re.findall(r"{[{%].*?[%}]}", page.read_text("utf-8"))))
        )
        assert not asked & taken, f"{page.name}: {asked & taken}"


def test_one_more_is_not_several() -> None:
    summary, extras = made_up.table_run()
    row = {f"x{i}": 1.0 for i in range(9)}
    extras["mistakes"] = [{**extras["mistakes"][0], "row": row}]
    text = Reader(render(summary, extras)).text
    assert "1 more column " in text and "1 more columns" not in text
    summary["audit"] = [
        {"kind": "leak", "severity": "alarm", "message": f"alarm {i}", "items": []} for i in range(3)
    ]
    assert "And 1 more alarm " in Reader(render(summary, extras)).text


def test_a_whole_number_of_a_row_is_written_out() -> None:
    written = table_cells({"year": 2023.0, "pay": 1234567.0, "rate": 0.12345678, "debt": -5.0})
    assert [value for _, value in written] == ["2023", "1,234,567", "0.123457", "-5"]


def test_of_equals_none_is_called_the_best() -> None:
    summary, extras = made_up.image_run()
    summary["winner"] = "transfer/lite0-2-0"
    best, chosen = (words.row_of(summary, summary[key]) for key in ("winner", "chosen"))
    assert best is not None and chosen is not None
    best["score"] = chosen["score"] + 0.01
    assert "Best by itself: " in Reader(render(summary, extras)).text
    best["score"] = chosen["score"]
    assert "Best by itself: " not in Reader(render(summary, extras)).text


def test_what_was_not_measured_is_named_in_plain_words() -> None:
    summary, extras = made_up.table_run()
    summary["reasons"] = {"leak_premium": "there are no groups", "controls": "none was asked"}
    text = Reader(render(summary, extras)).text
    assert "what random splits would have told there are no groups" in text and "controls none was" in text


def test_what_there_was_no_time_to_try_is_not_counted_as_tried() -> None:
    summary, extras = copy.deepcopy(made_up.image_run())
    before = int(re.search(r"(\d+) candidates were tried", Reader(render(summary, extras)).text)[1])
    out = {"stopped": "time", "score_so_far": None}
    summary["leaderboard"] += [
        made_up.candidate("never", "classic", "never begun", None, **out, splits_done=0),
        made_up.candidate("once", "classic", "begun once", None, **out, splits_done=1),
    ]
    assert f"{before + 1} candidates were tried" in Reader(render(summary, extras)).text


def test_a_candidate_that_fails_in_every_fold_is_one_candidate() -> None:
    failures = [{"cause": "ValueError: no licence", "candidates": ["classic/c1"], "count": 5}]
    text = read(made_up.table_run, failures=failures).text
    assert "1 candidate : " in text and "5 candidates" not in text
