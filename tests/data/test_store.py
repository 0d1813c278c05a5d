"""A data set survives its folder to the last bit, and an unfinished one is recognised."""

from __future__ import annotations

import errno
import json
import os

import numpy as np
import pandas as pd
import pytest

from handful.data import store
from handful.data.dataset import Dataset, Finding, Images
from handful.data.store import digest, open_dataset, save
from handful.errors import RunError


def dataset_of(X: object, classes: object = None, **options: object) -> Dataset:
    n = len(X)  # type: ignore[arg-type]
    y = np.arange(n) % 2 if classes is not None else np.linspace(0.1, 1, n)
    values = {
        "ids": np.array([f"é{i}" for i in range(n)]),
        "meta": pd.DataFrame({"order": np.arange(n), "name": pd.Series(["a", None] * n, dtype=object)[:n]}),
        "task": "regression" if classes is None else "classification",
        "modality": "table",
        "classes": classes,
        "origin": {"target": "y", "size": 3},
        "findings": [Finding("kind", "note", "message", ["x"])],
        **options,
    }
    return Dataset(X, y, **values)  # type: ignore[arg-type]


def table() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "a": [0.1 + 0.2, np.nan, -0.0, 5e-324],
            "b": pd.Series(["x", None, "", "ü\0"], dtype=object),
            "c": [1e308, 1 / 3, 2.0, 3.0],
        }
    )


def pictures(n: int = 4) -> Images:
    return Images.from_array(np.random.default_rng(0).integers(0, 255, (n, 8, 8, 3), dtype=np.uint8))


def same(a: Dataset, b: Dataset) -> bool:
    frames = a.meta.equals(b.meta) and digest(a) == digest(b)
    return frames and a.ids.tolist() == b.ids.tolist() and a.origin == b.origin and a.findings == b.findings


@pytest.mark.parametrize(
    "classes",
    [
        np.array([3, 7]),
        np.array(["a", "b"]),
        np.array([False, True]),
        np.array([0.1, 1 / 3]),
        np.array(["x", "y\0"], dtype=object),
        None,
    ],
)
def test_a_table_survives_to_the_last_bit(tmp_path, classes):
    dataset = dataset_of(table(), classes, groups=np.array([0, 1, 0, 2]))
    save(dataset, tmp_path)
    again = open_dataset(tmp_path)
    pd.testing.assert_frame_equal(again.X, dataset.X, check_exact=True)
    assert np.signbit(again.X["a"].iloc[2]) and again.X["b"].tolist() == ["x", None, "", "ü\0"]
    assert same(again, dataset) and np.array_equal(again.y, dataset.y) and again.y.dtype == dataset.y.dtype
    assert again.groups.tolist() == [0, 1, 0, 2]
    if classes is None:
        assert again.classes is None
    else:
        assert again.classes.dtype == classes.dtype and again.classes.tolist() == classes.tolist()


def test_images_survive_and_stay_on_disk(tmp_path):
    images = pictures(6)[np.array([4, 0, 2])]
    save(dataset_of(images, np.array(["a", "b"]), modality="image"), tmp_path)
    again = open_dataset(tmp_path)
    assert np.array_equal(np.asarray(again.X), np.asarray(images))
    assert again.X.digests.tolist() == images.digests.tolist() and again.X.paths == [None] * 3
    assert isinstance(again.X._pixels, np.memmap)


def test_pixels_that_are_there_are_not_written_again_unless_rows_left(tmp_path):
    dataset = dataset_of(pictures(), np.array(["a", "b"]), modality="image")
    save(dataset, tmp_path)
    stored = open_dataset(tmp_path)
    before = os.stat(tmp_path / "pixels.npy").st_ino
    save(stored, tmp_path)
    assert os.stat(tmp_path / "pixels.npy").st_ino == before
    stored.X, stored.y, stored.ids = stored.X[1:], stored.y[1:], stored.ids[1:]
    stored.meta = stored.meta[1:].reset_index(drop=True)
    save(stored, tmp_path)
    assert np.array_equal(np.asarray(open_dataset(tmp_path).X), np.asarray(dataset.X)[1:])


def test_text_and_unlabelled_content_survive(tmp_path):
    text = np.array(["one", "two ü", "", "four"], dtype=object)
    save(dataset_of(text, np.array([0, 1]), modality="text", unlabelled=pictures(2)), tmp_path)
    again = open_dataset(tmp_path)
    assert again.X.tolist() == text.tolist() and again.X.dtype == object
    assert np.array_equal(np.asarray(again.unlabelled), np.asarray(pictures(2)))


def test_nothing_is_pickled(tmp_path):
    save(dataset_of(table(), np.array(["a", "b"], dtype=object)), tmp_path)
    assert sorted(os.listdir(tmp_path)) == ["arrays.npz", "dataset.json"]
    assert json.loads((tmp_path / "dataset.json").read_text())["classes"]["values"] == ["a", "b"]
    with np.load(tmp_path / "arrays.npz", allow_pickle=False) as arrays:
        assert all(arrays[name].dtype != object for name in arrays.files)


@pytest.mark.parametrize("stops_at", ["arrays.npz", "dataset.json"])
def test_an_interrupted_save_is_recognised(tmp_path, monkeypatch, stops_at):
    save(dataset_of(table()), tmp_path)
    real = store._write

    def interrupted(path: object, write: object) -> None:
        if path.name == stops_at:  # type: ignore[attr-defined]
            raise KeyboardInterrupt
        real(path, write)  # type: ignore[arg-type]

    monkeypatch.setattr(store, "_write", interrupted)
    with pytest.raises(KeyboardInterrupt):
        save(dataset_of(table()), tmp_path)
    with pytest.raises(RunError, match=r"an unfinished data set: dataset.json is missing"):
        open_dataset(tmp_path)


def test_an_empty_or_damaged_folder_is_refused(tmp_path):
    with pytest.raises(RunError, match=r"holds no data set"):
        open_dataset(tmp_path)
    save(dataset_of(pictures(), np.array([0, 1]), modality="image"), tmp_path)
    whole = (tmp_path / "pixels.npy").read_bytes()
    (tmp_path / "pixels.npy").write_bytes(whole[:-100])
    with pytest.raises(RunError, match=r"is damaged"):
        open_dataset(tmp_path)
    (tmp_path / "pixels.npy").write_bytes(whole)
    (tmp_path / "dataset.json").write_text('{"format": 99}')
    with pytest.raises(RunError, match=r"written in format 99"):
        open_dataset(tmp_path)


def test_the_digest_sees_content_labels_and_groups_only():
    base = dataset_of(table(), np.array(["a", "b"]))
    other_ids = dataset_of(table(), np.array(["a", "b"]), ids=np.array(list("wxyz")), findings=[])
    assert digest(base) == digest(other_ids)
    changed = [
        dataset_of(table().assign(a=[1.0, 2, 3, 4]), np.array(["a", "b"])),
        dataset_of(table().assign(b=pd.Series([None] * 4, dtype=object)), np.array(["a", "b"])),
        dataset_of(table(), np.array(["a", "c"])),
        dataset_of(table(), np.array(["a", "b"]), groups=np.array([0, 1, 2, 3])),
        dataset_of(table().rename(columns={"a": "z"}), np.array(["a", "b"])),
    ]
    assert len({digest(d) for d in [base, *changed]}) == 6


def test_a_full_disk_is_told_and_leaves_nothing_behind(tmp_path, monkeypatch):
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RunError, match=r"arrays.npz' cannot be written: No space left on device. Make room"):
        save(dataset_of(table()), tmp_path)
    assert os.listdir(tmp_path) == []
