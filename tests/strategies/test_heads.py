"""Heads choose their penalties with groups kept whole, and are the models that their names say."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import Ridge, RidgeCV
from sklearn.preprocessing import StandardScaler

from handful.strategies.chain import Chain
from handful.strategies.classic import ON_UNIT_VALUES
from handful.strategies.heads import RidgeHead, ShrunkLDAHead
from handful.strategies.inner import MADE_UP


def patients(n: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Five rows of each patient, alike; what is to be predicted is mostly the patient's own."""
    random, weights = np.random.default_rng(seed), np.random.default_rng(9).standard_normal(30)
    B = random.standard_normal((n, 30))
    y, g = B @ weights + 6 * random.standard_normal(n), np.repeat(np.arange(n), 5)
    return B[g] + 0.1 * random.standard_normal((5 * n, 30)), y[g] + 0.3 * random.standard_normal(5 * n), g


def test_the_penalty_of_ridge_regression_is_chosen_with_groups_whole() -> None:
    X, y, groups = patients(40)
    model = Chain([StandardScaler()], RidgeHead()).fit(X, y, groups=groups)
    assert model.head_.alpha_ >= 100
    Z, t, _ = patients(200, seed=51)
    alone = Chain([StandardScaler()], RidgeHead()).fit(X, y)
    assert ((model.predict(Z) - t) ** 2).mean() < 0.7 * ((alone.predict(Z) - t) ** 2).mean()
    again = Ridge(model.head_.alpha_).fit(model.features_[0].transform(X), y)
    np.testing.assert_allclose(again.coef_, model.head_.coef_)


@pytest.mark.parametrize("width", [5, 300])
def test_without_groups_of_several_it_is_scikit_learns_leave_one_out(width: int) -> None:
    random = np.random.default_rng(0)
    Z = random.standard_normal((60, width))
    y = Z[:, :3].sum(axis=1) + random.standard_normal(60)
    known = RidgeCV(alphas=ON_UNIT_VALUES).fit(Z, y)
    for groups in (None, random.permutation(60)):
        mine = RidgeHead(alphas=ON_UNIT_VALUES).fit(Z, y, groups)
        assert mine.alpha_ == known.alpha_
        np.testing.assert_array_equal(mine.predict(Z), known.predict(Z))


def test_made_up_samples_choose_no_penalty_but_are_learned_from() -> None:
    X, y, _ = patients(40)
    made_up = np.arange(len(y)) % 5 > 0
    groups = np.where(made_up, MADE_UP, np.arange(len(y)))
    model = RidgeHead().fit(X, y, groups)
    assert model.alpha_ == RidgeHead().fit(X, np.where(made_up, 1e3, y), groups).alpha_ >= 10
    np.testing.assert_allclose(model.coef_, Ridge(model.alpha_).fit(X, y).coef_)


def test_one_group_alone_gives_the_penalty_in_the_middle() -> None:
    X, y, _ = patients(4)
    assert RidgeHead(alphas=(0.1, 1.0, 10.0)).fit(X, y, np.zeros(20)).alpha_ == 1.0


@pytest.mark.parametrize("shape", [(40, 90), (90, 40), (40, 40)])
@pytest.mark.parametrize("labels", ["ab", "abcd"])
def test_discriminant_analysis_is_that_of_the_features_also_where_they_are_many(
    labels: str, shape: tuple[int, int]
) -> None:
    random = np.random.default_rng(0)
    y = np.r_[list(labels * 3), random.choice(list(labels), shape[0] - 3 * len(labels))]
    Z = random.standard_normal(shape) * np.linspace(3, 0.1, shape[1]) + (y == "a")[:, None]
    Z[:, 7] = 5.0  # a constant column
    known = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto").fit(Z, y)
    model, new = ShrunkLDAHead().fit(Z, y), random.standard_normal((9, shape[1]))
    margins = model.decision_function(new)
    if len(labels) == 2:
        margins = margins[:, 1] - margins[:, 0]
    np.testing.assert_allclose(margins, known.decision_function(new), rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(model.predict_proba(new), known.predict_proba(new), atol=1e-8)


def test_discriminant_analysis_copes_with_classes_of_two_alike_or_not() -> None:
    Z = np.eye(3, 20)[[0, 0, 1, 1, 2, 2]]
    y = np.array([0, 0, 1, 1, 2, 2])
    np.testing.assert_array_equal(ShrunkLDAHead().fit(Z, y).predict(Z), y)
    Z[1::2, 5] += 1
    np.testing.assert_array_equal(ShrunkLDAHead().fit(Z, y).predict(Z), y)
