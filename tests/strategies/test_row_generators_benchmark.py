"""A small version of benchmarks/row_generators.py."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import row_generators
from row_generators import codes_draw, measured, one_draw, tables, tell, tell_codes


def test_made_up_rows_teach_nearly_what_the_real_ones_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setattr(
        row_generators,
        "GENERATORS",
        {
            "RowVAE": lambda seed: row_generators.RowVAE(epochs=60, random_state=seed),
            "FeatureVAE": lambda seed: row_generators.FeatureVAE(epochs=60, random_state=seed),
        },
    )
    features = row_generators.TableAutoencoderFeatures
    wine = {"wine": tables(None)["wine"]}
    found = measured(wine, (60,), 1, None, one_draw)
    accuracy = found[60]["wine"]["accuracy"]
    assert accuracy.shape == (3, 2) and accuracy.min() > 0.85
    np.testing.assert_array_equal(one_draw(*wine["wine"], 60, 0)["accuracy"], accuracy)
    tell(found)
    monkeypatch.setattr(
        row_generators,
        "TableAutoencoderFeatures",
        lambda **given: features(epochs=60, **given),
    )
    tell_codes(measured(wine, (60,), 1, None, codes_draw))
    said = capsys.readouterr().out
    assert "RowVAE" in said and "CPU seconds of a fit" in said and "logistic, both |" in said
