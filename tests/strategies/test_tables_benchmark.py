"""A small version of benchmarks/tables.py."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_wine

from tests.conftest import table

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from tables import MODELS, one_draw, tell


def test_four_models_meet_the_same_rows_and_the_winner_is_told(capsys: pytest.CaptureFixture) -> None:
    from handful.data.dataset import Dataset

    X, y = load_wine(return_X_y=True, as_frame=True)
    wine = Dataset(
        X.astype(float), y.to_numpy(), np.arange(len(y)).astype(str), X[[]], "classification", "table"
    )
    wine.classes = np.arange(3)
    draws = [one_draw(wine, 60, seed) for seed in (0, 1)]
    again = one_draw(wine, 60, 0)
    np.testing.assert_array_equal(draws[0]["scores"], again["scores"])
    assert min(d["scores"][0] for d in draws) > 0.9  # the network
    values = one_draw(table("regression", n=120), 60, 0)["scores"]
    found = {
        60: {
            "wine": {
                "scores": np.stack([d["scores"] for d in draws]),
                "seconds": np.ones((2, 4)),
                "task": "classification",
            },
            "diabetes": {"scores": values[None], "seconds": np.ones((1, 4)), "task": "regression"},
        }
    }
    tell(found)
    said = capsys.readouterr().out
    assert "| table | network | boosted trees | SVM | linear | best |" in said and "diabetes (R²)" in said
    assert "is best on average" in said and len(MODELS) == 4
