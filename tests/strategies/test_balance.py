"""Class weights, and thresholds for the metric."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import skops.io

from handful.data.dataset import Dataset
from handful.scoring import choose_metric, get_metric
from handful.settings import Settings
from handful.strategies import propose
from handful.strategies.balance import THRESHOLD, WEIGHTS, WithThreshold, candidates, notes, worthwhile
from handful.strategies.candidate import scores
from handful.strategies.heads import LogisticHead, SVMHead, sample_weights
from tests.conftest import pictures, table


def rare(n: int, share: float, seed: int, apart: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Two overlapping clouds, the second a rare one."""
    random = np.random.default_rng(seed)
    y = (np.arange(n) < round(share * n)).astype(int)
    return random.normal(size=(n, 4)) + apart * y[:, None], y


def unequal(dataset: Dataset, kept: int = 3) -> Dataset:
    """The data set with few of the second and third class."""
    rows = np.concatenate(
        [np.flatnonzero(dataset.y == 0), *(np.flatnonzero(dataset.y == k)[:kept] for k in (1, 2))]
    )
    X = dataset.X.iloc[rows].reset_index(drop=True) if dataset.modality == "table" else dataset.X[rows]
    meta = dataset.meta.iloc[rows].reset_index(drop=True)
    return replace(dataset, X=X, y=dataset.y[rows], ids=dataset.ids[rows], meta=meta)


@pytest.mark.parametrize("head", [LogisticHead(), SVMHead()], ids=["logistic", "svm"])
@pytest.mark.parametrize(("metric", "least"), [("balanced_accuracy", 0.05), ("f1", 0.0)])
def test_a_threshold_finds_more_of_a_rare_class_where_the_metric_rewards_it(
    head: object, metric: str, least: float
) -> None:
    before, after = [], []
    for seed in range(2):
        X, y = rare(100, 0.1, seed)
        new, truth = rare(1000, 0.1, seed + 100)
        scored = get_metric(metric, "classification", y, np.arange(2))
        before.append(scored.value(truth, scores(head.fit(X, y), new, 2)))  # type: ignore[attr-defined]
        after.append(scored.value(truth, scores(WithThreshold(head, metric).fit(X, y), new, 2)))
    assert np.mean(after) > np.mean(before) + least


def test_costs_move_the_decision_towards_what_is_dear_to_miss() -> None:
    X, y = rare(200, 0.1, 0)
    found = [
        (WithThreshold(LogisticHead(), "cost", ((0.0, 1.0), (dear, 0.0))).fit(X, y).predict(X) == 1).sum()
        for dear in (1.0, 5.0, 50.0)
    ]
    assert found[0] < found[1] < found[2]


def test_the_threshold_is_chosen_on_training_samples_and_stays_near_the_usual_with_few() -> None:
    X, y = rare(60, 0.1, 1)  # six of the rare class tell next to nothing
    model = WithThreshold(LogisticHead()).fit(X, y)
    assert model.strength_ == 1.0
    assert WithThreshold(LogisticHead(), folds=0).fit(X, y).strength_ == 1.0
    np.testing.assert_allclose(model.predict_proba(X).sum(axis=1), 1)
    assert (model.predict(X) == model.classes_[model.predict_proba(X).argmax(axis=1)]).all()


def test_groups_stay_whole_in_the_inner_folds() -> None:
    X, y = rare(80, 0.25, 2)
    groups = np.arange(80) // 2
    seen: list[int] = []

    class Watching(LogisticHead):
        def fit(self, Z: np.ndarray, y: np.ndarray, groups: np.ndarray | None = None) -> LogisticHead:
            assert groups is not None
            seen.append(int((np.bincount(groups, minlength=40) == 1).sum()))
            return super().fit(Z, y, groups)

    WithThreshold(Watching()).fit(X, y, groups)
    assert len(seen) == 4 and not any(seen)


def test_equal_weights_change_nothing_and_unequal_ones_find_more() -> None:
    X, y = rare(120, 0.1, 3)
    assert sample_weights(None, y) is None
    np.testing.assert_allclose(sample_weights("balanced", np.repeat([0, 1], 5)), 1)
    for head in (LogisticHead, SVMHead):
        plain = head().fit(X, y)
        same = head(class_weight={0: 2.0, 1: 2.0}).fit(X, y)
        np.testing.assert_allclose(plain.decision_function(X), same.decision_function(X), atol=1e-6)
        more = head(class_weight="balanced").fit(X, y)
        assert (more.predict(X) == 1).sum() > (plain.predict(X) == 1).sum()


def test_offered_where_the_metric_weighs_classes_otherwise_than_their_numbers_do() -> None:
    even, settings = table("classification"), Settings()
    few = unequal(even)
    assert candidates(even, settings) == [] and candidates(table("regression"), settings) == []
    assert [c.name for c in candidates(few, settings)] == [
        "logistic, weighed",
        "logistic, threshold",
        "svm, threshold",
        "extra trees, threshold",
        "mlp, threshold",
    ]
    for metric in ("accuracy", "log_loss", "roc_auc"):
        assert candidates(few, replace(settings, metric=metric)) == []
    assert candidates(even, replace(settings, metric="cost: setosa>virginica=2"))
    assert not worthwhile(few, choose_metric(few, replace(settings, metric="cost: setosa>virginica=1.5")))


def test_leaving_it_out_is_said_where_the_metric_needs_it() -> None:
    even, few = table("classification"), unequal(table("classification"))
    (told,) = notes(few, Settings(families=("classic",)))
    assert told.severity == "warning" and "balanced accuracy" in told.message
    assert notes(few, Settings()) == notes(even, Settings(families=("classic",))) == []
    assert notes(few, Settings(families=("classic", "balance"))) == []


@pytest.mark.parametrize(
    "dataset", [unequal(table("classification")), unequal(pictures())], ids=["table", "image"]
)
def test_each_stands_beside_its_base_under_one_of_two_techniques(dataset: Dataset) -> None:
    settings = Settings(budget="standard", families=("balance",))
    found = propose(dataset, settings)
    names = {c.name for c in found}
    mine = [c for c in found if c.family == "balance"]
    assert len(mine) > 4 and {c.technique for c in mine} == {WEIGHTS, THRESHOLD}
    assert {c.base for c in mine} <= names and len(names) == len(found)


def test_texts_are_offered_both_on_their_words() -> None:
    even = table("classification")
    texts = replace(even, X=np.array(["some words"] * len(even), dtype=object), modality="text")
    found = candidates(texts, Settings(metric="cost: setosa>virginica=6"))
    counted = {c.name for c in found if str(c.base).startswith("tfidf")}
    assert counted == {
        f"tfidf {name}" for name in ("logistic, weighed", "logistic, threshold", "svm, threshold")
    }


def test_weights_are_those_of_the_costs() -> None:
    found = candidates(table("classification"), Settings(metric="cost: setosa>virginica=6"))
    weighed = next(c for c in found if c.technique == WEIGHTS)
    assert weighed.estimator.head.class_weight == {0: 3.5, 1: 1.0, 2: 1.0}


def test_a_fitted_threshold_is_saved_without_pickle() -> None:
    X, y = rare(80, 0.2, 4)
    for head in (LogisticHead(class_weight={0: 1.0, 1: 3.0}), SVMHead()):
        model = WithThreshold(head, "cost", ((0.0, 1.0), (4.0, 0.0))).fit(X, y)
        stored = skops.io.dumps(model)
        types = skops.io.get_untrusted_types(data=stored)
        assert all(t.startswith(("handful.", "sklearn.", "numpy.", "scipy.")) for t in types)
        again = skops.io.loads(stored, trusted=types)
        np.testing.assert_array_equal(again.predict_proba(X), model.predict_proba(X))
