from __future__ import annotations

import numpy as np
from scipy.stats import norm

from handful.evidence.predictions import Predictions
from handful.evidence.racing import FEWEST_REPEATS, behind, from_folds, is_settled, outdone
from tests.evidence.drawn import constant, held_out, right


def test_who_is_surely_behind_is_named_and_the_best_of_each_kind_is_not() -> None:
    random = np.random.default_rng(0)
    y = random.integers(0, 2, 100)
    better, close, worse = (right(y, random.random(100) < p) for p in (0.95, 0.92, 0.55))
    oofs = {"baseline": constant(y), "better": better, "close": close, "worse": worse, "network": worse}
    assert behind(held_out(oofs, y, deep=["network"])) == ["worse"]
    assert behind(held_out({**oofs, "other": close}, y, deep=["network", "other"])) == ["worse", "network"]


def test_equals_are_seldom_stopped() -> None:
    stopped = 0
    for seed in range(100):
        random = np.random.default_rng(seed)
        y = random.integers(0, 2, 60)
        equal = {f"c{i}": right(y, random.random(60) < 0.75) for i in range(12)}
        stopped += "c0" in behind(held_out({"baseline": constant(y), **equal}, y))
    assert stopped <= 2  # c0 is as good as the best


def test_values_are_raced_too() -> None:
    random = np.random.default_rng(1)
    y = random.normal(size=80)
    oofs = {
        "baseline": np.zeros(80),
        "near": y + random.normal(0, 0.3, 80),
        "far": y + random.normal(0, 2.0, 80),
    }
    assert behind(held_out(oofs, y, metric="rmse")) == ["far"]


def test_one_alone_is_not_behind() -> None:
    y = np.arange(20) % 2
    assert behind(held_out({"baseline": constant(y), "only": right(y, y == 0)}, y)) == []


def test_what_is_fine_tuned_goes_on_only_with_a_fair_chance_to_end_above_the_best_without() -> None:
    i, y = np.arange(200), np.arange(200) % 2

    def of(deep: list[str], **right_in: int) -> Predictions:
        oofs = {name: right(y, (i + 20 * (name == "tuned")) % 200 < k) for name, k in right_in.items()}
        predictions = held_out({"baseline": constant(y), **oofs}, y, deep=deep)
        for row in predictions.rows:
            row.family = "finetune" if row.name.startswith("tuned") else row.family
        return predictions

    field = of(["frozen", "tuned", "tuned far"], frozen=160, other=150, tuned=159, **{"tuned far": 150})
    assert outdone(field, 3) == ["tuned far"] and outdone(field, 10) == ["tuned far"]
    assert outdone(of(["frozen", "tuned"], frozen=160, tuned=160), 3) == []
    assert outdone(of(["frozen", "tuned"], frozen=160, tuned=190), 3) == []
    # The verdict needs one network; with nothing else to serve there is nothing to beat.
    assert outdone(of(["tuned", "tuned far"], svm=160, tuned=130, **{"tuned far": 120}), 3) == ["tuned far"]
    assert outdone(of(["tuned"], tuned=130), 3) == []


def test_the_nearer_the_end_the_less_a_gap_can_still_be_made_up() -> None:
    i, y = np.arange(400), np.arange(400) % 2
    frozen, tuned = right(y, i < 320), right(y, (i + 40) % 400 < 316)  # one point apart, other mistakes
    oofs = {"baseline": [constant(y)] * 2, "frozen": [frozen] * 2, "tuned": [tuned] * 2}
    arrays = {name: np.array(oof) for name, oof in oofs.items()}
    predictions = held_out(arrays, y, deep=["frozen", "tuned"])
    predictions.row("tuned").family = "finetune"
    assert [outdone(predictions, repeats) for repeats in (3, 20)] == [["tuned"], []]


def test_what_is_truly_better_by_fine_tuning_is_seldom_stopped() -> None:
    stopped = {0.0: 0, 2.0: 0}
    for lead in stopped:
        for seed in range(150):
            random, y = np.random.default_rng(seed), np.arange(150) % 2
            error = 1.25 * np.sqrt(2 * 0.8 * 0.2 / 150)
            cut = np.array([0.8, 0.8 + lead * error])
            # Half of what decides is the example's, half the folds': two draws of a normal made uniform.
            own, drawn = random.normal(size=(2, 1, 150)), random.normal(size=(2, 2, 150))
            hit = norm.cdf((own + drawn) / np.sqrt(2)) < cut[:, None, None]
            frozen, tuned = (np.array([right(y, h) for h in some]) for some in hit)
            oofs = {"baseline": np.array([constant(y)] * 2), "frozen": frozen, "tuned": tuned}
            predictions = held_out(oofs, y, deep=["frozen", "tuned"])
            predictions.row("tuned").family = "finetune"
            stopped[lead] += any("tuned" in outdone(predictions.up_to(r), 3) for r in (1, 2))
    assert 0.3 < stopped[0.0] / 150 < 0.6 and stopped[2.0] / 150 < 0.08


def repeated(y: np.ndarray, correct: np.ndarray, moved: float, repeats: int) -> np.ndarray:
    """Scores `(repeats, n, K)`: right where `correct` says so, but for a share drawn anew each time."""
    random = np.random.default_rng(len(y))
    drawn = random.random((repeats, len(y))) < moved
    return np.array([right(y, np.where(d, random.random(len(y)) < 0.5, correct)) for d in drawn])


def test_what_the_folds_leave_in_doubt_shrinks_with_every_repeat() -> None:
    random = np.random.default_rng(2)
    y = random.integers(0, 2, 200)
    good, other = random.random(200) < 0.8, random.random(200) < 0.75

    def after(moved: float, repeats: int) -> Predictions:
        oofs = {"good": repeated(y, good, moved, repeats), "other": repeated(y, other, moved / 2, repeats)}
        return held_out({"baseline": np.array([constant(y)] * repeats), **oofs}, y)

    assert from_folds(after(0.2, FEWEST_REPEATS - 1)) == (np.inf, np.inf)
    assert from_folds(after(0.0, FEWEST_REPEATS)) == (0, 0)
    assert 0 < from_folds(after(0.02, FEWEST_REPEATS))[0] < from_folds(after(0.9, FEWEST_REPEATS))[0]
    settled = [is_settled(after(*how)) for how in ((0.2, 2), (0.02, 3), (0.9, 3), (0.9, 60))]
    assert settled == [False, True, False, True]


def test_a_difference_that_the_folds_decide_keeps_the_race_open() -> None:
    random = np.random.default_rng(4)
    y = random.integers(0, 2, 200)
    good = random.random(200) < 0.9
    worse = good & (random.random((4, 200)) < np.array([[0.8], [1.0], [0.85], [0.95]]))
    oofs = {"good": np.array([right(y, good)] * 4), "worse": np.array([right(y, w) for w in worse])}
    predictions = held_out({"baseline": np.array([constant(y)] * 4), **oofs}, y)
    of_score, of_differences = from_folds(predictions)
    assert of_score == 0 and of_differences > 0.5 and not is_settled(predictions)


def test_a_run_of_nothing_but_the_guess_is_never_settled() -> None:
    y = np.arange(20) % 2
    assert not is_settled(held_out({"baseline": np.array([constant(y)] * 5)}, y))


def test_values_are_settled_too() -> None:
    random = np.random.default_rng(3)
    y = random.normal(size=100)
    near = y + random.normal(0, 0.3, 100) + random.normal(0, 0.01, (4, 100))
    far = y + random.normal(0, 0.6, 100) + random.normal(0, 0.5, (4, 100))
    quiet = held_out({"baseline": np.zeros((4, 100)), "near": near}, y, metric="rmse")
    loud = held_out({"baseline": np.zeros((4, 100)), "near": near, "far": far}, y, metric="rmse")
    assert is_settled(quiet) and from_folds(quiet)[0] < 0.1 and from_folds(loud)[1] > 0
