"""What the cells left behind, as rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from handful.data.dataset import Dataset
from handful.evidence.predictions import tabulate
from handful.protocol.evaluate import fit_and_predict
from handful.protocol.run import Cell
from handful.protocol.splits import compare_splits
from handful.scoring import get_metric
from handful.settings import Settings
from handful.strategies import baseline


@pytest.mark.parametrize(
    ("counts", "metric", "score"),
    [([12] * 5, "accuracy", 0.2), ([8, 8], "accuracy", 0.5), ([39, 81], "roc_auc", 0.5)],
)
def test_a_guess_scores_what_it_does_on_new_data(counts: list[int], metric: str, score: float) -> None:
    y = np.repeat(np.arange(len(counts)), counts)
    n, classes = len(y), np.arange(len(counts))
    X, meta = pd.DataFrame({"x": np.zeros(n)}), pd.DataFrame(index=range(n))
    dataset = Dataset(X, y, np.arange(n).astype(str), meta, "classification", "table", classes)
    settings = Settings(budget="standard")
    guess = baseline.candidates(dataset, settings)[0]
    cells = [Cell(guess, split) for split in compare_splits(dataset, settings)]
    found = [(cell, fit_and_predict(cell.candidate, cell.split, dataset, len(counts))) for cell in cells]
    predictions = tabulate(dataset, get_metric(metric, "classification", y, classes), found)
    assert predictions.score(predictions.baseline())[0] == pytest.approx(score)
