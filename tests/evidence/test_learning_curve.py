from __future__ import annotations

import json
import time
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.naive_bayes import GaussianNB

from handful.data.dataset import Dataset
from handful.evidence import laws
from handful.evidence import learning_curve as lc
from handful.evidence.bootstrap import draw
from handful.evidence.ensemble import add_average
from handful.evidence.predictions import Predictions, Row, tabulate
from handful.evidence.selection import Interval, expected, refit_gain
from handful.protocol.evaluate import fit_and_predict
from handful.protocol.plan import curve_cells
from handful.protocol.run import Cell
from handful.protocol.splits import Split, compare_splits
from handful.scoring import get_metric
from handful.settings import Settings
from handful.strategies import propose
from tests.evidence.test_selection import made, right

ACCURACY = get_metric("accuracy", "classification", np.array([0, 1]), np.arange(2))
RMSE = get_metric("rmse", "regression", np.zeros(2), None)
SIZES = np.array([10.0, 20, 40, 60, 80])


def on_law(a: float, b: float, c: float, noise: float = 0.001, sizes: np.ndarray = SIZES) -> laws.Points:
    """Points on a - b m^-c, with bootstrap draws that differ by `noise` from point to point."""
    scores = a - b * sizes**-c
    draws = scores[:, None] + np.random.default_rng(0).normal(0, noise, (len(sizes), 200))
    return laws.Points(sizes, scores, draws)


def curve_of(seen: laws.Points, metric=ACCURACY, baseline: float = 0.5, error: float = 0.0) -> lc.Curve:
    family = laws.laws(seen, metric, baseline, 100)
    level = float(metric.gain(seen.scores[-1])) - family.mean_gain(float(seen.sizes[-1]))
    return lc.Curve(Row("one", "one", "classic", 1), ["chosen"], seen, family, metric, level, error, None)


def correct_for(sizes_and_rates: dict[int, float], n: int = 1000) -> tuple[Predictions, list[Predictions]]:
    """Predictions that are right at these rates when so many per cent of the training parts are used."""
    y = np.arange(n) % 2
    ease = np.random.default_rng(1).permutation(n) / n  # hard examples are wrong first
    parts = {}
    for share, rate in sizes_and_rates.items():
        part = made({"baseline": right(y, y == 0), "only": right(y, ease < rate)}, y)
        part.splits = [
            Split(s.repeat, s.fold, s.train[: len(s.train) * share // 100], s.test, s.seed)
            for s in part.splits
        ]
        if share < 100:
            part.rows = part.rows[1:]
        parts[share] = part
    return parts.pop(100), list(parts.values())


def curves_of(sizes_and_rates: dict[int, float], n: int = 1000) -> list[lc.Curve]:
    predictions, thinned = correct_for(sizes_and_rates, n)
    bootstrap = draw(predictions.unit, predictions.covered)
    told = expected(predictions, bootstrap, thinned)
    return lc.curves(predictions, thinned, bootstrap, told)


@pytest.mark.parametrize("c", [0.2, 0.5, 1.0])
def test_a_curve_without_noise_goes_on_about_as_it_went(c: float) -> None:
    a, b = 0.9, 0.25 * 10**c
    curve = curve_of(on_law(a, b, c))
    for m in (150, 200, 400):
        score, gain = curve.forecast(m)
        assert score.value == pytest.approx(a - b * m**-c, abs=0.025)
        assert gain.low <= gain.value <= gain.high


def test_where_the_points_say_nothing_the_usual_gain_is_told() -> None:
    curve = curve_of(on_law(0.8, 0.0, 0.5, noise=0.5))
    usual = laws.USUAL_STEP * (0.8 - 0.5) * (1 - 0.8)
    assert curve.forecast(200)[1].value == pytest.approx(usual, rel=0.25)


def test_a_flat_curve_with_little_noise_is_told_as_flat() -> None:
    curve = curve_of(on_law(0.8, 0.0, 0.5))
    usual = laws.USUAL_STEP * (0.8 - 0.5) * (1 - 0.8)
    assert curve.forecast(200)[1].value < 0.5 * usual


def test_nothing_exceeds_perfection() -> None:
    curve = curve_of(on_law(0.995, 0.5, 0.8), error=0.02)
    score, _ = curve.forecast(400)
    assert score.value <= 1 and score.high <= 1


def test_an_error_metric_falls_and_its_gain_is_positive() -> None:
    sizes = SIZES
    scores = 20 + 60 * sizes**-0.5  # an error that shrinks
    draws = scores[:, None] + np.random.default_rng(0).normal(0, 0.05, (5, 200))
    curve = curve_of(laws.Points(sizes, scores, draws), RMSE, baseline=45.0)
    score, gain = curve.forecast(200)
    assert score.value == pytest.approx(20 + 60 * 200**-0.5, abs=1.0)
    assert score.low <= score.value <= score.high and gain.value > 0
    assert score.value < RMSE.gain(curve.level)


def test_a_target_is_reached_needed_or_beyond() -> None:
    a, c = 0.9, 0.5
    curve = curve_of(on_law(a, 0.25 * 10**c, c), error=0.005)
    at = lambda m: a - 0.25 * 10**c * m**-c  # noqa: E731
    assert lc.labels_needed(curve, 0.7)["status"] == "reached"
    needed = lc.labels_needed(curve, at(200))
    assert needed["status"] == "needed" and needed["low"] < 100 < needed["high"]
    assert needed["more"] == pytest.approx(100, abs=25)
    far = lc.labels_needed(curve, 0.97)
    assert far["status"] == "beyond" and far["more"] is None


def test_next_targets_are_round_and_ahead() -> None:
    curve = curve_of(on_law(0.87, 0.0, 0.5))
    assert lc.next_targets(curve) == [0.9, 0.95]


def test_a_rising_curve_is_told_with_a_band_around_the_score_to_expect() -> None:
    curve = curves_of({12: 0.6, 25: 0.68, 50: 0.75, 75: 0.78, 100: 0.8})[0]
    assert curve.doubt is None and curve.roles == ["chosen", "traditional"]
    now, ahead = curve.forecast(1000)[0], curve.forecast(2000)[0]
    assert now.value == pytest.approx(0.805, abs=0.02)
    assert 0.82 < ahead.value < 0.86 and ahead.low < ahead.value < ahead.high


def test_one_cannot_tell_where_nothing_is_better_than_guessing() -> None:
    curve = curves_of({25: 0.49, 50: 0.5, 75: 0.51, 100: 0.505}, n=200)[0]
    assert "guessing" in str(curve.doubt)


def test_one_cannot_tell_where_the_curve_falls() -> None:
    curve = curves_of({25: 0.7, 50: 0.85, 75: 0.8, 100: 0.7})[0]
    assert "falls" in str(curve.doubt)
    assert lc.labels_needed(curve, 0.95)["status"] == "cannot tell"


def test_one_cannot_tell_from_two_points() -> None:
    curve = curves_of({75: 0.75, 100: 0.8})[0]
    assert "2 points only" in str(curve.doubt)


def test_the_curve_of_an_average_is_that_of_its_members_probabilities() -> None:
    y = np.arange(100) % 2
    i = np.arange(100)
    sure, unsure = right(y, i % 10 != 0), right(y, i % 10 != 5) * 0.2 + 0.4
    parts = [made({"baseline": right(y, y == 0), "a": sure, "b": unsure}, y) for _ in range(2)]
    parts[0].splits = [Split(s.repeat, s.fold, s.train[:40], s.test, s.seed) for s in parts[0].splits]
    average = Row("average", "average", "ensemble", 2, oof=sure[None], members=["a", "b"])
    parts[1].rows.append(average)
    seen = laws.points(parts[1], parts[:1], average, draw(parts[1].unit, parts[1].covered))
    assert seen.sizes.tolist() == [40, 80]
    assert seen.scores.tolist() == [0.9, 0.9]  # the sure one decides


def test_a_candidate_that_failed_on_a_size_has_no_point_there() -> None:
    predictions, thinned = correct_for({25: 0.6, 50: 0.7, 100: 0.8})
    thinned[0].rows[0].oof = None
    seen = laws.points(
        predictions, thinned, predictions.row("only"), draw(predictions.unit, predictions.covered)
    )
    assert seen.sizes.tolist() == [400, 800]


def test_groups_that_err_together_make_the_points_less_sure() -> None:
    y = np.arange(200) % 2
    unit = np.arange(200) // 20
    alone, grouped = (
        made({"baseline": right(y, y == 0), "only": right(y, unit % 3 != 0)}, y, u) for u in (None, unit)
    )
    spread = [
        laws.points(p, [], p.row("only"), draw(p.unit, p.covered)).draws.std() for p in (alone, grouped)
    ]
    assert spread[1] > 2 * spread[0]


def test_what_is_told_can_be_written_as_json_and_takes_no_time() -> None:
    start = time.process_time()
    found = curves_of({12: 0.6, 25: 0.68, 50: 0.75, 75: 0.78, 100: 0.8})
    written = json.dumps(lc.learning_curve(found), allow_nan=False)
    assert time.process_time() - start < 2
    line = json.loads(written)["curves"][0]
    assert [p["n"] for p in line["points"]] == [96, 200, 400, 600, 800]
    assert [f["n"] for f in line["forecasts"]] == [1500, 2000, 4000]
    # The points are moved to where the score to expect, free of the luck of the choice, says they belong.
    assert line["points"][-1]["score"] == pytest.approx(0.8, abs=0.02)


def drawn(random: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    y = random.integers(0, 3, n)
    return random.normal(size=(n, 20)) + np.eye(3, 20)[y] * 1.6, y


def test_the_gain_of_a_doubling_is_foreseen_on_a_known_truth() -> None:
    """A small version of benchmarks/forecast.py."""
    random = np.random.default_rng(3)
    X_test, y_test = drawn(random, 1500)
    own = [("lda", LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.3)), ("bayes", GaussianNB())]
    missed, covered = [], []
    for seed in range(10):
        X, y = drawn(random, 200)
        frame = pd.DataFrame(X[:100], columns=[f"x{i}" for i in range(20)])
        ids, meta = np.arange(100).astype(str), pd.DataFrame(index=range(100))
        dataset = Dataset(frame, y[:100], ids, meta, "classification", "table", np.arange(3))
        settings = Settings(families=("yours",), seed=seed)
        candidates, splits = propose(dataset, settings, own), compare_splits(dataset, settings)
        metric = get_metric("accuracy", "classification", dataset.y, dataset.classes)

        def gathered(cells: list[Cell], dataset=dataset, metric=metric) -> Predictions:
            return tabulate(
                dataset, metric, [(c, fit_and_predict(c.candidate, c.split, dataset, 3)) for c in cells]
            )

        predictions = add_average(gathered([Cell(c, s) for s in splits for c in candidates]))
        cells = curve_cells(dataset, candidates, splits)
        thinned = [
            gathered([c for c in cells if c.split.purpose == p])
            for p in dict.fromkeys(c.split.purpose for c in cells)
        ]
        bootstrap = draw(predictions.unit, predictions.covered, seed=seed)
        told = expected(predictions, bootstrap, thinned)
        curve = lc.curves(predictions, thinned, bootstrap, told)[0]
        assert curve.doubt is None
        members = curve.row.members or [curve.row.name]
        now, then = (
            np.mean([dict(own)[m].fit(X[:m_], y[:m_]).predict_proba(X_test) for m in members], axis=0)
            for m_ in (100, 200)
        )
        true = [float((p.argmax(axis=1) == y_test).mean()) for p in (now, then)]
        score, gain = curve.forecast(200)
        missed.append(abs(gain.value - (true[1] - true[0])))
        covered.append(score.low <= true[1] <= score.high)
    assert np.mean(missed) < 0.03
    assert np.mean(covered) >= 0.6


def test_a_told_score_of_one_is_no_reason_to_fail() -> None:
    predictions, thinned = correct_for({25: 0.9, 50: 0.97, 75: 1.0, 100: 1.0})
    bootstrap = draw(predictions.unit, predictions.covered)
    curve = lc.curves(predictions, thinned, bootstrap, Interval(1.0, 0.99, 1.0))[0]
    assert curve.forecast(2000)[0].value == 1
    assert lc.next_targets(curve) == []


def test_a_score_to_expect_without_an_end_is_no_reason_to_fail() -> None:
    predictions, thinned = correct_for({25: 0.7, 50: 0.8, 75: 0.85, 100: 0.9})
    bootstrap = draw(predictions.unit, predictions.covered)
    curve = lc.curves(predictions, thinned, bootstrap, Interval(0.9, -np.inf, 1.0))[0]
    assert curve.doubt is not None and "no bounds" in curve.doubt
    assert json.dumps(lc.learning_curve([curve]), allow_nan=False)


def test_what_is_left_to_learn_of_values_may_be_as_little_as_it_likes() -> None:
    sizes = np.array([10.0, 20, 40])
    seen = laws.Points(sizes, np.full(3, 1e-4), np.full((3, 200), 1e-4))
    family = laws.laws(seen, RMSE, 1.0, 50)
    assert 0 <= family.mean_gain(100) < 1e-4 and family.doubt(100) < 1e-4


def test_a_training_part_is_as_large_as_its_examples_without_copies_of_them() -> None:
    y = np.arange(40) % 2
    plain = made({"baseline": right(y, y == 0)}, y)
    assert plain.learned_from == 32
    assert replace(plain, copies=np.arange(40) >= 20).learned_from == 16


def test_what_was_never_held_out_is_learned_from_in_the_end_and_counts() -> None:
    predictions, thinned = correct_for({25: 0.6, 50: 0.7, 75: 0.75, 100: 0.8})
    bootstrap = draw(predictions.unit, predictions.covered)
    some = replace(predictions, splits=predictions.splits[:2])  # of 1000 examples 400 are held out
    told = Interval(0.8, 0.7, 0.9)
    assert lc.curves(some, thinned, bootstrap, told)[0].laws.n == 1000
    assert refit_gain(some, bootstrap, thinned) == refit_gain(predictions, bootstrap, thinned)
    assert replace(some, copies=np.arange(1000) >= 900).examples == 900


def test_at_the_best_score_there_is_nothing_to_gain() -> None:
    curve = replace(curve_of(on_law(0.99, 0.2, 0.5)), level=1.0)
    assert curve.forecast(200)[1].value == 0 and curve.forecast(200)[0].value == 1
