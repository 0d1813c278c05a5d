"""From what people have to a Dataset, and new data in the same way."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from handful.data.load import check_test, load, load_new, load_test
from handful.errors import DataError, MissingExtraError, SettingsError
from handful.settings import Settings

SHARED = Path(__file__).parents[3] / "shared" / "data"


def photos(folder: Path, **classes: int) -> Path:
    """A folder per class with that many pictures, every one different."""
    random = np.random.default_rng(0)
    for name, n in classes.items():
        (folder / name).mkdir(parents=True)
        for i in range(n):
            pixels = random.integers(0, 255, (40, 40, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / name / f"p{i % 2}_{i}.png")
    return folder


def table(path: Path, content: str) -> Path:
    path.write_text(content)
    return path


class Frame:
    """A table, or a column, of another library, as polars and pyarrow have them."""

    def __init__(self, values: pd.DataFrame | pd.Series) -> None:
        self.values = values
        self.shape = values.shape

    def to_pandas(self) -> pd.DataFrame | pd.Series:
        return self.values

    def __array__(self, dtype: object = None, copy: bool | None = None) -> np.ndarray:
        return self.values.to_numpy()

    def __len__(self) -> int:
        return len(self.values)


def kinds(dataset: object) -> list[str]:
    return [finding.kind for finding in dataset.findings]  # type: ignore[attr-defined]


IRIS = "id,length,colour,kind\n1,1.5,red,a\n2,2.5,blue,b\n3,,red,a\n4,3.5,,b\n"


def test_a_folder_of_images_becomes_a_dataset(tmp_path):
    folder = photos(tmp_path / "photos", cat=3, dog=2)
    (folder / "dog" / "bad.png").write_bytes(b"")
    dataset = load(folder, Settings(), tmp_path / "run")
    assert (dataset.modality, dataset.task, dataset.classes.tolist()) == (
        "image",
        "classification",
        ["cat", "dog"],
    )
    assert dataset.ids.tolist() == [
        "cat/p0_0.png",
        "cat/p0_2.png",
        "cat/p1_1.png",
        "dog/p0_0.png",
        "dog/p1_1.png",
    ]
    assert dataset.y.tolist() == [0, 0, 0, 1, 1] and dataset.X.shape == (5, 40, 40, 3)
    assert dataset.X.paths[0] == str(folder / "cat" / "p0_0.png")
    assert np.array_equal(dataset.X[1], np.asarray(Image.open(folder / "cat" / "p0_2.png")))
    (finding,) = dataset.findings
    assert (
        finding.kind == "damaged file" and finding.items == ["dog/bad.png"] and "0 bytes" in finding.message
    )
    assert json.loads(json.dumps(dataset.origin)) == dataset.origin and dataset.origin["size"] == 40


def test_the_order_of_an_image_does_not_tell_its_class(tmp_path):
    dataset = load(photos(tmp_path, cat=3, dog=2), Settings())
    assert dataset.meta["order"].tolist() == [0, 1, 2, 0, 1]


def test_folders_are_classes_whatever_their_names(tmp_path):
    names = {name: 2 for name in ["NA", "01", "1", "1.0", "10", "9"]}
    dataset = load(photos(tmp_path / "a", **names), Settings())
    assert set(dataset.classes) == set(names)
    numbered = load(photos(tmp_path / "b", **{str(7 * i): 2 for i in range(25)}), Settings())
    assert numbered.task == "classification" and numbered.classes.tolist() == [str(7 * i) for i in range(25)]
    _, y, ids, _ = load_test(tmp_path / "a", dataset.origin, dataset.classes)
    assert y.tolist() == dataset.y.tolist() and ids.tolist() == dataset.ids.tolist()


def test_a_table_becomes_a_dataset(tmp_path):
    dataset = load(table(tmp_path / "t.csv", IRIS), Settings(target="kind"))
    assert (dataset.modality, dataset.task, dataset.classes.tolist()) == (
        "table",
        "classification",
        ["a", "b"],
    )
    assert dataset.X.columns.tolist() == ["length", "colour"] and dataset.ids.tolist() == list("0123")
    assert dataset.X["colour"].tolist() == ["red", "blue", "red", None]
    assert dataset.meta["order"].tolist() == [0, 1, 2, 3]
    assert kinds(dataset) == ["identifier column"]
    assert json.loads(json.dumps(dataset.origin)) == dataset.origin


@pytest.mark.parametrize("target", ["price", "size"])
def test_a_file_has_one_way_to_write_numbers(tmp_path, target):
    prices = ["700", "980", "1.000", "1.020", "1.500", "320"]
    rows = [f"{i / 2:.1f};{prices[i]}".replace(".", ",", 1) for i in range(6)]
    path = table(tmp_path / "t.csv", "\n".join(["size;price", *rows]))
    dataset = load(path, Settings(target=target, task="regression"))
    read = dataset.y.tolist() if target == "price" else dataset.X["price"].tolist()
    assert read == [700, 980, 1000, 1020, 1500, 320]


def test_rows_without_a_target_and_dropped_classes_keep_the_numbers_of_the_others(tmp_path):
    content = "x,w,y\n1,3,a\n2,1,\n3,4,b\n4,1,c\n5,5,a\n6,9,b\n"
    dataset = load(table(tmp_path / "t.csv", content), Settings(target="y", drop_classes=("c",)))
    assert dataset.ids.tolist() == ["0", "2", "4", "5"] and dataset.X["x"].tolist() == [1, 3, 5, 6]
    assert dataset.y.tolist() == [0, 1, 0, 1]


def test_a_table_with_a_column_of_paths_is_images(tmp_path):
    folder = photos(tmp_path / "photos", cat=2, dog=2)
    rows = [f"photos/{p}/p{i}_{i}.png,{p},{i}" for p in ("cat", "dog") for i in (0, 1)]
    rows.insert(1, "photos/cat/gone.png,cat,5")
    path = table(tmp_path / "labels.csv", "file,label,age\n" + "\n".join(rows))
    dataset = load(path, Settings(target="label", modality="image"))
    assert dataset.modality == "image" and dataset.ids[0] == "photos/cat/p0_0.png" and len(dataset) == 4
    assert dataset.meta["order"].tolist() == [0, 2, 3, 4]
    assert kinds(dataset) == ["unused column", "damaged file"]
    absolute = path.read_text().replace("photos/", f"{folder}/")
    assert len(load(table(tmp_path / "b.csv", absolute), Settings(target="label", modality="image"))) == 4
    as_table = load(path, Settings(target="label", modality="table"))
    assert as_table.modality == "table" and as_table.X.columns.tolist() == ["file", "age"]


def test_paths_as_windows_writes_them_are_found(tmp_path):
    photos(tmp_path / "photos", cat=2, dog=2)
    rows = [f"photos\\{p}\\p{i}_{i}.png,{p}" for p in ("cat", "dog") for i in (0, 1)]
    dataset = load(table(tmp_path / "l.csv", "f,y\n" + "\n".join(rows)), Settings(target="y"))
    assert dataset.modality == "image" and len(dataset) == 4 and dataset.ids[0] == "photos/cat/p0_0.png"


def test_one_file_of_another_kind_leaves_a_column_of_pictures_what_it_is(tmp_path):
    files = sorted(photos(tmp_path / "photos", cat=8, dog=8).rglob("*.png"))
    rows = [f"photos/{f.parent.name}/{f.name},{f.parent.name},{i}" for i, f in enumerate(files)]
    rows.insert(1, "photos/cat/phone.heic,cat,5")
    path = table(tmp_path / "l.csv", "f,y,age\n" + "\n".join(rows))
    dataset = load(path, Settings(target="y", modality="image"))
    assert dataset.modality == "image" and len(dataset) == 16 and "damaged file" in kinds(dataset)


def test_the_same_path_in_two_rows_has_two_ids(tmp_path):
    photos(tmp_path, cat=2, dog=2)
    rows = "cat/p0_0.png,a\ncat/p0_0.png,b\ncat/p1_1.png,a\ndog/p0_0.png,b\n"
    dataset = load(table(tmp_path / "l.csv", "f,y\n" + rows), Settings(target="y"))
    assert dataset.ids.tolist()[:2] == ["cat/p0_0.png (row 0)", "cat/p0_0.png (row 1)"]


def test_a_file_that_stands_twice_is_in_the_group_of_its_name(tmp_path):
    photos(tmp_path, cat=2, dog=2)
    rows = "cat/p0_0.png,a\ncat/p0_0.png,b\ncat/p1_1.png,a\ndog/p0_0.png,b\n"
    path = table(tmp_path / "l.csv", "f,y\n" + rows)
    dataset = load(path, Settings(target="y", groups="^(cat|dog)/"))
    assert dataset.groups[0] == dataset.groups[1] == dataset.groups[2] != dataset.groups[3]
    assert not [f for f in dataset.findings if "group" in f.kind]


def test_arrays_become_a_dataset():
    X = np.arange(24.0).reshape(8, 3)
    dataset = load((X, [0, 1] * 4, ["g", "h", "g", "h"] * 2), Settings())
    assert dataset.X.to_numpy().tolist() == X.tolist() and dataset.X.columns.tolist() == ["x0", "x1", "x2"]
    assert dataset.classes.dtype == np.int64 and dataset.groups.tolist() == [0, 1] * 4
    assert load((X.tolist(), [0.5 * i for i in range(8)]), Settings()).task == "regression"


def test_a_dataframe_becomes_a_dataset_with_or_without_its_target():
    frame = pd.DataFrame(
        {"n": [1.5, 2.5, 1.5, 3], "c": ["u", "v", "u", None], "y": [True, False, True, False]}
    )
    whole = load(frame, Settings(target="y"))
    apart = load((frame.drop(columns="y"), frame["y"]), Settings())
    for dataset in (whole, apart):
        assert dataset.classes.dtype == bool and dataset.y.tolist() == [1, 0, 1, 0]
        assert dataset.X["c"].tolist() == ["u", "v", "u", None]
    assert apart.origin["target"] == "y"


def test_a_frame_that_is_not_of_pandas_keeps_its_names():
    frame = pd.DataFrame({"size": [0.0, 5.0, 1.0, 6.0], "kind": list("abba"), "y": [0, 1, 0, 1]})
    X = frame[["size", "kind"]]
    whole = load(Frame(frame), Settings(target="y", task="classification"))
    parts = load((Frame(X), Frame(frame["y"]), Frame(pd.Series(list("ppqq")))), Settings())
    for dataset in (whole, parts):
        assert dataset.X.columns.tolist() == ["size", "kind"] and dataset.y.tolist() == [0, 1, 0, 1]
        assert load_new(Frame(X[["kind", "size"]]), dataset.origin)[0].equals(dataset.X)
    assert parts.groups is not None and parts.groups.tolist() == [0, 0, 1, 1]
    assert parts.origin["target"] == "y"


def test_a_frame_that_pandas_cannot_be_made_of_says_what_to_install():
    class Bare(Frame):
        def to_pandas(self) -> pd.DataFrame:
            raise ModuleNotFoundError("pyarrow is required")

    with pytest.raises(MissingExtraError, match=r"'pyarrow'.*handful\[tables\]"):
        load((Bare(pd.DataFrame({"a": [1, 2, 3, 4]})), [0, 1, 0, 1]), Settings())


def test_a_column_that_is_called_like_the_target_is_learned_from(tmp_path):
    X = pd.DataFrame({"x": [1.5, 2.5, 3.0, 4.0], "y": [1.0, 0.0, 2.0, 1.5]})
    for labels in (list("abab"), pd.Series(list("abab"), name="x")):
        old = load((X, labels), Settings())
        assert old.X.columns.tolist() == ["x", "y"]
        assert load_new(X, old.origin)[0].equals(old.X)
        assert load_test((X, labels), old.origin, old.classes)[1].tolist() == old.y.tolist()
        with pytest.raises(
            DataError, match="target and a column that the model learned from are both called"
        ):
            load_test(X, old.origin, old.classes)
    array = load((X.to_numpy(), pd.Series(list("abab"), name="x0")), Settings())
    assert array.X.columns.tolist() == ["x0", "x1"]


def test_a_column_that_is_the_target_is_not_learned_from():
    X = pd.DataFrame({"x": [1.5, 2.5, 3.0, 4.0], "kind": list("abab")}, index=[7, 8, 9, 10])
    old = load((X, X["kind"]), Settings())
    assert old.X.columns.tolist() == ["x"] and kinds(old) == ["target"]
    assert load_new(X, old.origin)[0].equals(old.X)
    assert load_test(X, old.origin, old.classes)[1].tolist() == old.y.tolist()


def test_arrays_of_images_and_lists_of_files_become_images(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 255, (4, 40, 30), dtype=np.uint8)
    dataset = load((pixels, list("abab")), Settings())
    assert dataset.modality == "image" and dataset.X.shape == (4, 40, 40, 3) and dataset.X.paths == [None] * 4
    folder = photos(tmp_path, cat=2, dog=2)
    files = sorted(str(path) for path in folder.rglob("*.png"))
    assert load((files, list("aabb")), Settings()).X.paths == files


@pytest.mark.parametrize("option", ["patient", "groups.csv"])
def test_groups_of_a_table_come_from_a_column_or_a_file(tmp_path, monkeypatch, option):
    monkeypatch.chdir(tmp_path)
    table(tmp_path / "groups.csv", "id,group\n0,u\n1,u\n2,v\n")
    rows = [f"{i * i % 7}.5,{'uuv'[i] if i < 3 else ''},{'ab'[i % 2]}" for i in range(4)]
    path = table(tmp_path / "t.csv", "x,patient,y\n" + "\n".join(rows))
    dataset = load(path, Settings(target="y", groups=option))
    assert dataset.groups.tolist() == [0, 0, 1, 2]
    assert ("patient" in dataset.X.columns) == (option != "patient")
    assert kinds(dataset)[-1] == "missing group"


def test_groups_of_images_come_from_their_names(tmp_path):
    dataset = load(photos(tmp_path, cat=2, dog=2), Settings(groups=r"(p\d)_"))
    assert dataset.groups.tolist() == [0, 1, 0, 1]


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        ("x,y\n1,a\n", {}, "there is 1 row"),
        ("x,y\n1,a\n2,a\n3,a\n", {}, "one class, 'a', in all 3 rows"),
        ("x,y\n1,a\n2,a\n3,b\n", {}, "class 'b' has 1 example.*--drop-class b"),
        ("x,y\n1,a\n2,b\n3,c\n", {}, "as many classes as rows"),
        ("x,y\n1,5\n2,5\n3,5\n", {"task": "regression"}, "is 5 in all 3 rows"),
        ("x,y\n1,a\n2,b\n", {"target": "z"}, "no column 'z'"),
        ("x,y\n1,a\n2,b\n", {"modality": "image"}, "no column of image files"),
        ("y\na\nb\na\nb\n", {}, "no column is left"),
        ("x,y\n1,a\n2,b\n", {"groups": "zz"}, "neither a column nor a file"),
    ],
)
def test_a_table_that_cannot_be_learned_from_is_refused(tmp_path, content, options, message):
    with pytest.raises(DataError, match=message):
        load(table(tmp_path / "t.csv", content), Settings(**options))


def test_an_image_folder_that_cannot_be_learned_from_is_refused(tmp_path):
    single = photos(tmp_path / "single", cat=3, dog=1)
    with pytest.raises(DataError, match=r"class 'dog' has 1 example"):
        load(single, Settings())
    damaged = photos(tmp_path / "damaged file", cat=3, dog=2)
    (damaged / "dog" / "p0_0.png").write_text("text")
    with pytest.raises(DataError, match=r"class 'dog' has 1 example \(1 damaged file left out\)"):
        load(damaged, Settings())
    (damaged / "dog" / "p1_1.png").write_text("text")
    with pytest.raises(
        DataError, match=r"every example of the class 'dog' is damaged: .*not an image but text"
    ):
        load(damaged, Settings())
    for path in damaged.rglob("*.png"):
        path.write_bytes(b"")
    with pytest.raises(DataError, match=r"none of the 5 images can be read: .*is empty \(0 bytes\)"):
        load(damaged, Settings(), tmp_path / "run")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (([1.0, 2.0], [0, 1]), r"Expected 2D array.*Reshape your data"),
        ((np.zeros((4, 2)), [0, 1]), "y has 2 values, but X has 4 samples"),
        ((np.zeros((4, 2)), None), "y is None"),
        ((np.zeros((0, 2)), []), r"0 samples \(0 rows\); a minimum of 1 is required"),
        ((np.zeros((4, 0)), [0, 1, 0, 1]), r"0 feature\(s\) \(shape=\(4, 0\)\)"),
        ((np.ones((4, 2)) * 1j, [0, 1, 0, 1]), "Complex data not supported"),
        (([[1, 2], [3]], [0, 1]), "rows of different lengths"),
        ((["some text", "more"], [0, 1]), "as many classes as texts"),
        (5, "expected is a path, a DataFrame"),
        (([[1]], [1], [1], [1]), "the tuple has 4 parts"),
        ("nowhere.csv", "'nowhere.csv' does not exist"),
    ],
)
def test_arrays_that_are_no_data_are_refused(data, message):
    with pytest.raises(DataError, match=message):
        load(data, Settings())


def test_sparse_input_says_how_to_make_it_dense():
    from scipy.sparse import csr_matrix

    with pytest.raises(DataError, match=r"toarray"):
        load((csr_matrix(np.eye(4)), [0, 1, 0, 1]), Settings())


def test_unknown_options_are_refused():
    for options in ({"task": "cluster"}, {"modality": "video"}):
        with pytest.raises(SettingsError):
            load((np.zeros((2, 2)), [0, 1]), Settings(**options))
    with pytest.raises(DataError, match="read as table, but text is expected"):
        load((np.zeros((2, 2)), [0, 1]), Settings(modality="text"))


def test_new_images_are_read_as_the_old_in_the_order_of_the_input(tmp_path):
    origin = load(photos(tmp_path / "old", cat=2, dog=2), Settings()).origin
    new = photos(tmp_path / "new", x=2)
    (new / "a.png").write_bytes(b"")
    Image.new("RGB", (400, 300), "red").save(new / "z.png")
    X, ids, problems = load_new(new, origin)
    assert ids.tolist() == ["a.png", "x/p0_0.png", "x/p1_1.png", "z.png"]
    assert problems == {"a.png": "is empty (0 bytes)"} and X.shape == (3, 40, 40, 3)
    assert X[2][0, 0].tolist() == [255, 0, 0]
    X, ids, problems = load_new(new / "z.png", origin)
    assert ids.tolist() == ["z.png"] and len(X) == 1 and problems == {}
    assert load_new(np.zeros((2, 9, 9), np.uint8), origin)[0].shape == (2, 40, 40, 3)
    assert load_new([str(new / "z.png")], origin)[1].tolist() == [str(new / "z.png")]
    assert load_new((new / "z.png").rename(new / "z"), origin)[1].tolist() == ["z"]
    (new / "phone.heic").write_bytes(b"a picture")
    with pytest.raises(DataError, match=r"phone\.heic' is no picture that can be read.*PNG or JPEG"):
        load_new(new / "phone.heic", origin)


def test_new_tables_are_read_with_or_without_the_target(tmp_path):
    old = load(table(tmp_path / "t.csv", IRIS), Settings(target="kind"))
    same, ids, _ = load_new(tmp_path / "t.csv", old.origin)
    assert same.equals(old.X) and ids.tolist() == list("0123")
    one, ids, _ = load_new(table(tmp_path / "n.csv", "colour;length\ngreen;7\n"), old.origin)
    assert one.to_numpy().tolist() == [[7.0, "green"]] and ids.tolist() == ["0"]
    with pytest.raises(DataError, match=r"no column 'length'.*Did you mean 'lenght'"):
        load_new(pd.DataFrame({"lenght": [1], "colour": ["a"]}), old.origin)
    with pytest.warns(UserWarning, match=r"'long'"):
        load_new(pd.DataFrame({"length": [1, "long"], "colour": ["a", "b"]}), old.origin)


def test_a_model_of_arrays_takes_columns_by_place():
    old = load((np.arange(8.0).reshape(4, 2), [0, 1, 0, 1]), Settings())
    assert load_new([[1, 2]], old.origin)[0].columns.tolist() == ["x0", "x1"]
    named = pd.DataFrame({"a": [1.0], "b": [2.0]})
    assert load_new(named, old.origin)[0].to_numpy().tolist() == [[1.0, 2.0]]
    with pytest.raises(DataError, match=r"X has 3 features, but the model was fitted on 2"):
        load_new([[1, 2, 3]], old.origin)


def test_a_model_of_a_table_takes_columns_by_name_however_they_are_called():
    rows = pd.DataFrame({"x0": [0.0, 5.0, 1.0, 6.0], "x1": [1.0, 2.0, 2.0, 1.0]})
    old = load((rows, [0, 1, 0, 1]), Settings())
    with pytest.raises(DataError, match="no column 'x0', 'x1'"):
        load_new(pd.DataFrame({"a": [1.0], "b": [2.0]}), old.origin)
    with pytest.raises(DataError, match="no column 'x0'"):
        check_test((pd.DataFrame({"a": [1.0], "x1": [2.0]}), [0]), old.origin, old.classes)
    assert load_new([[1, 2]], old.origin)[0].to_numpy().tolist() == [[1.0, 2.0]]


def test_an_array_of_objects_has_no_names_either():
    rows = pd.DataFrame({"size": [0.0, 5.0, 1.0, 6.0], "kind": ["a", "b", "b", "a"]})
    of_table = load((rows, [0, 1, 0, 1]), Settings())
    of_array = load((rows.to_numpy().astype(object), [0, 1, 0, 1]), Settings())
    for old in (of_table, of_array):
        for new in (rows, rows.to_numpy().astype(object)):
            assert load_new(new, old.origin)[0].to_numpy().tolist() == rows.to_numpy().tolist()


def test_new_data_of_another_modality_is_refused(tmp_path):
    image = load(photos(tmp_path / "p", cat=2, dog=2), Settings()).origin
    rows = load((np.arange(8.0).reshape(4, 2), [0, 1, 0, 1]), Settings()).origin
    with pytest.raises(DataError, match=r"is a folder, but a table was expected"):
        load_new(tmp_path / "p", rows)
    with pytest.raises(DataError, match=r"no column of image files"):
        load_new(table(tmp_path / "t.csv", "a,b\n1,2\n"), image)
    with pytest.raises(DataError, match=r"read as 'table'|read as table"):
        load_new(np.zeros((2, 2)), image)


def test_a_test_set_is_read_in_the_classes_of_the_model(tmp_path):
    old = load(photos(tmp_path / "old", cat=2, dog=2), Settings())
    new = photos(tmp_path / "new", dog=2)
    (new / "dog" / "bad.png").write_bytes(b"")
    X, y, ids, findings = load_test(new, old.origin, old.classes)
    assert y.tolist() == [1, 1] and ids.tolist() == ["dog/p0_0.png", "dog/p1_1.png"] and len(X) == 2
    assert [f.kind for f in findings] == ["damaged file"]
    with pytest.raises(DataError, match=r"'dgo' is not among .*Did you mean 'dog'"):
        load_test(photos(tmp_path / "typo", dgo=1), old.origin, old.classes)


def test_a_test_table_leaves_out_rows_without_a_label(tmp_path):
    old = load(table(tmp_path / "t.csv", IRIS), Settings(target="kind"))
    X, y, ids, findings = load_test(
        table(tmp_path / "n.csv", "kind,length,colour\nb,1,red\n,2,red\na,3,x\n"), old.origin, old.classes
    )
    assert y.tolist() == [1, 0] and ids.tolist() == ["0", "2"] and X["length"].tolist() == [1, 3]
    assert [f.kind for f in findings] == ["new category", "missing target"]


def test_a_test_table_writes_its_numbers_as_the_model_knows_them(tmp_path):
    rows = ["1;1.378,50", "2;950,00", "4;2.100,25", "3;1.999,99"]
    old = load(table(tmp_path / "t.csv", "\n".join(["x;price", *rows])), Settings(target="price"))
    assert old.y.tolist() == [1378.5, 950.0, 2100.25, 1999.99]
    new = table(tmp_path / "n.csv", "x;price\n1;1.250\n2;2.400\n3;1.100\n")
    assert load_test(new, old.origin, None)[1].tolist() == [1250.0, 2400.0, 1100.0]
    new = table(tmp_path / "n.csv", "x;price\n1;1.250\n2;2,400.50\n")
    with pytest.raises(DataError, match=r"written like 1.234,5, but .* 'price' holds '2,400.50' \(row 1\)"):
        check_test(new, old.origin, None)
    whole = load(table(tmp_path / "w.csv", "x,y\n1,1.5\n2,3.7\n3,8.1\n"), Settings(target="y"))
    with pytest.raises(DataError, match=r"written like 1234.5, but .* holds '1,5' \(row 0\)"):
        load_test(table(tmp_path / "n.csv", 'x,y\n1,"1,5"\n'), whole.origin, None)


def test_a_file_name_that_is_no_utf8_is_shown_with_escapes(tmp_path):
    folder = photos(tmp_path, cat=2, dog=2)
    os.rename(folder / "cat" / "p0_0.png", os.fsencode(folder / "cat") + b"/\xff.png")
    dataset = load(folder, Settings())
    assert "cat/\\xff.png" in dataset.ids.tolist()


def test_a_class_folder_whose_name_is_no_utf8_is_shown_with_escapes(tmp_path):
    folder = photos(tmp_path, cat=2, dog=2)
    os.rename(os.fsencode(folder / "dog"), os.fsencode(folder) + b"/h\xfcnd")
    assert load(folder, Settings()).classes.tolist() == ["cat", "h\\xfcnd"]


def test_the_room_imports_neither_torch_nor_sklearn():
    code = "import sys, handful.data.load, handful.data.store; print({'torch', 'sklearn'} & set(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "set()"


@pytest.mark.skipif(not (SHARED / "tabular").is_dir(), reason="the data for trying is not here")
@pytest.mark.parametrize(
    ("name", "task", "classes"),
    [
        ("keel_vehicle", "classification", 4),
        ("MASS_Boston", "regression", None),
        ("ISLR_Hitters", "regression", None),
    ],
)
def test_real_tables_load_as_their_makers_meant(name, task, classes):
    dataset = load(SHARED / "tabular" / name / "data.csv", Settings(target="target"))
    assert dataset.task == task and (classes is None or len(dataset.classes) == classes)
    assert dataset.origin["schema"]["left_out"] == {}


def test_a_test_set_of_damaged_pictures_is_refused_with_files_and_reasons(tmp_path):
    old = load(photos(tmp_path / "old", cat=2, dog=2), Settings())
    for path in (new := photos(tmp_path / "new", cat=1, dog=1)).rglob("*.png"):
        path.write_bytes(b"")
    with pytest.raises(
        DataError, match=r"can be read: cat/p0_0\.png, dog/p\d_\d\.png, each of which is empty"
    ):
        load_test(new, old.origin, old.classes)
