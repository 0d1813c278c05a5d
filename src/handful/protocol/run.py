"""A run is a folder. Any process that can open it can work on it, resume it or report on it."""

from __future__ import annotations

import json
import platform
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cached_property, lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any
from uuid import uuid4
from zipfile import BadZipFile

import numpy as np

import handful
from handful.data import store
from handful.data.dataset import Dataset
from handful.errors import RunError
from handful.files import leftovers, read_json, whole, write_json, writing
from handful.protocol.splits import Split
from handful.scoring import Metric, get_metric
from handful.settings import Settings
from handful.strategies.candidate import Candidate, Lost

PACKAGES = ("numpy", "scipy", "pandas", "scikit-learn", "pillow", "torch", "timm", "onnxruntime")


@dataclass(frozen=True)
class Cell:
    """One candidate on one split."""

    candidate: Candidate
    split: Split

    @property
    def file(self) -> str:
        return f"{self.candidate.key}/{self.split.name}.npz"


@dataclass(frozen=True)
class FoldResult:
    """What a cell left behind: scores for the held-out and the training part, or the error.

    Scores are `(n, K)` probabilities or `(n,)` values; `error` is a dict `type`, `message`, `traceback`;
    `history` is what a network that was trained here wrote down, a dict of numbers an epoch; `told` what an
    estimator counted (its `told_`).
    """

    test: np.ndarray | None
    train: np.ndarray | None
    seconds: float
    parameters: int | None = None
    error: dict[str, str] | None = None
    history: list[dict[str, float]] | None = None
    told: dict[str, float] | None = None


@dataclass(frozen=True)
class Stop:
    """A candidate that was stopped after the first `splits` splits: "behind" (it could not reach the leader
    any more) or "time" (none was left for it).
    """

    why: str
    splits: int


class Run:
    """The folder `run.json`, `data/`, `results/`, `model/`, `report.json`, `report.html`."""

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)
        self.made: list[Path] = []
        self._planned: tuple[dict[str, Any], list[Cell]] | None = None  # the follow-up as it was last read

    # --- its beginning

    @classmethod
    def claim(cls, settings: Settings, by_hand: Sequence[str] = ()) -> Run:
        """Take the folder `settings.out` for a new run, before any data is read.

        From here on `resume` can take over: it finds the settings here, and the data or where it lies.
        `by_hand` names the arguments that no settings can hold, and that must come again until `begin`.
        Raises RunError where the folder holds another run or other things, or cannot be made.
        """
        folder = Path(settings.out or "")
        if (folder / "run.json").exists():
            raise RunError(
                f"{folder} holds another run. Give another folder with --out, continue that run with "
                f"'handful resume {folder}', or delete it first."
            )
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise RunError(f"{folder} exists and is not an empty folder. Give another folder with --out.")
        run = cls(folder)
        run.made = [path for path in (folder, *folder.parents) if not path.exists()]
        about = {
            "handful": handful.__version__,
            "id": uuid4().hex,
            "settings": settings.to_json(),
            "by_hand": list(by_hand),
        }
        try:
            with writing(folder):
                folder.mkdir(parents=True, exist_ok=True)
            write_json(folder / "run.json", about)
        except Exception:
            run.abandon()
            raise
        return run

    def abandon(self) -> None:
        """Remove everything: the data turned out to be unusable, and nothing half-written may stay."""
        shutil.rmtree(self.folder, ignore_errors=True)
        with suppress(OSError):  # folders above it that were made for it, as far as they are empty
            for path in self.made[1:]:
                path.rmdir()

    def sweep(self) -> None:
        """Remove what killed processes were writing; only when nothing is left to be written."""
        for path in leftovers(self.folder):
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)

    def begin(
        self, dataset: Dataset, candidates: Sequence[Candidate], splits: Sequence[Split], metric: Metric
    ) -> None:
        """Store what is compared, on what, and how; from here on the run needs nothing from outside."""
        store.save(dataset, self.folder / "data")
        with whole(self.folder / "splits.npz") as temporary:
            np.savez_compressed(temporary, **_split_arrays(splits))
        self._update(
            {
                "metric": metric.key,
                "digest": store.digest(dataset),
                "candidates": [c.to_json() for c in candidates],
                "splits": [_split_json(s) for s in splits],
                "versions": versions(),
            }
        )
        self.__dict__.update(dataset=dataset, candidates=list(candidates), planned_splits=list(splits))

    @classmethod
    def open(cls, folder: str | Path) -> Run:
        """An existing run; RunError where there is none."""
        folder = Path(folder)
        if not (folder / "run.json").exists():
            raise RunError(f"{folder} is not a run: it has no run.json. Begin one with 'handful fit'.")
        run = cls(folder)
        try:
            _ = run.settings
        except (json.JSONDecodeError, KeyError, TypeError, UnicodeDecodeError) as error:
            raise RunError(f"{folder / 'run.json'} is damaged ({error}). Begin the run again.") from error
        return run

    @property
    def identity(self) -> str:
        return self._file["id"]

    @property
    def begun(self) -> bool:
        """Whether the data and the plan are stored, so that cells can run."""
        return "candidates" in self._file

    @property
    def finished(self) -> bool:
        """Whether it has its model, and its report, which is written last."""
        return all((self.folder / part).exists() for part in ("model/model.json", "report.json"))

    @property
    def by_hand(self) -> list[str]:
        """Arguments of `handful.fit` that the settings do not hold."""
        return self._file.get("by_hand", [])

    def _update(self, values: dict[str, Any]) -> None:
        write_json(self.folder / "run.json", {**self._file, **values})
        self.__dict__.pop("_file", None)

    # --- what is in it

    @cached_property
    def _file(self) -> dict[str, Any]:
        return read_json(self.folder / "run.json")

    @cached_property
    def settings(self) -> Settings:
        return Settings.from_json(self._file["settings"])

    def move(self, settings: Settings) -> None:
        """Go on under other settings that change no result: other workers, or a limit of time."""
        self._update({"settings": settings.to_json()})
        self.__dict__.pop("settings", None)

    @cached_property
    def dataset(self) -> Dataset:
        return store.open_dataset(self.folder / "data")

    @cached_property
    def candidates(self) -> list[Candidate]:
        return [Candidate.from_json(c) for c in self._file["candidates"]]

    def check_rebuilt(self) -> None:
        """RunError where a candidate is a person's own that cannot be fitted from what is stored."""
        for candidate in self.candidates:
            if isinstance(candidate.estimator, Lost):
                raise RunError(candidate.estimator.reason)

    @property
    def candidate_keys(self) -> list[str]:
        return [c["key"] for c in self._file["candidates"]]

    @cached_property
    def planned_splits(self) -> list[Split]:
        return _read_splits(self.folder / "splits.npz", self._file["splits"])

    @property
    def splits(self) -> list[Split]:
        """Those that count: all that were planned, or the whole repeats that were made."""
        repeats = self._file.get("repeats")
        return [s for s in self.planned_splits if repeats is None or s.repeat < repeats]

    # --- what a budget or the race cuts short, stored so that resuming decides nothing twice

    @property
    def stopped(self) -> dict[str, Stop]:
        """The candidates, by name, that do not go on."""
        return {name: Stop(**about) for name, about in self._file.get("stopped", {}).items()}

    def stop(self, stops: Mapping[str, Stop]) -> None:
        """Let these candidates run no further; who was stopped before stays as he was."""
        known = self._file.get("stopped", {})
        new = {name: asdict(stop) for name, stop in stops.items() if name not in known}
        if new:
            self._update({"stopped": {**known, **new}})

    def readmit(self, names: Sequence[str]) -> None:
        """Let these go on that were stopped: there is time for them after all."""
        known = self._file.get("stopped", {})
        if names:
            self._update({"stopped": {name: about for name, about in known.items() if name not in names}})

    def curtail(self, repeats: int, settled: bool = False) -> None:
        """Only the first `repeats` repeats count: there was no time for more, or no need (`settled`)."""
        self._update({"repeats": repeats, "settled": settled})

    @property
    def settled(self) -> bool:
        """Whether more repeats were not needed."""
        return self._file.get("settled", False)

    @property
    def used(self) -> float:
        """Seconds that earlier sessions used, where there is a limit: since the one that set it."""
        return float(self._file.get("used", 0.0))

    def spend(self, seconds: float) -> None:
        """Store the seconds used so far by all sessions."""
        self._update({"used": round(seconds, 2)})

    # --- the questions that follow the comparison

    def plan_follow_up(self, cells: Sequence[Cell], left_out: Sequence[str] = ()) -> None:
        """Store what else is to be fitted; once, so that resuming asks the same questions.

        `left_out` names the purposes for which there is no time.
        """
        candidates = list({c.candidate.key: c.candidate for c in cells}.values())
        splits = list({c.split.name: c.split for c in cells}.values())
        with whole(self.folder / "follow_up.npz") as temporary:
            np.savez_compressed(temporary, **_split_arrays(splits))
        plan = {
            "candidates": [c.to_json() for c in candidates],
            "splits": [_split_json(s) for s in splits],
            "cells": [[c.candidate.key, c.split.name] for c in cells],
            "left_out": list(left_out),
        }
        self._update({"follow_up": plan})

    @property
    def left_out(self) -> list[str]:
        """Purposes of the questions for which there was no time."""
        return (self._file.get("follow_up") or {}).get("left_out", [])

    def leave_unfinished(self) -> None:
        """Drop the questions of which a cell has no result: half an answer would mislead."""
        cells = self.follow_up_cells() or []
        unfinished = {c.split.purpose for c in cells if not self.has(c)}
        if unfinished:
            whole = [c for c in cells if c.split.purpose not in unfinished]
            self.plan_follow_up(whole, [*self.left_out, *sorted(unfinished)])

    def follow_up_cells(self) -> list[Cell] | None:
        """The stored plan; None before there is one."""
        plan = self._file.get("follow_up")
        if plan is None:
            return None
        if self._planned is None or self._planned[0] != plan:
            own = {c.key: c for c in self.candidates}
            candidates = {c["key"]: own.get(c["key"]) or Candidate.from_json(c) for c in plan["candidates"]}
            splits = {s.name: s for s in _read_splits(self.folder / "follow_up.npz", plan["splits"])}
            self._planned = plan, [Cell(candidates[key], splits[name]) for key, name in plan["cells"]]
        return list(self._planned[1])

    @property
    def metric(self) -> Metric:
        own = self.dataset.y[~self.dataset.copies]  # as `choose_metric`: F1 asks which class is rarer
        return get_metric(self._file["metric"], self.dataset.task, own, self.dataset.classes)

    @property
    def digest(self) -> str:
        return self._file["digest"]

    @property
    def versions(self) -> dict[str, str]:
        return self._file["versions"]

    @property
    def n_classes(self) -> int | None:
        return None if self.dataset.classes is None else len(self.dataset.classes)

    # --- its cells

    def cells(self) -> list[Cell]:
        """Every candidate on every split, fold-major: stopped early, it is still a paired comparison."""
        return [Cell(candidate, split) for split in self.splits for candidate in self.candidates]

    def has(self, cell: Cell) -> bool:
        return (self.folder / "results" / cell.file).exists()

    def write(self, cell: Cell, result: FoldResult) -> None:
        path = self.folder / "results" / cell.file
        path.parent.mkdir(parents=True, exist_ok=True)
        kept = ("seconds", "parameters", "error", "history", "told")
        about = {k: getattr(result, k) for k in kept}
        parts: dict[str, Any] = {"test": result.test, "train": result.train}
        arrays = {k: v for k, v in parts.items() if v is not None}
        with whole(path) as temporary:
            np.savez_compressed(temporary, about=np.array(json.dumps(about)), **arrays)

    def read(self, cell: Cell) -> FoldResult | None:
        """The cell's result, or None where it has not run."""
        path = self.folder / "results" / cell.file
        if not path.exists():
            return None
        try:
            with np.load(path) as arrays:
                about = json.loads(str(arrays["about"]))
                test, train = (arrays.get(k) for k in ("test", "train"))
        except (BadZipFile, EOFError, KeyError, OSError, ValueError) as error:
            raise RunError(
                f"{path} is damaged ({error}). Delete it and continue with 'handful resume {self.folder}'."
            ) from error
        return FoldResult(
            test,
            train,
            about["seconds"],
            about["parameters"],
            about["error"],
            about["history"],
            about.get("told"),
        )


@lru_cache(maxsize=2)
def opened(folder: str, identity: str) -> Run:
    """A run as a worker sees it: opened once a process, its images memory-mapped.

    `identity` is the run's own: another run may stand in the same folder later, while the worker lives on.
    """
    return Run.open(folder)


def versions() -> dict[str, str]:
    """Of handful, Python and the packages that can change a result."""
    found = {"handful": handful.__version__, "python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _split_json(split: Split) -> dict[str, Any]:
    return {k: getattr(split, k) for k in ("repeat", "fold", "seed", "purpose", "permuted", "own")}


def _split_arrays(splits: Sequence[Split]) -> dict[str, Any]:
    return {f"{part}{i}": getattr(s, part) for i, s in enumerate(splits) for part in ("train", "test")}


def _read_splits(path: Path, about: list[dict[str, Any]]) -> list[Split]:
    with np.load(path) as arrays:
        return [
            Split(**values, train=arrays[f"train{i}"], test=arrays[f"test{i}"])
            for i, values in enumerate(about)
        ]
