"""A model that also learns from made-up examples: only from those that entered, and from real ones first."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.linear_model import Ridge
from sklearn.preprocessing import StandardScaler

from handful.settings import Settings
from handful.strategies import propose
from handful.strategies.candidate import Candidate, spec
from handful.strategies.chain import Chain
from handful.strategies.generators import KDE, SMOTE, Copies, Gaussian, Generator
from handful.strategies.heads import SVMHead, inner_folds
from handful.strategies.inner import MADE_UP, validation_part
from handful.strategies.pixels import Pixels
from handful.strategies.synthesis import KINDS, WithSynthetic, with_synthetic
from handful.strategies.tables import TableEncoder
from handful.strategies.warm import warm
from tests.conftest import pictures, table


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HANDFUL_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


class Listens(ClassifierMixin, BaseEstimator):
    """Keeps what it was given; what it predicts is the first class."""

    def fit(self, Z: np.ndarray, y: np.ndarray, groups: np.ndarray | None = None) -> Listens:
        self.classes_, self.Z_, self.y_, self.groups_ = np.unique(y), np.asarray(Z), y, groups
        return self

    def predict_proba(self, Z: np.ndarray) -> np.ndarray:
        return np.eye(len(self.classes_))[np.zeros(len(Z), dtype=int)]


class Inverted(Generator):
    """Pictures turned to their negative: on samples, and not copies."""

    SPACE = "X"

    def fit(self, X: Any, y: np.ndarray, groups: np.ndarray | None = None) -> Inverted:
        self.X_, self.y_ = np.asarray(X), y
        return self

    def sample(self, labels: np.ndarray, seed: int | None = None) -> np.ndarray:
        return np.stack([255 - self.X_[self.y_ == label][0] for label in labels])


def on_table(generator: Generator, head: Any = None, **how: Any) -> WithSynthetic:
    return WithSynthetic(Chain([TableEncoder()], head or SVMHead()), generator, **how)


def test_the_head_learns_from_real_and_made_up_examples_with_names_for_labels() -> None:
    data = table("classification")
    y, groups = data.classes[data.y], np.repeat(np.arange(30), 2) - 1  # a group of ours is called -1
    head = on_table(Gaussian(), Listens(), ratio=0.5, customs=False).fit(data.X, y, groups).estimator_.head_
    assert len(head.y_) == 90
    assert np.unique(head.y_[60:], return_counts=True)[1].tolist() == [10, 10, 10]
    np.testing.assert_array_equal(head.groups_, np.r_[np.repeat(np.arange(30), 2), np.full(30, MADE_UP)])


def test_what_passes_one_by_one_enters_only_where_it_proves_its_worth(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = table("classification")
    y = data.classes[data.y]
    monkeypatch.setattr(WithSynthetic, "_pays", lambda *about: False)
    model = on_table(Gaussian()).fit(data.X, y)
    assert (model.entered_, model.told_["proved"]) == (0, 0) and model.told_["made"] == 60
    noise = np.random.default_rng(0).normal(size=(60, 3))
    monkeypatch.undo()
    chain = Chain([StandardScaler()], SVMHead())
    assert WithSynthetic(chain, Gaussian()).fit(noise, y).told_["proved"] == 0
    monkeypatch.setattr(WithSynthetic, "_pays", lambda *about: True)
    model = on_table(Gaussian()).fit(data.X, y)
    assert (model.predict(data.X) == y).mean() > 0.9
    assert model.entered_ == model.told_["entered"] > 0.7 * model.made_ == 0.7 * 60


def test_where_nothing_enters_it_is_the_same_model_as_without() -> None:
    data = table("classification")
    model = on_table(Copies()).fit(data.X, data.y)
    assert model.entered_ == 0
    assert {k: model.told_[k] for k in ("made", "copy", "entered")} == {"made": 60, "copy": 60, "entered": 0}
    base = clone(model.estimator).fit(data.X, data.y)
    np.testing.assert_array_equal(model.predict_proba(data.X), base.predict_proba(data.X))


def test_a_generator_that_memorises_is_let_in_only_without_customs() -> None:
    data = table("classification")
    assert on_table(Copies(), customs=False).fit(data.X, data.y).entered_ == 60
    shown = pictures()
    chain = Chain([Pixels(16)], SVMHead())
    assert WithSynthetic(chain, Copies()).fit(shown.X, shown.y).entered_ == 0


def test_made_up_pictures_are_looked_at_and_not_kept(own_cache: Path) -> None:
    data = pictures()
    model = WithSynthetic(Chain([Pixels(16)], SVMHead()), Inverted(), customs=False).fit(data.X, data.y)
    assert model.entered_ == 30
    strict = WithSynthetic(Chain([Pixels(16)], SVMHead()), Inverted()).fit(data.X, data.y)
    assert strict.entered_ < 30 and strict.told_["disagrees"] + strict.told_["far"] > 0
    segments = own_cache.glob("vectors/*/segment-*/0.npy")
    assert sum(len(np.load(file)) for file in segments) == len(data)


def test_what_is_drawn_for_the_rest_is_drawn_as_without_a_generator() -> None:
    base = Candidate("svm", "svm", "classic", Chain([TableEncoder()], SVMHead()))
    with_it = with_synthetic(base, "gaussian").fresh(5)
    assert with_it.estimator.head.random_state == base.fresh(5).head.random_state
    others = [with_synthetic(base, "gaussian", ratio).fresh(5).generator.random_state for ratio in (0.5, 2.0)]
    assert others == [with_it.generator.random_state] * 2


def test_numbers_to_predict_are_refused_in_words() -> None:
    data = table("regression")
    with pytest.raises(ValueError, match="generated examples need classes"):
        on_table(Gaussian(), Ridge()).fit(data.X, data.y)


@pytest.mark.parametrize("generator", [Gaussian(), KDE(), SMOTE()], ids=lambda g: type(g).__name__)
def test_it_is_deterministic_and_a_class_with_one_member_is_no_obstacle(generator: Generator) -> None:
    data = table("classification")
    rows = np.r_[0:12, 20, 40:46]
    one, two = (on_table(clone(generator)).fit(data.X.iloc[rows], data.y[rows]) for _ in range(2))
    np.testing.assert_array_equal(one.predict_proba(data.X), two.predict_proba(data.X))
    assert one.made_ == 19 and one.told_ == two.told_


def test_a_made_up_sample_is_in_no_inner_fold_and_validates_nothing() -> None:
    y = np.tile(np.arange(2), 60)
    groups = np.r_[np.arange(80), np.full(40, MADE_UP)]
    folds = inner_folds(y, groups, 3, 0, classes=True)
    assert sorted(np.concatenate([held for _, held in folds])) == list(range(80))
    assert max(learned.max() for learned, _ in folds) < 80
    plain = inner_folds(y[:80], None, 3, 0, classes=True)  # groups of one are as good as none
    assert all(np.array_equal(a[1], b[1]) for a, b in zip(folds, plain, strict=True))
    held = validation_part(y, groups, 0, classes=True)
    assert held is not None and held.max() < 80 and len(held) == 16
    assert inner_folds(y[:3], np.array([0, 1, MADE_UP]), 3, 0, classes=True) == []


def test_no_two_kinds_are_one_generator() -> None:
    assert len({json.dumps(spec(kind.generator), sort_keys=True) for kind in KINDS.values()}) == len(KINDS)


def test_quick_offers_nothing_and_bases_come_with_what_needs_them() -> None:
    data = table("classification")
    assert not [c for c in propose(data, Settings()) if c.family == "synthesis"]
    found = {c.name: c for c in propose(data, Settings(budget="standard", families=("synthesis",)))}
    made = [c for c in found.values() if c.family == "synthesis"]
    assert 2 <= len(made) <= 4 and all(c.base in found for c in made)
    both = Settings(budget="thorough", families=("augmentation", "synthesis"))
    assert len([c for c in propose(pictures(), both) if c.family == "synthesis"]) >= 6
    assert {c.technique for c in made} >= {"generated examples: class-wise Gaussian"}
    few = Settings(budget="standard", families=("classic", "synthesis"))
    assert not [c for c in propose(table("regression"), few) if c.family == "synthesis"]


def test_features_that_a_generator_is_tried_on_are_prepared_beforehand(own_cache: Path) -> None:
    data = pictures()
    base = Candidate("small", "small", "classic", Chain([Pixels(16), StandardScaler()], SVMHead()))
    warm(data, [with_synthetic(base, "gaussian")], Settings(jobs=1))
    assert len(Pixels(16).missing(data.X)) == 0
