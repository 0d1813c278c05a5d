"""Networks for tables, asked through stand-ins of their packages; the real ones where they are installed."""

from __future__ import annotations

import importlib
import inspect
import pickle
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from handful.backbones import hub, priors
from handful.data.dataset import Dataset, Finding
from handful.errors import HandfulError, SettingsError
from handful.files import read_json
from handful.model.model import Model
from handful.model.save import load, save
from handful.protocol.evaluate import fit_and_predict
from handful.protocol.splits import Split, compare_splits
from handful.report.summary import add_advice
from handful.settings import Settings
from handful.strategies import prior, propose
from handful.strategies.candidate import Candidate, build, count_parameters, spec
from handful.strategies.prior import PriorClassifier, PriorRegressor, candidates, prepare
from tests.conftest import pictures, table
from tests.door import handful

REAL = [name for name in priors.PACKAGES if find_spec(name)]
BOTH = ("tabpfn", "tabicl")
TASKS = ("classification", "regression")
ON_CPU = Settings(jobs=1, device="cpu")


@pytest.fixture(autouse=True)
def _on_an_empty_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No weights, no hub, and no package unless a test brings its stand-in."""
    monkeypatch.setenv("TABPFN_MODEL_CACHE_DIR", str(tmp_path / "weights"))
    monkeypatch.setenv("HANDFUL_CACHE", str(tmp_path))  # in it "weights", for the other
    monkeypatch.setattr(hub, "cached", lambda repository, file: None)
    monkeypatch.setattr(hub, "fetch", lambda *_: pytest.fail("downloads"))
    monkeypatch.setattr(priors, "fetch", lambda *_: pytest.fail("downloads"))
    for variable in priors.SILENT:
        monkeypatch.setenv(variable, "")
    for module in [m for m in sys.modules if m.partition(".")[0] in BOTH]:
        monkeypatch.delitem(sys.modules, module)


@pytest.fixture
def packages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both packages, as their stand-ins."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "standins"))
    yield  # type: ignore[misc]
    for module in [m for m in sys.modules if m.partition(".")[0] in BOTH]:
        del sys.modules[module]


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """The files of weights of all of them, empty."""
    for package in priors.PACKAGES.values():
        for wanted in package.weights.values():
            file = tmp_path / "weights" / wanted.files[0]
            file.parent.mkdir(exist_ok=True)
            file.touch()
    return tmp_path / "weights"


@pytest.fixture(params=TASKS)
def data(request: pytest.FixtureRequest) -> Dataset:
    return table(request.param)


def tried(data: Dataset, name: str, settings: Settings = ON_CPU) -> Candidate:
    return {c.name: c for c in candidates(data, settings)}[name]


def told(data: Dataset, **options: Any) -> dict[str, Finding]:
    return {f.items[0]: f for f in prepare(data, replace(ON_CPU, **options))}


# ---- what is tried, and what is said of it


@pytest.mark.usefixtures("packages")
def test_an_installed_package_without_weights_is_not_tried_and_says_what_to_do(data: Dataset) -> None:
    assert candidates(data, ON_CPU) == []
    found = told(data)
    assert {f.kind for f in found.values()} == {"not tried"}
    for word in ("--allow-download", "Prior Labs License", "huggingface.co/Prior-Labs/TabPFN-v2"):
        assert word in found["tabpfn"].message
    assert "112 MB, BSD-3-Clause" in found["tabicl"].message


@pytest.mark.usefixtures("packages", "weights")
def test_what_is_installed_with_weights_is_tried_and_its_licence_told(data: Dataset) -> None:
    found = candidates(data, ON_CPU)
    assert [(c.name, c.family, c.deep) for c in found] == [(name, "prior", True) for name in BOTH]
    assert {f.kind for f in told(data).values()} == {"licence"}
    assert told(data)["tabicl"].message.endswith("The licence of its weights: BSD-3-Clause.")
    assert set(BOTH) < {c.name for c in propose(data, ON_CPU)}


@pytest.mark.usefixtures("weights")
def test_weights_without_a_package_are_nothing(data: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(priors, "find_spec", lambda name: None)
    assert candidates(data, ON_CPU) == [] and prepare(data, ON_CPU) == []


@pytest.mark.usefixtures("packages", "weights")
def test_a_version_from_before_the_network_does_not_count(
    data: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(priors, "version", lambda name: {"tabpfn": "0.1.11", "tabicl": "2.2.0"}[name])
    assert [c.name for c in candidates(data, ON_CPU)] == ["tabicl"]


@pytest.mark.usefixtures("packages")
def test_allowed_weights_are_downloaded_and_told_of_before(
    data: Dataset, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for file in weights.iterdir():
        file.unlink()
    said: list[str] = []

    def fetch(repository: str, files: Any, what: str, licence: str, instead: str, tell: Any) -> Path:
        tell(f"{what}, {licence}")
        (weights / files[0]).touch()
        return weights / files[0]

    monkeypatch.setattr(priors, "fetch", fetch)
    found = prepare(data, replace(ON_CPU, allow_download=True), said.append)
    assert [f.kind for f in found] == ["licence", "licence"]
    assert said[2] == "the weights of TabICL 2, BSD-3-Clause"
    assert said[3] == found[1].message  # the licence again, of what is tried
    assert [c.name for c in candidates(data, ON_CPU)] == list(BOTH)


@pytest.mark.usefixtures("packages")
def test_a_download_that_fails_does_not_stop_the_run(data: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    def fetch(*_: Any) -> Path:
        raise SettingsError("the hub did not give it")

    monkeypatch.setattr(priors, "fetch", fetch)
    found = told(data, allow_download=True)
    assert found["tabpfn"].severity == "warning" and "the hub did not give it" in found["tabpfn"].message


@pytest.mark.usefixtures("packages", "weights")
@pytest.mark.parametrize(
    ("shape", "classes", "words"),
    [
        ((60, 501), 2, "at most 500 columns, and there are 501"),
        ((10_001, 2), 2, "at most 10,000 rows, and there are 10,001"),
        ((1001, 2), 2, "without a GPU it would take too long with more than 1,000 rows"),
        ((60, 2), 11, "at most 10 classes apart, and there are 11"),
    ],
)
def test_what_a_network_cannot_take_is_not_tried_and_the_reason_is_told(
    shape: tuple[int, int], classes: int, words: str
) -> None:
    n = shape[0]
    X = pd.DataFrame(np.zeros(shape), columns=[f"x{i}" for i in range(shape[1])])
    y, names = np.arange(n) % classes, np.arange(classes).astype(str)
    wide = Dataset(X, y, np.arange(n).astype(str), pd.DataFrame(index=range(n)), TASKS[0], "table", names)
    assert words in told(wide)["tabpfn"].message
    assert "tabpfn" not in [c.name for c in candidates(wide, ON_CPU)]
    assert (classes == 11) == ("tabicl" in [c.name for c in candidates(wide, ON_CPU)])


@pytest.mark.usefixtures("packages", "weights")
def test_pictures_and_families_that_were_not_asked_for_are_left_alone(data: Dataset) -> None:
    assert candidates(pictures(), ON_CPU) == [] and prepare(pictures(), ON_CPU) == []
    assert prepare(data, replace(ON_CPU, families=("classic",))) == []


def test_somebody_who_asks_for_them_alone_hears_why_there_is_none(data: Dataset) -> None:
    with pytest.raises(SettingsError, match=r"families prior has .*pip install tabpfn"):
        propose(data, replace(ON_CPU, families=("prior",)))


# ---- what every candidate must keep


@pytest.mark.usefixtures("packages", "weights")
@pytest.mark.parametrize("name", BOTH)
def test_it_sees_no_held_out_sample_and_repeats(data: Dataset, name: str) -> None:
    candidate, split = tried(data, name), compare_splits(data, ON_CPU)[0]
    K = None if data.classes is None else 3
    honest, again = (fit_and_predict(candidate, split, data, K) for _ in range(2))
    assert honest.error is None and np.array_equal(honest.test, again.test)
    changed = data.X.copy()
    changed.loc[split.test[1:], ["x0", "x2"]] = 1e3
    changed.loc[split.test[1:], "kind"] = "never seen"
    y = data.y.copy()
    y[split.test] = (y[split.test] + 1) % 3
    poisoned = fit_and_predict(candidate, split, replace(data, X=changed, y=y), K)
    np.testing.assert_array_equal(poisoned.train, honest.train)
    np.testing.assert_allclose(poisoned.test[0], honest.test[0])


@pytest.mark.usefixtures("packages", "weights")
@pytest.mark.parametrize("name", BOTH)
def test_an_answer_does_not_depend_on_what_else_is_asked(data: Dataset, name: str) -> None:
    fitted = tried(data, name).fresh(0).fit(data.X, data.y)
    ask = getattr(fitted, "predict_proba", fitted.predict)
    assert np.isnan(data.X["x1"][9])  # alone, its column is empty
    np.testing.assert_allclose(ask(data.X.iloc[[9]])[0], ask(data.X)[9])


@pytest.mark.usefixtures("packages", "weights")
@pytest.mark.parametrize("name", BOTH)
def test_it_is_cloned_rebuilt_pickled_and_saved_without_pickle(
    data: Dataset, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    candidate = tried(data, name)
    assert spec(clone(candidate.estimator)) == spec(build(candidate.spec)) == candidate.spec
    assert Candidate.from_json(candidate.to_json()).key == candidate.key
    assert candidate.trains_network  # one after another where there is a GPU
    fitted = candidate.fresh(7).fit(data.X, data.y)
    assert count_parameters(fitted) == data.X.size
    expected = fitted.predict(data.X)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(fitted)).predict(data.X), expected)

    model = Model(name, [(name, fitted)], data.task, "table", data.classes, {})
    saved = save(model, tmp_path / "model")
    ((_, loaded),) = load(saved).members
    np.testing.assert_array_equal(loaded.predict(data.X), expected)

    monkeypatch.setattr(priors, "find_spec", lambda package: None)
    ((_, elsewhere),) = load(saved).members
    with pytest.raises(HandfulError, match=f"needs the package '{name}'.*pip install {name}"):
        elsewhere.predict(data.X)


@pytest.mark.usefixtures("packages")
def test_other_weights_than_those_it_was_fitted_with_are_refused(weights: Path) -> None:
    data = table("classification")
    fitted = tried(data, "tabpfn").fresh(0).fit(data.X, data.y)
    again = pickle.loads(pickle.dumps(fitted))
    first, second = priors.PACKAGES["tabpfn"].weights["classification"].files
    (weights / first).rename(weights / second)
    with pytest.raises(SettingsError, match=rf"fitted with {first}, but {second} is what is here"):
        again.predict(data.X)


@pytest.mark.usefixtures("packages", "weights")
def test_it_learns_with_few_samples_and_without_one_of_the_classes() -> None:
    data = table("classification")
    n = len(data)
    for train in (np.array([0, 1, 20, 21, 58, 59]), np.flatnonzero(data.y != 1)):
        split = Split(0, 0, train, np.setdiff1d(np.arange(n), train), seed=1)
        for name in BOTH:
            result = fit_and_predict(tried(data, name), split, data, 3)
            assert result.error is None, result.error["traceback"]
            assert np.allclose(result.test.sum(axis=1), 1)
    assert (result.test[:, 1] == 0).all()


# ---- how the packages are asked


@pytest.mark.usefixtures("packages")
@pytest.mark.parametrize("kind", [PriorClassifier, PriorRegressor])
def test_the_second_version_is_asked_for_with_local_weights_seed_device_and_categories(
    kind: Any, weights: Path
) -> None:
    data = table(kind._task)
    kind("tabpfn", n_estimators=5, random_state=3).fit(data.X, data.y)
    numeric = data.X.shape[1] - 1
    (made,) = importlib.import_module("tabpfn").MADE
    assert made == {
        "n_estimators": 5,
        "categorical_features_indices": [numeric],
        "model_path": str(weights / priors.PACKAGES["tabpfn"].weights[kind._task].files[0]),
        "device": "cpu",
        "ignore_pretraining_limits": True,
        "random_state": 3,
        "version": "v2",
    }


@pytest.mark.usefixtures("packages", "weights")
def test_a_package_that_knows_only_the_second_version_is_asked_plainly(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    module = importlib.import_module("tabpfn")
    monkeypatch.delattr(module._Network, "create_default_for_version")
    data = table("classification")
    assert PriorClassifier("tabpfn").fit(data.X, data.y).predict(data.X).shape == (60,)
    assert "version" not in module.MADE[-1]


@pytest.mark.usefixtures("packages", "weights")
def test_telemetry_is_switched_off_before_the_package_is_imported(data: Dataset) -> None:
    tried(data, "tabpfn").fresh(0).fit(data.X, data.y)
    seen = importlib.import_module("tabpfn").SEEN
    assert seen["TABPFN_DISABLE_TELEMETRY"] == seen["HF_HUB_DISABLE_TELEMETRY"] == "1"
    assert "://" not in seen["TABPFN_TELEMETRY_CONFIG_URL"]  # asked before the switch is looked at
    assert seen["TABPFN_NO_BROWSER"] == "1"


def test_without_weights_fitting_says_where_to_put_them() -> None:
    data = table("classification")
    with pytest.raises(SettingsError, match=r"weights of TabPFN 2 are not on this machine: put .*\.ckpt of"):
        PriorClassifier("tabpfn").fit(data.X, data.y)


@pytest.mark.parametrize("name", BOTH)
@pytest.mark.parametrize("task", TASKS)
def test_the_real_package_takes_our_arguments(name: str, task: str) -> None:
    if name not in REAL:
        pytest.skip(f"the package {name} is not installed")
    options = {"n_estimators": 2, "device": "cpu", "random_state": 0, "categorical": [1]}
    made = priors.estimator(name, task, Path("weights.ckpt"), **options)
    assert {"fit", "predict"} <= {member for member, _ in inspect.getmembers(made)}
    assert str(made.get_params()["model_path"]) == "weights.ckpt"


# ---- in a run


@pytest.mark.usefixtures("packages")
def test_on_the_command_line_what_may_be_downloaded_is_with_its_licence_and_then_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fetch(repository: str, files: Any, what: str, licence: str, instead: str, tell: Any) -> Path:
        tell(f"Downloading {what}: licence {licence}.")
        (tmp_path / "weights").mkdir(exist_ok=True)
        (tmp_path / "weights" / files[0]).touch()
        return tmp_path / "weights" / files[0]

    monkeypatch.setattr(priors, "fetch", fetch)
    data = table("classification", n=30)
    data.X.assign(y=data.y).to_csv(tmp_path / "table.csv", index=False)
    options = (
        "--target",
        "y",
        "--families",
        "prior",
        "--device",
        "cpu",
        "--jobs",
        1,
        "--out",
        tmp_path / "run",
    )
    called = handful("fit", tmp_path / "table.csv", "--allow-download", *options)
    assert called.status == 0
    assert "Downloading the weights of TabICL 2: licence BSD-3-Clause." in called.out
    assert "TabICL 2 is tried, and may serve. The licence of its weights: BSD-3-Clause." in called.out
    summary = read_json(tmp_path / "run" / "report.json")
    assert set(BOTH) <= {row["name"] for row in summary["leaderboard"]}
    assert [f["items"] for f in summary["audit"] if f["kind"] == "licence"] == [["tabpfn"], ["tabicl"]]
    assert summary["command"].endswith("--allow-download")


@pytest.mark.parametrize(
    ("learned", "metric", "value", "advised"),
    [
        (True, "accuracy", 0.9, True),
        (True, "rmse", 12.0, True),
        (True, "accuracy", 0.99, False),  # little is left to gain
        (False, "accuracy", 0.5, False),
    ],
)
def test_a_sentence_says_that_one_may_do_better_where_something_was_learned_and_more_is_left(
    learned: bool, metric: str, value: float, advised: bool
) -> None:
    summary: dict[str, Any] = {
        "verdict": {"learned": {"found": learned}},
        "expected": {"metric": metric, "value": value},
        "audit": [],
    }
    run: Any = SimpleNamespace(dataset=table("classification"), settings=ON_CPU)
    add_advice(summary, run)
    assert [f["kind"] for f in summary["audit"]] == ["worth installing"] * advised
    for finding in summary["audit"]:
        assert finding["severity"] == "note" and finding["message"].count(". ") == 0
        assert "pip install tabpfn" in finding["message"] and "pip install tabicl" in finding["message"]


def test_nothing_is_advised_for_pictures_large_tables_or_those_who_did_not_ask() -> None:
    data = table("classification")
    assert prior.worth_installing(data, ON_CPU) is not None
    assert prior.worth_installing(data, replace(ON_CPU, families=("classic",))) is None
    assert prior.worth_installing(pictures(), ON_CPU) is None
    large = pd.DataFrame(np.zeros((10_001, 2)))
    assert prior.worth_installing(replace(data, X=large, y=np.zeros(10_001)), ON_CPU) is None
    known = replace(data, findings=[Finding("licence", "note", "TabPFN 2 is tried", ["tabpfn"])])
    assert prior.worth_installing(known, ON_CPU) is None
