"""`handful plan`, as a person calls it."""

from __future__ import annotations

from pathlib import Path

import pytest

import handful as package
from tests.door import handful, write_table

pytestmark = pytest.mark.usefixtures("few_candidates")


@pytest.fixture(scope="module")
def run(few_candidates: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("plan")
    data = write_table(folder / "iris.csv", n=90)
    package.fit(data, target="target", families=["classic"], out=folder / "run", jobs=1)
    return folder / "run"


def test_plan_prints_what_more_labels_bring(run: Path) -> None:
    called = handful("plan", run)
    assert called.status == 0 and "180 in all: accuracy" in called.out


def test_a_target_below_the_score_is_already_reached(run: Path) -> None:
    assert "already reached" in handful("plan", run, "--target-score", 0.5).out


def test_the_same_answer_from_python(run: Path) -> None:
    finished = package.load(run)
    assert finished.plan(0.5)["status"] == "reached"
    known = finished.summary["labels_needed"]["targets"]
    if known:
        assert finished.plan() == known[0]


@pytest.mark.parametrize(
    ("target", "said"), [("95", "Did you mean 0.95?"), ("0", "between 0 and 1"), ("nan", "between 0 and 1")]
)
def test_a_target_that_cannot_be_is_refused(run: Path, target: str, said: str) -> None:
    called = handful("plan", run, "--target-score", target)
    assert called.status == 2 and said in called.err and "Traceback" not in called.err


def test_a_run_that_is_not_finished_says_how_to_go_on(run: Path, tmp_path: Path) -> None:
    (tmp_path / "half").mkdir()
    (tmp_path / "half" / "run.json").write_text((run / "run.json").read_text())
    called = handful("plan", tmp_path / "half")
    assert called.status == 2 and "handful resume" in called.err
    nothing = handful("plan", tmp_path)
    assert nothing.status == 2 and "is not a run" in nothing.err


@pytest.mark.parametrize("metric", ["r2", "rmse"])
def test_regression_is_planned_too(tmp_path: Path, metric: str) -> None:
    data = write_table(tmp_path / "diabetes.csv", "regression", 90)
    run = package.fit(
        data, target="target", metric=metric, families=["classic"], out=tmp_path / "run", jobs=1
    )
    told = run.summary["learning_curve"]
    assert [p["n"] for p in told["curves"][0]["points"]][-1] == 72
    assert handful("plan", run.folder).status == 0
    assert run.plan()["status"] in ("needed", "beyond", "cannot tell")
