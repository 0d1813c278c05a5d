"""Rows come back from the codec as they went in, and made-up rows look like the table's."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest
import skops.io

from handful.errors import DataError
from handful.nets.likelihood import CATEGORY, FLAGGED, NUMBER
from handful.strategies.codec import RowCodec
from tests.conftest import mixed as of_every_kind
from tests.conftest import table


def mixed(n: int = 200) -> pd.DataFrame:
    """Columns of every kind, some with gaps."""
    random = np.random.default_rng(0)
    gaps = random.random(n) < 0.15
    return pd.DataFrame(
        {
            "age": np.where(gaps, np.nan, random.integers(18, 90, n)).astype(float),
            "price": np.round(random.lognormal(3, 1, n), 2),
            "length": random.normal(0, 1, n),
            "fare": np.where(random.random(n) < 0.4, 0.0, random.integers(5, 50, n)).astype(float),
            "rooms": random.integers(1, 6, n).astype(float),
            "smoker": random.choice([0.0, 1.0, np.nan], n, p=[0.6, 0.3, 0.1]),
            "kind": pd.Series(random.choice(["a", "b", "c"], n), dtype=object).mask(
                random.random(n) < 0.2, None
            ),
            "town": pd.Series(["once", "upon", *(["time"] * (n - 2))], dtype=object),
        }
    )


def noise(codec: RowCodec, n: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 3, (n, codec.layout_.width))


@pytest.mark.parametrize("normal", [True, False])
def test_rows_come_back_as_they_were(normal: bool) -> None:
    X = mixed()
    codec = RowCodec(normal).fit(X)
    back = codec.decode(codec.encode(X))
    rare = X["town"].isin(["once", "upon"])
    pd.testing.assert_frame_equal(back[~rare], X[~rare], check_exact=False, rtol=1e-9)
    assert set(back["town"][rare]) <= {"once", "upon"}


def test_what_is_made_of_anything_keeps_columns_types_ranges_decimals_and_categories() -> None:
    X = mixed()
    codec = RowCodec().fit(X)
    made = codec.decode(noise(codec, 3000), np.random.default_rng(0))
    assert list(made.columns) == list(X.columns) and (made.dtypes == X.dtypes).all() and len(made) == 3000
    for name in ("age", "price", "length", "fare", "rooms", "smoker"):
        assert X[name].min() <= made[name].min() and made[name].max() <= X[name].max()
    whole = made[["age", "fare", "rooms"]].to_numpy()
    assert (np.isnan(whole) | (whole == np.round(whole))).all()
    assert (made["price"] == made["price"].round(2)).all()
    assert set(made["smoker"].dropna()) == {0.0, 1.0}
    assert set(made["kind"].dropna()) == {"a", "b", "c"}
    assert set(made["town"]) == {"once", "upon", "time"}
    assert made["price"].notna().all() and made["age"].isna().any()


def test_scores_of_a_normal_distribution_give_back_the_columns_own_distribution() -> None:
    X = mixed(1000)
    codec = RowCodec().fit(X)
    Z = np.random.default_rng(1).normal(size=(4000, codec.layout_.width))
    at = codec.layout_.flags[0]
    Z[:, at] = codec.encode(X)[:, at].mean()
    made = codec.decode(Z, np.random.default_rng(0))
    assert made["age"].isna().mean() == pytest.approx(X["age"].isna().mean(), abs=0.02)
    assert (made["fare"] == 0).mean() == pytest.approx((X["fare"] == 0).mean(), abs=0.03)
    for share in (0.1, 0.5, 0.9):
        assert made["price"].quantile(share) == pytest.approx(X["price"].quantile(share), rel=0.1)


def test_the_layout_tells_what_each_column_is() -> None:
    codec = RowCodec().fit(mixed())
    kinds = dict(zip(codec.names_, codec.layout_.fields, strict=True))
    assert kinds["age"] == (FLAGGED, 2) and kinds["length"] == (NUMBER, 1)
    assert kinds["rooms"] == (CATEGORY, 5) and kinds["smoker"] == (CATEGORY, 3)
    assert kinds["kind"] == (CATEGORY, 4)  # with missing
    assert kinds["town"] == (CATEGORY, 2)  # with what was seen once
    assert codec.layout_.width == codec.encode(mixed()).shape[1] == 19


def test_new_rows_with_gaps_unseen_values_and_extremes_are_encoded() -> None:
    X = mixed()
    codec = RowCodec().fit(X)
    new = X.iloc[:3].reset_index(drop=True)
    new.loc[0, "price"] = 1e12
    new.loc[1, "length"] = np.nan
    new.loc[0, "kind"], new.loc[0, "town"] = "never seen", "never seen"
    Z = codec.encode(new)
    of = codec.layout_.field
    assert np.isfinite(Z).all()
    assert Z[0, of == 1] == codec.encode(X)[:, of == 1].max()
    assert Z[1, of == 2] == 0
    assert Z[0, of == 6].sum() == 0  # nothing is rare there
    assert Z[0, of == 7].tolist() == [0, 1]


def test_copes_with_few_rows_and_empty_columns_and_keeps_whole_number_types() -> None:
    few = table("classification").X.iloc[:3].copy()
    few["x2"], few["none"] = np.nan, pd.Series([None] * 3, dtype=object)
    few["count"] = np.array([3, 5, 9])
    codec = RowCodec().fit(few)
    made = codec.decode(noise(codec, 50), np.random.default_rng(0))
    assert made["x2"].isna().all() and made["none"].isna().all()
    assert made["count"].dtype == few["count"].dtype and made["count"].between(3, 9).all()


def test_survives_saving_without_pickle() -> None:
    codec = RowCodec().fit(mixed())
    file = io.BytesIO(skops.io.dumps(codec))
    types = skops.io.get_untrusted_types(data=file.getvalue())
    assert all(t.startswith("handful.") for t in types)
    again = skops.io.loads(file.getvalue(), trusted=types)
    Z = noise(codec, 20)
    pd.testing.assert_frame_equal(
        codec.decode(Z, np.random.default_rng(2)), again.decode(Z, np.random.default_rng(2))
    )


def test_texts_and_pictures_are_refused() -> None:
    with pytest.raises(DataError, match="no rows can be made up for the column 'note'"):
        RowCodec().fit(of_every_kind().X)
