"""Made-up rows and features: of the label asked for, of the table's kinds, and repeatable."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.datasets import load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from handful.model.save import TRUSTED
from handful.strategies.row_generators import FeatureVAE, RowVAE
from tests.conftest import table

LABELS = np.repeat(["early", "late"], 40)


def rows() -> pd.DataFrame:
    """Columns of every kind, each of which depends on the label."""
    random = np.random.default_rng(0)
    late = LABELS == "late"
    X = pd.DataFrame(
        {
            "age": random.integers(20, 40, 80) + 25.0 * late,
            "price": np.round(random.lognormal(1 + late, 0.3), 2),
            "smoker": (random.random(80) < np.where(late, 0.9, 0.2)).astype(float),
            "kind": pd.Series(np.where(random.random(80) < np.where(late, 0.1, 0.8), "x", "y"), dtype=object),
        }
    )
    X.loc[random.random(80) < np.where(late, 0.4, 0.05), "age"] = np.nan
    return X


@pytest.fixture(scope="module")
def fitted() -> RowVAE:
    return RowVAE(latent_dim=3, epochs=60).fit(rows(), LABELS)


def test_made_up_rows_keep_columns_types_ranges_whole_numbers_and_categories(fitted: RowVAE) -> None:
    X, made = rows(), fitted.sample(np.repeat(["early", "late"], 500))
    assert list(made.columns) == list(X.columns) and (made.dtypes == X.dtypes).all() and len(made) == 1000
    for name in ("age", "price", "smoker"):
        assert X[name].min() <= made[name].min() and made[name].max() <= X[name].max()
    ages = made["age"].dropna()
    assert (ages == ages.round()).all() and (made["price"] == made["price"].round(2)).all()
    assert set(made["smoker"]) == {0.0, 1.0} and set(made["kind"]) == {"x", "y"}


def test_made_up_rows_are_of_the_label_asked_for_in_each_kind_of_column(fitted: RowVAE) -> None:
    X = rows().assign(label=LABELS)
    labels = np.tile(["late", "early"], 1000)
    made = fitted.sample(labels).assign(label=labels)
    for label in ("early", "late"):
        real, drawn = (frame[frame["label"] == label] for frame in (X, made))
        assert drawn["age"].mean() == pytest.approx(real["age"].mean(), abs=4)
        assert drawn["age"].std() == pytest.approx(real["age"].std(), rel=0.4)
        assert drawn["age"].isna().mean() == pytest.approx(real["age"].isna().mean(), abs=0.12)
        assert drawn["smoker"].mean() == pytest.approx(real["smoker"].mean(), abs=0.15)
        assert (drawn["kind"] == "x").mean() == pytest.approx((real["kind"] == "x").mean(), abs=0.15)


def test_the_same_seed_makes_the_same_rows_and_another_others(fitted: RowVAE) -> None:
    again = RowVAE(latent_dim=3, epochs=60).fit(rows(), LABELS)
    pd.testing.assert_frame_equal(again.sample(LABELS), fitted.sample(LABELS))
    assert not fitted.sample(LABELS, seed=1).equals(fitted.sample(LABELS, seed=2))


def test_what_it_learned_is_told_and_codes_go_both_ways(fitted: RowVAE) -> None:
    assert fitted.encode(rows(), LABELS).shape == (80, 3)
    assert fitted.decode(np.zeros((2, 3)), np.array(["late", "early"]))["age"].diff().iloc[1] < 0
    assert list(fitted.reconstruct(rows(), LABELS).columns) == list(rows().columns)
    assert {"train_numbers", "train_categories", "train_flags", "train_kl"} <= set(fitted.history_[0])
    assert fitted.history_[-1]["train_loss"] < fitted.history_[0]["train_loss"]


def test_a_collapse_is_noticed_and_rows_still_are_of_their_label() -> None:
    collapsed = RowVAE(latent_dim=3, beta=200.0, epochs=100).fit(rows(), LABELS)
    assert collapsed.collapsed_ and collapsed.active_ == 0
    assert collapsed.sample(LABELS)["age"].groupby(LABELS).mean().diff().iloc[1] > 15


@pytest.mark.parametrize("per_class", [1, 10])
def test_few_rows_are_learned_from_and_not_silently_skipped(per_class: int) -> None:
    dataset = table("classification", n=3 * per_class)
    vae = RowVAE(epochs=None if per_class == 10 else 5).fit(dataset.X, dataset.y)
    made = vae.sample(np.repeat([0, 1, 2], 50))
    assert made["x2"].groupby(np.repeat([0, 1, 2], 50)).mean().is_monotonic_increasing  # petal length
    if per_class == 10:
        assert vae.epochs_ == len(vae.history_) >= 100  # a step each
        assert vae.history_[-1]["train_loss"] < vae.history_[0]["train_loss"] - 1


def test_made_up_features_teach_what_the_real_ones_teach() -> None:
    X, y = load_wine(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    vae = FeatureVAE(latent_dim=4, epochs=40).fit(X[::2], y[::2])
    labels = np.repeat([0, 1, 2], 60)
    made = vae.sample(labels)
    assert made.shape == (180, 13)
    real, drawn = X[::2].std(axis=0), made.std(axis=0)
    np.testing.assert_allclose(drawn, real, rtol=0.35)
    assert LogisticRegression().fit(made, labels).score(X[1::2], y[1::2]) > 0.93
    assert vae.encode(X[::2], y[::2]).shape == (89, 4)


def test_more_features_than_samples_are_no_trouble() -> None:
    random = np.random.default_rng(0)
    y = np.tile([0, 1], 10)
    Z = random.normal(size=(20, 300)) + np.outer(y, random.normal(size=300))
    made = FeatureVAE(epochs=40).fit(Z, y).sample(np.repeat([0, 1], 100))
    towards = Z[y == 1].mean(axis=0) - Z[y == 0].mean(axis=0)
    assert ((made - Z.mean(axis=0)) @ towards > 0)[100:].mean() > 0.85
    assert np.isfinite(made).all()


def test_a_fitted_generator_survives_saving_without_pickle(fitted: RowVAE) -> None:
    stored = skops.io.dumps(fitted)
    types = skops.io.get_untrusted_types(data=stored)
    assert all(t.startswith(TRUSTED) for t in types)
    again = skops.io.loads(stored, trusted=types)
    pd.testing.assert_frame_equal(again.sample(LABELS), fitted.sample(LABELS))
