from __future__ import annotations

from dataclasses import replace

from handful.evidence.comparison import Difference
from handful.evidence.ledger import GREEDY, Line
from handful.evidence.predictions import Row
from handful.report.ledger import ledger_part
from handful.report.page import render
from handful.report.words import Metric
from tests.report import made_up
from tests.report.test_page import Reader

ACCURACY = Metric("accuracy", "accuracy", percent=True)
ERROR = Metric("rmse", "RMSE", higher_is_better=False, decimals=2)


def line(
    value: float, error: float, *, kept: bool, metric: Metric = ACCURACY, technique: str = "flips"
) -> str:
    rows = (Row(name, f"The {name}", "classic", 0) for name in ("one with it", "one without"))
    found = Line(technique, 3, 1.0, kept, *rows, Difference(value, error, 100))
    part = ledger_part([found], metric, "pictures")[0]
    assert part["gain"] == value and part["with"] == "one with it" and part["base"] == "one without"
    return part["words"]


def test_each_outcome_is_a_sentence() -> None:
    tried = "It was tried on 3 candidates; that one of them is chosen is allowed for."
    assert line(0.031, 0.01, kept=True) == (
        f"It brings about 3.1 points of accuracy over the one without, between 1.1 and 5.1. {tried} Kept."
    )
    assert line(0.031, 0.01, kept=False).endswith(
        "Dropped all the same: candidates without it are better still."
    )
    assert line(-0.031, 0.01, kept=False).startswith(
        "It costs about 3.1 points of accuracy against the one without, between 1.1 and 5.1."
    )
    assert line(0.005, 0.01, kept=False) == (
        "With these pictures it cannot be told apart from nothing: anything from 1.5 points worse to 2.5 "
        f"points better is possible. {tried} Dropped: nothing that serves uses it."
    )
    assert "may help, and no harm is seen" in line(0.005, 0.01, kept=True)
    assert line(-0.005, 0.01, kept=True).endswith("what it seems to cost may be chance.")
    assert line(1.5, 0.1, kept=True, metric=ERROR).startswith(
        "It brings about 1.50 (RMSE) over the one without, between 1.30 and 1.70."
    )
    assert "never served" in line(0.031, 0.01, kept=False, technique=GREEDY)


def test_fine_tuning_that_does_not_beat_the_best_without_it_is_dropped_and_says_so() -> None:
    tuned, probe, frozen = (
        Row(name, f"The {name} network", family, 0)
        for name, family in (("tuned", "finetune"), ("probed", "transfer"), ("frozen", "transfer"))
    )
    gain, over_best = Difference(0.026, 0.01, 100), Difference(-0.004, 0.007, 100)
    found = Line("fine-tuning", 1, 9.0, False, tuned, probe, gain, best=(tuned, frozen), over_best=over_best)
    part = ledger_part([found], ACCURACY, "pictures")[0]
    assert part["words"] == (
        "It brings about 2.6 points of accuracy over the probed network, between 0.6 and 4.6. The best with "
        "it against the best without, the frozen network: 0.4 points worse (from 1.8 points worse to 1.0 "
        "points better; that both are chosen is allowed for). Dropped: it is dear, to learn and to ask, and "
        "scored no higher than the best without it."
    )
    assert part["over_best"]["without"] == "frozen" and part["over_best"]["gain"] == -0.004
    early = ledger_part([replace(found, repeats=1)], ACCURACY, "pictures")[0]
    assert (
        early["repeats"] == 1
        and ("Told from the first time that the folds were drawn, after which it was stopped early. Dropped")
        in early["words"]
    )
    untried = Line("fine-tuning", 0, 0.0, False, reason="there was no time")
    assert ledger_part([untried], ACCURACY, "pictures")[0]["words"] == (
        "What it is worth here is not known: there was no time. Nothing that serves uses it."
    )
    same = replace(found, best=(tuned, probe), kept=True)
    assert "best without" not in ledger_part([same], ACCURACY, "pictures")[0]["words"]


def test_the_page_has_a_line_a_technique_and_says_what_is_not_known() -> None:
    page = render(*made_up.image_run())
    section = page.split('<section id="ledger"')[1].split("</section>")[0]
    text = Reader(section).text
    assert "+9.1 +5.1 to +13.1 12 s What transfer: frozen features is worth, in words." in text
    assert "Transfer: frozen features kept" in text
    assert "Augmentation: flips dropped" in text and "−3.0 −5.0 to −1.0" in text
    assert "Fine-tuning. What fine-tuning is worth, in words." in text
    assert section.count('<svg class="track gain') == 3
    assert "<img" not in section


def test_pictures_of_a_technique_are_shown_where_there_are_some() -> None:
    summary, extras = made_up.image_run()
    extras["ledger_pictures"] = {
        "augmentation: flips": ["data:image/png;base64,AAAA", made_up.pictures(1)[0]]
    }
    section = render(summary, extras).split('<section id="ledger"')[1].split("</section>")[0]
    assert section.count("<img") == 2 and 'src="data:image/png;base64,AAAA"' in section


def test_what_becomes_of_a_text_is_shown_where_it_was_altered() -> None:
    summary, extras = made_up.image_run()
    extras["ledger_texts"] = {
        "augmentation: flips": ["a <b> long letter", "a <b> letter", "long a <b> letter"]
    }
    section = render(summary, extras).split('<section id="ledger"')[1].split("</section>")[0]
    shown = "a <b> long letter becomes a <b> letter or long a <b> letter"
    assert shown in Reader(section).text and "<b> letter" not in section


def test_techniques_of_which_the_same_is_not_known_share_a_line() -> None:
    summary, extras = made_up.image_run()
    words = "What it is worth here is not known: there was no time. Nothing that serves uses it."
    names = ("class weights", "fine-tuning", "network width")
    summary["ledger"] = [made_up.ledger_line(name, None, words=words) for name in names]
    text = Reader(render(summary, extras).split('<section id="ledger"')[1].split("</section>")[0]).text
    assert "Class weights; Fine-tuning; Network width. What each is worth here is not known" in text
    assert text.count("there was no time") == 1


def test_a_run_without_a_ledger_has_no_such_section() -> None:
    summary, extras = made_up.image_run()
    assert 'id="ledger"' not in render(summary | {"ledger": None}, extras)
