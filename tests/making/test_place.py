"""What may be written as a new data set."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from handful.errors import SettingsError
from handful.making.enlarge import enlarge
from handful.making.place import check_kind, written_like
from handful.making.synthesize import synthesize
from tests.conftest import mixed, table


def test_no_rows_are_written_for_a_table_with_texts(tmp_path: Path) -> None:
    notes = [f"this is what was said of number {i}" for i in range(20)]
    rows = pd.DataFrame({"size": [i % 7 + 0.5 for i in range(20)], "note": notes, "y": list("ab") * 10})
    rows.to_csv(tmp_path / "t.csv", index=False)
    for write in (enlarge, synthesize):
        for place in ("more.csv", "more"):  # what cannot be is told before where it would lie
            with pytest.raises(SettingsError, match="the column 'note' holds texts, and none are made up"):
                write(tmp_path / "t.csv", tmp_path / place, per_class=12, target="y")
    assert not (tmp_path / "more.csv").exists()


def test_no_rows_are_written_for_a_table_with_pictures() -> None:
    dataset, paths = mixed(), (Path("rows.csv"), Path("more.csv"))
    with pytest.raises(SettingsError, match="the column 'photo' holds pictures"):
        check_kind(replace(dataset, X=dataset.X.drop(columns="note")), *paths, "augment")
    check_kind(table("classification"), *paths, "augment")


@pytest.mark.parametrize(
    ("value", "like"), [(3.8e-08, [3.8e-08, 4e-08]), (2.5e-7, [0.5, 1e-7]), (1.25e20, [1e20])]
)
def test_small_and_large_numbers_are_written_as_what_they_are(value: float, like: list[float]) -> None:
    assert float(written_like(value, np.array(like))) == value
