"""Small networks learn, are validated where there is enough to spare, and are kept as plain arrays."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.datasets import load_breast_cancer, load_diabetes

from handful.backbones import engine
from handful.backbones.engine import on_device
from handful.errors import SettingsError
from handful.model.save import TRUSTED
from handful.nets.device import device
from handful.settings import Settings
from handful.strategies import propose
from handful.strategies.networks import ConvNetHead, ConvNetValueHead, MLPHead, MLPValueHead, candidates
from handful.strategies.pixels import Pixels
from tests.conftest import pictures, table


def standardised(X: np.ndarray, rows: np.ndarray) -> np.ndarray:
    return (X - X[rows].mean(axis=0)) / X[rows].std(axis=0)


def cancer(n: int = 100) -> tuple[np.ndarray, np.ndarray]:
    """Standardised columns of breast_cancer, in an order of its own; the first n are for training."""
    X, y = load_breast_cancer(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(y))
    return standardised(X[order], np.arange(n)), y[order]


def test_a_perceptron_is_as_good_as_a_linear_model_on_a_hundred_rows() -> None:
    X, y = cancer()
    fitted = MLPHead(random_state=1).fit(X[:100], y[:100])
    assert (fitted.predict(X[100:]) == y[100:]).mean() > 0.94
    np.testing.assert_allclose(fitted.predict_proba(X[100:]).sum(axis=1), 1, atol=1e-6)
    assert fitted.n_parameters_ == sum(v.size for k, v in fitted.weights_.items() if not k.endswith("edges"))


def test_a_perceptron_predicts_values_in_the_units_of_the_target() -> None:
    X, y = load_diabetes(return_X_y=True)
    X = standardised(X, np.arange(200))
    fitted = MLPValueHead().fit(X[:200], 1000 * y[:200] + 7)
    error = np.mean((fitted.predict(X[200:]) - (1000 * y[200:] + 7)) ** 2)
    assert error < 0.65 * (1000 * y).var()


def test_validation_is_written_down_and_decides_how_long_it_learns() -> None:
    X, y = cancer()
    fitted = MLPHead(epochs=12).fit(X[:100], y[:100])
    losses = [h["val_loss"] for h in fitted.history_]
    assert 1 <= len(losses) <= 12 and fitted.epochs_ == 1 + int(np.argmin(losses))
    few = MLPHead(epochs=3).fit(X[:30], y[:30])
    assert few.epochs_ == 3 and "val_loss" not in few.history_[0]


def test_groups_decide_what_validates() -> None:
    X, y = cancer()
    alone = MLPHead(epochs=3).fit(X[:100], y[:100])
    grouped = MLPHead(epochs=3).fit(X[:100], y[:100], groups=np.arange(100) // 2)
    assert alone.history_[0]["val_loss"] != grouped.history_[0]["val_loss"]


def test_a_network_of_pictures_tells_stripes_apart_and_knows_grey_ones() -> None:
    dataset = pictures(per_class=14)
    Z = Pixels(32).transform(dataset.X)
    train = np.arange(len(Z)) % 14 < 10
    fitted = ConvNetHead(size=0.5, epochs=15).fit(Z[train], dataset.y[train])
    assert (fitted.predict(Z[~train]) == dataset.y[~train]).mean() > 0.8
    assert fitted.plan_["channels"] == 3
    grey = np.repeat(Z.reshape(len(Z), -1, 3).mean(axis=2, keepdims=True), 3, axis=2).reshape(len(Z), -1)
    one = ConvNetHead(size=0.25, epochs=1).fit(grey[train], dataset.y[train])
    assert one.plan_["channels"] == 1
    assert np.isfinite(one.predict_proba(Z)).all()  # a coloured picture among grey ones


def test_a_network_of_pictures_predicts_values() -> None:
    dataset = pictures("regression", per_class=12)
    Z = Pixels(32).transform(dataset.X)
    train = np.arange(len(Z)) % 12 < 9
    fitted = ConvNetValueHead(size=0.5, epochs=15).fit(Z[train], dataset.y[train])
    assert np.mean((fitted.predict(Z[~train]) - dataset.y[~train]) ** 2) < 0.6 * dataset.y.var()


@pytest.mark.parametrize("kind", ["table", "image"])
def test_a_fitted_network_is_saved_without_torch_and_predicts_the_same(kind: str, tmp_path: Path) -> None:
    import skops.io

    dataset = table("classification") if kind == "table" else pictures(per_class=4)
    candidate = next(c for c in propose(dataset, Settings(budget="standard")) if c.family == "network")
    fitted = candidate.estimator.set_params(head__epochs=2).fit(dataset.X, dataset.y)
    skops.io.dump(fitted, tmp_path / "it.skops")
    types = skops.io.get_untrusted_types(file=tmp_path / "it.skops")
    assert all(t.startswith(TRUSTED) for t in types), types
    again = skops.io.load(tmp_path / "it.skops", trusted=types)
    np.testing.assert_array_equal(again.predict_proba(dataset.X), fitted.predict_proba(dataset.X))


def test_what_is_offered_grows_with_the_budget() -> None:
    names = {
        (kind, budget): [c.name for c in candidates(data, Settings(budget=budget))]
        for kind, data in (("table", table("regression")), ("image", pictures(per_class=2)))
        for budget in ("quick", "standard", "thorough")
    }
    assert names["table", "quick"] == ["mlp"] and names["image", "quick"] == []
    assert names["table", "standard"] == ["mlp", "mlp narrow"]
    assert names["image", "standard"] == ["cnn", "cnn narrow", "cnn shifts"]
    assert names["image", "thorough"] == ["cnn", "cnn narrow", "cnn wide", "cnn shifts", "cnn light"]
    for candidate in candidates(pictures(per_class=2), Settings(budget="thorough"))[1:]:
        assert candidate.base == "cnn" and candidate.technique


def test_quick_has_a_network_on_small_tables_only() -> None:
    small = table("regression")
    columns = pd.concat([small.X] * 40, axis=1)
    wide = replace(small, X=columns.set_axis([f"c{i}" for i in range(columns.shape[1])], axis=1))
    assert candidates(small, Settings()) and not candidates(wide, Settings())
    assert candidates(wide, Settings(budget="standard"))


def test_the_device_is_no_part_of_a_candidate() -> None:
    data = table("classification")
    keys = [
        {c.key for c in candidates(data, Settings(device=name, budget="thorough"))}
        for name in ("auto", "cpu", "cuda")
    ]
    assert keys[0] == keys[1] == keys[2]
    with on_device("cpu"):
        assert device() == "cpu"
    if not torch.cuda.is_available():
        with on_device("cuda"), pytest.raises(SettingsError, match="torch sees no GPU"):
            device()


def test_frozen_features_follow_the_device_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "cuda_available", lambda: True)
    assert engine.choose() == "cuda"
    with on_device("cpu"):
        assert engine.choose() != "cuda" and engine.choose("cuda") == "cuda"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_gives_what_the_processor_gives() -> None:
    X, y = cancer()
    told = []
    for name in ("cpu", "cuda"):
        with on_device(name):
            told.append(MLPHead().fit(X[:100], y[:100]).predict_proba(X[100:]))
    assert np.abs(told[0] - told[1]).mean() < 0.03


def test_six_samples_of_one_constant_column_are_learned_from_too() -> None:
    fitted = MLPHead(epochs=2).fit(np.ones((6, 1)), np.array(list("ababab")))
    assert set(fitted.predict(np.zeros((2, 1)))) <= {"a", "b"}
