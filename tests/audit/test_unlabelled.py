"""Unlabelled data is read like the labelled, and nothing that is tested on is among it."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import handful
from handful.audit.unlabelled import MOST, with_unlabelled
from handful.data import provenance
from handful.data.dataset import Dataset
from handful.data.load import load
from handful.data.store import digest, open_dataset, save
from handful.errors import DataError
from handful.settings import Settings
from tests.door import frame_of, write_pictures, write_table

SETTINGS = Settings(jobs=1, target="target")


def photographs(tmp_path: Path) -> tuple[Path, Path, Dataset]:
    """A labelled folder, an unlabelled one without class folders that holds two of its pictures, the data."""
    labelled, more = write_pictures(tmp_path / "photos", per_class=4), tmp_path / "more"
    more.mkdir()
    for i in range(6):
        pixels = np.random.default_rng(i).integers(0, 255, (50, 40, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(more / f"new{i}.png")
    shutil.copy(labelled / "a" / "00.png", more / "again.png")
    (more / "deeper").mkdir()
    shutil.copy(labelled / "b" / "01.png", more / "deeper" / "again.png")
    return labelled, more, load(labelled, Settings(jobs=1), tmp_path / "data")


def messages(dataset: Dataset) -> str:
    return "\n".join(f.message for f in dataset.findings if f.kind == "unlabelled data")


def test_pictures_have_the_size_of_the_labelled_and_none_of_them_is_labelled(tmp_path: Path) -> None:
    _, more, dataset = photographs(tmp_path)
    (more / "bad.png").write_bytes(b"no picture")
    found = with_unlabelled(dataset, more, Settings(jobs=1), tmp_path / "data")
    assert found.unlabelled.shape == (6, 32, 32, 3)
    assert not np.isin(found.unlabelled.digests, dataset.X.digests).any()
    assert "2 unlabelled samples are also among the labelled samples" in messages(found)
    damaged = next(f for f in found.findings if f.kind == "damaged file")
    assert damaged.message.startswith("Unlabelled data: Left out 1 of 9 images") and damaged.items == [
        "bad.png"
    ]


def test_it_survives_the_folder_and_changes_the_digest(tmp_path: Path) -> None:
    _, more, dataset = photographs(tmp_path)
    found = with_unlabelled(dataset, more, Settings(jobs=1), tmp_path / "data")
    save(found, tmp_path / "data")
    again = open_dataset(tmp_path / "data")
    np.testing.assert_array_equal(np.asarray(again.unlabelled), np.asarray(found.unlabelled))
    np.testing.assert_array_equal(np.asarray(again.X), np.asarray(dataset.X))
    assert digest(again) == digest(found) != digest(dataset)
    assert digest(replace(found, unlabelled=found.unlabelled[:3])) not in (digest(found), digest(dataset))


def test_what_is_in_the_test_set_is_not_learned_from_either(tmp_path: Path) -> None:
    _, more, dataset = photographs(tmp_path)
    test = tmp_path / "test"
    for i, name in enumerate("ab"):
        (test / name).mkdir(parents=True)
        shutil.copy(more / f"new{i}.png", test / name / "x.png")
    found = with_unlabelled(dataset, more, Settings(jobs=1, test=str(test)))
    assert len(found.unlabelled) == 4
    assert "2 unlabelled samples are also in the test set" in messages(found)


def test_nothing_left_is_said(tmp_path: Path) -> None:
    labelled, _, dataset = photographs(tmp_path)
    with pytest.raises(DataError, match="every unlabelled sample is also among the labelled"):
        with_unlabelled(dataset, labelled, Settings(jobs=1))


def test_arrays_of_pictures_are_read_too(tmp_path: Path) -> None:
    _, _, dataset = photographs(tmp_path)
    grey = np.random.default_rng(0).integers(0, 255, (5, 20, 20), dtype=np.uint8)
    assert with_unlabelled(dataset, grey, Settings(jobs=1)).unlabelled.shape == (5, 32, 32, 3)


def test_rows_are_read_in_the_schema_of_the_labelled_and_a_target_is_ignored(tmp_path: Path) -> None:
    dataset = load(write_table(tmp_path / "t.csv"), SETTINGS)
    more = frame_of().assign(x0=lambda f: f["x0"] + 0.05, another=1.0).drop(columns="target")
    more["target"] = "unknown"
    found = with_unlabelled(dataset, more, SETTINGS)
    assert found.unlabelled.columns.tolist() == dataset.X.columns.tolist()
    assert found.unlabelled.dtypes.tolist() == dataset.X.dtypes.tolist() and len(found.unlabelled) == 60
    save(found, tmp_path / "data")
    pd.testing.assert_frame_equal(open_dataset(tmp_path / "data").unlabelled, found.unlabelled)


def test_rows_that_are_equal_by_chance_are_left_out_as_often_as_they_are_labelled() -> None:
    frame = pd.DataFrame({"colour": list("rgbrgbrgb") * 4, "size": [1.0, 2.0, 3.0] * 12})
    labels = (["a", "b"] * 18)[:36]
    dataset = load((frame, labels), Settings())
    found = with_unlabelled(dataset, pd.concat([frame, frame]), Settings())
    assert len(found.unlabelled) == 36


def test_of_very_many_some_are_drawn_by_the_seed() -> None:
    random = np.random.default_rng(0)
    dataset = load((random.normal(size=(20, 3)), [0, 1] * 10), Settings())
    many = random.normal(size=(MOST + 500, 3))
    first, again, other = (with_unlabelled(dataset, many, Settings(seed=s)) for s in (0, 0, 1))
    assert len(first.unlabelled) == MOST and f"{MOST:,} were drawn by chance" in messages(first)
    assert first.unlabelled.equals(again.unlabelled) and not first.unlabelled.equals(other.unlabelled)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (
            "folder",
            r"must be rows of a table, like the labelled data: .* is a folder, but a table was expected",
        ),
        ("columns", r"must be rows of a table.*no column 'x0'"),
        ("empty", r"must be rows of a table.*0 samples|no rows|empty"),
        ("missing", r"does not exist"),
    ],
)
def test_what_does_not_fit_is_refused_in_plain_words(given: str, told: str, tmp_path: Path) -> None:
    dataset = load(write_table(tmp_path / "t.csv"), SETTINGS)
    path = tmp_path / given
    if given == "folder":
        write_pictures(path, per_class=1)
    elif given != "missing":
        path = path.with_suffix(".csv")
        frame = frame_of().drop(columns=["target", "x0"] if given == "columns" else "target")
        (frame[:0] if given == "empty" else frame).to_csv(path, index=False)
    with pytest.raises(DataError, match=told):
        with_unlabelled(dataset, path, SETTINGS)


def test_a_table_beside_pictures_is_refused(tmp_path: Path) -> None:
    _, _, dataset = photographs(tmp_path)
    with pytest.raises(DataError, match="must be pictures, like the labelled data"):
        with_unlabelled(dataset, write_table(tmp_path / "t.csv"), Settings(jobs=1))
    with pytest.raises(DataError, match="must be pictures, like the labelled data"):
        with_unlabelled(dataset, np.zeros((3, 4)), Settings(jobs=1))


def test_copies_made_of_labelled_samples_are_not_learned_from(tmp_path: Path) -> None:
    from handful.making.enlarge import enlarge

    labelled, _, dataset = photographs(tmp_path)
    enlarge(labelled, tmp_path / "large", per_class=6, policy="flips")
    with pytest.raises(DataError, match="every unlabelled sample is also among"):
        with_unlabelled(dataset, tmp_path / "large", Settings(jobs=1))


def test_what_was_generated_from_labelled_samples_is_not_learned_from(tmp_path: Path) -> None:
    _, more, dataset = photographs(tmp_path)
    about = {"made": ["new0.png", "deeper/again.png"]}
    (more / provenance.GENERATED).write_text(json.dumps(about))
    found = with_unlabelled(dataset, more, Settings(jobs=1), tmp_path / "data")
    assert found.unlabelled.shape[0] == 5  # of eight: two were generated, another is labelled too
    assert "2 unlabelled samples were made from others" in messages(found)


def test_test_pictures_among_the_class_folders_are_refused_before_they_become_a_class(tmp_path: Path) -> None:
    labelled = write_pictures(tmp_path / "photos", per_class=4)
    shutil.copytree(labelled, labelled / "test", ignore=lambda _, names: [n for n in names if n == "test"])
    with pytest.raises(DataError, match=r"the test data .* lies in the folder of the labelled data"):
        handful.fit(labelled, test=labelled / "test", out=tmp_path / "run", jobs=1)
    assert not (tmp_path / "run").exists()
