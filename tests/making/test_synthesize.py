"""`handful synthesize`, its card, and what `fit` does with what it wrote."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from handful.data import provenance
from handful.data.load import load, load_new, load_test
from handful.errors import DataError
from handful.evidence.ledger import paired_gain
from handful.files import read_json
from handful.making import synthesize as module
from handful.making import trial
from handful.making.synthesize import Kind, NoGain, synthesize
from handful.settings import Settings
from handful.strategies.decoded import Decoded, PictureCodec
from handful.strategies.generators import Copies, Gaussian, Generator
from tests.door import handful, write_pictures, write_table


class Columns(Generator):
    """For tests: each column drawn by itself from its class, numbers with noise that leaves their range."""

    SPACE = "X"

    def __init__(self, random_state: int = 0) -> None:
        self.random_state = random_state

    def fit(self, X: Any, y: np.ndarray, groups: np.ndarray | None = None) -> Columns:
        self.X_, self.y_ = X.reset_index(drop=True), np.asarray(y)
        return self

    def sample(self, labels: np.ndarray, seed: int | None = None) -> pd.DataFrame:
        random = np.random.default_rng([self.random_state if seed is None else seed, 1])
        out = {}
        for name in self.X_.columns:
            values = self.X_[name].to_numpy()
            rows = np.array([random.choice(np.flatnonzero(self.y_ == label)) for label in labels])
            out[name] = values[rows]
            if values.dtype.kind == "f":
                out[name] = values[rows] + 0.3 * np.nanstd(values) * random.standard_normal(len(rows))
        return pd.DataFrame(out)


@pytest.fixture(autouse=True)
def few_folds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "FEW", 0)
    monkeypatch.setattr(trial, "MODELS", {"image": ("thumbnail svm",), "table": ("lda",)})


@pytest.fixture
def columns(monkeypatch: pytest.MonkeyPatch) -> None:
    kinds = {
        "columns": Kind("columns by themselves", lambda _: Columns()),
        "copies": Kind("", lambda _: Copies()),
    }
    monkeypatch.setattr(module, "generators", lambda _: kinds)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pictures(tmp_path_factory.mktemp("data") / "photos")


@pytest.fixture(scope="module")
def made(photos: Path) -> Path:
    """Four generated pictures a class, beside ten real ones."""
    folder = photos.parent / "made"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trial, "FEW", 0)
        patch.setattr(trial, "MODELS", {"image": ("thumbnail svm",)})
        synthesize(photos, folder, per_class=4, generator="gaussian", anyway=True, jobs=1)
    return folder


def test_pictures_are_written_with_their_provenance_and_a_sheet(made: Path) -> None:
    about = read_json(made / "generated.json")
    assert len(about["made"]) == 12 and about["generator"] == "gaussian" and about["learned from"] == 30
    assert about["arguments"]["class"].endswith("Decoded") and about["versions"]["handful"]
    for name, entry in about["made"].items():
        real = np.asarray(Image.open(made.parent / "photos" / entry["nearest"]))
        picture = np.asarray(Image.open(made / name))
        assert picture.shape == real.shape and (picture != real).any()
    assert sorted(p.name for p in (made / "b").iterdir()) == [f"generated-{k:04d}.png" for k in range(4)]
    assert Image.open(made / "contact-sheet.png").size[1] == 400  # twelve pairs, three in a row


def test_the_card_has_its_figures_and_says_first_what_they_are_worth(made: Path) -> None:
    card = read_json(made / "quality.json")
    assert card["train_on_real"] > 0.9 and 0 <= card["train_on_generated"] <= 1
    assert card["gain"]["low"] <= card["gain"]["value"] <= card["gain"]["high"]
    assert card["customs"]["copies"] == 0 and card["written"] == 12
    assert 0 <= card["likeness"]["coverage"] <= 1 and card["helps"] is (card["gain"]["low"] > 0)
    first = (made / "quality.md").read_text().splitlines()[0]
    assert first == f"**{card['verdict']}**" and "help" in first


def test_the_card_says_why_a_gain_is_not_the_difference_of_its_scores(made: Path) -> None:
    assert "so that their difference may be another" in (made / "quality.md").read_text(encoding="utf-8")


def test_the_same_seed_writes_the_same(made: Path, photos: Path, tmp_path: Path) -> None:
    synthesize(photos, tmp_path / "again", per_class=4, generator="gaussian", anyway=True, jobs=1)
    synthesize(photos, tmp_path / "other", per_class=4, generator="gaussian", anyway=True, seed=1, jobs=1)
    name = "a/generated-0000.png"
    assert (tmp_path / "again" / name).read_bytes() == (made / name).read_bytes()
    assert (tmp_path / "again" / "quality.json").read_bytes() == (made / "quality.json").read_bytes()
    assert (tmp_path / "other" / name).read_bytes() != (made / name).read_bytes()


@pytest.mark.parametrize("kind", ["pictures", "rows"])
def test_a_generator_that_memorises_is_caught(kind: str, photos: Path, tmp_path: Path) -> None:
    data = photos if kind == "pictures" else write_table(tmp_path / "t.csv")
    place = tmp_path / ("new" if kind == "pictures" else "new.csv")
    with pytest.raises(NoGain, match="100 % of what the generator 'copies' makes up are copies") as caught:
        synthesize(data, place, per_class=5, generator="copies", jobs=1)
    assert caught.value.quality.copies == 1 and not place.exists()
    assert caught.value.quality.gain.value == 0  # nothing passed customs


def test_what_memorises_is_written_anyway_and_the_card_says_so(tmp_path: Path) -> None:
    table = write_table(tmp_path / "t.csv")
    options = ("--per-class", 5, "--generator", "copies", "--anyway", "--jobs", 1)
    called = handful("synthesize", table, "-o", tmp_path / "new.csv", *options)
    assert called.status == 0 and "15 generated examples (copies)" in called.out
    card = (tmp_path / "new.csv.quality.md").read_text()
    assert card.startswith("**These generated examples do not help: 100 %")
    assert read_json(tmp_path / "new.csv.quality.json")["written_without_passing"] == 15


def test_a_class_that_is_left_out_is_not_learned_from_and_groups_are_no_feature(tmp_path: Path) -> None:
    frame = pd.read_csv(write_table(tmp_path / "t.csv")).assign(patient=np.arange(60) // 2)
    frame.loc[5, "target"] = "rare"
    frame.to_csv(tmp_path / "t.csv", index=False)
    options = ("--per-class", 5, "--generator", "gaussian", "--anyway", "--jobs", 1)
    more = ("--groups", "patient", "--drop-class", "rare")
    called = handful("synthesize", tmp_path / "t.csv", "-o", tmp_path / "new.csv", *options, *more)
    assert called.status == 0, called.err
    new = pd.read_csv(tmp_path / "new.csv")
    assert len(new) == 15 and "rare" not in set(new["target"]) and new["patient"].isna().all()


def test_rows_keep_columns_ranges_whole_numbers_categories_and_words(columns: None, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    y = np.repeat([0, 1], 40)
    frame = pd.DataFrame(
        {
            "name": [f"patient {i}" for i in range(80)],
            "age": random.integers(20, 60, 80) + 10 * y,
            "dose": np.round(random.normal(5 + y, 1), 1),
            "share": [f"{v} %" for v in random.integers(1, 99, 80)],
            "smokes": random.choice(["True", "False"], 80),
            "since": [
                f"{d:02d}.{m:02d}.2024"
                for d, m in zip(random.integers(1, 28, 80), random.integers(1, 12, 80), strict=True)
            ],
            "unit": "mg",
            "since (of what)": random.choice(["pain", "fever"], 80),  # named like a part of the date
            "ward": random.choice(["north", "south", ""], 80),
            "target": np.where(y == 1, "ill", "well"),
        }
    )
    frame.to_csv(tmp_path / "t.tsv", index=False, sep="\t")
    synthesize(
        tmp_path / "t.tsv", tmp_path / "new.tsv", per_class=50, generator="columns", anyway=True, jobs=1
    )
    new = pd.read_csv(tmp_path / "new.tsv", sep="\t", keep_default_na=False)
    assert list(new.columns) == list(frame.columns) and new["target"].value_counts().to_dict() == {
        "well": 50,
        "ill": 50,
    }
    assert new["age"].dtype.kind == "i" and new["age"].between(frame["age"].min(), frame["age"].max()).all()
    assert new["dose"].between(frame["dose"].min(), frame["dose"].max()).all()
    assert (new["dose"].astype(float).round(1) == new["dose"].astype(float)).all()
    for column in ("share", "smokes", "since", "since (of what)", "unit", "ward"):
        assert set(new[column].astype(str)) <= set(frame[column].astype(str)), column
    assert set(new["name"]) == {""}  # nothing can be learned of a name
    assert "patient" in (tmp_path / "new.tsv.quality.md").read_text()  # of the nearest real row


def test_what_helps_is_written_and_said(
    columns: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gains(*given: Any) -> Any:
        pair, gain = paired_gain(*given)
        return pair, replace(gain, value=0.05, error=0.01)

    monkeypatch.setattr(module, "paired_gain", gains)
    table = write_table(tmp_path / "t.csv")
    found = synthesize(table, tmp_path / "new.csv", per_class=5, generator="columns", jobs=1)
    assert found.quality.helps and found.written == 15 and len(pd.read_csv(found.path)) == 15
    assert found.quality.lines()[0] == (
        "These generated examples help: the accuracy of a model that learns from them too changes by +5.0 "
        "points (95 % interval +3.0 to +7.0)."
    )
    harmful = replace(found.quality, gain=replace(found.quality.gain, value=-0.05))
    assert not harmful.helps and harmful.verdict.startswith("These generated examples do harm")


def test_auto_takes_the_best_and_the_others_stand_beside_it(columns: None, tmp_path: Path) -> None:
    dataset = load(str(write_table(tmp_path / "t.csv")), Settings())
    found = module.compare(dataset, {"columns": Columns(), "copies": Copies()}, 10, jobs=1)
    score = {name: found.predictions.score(pairs[0][0])[0] for name, pairs in found.pairs.items()}
    assert set(score) == {"columns", "copies"} and score[found.best] == max(score.values())
    assert found.tried_per_class == 10 and found.model.name == "lda"


def test_folds_worked_on_at_once_give_the_same_and_say_how_long_they_take(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial, "WORTH_TELLING", 0.0)
    dataset = load(str(write_table(tmp_path / "t.csv")), Settings())
    made_by, lines = {"gaussian": module.generators("table")["gaussian"].make(dataset)}, list[str]()
    alone, together = (module.compare(dataset, made_by, 10, tell=lines.append, jobs=jobs) for jobs in (1, 2))
    for one, other in zip(alone.predictions.rows, together.predictions.rows, strict=True):
        assert one.oof is not None
        np.testing.assert_array_equal(one.oof, other.oof)
    assert sum("generator gaussian: about" in line for line in lines) == 2


def test_a_generator_that_breaks_is_a_line_of_the_card_or_a_clear_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken(Columns):
        def fit(self, X: Any, y: np.ndarray, groups: np.ndarray | None = None) -> Columns:
            raise ValueError("out of order")

    kinds = {"columns": Kind("", lambda _: Columns()), "broken": Kind("", lambda _: Broken())}
    monkeypatch.setattr(module, "generators", lambda _: kinds)
    table = write_table(tmp_path / "t.csv")
    found = synthesize(table, tmp_path / "new.csv", per_class=5, anyway=True, jobs=1)
    assert "out of order" in found.quality.to_json()["compared"][1]["reason"]
    json.dumps(found.quality.to_json(), allow_nan=False)
    with pytest.raises(DataError, match=r"no generator could be examined on this data.*out of order"):
        synthesize(table, tmp_path / "more.csv", per_class=5, generator="broken", jobs=1)


# --- what becomes of generated examples later


def test_nothing_can_be_fitted_or_scored_on_generated_examples_alone(made: Path, photos: Path) -> None:
    with pytest.raises(DataError, match="all of these examples are generated"):
        load(str(made), Settings())
    origin = load(str(photos), Settings()).origin
    with pytest.raises(DataError, match="all of these examples are generated"):
        load_test(str(made), origin, np.array(["a", "b", "c"]))
    assert len(load_new(str(made), origin)[0]) == 12  # predicting them is nobody's harm


def test_generated_examples_among_real_ones_are_left_out_wherever_they_were_copied(
    made: Path, photos: Path, tmp_path: Path
) -> None:
    mixed = tmp_path / "mixed"
    shutil.copytree(photos, mixed)
    shutil.copy(made / "a" / "generated-0000.png", mixed / "a" / "tom.png")
    shutil.copy(made / "b" / "generated-0000.png", mixed / "b")
    dataset = load(str(mixed), Settings())
    assert len(dataset) == 30 and np.bincount(dataset.y).tolist() == [10, 10, 10]
    finding = next(f for f in dataset.findings if f.kind == "generated example")
    assert finding.items == ["a/tom.png", "b/generated-0000.png"] and finding.severity == "warning"
    assert "no score on them is real" in finding.message
    shutil.copytree(made / "a", mixed / "d")
    with pytest.raises(DataError, match="all examples of the class 'd' are generated"):
        load(str(mixed), Settings())


def test_a_generated_table_is_refused_by_what_lies_beside_it(columns: None, tmp_path: Path) -> None:
    table = write_table(tmp_path / "t.csv")
    synthesize(table, tmp_path / "new.csv", per_class=5, generator="columns", anyway=True, jobs=1)
    called = handful("fit", tmp_path / "new.csv", "--out", tmp_path / "run")
    assert called.status == 2 and "all of these examples are generated" in called.err
    provenance.file_of(tmp_path / "new.csv", provenance.GENERATED).write_text("{")
    with pytest.raises(DataError, match="generated examples would be taken for real ones"):
        load(str(tmp_path / "new.csv"), Settings())


# --- wrong calls


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("photos", "-o", "photos/more", "--per-class", 5), "lies in the data"),
        (("photos", "-o", "new", "--per-class", 0), "a number from 1"),
        (("photos", "-o", "new", "--per-class", 5, "--generator", "gausian"), "Did you mean 'gaussian'"),
        (("nowhere", "-o", "new", "--per-class", 5), "does not exist"),
        (("numbers.csv", "-o", "new.csv", "--per-class", 5), "is a number"),
        (("t.csv", "-o", "new", "--per-class", 5), "name a CSV file"),
        (("t.csv", "-o", "new.csv", "--per-class", 5, "--target", "traget"), "Did you mean 'target'"),
        (("photos", "-o", "full", "--per-class", 5), "nothing is overwritten"),
    ],
)
def test_what_cannot_be_done_is_said(
    arguments: tuple, message: str, tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_table(tmp_path / "t.csv")
    write_table(tmp_path / "numbers.csv", "regression")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").touch()
    places = {"photos": photos, "photos/more": photos / "more"}
    called = handful("synthesize", *(places.get(a, a) for a in arguments))
    assert called.status == 2 and message in called.err
    assert not (tmp_path / "new").exists() and not (tmp_path / "new.csv").exists()


def test_pictures_come_back_from_their_components(photos: Path) -> None:
    X = load(str(photos), Settings()).X
    codec = PictureCodec(variance=0.9999).fit(X)
    apart = np.abs(codec.decode(codec.encode(X)).astype(int) - np.asarray(X).astype(int))
    assert apart.mean() < 1.5
    drawn = Decoded(PictureCodec(), Gaussian()).fit(X, np.repeat([0, 1, 2], 10)).sample(np.array([0, 2]))
    assert drawn.shape == (2, 32, 32, 3) and drawn.dtype == np.uint8
