"""A person's own test set never ends a finished comparison: without a score, the report says why."""

from __future__ import annotations

import json
import shutil
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression
from sklearn.metrics import log_loss
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.tree import DecisionTreeClassifier

import handful
from handful.files import read_json
from handful.fit import FitRun
from handful.model.held_out import interval
from handful.scoring import get_metric
from handful.strategies.pixels import Pixels
from tests.door import frame_of
from tests.door import handful as called
from tests.evidence.drawn import right


def fitted(folder: Path, data: pd.DataFrame, test: pd.DataFrame, metric: str | None, own: object) -> FitRun:
    """A small run on the one table, scored on the other."""
    data.to_csv(folder / "data.csv", index=False)
    test.to_csv(folder / "test.csv", index=False)
    return handful.fit(
        folder / "data.csv",
        target="target",
        test=folder / "test.csv",
        metric=metric,
        families=["baseline"],
        candidates=[("own", own)],
        out=folder / "run",
        jobs=1,
    )


def two_classes() -> pd.DataFrame:
    frame = frame_of().drop(columns=["kind", "x1"])
    return frame[frame["target"] != "virginica"].iloc[:36]  # 20 setosa and 16 versicolor


def check_unscored(run: FitRun, size: str, reason: str) -> None:
    """No score, with the reason, as data, on the page and on the command line."""
    test = run.summary["test"]
    assert (test["value"], test["inside"], test["reason"].removesuffix(".")) == (None, None, reason)
    sentence = f"Your own test set{size} was not scored: {reason}."
    assert sentence in " ".join(repr(run).split())
    assert sentence in run.report().read_text(encoding="utf-8").replace("&#39;", "'")
    assert sentence in " ".join(called("report", run.folder).out.split())


@pytest.mark.parametrize("metric, label", [("roc_auc", "ROC-AUC"), ("f1", "F1")])
def test_one_class_for_which_the_metric_is_not_defined(metric: str, label: str, tmp_path: Path) -> None:
    frame = two_classes()
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        run = fitted(tmp_path, frame, frame[frame["target"] == "setosa"].iloc[:5], metric, GaussianNB())
    reason = f"the test set holds only the class 'setosa', for which {label} is not defined"
    check_unscored(run, " of 5 rows", reason)
    assert run.summary["test"]["n"] == run.summary["test"]["seen_in_training"] == 5


def test_one_row_for_which_r2_is_not_defined(tmp_path: Path) -> None:
    frame = frame_of("regression", 40).drop(columns=["kind", "x1"])
    run = fitted(tmp_path, frame, frame.iloc[:1].assign(target=2.5), None, LinearRegression())
    check_unscored(run, " of 1 row", "the test set holds only the value 2.5, for which R² is not defined")


def test_a_score_has_no_reason_beside_it(tmp_path: Path) -> None:
    frame = two_classes()
    run = fitted(tmp_path, frame, frame.iloc[::4], "roc_auc", GaussianNB())
    assert run.summary["test"]["value"] > 0.9 and run.summary["test"]["reason"] is None


def test_rows_of_a_class_that_was_left_out_are_left_out_of_it(tmp_path: Path) -> None:
    frame = frame_of().drop(columns=["kind", "x1"])
    frame.to_csv(tmp_path / "data.csv", index=False)
    frame.iloc[::4].to_csv(tmp_path / "test.csv", index=False)
    run = handful.fit(
        tmp_path / "data.csv",
        target="target",
        test=tmp_path / "test.csv",
        drop_classes=["virginica"],
        families=["baseline"],
        candidates=[("own", GaussianNB())],
        out=tmp_path / "run",
        jobs=1,
    )
    left = (frame["target"].iloc[::4] != "virginica").sum()
    assert run.summary["test"]["n"] == left < len(frame) / 4
    assert "without a label, or of virginica, which was left out" in repr(run)
    assert "--test test.csv --seed 0 --drop-class virginica #" in run.summary["command"]


@pytest.mark.parametrize("n_seen", [1, 5])
def test_rows_that_were_learned_from_are_told_of(n_seen: int, tmp_path: Path) -> None:
    frame = two_classes()
    test = pd.concat([frame.iloc[:n_seen], frame.iloc[18:34].assign(x0=lambda f: f["x0"] + 0.01)])
    run = fitted(tmp_path, frame.drop(index=frame.index[18:34]), test, None, GaussianNB())
    said = " ".join(repr(run).split())
    assert run.summary["test"]["seen_in_training"] == n_seen
    assert f"{n_seen} of them {'is' if n_seen == 1 else 'are'} also among those learned from." in said
    assert ("says little of new rows" in said) == (n_seen == 5) != ("that was promised" in said)


def test_log_loss_is_that_of_the_probabilities_which_are_served(tmp_path: Path) -> None:
    frame = two_classes()
    own = DecisionTreeClassifier(random_state=0)  # says 0 and 1
    run = fitted(tmp_path, frame.drop(columns="x0").iloc[::2], frame.iloc[1::2], "log_loss", own)
    p = run.model.predict_proba(frame.iloc[1::2].drop(columns="target"))
    served = log_loss(frame["target"].iloc[1::2], p, labels=run.model.classes)
    assert run.summary["test"]["value"] == pytest.approx(served, rel=1e-6)


def test_a_score_is_not_taken_again_from_a_test_set_that_has_changed(scored: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(scored, tmp_path / "scored") / "run"
    before = FitRun(folder).summary["test"]
    about = read_json(folder / "run.json")
    about["settings"]["test"] = str(tmp_path / "other.csv")
    (folder / "run.json").write_text(json.dumps(about), encoding="utf-8")
    two_classes().iloc[:3].to_csv(tmp_path / "other.csv", index=False)
    assert called("report", folder).status == 0
    assert FitRun(folder).summary["test"] == before


def test_a_small_set_without_a_mistake_breaks_no_promise(tmp_path: Path) -> None:
    frame = frame_of().drop(columns=["kind", "x1"])
    frame = frame[frame["target"] != "setosa"].reset_index(drop=True)
    columns = [name for name in frame if name != "target"]
    sure = GaussianNB().fit(frame[columns], frame["target"]).predict_proba(frame[columns])
    own = (frame["target"] == "virginica").astype(int).to_numpy()
    easy = frame.assign(sure=sure[np.arange(len(frame)), own]).nlargest(12, "sure").drop(columns="sure")
    run = fitted(tmp_path, frame.drop(index=easy.index), easy, None, GaussianNB())
    test, promised = run.summary["test"], run.summary["expected"]
    assert test["value"] == 1 > promised["high"] > test["low"]
    assert "outside the interval that was promised, but no further than 12 can be off by chance" in repr(run)


@pytest.mark.parametrize("metric", ["balanced_accuracy", "f1"])
@pytest.mark.parametrize(
    ("counts", "found"), [((90, 10), (0.95, 0.7)), ((190, 10), (0.99, 0.8)), ((50, 50), (0.9, 0.9))]
)
def test_the_interval_of_a_fixed_model_holds_its_worth_also_with_a_rare_class(
    metric: str, counts: tuple[int, int], found: tuple[float, float]
) -> None:
    random = np.random.default_rng(0)
    y = np.repeat([0, 1], counts)
    worth = get_metric(metric, "classification", y, np.arange(2))
    hits, lost = np.array(found) * counts, (1 - np.array(found)) * counts
    truth = np.mean(found) if metric == "balanced_accuracy" else 2 * hits[1] / (2 * hits[1] + lost.sum())
    within = []
    for _ in range(300):
        scores = right(y, random.random(len(y)) < np.array(found)[y])
        low, high = interval(worth, y, scores, worth.value(y, scores))
        within.append(low <= truth <= high)
    assert 0.93 <= np.mean(within) <= 0.99


def test_a_large_set_of_another_kind_does(tmp_path: Path) -> None:
    frame = two_classes()
    other = pd.concat([frame] * 3, ignore_index=True)
    other["x0"] += np.arange(len(other)) / 1000
    other["target"] = other["target"].sample(frac=1, random_state=0).to_numpy()
    run = fitted(tmp_path, frame, other, None, GaussianNB())
    assert run.summary["test"]["high"] < run.summary["expected"]["low"]
    assert "promised: is the test set of the same kind?" in repr(run)


def test_copies_of_others_are_left_out_of_it(tmp_path: Path) -> None:
    for part, first in (("data", 0), ("test", 20)):
        for k, name in enumerate(("dark", "light")):
            (tmp_path / part / name).mkdir(parents=True)
            for i in range(first, first + 8):
                pixels = np.random.default_rng(2 * i + k).integers(0, 90, (24, 24, 3)) + 120 * k
                Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / part / name / f"{i}.png")
    assert called("augment", tmp_path / "test", "-o", tmp_path / "more", "--policy", "noise").status == 0
    run = handful.fit(
        tmp_path / "data",
        test=tmp_path / "more",
        families=["baseline"],
        candidates=[("own", make_pipeline(Pixels(), GaussianNB()))],
        out=tmp_path / "run",
        jobs=1,
    )
    assert run.summary["test"]["n"] == 16
    assert "samples that 'handful augment' made of others" in " ".join(repr(run).split())


def test_a_model_that_fails_on_it_ends_no_run(tmp_path: Path) -> None:
    frame = two_classes()
    run = fitted(tmp_path, frame, frame.iloc[::4].assign(x0=float("nan")), None, GaussianNB())
    check_unscored(run, "", "the model failed on it with ValueError: Input X contains NaN")


def test_what_was_left_out_of_it_is_told_beside_its_score(tmp_path: Path) -> None:
    frame = two_classes()
    test = frame.iloc[::4].astype({"x0": object}).reset_index(drop=True)
    test.loc[0, "target"] = None
    test.loc[4, "x0"] = "broken"
    run = fitted(tmp_path, frame, test, None, make_pipeline(SimpleImputer(), GaussianNB()))
    unfit = "1 value of the numeric column 'x0' did not fit and became missing: 'broken' (row 4)."
    unlabelled = "Left out 1 test sample without a label: 0."
    assert run.summary["test"]["n"] == len(test) - 1
    assert run.summary["test"]["noticed"] == [unfit, unlabelled]
    for said in (repr(run), called("report", run.folder).out):
        assert f"learned from. {unfit} {unlabelled}" in " ".join(said.split())


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `data.csv`, `test.csv` and `run/`, a finished run; only to be read."""
    folder = tmp_path_factory.mktemp("scored")
    fitted(folder, two_classes(), two_classes().iloc[::4], None, GaussianNB())
    return folder


def with_the_test_set_lost(scored: Path, place: Path) -> Path:
    """A copy of the finished run whose test set is no longer there."""
    folder = shutil.copytree(scored / "run", place / "run")
    about = read_json(folder / "run.json")
    about["settings"]["test"] = str(place / "gone.csv")
    (folder / "run.json").write_text(json.dumps(about), encoding="utf-8")
    return folder


def test_a_test_set_that_cannot_be_read_in_the_end_is_told_in_the_report(
    scored: Path, tmp_path: Path
) -> None:
    folder = with_the_test_set_lost(scored, tmp_path)
    (folder / "report.json").unlink()
    (folder / "report.html").unlink()
    assert called("resume", folder).status == 0
    run = FitRun(folder)
    assert run.summary["test"]["n"] is None and "'gone.csv' does not exist" in run.summary["test"]["reason"]
    check_unscored(run, "", run.summary["test"]["reason"].removesuffix("."))


def test_a_score_stays_in_the_report_that_is_made_again_without_the_test_set(
    scored: Path, tmp_path: Path
) -> None:
    folder = with_the_test_set_lost(scored, tmp_path)
    before = FitRun(folder).summary["test"]
    assert called("report", folder).status == 0
    assert FitRun(folder).summary["test"] == before and before["value"] > 0.9
