from __future__ import annotations

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin

from handful.data.text_copies import copy_of
from handful.settings import Settings
from handful.strategies import classic, propose
from handful.strategies.augmentation import with_more_texts
from handful.strategies.chain import Chain, Stateless
from handful.strategies.classic import ON_UNIT_VALUES
from handful.strategies.heads import LogisticHead, RidgeHead
from handful.strategies.more_texts import MoreTexts
from handful.strategies.tfidf import TfIdf
from tests.conftest import texts


class As(Stateless):
    """The texts themselves."""

    def transform(self, X: np.ndarray) -> np.ndarray:
        return X


class Listens(ClassifierMixin, BaseEstimator):
    """Keeps what it was given."""

    def fit(self, Z: np.ndarray, y: np.ndarray, groups: np.ndarray | None = None) -> Listens:
        self.classes_, self.Z_, self.y_, self.groups_ = np.unique(y), Z, y, groups
        return self


def test_a_copy_of_a_text_has_its_label_and_its_group() -> None:
    data = texts(per_class=4)
    heard = MoreTexts([As()], Listens(), "words swapped", copies=2).fit(data.X, data.y).head_
    source = heard.groups_
    assert heard.Z_[:12].tolist() == data.X.tolist() and source[:12].tolist() == list(range(12))
    made = {(copy_of(text, "words swapped", k), i) for i, text in enumerate(data.X) for k in (0, 1)}
    assert set(zip(heard.Z_[12:], source[12:].tolist(), strict=True)) <= made
    np.testing.assert_array_equal(heard.y_, data.y[source])
    groups = np.arange(12) // 2
    heard = MoreTexts([As()], Listens(), "typos").fit(data.X, data.y, groups=groups).head_
    assert set(heard.groups_) == set(groups)


def test_copies_of_a_text_do_not_choose_the_penalty_for_it() -> None:
    random = np.random.default_rng(0)
    words = [random.integers(0, 400, 30) for _ in range(60)]
    X = np.array([" ".join(f"word{i}" for i in own) for own in words], dtype=object)
    y = np.array([float(own[:3].sum()) for own in words])  # noise, as far as counted words can say
    model = MoreTexts([TfIdf()], RidgeHead(ON_UNIT_VALUES), "typos").fit(X, y)
    assert model.head_.alpha_ > 0.3


def test_a_text_that_cannot_be_changed_gets_no_copy() -> None:
    X = np.array(["yes", "no", "maybe it will be so. Or not at all, who knows"], dtype=object)
    heard = MoreTexts([As()], Listens(), "sentences dropped", copies=9).fit(X, np.array([0, 1, 1])).head_
    assert (heard.Z_ == "yes").sum() == 1 and (heard.groups_ == 2).sum() > 2


def test_with_too_many_texts_each_has_fewer_copies() -> None:
    data = texts(per_class=4)
    chain = MoreTexts([As()], Listens(), "words dropped", copies=5, most=30)
    assert 12 < len(chain.fit(data.X, data.y).head_.y_) <= 24
    assert len(chain.set_params(most=20).fit(data.X, data.y).head_.y_) == 12


def test_without_copies_it_is_the_chain() -> None:
    data = texts()
    chain = Chain([TfIdf()], LogisticHead()).fit(data.X, data.y)
    more = MoreTexts([TfIdf()], LogisticHead(), copies=0).fit(data.X, data.y)
    np.testing.assert_allclose(more.predict_proba(data.X), chain.predict_proba(data.X))


def test_each_candidate_stands_beside_the_same_one_without_copies() -> None:
    data = texts()
    found = {c.name: c for c in propose(data, Settings(families=("augmentation",)))}
    assert set(found) == {"majority", "tfidf logistic", "tfidf logistic, words dropped"}
    base = found["tfidf logistic"]
    more = found["tfidf logistic, words dropped"]
    assert more.base == base.name and more.technique == "augmentation: copies with words left out"
    assert more.spec["params"]["features"] == base.spec["params"]["features"]
    assert more.spec["params"]["head"] == base.spec["params"]["head"]
    ridge = classic.candidates(texts("regression"), Settings())[0]
    assert with_more_texts(ridge, "typos", 100).base == "tfidf ridge"
