"""Bad input through the command line: exit status 2, one message that helps, and nothing half-written."""

from __future__ import annotations

import errno
import io
import os
import shutil
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from handful.backbones.engine import cuda_available
from handful.files import read_json
from handful.protocol.run import Run
from tests.door import Called, frame_of, handful, write_pictures, write_table

pytestmark = pytest.mark.usefixtures("few_candidates")

QUICK = ("--families", "classic", "--jobs", 1)


def refused(called: Called, *words: str, planned: bool = False) -> None:
    """Exit status 2 and one message with all these words in it; a traceback would have been raised.

    `planned`: the run had begun, so that its plan was printed before.
    """
    assert called.status == 2
    assert [line.split(":")[0] for line in called.out.splitlines()] == ["Plan"] * planned
    errors = [line for line in called.err.splitlines() if line.startswith("Error: ")]
    assert len(errors) == 1 and "Traceback" not in called.err
    for word in words:
        assert word in called.err


def refused_fit(tmp_path: Path, data: Path, *words: str, options: tuple = QUICK) -> None:
    """`handful fit data` is refused, and the run's folder is not there afterwards, nor those above it."""
    refused(handful("fit", data, *options, "--out", tmp_path / "runs" / "run"), *words)
    assert not (tmp_path / "runs").exists()


@pytest.fixture(scope="module")
def good(few_candidates: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `table.csv`, `pictures/` and `run/`, a finished run on the table; only to be read."""
    folder = tmp_path_factory.mktemp("good")
    write_table(folder / "table.csv")
    write_pictures(folder / "pictures")
    assert handful("fit", folder / "table.csv", *QUICK, "--out", folder / "run").status == 0
    return folder


# --- tables and folders from which nothing can be learned


def test_a_path_that_is_missing_is_named_with_the_nearest(good: Path, tmp_path: Path) -> None:
    refused_fit(tmp_path, good / "tabel.csv", "tabel.csv", "does not exist", "Did you mean 'table.csv'?")


def test_a_column_is_named_of_no_folder(good: Path, tmp_path: Path) -> None:
    options = (*QUICK, "--target", "outcome")
    refused_fit(tmp_path, good / "pictures", "'outcome' names a column", "each folder", options=options)
    refused(handful("check", good / "pictures", "--target", "outcome"), "'outcome' names a column")


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    refused_fit(tmp_path, tmp_path / "photos", "photos", "holds no images", "one folder of images per class")


def test_a_single_class_of_pictures_is_named(good: Path, tmp_path: Path) -> None:
    shutil.copytree(good / "pictures" / "a", tmp_path / "photos" / "a")
    refused_fit(tmp_path, tmp_path / "photos", "one class, 'a'", "at least two")


def test_a_class_of_one_picture_is_named_with_the_way_to_drop_it(good: Path, tmp_path: Path) -> None:
    shutil.copytree(good / "pictures", tmp_path / "photos")
    (tmp_path / "photos" / "lonely").mkdir()
    shutil.copy(good / "pictures" / "a" / "00.png", tmp_path / "photos" / "lonely")
    refused_fit(
        tmp_path, tmp_path / "photos", "class 'lonely' has 1 example", "--drop-class lonely", "at least 2"
    )


def test_a_folder_where_every_file_is_damaged_names_them(tmp_path: Path) -> None:
    for name in ("a/1.png", "a/2.png", "b/1.png", "b/2.png"):
        (tmp_path / "photos" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "photos" / name).write_text("no picture")
    refused_fit(tmp_path, tmp_path / "photos", "none of the 4 images can be read", "a/1.png", "but text")


def test_a_class_whose_every_file_is_damaged_is_named(good: Path, tmp_path: Path) -> None:
    shutil.copytree(good / "pictures", tmp_path / "photos")
    for path in (tmp_path / "photos" / "b").iterdir():
        path.write_bytes(b"")
    refused_fit(tmp_path, tmp_path / "photos", "every example of the class 'b' is damaged", "--drop-class b")


def test_a_missing_target_column_is_answered_with_the_nearest(good: Path, tmp_path: Path) -> None:
    refused_fit(
        tmp_path,
        good / "table.csv",
        "no column 'tagret'",
        "Did you mean 'target'?",
        options=(*QUICK, "--target", "tagret"),
    )


TABLES: dict[str, tuple[Callable[[pd.DataFrame], pd.DataFrame], tuple[str, ...]]] = {
    "constant class": (lambda f: f.assign(target="x"), ("one class, 'x'", "60 rows")),
    "constant number": (lambda f: f.assign(target=3.5), ("one class, '3.5'",)),
    "a class a row": (lambda f: f.assign(target=[f"n{i}" for i in f.index]), ("as many classes as rows",)),
    "one row": (lambda f: f.iloc[:1], ("there is 1 row", "'target'")),
    "no row": (lambda f: f.iloc[:0], ("no row below",)),
    "no value of the target": (lambda f: f.assign(target=None), ("'target'",)),
    "a class of one row": (lambda f: f.iloc[:41], ("class 'virginica' has 1 example",)),
    "no feature": (lambda f: f[["target"]], ("target",)),
    "constant features": (lambda f: f[["target"]].assign(a=1, b="x"), ("a", "b")),
}


@pytest.mark.parametrize("kind", TABLES)
def test_a_table_from_which_nothing_can_be_learned_is_refused(kind: str, tmp_path: Path) -> None:
    change, words = TABLES[kind]
    change(frame_of()).to_csv(tmp_path / "table.csv", index=False)
    refused_fit(tmp_path, tmp_path / "table.csv", *words)


def test_a_constant_number_to_be_predicted_is_named(tmp_path: Path) -> None:
    frame_of().assign(target=3.5).to_csv(tmp_path / "table.csv", index=False)
    refused_fit(tmp_path, tmp_path / "table.csv", "'target' is 3.5", options=(*QUICK, "--task", "regression"))


TEXTS = {
    "duplicate column names": ("a,a,target\n1,2,x\n3,4,y\n", ("more than one column named 'a'",)),
    "another encoding": ("a,target\n1,Müller\n2,x\n", ("not UTF-8", "line 2", "iconv")),
    "ragged": ("a,b,target\n1,2,x\n3,4\n5,6,y\n", ("line 3", "2 fields", "3 columns")),
    "only white space": ("\n \n", ("white space",)),
    "zero bytes": ("a,b\n\0,1\n", ("zero byte",)),
    "no target to be guessed": ("a,b\n1,2\n3,4\n", ("--target", "a, b")),
}


@pytest.mark.parametrize("kind", TEXTS)
def test_a_file_that_is_no_table_is_refused_with_its_name(kind: str, tmp_path: Path) -> None:
    text, words = TEXTS[kind]
    (tmp_path / "table.csv").write_bytes(text.encode("latin-1"))
    named = () if "guessed" in kind else ("table.csv",)
    refused_fit(tmp_path, tmp_path / "table.csv", *words, *named)


# --- options


OPTIONS = {
    "budget": (("--budget", "fast"), ("--budget 'fast'", "quick, standard, thorough")),
    "duration": (("--budget", "5 minutes"), ("--budget '5 minutes'", "90s, 20m or 1.5h")),
    "no time at all": (("--budget", "0s"), ("--budget '0s'", "90s, 20m or 1.5h")),
    "metric": (("--metric", "foo"), ("metric 'foo'", "accuracy")),
    "metric of the other task": (("--metric", "rmse"), ("metric 'rmse'", "classification")),
    "families": (("--families", "clasic"), ("'clasic' is unknown", "Did you mean 'classic'?")),
    "no family": (("--families", ","), ("--families: name at least one",)),
    "family without a candidate": (("--families", "transfer"), ("transfer", "table classification")),
    "backbones": (("--backbones", "foo"), ("unknown backbone 'foo'", "lite0")),
    "no backbone": (("--backbones", ","), ("--backbones: name at least one",)),
    "jobs": (("--jobs", "0"), ("--jobs 0", "at least 1")),
    "jobs in words": (("--jobs", "many"), ("'--jobs'", "integer")),
    "seed": (("--seed", "-1"), ("--seed -1",)),
    "device": (("--device", "tpu"), ("--device 'tpu'", "auto, cpu, cuda")),
    **({} if cuda_available() else {"no GPU": (("--device", "cuda"), ("torch sees no GPU", "--device cpu"))}),
    "task": (("--task", "clustering"), ("--task 'clustering'", "classification")),
    "modality": (("--modality", "sound"), ("--modality 'sound'", "table")),
    "groups": (("--groups", "knid"), ("--groups 'knid'", "Did you mean 'kind'?")),
    "groups file": (("--groups", "no.csv"), ("no.csv",)),
    "class to drop": (("--drop-class", "setsoa"), ("setsoa", "Did you mean 'setosa'?")),
    "an option": (("--traget", "x"), ("--traget", "--target")),
}


@pytest.mark.parametrize("kind", OPTIONS)
def test_a_wrong_option_is_named_with_what_would_do(kind: str, good: Path, tmp_path: Path) -> None:
    options, words = OPTIONS[kind]
    refused_fit(tmp_path, good / "table.csv", *words, options=("--jobs", 1, *options))


@pytest.mark.parametrize("pattern, words", [("patient", ("fits no file name",)), ("((", ("no regular",))])
def test_a_pattern_of_groups_that_fits_nothing_is_refused(
    pattern: str, words: tuple[str], good: Path, tmp_path: Path
) -> None:
    refused_fit(tmp_path, good / "pictures", pattern, *words, options=(*QUICK, "--groups", pattern))


def test_a_command_that_does_not_exist_is_answered_with_the_nearest() -> None:
    refused(handful("fti"), "fti", "Did you mean 'fit'?")


# --- a test set that does not fit is refused before anything is fitted


TESTS = {
    "missing": (None, ("own.csv", "does not exist")),
    "lacks columns": ("x0,target\n1,setosa\n", ("no column 'x1'",)),
    "lacks the target": ("x0,x1,x2,x3,kind\n1,2,3,4,wide\n", ("no column 'target'",)),
    "another class": ("x0,x1,x2,x3,kind,target\n1,2,3,4,wide,tulip\n", ("'tulip'", "setosa")),
    "without a label": ("x0,x1,x2,x3,kind,target\n1,2,3,4,wide,\n", ("no sample with a label",)),
}


@pytest.mark.parametrize("kind", TESTS)
def test_a_test_set_that_does_not_fit_is_refused_before_the_fits(
    kind: str, good: Path, tmp_path: Path
) -> None:
    text, words = TESTS[kind]
    if text is not None:
        (tmp_path / "own.csv").write_text(text)
    refused_fit(tmp_path, good / "table.csv", *words, options=(*QUICK, "--test", tmp_path / "own.csv"))


def test_a_test_set_of_pictures_for_a_table_is_refused(good: Path, tmp_path: Path) -> None:
    refused_fit(tmp_path, good / "table.csv", "pictures", options=(*QUICK, "--test", str(good / "pictures")))


# --- places


def test_a_folder_that_holds_another_run_is_left_as_it_is(good: Path) -> None:
    before = {p: p.stat().st_mtime_ns for p in (good / "run").rglob("*")}
    called = handful("fit", good / "table.csv", *QUICK, "--out", good / "run")
    refused(called, "holds another run", "handful resume", "--out")
    assert {p: p.stat().st_mtime_ns for p in (good / "run").rglob("*")} == before


def test_a_folder_that_holds_other_things_is_left_as_it_is(good: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    refused(handful("fit", good / "table.csv", *QUICK, "--out", tmp_path), "not an empty folder")
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_run_below_a_file_is_refused(good: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    called = handful("fit", good / "table.csv", *QUICK, "--out", tmp_path / "file" / "run")
    refused(called, "file/run cannot be written", "Not a directory")


def full_disk(*arguments: object, **named: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_disk_that_is_full_before_the_data_is_stored_leaves_nothing(
    good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "posix_fallocate", full_disk)
    refused_fit(tmp_path, good / "pictures", "pixels", "No space left on device", "--out")
    monkeypatch.setattr(np, "savez", full_disk)
    refused_fit(tmp_path, good / "table.csv", "arrays.npz", "No space left on device", "--out")


@pytest.mark.parametrize("step", ["cells", "model", "report"])
def test_a_run_on_a_disk_that_fills_up_goes_on_after_making_room(
    step: str, good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import skops.io

    import handful.report.write as report

    place = {"cells": (Run, "write"), "model": (skops.io, "dump"), "report": (report, "render")}[step]
    with monkeypatch.context() as patched:
        if step == "cells":
            whole, done = Run.write, iter(range(20))

            def fill_up(run: Run, cell: object, result: object) -> None:
                if next(done, None) is None:
                    patched.setattr(np, "savez_compressed", full_disk)
                whole(run, cell, result)  # type: ignore[arg-type]

            patched.setattr(*place, fill_up)
        else:
            patched.setattr(*place, full_disk)
        called = handful("fit", good / "table.csv", *QUICK, "--out", tmp_path / "run")
    refused(called, "the disk is full", str(tmp_path / "run"), "handful resume", planned=True)
    assert not [p for p in (tmp_path / "run").rglob("*") if p.name.startswith(".")]
    assert not (tmp_path / "run" / "report.json").exists()
    assert handful("resume", tmp_path / "run").status == 0
    found, expected = (read_json(f / "run" / "report.json")["leaderboard"] for f in (tmp_path, good))
    assert [(line["name"], line["score"]) for line in found] == [
        (line["name"], line["score"]) for line in expected
    ]


# --- the other commands


@pytest.mark.parametrize("command", ["resume", "report"])
def test_a_folder_that_is_no_run_is_refused(command: str, good: Path, tmp_path: Path) -> None:
    refused(handful(command, good / "pictures"), "pictures is not a run", "handful fit")
    refused(handful(command, tmp_path / "nowhere"), "nowhere is not a run")


def test_a_run_with_a_damaged_result_names_the_file(good: Path, tmp_path: Path) -> None:
    shutil.copytree(good / "run", tmp_path / "run")
    (damaged := next((tmp_path / "run" / "results").rglob("*.npz"))).write_bytes(b"PK")
    refused(handful("report", tmp_path / "run"), str(damaged), "is damaged", "handful resume")


def test_a_run_whose_file_is_damaged_is_refused(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("{")
    refused(handful("resume", tmp_path), "run.json is damaged", "Begin the run again")


PREDICTIONS = {
    "no run": (("pictures", "table.csv"), ("pictures is neither a model nor a run",)),
    "no data": (("run", "tabel.csv"), ("does not exist", "Did you mean 'table.csv'?")),
    "pictures": (("run", "pictures"), ("pictures", "a table was expected")),
}


@pytest.mark.parametrize("kind", PREDICTIONS)
def test_predictions_that_cannot_be_made_leave_no_file(kind: str, good: Path, tmp_path: Path) -> None:
    (model, data), words = PREDICTIONS[kind]
    refused(handful("predict", good / model, good / data, "-o", tmp_path / "p.csv"), *words)
    assert not list(tmp_path.iterdir())


def test_a_table_that_lacks_columns_of_the_model_names_them(good: Path, tmp_path: Path) -> None:
    frame_of()[["x0", "x1", "kind"]].to_csv(tmp_path / "few.csv", index=False)
    called = handful("predict", good / "run", tmp_path / "few.csv", "-o", tmp_path / "p.csv")
    refused(called, "no column 'x2', 'x3'", "x0, x1, kind")
    assert not (tmp_path / "p.csv").exists()


def test_an_output_that_cannot_be_written_is_named_before_the_work(good: Path, tmp_path: Path) -> None:
    predict = ("predict", good / "run", good / "table.csv", "-o")
    refused(handful(*predict, tmp_path), "is a folder", "predictions.csv")
    refused(handful(*predict, tmp_path / "no" / "p.csv"), "folder that does not exist")


def test_predictions_do_not_take_the_place_of_what_they_are_made_of(good: Path, tmp_path: Path) -> None:
    data = write_table(tmp_path / "new.csv")
    (tmp_path / "link.csv").symlink_to(data)
    pictures = write_pictures(tmp_path / "pictures", per_class=1)
    before = data.read_bytes(), (good / "run" / "run.json").read_bytes()
    for output in (data, tmp_path / "link.csv"):
        refused(handful("predict", good / "run", data, "-o", output), "is the data", "predictions.csv")
    refused(handful("predict", good / "run", pictures, "-o", pictures / "a" / "00.png"), "is a picture")
    for model, name in (
        ("run", "run.json"),
        ("run", "p.csv"),
        ("run", "model/p.csv"),
        ("run/model", "p.csv"),
    ):
        called = handful("predict", good / model, data, "-o", good / "run" / name)
        refused(called, "lies in the folder of the run or model", "predictions.csv")
    assert before == (data.read_bytes(), (good / "run" / "run.json").read_bytes())
    shutil.copytree(good / "run" / "model", tmp_path / "model")
    refused(handful("predict", tmp_path / "model", data, "-o", tmp_path / "model" / "p.csv"), "run or model")


def test_a_text_to_be_predicted_is_not_written_over(good: Path, tmp_path: Path) -> None:
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "one.txt").write_text("a letter")
    called = handful("predict", good / "run", tmp_path / "texts", "-o", tmp_path / "texts" / "one.txt")
    refused(called, "is a text of the data")
    assert (tmp_path / "texts" / "one.txt").read_text() == "a letter"


def test_predictions_beside_the_data_are_written_again(good: Path, tmp_path: Path) -> None:
    data = write_table(tmp_path / "new.csv")
    for _ in range(2):
        assert handful("predict", good / "run", data, "-o", tmp_path / "p.csv").status == 0


def test_a_model_that_was_changed_is_not_loaded(good: Path, tmp_path: Path) -> None:
    shutil.copytree(good / "run" / "model", tmp_path / "model")
    member = next((tmp_path / "model").glob("*.skops"))
    member.write_bytes(member.read_bytes() + b" ")
    called = handful("predict", tmp_path / "model", good / "table.csv", "-o", tmp_path / "p.csv")
    refused(called, member.name, "has changed")
    (tmp_path / "model" / "model.json").write_text("{")
    called = handful("predict", tmp_path / "model", good / "table.csv", "-o", tmp_path / "p.csv")
    refused(called, "model.json is damaged")


# --- what is a line of the audit, and no reason to stop


def truncated_jpeg() -> bytes:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(buffer := io.BytesIO(), "JPEG")
    return buffer.getvalue()[:1500]


def bomb() -> bytes:
    """A PNG of a few bytes that says it has 100,000 × 100,000 pixels."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )

    header = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 0, 0, 0, 0)
    pixels = zlib.compress(b"\0" * 1000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def test_damaged_pictures_are_lines_of_the_audit_and_keep_their_rows_in_predictions(
    good: Path, tmp_path: Path
) -> None:
    photos = tmp_path / "photos"
    shutil.copytree(good / "pictures", photos)
    (photos / "a" / "cut.jpg").write_bytes(truncated_jpeg())
    (photos / "a" / "text.png").write_text("a shopping list")
    (photos / "b" / "nothing.png").write_bytes(b"")
    (photos / "c" / "bomb.png").write_bytes(bomb())
    (photos / "c" / "gone.png").symlink_to(tmp_path / "nowhere.png")
    bad = {"a/cut.jpg", "a/text.png", "b/nothing.png", "c/bomb.png", "c/gone.png"}

    called = handful("fit", photos, *QUICK, "--out", tmp_path / "run")
    assert called.status == 0
    report = read_json(tmp_path / "run" / "report.json")
    assert report["dataset"]["n"] == 30
    line = next(line for line in report["audit"] if line["kind"] == "damaged file")
    assert set(line["items"]) == bad
    for words in (
        "cut.jpg is cut off",
        "text.png is not an image but text",
        "nothing.png is empty (0 bytes)",
    ):
        assert words in line["message"]

    called = handful("predict", tmp_path / "run", photos, "-o", tmp_path / "p.csv")
    assert called.status == 0 and "5 could not be read" in called.out
    rows = pd.read_csv(tmp_path / "p.csv")
    assert rows["id"].tolist() == sorted(p.relative_to(photos).as_posix() for p in photos.glob("*/*"))
    unread = rows[rows["prediction"].isna()]
    assert set(unread["id"]) == bad
    assert unread["problem"].notna().all() and rows["confidence"].notna().sum() == 30
    assert "million pixels" in unread.set_index("id").loc["c/bomb.png", "problem"]


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read every file")
def test_a_picture_that_may_not_be_read_is_a_line_of_the_audit(good: Path, tmp_path: Path) -> None:
    shutil.copytree(good / "pictures", tmp_path / "photos")
    (tmp_path / "photos" / "a" / "03.png").chmod(0)
    called = handful("check", tmp_path / "photos")
    assert called.status == 0 and "a/03.png may not be read" in " ".join(called.out.split())


def test_a_row_without_a_target_is_a_line_of_the_audit(tmp_path: Path) -> None:
    frame = frame_of()
    frame.loc[[3, 30], "target"] = None
    frame.to_csv(tmp_path / "table.csv", index=False)
    assert handful("fit", tmp_path / "table.csv", *QUICK, "--out", tmp_path / "run").status == 0
    report = read_json(tmp_path / "run" / "report.json")
    line = next(line for line in report["audit"] if line["kind"] == "missing target")
    assert (report["dataset"]["n"], line["items"]) == (58, ["3", "30"])


# --- texts


@pytest.fixture(scope="module")
def letters(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table of texts; only to be read."""
    path = tmp_path_factory.mktemp("texts") / "letters.csv"
    said = [f"a {'fine' if i % 2 else 'dull'} letter, number {i}" for i in range(8)]
    pd.DataFrame({"text": said, "kind": ["a", "b"] * 4}).to_csv(path, index=False)
    return path


@pytest.mark.parametrize("command", ["augment", "synthesize"])
def test_texts_are_not_written_anew(letters: Path, tmp_path: Path, command: str) -> None:
    more = () if command == "augment" else ("--per-class", 10)
    place = tmp_path / "more.csv"
    called = handful(command, letters, "-o", place, "--target", "kind", *more)
    refused(called, f"handful {command} takes pictures and tables", "letters.csv", "holds texts")
    assert not place.exists()


def test_a_check_of_texts_tells_what_was_found(letters: Path, tmp_path: Path) -> None:
    table = pd.read_csv(letters)
    twice = pd.concat([table, table.iloc[:1].assign(kind="b"), pd.DataFrame({"text": [" "], "kind": ["a"]})])
    twice.to_csv(tmp_path / "twice.csv", index=False)
    called = handful("check", tmp_path / "twice.csv", "--target", "kind")
    assert called.status == 0 and called.out.startswith("9 texts in 2 classes")
    for words in (
        "WARNING: exact duplicates",
        "0 = 8: \u201ca dull letter, number 0\u201d",
        "WARNING: same sample, two labels",
        "The same text stands under different labels in one case",
        "WARNING: empty text",
    ):
        assert words in called.out


def test_a_broken_line_of_json_is_named_by_fit(tmp_path: Path) -> None:
    (tmp_path / "t.jsonl").write_text('{"text": "a", "label": "b"}\n{"text": \n')
    refused_fit(tmp_path, tmp_path / "t.jsonl", "line 2 of", "is not JSON")


def test_a_test_set_of_texts_that_cannot_be_read_is_refused_before_the_fits(tmp_path: Path) -> None:
    for kind in ("good", "bad"):
        for part, encoding in (("train", "utf-8"), ("test", "latin-1")):
            (tmp_path / part / kind).mkdir(parents=True)
            for i in range(4):
                place = tmp_path / part / kind / f"{i}.txt"
                place.write_text(f"a {kind} café, number {i} of the {part}", encoding)
    words = ("no sample with a label that can be read", "bad/0.txt", "is not UTF-8", "iconv")
    refused_fit(tmp_path, tmp_path / "train", *words, options=(*QUICK, "--test", tmp_path / "test"))


def test_a_family_that_needs_a_larger_budget_names_it(tmp_path: Path) -> None:
    photos = write_pictures(tmp_path / "photos", per_class=4)
    called = handful("fit", photos, "--families", "finetune", "--budget", "quick", "--out", tmp_path / "run")
    assert called.status == 2 and "--budget standard has some; or leave --families out" in " ".join(
        called.err.split()
    )
