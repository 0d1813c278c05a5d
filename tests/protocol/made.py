"""Small runs with candidates whose strength, and whose time, is known."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.dummy import DummyClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier

from handful.protocol.run import Run
from handful.protocol.splits import compare_splits
from handful.scoring import get_metric
from handful.settings import Settings
from handful.strategies.baseline import Majority
from handful.strategies.candidate import Candidate
from handful.strategies.chain import Chain
from handful.strategies.tables import TableEncoder
from tests.conftest import table


class Guess(DummyClassifier):
    """Draws labels at random."""

    def __init__(self, random_state: int = 0) -> None:
        super().__init__(strategy="uniform", random_state=random_state)


class Network(Guess):
    """A guess that wrote down the course of its training."""

    def fit(self, X: Any, y: Any) -> Network:
        super().fit(X, y)
        self.history_ = [{"epoch": 1.0, "loss": 1.0}]
        return self


class Sleeper(GaussianNB):
    """Learns well, and takes its time: in steps, some of which swallow errors."""

    def __init__(self, seconds: float = 60.0) -> None:
        super().__init__()
        self.seconds = seconds

    def fit(self, X: Any, y: Any) -> Sleeper:
        try:
            time.sleep(self.seconds)
        except Exception:
            time.sleep(self.seconds)
        return super().fit(X, y)


def entrant(name: str, model: Any, **more: Any) -> Candidate:
    return Candidate(name, name, more.pop("family", "classic"), Chain([TableEncoder()], model), **more)


def majority() -> Candidate:
    return Candidate("majority", "majority", "baseline", Majority(), cost=0)


def good() -> list[Candidate]:
    """The baseline, and two that learn."""
    return [majority(), entrant("bayes", GaussianNB()), entrant("knn", KNeighborsClassifier(3))]


def made_run(
    folder: Path, candidates: list[Candidate], budget: str = "standard", n: int = 90, jobs: int | None = 1
) -> Run:
    """A run on iris that has not fitted anything yet."""
    settings = Settings(jobs=jobs, budget=budget, out=str(folder / "run"))
    dataset = table("classification", n)
    run = Run.claim(settings)
    metric = get_metric("accuracy", "classification", dataset.y, dataset.classes)
    run.begin(dataset, candidates, compare_splits(dataset, settings), metric)
    return run


def whole_repeats(run: Run, oof: np.ndarray) -> bool:
    """Whether every sample was held out in each repeat that counts."""
    return len(oof) == 1 + max(s.repeat for s in run.splits) and bool(np.isfinite(oof).all())
