from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from handful.evidence.bootstrap import draw
from handful.evidence.ensemble import (
    add_average,
    best,
    eligible,
    members,
    out_of_bag,
    select,
    without_dropped,
)
from handful.evidence.predictions import Predictions, Row, place
from handful.evidence.selection import (
    VALUES_FACTOR,
    around,
    errors,
    expected,
    flattery,
    refit_gain,
    wilson,
)
from handful.protocol.splits import Split
from handful.scoring import get_metric


def made(
    oofs: dict[str, np.ndarray], y: np.ndarray, unit: np.ndarray | None = None, metric: str = "accuracy"
) -> Predictions:
    """Predictions of candidates whose out-of-fold scores `(n, K)` are given; five folds, one repeat."""
    n, task = len(y), "regression" if metric in ("r2", "rmse", "mae") else "classification"
    classes = None if task == "regression" else np.arange(y.max() + 1)
    tests = np.array_split(np.arange(n), 5)
    splits = [Split(0, f, np.setdiff1d(np.arange(n), t), t, f) for f, t in enumerate(tests)]
    rows = [
        Row(name, name, "baseline" if name == "baseline" else "classic", cost, oof=scores[None])
        for cost, (name, scores) in enumerate(oofs.items())
    ]
    for row in rows:
        row.train = [row.oof[0, s.train] for s in splits]
    unit = np.arange(n) if unit is None else unit
    return Predictions(y, unit, get_metric(metric, task, y, classes), splits, rows, [])


def right(y: np.ndarray, correct: np.ndarray, K: int = 2) -> np.ndarray:
    """Scores that are right where `correct` says so."""
    return np.eye(K)[np.where(correct, y, (y + 1) % K)]


def test_the_best_of_forty_coin_flips_is_told_as_a_coin_flip() -> None:
    told, naive = [], []
    for seed in range(20):
        random = np.random.default_rng(seed)
        y = random.integers(0, 2, 50)
        oofs = {f"coin {i}": right(y, random.random(50) < 0.5) for i in range(40)}
        predictions = made({"baseline": right(y, random.random(50) < 0.5), **oofs}, y)
        told.append(expected(predictions, draw(predictions.unit, predictions.covered, 400)).value)
        naive.append(predictions.score(best(predictions))[0])
    assert np.mean(naive) > 0.62
    assert abs(np.mean(told) - 0.5) < 0.02


def test_the_winner_among_equals_is_the_cheapest() -> None:
    y = np.arange(40) % 2
    same = right(y, np.arange(40) % 4 != 0)
    predictions = made({"baseline": right(y, y == 0), "cheap": same, "dear": same.copy()}, y)
    assert best(predictions).name == "cheap"


def test_expected_equals_the_score_where_there_is_nothing_to_choose() -> None:
    y = np.arange(200) % 2
    predictions = made({"only": right(y, np.arange(200) % 10 != 0)}, y)
    told = expected(predictions, draw(predictions.unit, predictions.covered))
    assert told.value == pytest.approx(0.9, abs=0.005)
    assert told.low < 0.87 and told.high > 0.92


def test_groups_are_drawn_whole_and_widen_the_interval() -> None:
    y = np.arange(200) % 2
    unit = np.arange(200) // 20
    correct = unit % 3 != 0  # whole groups are right or wrong
    alone, grouped = (made({"only": right(y, correct)}, y, u) for u in (None, unit))
    bootstrap = draw(grouped.unit, grouped.covered, 300)
    assert all(len(np.unique(w[unit == 4])) == 1 for w in bootstrap.weights)
    narrow = expected(alone, draw(alone.unit, alone.covered))
    wide = expected(grouped, bootstrap)
    assert wide.high - wide.low > 1.8 * (narrow.high - narrow.low)


def test_an_interval_is_never_empty_at_a_perfect_score() -> None:
    y = np.arange(60) % 2
    predictions = made({"baseline": right(y, y == 0), "perfect": right(y, y >= 0)}, y)
    told = expected(predictions, draw(predictions.unit, predictions.covered))
    assert told.value == 1 and told.high == pytest.approx(1)
    assert 0.9 < told.low < 0.95


def test_wilson_is_that_of_the_books() -> None:
    # Agresti & Coull 1998: no success in ten trials.
    low, high = wilson(0.0, 10)
    assert low == 0 and high == pytest.approx(0.2775, abs=1e-3)


@pytest.mark.parametrize("metric", ["rmse", "mae", "r2"])
def test_regression_is_told_with_an_interval_around_the_value(metric: str) -> None:
    random = np.random.default_rng(0)
    y = random.normal(size=100)
    predictions = made({"baseline": np.zeros(100), "good": y + random.normal(0, 0.3, 100)}, y, metric=metric)
    assert best(predictions).name == "good"
    told = expected(predictions, draw(predictions.unit, predictions.covered))
    assert told.low < told.value < told.high
    good = predictions.row("good")
    score = float(predictions.score(good)[0])
    own = around(predictions, score, score, float(errors(predictions, [good])[0]))
    assert own.low < own.value < own.high
    assert (told.high - told.low) / (own.high - own.low) == pytest.approx(VALUES_FACTOR**0.5, rel=0.1)


@pytest.mark.parametrize("metric", ["rmse", "mae", "r2"])
@pytest.mark.parametrize("unit", [1e-12, 1e12])
def test_the_score_to_expect_does_not_depend_on_the_unit(metric: str, unit: float) -> None:
    random = np.random.default_rng(0)
    y = random.normal(size=100)
    oofs = {"baseline": np.zeros(100), "good": y + random.normal(0, 0.3, 100)}
    plain, other = (
        expected(p, draw(p.unit, p.covered, 100))
        for p in (
            made(oofs, y, metric=metric),
            made({name: unit * (5 + v) for name, v in oofs.items()}, unit * (5 + y), metric=metric),
        )
    )
    size = 1 if metric == "r2" else unit
    assert [other.value / size, other.low / size, other.high / size] == pytest.approx(
        [plain.value, plain.low, plain.high]
    )


def test_the_average_leaves_out_what_can_be_told_apart_from_the_best() -> None:
    y = np.arange(100) % 2
    i = np.arange(100)
    predictions = made(
        {
            "baseline": right(y, i % 2 == 0),
            "good": right(y, i % 10 != 0),
            "also good": right(y, i % 10 != 5),
            "poor": right(y, i % 10 < 6),
        },
        y,
    )
    average = add_average(predictions).row("average")
    assert average.members == ["good", "also good"]
    assert average.oof.shape == (1, 100, 2)
    assert select(add_average(predictions)).name == "average"


def test_where_one_is_clearly_best_it_serves_alone() -> None:
    y = np.arange(100) % 2
    i = np.arange(100)
    oofs = {"baseline": right(y, i % 2 == 0), "good": right(y, i % 20 != 0), "poor": right(y, i % 10 < 6)}
    predictions = add_average(made(oofs, y))
    assert [r.name for r in predictions.rows] == ["baseline", "good", "poor"]
    assert select(predictions).name == "good"


def test_where_nothing_beats_the_baseline_it_serves_alone() -> None:
    y = (np.arange(100) % 4 == 0).astype(int)
    i = np.arange(100)
    oofs = {"baseline": right(y, y == 0), "a": right(y, i % 3 != 0), "b": right(y, i % 3 != 1)}
    assert select(add_average(made(oofs, y))).name == "baseline"


def test_a_guess_that_serves_is_told_with_its_own_score() -> None:
    y = (np.arange(100) % 4 == 0).astype(int)
    i = np.arange(100)
    oofs = {"baseline": right(y, y == 0), "a": right(y, i % 4 != 1), "b": right(y, i % 3 != 1)}
    predictions = add_average(made(oofs, y))
    assert select(predictions).name == "baseline"
    told = expected(predictions, draw(predictions.unit, predictions.covered))
    assert told.value == 0.75 and told.low < 0.7 and told.high > 0.8


def test_members_for_a_fold_are_chosen_without_it() -> None:
    y = np.arange(100) % 2
    i = np.arange(100)
    lucky = right(y, (i < 20) | (i % 2 == 0))  # perfect in the first fold, a coin flip elsewhere
    oofs = {"baseline": right(y, i % 2 == 0), "good": right(y, i % 10 != 0), "lucky": lucky}
    predictions = made(oofs, y)
    elsewhere = np.ones(100, dtype=bool)
    first = predictions.splits[0].test
    elsewhere[first] = False
    names = [r.name for r in members(predictions, eligible(predictions), elsewhere)]
    assert names == ["good"]
    changed = made({**oofs, "lucky": np.where(np.isin(i, first)[:, None], 1 - lucky, lucky)}, y)
    assert [r.name for r in members(changed, eligible(changed), elsewhere)] == names


def test_a_repeat_of_which_nothing_is_seen_has_no_say() -> None:
    y, i = np.arange(100) % 2, np.arange(100)
    oofs = {"baseline": right(y, i % 2 == 0), "good": right(y, i % 10 != 0), "too": right(y, i % 10 != 1)}
    predictions = made(oofs, y)
    predictions.splits = [
        replace(s, repeat=s.fold, fold=0) for s in predictions.splits
    ]  # each its own repeat
    for row in predictions.rows:
        assert row.oof is not None
        row.oof = place([row.oof[0, s.test] for s in predictions.splits], predictions.splits, 100)
    average = add_average(predictions).row("average")
    np.testing.assert_array_equal(average.oof, (predictions.rows[1].oof + predictions.rows[2].oof) / 2)


def test_a_repeat_without_a_score_on_what_is_seen_does_not_hand_over_to_the_baseline() -> None:
    y, i = np.arange(40) % 2, np.arange(40)
    predictions = made({"baseline": right(y, y == 0), "good": right(y, i % 10 != 0)}, y, metric="roc_auc")
    for row in predictions.rows:
        assert row.oof is not None
        pair = np.where((i < 2)[:, None], row.oof[0], np.nan)  # a second repeat that held out two
        row.oof = np.stack([row.oof[0], pair])
    assert [r.name for r in members(predictions, eligible(predictions), i > 0)] == ["good"]
    assert [r.name for r in members(predictions, eligible(predictions), i < 0)] == ["baseline"]


def test_what_the_refit_gains_is_read_off_the_learning_curve() -> None:
    random = np.random.default_rng(0)
    y = random.integers(0, 2, 400)
    luck = random.random(400)  # the same samples are hard at every size

    def error(m: float) -> float:
        return 0.1 + 2 * m**-0.75

    def at(share: float) -> Predictions:
        part = made({"baseline": right(y, y == 0), "only": right(y, luck > error(320 * share))}, y)
        part.splits = [replace(s, train=s.train[: int(share * len(s.train))]) for s in part.splits]
        return part

    whole = at(1)
    bootstrap = draw(whole.unit, whole.covered)
    gain, doubt = refit_gain(whole, bootstrap, [at(share) for share in (0.125, 0.25, 0.5, 0.75)])
    assert gain == pytest.approx(error(320) - error(400), abs=0.005)
    assert 0 < doubt < 0.01
    assert refit_gain(whole, bootstrap, []) == (0, 0)


def test_class_proportions_flatter_a_model_of_noise_and_not_one_that_knows() -> None:
    random = np.random.default_rng(0)
    y = (np.arange(50) < 28).astype(int)
    p = 1 / (1 + np.exp(-random.normal(0.2, 0.5, 50)))
    unsure, sure = np.column_stack([1 - p, p]), np.eye(2)[y] * 0.98 + 0.01
    found = []
    for scores in (unsure, sure):
        predictions = made({"baseline": right(y, y == 1), "only": scores}, y)
        predictions.rows = predictions.rows[1:]
        found.append(flattery(predictions, draw(predictions.unit, predictions.covered)))
    assert 0.01 < found[0] < 0.05
    assert abs(found[1]) < 1e-3
    even = made({"only": unsure}, np.arange(50) % 2)
    assert flattery(even, draw(even.unit, even.covered)) == 0


def test_no_average_of_a_single_model() -> None:
    y = np.arange(40) % 2
    predictions = made({"baseline": right(y, y == 0), "only": right(y, np.arange(40) % 5 != 0)}, y)
    assert [r.name for r in add_average(predictions).rows] == ["baseline", "only"]


def with_bases(base: dict[str, str], **correct: np.ndarray) -> Predictions:
    """Candidates that are right where told, on 100 samples of two classes; `base`: who is made of whom."""
    y = np.arange(100) % 2
    predictions = made({"baseline": right(y, y == 0), **{k: right(y, v) for k, v in correct.items()}}, y)
    for row in predictions.rows:
        row.base = base.get(row.name)
    return predictions


def test_a_technique_that_does_not_beat_its_base_is_no_member() -> None:
    i = np.arange(100)
    correct = {"plain": i % 10 != 0, "flips": (i % 10 != 0) & (i != 1), "shifts": (i % 10 != 0) | (i == 0)}
    untied = with_bases({}, **correct)
    assert add_average(untied).row("average").members == ["shifts", "plain", "flips"]
    dropped = with_bases({"flips": "plain", "shifts": "plain"}, **correct)
    assert add_average(dropped).row("average").members == ["shifts", "plain"]


def test_an_equal_score_is_not_above_and_a_base_that_is_not_there_drops_nobody() -> None:
    i = np.arange(100)
    same = {"plain": i % 10 != 0, "same": i % 10 != 5, "other": i % 10 != 3}
    predictions = with_bases({"same": "plain", "other": "not among them"}, **same)
    assert add_average(predictions).row("average").members == ["plain", "other"]
    dear = with_bases({"plain": "same"}, **same)  # the cheaper of two equals is the one that adds something
    assert best(dear).name == "same"


def test_what_is_made_from_something_dropped_must_beat_what_that_was_made_from() -> None:
    i = np.arange(100)
    correct = {"plain": i % 10 != 0, "flips": (i % 10 != 0) & (i > 5), "averaged": (i % 10 != 0) & (i > 2)}
    predictions = with_bases({"flips": "plain", "averaged": "flips"}, **correct)
    assert select(add_average(predictions)).name == "plain"


def test_what_is_fine_tuned_must_beat_the_best_that_is_not() -> None:
    i = np.arange(100)
    correct = {"probe": i % 5 != 0, "frozen": i % 10 != 0, "tuned": (i % 10 != 0) & (i != 1) | (i == 0)}
    predictions = with_bases({"tuned": "probe"}, **correct)
    assert add_average(predictions).row("average").members == ["frozen", "tuned"]
    predictions.row("tuned").family = "finetune"
    assert select(add_average(predictions)).name == "frozen"
    better = with_bases({"tuned": "probe"}, **correct | {"tuned": (i % 10 != 0) | (i == 0)})
    better.row("tuned").family = "finetune"
    assert add_average(better).row("average").members == ["tuned", "frozen"]


def test_where_all_is_fine_tuned_nobody_is_dropped_for_it() -> None:
    i = np.arange(100)
    predictions = with_bases({}, one=i % 10 != 0, other=i % 10 != 3)
    rows = predictions.rows
    for row in rows:
        row.family = "finetune"
    assert np.isfinite(without_dropped(np.arange(3.0), rows)).all()


def test_only_the_samples_seen_say_who_is_dropped() -> None:
    i = np.arange(100)
    predictions = with_bases({"flips": "plain"}, plain=(i >= 20) | (i < 10), flips=(i >= 20) | (i < 7))
    rows = eligible(predictions)
    assert [r.name for r in members(predictions, rows, i >= 0)] == ["plain"]
    predictions.row("flips").base, predictions.row("plain").base = None, "flips"
    assert [r.name for r in members(predictions, rows, i >= 0)] == ["plain", "flips"]
    assert [r.name for r in members(predictions, rows, i >= 10)] == ["flips"]


def test_every_draw_drops_for_itself_what_does_not_beat_its_base() -> None:
    i = np.arange(100)
    correct = {"plain": i % 10 != 0, "flips": i % 10 != 5}
    predictions = with_bases({"flips": "plain"}, **correct)
    bootstrap = draw(predictions.unit, predictions.covered, 200)
    found = out_of_bag(predictions, bootstrap)
    inside = {name: bootstrap.weights @ hit for name, hit in correct.items()}
    outside = bootstrap.left_out
    average = {k: (outside @ hit) / outside.sum(axis=1) for k, hit in correct.items()}
    alone = inside["flips"] <= inside["plain"]
    assert 20 < alone.sum() < 180
    np.testing.assert_allclose(found[alone], average["plain"][alone])
    assert (found[~alone] != average["plain"][~alone]).any()


def test_scores_that_were_moved_for_the_metric_are_averaged_with_their_like_only() -> None:
    y = np.arange(60) % 2
    oofs = {name: right(y, np.arange(60) % 10 != k) for k, name in enumerate(("a", "b", "c", "d"))}
    predictions = made({"baseline": right(y, y == 0), **oofs}, y)
    assert len(members(predictions, eligible(predictions), np.ones(60, dtype=bool))) == 4
    predictions.row("a").family = predictions.row("c").family = "balance"
    chosen = members(predictions, eligible(predictions), np.ones(60, dtype=bool))
    assert [row.name for row in chosen] == ["a", "c"]
