from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from handful.data.dataset import Dataset
from handful.data.load import load
from handful.settings import Settings
from handful.strategies.shortcut import (
    BEYOND,
    Beside,
    Border,
    Gaps,
    Overhead,
    Punctuation,
    UnexplainedSize,
    controls,
)
from tests.conftest import files_of, mixed, pictures, table


def test_every_control_of_pictures_and_tables_is_there_where_its_attribute_varies() -> None:
    found, absent = controls(files_of(pictures()))
    assert [c.name for c in found] == [
        "row order",
        "image size",
        "file type",
        "file size",
        BEYOND,
        "exif",
        "file name",
        "border pixels",
        "mean colour",
    ]
    assert not absent
    assert {c.family for c in found} == {"shortcut"}
    assert {c.name for c in found if c.view == "X"} == {"border pixels", "mean colour"}
    assert [c.name for c in controls(files_of(table("regression")))[0]] == ["row order", "missingness"]


def test_a_constant_or_unknown_attribute_has_no_control_and_a_reason() -> None:
    dataset = files_of(pictures())
    dataset.meta["format"] = "PNG"
    found, absent = controls(replace(dataset, meta=dataset.meta.drop(columns=["exif", "camera"])))
    assert absent == {
        "file type": "it is the same in all of them",
        "exif": "the pictures did not come as files",
    }
    assert not {"file type", "exif"} & {c.name for c in found}


def test_the_place_in_a_class_folder_is_no_information() -> None:
    dataset = files_of(pictures())
    _, absent = controls(replace(dataset, origin={"input": "folder"}))
    assert "no order of their own" in absent["row order"]


def test_rows_sorted_by_class_are_a_way_of_filing_and_no_clue() -> None:
    dataset = table("classification")
    dataset = replace(dataset, meta=pd.DataFrame({"order": np.arange(len(dataset))}))
    ranked = replace(dataset, y=np.sort(dataset.y))
    assert "sorted by the target" in controls(ranked)[1]["row order"]
    swapped = ranked.y.copy()
    swapped[[0, -1]] = swapped[[-1, 0]]
    assert "row order" not in controls(replace(dataset, y=swapped))[1]


@pytest.mark.parametrize("through", [False, True], ids=["counted in each folder", "counted through all"])
def test_names_that_count_the_files_of_a_folder_are_no_information(through: bool) -> None:
    dataset = files_of(pictures())
    place = np.arange(30) if through else np.arange(30) % 10
    meta = dataset.meta.assign(name=[f"a_{i:03d}.png" for i in place])
    ids = np.array([f"{'abc'[k]}/a_{i:03d}.png" for k, i in zip(dataset.y, place, strict=True)])
    counted = replace(dataset, meta=meta, ids=ids, origin={"input": "folder"})
    assert "only count" in controls(counted)[1]["file name"]
    # The same names in a list of files do say where a file stood.
    assert "file name" not in controls(replace(counted, origin={"input": "paths"}))[1]
    sparse = replace(counted, meta=meta.assign(name=[f"a_{7 * i}.png" for i in place]))
    assert "file name" not in controls(sparse)[1]


def test_the_class_in_a_file_name_says_nothing_new() -> None:
    meta = pd.DataFrame({"name": ["ankle-boot_12.PNG", "bag 12.png", "Bag_12.png", "bagpipe_12.png"]})
    plain = Beside("file name", without=("ankle boot", "bag")).transform(meta)
    assert (plain[0] == plain[1]).all() and (plain[1] == plain[2]).all()
    assert (plain[3] != plain[2]).any()


def test_file_types_and_modes_are_told_apart() -> None:
    kinds = ["PNG", "JPEG", "TIFF", "WEBP", "BMP", "GIF", "MPO", "PPM", "JPEG2000"]
    meta = pd.DataFrame({"format": kinds, "mode": "RGB"})
    assert len(np.unique(Beside("file type").transform(meta), axis=0)) == len(kinds)
    meta = pd.DataFrame({"format": "PNG", "mode": ["RGB", "L", "RGBA", "P", "LA", "1", "CMYK", "I;16"]})
    assert len(np.unique(Beside("file type").transform(meta), axis=0)) == 8


def test_what_the_content_needs_is_no_unexplained_size() -> None:
    random = np.random.default_rng(0)
    packed = random.lognormal(7, 0.5, 200)
    meta = pd.DataFrame({"packed": packed, "jpeg": packed**0.7, "width": 100, "height": 100})
    squeezed = np.arange(200) % 2
    meta["bytes"] = packed * 1.1 * np.where(squeezed, 0.6, 1.0)
    left = UnexplainedSize().fit(meta).transform(meta)[:, 0]
    assert abs(np.corrcoef(left, np.log(packed))[0, 1]) < 0.2
    assert np.corrcoef(left, squeezed)[0, 1] < -0.95


def test_one_marked_pixel_at_the_border_shows_and_one_inside_does_not() -> None:
    dark = np.full((64, 64, 3), 90, np.uint8)
    edge, inside = dark.copy(), dark.copy()
    edge[0, 40], inside[9, 40] = 255, 255
    plain, marked, within = (Border()._describe(p) for p in (dark, edge, inside))
    assert np.abs(plain - marked).max() > 150
    assert np.array_equal(plain, within)


def test_what_is_known_of_files_reaches_the_controls(tmp_path) -> None:
    from PIL import Image

    random = np.random.default_rng(0)
    for k, name in enumerate(("cat", "dog")):
        (tmp_path / name).mkdir()
        for i in range(6):
            noise = random.integers(0, 256, (40 + 8 * k, 40, 3), dtype=np.uint8)
            Image.fromarray(noise).save(tmp_path / name / f"{name}_{i}.{'jpg' if k else 'png'}")
    found, absent = controls(load(tmp_path, Settings(jobs=1)))
    assert {"image size", "file type", "file size", BEYOND, "border pixels"} <= {c.name for c in found}
    assert absent["exif"] == "it is the same in all of them"
    assert "only count" in absent["file name"]


def _texts(tmp_path, windows: bool) -> Dataset:
    """Two classes of text files, the second longer; with `windows` it is saved with other line ends."""
    for k, name in enumerate(("short", "long")):
        (tmp_path / name).mkdir()
        for i in range(6):
            text = "\n".join([f"line {i} of some words!"] * (1 + 2 * k))
            (tmp_path / name / f"{name}_{i}.txt").write_bytes(
                text.replace("\n", "\r\n" if windows and k else "\n").encode() + b"\r\n" * (windows and k)
            )
    return load(tmp_path, Settings())


def test_controls_of_texts_are_there_where_what_they_see_varies(tmp_path) -> None:
    found, absent = controls(_texts(tmp_path, windows=True))
    assert [c.name for c in found] == ["file size", BEYOND, "text length", "punctuation and capitals"]
    assert set(absent) == {"row order", "file name"} and "only count" in absent["file name"]


def test_texts_that_are_no_files_have_no_control_of_files() -> None:
    words = ["A good film.", "a bad one, though", "good!", "really bad", "very good", "BAD"]
    found, absent = controls(load((words, ["g", "b"] * 3), Settings()))
    assert [c.name for c in found] == ["row order", "text length", "punctuation and capitals"]
    assert absent == dict.fromkeys(("file size", "file name"), "the texts did not come as files")


def test_other_line_ends_are_no_longer_text(tmp_path) -> None:
    dataset = _texts(tmp_path, windows=True)
    beyond = Overhead().transform(dataset.meta)[:, 0]
    of_long = np.array([name.startswith("long") for name in dataset.ids])
    assert (beyond[of_long] > 0.02).all() and np.allclose(beyond[~of_long], 0)


def test_how_a_text_is_written_shows_whatever_it_says() -> None:
    plain, loud, other = Punctuation().transform(["it is good", "IT IS GOOD!!!", "so so fine"])
    assert np.abs(plain - loud).max() > 0.2
    assert np.array_equal(plain, other)


def test_texts_and_pictures_that_are_not_there_are_gaps() -> None:
    gaps = Gaps().transform(mixed().X)
    assert np.argwhere(gaps[:, :-1]).tolist() == [[1, 2], [2, 3]] and gaps[:, -1].sum() == 2
