from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LinearRegression, RidgeCV

from handful.settings import Settings
from handful.strategies import propose
from handful.strategies.log_target import LogTarget, is_skewed
from tests.conftest import pictures, skewed, table


def test_what_is_straight_in_the_logarithm_is_found_again() -> None:
    Z = np.linspace(0, 1, 50)[:, None]
    y = np.exp(1 + 2 * Z[:, 0])
    np.testing.assert_allclose(LogTarget(LinearRegression()).fit(Z, y).predict(Z), y, rtol=1e-8)


def test_a_prediction_is_a_mean_and_not_a_median() -> None:
    y = np.random.default_rng(0).lognormal(0, 1, 400)
    said = LogTarget(DummyRegressor()).fit(y[:, None], y).predict(np.zeros((1, 1)))[0]
    assert said == pytest.approx(y.mean())
    assert said > 1.5 * np.median(y)


def test_a_far_row_is_not_blown_up() -> None:
    Z = np.linspace(0, 1, 50)[:, None]
    y = np.exp(Z[:, 0])
    assert LogTarget(RidgeCV()).fit(Z, y).predict(np.array([[1e3]]))[0] < 2 * y.max()


def test_a_training_part_with_a_zero_is_learned_as_it_is() -> None:
    Z = np.linspace(0, 1, 20)[:, None]
    y = 3 * Z[:, 0]
    model = LogTarget(LinearRegression()).fit(Z, y)
    assert not model.logged_
    np.testing.assert_allclose(model.predict(Z), y, atol=1e-9)


def test_groups_reach_the_regressor() -> None:
    class Sees(LinearRegression):
        def fit(self, Z, y, groups=None):
            self.groups_ = groups
            return super().fit(Z, y)

    groups = np.arange(20) // 2
    fitted = LogTarget(Sees()).fit(np.ones((20, 1)), np.arange(1.0, 21), groups)
    assert fitted.regressor_.groups_ is groups


@pytest.mark.parametrize("data", [table("regression"), pictures("regression")], ids=["table", "image"])
def test_only_a_skewed_positive_target_is_tried_in_logarithms(data) -> None:
    assert not is_skewed(data) and is_skewed(skewed(data))
    assert not is_skewed(replace(data, y=skewed(data).y - 5))
    few = Settings(families=("classic",))
    assert not [c for c in propose(data, few) if c.name.endswith(", log")]
    found = {c.name: c for c in propose(skewed(data), few)}
    logged = [c for name, c in found.items() if name.endswith(", log")]
    assert len(logged) == 2
    assert all(c.base in found and c.technique == "log of the target" for c in logged)
