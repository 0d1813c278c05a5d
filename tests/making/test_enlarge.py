"""`handful augment`, and what `fit` does with what it wrote."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from handful.audit.unlabelled import with_unlabelled
from handful.data.load import load
from handful.errors import DataError
from handful.evidence.predictions import collect
from handful.files import read_json
from handful.making.enlarge import chosen_policy, enlarge
from handful.protocol.evaluate import evaluate
from handful.protocol.run import Run
from handful.protocol.splits import Split, compare_splits, n_folds
from handful.report.summary import how
from handful.scoring import choose_metric
from handful.settings import Settings
from handful.strategies import augmentation, propose
from tests.conftest import pictures
from tests.door import handful, write_pictures, write_table


@pytest.fixture(scope="module")
def larger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten pictures a class and five copies of each class, of the policy "moves"."""
    folder = tmp_path_factory.mktemp("larger")
    write_pictures(folder / "photos")
    enlarge(folder / "photos", folder / "more", per_class=15, policy="moves")
    return folder / "more"


def test_originals_are_copied_and_copies_say_what_they_are_made_of(larger: Path) -> None:
    about = read_json(larger / "augmented.json")
    assert about["policy"] == "moves" and about["source"].endswith("photos")
    assert len(about["copies"]) == 15
    for name, entry in about["copies"].items():
        assert name.split("/")[0] == entry["of"].split("/")[0]
        copy, original = (np.asarray(Image.open(larger / n)) for n in (name, entry["of"]))
        assert copy.shape == original.shape and (copy != original).any()
    photos = larger.parent / "photos"
    for file in photos.rglob("*.png"):
        assert (larger / file.relative_to(photos)).read_bytes() == file.read_bytes()
    assert Image.open(larger / "contact-sheet.png").size[0] == 204


def test_the_same_seed_makes_the_same_copies(larger: Path, tmp_path: Path) -> None:
    photos = larger.parent / "photos"
    enlarge(photos, tmp_path / "again", per_class=15, policy="moves")
    enlarge(photos, tmp_path / "other", per_class=15, policy="moves", seed=1)
    name = next(iter(read_json(larger / "augmented.json")["copies"]))
    assert (tmp_path / "again" / name).read_bytes() == (larger / name).read_bytes()
    assert (tmp_path / "other" / name).read_bytes() != (larger / name).read_bytes()


def test_copies_are_learned_from_with_their_originals_and_never_scored(larger: Path) -> None:
    dataset = load(str(larger), Settings())
    assert dataset.copies.sum() == 15 and len(dataset) == 45 and n_folds(dataset) == 5
    assert "15 samples of 45" in next(f for f in dataset.findings if f.kind == "augmented copies").message
    of = read_json(larger / "augmented.json")["copies"]
    place = {name: i for i, name in enumerate(dataset.ids)}
    tested = []
    for split in compare_splits(dataset, Settings()):
        assert not dataset.copies[split.test].any()
        tested += split.test.tolist()
        for name, entry in of.items():
            assert (place[name] in split.train) == (place[entry["of"]] in split.train)
    assert sorted(tested) == np.flatnonzero(~dataset.copies).tolist()


def test_fit_on_augmented_data_counts_originals_only(tmp_path: Path) -> None:
    table = write_table(tmp_path / "t.csv")
    enlarge(table, tmp_path / "more.csv", policy="noise", per_class=30)
    run = Run.claim(Settings(out=str(tmp_path / "run"), jobs=1))
    dataset = load(str(tmp_path / "more.csv"), run.settings)
    candidates = [c for c in propose(dataset, run.settings) if c.name in ("majority", "lda")]
    run.begin(
        dataset, candidates, compare_splits(dataset, run.settings), choose_metric(dataset, run.settings)
    )
    again = Run.open(run.folder)
    assert again.dataset.copies.sum() == 30
    evaluate(again, again.cells())
    predictions = collect(again)
    assert predictions.covered.tolist() == list(range(60))
    assert predictions.score(predictions.row("lda"))[0] > 0.9


def test_the_rarer_class_is_that_of_the_originals(tmp_path: Path) -> None:
    y = np.repeat(["ill", "well"], [4, 48])
    X = np.random.default_rng(0).normal(size=(52, 3))
    pd.DataFrame(X, columns=list("abc")).assign(state=y).to_csv(tmp_path / "t.csv", index=False)
    enlarge(tmp_path / "t.csv", tmp_path / "more.csv", target="state", policy="noise", per_class=48)
    settings = Settings(out=str(tmp_path / "run"), target="state", metric="f1")
    dataset = load(str(tmp_path / "more.csv"), settings)
    assert np.bincount(dataset.y).tolist() == [48, 48]
    run = Run.claim(settings)
    run.begin(dataset, [], compare_splits(dataset, settings), choose_metric(dataset, settings))
    assert "the class 'ill' (the rarer one)" in Run.open(run.folder).metric.words
    assert "fewer than 5 examples" in how(dataset)


def test_own_splits_never_test_on_a_copy(larger: Path) -> None:
    dataset = load(str(larger), Settings())
    halves = np.arange(0, 45, 2), np.arange(1, 45, 2)
    found: list[Split] = compare_splits(dataset, Settings(), [halves, halves[::-1]])
    for split in found:
        assert not dataset.copies[split.test].any()
        assert not np.isin(dataset.groups[split.train], dataset.groups[split.test]).any()


def test_rows_of_a_table_are_copied_into_a_new_file(tmp_path: Path) -> None:
    table = write_table(tmp_path / "t.csv")
    called = handful("augment", table, "-o", tmp_path / "more.csv", "--policy", "noise", "--per-class", 30)
    assert called.status == 0, called.err
    assert "60 examples and 30 copies" in called.out
    old, new = pd.read_csv(table), pd.read_csv(tmp_path / "more.csv")
    pd.testing.assert_frame_equal(new.iloc[:60], old)
    of = read_json(tmp_path / "more.csv.augmented.json")["copies"]
    first = int(of["60"]["of"])
    assert new.loc[60, "target"] == old.loc[first, "target"]
    moved = new["x0"][60:].to_numpy() - old["x0"][[int(e["of"]) for e in of.values()]].to_numpy()
    assert 0.02 < np.abs(moved).mean() < 0.2
    dataset = load(str(tmp_path / "more.csv"), Settings())
    assert dataset.copies.sum() == 30 and dataset.groups[60] == dataset.groups[first]


def test_mixed_values_of_a_table_are_in_proportion(tmp_path: Path) -> None:
    table = write_table(tmp_path / "t.csv", "regression", 40)
    enlarge(table, tmp_path / "more.csv", policy="mixup")
    new = pd.read_csv(tmp_path / "more.csv")
    assert (
        len(new) == 80
        and new["target"][40:].between(new["target"][:40].min(), new["target"][:40].max()).all()
    )


def test_a_mixed_row_is_learned_from_only_where_both_its_sources_are(tmp_path: Path) -> None:
    table = write_table(tmp_path / "t.csv")
    enlarge(table, tmp_path / "more.csv", policy="mixup", per_class=60)
    of = read_json(tmp_path / "more.csv.augmented.json")["copies"]
    dataset = load(str(tmp_path / "more.csv"), Settings())
    folds = compare_splits(dataset, Settings())
    own = compare_splits(dataset, Settings(), [(s.train, s.test) for s in folds])
    for split in [*folds, *own]:
        for name, entry in of.items():
            both = {int(entry["of"]), int(entry["with"])} <= set(split.train.tolist())
            assert (int(name) in split.train) == both


def test_copies_are_written_in_the_style_of_their_column(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    lines = [
        f"{random.normal(3):.2f};{random.integers(1, 99)}%;{bool(random.integers(2))};{random.integers(2)};"
        f"{random.normal(1000):.2f}".replace(".", ",")
        for _ in range(40)
    ]
    table = tmp_path / "t.csv"
    table.write_text("\n".join(["length;share;flag;bit;target", *lines]))
    before = load(str(table), Settings()).origin
    for policy in ("noise", "mixup"):
        enlarge(table, tmp_path / f"{policy}.csv", policy=policy)
        dataset = load(str(tmp_path / f"{policy}.csv"), Settings())
        assert dataset.origin["schema"] == before["schema"]
        assert dataset.origin["target_style"] == before["target_style"] == "1.234,5"
        assert dataset.y[40:].min() > 990 and set(dataset.X["flag"]) == {0.0, 1.0}
        assert "-0" not in set(pd.read_csv(tmp_path / f"{policy}.csv", dtype=str)["bit"])


def test_copies_stay_in_the_range_of_their_column_and_in_their_group(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    old = pd.DataFrame(
        {
            "dose": random.exponential(1, 60).round(3),  # most of it near the least that there is
            "patient": np.repeat(range(100, 120), 3),
            "target": np.tile(["a", "b", "c"], 20),
        }
    )
    old.to_csv(tmp_path / "t.csv", index=False)
    options = ("--policy", "noise", "--per-class", 60, "--groups", "patient")
    called = handful("augment", tmp_path / "t.csv", "-o", tmp_path / "more.csv", *options)
    assert called.status == 0, called.err
    new = pd.read_csv(tmp_path / "more.csv")
    of = [int(e["of"]) for e in read_json(tmp_path / "more.csv.augmented.json")["copies"].values()]
    assert new["patient"][60:].tolist() == old["patient"][of].tolist()
    assert new["dose"].min() == old["dose"].min() and (new["dose"][60:].to_numpy() != old["dose"][of]).any()
    dataset = load(str(tmp_path / "more.csv"), Settings(groups="patient"))
    assert (dataset.groups[60:] == dataset.groups[of]).all() and len(set(dataset.groups)) == 20


def test_a_class_that_is_left_out_is_not_written(tmp_path: Path) -> None:
    table = write_table(tmp_path / "t.csv")
    old = pd.read_csv(table)
    old.loc[5, "target"] = "rare"
    old.to_csv(table, index=False)
    options = ("-o", tmp_path / "more.csv", "--policy", "noise", "--per-class", 25)
    called = handful("augment", table, *options, "--drop-class", "rare")
    assert called.status == 0, called.err
    new = pd.read_csv(tmp_path / "more.csv")
    pd.testing.assert_frame_equal(new[:59], old.drop(index=5).reset_index(drop=True))
    assert new["target"].value_counts().tolist() == [25, 25, 25]
    for row, entry in read_json(tmp_path / "more.csv.augmented.json")["copies"].items():
        assert new["target"][int(row)] == new["target"][int(entry["of"])]

    photos = write_pictures(tmp_path / "photos")
    called = handful("augment", photos, "-o", tmp_path / "more", "--policy", "moves", "--drop-class", "a")
    assert called.status == 0 and {p.name for p in (tmp_path / "more").iterdir() if p.is_dir()} == {"b", "c"}


def test_auto_chooses_by_the_folds_and_writes_nothing_where_nothing_helps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(augmentation, "PLAIN_MODELS", ("thumbnail svm",))
    data = pictures(per_class=6)
    # A bright patch at any height: how far to the right it lies is the class.
    bright = np.zeros((18, 32, 32, 3), np.uint8)
    random = np.random.default_rng(0)
    for i, label in enumerate(data.y):
        at = random.integers(0, 24)
        bright[i, at : at + 8, 4 + 8 * label : 12 + 8 * label] = 255
    data.X = type(data.X).from_array(bright)
    policy, why = chosen_policy(data)
    assert policy in ("shifts", "moves", "light") and f"{policy} +" in why
    data.X = type(data.X).from_array(np.zeros((18, 32, 32, 3), np.uint8))
    with pytest.raises(DataError, match="no policy made the models better"):
        chosen_policy(data)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("photos", "-o", "photos/more"), "lies in the data"),
        (("photos", "-o", "photos"), "lies in the data"),
        (("photos", "-o", "."), "lies in the data or around it"),
        (("photos", "-o", "full"), "there already; nothing is overwritten"),
        (("photos", "-o", "no/such"), "does not exist"),
        (("photos", "-o", "new", "--policy", "flip"), "Did you mean 'flips'"),
        (("photos", "-o", "new", "--policy", "mixup"), "mixes labels"),
        (("photos", "-o", "new", "--policy", "flips", "--per-class", 3), "as many already"),
        (("photos", "-o", "new", "--per-class", 0), "a number from 1"),
        (("t.csv", "-o", "new", "--policy", "noise"), "name a CSV file"),
        (("photos", "-o", "new.csv", "--policy", "flips"), "pictures are written into a folder"),
        (("t.csv", "-o", "new.csv", "--policy", "flips"), "There are auto, noise, mixup"),
        (("nowhere", "-o", "new"), "does not exist"),
        (("more", "-o", "new", "--policy", "flips"), "holds copies already"),
    ],
)
def test_what_cannot_be_done_is_said(
    arguments: tuple, message: str, tmp_path: Path, larger: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = {"photos": larger.parent / "photos", "more": larger, ".": larger.parent}
    places |= {"photos/more": larger.parent / "photos" / "more"}
    monkeypatch.chdir(tmp_path)
    write_table(tmp_path / "t.csv")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").touch()
    called = handful("augment", *(places.get(a, a) for a in arguments))
    assert called.status == 2 and message in called.err
    assert not (tmp_path / "new").exists() and not (tmp_path / "new.csv").exists()


def test_damaged_provenance_is_an_error_and_not_a_leak(larger: Path, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(larger, tmp_path / "more")
    (tmp_path / "more" / "augmented.json").write_text("{")
    with pytest.raises(DataError, match="copies would be taken for examples"):
        load(str(tmp_path / "more"), Settings())


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_rows_in_another_order_are_an_error_and_not_a_leak(task: str, tmp_path: Path) -> None:
    enlarge(write_table(tmp_path / "t.csv", task), tmp_path / "more.csv", policy="noise")
    rows = pd.read_csv(tmp_path / "more.csv")
    rows.sample(frac=1, random_state=0).to_csv(tmp_path / "more.csv", index=False)
    with pytest.raises(DataError, match="Rows were moved or changed since"):
        load(str(tmp_path / "more.csv"), Settings())


def test_a_copy_of_a_turned_photograph_is_shown_in_its_proportions(tmp_path: Path) -> None:
    labelled, exif = write_pictures(tmp_path / "photos", per_class=3), Image.Exif()
    exif[0x0112] = 6
    for file in labelled.rglob("*.png"):
        Image.fromarray(np.full((30, 60, 3), int(file.stem) * 9, np.uint8)).save(file, exif=exif)
    assert handful("augment", labelled, "-o", tmp_path / "more", "--policy", "noise").status == 0
    made = list((tmp_path / "more").rglob("*~*.png"))
    assert made and {Image.open(file).size for file in made} == {(30, 60)}


def test_copies_are_known_wherever_their_files_are_listed(tmp_path: Path) -> None:
    labelled = write_pictures(tmp_path / "photos", per_class=4)
    assert handful("augment", labelled, "-o", tmp_path / "more", "--policy", "noise").status == 0
    files = sorted(p for p in (tmp_path / "more").rglob("*.png") if p.parent != tmp_path / "more")
    lines = [f"{file.relative_to(tmp_path).as_posix()},{file.parent.name}" for file in files]
    (tmp_path / "table.csv").write_text("file,label\n" + "\n".join(lines), encoding="utf-8")
    listed, whole = (load(tmp_path / name, Settings(jobs=1)) for name in ("table.csv", "more"))
    assert listed.copies.sum() == whole.copies.sum() > 0
    assert listed.groups is not None and whole.groups is not None
    assert len(set(listed.groups)) == len(set(whole.groups))
    for name in ("a", "b"):  # one level further down among pictures without labels
        (tmp_path / "unlabelled" / "deep").mkdir(parents=True, exist_ok=True)
        shutil.copytree(tmp_path / "more" / name, tmp_path / "unlabelled" / "deep" / name)
    shutil.copy(tmp_path / "more" / "augmented.json", tmp_path / "unlabelled" / "deep")
    with pytest.raises(DataError, match="unlabelled"):
        with_unlabelled(load(labelled, Settings(jobs=1)), tmp_path / "unlabelled", Settings(jobs=1))


def test_a_damaged_file_that_is_not_among_the_copies_is_named(tmp_path: Path) -> None:
    labelled = write_pictures(tmp_path / "photos", per_class=4)
    (labelled / "a" / "broken.png").write_bytes(b"")
    called = handful("augment", labelled, "-o", tmp_path / "more", "--policy", "noise")
    assert called.status == 0 and "broken.png is empty" in " ".join(called.err.split())


def test_no_copy_equals_its_original_or_another_copy(tmp_path: Path) -> None:
    labelled = write_pictures(tmp_path / "photos", per_class=4)
    called = handful("augment", labelled, "-o", tmp_path / "more", "--policy", "flips", "--per-class", 20)
    assert called.status == 0 and "12 of 48 copies were made: 'flips' makes no others" in called.err
    every = [p for p in (tmp_path / "more").rglob("*.png") if p.parent != tmp_path / "more"]
    assert len(every) == 24 == len({Image.open(p).convert("RGB").tobytes() for p in every})
