from __future__ import annotations

import numpy as np
import pytest

from handful.evidence.contributions import by_unit, contributions, deviations
from handful.scoring import CLASSIFICATION, REGRESSION
from tests.evidence.drawn import held_out


@pytest.mark.parametrize("K", [2, 3])
@pytest.mark.parametrize("metric", CLASSIFICATION)
def test_a_contribution_is_the_gain_plus_how_fast_it_changes_with_the_samples_weight(
    metric: str, K: int
) -> None:
    random = np.random.default_rng(K)
    y = np.r_[np.arange(K), random.choice(K, 60 - K, p=[0.6, 0.4] if K == 2 else [0.5, 0.3, 0.2])]
    scores = random.dirichlet(np.ones(K), 60).round(2) + np.eye(K)[y] * 0.4  # rounded: ties too
    predictions = held_out({"baseline": np.ones((60, K)) / K, "some": scores}, y, metric=metric)
    row = predictions.row("some")
    compare_with_derivatives(predictions, row, np.eye(60))


@pytest.mark.parametrize("metric", REGRESSION)
def test_so_for_values(metric: str) -> None:
    random = np.random.default_rng(0)
    y = random.normal(5, 2, 50)
    oofs = {"baseline": np.full(50, 5.0), "some": y + random.normal(0, 1, 50)}
    predictions = held_out(oofs, y, metric=metric)
    compare_with_derivatives(predictions, predictions.row("some"), np.eye(50))


def compare_with_derivatives(predictions, row, heavier) -> None:  # type: ignore[no-untyped-def]
    n, step, gain = len(predictions.y), 1e-5, predictions.metric.gain
    score = predictions.score(row)[0]
    slopes = (predictions.score(row, 1 + step * heavier) - score) / step
    found = contributions(predictions, [row])[0]
    np.testing.assert_allclose(found, gain(score + n * slopes), atol=2e-3 * max(1, abs(n * slopes).max()))
    assert found.mean() == pytest.approx(gain(score))


def test_repeats_are_averaged_and_groups_stay_together() -> None:
    y = np.arange(40) % 2
    first, second = np.eye(2)[y], np.eye(2)[1 - y]  # all right in one repeat, all wrong in the other
    predictions = held_out({"baseline": np.stack([first, second])}, y)
    np.testing.assert_allclose(contributions(predictions, predictions.rows), 0.5)
    unit = np.arange(40) // 4
    assert by_unit(np.ones((3, 40)), unit).tolist() == [[4.0] * 10] * 3


def test_a_repeat_that_has_no_score_on_what_is_seen_has_no_say() -> None:
    y = np.arange(40) % 2
    scores = np.stack([np.eye(2)[y], np.eye(2)[1 - y]])
    scores[1, 4:] = np.nan  # the second repeat held out four samples, and is all wrong
    predictions = held_out({"baseline": scores}, y, metric="roc_auc")
    for hidden, expected in (([0, 1, 2, 3], 1.0), ([0, 2], 1.0), ([0, 1], 0.5)):
        seen = ~np.isin(np.arange(40), hidden)
        assert np.nanmean(contributions(predictions, predictions.rows, seen)[0, 4:]) == expected


def test_deviations_give_the_standard_error_of_a_mean_and_a_larger_one_in_groups() -> None:
    values = np.random.default_rng(0).normal(size=200)
    alone = np.sqrt((deviations(values, np.arange(200)) ** 2).sum())
    assert alone == pytest.approx(values.std(ddof=1) / np.sqrt(200))
    copies = np.repeat(values[:50], 4)
    grouped = np.sqrt((deviations(copies, np.repeat(np.arange(50), 4)) ** 2).sum())
    assert grouped == pytest.approx(values[:50].std(ddof=1) / np.sqrt(50))
