"""Texts from the door to the report: one run on a table of short letters, looked at from several sides."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from handful.files import read_json
from tests.door import handful
from tests.report.test_labels import section
from tests.report.test_page import Reader

ABOUT = {
    "printer": "paper toner tray jam page print ink colour sheet copies",
    "network": "cable router signal wireless login connection slow server lost offline",
}
FILLER = "the a my our please since yesterday again still on in room today and"


def letters(n: int, seed: int) -> pd.DataFrame:
    """n letters of ten words, half of them on the matter of their class."""
    random = np.random.default_rng(seed)
    rows = []
    for i in range(n):
        kind = ("printer", "network")[i % 2]
        own, filler = ABOUT[kind].split(), FILLER.split()
        words = [*random.choice(own, 4, replace=False), *random.choice(filler, 6)]
        rows.append((" ".join(random.permutation(words)) + ".", kind))
    return pd.DataFrame(rows, columns=["text", "kind"])


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run; only to be read."""
    folder = tmp_path_factory.mktemp("letters")
    letters(40, 0).to_csv(folder / "letters.csv", index=False)
    options = ("--target", "kind", "--families", "classic", "--jobs", 1, "--out", folder / "run")
    called = handful("fit", folder / "letters.csv", *options)
    assert called.status == 0 and "40 texts in 2 classes" in called.out
    return folder / "run"


def test_what_is_told_of_texts_is_told_of_texts(run: Path) -> None:
    report = read_json(run / "report.json")
    assert report["dataset"]["modality"] == "text" and report["expected"]["value"] > 0.8
    controls = {line["name"]: line["kind"] for line in report["controls"]}
    assert {"row order", "text length", "punctuation and capitals", "permuted labels"} == set(controls)
    assert "alarm" not in controls.values()
    absent = {line["name"]: line["reason"] for line in report["controls_absent"]}
    assert absent == dict.fromkeys(("file size", "file name"), "the texts did not come as files")
    page = (run / "report.html").read_text()
    text = Reader(page).text
    assert "new texts, expect about" in text and "A map of the texts" in text
    assert "picture" not in Reader(section(page, "answer")).text
    look = section(page, "look")
    assert look.count("data-text=") == 40 and "Words that speak for each class" in look


def test_new_texts_keep_their_place_and_strange_ones_are_flagged(run: Path, tmp_path: Path) -> None:
    new = letters(20, 1)
    new.loc[3, "text"] = "  "
    new.loc[4, "text"] = "der Drucker druckt jede Seite zweimal und das Papier klemmt"
    new.to_csv(tmp_path / "new.csv", index=False)
    called = handful("predict", run, tmp_path / "new.csv", "-o", tmp_path / "out.csv")
    assert called.status == 0 and "could not be read" not in called.out
    out = pd.read_csv(tmp_path / "out.csv", dtype={"id": str})
    assert out["id"].tolist() == [str(i) for i in range(20)]
    assert out.loc[3, "prediction"] in set(new["kind"]) and out.loc[3, "unlike_training"]
    assert out.loc[3, "possible"] == "I do not know" and "problem" not in out
    read = out.index != 3
    assert (out["prediction"] == new["kind"])[read & (out.index != 4)].mean() > 0.8
    assert out.loc[4, "unlike_training"] and out["unlike_training"][read].sum() <= 3
