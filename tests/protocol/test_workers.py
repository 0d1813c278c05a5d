"""Workers are kept from fit to fit, since starting one takes longer than most fits."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.naive_bayes import GaussianNB

from handful.protocol.evaluate import evaluate
from tests.protocol.made import entrant, made_run

HELD: list[np.ndarray] = []


class Growing(GaussianNB):
    """Grows by 400 MB, as with an import of torch, and says in which process it is."""

    def fit(self, X: Any, y: Any) -> Growing:
        if not HELD:
            HELD.append(np.ones(50_000_000))
        time.sleep(1.1)  # joblib looks no more often
        self.history_ = [{"process": float(os.getpid())}]
        return super().fit(X, y)


def test_a_worker_that_has_grown_is_kept(tmp_path: Path) -> None:
    pytest.importorskip("psutil")  # without it joblib does not look
    run = made_run(tmp_path, [entrant("small", GaussianNB()), entrant("growing", Growing())], "quick", jobs=2)
    cells = [run.cells()[0], *(c for c in run.cells() if c.candidate.name == "growing")]
    evaluate(run, cells)
    results = [run.read(c) for c in cells[1:]]
    assert all(r.error is None for r in results), results[0].error
    assert len({r.history[0]["process"] for r in results}) <= 2 < len(results)
