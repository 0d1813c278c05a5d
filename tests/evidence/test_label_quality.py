from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import cross_val_predict
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from handful.evidence.ensemble import add_average, select
from handful.evidence.label_quality import blind, judges_of, odd_labels, odd_values, suspicion
from tests.evidence.test_selection import made, right


def out_of_fold(X: np.ndarray, y: np.ndarray) -> list[np.ndarray]:
    """Three models' out-of-fold probabilities."""
    models = [LogisticRegression(C=0.1), LinearDiscriminantAnalysis(), KNeighborsClassifier(7)]
    return [
        cross_val_predict(make_pipeline(StandardScaler(), m), X, y, cv=5, method="predict_proba")
        for m in models
    ]


@pytest.fixture(scope="module")
def flipped() -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    """Given labels, true labels, and scores: breast_cancer with 5 % of its labels changed."""
    X, y = load_breast_cancer(return_X_y=True)
    given = y.copy()
    rows = np.random.default_rng(7).choice(len(y), 28, replace=False)
    given[rows] = 1 - given[rows]
    return given, y, out_of_fold(X, given)


def test_what_decides_for_a_rare_class_judges_labels_without_that() -> None:
    y = (np.arange(60) % 6 == 0).astype(int)
    scores = {"baseline": np.eye(2)[0 * y], "plain": np.eye(2)[y], "moved": np.eye(2)[1 - y]}
    predictions = made(scores, y)
    moved = predictions.row("moved")
    moved.family, moved.base = "balance", "plain"
    assert [r.name for r in judges_of(predictions, moved)] == ["plain"]


def test_of_flipped_labels_most_are_flagged_and_most_flagged_are_flipped(flipped) -> None:  # type: ignore[no-untyped-def]
    given, true, scores = flipped
    order, suggested, posterior = odd_labels(scores, given)
    wrong = given != true
    assert wrong[order].mean() >= 0.5
    assert wrong[order].sum() >= 0.6 * wrong.sum()
    assert (suggested != given[order]).all()
    assert (np.diff(posterior) <= 0).all() and posterior.min() > 0.5


def test_hardly_any_label_of_clean_data_is_flagged() -> None:
    X, y = load_breast_cancer(return_X_y=True)
    assert len(odd_labels(out_of_fold(X, y), y)[0]) <= 0.01 * len(y)


def test_the_posterior_is_the_share_of_blind_labels_whatever_the_sharpness_of_the_scores() -> None:
    n, K = 2000, 5
    said, true = [], []
    for seed in range(6):
        random = np.random.default_rng(seed)
        p = random.dirichlet(np.full(K, 0.2), n)
        y = (p.cumsum(axis=1) < random.random(n)[:, None]).sum(axis=1).clip(max=K - 1)
        is_blind = random.random(n) < 0.1
        y[is_blind] = random.integers(0, K, is_blind.sum())
        too_flat = np.sqrt(p) / np.sqrt(p).sum(axis=1, keepdims=True)
        _, posterior = blind(too_flat, y)
        first = np.argsort(-posterior)[:200]
        said.append([posterior.mean(), posterior[first].mean()])
        true.append([is_blind.mean(), is_blind[first].mean()])
    assert np.mean(said, axis=0) == pytest.approx(np.mean(true, axis=0), rel=0.1)


def test_coin_flips_flag_nothing() -> None:
    random = np.random.default_rng(0)
    for _ in range(20):
        y = random.integers(0, 2, 60)
        p = random.uniform(0.2, 0.8, 60)
        assert len(odd_labels([np.column_stack([p, 1 - p])], y)[0]) == 0


def test_a_class_that_was_not_learned_is_not_flagged_as_a_whole() -> None:
    y = np.r_[np.zeros(95, dtype=int), np.ones(5, dtype=int)]
    scores = np.tile([0.999, 0.001], (100, 1))
    assert len(odd_labels([scores], y)[0]) == 0


def test_the_judges_are_the_members_of_the_average() -> None:
    y, i = np.arange(100) % 2, np.arange(100)
    oofs = {
        "baseline": right(y, i % 2 == 0),
        "good": right(y, i % 10 != 0),
        "also good": right(y, i % 10 != 5),
        "poor": right(y, i % 10 < 6),
    }
    predictions = made(oofs, y)
    assert [r.name for r in judges_of(predictions, predictions.row("poor"))] == ["poor"]
    averaged = add_average(predictions)
    assert [r.name for r in judges_of(averaged, select(averaged))] == ["good", "also good"]


def test_nothing_is_said_where_nothing_was_learned_or_examples_are_few() -> None:
    y = np.arange(40) % 2
    predictions = made({"baseline": right(y, y == 0)}, y)
    assert "nothing was learned" in str(suspicion(predictions, predictions.row("baseline")))
    few = made({"baseline": right(y[:12], y[:12] == 0), "it": right(y[:12], y[:12] < 2)}, y[:12])
    assert "fewer than 20" in str(suspicion(few, few.row("it")))


def test_values_ten_times_too_large_are_flagged_with_what_is_expected() -> None:
    X, y = load_diabetes(return_X_y=True)
    rows = np.random.default_rng(0).choice(len(y), 9, replace=False)
    given = y.copy()
    given[rows] *= 10
    predicted = cross_val_predict(Ridge(1.0), X, y, cv=5)
    order, suggested, off = odd_values(predicted, given)
    assert set(rows) <= set(order) and len(order) <= 11
    assert suggested == pytest.approx(predicted[order])
    assert off[0] == off.max() and off.min() > 5
    assert len(odd_values(predicted, y)[0]) <= 2


def test_large_values_may_err_more() -> None:
    random = np.random.default_rng(0)
    predicted = np.exp(random.normal(0, 1.5, 600))
    y = predicted * (1 + 0.2 * random.normal(size=600))
    assert len(odd_values(predicted, y)[0]) <= 6
    y[300] = predicted[300] * 4
    assert 300 in odd_values(predicted, y)[0]


def test_exact_predictions_flag_nothing() -> None:
    assert len(odd_values(np.arange(50.0), np.arange(50.0))[0]) == 0


def test_values_are_judged_by_the_mean_where_nothing_else_was_learned() -> None:
    y = np.random.default_rng(0).normal(size=60)
    y[7] = 50
    predictions = made({"baseline": np.zeros(60)}, y, metric="r2")
    found = suspicion(predictions, predictions.row("baseline"))
    assert not isinstance(found, str) and found.flagged.tolist() == [7] and found.judged == 60
