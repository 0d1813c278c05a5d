"""The main path through the command line: fit, predict, --test, --groups, resume, and what they leave."""

from __future__ import annotations

import shutil
from importlib import import_module
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from handful.files import read_json
from tests.door import Called, frame_of, handful, write_pictures, write_table

pytestmark = pytest.mark.usefixtures("few_candidates")

QUICK = ("--families", "classic", "--jobs", 1)
KEYS = {
    "handful",
    "dataset",
    "audit",
    "protocol",
    "expected",
    "winner",
    "chosen",
    "tie_group",
    "leaderboard",
    "ledger",
    "overfitting",
    "learning_curve",
    "labels_needed",
    "controls",
    "verdict",
    "labels",
    "mergeable",
    "seconds",
    "versions",
}
BOARD = {
    "name",
    "family",
    "score",
    "low",
    "high",
    "train_score",
    "gap",
    "trainable_parameters",
    "seconds",
    "failed",
}


def done(*arguments: object) -> Called:
    """A call that must end well."""
    called = handful(*arguments)
    assert called.status == 0, called.err
    return called


@pytest.fixture(scope="module")
def runs(few_candidates: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with data and finished runs on it: `table`, `values`, `pictures`; only to be read."""
    folder = tmp_path_factory.mktemp("runs")
    write_table(folder / "table.csv")
    write_table(folder / "values.csv", "regression", 80)
    write_pictures(folder / "photos")
    frame_of(n=90).iloc[::3].to_csv(folder / "test.csv", index=False)
    done("fit", folder / "table.csv", *QUICK, "--test", folder / "test.csv", "--out", folder / "table")
    planned = done("fit", folder / "values.csv", *QUICK, "--out", folder / "values")
    assert planned.out.startswith("Plan: 3 candidates (1 baseline, 2 classic) on 5 folds, 15 fits;")
    done("fit", folder / "photos", *QUICK, "--out", folder / "pictures")
    return folder


def predicted(runs: Path, run: str, data: Path, tmp_path: Path) -> pd.DataFrame:
    called = done("predict", runs / run, data, "-o", tmp_path / "p.csv")
    frame = pd.read_csv(tmp_path / "p.csv", dtype={"id": str})
    assert f"{len(frame)} predictions in" in called.out
    return frame


def test_a_table_is_predicted_in_its_order_with_a_column_a_class(runs: Path, tmp_path: Path) -> None:
    rows = frame_of().drop(columns="target").iloc[::-1]
    rows.to_csv(tmp_path / "new.csv", index=False)
    frame = predicted(runs, "table", tmp_path / "new.csv", tmp_path)
    classes = ["setosa", "versicolor", "virginica"]
    assert frame.columns.tolist() == [
        "id",
        "prediction",
        "confidence",
        *classes,
        "possible",
        "unlike_training",
    ]
    assert frame["id"].tolist() == [str(i) for i in range(60)]
    assert (frame[classes].idxmax(axis=1) == frame["prediction"]).all()
    assert frame["confidence"].to_numpy() == pytest.approx(frame[classes].max(axis=1).to_numpy())
    assert frame[classes].sum(axis=1).to_numpy() == pytest.approx(np.ones(60))
    assert (frame["prediction"].to_numpy() == frame_of()["target"].to_numpy()[::-1]).mean() > 0.9


def test_values_are_predicted_with_a_range(runs: Path, tmp_path: Path) -> None:
    frame = predicted(runs, "values", runs / "values.csv", tmp_path)
    assert frame.columns.tolist() == ["id", "prediction", "low", "high", "unlike_training"]
    assert (frame["low"] < frame["prediction"]).all() and (frame["prediction"] < frame["high"]).all()
    true = frame_of("regression", 80)["target"]
    assert ((frame["low"] <= true) & (true <= frame["high"])).mean() >= 0.9


def test_pictures_are_predicted_under_their_paths(runs: Path, tmp_path: Path) -> None:
    frame = predicted(runs, "pictures", runs / "photos", tmp_path)
    assert frame.columns.tolist() == ["id", "prediction", "confidence", *"abc", "possible", "unlike_training"]
    assert frame["id"].tolist() == [f"{c}/{i:02d}.png" for c in "abc" for i in range(10)]
    assert (frame["prediction"] == frame["id"].str[0]).mean() > 0.9


def test_a_damaged_picture_keeps_its_row_with_the_reason(runs: Path, tmp_path: Path) -> None:
    new = write_pictures(tmp_path / "new", per_class=2)
    (new / "b" / "00.png").write_bytes(b"no picture")
    called = done("predict", runs / "pictures", new, "-o", tmp_path / "p.csv")
    frame = pd.read_csv(tmp_path / "p.csv").set_index("id")
    assert "1 could not be read" in called.out
    assert len(frame) == 6 and frame["prediction"].isna().tolist() == (frame.index == "b/00.png").tolist()
    assert isinstance(frame.loc["b/00.png", "problem"], str)


def test_what_is_odd_about_new_data_is_said_in_a_line(runs: Path, tmp_path: Path) -> None:
    rows = frame_of().drop(columns="target").head(1).astype(object)
    rows.iloc[0, 0] = "much"
    rows.to_csv(tmp_path / "new.csv", index=False)
    called = done("predict", runs / "table", tmp_path / "new.csv", "-o", tmp_path / "p.csv")
    assert called.err.startswith("Warning: 1 value of the numeric column") and called.err.count("\n") == 1
    assert called.out.startswith("1 prediction in ")


def test_files_of_a_folder_that_are_passed_over_are_said(runs: Path, tmp_path: Path) -> None:
    new = write_pictures(tmp_path / "new", per_class=2)
    (new / "b" / "phone.heic").write_bytes(b"a picture")
    called = done("predict", runs / "pictures", new, "-o", tmp_path / "p.csv")
    assert "6 predictions" in called.out
    assert "Warning: Skipped 1 file that cannot be read as images: .heic (1)" in called.err


def test_the_test_set_is_scored_beside_the_expected_score(runs: Path) -> None:
    summary = read_json(runs / "table" / "report.json")
    assert summary["test"]["metric"] == summary["expected"]["metric"] == "accuracy"
    assert summary["test"]["n"] == 30 and 0.8 < summary["test"]["value"] <= 1
    low, high = summary["expected"]["low"], summary["expected"]["high"]
    assert summary["test"]["inside"] == (low <= summary["test"]["value"] <= high)
    assert "On your own test set of 30 rows it scored" in done("report", runs / "table").out


@pytest.mark.parametrize("run", ["table", "values", "pictures"])
def test_report_json_has_the_promised_keys_and_a_reason_for_each_absent_one(runs: Path, run: str) -> None:
    summary = read_json(runs / run / "report.json")
    assert set(summary) >= KEYS
    assert {k for k in KEYS if summary[k] is None} <= set(summary["reasons"])
    assert set(summary["dataset"]) >= {"modality", "task", "n", "classes", "groups", "digest"}
    assert set(summary["protocol"]) >= {"folds", "repeats", "metric", "grouped", "seed"}
    assert set(summary["expected"]) >= {"metric", "value", "low", "high", "level"}
    assert all(set(line) >= BOARD for line in summary["leaderboard"])
    scores = [line["score"] for line in summary["leaderboard"] if line["score"] is not None]
    assert scores == sorted(scores, reverse=True)
    assert {p.name for p in (runs / run).iterdir()} >= {
        "run.json",
        "results",
        "report.json",
        "report.html",
        "model",
    }


def groups_of(folder: Path) -> tuple[int | None, bool]:
    summary = read_json(folder / "report.json")
    return summary["dataset"]["groups"], summary["protocol"]["grouped"]


def test_groups_from_a_column_are_no_feature(tmp_path: Path) -> None:
    frame_of().assign(patient=np.arange(60) // 3).to_csv(tmp_path / "t.csv", index=False)
    done(
        "fit",
        tmp_path / "t.csv",
        *QUICK,
        "--target",
        "target",
        "--groups",
        "patient",
        "--out",
        tmp_path / "r",
    )
    assert groups_of(tmp_path / "r") == (20, True)
    frame_of().drop(columns="target").to_csv(tmp_path / "new.csv", index=False)
    done("predict", tmp_path / "r", tmp_path / "new.csv", "-o", tmp_path / "p.csv")  # without the column


def test_groups_from_a_file(tmp_path: Path) -> None:
    photos = write_pictures(tmp_path / "photos")
    ids = [f"{c}/{i:02d}.png" for c in "abc" for i in range(10)]
    pd.DataFrame({"id": ids, "group": np.arange(30) // 2}).to_csv(tmp_path / "groups.csv", index=False)
    done("fit", photos, *QUICK, "--groups", tmp_path / "groups.csv", "--out", tmp_path / "r")
    assert groups_of(tmp_path / "r") == (15, True)


def test_groups_from_a_pattern_on_file_names(tmp_path: Path) -> None:
    photos = write_pictures(tmp_path / "photos")
    for path in sorted(photos.rglob("*.png")):
        path.rename(path.with_name(f"{path.parent.name}p{int(path.stem) // 2}_{path.name}"))
    done("fit", photos, *QUICK, "--groups", r"(\wp\d+)_", "--out", tmp_path / "r")
    assert groups_of(tmp_path / "r") == (15, True)


def test_a_folder_with_a_space_is_named_as_a_shell_takes_it(runs: Path, tmp_path: Path) -> None:
    shutil.copytree(runs / "table", tmp_path / "my run")
    called = done("resume", tmp_path / "my run")
    assert f"handful predict '{tmp_path / 'my run'}' NEW_DATA" in called.out


def test_resume_of_a_finished_run_fits_nothing_and_says_the_same(runs: Path) -> None:
    before = {p: p.stat().st_mtime_ns for p in (runs / "table").rglob("*") if p.is_file()}
    called = done("resume", runs / "table")
    assert "Use " in called.out and f"handful predict {runs / 'table'}" in called.out
    assert {p: p.stat().st_mtime_ns for p in (runs / "table").rglob("*") if p.is_file()} == before


def test_exit_statuses(runs: Path, tmp_path: Path) -> None:
    assert handful("--version").status == 0
    assert handful("--help").status == 0
    assert handful("check", runs / "table.csv").status == 0
    assert handful("fit", runs / "table.csv", "--out", runs / "table").status == 2  # holds a run
    assert handful("predict", tmp_path, runs / "table.csv", "-o", tmp_path / "p.csv").status == 2
    assert handful("resume", tmp_path).status == 2
    assert handful("fit").status == 2
    assert handful("fit", runs / "table.csv", "--no-such-option").status == 2


def test_ctrl_c_says_how_to_go_on_and_how_to_end_soon(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    data, out = write_table(tmp_path / "t.csv"), tmp_path / "my run"
    with monkeypatch.context() as patch:
        patch.setattr(import_module("handful.fit"), "ask", interrupted)
        called = handful("fit", data, "--target", "target", *QUICK, "--out", out)
    assert called.status == 130
    assert f"continue with: handful resume '{out}'\n" in called.err
    assert f"handful resume '{out}' --budget 5m" in called.err
    ended = handful("resume", out, "--budget", "5m")
    assert ended.status == 0 and (out / "report.html").exists()
    wrong = handful("resume", out, "--budget", "standard")
    assert wrong.status == 2 and "--budget 'standard' is no duration" in wrong.err
