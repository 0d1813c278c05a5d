from __future__ import annotations

import numpy as np
import pytest

from handful.evidence.calibration import (
    calibrate,
    calibration,
    ece,
    ece_by_chance,
    fit_offsets,
    fit_temperature,
    parts,
    surprise,
    warmed,
)
from handful.scoring import softmax
from tests.evidence.test_selection import made


def honest(n: int, K: int = 3, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Logits `(n, K)`, and labels drawn from just those probabilities."""
    random = np.random.default_rng(seed)
    logits = random.normal(0, 1.5, (n, K))
    return logits, np.array([random.choice(K, p=p) for p in softmax(logits)])


def test_what_spoilt_honest_probabilities_is_undone() -> None:
    logits, y = honest(2000)
    found = [fit_temperature(softmax(logits * spoilt), y) for spoilt in (0.5, 1.0, 2.0, 4.0)]
    assert found[0] == pytest.approx(0.45, abs=0.05)  # with the little doubt that every class gets
    assert found == sorted(found)
    assert surprise(warmed(softmax(logits * 4), found[3]), y) < surprise(softmax(logits), y) + 0.06


def test_no_temperature_changes_who_is_named() -> None:
    random = np.random.default_rng(1)
    scores = np.vstack([random.dirichlet(np.full(4, 0.1), 200), np.eye(4)])
    for temperature in (0.1, 1.0, 20.0):
        after = warmed(scores, temperature)
        np.testing.assert_array_equal(after.argmax(axis=1), scores.argmax(axis=1))
        np.testing.assert_allclose(after.sum(axis=1), 1)


def test_nothing_is_impossible_after_calibration() -> None:
    assert warmed(np.array([[1.0, 0.0]]), 1.0)[0, 1] == pytest.approx(0.03 / 1.06)


def test_too_sure_a_model_becomes_more_honest_on_new_data() -> None:
    logits, y = honest(100, seed=3)
    predictions = made({"sure": softmax(logits * 4)}, y)
    found = calibrate(predictions, predictions.rows[0])
    new, truth = honest(3000, seed=4)
    raw = softmax(new * 4)
    assert found.temperature > 1.5
    assert ece(warmed(raw, found.temperature), truth) < 0.5 * ece(raw, truth)
    told = calibration(found)
    assert told["ece_after"] < told["ece_before"] and told["log_loss_after"] < told["log_loss_before"]
    assert sum(b["n"] for b in told["bins"]) == 100


def test_a_temperature_that_does_not_help_samples_it_has_not_seen_is_not_used() -> None:
    used = []
    for seed in range(40):
        logits, y = honest(40, seed=seed)
        predictions = made({"honest": softmax(logits)}, y)
        found = calibrate(predictions, predictions.rows[0])
        used.append(found.temperature != 1)
        if not used[-1]:
            assert found.method == "none"
        assert surprise(found.after, y, 1 / 42) <= surprise(warmed(softmax(logits), 1.0), y, 1 / 42)
    assert np.mean(used) < 0.6  # honest already: most temperatures are rejected


def rare(n: int, seed: int = 0, share: float = 0.1) -> tuple[np.ndarray, np.ndarray]:
    """Scores `(n, 2)` as if both classes were as frequent, and labels of which a tenth are of class 1."""
    random = np.random.default_rng(seed)
    y = (random.random(n) < share).astype(int)
    odds = 2 * (random.normal(size=n) + 2 * y - 1)  # of two unit normals around -1 and 1
    return softmax(np.stack([np.zeros(n), odds], axis=1)), y


def test_offsets_are_the_odds_by_which_scores_were_moved() -> None:
    scores, y = rare(20_000)
    temperature, offsets = fit_offsets(scores, y)
    assert offsets.sum() == pytest.approx(0, abs=1e-9)
    np.testing.assert_allclose(offsets[1] - offsets[0], np.log(0.1 / 0.9), atol=0.25)
    p = warmed(scores, temperature, offsets)
    for low, high in ((0, 0.05), (0.05, 0.2), (0.2, 0.5), (0.5, 1.01)):
        here = (p[:, 1] >= low) & (p[:, 1] < high)
        assert y[here].mean() == pytest.approx(p[here, 1].mean(), abs=0.04)


@pytest.mark.parametrize("metric", ["balanced_accuracy", "f1"])
def test_of_a_rare_class_named_often_the_probability_is_its_own(metric: str) -> None:
    predictions = made({"moved": rare(300)[0]}, rare(300)[1], metric=metric)
    found = calibrate(predictions, predictions.rows[0])
    scores, y = rare(5000, seed=1)
    p, level = found.probabilities(scores), warmed(scores, found.temperature)
    assert found.method == "temperature and offsets"
    assert p[:, 1].mean() == pytest.approx(0.1, abs=0.03) and level[:, 1].mean() > 0.2
    assert surprise(p, y) < surprise(level, y) - 0.1
    named = scores.argmax(axis=1) == 1
    assert p[named, 1].mean() == pytest.approx(y[named].mean(), abs=0.06)
    assert level[named, 1].mean() > y[named].mean() + 0.15
    assert ece(p, y, named.astype(int)) < 0.03
    assert len(calibration(found)["offsets"]) == 2


def test_where_the_likeliest_class_is_asked_for_no_class_has_an_offset() -> None:
    scores, y = rare(300)
    predictions = made({"moved": scores}, y)
    assert calibrate(predictions, predictions.rows[0]).offsets is None


def test_a_class_without_an_example_gets_no_endless_offset() -> None:
    scores, y = rare(100)
    temperature, offsets = fit_offsets(np.column_stack([scores * 0.9, np.full(100, 0.1)]), y)
    assert np.isfinite(offsets).all() and np.abs(offsets).max() < 10 and temperature > 0


def test_each_sample_is_judged_by_a_temperature_of_the_others() -> None:
    logits, y = honest(200)
    scores = softmax(logits * 3)
    predictions = made({"sure": scores}, y)
    found = calibrate(predictions, predictions.rows[0])
    part = parts(predictions.unit)
    here = part == 4
    np.testing.assert_allclose(
        found.after[here], warmed(scores[here], fit_temperature(scores[~here], y[~here], 1 / 202))
    )


@pytest.mark.parametrize("metric", ["accuracy", "balanced_accuracy"])
@pytest.mark.parametrize("n", [12, 28, 200])
def test_nobody_is_surer_than_so_many_samples_allow(n: int, metric: str) -> None:
    y = np.arange(n) % 2
    sure = np.where(np.eye(2)[y] > 0, 1 - 1e-9, 1e-9)
    predictions = made({"all right": sure}, y, metric=metric)
    found = calibrate(predictions, predictions.rows[0])
    assert found.probabilities(sure).max() == pytest.approx((n + 1) / (n + 2), abs=0.002)
    modest = made({"all right": np.where(np.eye(2)[y] > 0, 0.6, 0.4)}, y, metric=metric)
    found = calibrate(modest, modest.rows[0])
    assert 0.85 < found.after.max() <= (n + 1) / (n + 2) + 0.002


def test_samples_of_one_group_are_in_one_part() -> None:
    unit = np.repeat(np.arange(30), 4)
    part = parts(unit)
    assert all(len(np.unique(part[unit == g])) == 1 for g in range(30))
    assert len(np.unique(part)) == 10


def test_the_calibration_error_is_that_of_the_books() -> None:
    # One bin: all are 80 % sure, half of them are right.
    probabilities = np.tile([0.8, 0.2], (40, 1))
    assert ece(probabilities, np.arange(40) % 2) == pytest.approx(0.3)


def test_chance_shows_a_calibration_error_where_there_is_none() -> None:
    probabilities = softmax(honest(100)[0])
    shown = [ece(probabilities, honest(100, seed=0)[1])]
    random = np.random.default_rng(5)
    for _ in range(200):
        shown.append(ece(probabilities, np.array([random.choice(3, p=p) for p in probabilities])))
    assert ece_by_chance(probabilities.max(axis=1)) == pytest.approx(np.mean(shown), abs=0.01)


def test_a_number_has_no_probabilities() -> None:
    y = np.linspace(0, 1, 50)
    predictions = made({"line": y + 0.1}, y, metric="r2")
    assert calibrate(predictions, predictions.rows[0]) is None
