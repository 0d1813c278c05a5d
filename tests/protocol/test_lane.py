"""Where there is a GPU, networks are trained in a process of their own, beside the workers."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.naive_bayes import GaussianNB

import handful.protocol.evaluate as evaluation
from handful.protocol.evaluate import evaluate
from handful.protocol.run import Run
from tests.protocol.made import entrant, made_run, majority


class Epochs(GaussianNB):
    """Learns like naive Bayes, and writes down which process it was in."""

    def __init__(self, epochs: int = 1, dies: bool = False) -> None:
        super().__init__()
        self.epochs = epochs
        self.dies = dies

    def fit(self, X: Any, y: Any) -> Epochs:
        if self.dies:
            os._exit(9)
        self.history_ = [{"process": float(os.getpid())}]
        return super().fit(X, y)


def results(run: Run) -> dict[str, Any]:
    return {f"{c.candidate.name} {c.split.name}": run.read(c) for c in run.cells()}


@pytest.mark.parametrize("jobs", [1, 2])
def test_networks_share_one_process_and_give_the_same_results(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jobs: int
) -> None:
    nets = [entrant("net", Epochs()), entrant("net 2", Epochs(2))]
    entrants = [majority(), entrant("bayes", GaussianNB()), *nets]
    assert [c.trains_network for c in entrants] == [False, False, True, True]
    plain, lane = (made_run(tmp_path / name, entrants, "quick", jobs=jobs) for name in ("plain", "lane"))
    evaluate(plain, plain.cells())
    monkeypatch.setattr(evaluation, "device", lambda: "cuda")  # only the parent believes it
    told = evaluate(lane, lane.cells())
    assert len(told) == len(lane.cells())
    processes = {r.history[0]["process"] for r in results(lane).values() if r.history}
    assert len(processes) == 1 and os.getpid() not in processes
    for name, result in results(plain).items():
        np.testing.assert_array_equal(result.test, results(lane)[name].test)


def test_a_network_that_kills_its_process_fails_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entrants = [majority(), entrant("dies", Epochs(dies=True)), entrant("net", Epochs())]
    run = made_run(tmp_path, entrants, "quick", jobs=2)
    monkeypatch.setattr(evaluation, "device", lambda: "cuda")
    cells = run.cells()[: 2 * len(entrants)]
    evaluate(run, cells)
    ends = {(c.candidate.name, c.split.name): run.read(c).error for c in cells}
    assert {name for (name, _), error in ends.items() if error} == {"dies"}
    assert [e["message"].endswith("ran out of memory") for e in ends.values() if e] == [True, True]


def test_time_that_is_up_stops_the_lane_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = made_run(tmp_path, [majority(), entrant("net", Epochs())], "quick", jobs=2)
    monkeypatch.setattr(evaluation, "device", lambda: "cuda")
    evaluate(run, run.cells(), allow=lambda cell: 0.0 if cell.candidate.trains_network else 60.0)
    assert [run.has(c) for c in run.cells() if c.candidate.trains_network] == [False] * len(run.splits)
    assert all(run.has(c) for c in run.cells() if not c.candidate.trains_network)
