from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

from handful.data.images import array_to_images
from handful.settings import Settings
from handful.strategies import classic, propose
from handful.strategies.augmentation import on_views
from handful.strategies.chain import Chain
from handful.strategies.pixels import Pixels
from handful.strategies.views import Views
from handful.strategies.warm import warm
from tests.conftest import pictures


class Listens(ClassifierMixin, BaseEstimator):
    """Keeps what it was given."""

    def fit(self, Z: np.ndarray, y: np.ndarray, groups: np.ndarray | None = None) -> Listens:
        self.classes_, self.Z_, self.y_, self.groups_ = np.unique(y), Z, y, groups
        return self

    def predict_proba(self, Z: np.ndarray) -> np.ndarray:
        p = Z[:, :1] / Z.max()
        return np.hstack([p, 1 - p, 0 * p])


def test_a_view_of_a_sample_has_its_label_and_its_group() -> None:
    data = pictures(per_class=4)
    heard = Views([Pixels(8)], Listens(), ("flip", "up")).fit(data.X, data.y).head_
    plain, flipped = Pixels(8).transform(data.X), Pixels(8, view="flip").transform(data.X)
    np.testing.assert_array_equal(heard.Z_[:12], plain)
    np.testing.assert_array_equal(heard.Z_[12:24], flipped)
    np.testing.assert_array_equal(heard.y_, np.tile(data.y, 3))
    np.testing.assert_array_equal(heard.groups_, np.tile(np.arange(12), 3))
    groups = np.arange(12) // 2
    heard = Views([Pixels(8)], Listens(), ("flip",)).fit(data.X, data.y, groups=groups).head_
    np.testing.assert_array_equal(heard.groups_, np.tile(groups, 2))


def test_with_too_many_rows_each_picture_shows_some_views_in_turn() -> None:
    data = pictures(per_class=4)
    views = ("flip", "up", "down", "left")
    heard = Views([Pixels(8)], Listens(), views, most=36).fit(data.X, data.y).head_
    assert np.bincount(heard.groups_).tolist() == [3] * 12  # itself and two views
    assert len(Views([Pixels(8)], Listens(), views, most=10).fit(data.X, data.y).head_.y_) == 12


def test_without_views_it_is_the_chain() -> None:
    data = pictures()
    head = LogisticRegression(max_iter=50)
    chain = Chain([Pixels(8)], head).fit(data.X, data.y)
    views = Views([Pixels(8)], clone(head)).fit(data.X, data.y)
    np.testing.assert_allclose(views.predict_proba(data.X), chain.predict_proba(data.X))


def test_averaging_is_the_mean_over_the_plain_picture_and_its_views() -> None:
    data = pictures(per_class=3)
    fitted = Views([Pixels(8)], Listens(), averaged=("flip",)).fit(data.X, data.y)
    each = [fitted.head_.predict_proba(Pixels(8, view=v).transform(data.X)) for v in ("plain", "flip")]
    np.testing.assert_allclose(fitted.predict_proba(data.X), np.mean(each, axis=0))


def test_every_augmented_candidate_names_its_base_and_what_it_adds() -> None:
    data = pictures()
    for effort in ("quick", "standard", "thorough"):
        found = {c.name: c for c in propose(data, Settings(budget=effort))}
        added = [c for c in found.values() if c.family == "augmentation"]
        assert added and all(c.base in found and c.technique for c in added)
        assert all(c.cost > found[c.base].cost and c.deep == found[c.base].deep for c in added)
        assert ("test-time averaging" in {c.technique for c in added}) == (effort != "quick")
    assert "thumbnail svm, flips" in found
    alone = {c.name for c in propose(data, Settings(families=("augmentation",)))}
    assert {"thumbnail svm", "hog svm", "hog svm, moves", "majority"} <= alone
    assert "hog forest" not in alone


def test_views_are_computed_before_the_cells(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HANDFUL_CACHE", str(tmp_path))
    data = pictures(per_class=2)
    some = [c for c in propose(data, Settings()) if c.name == "thumbnail svm, shifts"]
    warm(data, some, Settings(jobs=1))
    for view in ("plain", "left", "right", "up", "down"):
        assert not len(Pixels(16, view=view).missing(data.X))
    assert len(Pixels(16, view="flip").missing(data.X)) == 6


def test_on_digits_shifts_help_and_flips_harm() -> None:
    """A small version of benchmarks/digits.py: 5 a class, three draws, the SVM on small pictures."""
    data = load_digits()
    images = array_to_images(data.images / 16)
    base = next(c for c in classic.candidates(pictures(), Settings()) if c.name == "thumbnail svm")
    added = {policy: on_views(base, policy, 1200).estimator for policy in ("shifts", "moves", "flips")}
    right: dict[str, list[float]] = {name: [] for name in ("plain", *added)}
    for seed in range(3):
        order = np.random.default_rng(seed).permutation(len(images))
        rows = np.concatenate([order[data.target[order] == k][:5] for k in range(10)])
        rest = np.setdiff1d(order, rows)[:600]
        for name, estimator in {"plain": base.estimator, **added}.items():
            found = clone(estimator).fit(images[rows], data.target[rows]).predict(images[rest])
            right[name].append(float((found == data.target[rest]).mean()))
    score = {name: np.mean(values) for name, values in right.items()}
    assert score["shifts"] > score["plain"] + 0.01 and score["moves"] > score["plain"] + 0.015
    assert score["flips"] < score["plain"] - 0.005
