from __future__ import annotations

import numpy as np
import pytest
from sklearn.covariance import ledoit_wolf

from handful.strategies.covariance import over, shrunk


@pytest.mark.parametrize("shape", [(12, 40), (40, 12), (2, 5), (9, 9)])
def test_a_covariance_is_shrunk_as_by_scikit_learn(shape: tuple[int, int]) -> None:
    random = np.random.default_rng(0)
    Z = random.standard_normal(shape) * np.linspace(3, 0.1, shape[1])
    rows, rest = shrunk(Z - Z.mean(axis=0))
    np.testing.assert_allclose(rows.T @ rows + rest**2 * np.eye(shape[1]), ledoit_wolf(Z)[0], atol=1e-10)


@pytest.mark.parametrize("shape", [(12, 40), (40, 12)])
def test_rows_and_a_diagonal_are_inverted(shape: tuple[int, int]) -> None:
    random = np.random.default_rng(0)
    rows, V = random.standard_normal(shape), random.standard_normal((3, shape[1]))
    diagonal = random.uniform(0.1, 2, shape[1])
    inverse = np.linalg.inv(rows.T @ rows + np.diag(diagonal))
    np.testing.assert_allclose(over(V, rows, diagonal), V @ inverse, atol=1e-10)


def test_what_does_not_vary_has_no_covariance() -> None:
    rows, rest = shrunk(np.zeros((4, 9)))
    assert rest == 0 and not rows.any()
