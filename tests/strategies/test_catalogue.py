"""What every candidate of the catalogue must pass; a new strategy is tested the moment it is listed."""

from __future__ import annotations

import pickle
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import BaseEstimator, ClassifierMixin, clone

from handful.data.columns import TEXT
from handful.data.dataset import Dataset, Images
from handful.protocol.evaluate import fit_and_predict, take, visible
from handful.protocol.run import FoldResult
from handful.protocol.splits import Split, compare_splits, labels_of
from handful.settings import Settings
from handful.strategies import balance, baseline, propose
from handful.strategies.candidate import Candidate, build, count_parameters, scores, spec
from handful.strategies.chain import learns_from_unlabelled
from handful.strategies.log_target import TECHNIQUE
from handful.strategies.shortcut import controls
from tests.conftest import files_of, mixed, more_without_labels, opinions, pictures, skewed, table, texts

SETTINGS = Settings(jobs=1, budget="standard")
EPOCHS = 2  # of networks here: the same class on the same path, only shorter
TREES = 10  # of forests, likewise
PIXELS = 64  # a side of the pictures on which networks are fine-tuned, likewise
DATASETS = {
    f"{kind} {task}": make(task)
    for kind, make in (("table", table), ("image", pictures), ("text", texts))
    for task in ("classification", "regression")
}


def shorter(candidate: Candidate) -> Candidate:
    """The same, its networks with few epochs and of small pictures, and its forests with few trees."""
    fewer = {"epochs": EPOCHS, "n_estimators": TREES}
    if candidate.family == "finetune":
        fewer["size"] = PIXELS
    ends = {p: p.split("__")[-1] for p in candidate.estimator.get_params()}
    params = {p: fewer[end] for p, end in ends.items() if end in fewer}
    return replace(candidate, estimator=clone(candidate.estimator).set_params(**params))


def proposed(dataset: Dataset) -> list[Candidate]:
    """What is tried on this data; with a second backbone the same heads are tried again, here only some."""
    found = [shorter(candidate) for candidate in propose(dataset, SETTINGS)]
    again = [c for c in found if "lite1" in c.name]
    return [c for c in found if c not in again[1:-1]]


def with_costs(dataset: Dataset) -> list[Candidate]:
    """What is tried beside the usual where mistakes cost more or less.

    On pictures only some of what quick tries: the rest is the same heads on other features.
    """
    first, second, _ = dataset.classes if dataset.classes is not None else ("", "", "")
    budget = "standard" if dataset.modality == "table" else "quick"
    settings = replace(SETTINGS, metric=f"cost: {first}>{second}=6", budget=budget)
    offered = balance.candidates(dataset, settings)
    offered = offered[::3] if dataset.modality == "image" else offered
    return [shorter(candidate) for candidate in [*baseline.candidates(dataset, settings), *offered]]


PROPOSED = {name: proposed(dataset) for name, dataset in DATASETS.items()}
EVERY = [
    pytest.param(dataset, candidate, id=f"{name}: {candidate.name}")
    for name, dataset in DATASETS.items()
    for candidate in PROPOSED[name]
]
EVERY += [
    pytest.param(dataset, candidate, id=f"{name}: control {candidate.name}")
    for name, dataset in ((name, files_of(dataset)) for name, dataset in DATASETS.items())
    for candidate in controls(dataset)[0]
]
EVERY += [
    pytest.param(dataset, candidate, id=f"{name}, more unlabelled: {candidate.name}")
    for name, dataset in ((name, more_without_labels(dataset)) for name, dataset in DATASETS.items())
    for candidate in proposed(dataset)
    if learns_from_unlabelled(candidate.estimator)
]
# A few on columns of every kind at once; the text encoder is too heavy to be asked here.
MIXED = ("svm", "lite0 svm", "lite0 svm without the number column 'x0'", "autoencoder svm", "mlp")
with patch("handful.strategies.tables.text_backbone", lambda settings: None):
    on_mixed = {candidate.name: candidate for candidate in proposed(mixed())}
EVERY += [pytest.param(mixed(), on_mixed[name], id=f"mixed: {name}") for name in MIXED]
EVERY += [
    pytest.param(dataset, candidate, id=f"{name}, skewed: {candidate.name}")
    for name, dataset in ((name, skewed(d)) for name, d in DATASETS.items() if d.classes is None)
    for candidate in proposed(dataset)
    if candidate.technique == TECHNIQUE
]
EVERY += [
    pytest.param(dataset, candidate, id=f"opinions {dataset.task}: {candidate.name}")
    for dataset in (opinions("classification"), opinions("regression"))
    for candidate in proposed(dataset)
    if "sentiment" in candidate.name
]
EVERY += [
    pytest.param(dataset, candidate, id=f"{name}, costs: {candidate.name}")
    for name, dataset in DATASETS.items()
    if dataset.classes is not None
    for candidate in with_costs(dataset)
]
# The scope puts all checks of a candidate side by side, where they share its first fit.
every_candidate = pytest.mark.parametrize(("dataset", "candidate"), EVERY, scope="module")


def first_split(dataset: Dataset) -> Split:
    return compare_splits(dataset, SETTINGS)[0]


def n_classes(dataset: Dataset) -> int | None:
    return None if dataset.classes is None else len(dataset.classes)


fitted: dict[tuple[int, int], tuple[Candidate, Dataset, FoldResult]] = {}


def once(candidate: Candidate, dataset: Dataset) -> FoldResult:
    """What came of it on the first split, fitted once for all checks that ask for no more than that."""
    key = id(candidate), id(dataset)
    if key not in fitted:
        result = fit_and_predict(candidate, first_split(dataset), dataset, n_classes(dataset))
        fitted[key] = candidate, dataset, result
    return fitted[key][-1]


def fit_on(candidate: Candidate, split: Split, dataset: Dataset) -> tuple[BaseEstimator, Any]:
    """A fresh clone fitted as `fit_and_predict` does, and what it was fitted on."""
    fitted, X = candidate.fresh(split.seed), take(getattr(dataset, candidate.view), split.train)
    fitted.fit(X, labels_of(dataset, split)[split.train], **visible(dataset, split.train, fitted))
    return fitted, X


def replaced(dataset: Dataset, rows: np.ndarray) -> Dataset:
    """The same data set with other content, other facts beside it and other targets in some rows."""
    if isinstance(dataset.X, Images):
        pixels = np.array(np.asarray(dataset.X))
        pixels[rows] = 255 - pixels[rows][:, ::-1]
        X = Images.from_array(pixels)
    elif dataset.modality == "text":
        X = dataset.X.copy()
        X[rows] = [f"never seen {text[::-1]}" for text in X[rows]]
    else:
        X = dataset.X.copy()
        numeric = X.select_dtypes("number").columns
        X.loc[X.index[rows], numeric] = X.loc[X.index[rows], numeric] * -3 + 1e3
        X.loc[X.index[rows], "kind"] = "never seen"
        if "note" in X:
            X["note"] = X["note"].where(~np.isin(np.arange(len(X)), rows), "quite another text").astype(TEXT)
            turned = np.arange(len(X))
            turned[rows] = (rows + 1) % len(X)
            X["photo"] = X["photo"].array.take(turned)
    y = dataset.y.copy()
    y[rows] = (y[rows] + 1) % len(dataset.classes) if dataset.classes is not None else y[rows] + 100
    meta = dataset.meta.copy()
    for column in meta.columns:
        other = meta[column] * 7 + 100 if meta[column].dtype.kind in "if" else "something else 77"
        meta[column] = meta[column].where(~np.isin(np.arange(len(meta)), rows), other)
    return replace(dataset, X=X, y=y, meta=meta)


def sees_held_out_samples(candidate: Candidate, dataset: Dataset) -> bool:
    """The canary: held-out samples are replaced, and something that must not change has changed."""
    split, K = first_split(dataset), n_classes(dataset)
    honest = once(candidate, dataset)
    fitted, train = fit_on(candidate, split, replaced(dataset, split.test))
    if not np.array_equal(honest.train, scores(fitted, train, K).astype(honest.train.dtype)):
        return True
    # One held-out sample is as it was while its neighbours are not: its prediction must be as it was too.
    others = getattr(replaced(dataset, split.test[1:]), candidate.view)
    kept = scores(fitted, take(others, split.test), K)
    return not np.allclose(honest.test[0], kept[0], rtol=1e-5, atol=1e-6)


@every_candidate
def test_never_sees_a_held_out_sample(dataset: Dataset, candidate: Candidate) -> None:
    assert not sees_held_out_samples(candidate, dataset)


class _Peeps(ClassifierMixin, BaseEstimator):
    """Standardises with the mean of whatever it predicts: the usual leak."""

    def fit(self, X: pd.DataFrame, y: np.ndarray) -> _Peeps:
        self.classes_, self.mean_ = np.unique(y), X["x0"].mean()
        return self

    def predict_proba(self, X: pd.DataFrame) -> np.ndarray:
        p = 1 / (1 + np.exp(-(X["x0"] - X["x0"].mean())))
        return np.column_stack([p, 1 - p, np.zeros(len(p))])


def test_the_canary_dies_where_there_is_gas() -> None:
    assert sees_held_out_samples(
        Candidate("peeps", "peeps", "yours", _Peeps()), DATASETS["table classification"]
    )


@every_candidate
def test_clones_and_is_rebuilt_from_its_specification(dataset: Dataset, candidate: Candidate) -> None:
    assert spec(clone(candidate.estimator)) == candidate.spec
    assert spec(build(candidate.spec)) == candidate.spec
    assert Candidate.from_json(candidate.to_json()).key == candidate.key


@every_candidate
def test_repeats_under_its_seed_alone_and_survives_pickling(dataset: Dataset, candidate: Candidate) -> None:
    first = once(candidate, dataset)
    assert first.error is None, first.error["traceback"]
    split, K = first_split(dataset), n_classes(dataset)
    others = torch.get_rng_state()
    fitted, _ = fit_on(candidate, split, dataset)
    X = getattr(dataset, candidate.view)
    said = scores(fitted, take(X, split.test), K)
    np.testing.assert_array_equal(said.astype(first.test.dtype), first.test)
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(scores(again, take(X, split.test), K), said)
    assert torch.equal(torch.get_rng_state(), others)  # a person's own random numbers are left alone
    assert count_parameters(fitted) is None or count_parameters(fitted) >= 1


@every_candidate
def test_learns_with_two_samples_a_class_or_six_in_all(dataset: Dataset, candidate: Candidate) -> None:
    n = len(dataset)
    train = np.array([0, 1, n // 3, n // 3 + 1, n - 2, n - 1])
    split = Split(0, 0, train, np.setdiff1d(np.arange(n), train), seed=1)
    result = fit_and_predict(candidate, split, dataset, n_classes(dataset))
    assert result.error is None, result.error["traceback"]


@every_candidate
def test_copes_with_classes_missing_from_the_training_part(dataset: Dataset, candidate: Candidate) -> None:
    if dataset.classes is None:
        pytest.skip("regression has no classes")
    train = np.flatnonzero(dataset.y != 1)
    result = fit_and_predict(candidate, Split(0, 0, train, np.flatnonzero(dataset.y == 1), 1), dataset, 3)
    assert result.error is None, result.error["traceback"]
    assert (result.test[:, 1] == 0).all()


@pytest.mark.parametrize("name", DATASETS)
def test_names_keys_and_labels_are_unique(name: str) -> None:
    found = PROPOSED[name]
    for field in ("name", "key", "label"):
        values = [getattr(c, field) for c in found]
        assert len(set(values)) == len(values)


@pytest.mark.parametrize("name", DATASETS)
def test_the_best_candidate_beats_the_baseline_by_far(name: str) -> None:
    dataset = DATASETS[name]
    truth = dataset.y[first_split(dataset).test]

    def error(candidate: Candidate) -> float:
        said = once(candidate, dataset).test
        wrong = (said - truth) ** 2 if dataset.classes is None else said.argmax(axis=1) != truth
        return float(np.mean(wrong))

    floor = {c.name: c for c in PROPOSED[name]}["mean" if dataset.classes is None else "majority"]
    assert any(error(candidate) < 0.8 * error(floor) for candidate in PROPOSED[name])
