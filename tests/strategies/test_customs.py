"""Customs let fair examples in, and turn away copies, wrong labels and what lies far out."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_digits, load_wine
from sklearn.preprocessing import StandardScaler

from handful.strategies.customs import examine, neighbour_distances
from handful.strategies.heads import SVMHead


def clouds(d: int, n: int = 40, apart: float = 5.0, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Two classes as balls in d dimensions, `apart` in the first."""
    random = np.random.default_rng([seed, d])
    y = np.arange(n) % 2
    Z = random.normal(size=(n, d))
    Z[:, 0] += apart * y
    return Z, y


def real() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Pictures and rows as a model sees them."""
    digits, wine = load_digits(return_X_y=True), load_wine(return_X_y=True)
    return {
        "digits": (digits[0] / 16, digits[1]),
        "wine": (StandardScaler().fit_transform(wine[0]), wine[1]),
    }


def parts(Z: np.ndarray, y: np.ndarray, each: int = 15) -> tuple[np.ndarray, np.ndarray]:
    """Positions to learn from, so many of each class, and of others."""
    random = np.random.default_rng(7)
    rows = np.concatenate([random.permutation(np.flatnonzero(y == k))[:each] for k in np.unique(y)])
    return rows, random.permutation(np.setdiff1d(np.arange(len(y)), rows))[:300]


@pytest.mark.parametrize("name", real())
def test_fresh_real_examples_enter_and_copies_with_or_without_noise_do_not(name: str) -> None:
    Z, y = real()[name]
    rows, fresh = parts(Z, y)
    fair = examine(Z[rows], y[rows], Z[fresh], y[fresh])
    assert fair.enters.mean() > 0.85
    assert fair.copy.mean() <= 0.01 and fair.far.mean() < 0.05
    assert examine(Z[rows], y[rows], Z[rows], y[rows]).copy.all()
    noise = 0.01 * Z[rows].std(axis=0) * np.random.default_rng(0).normal(size=Z[rows].shape)
    assert examine(Z[rows], y[rows], Z[rows] + noise, y[rows]).copy.mean() > 0.98


@pytest.mark.parametrize("name", real())
def test_a_wrong_label_is_noticed(name: str) -> None:
    Z, y = real()[name]
    rows, fresh = parts(Z, y)
    wrong = (y[fresh] + 1) % len(np.unique(y))
    assert examine(Z[rows], y[rows], Z[fresh], wrong).disagrees.mean() > 0.95
    found = examine(Z[rows], y[rows], Z[fresh], y[fresh], model=SVMHead())
    assert found.disagrees.mean() < 0.1


@pytest.mark.parametrize("d", [2, 5, 100, 1000])
def test_what_is_a_copy_does_not_depend_on_the_number_of_dimensions(d: int) -> None:
    Z, y = clouds(d)
    fresh, labels = clouds(d, n=400, seed=1)
    found = examine(Z, y, fresh, labels)
    assert found.copy.mean() < 0.03 and found.far.mean() < 0.03
    noise = 0.003 * np.random.default_rng(2).normal(size=Z.shape)
    assert examine(Z, y, Z + noise, y).copy.all()


def test_repeated_training_rows_and_mates_of_a_group_do_not_hide_a_copy() -> None:
    Z, y = clouds(8)
    nearly = Z + 1e-3 * np.random.default_rng(3).normal(size=Z.shape)
    copies = Z + 1e-2 * np.random.default_rng(4).normal(size=Z.shape)
    assert examine(np.tile(Z, (3, 1)), np.tile(y, 3), copies, y).copy.all()
    twice, labels, groups = np.concatenate([Z, nearly]), np.tile(y, 2), np.tile(np.arange(len(y)), 2)
    assert examine(twice, labels, copies, y, groups).copy.all()
    np.testing.assert_allclose(neighbour_distances(np.tile(Z, (3, 1))), np.tile(neighbour_distances(Z), 3))


def test_what_lies_far_out_or_is_no_number_does_not_enter() -> None:
    Z, y = clouds(5)
    made = Z[:4] + 0.4
    made[1] += 40
    made[2, 3] = np.nan
    found = examine(Z, y, made, y[:4])
    assert found.far.tolist() == [False, True, True, False]
    assert found.enters.tolist() == [True, False, False, True]


def test_one_member_a_class_one_class_and_nothing_made_are_examined_too() -> None:
    Z, y = clouds(5, n=3)
    fresh, labels = clouds(5, n=20, seed=1)
    assert examine(Z, y, fresh, labels).disagrees.mean() < 0.3  # the second class has one member
    words = np.array(["no", "yes"])
    assert examine(Z, words[y], fresh, words[labels]).disagrees.mean() < 0.3
    assert not examine(Z, np.zeros(3), fresh, np.zeros(20)).disagrees.any()
    assert len(examine(Z, y, Z[:0], y[:0]).enters) == 0
