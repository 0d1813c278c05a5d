from __future__ import annotations

import numpy as np

from handful.strategies.baseline import Majority
from handful.strategies.decision import decided


def test_the_largest_score_is_the_answer_that_is_expected_to_cost_least() -> None:
    random = np.random.default_rng(0)
    for K in (2, 3, 4):
        p = random.dirichlet(np.ones(K), 200)
        costs = random.exponential(3, (K, K)) * (1 - np.eye(K))
        found = decided(p, costs)
        assert (found.argmax(axis=1) == (p @ costs).argmin(axis=1)).all()
        np.testing.assert_allclose(found.sum(axis=1), 1)


def test_equal_costs_leave_the_probabilities() -> None:
    p = np.random.default_rng(1).dirichlet(np.ones(3), 9)
    np.testing.assert_allclose(decided(p, 5 * (1 - np.eye(3))), p)


def test_the_guess_under_costs_is_the_cheapest_answer() -> None:
    y = np.array([0] * 8 + [1] * 2)
    assert Majority().fit(y, y).predict(y[:1]) == [0]
    assert Majority(costs=((0.0, 1.0), (10.0, 0.0))).fit(y, y).predict(y[:1]) == [1]
    assert Majority(costs=((0.0, 1.0), (3.0, 0.0))).fit(y, y).predict(y[:1]) == [0]
    alone = Majority(costs=((0.0, 1.0), (3.0, 0.0))).fit(y[:8], y[:8])
    assert alone.predict_proba(y[:1]).tolist() == [[1.0]]
