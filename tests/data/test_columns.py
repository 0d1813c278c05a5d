"""Numbers, categories, texts and pictures in one table: read, stored, found again, and read anew."""

from __future__ import annotations

import pickle
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from handful.audit.coincidence import column_codes
from handful.data.columns import CATEGORY, NUMBER, PICTURE, TEXT, TEXTS, absent, columns_of
from handful.data.dataset import Dataset
from handful.data.load import load, load_new
from handful.data.picture_column import Picture, PictureArray
from handful.data.store import digest, open_dataset, sample_digests, save
from handful.errors import DataError
from handful.settings import Settings

N = 12


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A table `t.csv` and its pictures; row 3 names none, that of row 5 is damaged, row 7 has no text."""
    random = np.random.default_rng(0)
    (tmp_path / "seen").mkdir()
    rows = []
    for i in range(N):
        pixels = random.integers(0, 255, (40, 50, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / "seen" / f"{i}.png")
        kind = "a rather long name of one kind" if i % 3 else "another name that is just as long"
        note = "" if i == 7 else f"this is what was said of number {i}"
        rows.append([f"seen/{i}.png", kind, i % 5 + 0.5, note, f"May {i + 1}, 2020", "yn"[i % 2]])
    rows[3][0] = ""
    (tmp_path / "seen" / "5.png").write_bytes(b"nothing of the kind")
    names = ["photo", "kind", "size", "note", "day", "y"]
    pd.DataFrame(rows, columns=names).to_csv(tmp_path / "t.csv", index=False)
    return tmp_path


def read(place: Path) -> Dataset:
    return load(place / "t.csv", Settings(target="y"), place / "run")


def test_every_column_is_of_its_kind(place: Path) -> None:
    dataset = read(place)
    assert dataset.modality == "table" and len(dataset) == N
    X = dataset.X
    assert columns_of(X, PICTURE) == ["photo"] and columns_of(X, TEXTS) == ["note"]
    assert columns_of(X, CATEGORY) == ["kind"]  # names of many words, which recur, are no texts
    assert columns_of(X, NUMBER) == ["size", "day (days)", "day (weekday)"]
    assert dataset.origin["sizes"] == {"photo": 50}


def test_what_is_not_there_is_missing_and_a_damaged_picture_is_named(place: Path) -> None:
    dataset = read(place)
    gone = absent(dataset.X)
    assert np.argwhere(gone).tolist() == [[3, 0], [5, 0], [7, 3]]
    damaged = next(f for f in dataset.findings if f.kind == "damaged file")
    assert damaged.items == ["5.png"] and "count as missing" in damaged.message


def test_a_stored_table_is_found_again(place: Path) -> None:
    dataset = read(place)
    save(dataset, place / "run")
    again = open_dataset(place / "run")
    assert digest(again) == digest(dataset) and again.X.dtypes.equals(dataset.X.dtypes)
    plain = [c for c in dataset.X if c != "photo"]
    pd.testing.assert_frame_equal(again.X[plain], dataset.X[plain])
    one, other = again.X["photo"].array, dataset.X["photo"].array
    assert one.digests.tolist() == other.digests.tolist() and one.pictures.paths == other.pictures.paths
    np.testing.assert_array_equal(np.asarray(one.pictures), np.asarray(other.pictures))
    some = Dataset(**{**vars(dataset), "X": dataset.X.iloc[[2, 3, 2]], "y": dataset.y[:3]})
    save(some, place / "some")
    assert open_dataset(place / "some").X["photo"].array.digests.tolist() == other.digests[[2, 3, 2]].tolist()


def test_another_picture_or_text_is_another_data_set(place: Path) -> None:
    dataset = read(place)
    for column in ("photo", "note"):
        X = dataset.X.assign(**{column: dataset.X[column].array.take(np.r_[1, 0, 2:N])})
        assert digest(Dataset(**{**vars(dataset), "X": X})) != digest(dataset)
        assert (sample_digests(X) != sample_digests(dataset.X)).tolist() == [True, True] + [False] * (N - 2)


def test_new_rows_are_read_as_the_old_ones(place: Path) -> None:
    dataset = read(place)
    with pytest.warns(UserWarning, match=r"pictures of 'photo' cannot be read .* 5\.png is not an image"):
        X, ids, problems = load_new(place / "t.csv", dataset.origin)
    assert not problems and ids.tolist() == [str(i) for i in range(N)]
    assert X["photo"].array.digests.tolist() == dataset.X["photo"].array.digests.tolist()
    Image.new("RGB", (90, 90), (200, 10, 10)).save(place / "new.png")
    new = pd.DataFrame(
        {
            "photo": [str(place / "new.png")],
            "kind": dataset.X["kind"][0],
            "size": 2,
            "note": "so",
            "day": None,
        }
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        X, _, _ = load_new(new, dataset.origin)
    assert X["photo"].array.pictures.shape == (1, 50, 50, 3) and X.loc[0, "note"] == "so"
    with pytest.raises(DataError, match="no column 'photo'"):
        load_new(new.drop(columns="photo"), dataset.origin)


def test_pictures_alone_or_when_asked_for_are_a_data_set_of_pictures(place: Path) -> None:
    assert load(place / "t.csv", Settings(target="y", modality="image")).modality == "image"
    table = pd.read_csv(place / "t.csv").dropna().drop(index=5)
    table["photo"] = [str(place / name) for name in table["photo"]]
    table[["photo", "y"]].to_csv(place / "alone.csv", index=False)
    assert load(place / "alone.csv", Settings(target="y")).modality == "image"


def test_a_text_beside_another_is_a_table_and_alone_it_is_a_data_set_of_texts() -> None:
    notes = [f"this is what was said of number {i}" for i in range(N)]
    two = pd.DataFrame({"a": notes, "b": notes[::-1], "y": ["y", "n"] * (N // 2)})
    assert columns_of(load(two, Settings(target="y")).X, TEXTS) == ["a", "b"]
    assert load(two[["a", "y"]], Settings(target="y")).modality == "text"


def test_a_column_of_pictures_is_taken_joined_and_pickled(place: Path) -> None:
    X = read(place).X
    some = pickle.loads(pickle.dumps(X.iloc[[4, 3]]))
    column = some["photo"].array
    assert len(column.images) == 1 and column.isna().tolist() == [False, True]  # only what is shown travels
    joined = pd.concat([X.iloc[:2], some], ignore_index=True)["photo"].array
    of = X["photo"].array
    assert joined.digests.tolist() == [*of.digests[:2], of.digests[4], ""]
    np.testing.assert_array_equal(joined[2].pixels, of[4].pixels)
    assert joined[3] is None and str(of[0]) == "0.png" and isinstance(of[0], Picture)
    assert X.iloc[2]["photo"] == of[2] and X.iloc[3].to_dict()["photo"] is None


def test_equal_pictures_have_equal_codes(place: Path) -> None:
    twice = read(place).X.iloc[[0, 1, 0, 3]].reset_index(drop=True)
    assert column_codes(twice)[:, 0].tolist() == [0, 1, 0, -1]
    assert isinstance(PictureArray._from_sequence(twice["photo"].tolist()), PictureArray)
    assert twice["note"].dtype == TEXT
