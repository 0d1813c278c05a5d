"""The only code that fits under cross-validation."""

from __future__ import annotations

import sys
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from queue import Queue
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import ThreadpoolController

from handful.backbones.engine import on_device
from handful.data.dataset import Dataset
from handful.errors import HandfulError, RunError
from handful.nets.device import device
from handful.protocol.clock import OutOfTime, within
from handful.protocol.cluster import Cluster, connect
from handful.protocol.run import Cell, FoldResult, Run, opened
from handful.protocol.splits import Split, labels_of
from handful.strategies.candidate import Candidate, accepts, count_parameters, scores
from handful.workers import first_of_all, usable_cores, workers

# Cells whose fits take less than so many seconds together tell nothing of what is lost beside the fits.
ENOUGH, MOST_WASTE = 1.0, 2.0


@dataclass(frozen=True)
class Progress:
    """How far a run is: cells done of all, seconds left (None before anything is known), the best so far.

    `note` is for the person to read once: the plan, or what came of it.
    """

    done: int
    total: int
    seconds_left: float | None
    best: str | None
    best_score: float | None
    stage: str = "comparing"
    note: str | None = None


Tell = Callable[[Progress], None]
Allow = Callable[[Cell], float]  # seconds that a cell may take, asked just before it starts; 0: it does not


def evaluate(
    run: Run,
    cells: Sequence[Cell],
    tell: Tell | None = None,
    stage: str = "comparing",
    *,
    pace: Pace | None = None,
    allow: Allow | None = None,
) -> list[Outcome]:
    """Run the cells that have no result yet, in order, on `settings.jobs` processes; what came of each.

    `pace` is carried on where these cells are a part of more. Under `allow`, cells can be left out or broken
    off: those have no result, and no outcome or a late one.
    """
    missing = [cell for cell in cells if not run.has(cell)]
    pace = pace or Pace(run, cells, stage)
    jobs = processes(run, len(missing))
    found = []
    if tell:
        tell(pace.progress())
    begin = time.monotonic()
    for outcome in _outcomes(run, missing, jobs, allow):
        found.append(outcome)
        pace.add(outcome)
        if tell:
            tell(pace.progress())
    pace.took(time.monotonic() - begin, found, jobs)
    return found


def start_workers(run: Run) -> None:
    """Let every worker import what it needs, so that the first fits take no longer than others."""
    jobs = processes(run, len(run.candidates))
    if jobs > 1 and run.settings.backend == "loky":
        from joblib import Parallel, delayed

        about = str(run.folder.absolute()), run.identity
        with workers(jobs):
            Parallel(batch_size=1, pre_dispatch=jobs)(delayed(_look)(*about) for _ in range(jobs))


def _look(folder: str, identity: str) -> int:
    run = opened(folder, identity)
    return len(run.candidates) + len(run.dataset)


def processes(run: Run, cells: int) -> int:
    """How many cells run at once."""
    settings = run.settings
    there = (settings.jobs or usable_cores()) if settings.backend == "loky" else _cluster(run).slots()
    return max(1, min(settings.jobs or there, cells))


def _cluster(run: Run) -> Cluster:
    return connect(run.settings.backend, run.settings.address)


@dataclass(frozen=True)
class Outcome:
    """What a worker says when a cell is done; everything else is in the cell's file.

    `late`: it was broken off because it took longer than it may, and has no file.
    """

    candidate: str
    split: str
    score: float | None
    seconds: float
    late: bool = False


def work(folder: str, identity: str, cell: Cell, most: float | None = None) -> Outcome:
    """A cell in a worker process: open the run, then as everywhere."""
    return run_cell(opened(folder, identity), cell, most)


def run_cell(run: Run, cell: Cell, most: float | None = None) -> Outcome:
    """Read the run, fit, predict, write one file; nothing is written where it takes over `most` seconds."""
    start = time.perf_counter()
    try:
        with one_thread(), on_device(run.settings.device), within(most):
            result = fit_and_predict(cell.candidate, cell.split, run.dataset, run.n_classes)
    except OutOfTime:
        return Outcome(cell.candidate.name, cell.split.name, None, time.perf_counter() - start, late=True)
    run.write(cell, result)
    return _outcome(run, cell, result)


@contextmanager
def one_thread() -> Iterator[None]:
    """Fits in it are silent and take one thread each: small data gains nothing from more."""
    with _pools(len(sys.modules)).limit(limits=1), warnings.catch_warnings():
        warnings.resetwarnings()  # each tree of a forest repeats every filter that there is
        warnings.simplefilter("ignore")
        if "torch" in sys.modules:
            sys.modules["torch"].set_num_threads(1)
        yield


@lru_cache(maxsize=1)
def _pools(modules: int) -> ThreadpoolController:
    """The libraries with threads of their own, looked for again when more modules have been imported.

    The search goes through everything that is loaded, which takes longer than many a fit.
    """
    return ThreadpoolController()


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
            told=getattr(estimator, "told_", None),
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


def _outcomes(run: Run, missing: list[Cell], jobs: int, allow: Allow | None = None) -> Iterator[Outcome]:
    """What came of each: networks are trained in a lane of their own where there is a GPU."""
    on_gpu = [c for c in missing if c.candidate.trains_network] if has_gpu(run) else []
    if not on_gpu:
        yield from _on_workers(run, missing, jobs, allow)
        return
    others = [c for c in missing if not c.candidate.trains_network]
    yield from _side_by_side(_one_after_another(run, on_gpu, allow), _on_workers(run, others, jobs, allow))


def has_gpu(run: Run) -> bool:
    """Whether its networks are trained on a GPU."""
    with on_device(run.settings.device):
        return device() == "cuda"


def _on_workers(run: Run, cells: list[Cell], jobs: int, allow: Allow | None) -> Iterator[Outcome]:
    if run.settings.backend != "loky":
        waiting = 0 if allow or run.settings.jobs else jobs  # so that no worker waits for the next cell
        yield from _on_cluster(run, cells, jobs + waiting, allow)
        return
    allowed = _allowed(cells, allow)
    if jobs == 1:
        yield from (run_cell(run, cell, most) for cell, most in allowed)
        return
    from joblib import Parallel, delayed
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    about = str(run.folder.absolute()), run.identity
    try:
        with workers(jobs):
            # Under a limit nothing waits in line: what a cell may take is decided when it starts.
            parallel = Parallel(
                return_as="generator_unordered", batch_size=1, pre_dispatch=jobs if allow else "2*n_jobs"
            )
            yield from parallel(delayed(work)(*about, cell, most) for cell, most in allowed)
    except TerminatedWorkerError:
        # Cells that may have killed it run alone, and those that die again have failed.
        left = [cell for cell in cells if not run.has(cell)]
        yield from _one_after_another(run, left[: 2 * jobs], allow)
        yield from _on_workers(run, left[2 * jobs :], jobs, allow)


def _on_cluster(run: Run, cells: Sequence[Cell], at_once: int, allow: Allow | None) -> Iterator[Outcome]:
    """A cell that kills its worker also when it is alone has failed; where the cluster is lost, resume."""
    cluster, about = _cluster(run), (str(run.folder.absolute()), run.identity)
    cluster.check(*about)
    suspects: list[Cell] = []
    calls = ((cell, (work, *about, cell, most)) for cell, most in _allowed(cells, allow))
    for cell, end in cluster.each(calls, at_once):
        try:
            yield end.result()
        except cluster.died as error:
            if at_once == 1:
                yield _died(run, cell, error)
            else:
                suspects.append(cell)  # or it waited beside one that did
        except HandfulError:
            raise
        except Exception as error:
            raise RunError(
                f"the {cluster.name} cluster gave no result of {cell.candidate.name!r}: {error!r}. Continue "
                f"with 'handful resume {run.folder}', on this machine alone with --backend loky."
            ) from error
    if suspects:
        yield from _on_cluster(run, suspects, 1, allow)


def _allowed(cells: Sequence[Cell], allow: Allow | None) -> Iterator[tuple[Cell, float | None]]:
    """The cells for which there is time, and the seconds that each may take, asked when it is drawn."""
    return ((cell, most) for cell in cells if (most := _most(cell, allow)) is None or most > 0)


def _most(cell: Cell, allow: Allow | None) -> float | None:
    return None if allow is None else allow(cell)


def _one_after_another(run: Run, cells: Sequence[Cell], allow: Allow | None) -> Iterator[Outcome]:
    """Cells in one process of their own; a cell that kills it has failed, and the next gets a new one."""
    from concurrent.futures.process import BrokenProcessPool

    from joblib.externals.loky import ProcessPoolExecutor

    about = str(run.folder.absolute()), run.identity
    waiting = list(cells)
    while waiting:
        with ProcessPoolExecutor(max_workers=1, **first_of_all()) as alone:
            while waiting:
                cell = waiting.pop(0)
                most = _most(cell, allow)
                if most is not None and most <= 0:
                    continue
                try:
                    yield alone.submit(work, *about, cell, most).result()
                except BrokenProcessPool as error:
                    yield _died(run, cell, error)
                    break


def _died(run: Run, cell: Cell, error: BaseException) -> Outcome:
    message = "the worker process died, most likely because the machine ran out of memory"
    about = {"type": "MemoryError", "message": message, "traceback": str(error)}
    dead = FoldResult(None, None, 0.0, None, about)
    run.write(cell, dead)
    return _outcome(run, cell, dead)


def _told(found: Outcome | Exception | None) -> Iterator[Outcome]:
    if isinstance(found, Exception):
        raise found
    if found is not None:
        yield found


def _side_by_side(lane: Iterator[Outcome], rest: Iterator[Outcome]) -> Iterator[Outcome]:
    """The outcomes of both as they come: `lane` goes on in a thread, which only waits for its process."""
    done: Queue[Outcome | Exception | None] = Queue()
    stopped = threading.Event()

    def follow_lane() -> None:
        try:
            for outcome in lane:
                done.put(outcome)
                if stopped.is_set():
                    return
            done.put(None)
        except Exception as error:
            done.put(error)

    threading.Thread(target=follow_lane, daemon=True).start()
    try:
        for outcome in rest:
            yield outcome
            while done.qsize() > 1:  # the last may be the end, or an error
                yield from _told(done.get())
        while (last := done.get()) is not None:
            yield from _told(last)
    finally:
        stopped.set()


class Pace:
    """Estimates from what has been seen: a cell takes as long as the same candidate took before.

    `ahead` counts cells that will follow if there is time: they are in the estimate, not in the total.
    """

    def __init__(self, run: Run, cells: Sequence[Cell], stage: str, left: Callable[[], float] | None = None):
        self.run, self.metric, self.stage, self.left = run, run.metric, stage, left
        self.seconds: dict[str, list[float]] = {}
        self.scores: dict[str, list[float]] = {}
        self.waste = 1.2
        self.done, self.todo, self.ahead = 0, set[tuple[str, str]](), list[str]()
        self.extend(cells)

    def extend(self, cells: Sequence[Cell]) -> None:
        """These cells are to be done too, as far as they have no result yet."""
        for cell in cells:
            result = self.run.read(cell)
            if result is None:
                self.todo.add((cell.candidate.name, cell.split.name))
            else:
                self._note(_outcome(self.run, cell, result))

    def onward(self, stage: str, cells: Sequence[Cell]) -> Pace:
        """The pace of a later stage, which knows what this one has seen."""
        later = Pace(self.run, cells, stage, self.left)
        later.seconds = {name: list(seen) for name, seen in self.seconds.items()}
        later.scores, later.waste = dict(self.scores), self.waste
        return later

    def add(self, outcome: Outcome) -> None:
        """Count a cell that has ended."""
        self.todo.discard((outcome.candidate, outcome.split))
        if not outcome.late:
            self._note(outcome)

    def _note(self, outcome: Outcome) -> None:
        self.done += 1
        self.seconds.setdefault(outcome.candidate, []).append(outcome.seconds)
        if outcome.score is not None:
            self.scores.setdefault(outcome.candidate, []).append(outcome.score)

    def drop(self, names: Collection[str]) -> None:
        """These candidates run no further."""
        self.todo = {(name, split) for name, split in self.todo if name not in names}
        self.ahead = [name for name in self.ahead if name not in names]

    def took(self, wall: float, outcomes: Sequence[Outcome], jobs: int) -> None:
        """Learn how much longer cells take than their fits: reading, writing, waiting for each other."""
        fits = sum(o.seconds for o in outcomes)
        if fits > ENOUGH:  # of the latest cells: how busy the machine is changes
            self.waste = float(np.clip(wall * jobs / fits, 1.0, MOST_WASTE))

    def expected(self, name: str) -> float | None:
        """Seconds that a fit of this candidate takes; None before one was seen.

        The median: the first fit in a process is slow, since it imports what it needs.
        """
        return float(np.median(self.seconds[name])) if name in self.seconds else None

    def usual(self) -> float | None:
        """Seconds that a fit takes on average; None before any was seen."""
        return (
            float(np.mean([s for seen in list(self.seconds.values()) for s in seen]))
            if self.seconds
            else None
        )

    def progress(self) -> Progress:
        best, score = self._best()
        return Progress(self.done, self.done + len(self.todo), self._seconds_left(), best, score, self.stage)

    def _seconds_left(self) -> float | None:
        limit = None if self.left is None else max(0.0, self.left())
        usual = self.usual()
        if usual is None:
            return limit
        names = [*(name for name, _ in self.todo), *self.ahead]
        jobs = processes(self.run, len(names))
        expected = (
            self.waste
            / jobs
            * sum(usual if (known := self.expected(name)) is None else known for name in names)
        )
        return expected if limit is None else min(limit, expected)

    def _best(self) -> tuple[str | None, float | None]:
        if not self.scores:
            return None, None
        most = max(map(len, self.scores.values()))
        name = max(
            (n for n, s in self.scores.items() if len(s) == most), key=lambda n: np.mean(self.scores[n])
        )
        return name, float(self.metric.gain(float(np.mean(self.scores[name]))))
