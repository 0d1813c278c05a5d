from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict, train_test_split
from sklearn.naive_bayes import GaussianNB

from handful.evidence.calibration import calibrate, warmed
from handful.evidence.conformal import (
    bound,
    conformal,
    in_words,
    reach_of,
    set_threshold,
    sets,
    unknown,
)
from handful.evidence.predictions import Predictions
from tests.evidence.test_selection import made, right

CLASSES = np.array(["cat", "dog", "fox", "owl"])


def test_the_bound_is_the_quantile_of_n_and_one_more() -> None:
    # Of 20 exchangeable values the last lies above the 18th of the other 19 with probability 2/20.
    assert bound(np.arange(1.0, 20.0), 19) == 18
    assert bound(np.arange(1.0, 10.0), 9) == 9
    assert bound(np.arange(1.0, 6.0), 5) == 5


def test_few_groups_give_a_wider_bound_than_as_many_samples() -> None:
    values = np.arange(200.0)
    assert bound(values, 20) > bound(values, 200)


def test_sets_are_said_as_a_person_would() -> None:
    probabilities = np.array(
        [[0.9, 0.05, 0.03, 0.02], [0.3, 0.6, 0.06, 0.04], [0.2, 0.35, 0.4, 0.05], [0.28, 0.24, 0.24, 0.24]]
    )
    assert in_words(probabilities, 0.8, CLASSES) == [
        "cat",
        "dog or cat",
        "fox, dog or cat",
        "I do not know",
    ]


def test_more_than_five_classes_are_no_answer() -> None:
    possible = np.zeros((2, 8), dtype=bool)
    possible[0, :5], possible[1, :6] = True, True
    assert unknown(possible).tolist() == [False, True]


def test_the_likeliest_class_is_always_possible() -> None:
    probabilities = np.random.default_rng(0).dirichlet(np.ones(4), 100)
    possible = sets(probabilities, 0.0)
    assert possible.sum(axis=1).tolist() == [1] * 100
    assert possible[np.arange(100), probabilities.argmax(axis=1)].all()


def test_a_model_that_is_right_often_enough_names_one_class() -> None:
    y = np.arange(100) % 2
    predictions = made({"good": right(y, np.arange(100) % 20 != 0)}, y)
    told = conformal(predictions, predictions.rows[0], 1.0)
    assert told["share_single"] == 1 and told["covered"] == pytest.approx(0.95)


def test_a_model_that_knows_nothing_says_so() -> None:
    random = np.random.default_rng(0)
    y = random.integers(0, 2, 200)
    predictions = made({"coin": random.dirichlet([5, 5], 200)}, y)
    told = conformal(predictions, predictions.rows[0], 1.0)
    assert told["share_unknown"] > 0.7 and told["covered"] > 0.86
    assert told["often"] == []


def test_with_fewer_than_nine_samples_everything_is_possible() -> None:
    y = np.arange(8) % 2
    predictions = made({"good": right(y, y >= 0)}, y)
    assert set_threshold(predictions, predictions.rows[0], 1.0) == 1.0


@pytest.mark.parametrize(
    ("data", "model", "n"), [(load_breast_cancer, GaussianNB(), 50), (load_digits, LogisticRegression(), 80)]
)
def test_sets_hold_the_truth_of_new_data_nine_times_out_of_ten(data, model, n) -> None:  # type: ignore[no-untyped-def]
    X, y = data(return_X_y=True)
    X, y = (X / X.max(axis=0).clip(1e-9))[:1500], y[:1500]
    covered, accuracy = [], []
    for seed in range(15):
        rows = np.arange(len(y))
        known, new = train_test_split(rows, train_size=n, stratify=y, random_state=seed)
        oof = cross_val_predict(model, X[known], y[known], cv=5, method="predict_proba")
        predictions = made({"model": oof}, y[known])
        row = predictions.rows[0]
        temperature = calibrate(predictions, row).temperature
        scores = model.fit(X[known], y[known]).predict_proba(X[new])
        possible = sets(warmed(scores, temperature), set_threshold(predictions, row, temperature))
        covered.append((possible[np.arange(len(new)), y[new]] | unknown(possible)).mean())
        accuracy.append((scores.argmax(axis=1) == y[new]).mean())
    assert 0.87 < np.mean(covered) < max(0.94, np.mean(accuracy) + 0.02)


def test_told_coverage_comes_from_thresholds_of_other_samples() -> None:
    y = np.arange(100) % 2
    probabilities = np.where(np.arange(100)[:, None] < 12, [[0.4, 0.6]], [[0.9, 0.1]])
    probabilities = np.where(y[:, None] == 0, probabilities, probabilities[:, ::-1])
    told = conformal(*(lambda p: (p, p.rows[0]))(made({"model": probabilities}, y)), 1.0)
    assert told["covered"] == 1.0 and told["share_unknown"] == pytest.approx(0.12)


def test_intervals_hold_nine_of_ten_new_values_and_use_absolute_errors() -> None:
    random = np.random.default_rng(2)
    said = random.normal(size=199)
    errors = np.arange(1.0, 200.0) * np.where(np.arange(199) % 3, 1, -1)
    predictions = made({"model": said}, said + errors, metric="r2")
    assert reach_of(predictions, predictions.rows[0])(np.array([-9.0, 9.0])) == pytest.approx([180, 180])
    told = conformal(predictions, predictions.rows[0], None)
    assert told["width"] == pytest.approx(360) and told["covered"] == pytest.approx(0.9, abs=0.02)


def test_every_repeat_counts_but_only_as_much_as_its_samples() -> None:
    y = np.linspace(0, 1, 50)
    predictions = made({"model": y + np.linspace(-1, 1, 50)}, y, metric="r2")
    row = predictions.rows[0]
    once = reach_of(predictions, row)
    row.oof = np.repeat(row.oof, 3, axis=0)
    assert reach_of(predictions, row) == once


def _of_growing_errors(n: int, seed: int = 0) -> Predictions:
    random = np.random.default_rng(seed)
    said = random.uniform(10, 100, n)
    return made({"model": said}, said * (1 + random.normal(0, 0.1, n)), metric="r2")


def test_intervals_grow_with_the_prediction_where_errors_do() -> None:
    predictions = _of_growing_errors(400)
    reach = reach_of(predictions, predictions.rows[0])
    small, large = reach(np.array([15.0, 95.0]))
    assert small == pytest.approx(0.1 * 1.645 * 15, rel=0.5) and large == pytest.approx(15.6, rel=0.2)
    told = conformal(predictions, predictions.rows[0], None)
    assert told["grows"] and told["half_width_large"] > 3 * told["half_width_small"]
    assert [line["covered"] for line in told["thirds"]] == pytest.approx([0.9] * 3, abs=0.06)


def test_intervals_that_grow_hold_nine_of_ten_new_values() -> None:
    covered = []
    for seed in range(40):
        predictions, new = _of_growing_errors(60, seed), _of_growing_errors(500, 1000 + seed)
        said = new.rows[0].oof[0]
        covered.append(np.mean(np.abs(new.y - said) <= reach_of(predictions, predictions.rows[0])(said)))
    assert np.mean(covered) == pytest.approx(0.9, abs=0.015)


def test_each_level_is_examined_on_samples_that_it_was_not_found_on() -> None:
    told = conformal(*(lambda p: (p, p.rows[0]))(_of_growing_errors(400)), None)
    assert [line["covered"] for line in told["levels"]] == pytest.approx([0.5, 0.8, 0.9, 0.95], abs=0.05)
    assert told["half_off"] == pytest.approx(0.1 * 0.6745 * 55, rel=0.25)


def test_the_baseline_has_intervals_of_one_width() -> None:
    y = np.random.default_rng(3).exponential(size=100)
    said = np.repeat([[1.0], [1.1], [0.9], [1.2], [0.8]], 20)
    predictions = made({"baseline": said}, y, metric="r2")
    assert reach_of(predictions, predictions.rows[0]).slope == 0


def test_perfect_predictions_have_intervals_of_no_width() -> None:
    y = np.arange(50.0)
    predictions = made({"model": y}, y, metric="r2")
    assert reach_of(predictions, predictions.rows[0])(y).tolist() == [0] * 50
