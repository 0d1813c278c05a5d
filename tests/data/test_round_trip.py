"""Arbitrary tables: read, understood, stored and read again without a crash."""

from __future__ import annotations

import math
import tempfile
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from handful.data.infer import infer_schema
from handful.data.load import load, load_new
from handful.data.schema import TableSchema
from handful.data.store import digest, open_dataset, save
from handful.data.tables import read_table
from handful.errors import HandfulError
from handful.settings import Settings

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
CELLS = {
    "number": st.floats() | st.none(),
    "whole": st.integers(-(10**30), 10**30),
    "word": st.sampled_from(["a", "b", "NA", "-", "True", "1,5", "12 %", "007", "2024-01-02", "1e999"]),
    "text": TEXT | st.none(),
    "day": st.datetimes() | st.none(),
    "truth": st.booleans() | st.none(),
    "any": st.one_of(
        st.floats(), st.integers(), TEXT, st.booleans(), st.none(), st.dates(), st.binary(max_size=3)
    ),
}


@st.composite
def tables(draw: st.DrawFn) -> pd.DataFrame:
    """A table of up to five columns of any kind, with any names, beside a target of two classes."""
    n = draw(st.integers(4, 14))
    names = draw(st.lists(TEXT, min_size=1, max_size=5))
    columns = {}
    for i in range(len(names)):
        cells = CELLS[draw(st.sampled_from(sorted(CELLS)))]
        columns[i] = pd.Series(draw(st.lists(cells, min_size=n, max_size=n)), dtype=object)
    frame = pd.DataFrame(columns).set_axis(names, axis=1)
    frame.insert(0, "the target", [("yes", "no")[i % 2] for i in range(n)])
    return frame


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(tables())
def test_any_table_round_trips_or_is_refused_with_a_message(frame):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        frame.to_csv(folder / "t.csv", index=False)
        try:
            dataset = load(folder / "t.csv", Settings(target="the target", modality="table"))
        except HandfulError as error:
            assert str(error)
            return
        assert len(dataset) == len(frame)
        for column in dataset.X.columns:
            values = dataset.X[column]
            if values.dtype == object:
                assert all(value is None or type(value) is str for value in values)
            else:
                assert values.dtype == np.float64 and not np.isinf(values).any()
        save(dataset, folder)
        again = open_dataset(folder)
        pd.testing.assert_frame_equal(again.X, dataset.X, check_exact=True)
        assert digest(again) == digest(dataset)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # infinite values are told again
            assert load_new(folder / "t.csv", again.origin)[0].equals(dataset.X)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(tables())
def test_any_dataframe_has_a_schema_that_reads_it_alike_after_json(frame):
    frame = frame.drop(columns="the target")
    try:
        schema, _ = infer_schema(frame, "the target")
    except HandfulError as error:
        assert str(error)
        return
    X = schema.apply(frame)
    assert X.columns.tolist() == schema.feature_names and len(X) == len(frame)
    assert TableSchema.from_json(schema.to_json()).apply(frame).equals(X)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=4, max_size=12))
def test_numbers_come_back_from_csv_to_the_last_bit(numbers):
    frame = pd.DataFrame({"x": numbers, "y": ["a", "b"] * (len(numbers) // 2) + ["a"] * (len(numbers) % 2)})
    with tempfile.TemporaryDirectory() as name:
        frame.to_csv(Path(name) / "t.csv", index=False)
        schema, _ = infer_schema(frame[["x"]], "y", keep_all=True)
        read = schema.apply(read_table(Path(name) / "t.csv"))["x"].tolist()
    assert all(
        math.copysign(1, a) == math.copysign(1, b) and a == b for a, b in zip(read, numbers, strict=True)
    )
