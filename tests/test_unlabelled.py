"""`--unlabelled` from the command line to the report, and from Python."""

from __future__ import annotations

import json
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_iris

import handful
from handful import HandfulClassifier
from handful.errors import DataError, RunError
from handful.files import read_json
from handful.fit import resume
from tests.conftest import texts
from tests.door import frame_of, write_pictures, write_table
from tests.door import handful as called


def test_a_run_learns_from_unlabelled_rows_and_is_resumed_from_its_folder_alone(tmp_path: Path) -> None:
    more = tmp_path / "more.csv"
    frame_of(n=30).assign(x0=lambda f: f["x0"] + 0.05).to_csv(more, index=False)
    options = ["--target", "target", "--unlabelled", more, "--families", "unlabelled", "--jobs", 1]
    done = called("fit", write_table(tmp_path / "t.csv", n=30), *options, "--out", tmp_path / "run")
    assert done.status == 0, done.err
    assert "30 rows in 3 classes and 30 without labels" in done.out
    summary = read_json(tmp_path / "run" / "report.json")
    assert summary["dataset"]["unlabelled"] == 30 and "--unlabelled more.csv" in summary["command"]
    lines = {line["technique"]: line for line in summary["ledger"]}
    line = lines["unlabelled data: label spreading"]
    assert line["base"] == "svm" and line["gain"] is not None
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "30 without labels" in page and "Unlabelled data: label spreading" in page
    assert any("learned from by 1 of 3 candidates" in f["message"] for f in summary["audit"])
    more.unlink()
    for path in [
        *sorted((tmp_path / "run" / "results").rglob("*.npz"))[::2],
        tmp_path / "run" / "report.json",
    ]:
        path.unlink()
    again = resume(tmp_path / "run").summary
    assert again["expected"] == summary["expected"]
    assert [line["gain"] for line in again["ledger"]] == [line["gain"] for line in summary["ledger"]]


def test_a_run_that_learns_from_arrays_cannot_be_resumed_before_they_are_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    write_table(tmp_path / "t.csv")
    monkeypatch.setattr(sys.modules["handful.fit"], "with_unlabelled", stopped)
    with pytest.raises(KeyboardInterrupt):
        handful.fit(tmp_path / "t.csv", target="target", unlabelled=frame_of(), out=tmp_path / "run")
    with pytest.raises(RunError, match=r"call handful\.fit again with unlabelled"):
        resume(tmp_path / "run")


def test_mistakes_are_told_before_anything_is_fitted(tmp_path: Path) -> None:
    data = write_table(tmp_path / "t.csv")
    about = ["fit", data, "--target", "target", "--out", tmp_path / "run", "--unlabelled"]
    missing = called(*about, tmp_path / "mroe.csv")
    assert missing.status == 2 and "does not exist" in missing.err
    wrong = called(*about, write_pictures(tmp_path / "photos", per_class=1))
    assert wrong.status == 2 and "must be rows of a table" in wrong.err
    assert not (tmp_path / "run").exists()


def test_unlabelled_pictures_among_the_classes_are_refused(tmp_path: Path) -> None:
    photos = write_pictures(tmp_path / "photos", per_class=2)
    with pytest.raises(DataError, match="each folder is a class"):
        handful.fit(photos, unlabelled=photos / "c", out=tmp_path / "run")


def test_the_estimator_takes_unlabelled_rows_too() -> None:
    X, y = load_iris(return_X_y=True)
    few = np.concatenate([np.arange(k * 50, k * 50 + 6) for k in range(3)])
    rest = np.setdiff1d(np.arange(150), few)
    model = HandfulClassifier(families=("unlabelled",)).fit(X[few], y[few], unlabelled=X[rest])
    assert model.summary_["dataset"]["unlabelled"] == len(rest) - 1  # one is equal to a labelled row
    assert model.score(X[rest], y[rest]) > 0.9
    json.dumps(model.summary_, allow_nan=False)


@pytest.mark.skipif(find_spec("wordllama") is None, reason="wordllama is not installed")
@pytest.mark.parametrize("form", ["table", "folder"])
def test_unlabelled_texts_come_as_a_table_or_as_a_folder_of_files(form: str, tmp_path: Path) -> None:
    data = texts(per_class=6)
    frame = pd.DataFrame({"text": data.X, "label": data.classes[data.y]})
    frame.to_csv(tmp_path / "t.csv", index=False)
    if form == "table":
        more = tmp_path / "more.csv"
        pd.DataFrame({"text": [f"{text} too" for text in data.X]}).to_csv(more, index=False)
    else:
        more = tmp_path / "more"
        more.mkdir()
        for i, text in enumerate(data.X):
            (more / f"{i}.txt").write_text(f"{text} too", encoding="utf-8")
    options = ["--target", "label", "--unlabelled", more, "--families", "unlabelled"]
    options += ["--backbones", "wordllama", "--jobs", 1, "--out", tmp_path / "run"]
    done = called("fit", tmp_path / "t.csv", *options)
    assert done.status == 0, done.err
    summary = read_json(tmp_path / "run" / "report.json")
    line = next(r for r in summary["ledger"] if r["technique"] == "unlabelled data: label spreading")
    assert summary["dataset"]["unlabelled"] == 18 and line["base"] == "wordllama svm"
