"""Arguments of `handful.fit` that are not of the type the command line has."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsRegressor

import handful
from handful.errors import SettingsError
from handful.fit import FitRun

X = np.random.default_rng(0).normal(size=(30, 2))
y = np.repeat([1, 2, 3], 10)
MINE = [("bayes", GaussianNB())]


def fitted(folder: Path, data: Any, **options: Any) -> FitRun:
    options = {"families": ["baseline"], "candidates": MINE, "jobs": 1, "out": folder / "run", **options}
    return handful.fit(data, **options)


def test_numpy_numbers_and_classes_that_are_numbers_are_taken(tmp_path: Path) -> None:
    run = fitted(tmp_path, (X, y), seed=np.int64(1), jobs=np.int64(1), drop_classes=[np.int64(3)])
    assert run.model.classes is not None and run.model.classes.tolist() == [1, 2]
    assert handful.protocol.run.Run.open(run.folder).settings.seed == 1


def test_columns_that_are_named_by_numbers_are_taken(tmp_path: Path) -> None:
    frame = pd.DataFrame(np.column_stack([X, y, np.arange(30) // 2]), columns=[0, 1, 7, 9])
    run = fitted(tmp_path, frame, target=7, groups=9, task="classification")
    assert run.summary["protocol"]["grouped"]
    assert run.model.predict(frame[[0, 1]]).shape == (30,)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"test": (X, y)}, "test: the path of a folder or of a table is needed, but this is a tuple"),
        ({"target": y}, r"target: the name of a column is needed, but this is a ndarray.*\(X, y\)"),
        ({"groups": [1] * 30}, r"groups: the name of a column .* this is a list.*\(X, y, groups\)"),
        ({"seed": 1.5}, "--seed 1.5: a whole number from 0 is needed"),
    ],
)
def test_arguments_of_another_kind_are_refused_with_what_is_needed(
    options: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(SettingsError, match=message):
        fitted(tmp_path, (X, y), **options)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("metric", ["r2", "mae"])
def test_the_unit_of_the_target_changes_nothing(metric: str, tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    inputs = random.normal(size=(60, 3))
    target = inputs[:, 0] + 0.3 * random.normal(size=60)
    models = [("ols", LinearRegression()), ("neighbours", KNeighborsRegressor())]
    told, found, unit = [], [], 1e-12
    for place, values in enumerate((target, unit * target + 5 * unit)):
        run = fitted(
            tmp_path / str(place), (inputs, values), candidates=models, metric=metric, task="regression"
        )
        told.append([run.summary["expected"][k] for k in ("low", "value", "high")])
        found.append(run.summary["verdict"]["deep_learning"])
        assert "could not be computed" not in str(run.summary["reasons"])
    assert found[0] == found[1] != "nothing to learn"
    assert told[1] == pytest.approx(np.multiply(told[0], 1 if metric == "r2" else unit), rel=1e-3)
    assert metric == "r2" or re.search(r"off by about \d\.\d\de-13 on average", str(run))


@pytest.mark.parametrize("metric", ["r2", "mae", "rmse"])
@pytest.mark.parametrize("decimals", [3, None])
def test_a_target_that_can_be_predicted_exactly_is_told_as_such(
    metric: str, decimals: int | None, tmp_path: Path
) -> None:
    inputs = np.random.default_rng(1).normal(size=(40, 3))
    target = inputs.sum(axis=1) if decimals is None else inputs.sum(axis=1).round(decimals)
    ols = [("ols", LinearRegression())]
    run = fitted(tmp_path, (inputs, target), candidates=ols, metric=metric, task="regression")
    told, line = run.summary["expected"], run.summary["leaderboard"][0]
    assert run.summary["chosen"] == line["name"] == "ols"
    if metric == "r2":
        assert 0.99 < told["low"] <= told["value"] <= told["high"] <= 1
    elif decimals is None:
        assert 0 == told["low"] < told["value"] <= told["high"] < 1e-6
    else:  # what was rounded off is the error
        assert 1e-4 < told["low"] < line["score"] < told["high"] < 1e-3
    assert (run.folder / "report.html").stat().st_size > 10_000
