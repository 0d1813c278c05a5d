"""Workers are kept from fit to fit, since starting one takes longer than most fits."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from joblib import Parallel, delayed
from sklearn.naive_bayes import GaussianNB

from handful.protocol.evaluate import evaluate
from handful.workers import GROWTH, WATCH, workers
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


def test_the_stages_of_a_run_share_their_workers(tmp_path: Path) -> None:
    """What is fitted on folds starts no workers where others, such as what describes samples, have begun."""
    run = made_run(tmp_path, [entrant("here", Here()), entrant("there", Here())], "quick", jobs=2)
    with workers(2):
        before = set(Parallel(batch_size=1)(delayed(_here)() for _ in range(8)))
    evaluate(run, run.cells())
    during = {run.read(c).history[0]["process"] for c in run.cells()}
    assert len(before) == 2 and during <= before


def test_all_workers_are_let_grow_and_watch_who_started_them() -> None:
    with workers(2):
        found = Parallel(batch_size=1)(delayed(_prepared)() for _ in range(4))
    assert found == [(GROWTH, True)] * 4


class Here(GaussianNB):
    """Says in which process it is."""

    def fit(self, X: Any, y: Any) -> Here:
        self.history_ = [{"process": _here()}]
        return super().fit(X, y)


def _here() -> float:
    time.sleep(0.1)
    return float(os.getpid())


def _prepared() -> tuple[int, bool]:
    from joblib.externals.loky import process_executor

    return process_executor._MAX_MEMORY_LEAK_SIZE, any(t.name == WATCH for t in threading.enumerate())
