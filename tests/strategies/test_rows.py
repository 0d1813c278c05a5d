from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

import handful.strategies.augmentation as augmentation
from handful.settings import Settings
from handful.strategies import propose
from handful.strategies.rows import MoreRows
from handful.strategies.tables import TableEncoder
from tests.conftest import table


class Listens(ClassifierMixin, BaseEstimator):
    """Keeps what it was given."""

    def fit(self, Z: np.ndarray, y: np.ndarray, groups: np.ndarray | None = None) -> Listens:
        self.classes_, self.Z_, self.y_, self.groups_ = np.unique(y), Z, y, groups
        return self


class Hears(RegressorMixin, BaseEstimator):
    fit = Listens.fit


def heard(way: str, head: BaseEstimator, y: np.ndarray, n: int = 60) -> BaseEstimator:
    data = table("classification")
    return MoreRows([TableEncoder()], head, way).fit(data.X.iloc[:n], y[:n]).head_


def test_noise_moves_numbers_a_little_and_keeps_categories_labels_and_groups() -> None:
    data = table("classification")
    known = heard("noise", Listens(), data.y)
    plain, copy = known.Z_[:60], known.Z_[60:120]
    assert 0.05 < np.abs(copy - plain)[:, :4].mean() < 0.12
    np.testing.assert_array_equal(copy[:, 4:], plain[:, 4:])
    np.testing.assert_array_equal(known.y_, np.tile(data.y, 3))
    np.testing.assert_array_equal(known.groups_, np.tile(np.arange(60), 3))


def test_a_mixture_lies_between_two_rows_of_its_own_third() -> None:
    y = table("classification").y
    known = heard("mixup", Listens(), y)
    assert len(known.y_) == 180 and set(known.groups_) == {1, 2, 3}
    for third in (1, 2, 3):
        mine = known.groups_ == third
        own, made = known.Z_[:60][mine[:60]], known.Z_[60:][mine[60:]]
        assert (made[:, :4] <= own[:, :4].max(axis=0) + 1e-9).all()
        one = own[:, None, :4] - made[None, :, :4]  # on a line between two rows of the third
        two = one / np.maximum(np.linalg.norm(one, axis=2, keepdims=True), 1e-12)
        facing = np.einsum("amd,bmd->abm", two, two).min(axis=(0, 1))
        assert (facing < -0.999).mean() > 0.95 or (np.abs(one).max(axis=2).min(axis=0) < 1e-6).any()


def test_mixed_values_lie_between_the_two_and_those_are_alike() -> None:
    y = np.linspace(0, 100, 60)
    known = heard("mixup", Hears(), y)
    assert known.y_[60:].min() >= 0 and known.y_[60:].max() <= 100
    moved = [np.abs(known.y_[60:] - v).min() for v in y]
    assert np.median(moved) < 5


def test_smote_fills_up_the_rarer_classes() -> None:
    pytest.importorskip("imblearn")
    data = table("classification")
    rows = np.r_[0:20, 20:29, 40:60]
    known = MoreRows([TableEncoder()], Listens(), "smote").fit(data.X.iloc[rows], data.y[rows]).head_
    assert abs(np.bincount(known.y_) - 20).max() <= 2
    few = MoreRows([TableEncoder()], Listens(), "smote").fit(data.X.iloc[[0, 1, 30]], data.y[[0, 1, 30]])
    assert len(few.head_.y_) == 3


def test_what_is_not_installed_is_not_offered_and_a_note_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    data = table("classification")
    data.y = np.where(np.arange(60) < 30, 0, np.where(np.arange(60) < 50, 1, 2))
    standard = Settings(budget="standard")
    names = {c.name for c in propose(data, standard)}
    assert {"svm, noise", "svm, mixup", "extra trees, mixup", "svm, smote", "logistic, smote"} <= names
    assert augmentation.notes(data, standard) == []
    monkeypatch.setattr(augmentation, "find_spec", lambda name: None)
    assert not [c.name for c in propose(data, standard) if ", smote" in c.name]
    assert "pip install" in augmentation.notes(data, standard)[0].message
    assert augmentation.notes(data, Settings()) == []
    assert not [c for c in propose(data, Settings()) if c.family == "augmentation"]
    data.y = np.where(np.arange(60) < 48, 0, 1)
    data.classes = data.classes[:2]
    assert len(augmentation.notes(data, Settings())) == 1
    monkeypatch.undo()
    assert [c.name for c in propose(data, Settings()) if c.family == "augmentation"] == ["logistic, smote"]


def test_too_many_rows_for_their_heads_are_not_multiplied() -> None:
    data = table("classification")
    data.X = pd.concat([data.X] * 20, ignore_index=True)
    data.y = np.tile(data.y, 20)
    assert not [c for c in propose(data, Settings(budget="standard")) if c.family == "augmentation"]
