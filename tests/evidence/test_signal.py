from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC

from handful.data.dataset import Dataset
from handful.evidence.predictions import Predictions, tabulate
from handful.evidence.signal import Signal, signal
from handful.protocol.evaluate import fit_and_predict
from handful.protocol.run import Cell
from handful.protocol.splits import compare_splits
from handful.scoring import get_metric
from handful.settings import Settings
from handful.strategies import propose
from tests.evidence.drawn import constant, held_out, right


def judged(predictions: Predictions) -> Signal:
    gain = predictions.metric.gain
    best = max(predictions.sound, key=lambda r: float(gain(predictions.score(r)[0])))
    return signal(predictions, best)


def test_the_best_of_twenty_coin_flips_has_learned_nothing() -> None:
    found = 0
    for seed in range(100):
        random = np.random.default_rng(seed)
        y = random.integers(0, 2, 60)
        oofs = {f"coin {i}": right(y, random.random(60) < 0.5) for i in range(20)}
        found += judged(held_out({"baseline": constant(y), **oofs}, y)).found
    assert found <= 5


def test_twenty_points_above_chance_are_seen_at_a_hundred_examples() -> None:
    missed = 0
    for seed in range(60):
        random = np.random.default_rng(seed)
        y = random.permutation(np.arange(100) % 2)
        skill = {"baseline": 0.5, **{f"model {i}": 0.7 for i in range(6)}}
        oofs = {k: right(y, random.random(100) < p) for k, p in skill.items()}
        missed += not judged(held_out(oofs, y)).found
    assert missed <= 3


@pytest.mark.parametrize("metric", ["accuracy", "balanced_accuracy", "log_loss", "roc_auc", "f1"])
def test_every_metric_tells_learning_from_noise(metric: str) -> None:
    random = np.random.default_rng(0)
    y = random.integers(0, 3, 150)
    flat = np.full((150, 3), 1 / 3)
    sees = 0.2 * random.dirichlet(np.ones(3), 150) + 0.5 * np.eye(3)[y] + 0.1
    blind = flat + 0.01 * random.normal(size=(150, 3))
    assert judged(held_out({"baseline": flat, "model": sees}, y, metric=metric)).found
    assert not judged(held_out({"baseline": flat, "model": blind}, y, metric=metric)).found


@pytest.mark.parametrize("metric", ["r2", "rmse", "mae"])
def test_so_do_those_of_values(metric: str) -> None:
    random = np.random.default_rng(0)
    y = random.normal(size=100)
    mean, noise = np.zeros(100), random.normal(size=100)
    assert judged(held_out({"baseline": mean, "model": 0.5 * y + 0.2 * noise}, y, metric=metric)).found
    assert not judged(held_out({"baseline": mean, "model": 0.1 * noise}, y, metric=metric)).found


@pytest.mark.parametrize("metric", ["r2", "rmse", "mae"])
@pytest.mark.parametrize(("unit", "start"), [(1e-12, 5e-12), (2e-7, 0.0), (1e12, 1e12)])
def test_what_is_found_does_not_depend_on_the_unit(metric: str, unit: float, start: float) -> None:
    random = np.random.default_rng(0)
    y = random.normal(size=100)
    oofs = {"baseline": np.zeros(100), "model": 0.5 * y + 0.2 * random.normal(size=100)}
    plain = judged(held_out(oofs, y, metric=metric))
    moved = {name: start + unit * values for name, values in oofs.items()}
    other = judged(held_out(moved, start + unit * y, metric=metric))
    assert other.found and (other.lead, other.reach) == pytest.approx((plain.lead, plain.reach))


def test_a_model_that_knows_something_but_not_more_than_the_baseline_has_learned_nothing() -> None:
    y = (np.arange(200) < 20).astype(int)  # nine of ten are of class 0
    said = y.copy()
    said[np.arange(200) % 6 == 1] ^= 1  # wrong for one in six: related to the truth, yet worse than "0"
    found = signal(
        predictions := held_out({"baseline": constant(y), "model": np.eye(2)[said]}, y),
        predictions.row("model"),
    )
    assert found.lead > found.reach and found.gain < 0 and not found.found


def test_few_groups_that_are_right_together_are_not_evidence() -> None:
    y = np.arange(120) // 60
    unit = np.arange(120) // 20  # six groups
    correct = unit != 4
    oofs = {"baseline": constant(y), "model": right(y, correct)}
    assert judged(held_out(oofs, y)).found
    assert not judged(held_out(oofs, y, unit=unit)).found


def test_the_baseline_alone_has_learned_nothing() -> None:
    y = np.arange(40) % 2
    predictions = held_out({"baseline": constant(y)}, y)
    assert signal(predictions, predictions.rows[0]) == Signal(False, 0.0, 0.0, 0.0)


def learned_from(X: np.ndarray, y: np.ndarray, seed: int) -> bool:
    """Whether four real models, fitted on real folds, are said to have learned something."""
    models = [
        ("logistic", LogisticRegression(C=0.1)),
        ("bayes", GaussianNB()),
        ("neighbours", KNeighborsClassifier(5)),
        ("svm", SVC()),
    ]
    frame, n = pd.DataFrame(X), len(y)
    meta = pd.DataFrame(index=range(n))
    dataset = Dataset(frame, y, np.arange(n).astype(str), meta, "classification", "table", np.unique(y))
    settings = Settings(families=("yours",), seed=seed)
    cells = [
        Cell(candidate, split)
        for split in compare_splits(dataset, settings)
        for candidate in propose(dataset, settings, models)
    ]
    K = len(np.unique(y))
    metric = get_metric("accuracy", "classification", y, np.unique(y))
    found = [(cell, fit_and_predict(cell.candidate, cell.split, dataset, K)) for cell in cells]
    return judged(tabulate(dataset, metric, found)).found


def test_models_fitted_on_noise_have_learned_nothing_and_on_truth_something() -> None:
    # In little what benchmarks/nothing_to_learn.py does with twelve candidates and hundreds of draws.
    noise, truth = [], []
    for seed in range(10):
        random = np.random.default_rng(seed)
        y, X = random.integers(0, 2, 60), random.normal(size=(60, 8))
        noise.append(learned_from(X, y, seed))
        truth.append(learned_from(X + np.eye(2, 8)[y] * 1.8, y, seed))  # about nine of ten are right
    assert sum(noise) <= 1
    assert sum(truth) >= 9
