"""A run that is killed and resumed says what an undisturbed one says (see benchmarks/resume.py)."""

from __future__ import annotations

import shutil
import sys
from importlib import import_module
from pathlib import Path

import pytest
from sklearn.datasets import load_iris
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.naive_bayes import GaussianNB

import handful
from handful.errors import RunError, SettingsError
from handful.files import whole
from handful.fit import report_run, resume
from handful.protocol.evaluate import Progress
from handful.protocol.run import Run

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

from resume import read

pytestmark = pytest.mark.usefixtures("few_candidates")

DATA = load_iris(return_X_y=True)


def fitted(folder: Path, jobs: int) -> Path:
    draws = [("forest", RandomForestClassifier(20, random_state=0))]
    handful.fit(DATA, families=["classic"], candidates=draws, out=folder, jobs=jobs)
    return folder


@pytest.fixture(scope="module")
def calm(few_candidates: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fitted(tmp_path_factory.mktemp("calm") / "run", jobs=1)


def test_two_runs_with_one_seed_are_identical_whatever_the_jobs(calm: Path, tmp_path: Path) -> None:
    assert read(fitted(tmp_path / "again", jobs=2)) == read(calm)


def test_resume_runs_only_what_is_missing(calm: Path, tmp_path: Path) -> None:
    folder = fitted(tmp_path / "run", jobs=1)
    results = sorted((folder / "results").rglob("*.npz"))
    before = {p: p.stat().st_mtime_ns for p in results}
    lost = results[::3]
    for path in [*lost, folder / "report.json"]:
        path.unlink()
    resume(folder)
    assert read(folder) == read(calm)
    assert {p for p in results if p.stat().st_mtime_ns != before[p]} == set(lost)


def test_a_run_whose_model_is_gone_is_not_finished_and_gets_it_again(calm: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(calm, tmp_path / "run")
    shutil.rmtree(folder / "model")
    assert len(resume(folder).model.predict(DATA[0][:3])) == 3
    assert read(folder) == read(calm)


def test_a_damaged_report_is_named_and_written_again(calm: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(calm, tmp_path / "run")
    (folder / "report.json").write_text('{"handful"')
    with pytest.raises(RunError, match=r"report.json is damaged .* Write it again with 'handful report "):
        _ = resume(folder).summary
    report_run(folder)
    assert read(folder) == read(calm)
    shutil.rmtree(folder / "results")
    with pytest.raises(RunError, match="holds no results any more"):
        report_run(folder)


def test_a_race_with_a_duration_is_resumed_with_the_time_that_is_left(tmp_path: Path) -> None:
    own = [("bayes", GaussianNB()), ("guess", DummyClassifier(strategy="uniform", random_state=0))]
    folder = tmp_path / "run"
    run = handful.fit(DATA, families=["baseline"], candidates=own, budget="12s", out=folder, jobs=1)
    about = run.summary["budget"]
    guess = next(row for row in run.summary["leaderboard"] if row["name"] == "guess")
    assert about["stopped_behind"] == ["guess"] and guess["score"] is None and guess["failed"] is None
    assert guess["score_so_far"] < 0.5
    assert "stopped early" in repr(run) and "stopped early" in run.report().read_text(encoding="utf-8")
    before = run.summary
    for name in ("report.json", "report.html"):
        (folder / name).unlink()
    again = resume(folder).summary  # everything was fitted: nothing is decided anew
    assert {**again, "budget": None} == {**before, "budget": None}
    assert again["budget"]["seconds"]["used"] >= about["seconds"]["used"]


def test_what_is_left_ends_in_the_time_that_it_is_given(tmp_path: Path) -> None:
    folder, slow = tmp_path / "run", [("slow", RandomForestClassifier(400, random_state=0))]

    def stop(progress: Progress) -> None:
        if progress.done > 12:  # of two candidates on five folds: in the second repeat
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        about = {"budget": "thorough", "jobs": 1, "progress": stop}
        handful.fit(DATA, families=["baseline"], candidates=slow, out=folder, **about)
    with pytest.raises(SettingsError, match="--budget 'quick' is no duration"):
        resume(folder, budget="quick")
    ended = resume(folder, budget="8s")
    about = ended.summary["budget"]
    assert about["asked"] == about["effort"] == "thorough" and about["rest"] == "8s"
    assert 1 <= about["repeats"] < about["repeats_planned"] == 10 and not about["settled"]
    assert about["seconds"]["limit"] == 8 and about["seconds"]["used"] > 0
    assert "told to end 8.0 s after it went on" in ended.report().read_text(encoding="utf-8")


def test_of_two_processes_that_finish_a_run_the_second_is_content(
    calm: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = shutil.copytree(calm, tmp_path / "run")
    (folder / "report.json").unlink()
    story = import_module("handful.fit")
    write = story.write_report

    def swept_up(run: Run, *rest: object) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(story, "write_report", write)
            resume(folder)  # the other is first
        with whole(run.folder / "report.json") as temporary:
            temporary.unlink(missing_ok=True)

    monkeypatch.setattr(story, "write_report", swept_up)
    resume(folder)
    assert read(folder) == read(calm)


def test_a_later_run_may_have_moved_to_another_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("one", "two"):  # workers that were started in the first stay there
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        run = handful.fit(DATA, families=["baseline", "classic"], out=Path("runs") / name, jobs=2)
        assert run.summary["expected"]["value"] > 0.9
