import csv
import hashlib
import json
import shutil
from collections import Counter
from itertools import pairwise

import numpy as np
from PIL import Image
from typer.testing import CliRunner

import handful
from handful import example
from handful.cli import app


def test_clothes_has_thirty_grey_pictures_in_each_of_ten_classes():
    folders = [folder for folder in example.clothes().iterdir() if folder.is_dir()]
    names = ["ankle_boot", "bag", "coat", "dress", "pullover", "sandal", "shirt", "sneaker", "trouser"]
    counts = {folder.name: len(list(folder.glob("*.png"))) for folder in folders}
    assert counts == dict.fromkeys([*names, "tshirt_top"], 30)
    with Image.open(next(folders[0].glob("*.png"))) as picture:
        assert (picture.size, picture.mode) == ((28, 28), "L")


def test_clothes_pictures_are_all_different():
    contents = []
    for path in example.clothes().glob("*/*.png"):
        with Image.open(path) as picture:
            contents.append(hashlib.sha256(np.asarray(picture).tobytes()).hexdigest())
    assert len(set(contents)) == 300


def test_clothes_names_and_sizes_say_nothing_about_the_class():
    paths = list(example.clothes().glob("*/*.png"))
    assert sorted(int(path.stem) for path in paths) == list(range(300))
    assert len({path.stat().st_size for path in paths}) == 1
    means = [np.mean([int(p.stem) for p in paths if p.parent.name == name]) for name in ("bag", "trouser")]
    assert all(100 < mean < 200 for mean in means)


def test_wine_has_the_rows_columns_and_classes_of_the_uci_table():
    with example.wine().open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert Counter(row["target"] for row in rows) == {"barolo": 59, "grignolino": 71, "barbera": 48}
    assert len(rows[0]) == 14
    assert max(float(row["proline"]) for row in rows) == 1680


def test_wine_rows_are_not_sorted_by_class():
    with example.wine().open(newline="", encoding="utf-8") as file:
        targets = [row["target"] for row in csv.DictReader(file)]
    changes = sum(a != b for a, b in pairwise(targets))
    assert changes > 80


def test_licences_lie_beside_the_data():
    assert "Zalando SE" in (example.clothes() / "LICENSE").read_text()
    assert "CC BY 4.0" in (example.wine().parent / "LICENSE").read_text()


def test_examples_stay_under_a_megabyte():
    folder = example.clothes().parent
    assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) < 1_000_000


def test_the_demo_tries_everything_and_gives_an_answer_a_report_and_a_model(tmp_path, monkeypatch):
    """On a third of the photographs, and scored on the others."""
    some, pictures = tmp_path / "some", sorted(example.clothes().glob("*/*.png"))
    for path in pictures[::3]:
        (some / path.parent.name).mkdir(parents=True, exist_ok=True)
        shutil.copy(path, some / path.parent.name)
    monkeypatch.setattr(example, "clothes", lambda: some)
    done = CliRunner().invoke(app, ["demo", "--out", str(tmp_path / "run")])
    assert done.exit_code == 0, done.output
    told = json.loads((tmp_path / "run" / "report.json").read_text())
    assert told["expected"]["low"] > 0.65 and told["expected"]["high"] < 0.9
    families = {row["family"] for row in told["leaderboard"] if row["score"] is not None}
    assert {"baseline", "classic", "transfer", "augmentation", "ensemble"} <= families
    assert not [row["name"] for row in told["leaderboard"] if row["failed"]]
    model = handful.load(tmp_path / "run").model

    def right(asked):
        said = model.predict([str(path) for path in asked])
        return np.mean(said == np.array([path.parent.name for path in asked]))

    assert right(pictures[::9]) > 0.85  # it learned from them
    assert told["expected"]["low"] - 0.1 < right(pictures[1::3]) < told["expected"]["high"] + 0.1
