from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.datasets import load_diabetes, load_wine
from sklearn.dummy import DummyClassifier
from sklearn.naive_bayes import GaussianNB

import handful
from handful.errors import RunError
from handful.model import refit as refitting
from handful.model import save as saving
from handful.model.model import Model
from handful.strategies import balance
from tests.conftest import QUICKEST, shorter_classic, texts


@pytest.fixture(scope="module")
def wine(tmp_path_factory: pytest.TempPathFactory) -> handful.fit.FitRun:  # type: ignore[name-defined]
    X, y = load_wine(return_X_y=True, as_frame=True)
    names = np.array(["possible", "red", "white"])[y]
    folder = tmp_path_factory.mktemp("wine") / "run"
    with shorter_classic(("logistic", "svm")):
        return handful.fit((X.iloc[::2, :4], names[::2]), families=["classic"], out=folder, jobs=1)


def new_rows() -> pd.DataFrame:
    return load_wine(as_frame=True).data.iloc[1::2, :4]


def test_predictions_say_what_is_possible_behind_the_classes(wine) -> None:  # type: ignore[no-untyped-def]
    frame = wine.model.predict_frame(new_rows())
    assert frame.columns.tolist() == [
        *("id", "prediction", "confidence", "possible (class)", "red", "white", "possible", "unlike_training")
    ]
    sure = ~frame["unlike_training"].astype(bool)
    said = frame.loc[sure, "possible"]
    assert set(said) <= {*wine.model.classes, "I do not know"} | {
        f"{a} or {b}" for a in wine.model.classes for b in wine.model.classes
    }
    named = said[said != "I do not know"]
    assert (named.str.split(" or ").str[0] == frame.loc[named.index, "prediction"]).all()
    assert frame["unlike_training"].mean() < 0.1


def test_probabilities_are_calibrated_and_name_the_same_class(wine) -> None:  # type: ignore[no-untyped-def]
    model, X = wine.model, new_rows()
    probabilities = model.predict_proba(X)
    np.testing.assert_array_equal(model.classes[probabilities.argmax(axis=1)], model.predict(X))
    frame = model.predict_frame(X)
    np.testing.assert_allclose(frame["confidence"], probabilities.max(axis=1))
    assert probabilities.min() > 0 and model.temperature == wine.summary["calibration"]["temperature"]


def test_a_rare_class_is_named_often_with_the_probability_that_it_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = [("logistic", balance.WEIGHTS), ("logistic", balance.THRESHOLD)]
    monkeypatch.setattr(balance, "ON_TABLES", {"quick": few})
    random = np.random.default_rng(0)
    y = np.where(random.random(2400) < 0.12, "sick", "well")
    X = pd.DataFrame(random.normal(size=(2400, 3)) + 0.8 * (y == "sick")[:, None], columns=list("abc"))
    with shorter_classic(("logistic",)):
        run = handful.fit((X[:200], y[:200]), families=["classic", "balance"], out=tmp_path / "run", jobs=1)
    frame, truth = run.model.predict_frame(X[200:]), y[200:]
    assert run.summary["protocol"]["metric"] == "balanced_accuracy" and run.model.offsets is not None
    named = frame["prediction"] == "sick"
    assert frame["sick"].mean() == pytest.approx((truth == "sick").mean(), abs=0.05) and named.mean() > 0.2
    right = (truth == "sick")[named].mean()
    assert frame["confidence"][named].mean() == pytest.approx(right, abs=0.1) and right < 0.5
    first = frame["possible"][frame["possible"] != "I do not know"].str.split(" or ").str[0]
    assert (first == frame.loc[first.index, "prediction"]).all()
    pd.testing.assert_frame_equal(handful.load(run.folder / "model").predict_frame(X[200:]), frame)
    assert "names them more often than they are the likeliest" in run.report().read_text(encoding="utf-8")


def test_what_is_unlike_the_training_data_gets_no_set(wine) -> None:  # type: ignore[no-untyped-def]
    frame = wine.model.predict_frame(new_rows() * 100)
    assert frame["unlike_training"].all() and set(frame["possible"]) == {"I do not know"}


def test_a_loaded_model_says_the_same(wine) -> None:  # type: ignore[no-untyped-def]
    loaded = handful.load(wine.folder / "model")
    pd.testing.assert_frame_equal(loaded.predict_frame(new_rows()), wine.model.predict_frame(new_rows()))
    assert not list((wine.folder / "model").glob("*.pkl"))


def test_a_flag_that_fails_does_not_stop_a_prediction(wine) -> None:  # type: ignore[no-untyped-def]
    model = Model(**{**wine.model.__dict__, "unlike": "broken"})
    frame = model.predict_frame(new_rows())
    assert frame["unlike_training"].isna().all() and frame["possible"].notna().all()


def test_a_flag_that_cannot_be_made_does_not_stop_a_run(  # type: ignore[no-untyped-def]
    monkeypatch, tmp_path: Path
) -> None:
    def fails(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("handful.model.refit.unlike", fails)
    X, y = load_wine(return_X_y=True)
    mine = [("bayes", GaussianNB())]
    out = tmp_path / "run"
    run = handful.fit((X[::4], y[::4]), families=["baseline"], candidates=mine, out=out, jobs=1)
    assert run.model.unlike is None and run.model.predict_frame(X[:3])["unlike_training"].isna().all()


def test_a_model_of_the_older_form_says_who_made_it(wine, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    about = json.loads((wine.folder / "model" / "model.json").read_text())
    (tmp_path / "model.json").write_text(json.dumps(about | {"format": 1, "handful": "0.0.9"}))
    with pytest.raises(RunError, match=r"saved by handful 0\.0\.9, in a form .* Fit the data again"):
        handful.load(tmp_path)
    (tmp_path / "model.json").write_text(json.dumps({k: v for k, v in about.items() if k != "members"}))
    with pytest.raises(RunError, match=r"model.json is damaged \(it lacks 'members'\)"):
        handful.load(tmp_path)
    (tmp_path / "model.json").write_text("[]")
    with pytest.raises(RunError, match=r"model.json is damaged \(it holds no JSON object\)"):
        handful.load(tmp_path)


def test_labels_stay_as_they_are_beside_a_sample_that_cannot_be_read(tmp_path: Path) -> None:
    X, y = [*["a good one"] * 10, *["a bad one"] * 10], np.repeat([1, 2], 10)
    X = [f"{text} of {i} things" for i, text in enumerate(X)]
    mine = [("nothing", DummyClassifier())]
    run = handful.fit(
        (X, y), modality="text", families=["baseline"], candidates=mine, out=tmp_path / "run", jobs=1
    )
    (tmp_path / "new").mkdir()
    for i, content in enumerate((X[0].encode(), b"\0", X[1].encode())):
        (tmp_path / "new" / f"{i}.txt").write_bytes(content)
    frame = run.model.predict_frame(tmp_path / "new")
    assert frame["problem"].tolist()[1] and frame["prediction"].isna().tolist() == [False, True, False]
    assert {repr(label) for label in frame["prediction"].dropna()} <= {"1", "2"}
    assert run.model.predict_frame(X[:2])["prediction"].dtype == y.dtype


@pytest.mark.skipif(sys.platform != "linux", reason="names of other systems are Unicode")
def test_pictures_whose_names_are_shown_alike_keep_their_rows(tmp_path: Path) -> None:
    for name in (b"caf\xe9.png", rb"caf\xe9.png"):
        Image.new("RGB", (9, 9)).save(os.path.join(os.fsencode(tmp_path), name), "PNG")
    first = DummyClassifier().fit(np.zeros((2, 1)), [0, 1])
    origin = {"modality": "image", "input": "folder", "size": 32, "target": "class"}
    model = Model("guess", [("guess", first)], "classification", "image", np.array(["a", "b"]), origin)
    frame = model.predict_frame(tmp_path)
    assert frame["id"].tolist() == [r"caf\xe9.png"] * 2 and frame["prediction"].tolist() == ["a", "a"]


def test_values_come_with_an_interval_of_ninety_per_cent(tmp_path: Path) -> None:
    X, y = load_diabetes(return_X_y=True)
    with shorter_classic(QUICKEST):
        run = handful.fit((X[:150], y[:150]), families=["classic"], out=tmp_path / "run", jobs=1)
    frame = run.model.predict_frame(X[150:])
    assert frame.columns.tolist() == ["id", "prediction", "low", "high", "unlike_training"]
    inside = (frame["low"] <= y[150:]) & (y[150:] <= frame["high"])
    assert 0.82 < inside.mean() < 0.97
    told = run.summary["conformal"]
    assert told["level"] == 0.9 and run.summary["calibration"] is None
    far = frame["high"] - frame["prediction"]
    assert far.min() <= told["half_width"] <= far.max()
    assert (far.max() > far.min()) == told["grows"]
    again = handful.load(run.folder / "model").predict_frame(X[150:])
    np.testing.assert_array_equal(again["high"], frame["high"])
    assert "calibration" in run.summary["reasons"]


def test_a_model_of_texts_is_small_and_says_the_same_when_it_is_loaded(tmp_path: Path) -> None:
    data = texts()
    labels = data.classes[data.y]
    run = handful.fit((data.X[::2].tolist(), labels[::2]), families=["classic"], out=tmp_path / "run", jobs=1)
    loaded = handful.load(run.folder / "model")
    new = [*data.X[1::2], "", "of words that nobody knows"]
    frame = run.model.predict_frame(new)
    pd.testing.assert_frame_equal(loaded.predict_frame(new), frame)
    assert (frame["prediction"][:15] == labels[1::2]).mean() > 0.7
    # What learned is saved, and no vocabulary: words are hashed.
    assert sum(file.stat().st_size for file in (run.folder / "model").iterdir()) < 2_000_000


def test_networks_that_share_a_gpu_are_fitted_one_after_another(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[str] = []
    monkeypatch.setattr(refitting, "has_gpu", lambda run: True)
    monkeypatch.setattr(refitting, "fit_on_all", lambda run, c: begun.append(c.name) or c.name)
    monkeypatch.setattr(refitting, "_on_workers", lambda run, others: [c.name for c in others])
    members = [
        SimpleNamespace(name=name, trains_network=network)
        for name, network in (("svm", False), ("cnn", True), ("lda", False), ("mlp", True))
    ]
    assert refitting._fit_all(None, members) == ["svm", "cnn", "lda", "mlp"]  # type: ignore[arg-type]
    assert begun == ["cnn", "mlp"]


def test_a_model_is_not_saved_over_a_file(wine, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "model").write_text("notes")
    with pytest.raises(RunError, match="is a file; give a new or empty folder"):
        saving.save(wine.model, tmp_path / "model")


def test_two_processes_may_save_the_same_model_at_once(
    wine,  # type: ignore[no-untyped-def]
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write = saving._write

    def interrupted(model: Model, folder: Path) -> None:
        monkeypatch.setattr(saving, "_write", write)
        saving.save(wine.model, tmp_path / "model")  # as another process would, in between
        write(model, folder)

    monkeypatch.setattr(saving, "_write", interrupted)
    saving.save(wine.model, tmp_path / "model")
    assert (saving.load(tmp_path / "model").predict(new_rows()) == wine.model.predict(new_rows())).all()
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
