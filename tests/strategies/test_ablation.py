"""What a kind of columns brings."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from handful.data.dataset import Dataset
from handful.data.load import load
from handful.protocol.evaluate import fit_and_predict
from handful.protocol.splits import compare_splits
from handful.settings import Settings
from handful.strategies import propose, tables
from handful.strategies.ablation import LeftOut, candidates, kinds_of
from handful.strategies.candidate import Candidate
from tests.conftest import mixed, pictures, table


@pytest.fixture(autouse=True)
def no_text_backbone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "text_backbone", lambda settings: None)


def test_there_is_one_without_each_kind_of_columns() -> None:
    found = candidates(mixed(), Settings())
    assert [c.technique for c in found] == [
        *("the text column 'note'", "the picture column 'photo'"),
        *("the number column 'x0'", "the category column 'kind'"),
    ]
    assert {c.base for c in found} == {"lite0 svm"} and all(c.lacks for c in found)
    assert found[0].name == "lite0 svm without the text column 'note'"
    assert [c.deep for c in found] == [True, False, True, True]  # without pictures no network is left
    assert found[1].family == "classic"


def test_larger_budgets_ask_two_models() -> None:
    standard = candidates(table("regression"), Settings(budget="standard"))
    assert [c.name for c in standard] == [
        f"{head} without {what}"
        for head in ("svr", "extra trees")
        for what in ("the 10 number columns", "the category column 'kind'")
    ]


def test_where_all_columns_are_of_one_kind_nothing_is_left_out() -> None:
    whole = table("classification")
    assert candidates(replace(whole, X=whole.X.drop(columns="kind")), Settings()) == []
    assert candidates(pictures(), Settings()) == []


def test_a_date_is_one_kind_whatever_its_parts() -> None:
    days = pd.date_range("2021-03-01", periods=12, freq="13D").strftime("%Y-%m-%d")
    frame = pd.DataFrame({"day": days, "ok": [True, False] * 6, "y": list("ab") * 6})
    dataset = load(frame, Settings(target="y"))
    assert kinds_of(dataset) == [
        ("the category column 'ok'", ("ok",)),
        ("the date column 'day'", tuple(c for c in dataset.X if c.startswith("day"))),
    ]


def test_the_one_without_does_not_see_them() -> None:
    dataset = table("classification")
    without = candidates(dataset, Settings())[0]
    assert isinstance(without.estimator.features[0], LeftOut)
    X = dataset.X.copy()
    numbers = [c for c in X if c != "kind"]
    X[numbers] = np.random.default_rng(0).normal(size=(len(X), len(numbers)))
    split = compare_splits(dataset, Settings())[0]
    one, other = (fit_and_predict(without, split, d, 3) for d in (dataset, replace(dataset, X=X)))
    assert one.test is not None
    np.testing.assert_array_equal(one.test, other.test)


def test_it_comes_with_what_it_is_compared_with() -> None:
    found = {c.name: c for c in propose(table("classification"), Settings(families=("ablation",)))}
    assert "svm" in found
    without = found["svm without the category column 'kind'"]
    assert Candidate.from_json(without.to_json()).lacks


def test_a_mixed_table_is_proposed_models_that_look_and_models_that_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tables, "text_backbone", lambda settings: "minilm")
    dataset: Dataset = mixed()
    found = {c.name: c for c in propose(dataset, Settings())}
    assert not found["svm"].deep and found["svm"].family == "classic"
    looking = found["minilm lite0 svm"]
    assert looking.deep and (looking.base, looking.family) == ("svm", "transfer")
    assert looking.label.endswith("with frozen features of minilm and lite0")
