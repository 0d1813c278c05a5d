"""Each kind of column has its own likelihood, and a missing number does not count."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import norm

from handful.nets.likelihood import CATEGORY, FINEST, FLAGGED, NUMBER, Layout, probabilities, surprise, usual

LAYOUT = Layout(((NUMBER, 1), (FLAGGED, 2), (CATEGORY, 2), (CATEGORY, 3)))
TRUTH = np.array([[0.5, -1.0, 0, 1, 0, 0, 0, 1], [1.5, 0.0, 1, 0, 1, 0, 1, 0]])
TOLD = np.array([[0.0, 1.0, -2, 2, 0, 1, 1, 1], [1.0, 9.0, 3, 0, 0, -1, 2, 0]])


def found(truth: np.ndarray = TRUTH, log_sigma: tuple[float, float] = (0.0, 0.5)) -> dict[str, float]:
    tensors = [torch.tensor(np.asarray(a), dtype=torch.float32) for a in (TOLD, [log_sigma] * 2, truth)]
    return {k: float(v) for k, v in surprise(LAYOUT, *tensors).items()}


def test_each_kind_of_column_costs_what_its_distribution_says() -> None:
    terms = found()
    first, second = norm.logpdf([0.5, 1.5], [0, 1]), norm.logpdf(-1, 1, np.exp(0.5))  # the last is missing
    assert terms["numbers"] == pytest.approx(-(first.sum() + second) / 2, rel=1e-5)
    flags = np.log1p(np.exp([-2.0, -3.0]))
    assert terms["flags"] == pytest.approx(flags.mean(), rel=1e-5)
    one = np.log(1 + np.exp(-2)) + np.log(3)
    two = np.log(2) + np.log(np.exp(-1) + np.exp(2) + 1) - 2
    assert terms["categories"] == pytest.approx((one + two) / 2, rel=1e-5)


def test_a_value_never_seen_does_not_count() -> None:
    unseen = TRUTH.copy()
    unseen[:, 3:5] = 0
    assert found()["categories"] - found(unseen)["categories"] == pytest.approx(
        (np.log(1 + np.exp(-2)) + np.log(2)) / 2, rel=1e-4
    )


def test_a_spread_is_never_finer_than_the_floor() -> None:
    assert found(log_sigma=(-50.0, -50.0)) == found(log_sigma=(np.log(FINEST), np.log(FINEST)))


def test_probabilities_of_each_category_sum_to_one_and_numbers_stay() -> None:
    p = probabilities(LAYOUT, TOLD)
    np.testing.assert_array_equal(p[:, :2], TOLD[:, :2])
    np.testing.assert_allclose(p[:, 3:5].sum(axis=1), 1)
    np.testing.assert_allclose(p[:, 5:].sum(axis=1), 1)
    assert p[0, 2] == pytest.approx(1 / (1 + np.exp(2)))


def test_the_usual_row_of_a_class_is_its_mean_and_the_shares_of_its_values() -> None:
    random = np.random.default_rng(0)
    codes = np.repeat([0, 1], 500)
    missing = random.random(1000) < np.where(codes, 0.3, 0.1)
    kind = np.eye(2)[(random.random(1000) < np.where(codes, 0.8, 0.2)).astype(int)]
    layout = Layout(((FLAGGED, 2), (CATEGORY, 2)))
    Z = np.column_stack([np.where(missing, 0, 3.0 * codes + random.normal(0, 1 + codes)), missing, kind])
    out, log_sigma = usual(layout, Z, codes, 2)
    told = probabilities(layout, out)
    np.testing.assert_allclose(told[:, 0], [0, 3], atol=0.3)
    np.testing.assert_allclose(told[:, 1], [missing[:500].mean(), missing[500:].mean()], atol=0.01)
    np.testing.assert_allclose(told[:, 3], [0.2, 0.8], atol=0.05)
    np.testing.assert_allclose(np.exp(log_sigma[:, 0]), [1, 2], rtol=0.1)


def test_a_class_of_one_row_has_the_spread_within_the_others() -> None:
    Z = np.concatenate([np.random.default_rng(0).normal(0, 0.5, 100), [7.0]])[:, None]
    out, log_sigma = usual(Layout.of_numbers(1), Z, np.repeat([0, 1], [100, 1]), 2)
    assert np.exp(log_sigma[0, 0]) == pytest.approx(0.5, rel=0.15) and 3 < out[1, 0] < 7
