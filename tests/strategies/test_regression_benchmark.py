"""A small version of benchmarks/regression.py."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import table

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from regression import delivered_table, interval_table, one_draw


def test_a_draw_says_how_many_fresh_values_lie_inside(capsys: pytest.CaptureFixture[str]) -> None:
    found = one_draw(table("regression", n=120), 60, 0, full=False)
    assert found["fresh"] == 60 and 0.6 <= found["covers"] <= 1
    assert np.mean(found["thirds"]) == pytest.approx(found["covers"])
    assert interval_table({("diabetes", 60): [found]}, "of one draw") == found["covers"]
    assert "| diabetes | 60 | 1 |" in capsys.readouterr().out


def test_what_was_delivered_stands_beside_what_was_told(capsys: pytest.CaptureFixture[str]) -> None:
    names = ("chosen", "mean", "ridge", "forest", "boosting")
    draw = {"scores": {n: [0.5, 40.0] for n in names}, "told": [0.4, 0.2, 0.6], "members": 3, "logs": 1}
    delivered_table({("diabetes", 60): [draw, draw]})
    told = capsys.readouterr().out
    assert "| diabetes | 60 | 2 | R² | **0.500** |" in told
    assert "| 0.400 (0.200 to 0.600) | 2 of 2 | 3.0; 1.0 |" in told
