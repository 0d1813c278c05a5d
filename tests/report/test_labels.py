from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_iris

import handful
from handful.report.page import render
from tests.report import made_up
from tests.report.test_page import Reader

pytestmark = pytest.mark.usefixtures("few_candidates")

FLAGGED = {
    "flagged": [
        {"id": "Shirt/<b>.png", "given": "Shirt", "suggested": "Coat", "confidence": 0.93, "rank": 1},
        {"id": "Bag/b1.png", "given": "Bag", "suggested": "Dress", "confidence": 0.6, "rank": 2},
    ],
    "n_flagged": 2,
    "share": 2 / 300,
    "text": "The labels of 2 of 300 pictures (0.7%) look wrong.",
}


def section(page: str, name: str) -> str:
    return page.split(f'<section id="{name}"')[1].split("</section>")[0]


def test_labels_that_look_wrong_are_shown_with_their_pictures_and_both_names() -> None:
    summary, extras = made_up.image_run()
    extras["labels"] = [{"id": "Shirt/<b>.png", "picture": made_up.pictures(1)[0], "row": None}]
    plain = section(render(summary, extras), "trust").count("<img")
    trust = section(render(summary | {"labels": FLAGGED}, extras), "trust")
    assert trust.count("<img") == plain + 1
    text = Reader(trust).text
    assert "labelled Shirt looks like Coat Shirt/<b>.png" in text
    assert text.index("looks like Coat") < text.index("looks like Dress")
    assert "The labels of 2 of 300 pictures (0.7%) look wrong." in text


def test_values_that_look_wrong_say_by_how_much() -> None:
    summary, extras = made_up.regression_run()
    line = {"id": "7", "given": 1510.0, "suggested": 148.2, "confidence": None, "times": 23.4, "rank": 1}
    summary["labels"] = {"flagged": [line], "n_flagged": 1, "share": 0.005, "text": "One value."}
    extras["labels"] = [{"id": "7", "picture": None, "row": {"age": 44.0}}]
    text = Reader(section(render(summary, extras), "trust")).text
    assert "value 1,510 expected about 148 , 23 times the usual error off age 44 row 7" in text


def test_classes_that_cannot_be_told_apart_are_said_in_a_sentence() -> None:
    summary, extras = made_up.image_run()
    summary["mergeable"] = [{"classes": ["Shirt", "Coat"], "text": "Shirt and Coat cannot be told apart."}]
    assert "Shirt and Coat cannot be told apart." in Reader(section(render(summary, extras), "look")).text
    summary["mergeable"] = []
    assert "Classes that cannot be told apart" not in render(summary, extras)


def test_a_run_lists_changed_labels_first_and_never_changes_them(tmp_path: Path) -> None:
    frame = load_iris(as_frame=True).frame
    frame["target"] = frame["target"].map({0: "setosa", 1: "versicolor", 2: "virginica"})
    frame.loc[[3, 20, 140], "target"] = ["virginica", "versicolor", "setosa"]
    frame.to_csv(tmp_path / "iris.csv", index=False)
    run = handful.fit(
        tmp_path / "iris.csv", target="target", families=["classic"], out=tmp_path / "run", jobs=1
    )
    labels = run.summary["labels"]
    assert {line["id"] for line in labels["flagged"][:3]} == {"3", "20", "140"}
    first = labels["flagged"][0]
    assert set(first) == {"id", "given", "suggested", "confidence", "rank"} and first["rank"] == 1
    assert next(x for x in labels["flagged"] if x["id"] == "140")["suggested"] == "virginica"
    assert labels["n_flagged"] == len(labels["flagged"]) == round(labels["share"] * 150)
    assert run.summary["dataset"]["class_counts"] == frame["target"].value_counts().to_dict()
    assert run.summary["mergeable"] == []
    page = run.report().read_text()
    assert "labelled <" not in page and "row 140" in Reader(section(page, "trust")).text


def test_a_class_split_at_random_is_reported_with_the_score_as_one(tmp_path: Path) -> None:
    X, y = load_iris(return_X_y=True)
    names = np.array(["setosa", "versicolor", "virginica"])[y].astype(object)
    names[np.random.default_rng(0).permutation(50)[:25]] = "other setosa"
    data = pd.DataFrame(X, columns=list("abcd"))
    run = handful.fit((data, names), families=["classic"], out=tmp_path / "run", jobs=1)
    (line,) = run.summary["mergeable"]
    assert set(line["classes"]) == {"setosa", "other setosa"}
    assert line["score_merged"] > 0.9 > line["score_now"]
    assert "cannot be told apart with this many examples" in line["text"]
    assert line["text"] in Reader(section(run.report().read_text(), "look")).text


def test_the_gap_is_told_with_its_interval_its_diagnosis_and_what_may_help() -> None:
    summary, extras = made_up.table_run()
    for line in summary["overfitting"]:
        line |= {"diagnosis": "sound", "words": "What it learned holds on new examples.", "try": []}
    forest = next(line for line in summary["overfitting"] if line["name"] == "classic/forest")
    forest |= {
        "gap_low": 0.18,
        "gap_high": 0.29,
        "trainable_parameters": 3400,
        "parameters_per_example": 30.2,
        "diagnosis": "overfits",
        "words": "Only 52% of what it learned holds on new examples.",
        "try": ["stronger regularisation", "more labelled examples"],
    }
    few = "Too few examples to tell how much of what it learned holds on new ones."
    other = next(line for line in summary["overfitting"] if line is not forest)
    other |= {"diagnosis": "cannot tell", "words": few}
    text = Reader(section(render(summary, extras), "overfitting")).text
    assert (
        "overfits . Only 52% of what it learned holds on new examples. 3,400 trained numbers, 30 a row."
        in text
    )
    assert "23.8 points 18.0 to 29.0" in text
    assert "what may help stronger regularisation; more labelled examples" in text
    assert "Of 6 candidates, 4 are sound, 1 cannot be judged and 1 overfits." in text
