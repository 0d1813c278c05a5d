"""The only code that fits under cross-validation."""

from __future__ import annotations

import os
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from handful.data.dataset import Dataset
from handful.nets.device import on_device
from handful.protocol.run import Cell, FoldResult, Run, opened
from handful.protocol.splits import Split, labels_of
from handful.strategies.candidate import Candidate, accepts, count_parameters, scores


@dataclass(frozen=True)
class Progress:
    """How far a run is: cells done of all, seconds left (None before anything is known), the best so far."""

    done: int
    total: int
    seconds_left: float | None
    best: str | None
    best_score: float | None
    stage: str = "comparing"


def evaluate(
    run: Run,
    cells: Sequence[Cell],
    tell: Callable[[Progress], None] | None = None,
    stage: str = "comparing",
) -> None:
    """Run the cells that have no result yet, in order, on `settings.jobs` processes."""
    missing = [cell for cell in cells if not run.has(cell)]
    pace = _Pace(run, cells, missing, stage)
    jobs = max(1, min(run.settings.jobs or os.cpu_count() or 1, len(missing)))
    if tell:
        tell(pace.progress(jobs))
    for outcome in _outcomes(run, missing, jobs):
        pace.add(outcome)
        if tell:
            tell(pace.progress(jobs))


@dataclass(frozen=True)
class Outcome:
    """What a worker says when a cell is done; everything else is in the cell's file."""

    candidate: str
    split: str
    score: float | None
    seconds: float


def work(folder: str, identity: str, cell: Cell, parent: int) -> Outcome:
    """A cell in a worker process, started by the process `parent`: open the run, then as everywhere."""
    follow(parent)
    return run_cell(opened(folder, identity), cell)


@lru_cache(maxsize=1)
def follow(parent: int) -> None:
    """Let this worker end when its parent has died: killed, it tells nobody, and workers would live on.

    Only where `parent` is this process's own; another scheduler looks after its workers itself.
    """

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)  # only a temporary file can be left half-written

    if os.getppid() == parent:
        threading.Thread(target=watch, daemon=True).start()


def run_cell(run: Run, cell: Cell) -> Outcome:
    """Read the run, fit, predict, write one file."""
    with threadpool_limits(1), warnings.catch_warnings(), on_device(run.settings.device):
        warnings.simplefilter("ignore")
        if "torch" in sys.modules:
            sys.modules["torch"].set_num_threads(1)
        result = fit_and_predict(cell.candidate, cell.split, run.dataset, run.n_classes)
    run.write(cell, result)
    return _outcome(run, cell, result)


def fit_and_predict(
    candidate: Candidate, split: Split, dataset: Dataset, n_classes: int | None
) -> FoldResult:
    """Fit a fresh clone on the training part and predict both parts; an error is a result too."""
    start = time.perf_counter()
    try:
        estimator = candidate.fresh(split.seed)
        X, y = getattr(dataset, candidate.view), labels_of(dataset, split)
        X_train = take(X, split.train)
        estimator.fit(X_train, y[split.train], **visible(dataset, split.train, estimator))
        test = scores(estimator, take(X, split.test), n_classes)
        seconds = time.perf_counter() - start
        train = scores(estimator, X_train, n_classes)
        if not (np.isfinite(test).all() and np.isfinite(train).all()):
            raise FloatingPointError("it predicted values that are not finite numbers")
        precision = np.float64 if n_classes is None else np.float32
        return FoldResult(
            test.astype(precision),
            train.astype(precision),
            seconds,
            count_parameters(estimator),
            history=getattr(estimator, "history_", None),
        )
    except Exception as error:
        about = {
            "type": type(error).__name__,
            "message": str(error)[:2000],
            "traceback": traceback.format_exc()[-8000:],
        }
        return FoldResult(None, None, time.perf_counter() - start, None, about)


def take(X: Any, rows: np.ndarray) -> Any:
    """Some samples of X, in the form X has."""
    return X.iloc[rows] if isinstance(X, (pd.DataFrame, pd.Series)) else X[rows]


def visible(dataset: Dataset, rows: np.ndarray, estimator: Any) -> dict[str, Any]:
    """What `fit` may see beside X and y, if its signature names it: its own groups, and unlabelled data."""
    beside = {
        "groups": None if dataset.groups is None else dataset.groups[rows],
        "unlabelled": dataset.unlabelled,
    }
    return {k: v for k, v in beside.items() if v is not None and accepts(estimator.fit, k)}


def _outcome(run: Run, cell: Cell, result: FoldResult) -> Outcome:
    score = None
    if result.test is not None:
        value = run.metric.value(labels_of(run.dataset, cell.split)[cell.split.test], result.test)
        score = float(run.metric.gain(value)) if np.isfinite(value) else None
    return Outcome(cell.candidate.name, cell.split.name, score, result.seconds)


def _outcomes(run: Run, cells: list[Cell], jobs: int) -> Iterator[Outcome]:
    if jobs == 1:
        yield from (run_cell(run, cell) for cell in cells)
        return
    from joblib import Parallel, delayed, parallel_config
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    about = str(run.folder.absolute()), run.identity
    try:
        with parallel_config("loky", n_jobs=jobs, inner_max_num_threads=1):
            parallel = Parallel(return_as="generator_unordered", batch_size=1)
            yield from parallel(delayed(work)(*about, cell, os.getpid()) for cell in cells)
    except TerminatedWorkerError:
        yield from _one_by_one(run, [cell for cell in cells if not run.has(cell)], jobs)


def _one_by_one(run: Run, cells: list[Cell], jobs: int) -> Iterator[Outcome]:
    """After a worker died: cells that may have killed it run alone, and those that die again have failed."""
    from concurrent.futures.process import BrokenProcessPool

    from joblib.externals.loky import ProcessPoolExecutor

    suspects, rest = cells[: 2 * jobs], cells[2 * jobs :]
    for cell in suspects:
        try:
            with ProcessPoolExecutor(max_workers=1) as alone:
                yield alone.submit(work, str(run.folder.absolute()), run.identity, cell, os.getpid()).result()
        except BrokenProcessPool as error:
            message = "the worker process died, most likely because the machine ran out of memory"
            dead = FoldResult(
                None, None, 0.0, None, {"type": "MemoryError", "message": message, "traceback": str(error)}
            )
            run.write(cell, dead)
            yield _outcome(run, cell, dead)
    if rest:
        yield from _outcomes(run, rest, jobs)


class _Pace:
    """Estimates from what has been seen: a cell takes as long as the same candidate took before."""

    def __init__(self, run: Run, cells: Sequence[Cell], missing: Sequence[Cell], stage: str) -> None:
        self.metric, self.total, self.stage = run.metric, len(cells), stage
        self.todo = {(c.candidate.name, c.split.name) for c in missing}
        self.seconds: dict[str, list[float]] = {}
        self.scores: dict[str, list[float]] = {}
        finished = [cell for cell in cells if (cell.candidate.name, cell.split.name) not in self.todo]
        for cell in finished:
            result = run.read(cell)
            if result is not None:
                self.add(_outcome(run, cell, result))

    def add(self, outcome: Outcome) -> None:
        self.todo.discard((outcome.candidate, outcome.split))
        self.seconds.setdefault(outcome.candidate, []).append(outcome.seconds)
        if outcome.score is not None:
            self.scores.setdefault(outcome.candidate, []).append(outcome.score)

    def progress(self, jobs: int) -> Progress:
        best, score = self._best()
        done = self.total - len(self.todo)
        return Progress(done, self.total, self._left(jobs), best, score, self.stage)

    def _left(self, jobs: int) -> float | None:
        if not self.seconds:
            return None
        usual = float(np.mean([s for seen in self.seconds.values() for s in seen]))
        return sum(float(np.mean(self.seconds.get(name, [usual]))) for name, _ in self.todo) / jobs

    def _best(self) -> tuple[str | None, float | None]:
        if not self.scores:
            return None, None
        most = max(map(len, self.scores.values()))
        name = max(
            (n for n, s in self.scores.items() if len(s) == most), key=lambda n: np.mean(self.scores[n])
        )
        return name, float(self.metric.gain(float(np.mean(self.scores[name]))))
