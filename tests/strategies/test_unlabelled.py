"""Labels are lent to unlabelled samples inside fit, help where they can, and nothing is chosen on them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

from handful.model.save import TRUSTED
from handful.settings import Settings
from handful.strategies import propose
from handful.strategies.chain import Chain, learns_from_unlabelled
from handful.strategies.heads import LogisticHead, SVMHead
from handful.strategies.unlabelled import (
    SELF_TRAINING,
    SPREADING,
    WithUnlabelled,
    candidates,
    neighbour_graph,
    notes,
    spread,
)
from handful.strategies.warm import warm
from tests.conftest import more_without_labels, pictures, table

WAYS = [SELF_TRAINING, SPREADING]


def two_moons(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Two half circles around each other."""
    random = np.random.default_rng(seed)
    y = np.arange(n) % 2
    angle = np.pi * random.random(n)
    moon = np.column_stack([np.cos(angle), np.sin(angle)])
    moon[y == 1] = [1, 0.4] - moon[y == 1]
    return moon + 0.05 * random.standard_normal((n, 2)), y


def test_labels_follow_the_shape_of_the_data_where_few_labels_do_not_show_it() -> None:
    X, y = two_moons(400, 0)
    few = np.array([0, 1, 2, 3, 4, 5])
    plain = LogisticHead().fit(X[few], y[few])
    graph = neighbour_graph(X, 5)
    marked = np.full(len(X), -1)
    marked[few] = y[few]
    shares = spread(graph, marked, 0.9, 2)
    assert (shares.argmax(axis=1) == y).mean() > 0.98 > (plain.predict(X) == y).mean() + 0.05
    np.testing.assert_allclose(shares.sum(axis=1), 1)


def test_a_label_reaches_only_what_is_connected_with_it() -> None:
    X = np.concatenate([np.linspace(0, 1, 20), np.linspace(9, 10, 20)])[:, None]
    marked = np.full(40, -1)
    marked[0] = 2
    shares = spread(neighbour_graph(X, 3), marked, 0.9, 4)
    assert (shares[:20].argmax(axis=1) == 2).all() and (shares[20:] == 0).all()
    graph = neighbour_graph(X, 3).toarray()
    np.testing.assert_allclose(graph, graph.T)


def test_digits_are_told_apart_better_with_a_thousand_unlabelled_ones() -> None:
    X, y = load_digits(return_X_y=True)
    random = np.random.default_rng(2000)
    rows = np.concatenate([random.permutation(np.flatnonzero(y == k))[:5] for k in range(10)])
    rest = random.permutation(np.setdiff1d(np.arange(len(y)), rows))
    U, test = X[rest[:1000]] / 16, rest[1000:]
    head = SVMHead()
    alone = head.fit(X[rows] / 16, y[rows]).predict(X[test] / 16) == y[test]
    fitted = WithUnlabelled(head).fit(X[rows] / 16, y[rows], unlabelled=U)
    assert (fitted.predict(X[test] / 16) == y[test]).mean() > alone.mean() + 0.03
    assert fitted.given_ == 1000
    p = fitted.predict_proba(X[test] / 16)
    np.testing.assert_allclose(p.sum(axis=1), 1)
    surprise = -np.log(p[np.arange(len(test)), y[test]]).mean()
    assert 0.05 < surprise < 0.8  # neither timid nor too sure of itself


@pytest.mark.parametrize("way", WAYS)
def test_without_unlabelled_samples_it_is_the_head_alone(way: str) -> None:
    X, y = two_moons(60, 1)
    labels = np.array(["left", "right"])[y]
    alone = LogisticHead().fit(X, y)
    fitted = WithUnlabelled(LogisticHead(), way).fit(X, labels)
    np.testing.assert_array_equal(fitted.predict_proba(X), alone.predict_proba(X))
    assert fitted.given_ == 0 and set(fitted.predict(X)) == {"left", "right"}


@pytest.mark.parametrize("way", WAYS)
def test_a_prediction_does_not_depend_on_what_else_is_predicted(way: str) -> None:
    X, y = two_moons(300, 2)
    fitted = WithUnlabelled(SVMHead(), way).fit(X[:20], y[:20], unlabelled=X[20:200])
    together = fitted.predict_proba(X[200:])
    np.testing.assert_allclose(fitted.predict_proba(X[200:201]), together[:1], rtol=1e-9)


@pytest.mark.parametrize("way", WAYS)
def test_one_example_a_class_and_constant_columns_are_enough(way: str) -> None:
    Z = np.zeros((2, 1))
    fitted = WithUnlabelled(LogisticHead(), way).fit(Z, np.array([5, 9]), unlabelled=np.zeros((4, 1)))
    assert np.isfinite(fitted.predict_proba(Z)).all()


def test_offered_only_for_classes_and_where_there_is_unlabelled_data() -> None:
    for dataset in (table("classification"), pictures(per_class=2)):
        assert not candidates(dataset, Settings(budget="thorough"))
    assert not candidates(more_without_labels(table("regression")), Settings(budget="thorough"))
    names = {
        (kind, budget): [c.name for c in candidates(more_without_labels(data), Settings(budget=budget))]
        for kind, data in (("table", table("classification")), ("image", pictures(per_class=2)))
        for budget in ("quick", "standard")
    }
    assert names["table", "quick"] == ["svm, label spreading", "logistic, self-training"]
    assert names["image", "standard"] == [
        "thumbnail svm, label spreading",
        "lite0 block6 svm, label spreading",
        "lite0 block6 logistic, self-training",
        "hog svm, label spreading",
    ]


def test_each_has_its_base_in_the_run_also_where_other_families_are_not_tried() -> None:
    dataset = more_without_labels(pictures(per_class=2))
    found = {c.name: c for c in propose(dataset, Settings(families=("unlabelled", "augmentation")))}
    mine = [c for c in found.values() if c.family == "unlabelled"]
    assert len(mine) == 3
    for candidate in mine:
        base = found[candidate.base]
        assert candidate.technique.startswith("unlabelled data: ") and candidate.deep == base.deep
        assert candidate.estimator.head.head.get_params() == base.estimator.head.get_params()


def test_the_audit_says_who_learns_from_it_or_that_nobody_does() -> None:
    dataset = more_without_labels(table("classification"))
    (told,) = notes(dataset, propose(dataset, Settings()))
    assert "60 rows without labels are learned from by 2 of" in told.message
    (told,) = notes(dataset, propose(dataset, Settings(families=("classic",))))
    assert told.severity == "warning" and "not used" in told.message
    assert not notes(table("classification"), [])


def test_who_learns_from_unlabelled_data_can_be_asked() -> None:
    assert not learns_from_unlabelled(Chain([], LogisticHead()))
    assert learns_from_unlabelled(Chain([], WithUnlabelled(LogisticHead())))


def test_unlabelled_pictures_are_embedded_once_before_the_cells() -> None:
    dataset = more_without_labels(pictures(per_class=2))
    heard: list[tuple[str, int]] = []
    some = [c for c in propose(dataset, Settings(jobs=1)) if c.name.startswith("thumbnail svm")]
    few = replace(dataset, unlabelled=dataset.unlabelled[:5])
    warm(few, some, Settings(jobs=1), lambda what, done, total: heard.append((what, total)))
    step = some[0].estimator.features[0]
    assert not len(step.missing(few.X)) and not len(step.missing(few.unlabelled))


@pytest.mark.parametrize("way", WAYS)
def test_saved_without_pickle_it_predicts_the_same(way: str, tmp_path: Path) -> None:
    import skops.io

    X, y = two_moons(100, 3)
    fitted = WithUnlabelled(LogisticHead(), way).fit(X[:20], y[:20], unlabelled=X[20:])
    skops.io.dump(fitted, tmp_path / "it.skops")
    types = skops.io.get_untrusted_types(file=tmp_path / "it.skops")
    assert all(t.startswith(TRUSTED) for t in types), types
    again = skops.io.load(tmp_path / "it.skops", trusted=types)
    np.testing.assert_array_equal(again.predict_proba(X), fitted.predict_proba(X))
