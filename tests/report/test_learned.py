"""The page shows codes, reconstructions and made-up examples, and says in words what they are worth."""

from __future__ import annotations

import base64
import re

import numpy as np

from handful.report.learned import customs_words, generated_pictures
from handful.report.page import render
from handful.report.training_figures import loss_figure
from tests.report import made_up, standins
from tests.report.test_labels import section
from tests.report.test_page import Reader

MADE = {"customs": True, "made": 80, "examined": 80, "entered": 61, "copies": 1, "other_class": 10, "far": 8}


def learned() -> str:
    return section(made_up.page(made_up.codes_run), "learned")


def test_codes_are_explained_measured_mapped_and_their_loss_is_split() -> None:
    text = Reader(learned()).text
    assert "squeezes each picture into a few numbers" in text
    assert "a code of 6 numbers" in text and "by chance it would be 20" in text
    assert "keeps 76% of what differs" in text
    assert "3 of them say something about a picture; the others it left unused" in text
    assert "told the class beside the code" in text and "the colours are for you" in text
    assert "What the codes may hold" in text and text.count("→") == 4


def test_what_they_were_worth_comes_first() -> None:
    text = Reader(learned()).text
    assert text.index("What generated examples: VAE is worth, in words.") < text.index("squeezes")
    assert "transfer" not in text


def test_made_up_examples_stand_beside_real_ones_with_their_fate() -> None:
    page = learned()
    assert "stopped: a copy" in page and page.count("passed</span>") > 10
    assert "not picked by hand" in page
    assert "40 pictures were made up; 0 passed one by one. Stopped were 40 as copies of real ones." in page
    words = Reader(made_up.page(made_up.codes_run)).text
    assert "Made-up example" in words and "Reconstruction" in words


def test_the_section_is_small() -> None:
    assert len(learned()) < 400_000


def test_rows_stand_side_by_side() -> None:
    summary, extras = made_up.table_run()
    found = standins.inside_rows()
    extras["inside"] = {"networks": found.networks, "generators": found.generators}
    page = section(render(summary, extras), "learned")
    text = Reader(page).text
    assert "writes the row again" in text and "not picked by hand" in text
    made, real = re.search(r"<th>x0</th><td[^>]*>([\d.]+)</td><td[^>]*>([\d.]+)</td>", page).groups()
    assert made == real  # it is a copy, and customs say so
    assert "made up" in text and "nearest real" in text


def test_where_nothing_is_kept_the_worth_is_told_all_the_same() -> None:
    summary, extras = made_up.table_run()
    summary["ledger"] = [made_up.ledger_line("autoencoder features", 0.01)]
    summary["reasons"] = {"autoencoder": "what it learned is not kept on this machine any more"}
    text = Reader(section(render(summary, extras), "learned")).text
    assert "What autoencoder features is worth, in words." in text
    assert "cannot be shown: what it learned is not kept on this machine any more." in text
    assert 'id="learned"' not in made_up.page(made_up.table_run)


def test_a_posterior_collapse_is_said() -> None:
    summary, extras = made_up.codes_run()
    maker = extras["inside"]["networks"][1] | {"collapsed": True, "active": 0}
    extras["inside"] = {"networks": [maker], "generators": []}
    text = Reader(section(render(summary, extras), "learned")).text
    assert "The codes hold nothing (a posterior collapse)" in text and "every picture of a class" in text


def test_what_became_of_made_up_examples_is_told_in_a_sentence() -> None:
    assert customs_words(MADE, "rows") == (
        "From one training part 80 rows were made up; 61 passed one by one. Stopped were 1 as a copy of a "
        "real one, 10 because of looking like another class and 8 because of lying far outside of all real "
        "ones."
    )
    some = MADE | {"made": 400, "entered": 80, "copies": 0, "other_class": 0, "far": 0}
    assert customs_words(some, "rows").endswith(
        "all of 80 that were examined again for this page passed one by one."
    )
    proved = customs_words(some | {"trainings": 15, "proved": 4}, "rows")
    assert proved.endswith(
        "they did in 4 of 15 trainings. There the model learned from them, and was trained without them in "
        "the others."
    )
    never = customs_words(some | {"trainings": 15, "proved": 0}, "rows")
    assert never.endswith("they never did, in 15 trainings, so that the model learned from none.")
    assert "they were not examined" in customs_words(MADE | {"customs": False}, "rows")


def test_the_ledger_gets_pictures_that_were_let_in() -> None:
    found = generated_pictures(standins.inside_pictures().generators)
    assert list(found) == ["generated examples: VAE"] and found["generated examples: VAE"][0].shape == (
        32,
        32,
        3,
    )
    summary, extras = made_up.codes_run()
    page = section(render(summary, extras | {"ledger_pictures": found}), "ledger")
    assert "an example of Generated examples: VAE" in page
    assert "made-up examples as well; new data is never made up" in page


def test_a_loss_without_a_floor_is_drawn_from_its_lowest() -> None:
    curve = {
        "epoch": [1, 2, 3],
        "train_loss": [-10.0, -50.0, -80.0],
        "val_loss": None,
        "train_reconstruction": [-12.0, -55.0, -88.0],
        "kept": 3,
    }
    figure = loss_figure(curve | {"val_reconstruction": None}, "reconstruction")
    heights = [float(y) for y in re.findall(r"[\d.]+,([\d.]+)", re.search(r'points="([^"]+)"', figure)[1])]
    assert np.all(np.diff(heights) > 0) and heights[0] > 26 and heights[-1] < 228
    assert "The reconstruction while it learned" in figure and "lowest -88" in figure


def test_every_picture_is_a_picture() -> None:
    for kind, data in re.findall(r'src="data:image/(\w+);base64,([^"]+)"', learned()):
        assert base64.b64decode(data)[:4] in (b"\x89PNG", b"\xff\xd8\xff\xe0"), kind
