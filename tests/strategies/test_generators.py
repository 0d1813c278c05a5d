"""What the simple generators make has the shape, the means and the spread of its class."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.covariance import ledoit_wolf
from sklearn.datasets import load_iris

from handful.data.dataset import Images
from handful.strategies.generators import KDE, SMOTE, Copies, Gaussian, Generator
from tests.conftest import pictures

ALL = [Gaussian(), KDE(), SMOTE(), Copies()]
by_name = pytest.mark.parametrize("generator", ALL, ids=lambda g: type(g).__name__)


def flowers() -> tuple[np.ndarray, np.ndarray]:
    X, y = load_iris(return_X_y=True)
    return X, np.array(["setosa", "versicolor", "virginica"])[y]


@by_name
def test_it_makes_what_is_asked_for_and_the_same_for_the_same_seed(generator: Generator) -> None:
    X, y = flowers()
    fitted = clone(generator).fit(X, y)
    labels = np.array(["virginica", "setosa", "setosa", "virginica", "versicolor"])
    made = fitted.sample(labels)
    assert made.shape == (5, 4) and np.isfinite(made).all()
    np.testing.assert_array_equal(made, fitted.sample(labels))
    assert not np.array_equal(made, fitted.sample(labels, seed=1))
    assert not np.array_equal(made, clone(generator).set_params(random_state=1).fit(X, y).sample(labels))


@by_name
def test_its_classes_have_the_means_and_the_spread_of_the_real_ones(generator: Generator) -> None:
    X, y = flowers()
    made = clone(generator).fit(X, y).sample(np.repeat("virginica", 4000))
    own = X[y == "virginica"]
    assert np.abs(made.mean(axis=0) - own.mean(axis=0)).max() < 0.05
    spread = made.std(axis=0) / own.std(axis=0)
    least = 0.75 if isinstance(generator, SMOTE) else 0.9  # what lies between others varies less
    assert least < spread.min() and spread.max() < 1.1


def test_the_gaussian_has_the_shrunk_covariance_where_columns_outnumber_rows() -> None:
    random = np.random.default_rng(0)
    X = random.normal(size=(12, 30)) @ random.normal(size=(30, 30))
    made = Gaussian().fit(X, np.zeros(12)).sample(np.zeros(20000))
    wanted = ledoit_wolf(X)[0]
    assert np.abs(np.cov(made.T) - wanted).max() < 0.05 * np.abs(wanted).max()


def test_smote_stays_between_two_neighbours_of_one_class() -> None:
    y = flowers()[1]
    X = np.random.default_rng(0).normal(size=(len(y), 4))
    made = SMOTE(neighbours=1).fit(X, y).sample(np.repeat("setosa", 200))
    own = X[y == "setosa"]
    between = np.linalg.norm(own[:, None] - own, axis=2)
    np.fill_diagonal(between, np.inf)
    nearest = own[between.argmin(axis=1)]
    detour = np.linalg.norm(made[:, None] - own, axis=2) + np.linalg.norm(made[:, None] - nearest, axis=2)
    assert np.abs(detour - between.min(axis=1)).min(axis=1).max() < 1e-9  # on the way from one to the other


@pytest.mark.parametrize("generator", [Gaussian(), KDE(), SMOTE()], ids=lambda g: type(g).__name__)
def test_a_class_of_one_or_two_members_is_made_too(generator: Generator) -> None:
    X, y = flowers()
    rows = np.r_[0:20, 50, 100, 101]
    made = clone(generator).fit(X[rows], y[rows]).sample(np.repeat(["versicolor", "virginica"], 50))
    assert np.abs(made[:50].mean(axis=0) - X[50]).max() < 0.3
    assert np.isfinite(clone(generator).fit(X[[50]], y[[50]]).sample(y[[50]])).all()


def test_copies_are_samples_in_the_form_of_the_input() -> None:
    dataset = pictures()
    made = Copies().fit(dataset.X, dataset.y).sample(np.array([2, 0]))
    assert made.shape == (2, 32, 32, 3) and made.dtype == np.uint8
    own = Images.from_array(np.asarray(dataset.X)[dataset.y == 2]).digests
    assert Images.from_array(made).digests[0] in own
    frame = pd.DataFrame({"x": [1.0, 2.0], "kind": pd.Series(["a", None], dtype=object)})
    copied = Copies().fit(frame, np.array([0, 1])).sample(np.array([1, 1, 0]))
    assert copied["x"].tolist() == [2.0, 2.0, 1.0] and copied.index.tolist() == [0, 1, 2]
