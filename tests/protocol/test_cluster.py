"""Cells on the workers of a cluster: the same results, and one clear message where it cannot be used."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from concurrent.futures import CancelledError, Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.naive_bayes import GaussianNB

import handful
from handful.errors import MissingExtraError, RunError, SettingsError
from handful.fit import check_workers, resume
from handful.protocol import cluster, evaluate
from handful.protocol.cluster import Cluster
from handful.protocol.run import Run
from handful.settings import Settings
from tests.conftest import table
from tests.protocol.made import entrant, made_run, majority


class Deadly(GaussianNB):
    """Takes its process with it."""

    def fit(self, X: Any, y: Any) -> Deadly:
        os._exit(9)


@pytest.fixture(scope="module")
def dask() -> Iterator[str]:
    distributed = pytest.importorskip("distributed")
    dask_config = pytest.importorskip("dask.config")
    failures = {"distributed.scheduler.allowed-failures": 0}  # by default a cell may kill four workers
    about = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None, "processes": True}
    with (
        dask_config.set(failures),
        distributed.LocalCluster(**about) as local,
        distributed.Client(local),
    ):
        cluster._client.cache_clear()
        yield local.scheduler_address
    cluster._client.cache_clear()


@pytest.fixture(scope="module")
def ray() -> Iterator[None]:
    found = pytest.importorskip("ray")
    found.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    yield
    found.shutdown()


def moved(run: Run, **workers: Any) -> Run:
    run.move(replace(run.settings, **workers))
    return run


def same_on_a_cluster(folder: Path, **workers: Any) -> None:
    entrants = [majority(), entrant("bayes", GaussianNB()), entrant("deadly", Deadly())]
    here = made_run(folder / "here", entrants[:2], "quick", jobs=1)
    there = moved(made_run(folder / "there", entrants, "quick"), jobs=None, **workers)
    evaluate.evaluate(here, here.cells())
    assert evaluate.processes(there, 99) == 2
    cells = there.cells()[: 2 * len(entrants)]
    told = evaluate.evaluate(there, [cells[2], *cells[:2], *cells[3:5]])  # the deadly one first, and once
    assert len(told) == 5
    for alive, cell in zip((*cells[:2], *cells[3:5]), here.cells()[:4], strict=True):
        np.testing.assert_array_equal(here.read(cell).test, there.read(alive).test)
    assert "ran out of memory" in there.read(cells[2]).error["message"]


def test_dask_gives_the_same_results_and_a_cell_that_kills_its_workers_fails_alone(
    tmp_path: Path, dask: str
) -> None:
    same_on_a_cluster(tmp_path, backend="dask")


def test_ray_gives_the_same_results_and_a_cell_that_kills_its_workers_fails_alone(
    tmp_path: Path, ray: None
) -> None:
    same_on_a_cluster(tmp_path, backend="ray")


class Killed(Exception):
    """The worker of a pretended cluster is gone."""


def test_cells_that_died_beside_a_deadly_one_are_tried_again_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entrants = [majority(), entrant("bayes", GaussianNB()), entrant("deadly", Deadly())]
    run = moved(made_run(tmp_path, entrants, "quick"), jobs=None, backend="dask")
    cells, waits = run.cells()[:6], []

    def submit(function: Any, *arguments: Any) -> Future:
        """What waits together dies together, of which there is one at a time in the second round."""
        future: Future = Future()
        if function is not evaluate.work:
            future.set_result(function(*arguments))
            return future
        cell = arguments[2]
        alone = len(waits) >= len(cells)
        waits.append(cell)
        if alone and cell.candidate.name != "deadly":
            future.set_result(function(*arguments))
        else:
            future.set_exception(Killed("the worker died"))
        return future

    monkeypatch.setattr(evaluate, "_cluster", lambda run: Cluster("Test", submit, lambda: 2, (Killed,)))
    told = evaluate.evaluate(run, cells)
    assert sorted((o.candidate, o.split) for o in told) == sorted(
        (c.candidate.name, c.split.name) for c in cells
    )
    assert {c.candidate.name for c in cells if run.read(c).error} == {"deadly"}
    assert len(waits) == 2 * len(cells)


def test_time_that_is_up_starts_no_more_cells(tmp_path: Path, dask: str) -> None:
    run = moved(made_run(tmp_path, [majority(), entrant("bayes", GaussianNB())], "quick"), backend="dask")
    evaluate.evaluate(run, run.cells(), allow=lambda cell: 60.0 if cell.candidate.family == "baseline" else 0)
    assert all(run.has(c) == (c.candidate.family == "baseline") for c in run.cells())


def test_a_whole_run_begun_on_a_cluster_goes_on_without_it(tmp_path: Path, dask: str) -> None:
    data = table("classification")
    options = {"families": ["baseline"], "candidates": [("bayes", GaussianNB())]}
    frame = data.X[["x0", "x2", "x3"]]
    first = handful.fit((frame, data.y), out=tmp_path / "a", backend="dask", address=dask, **options)
    cluster._client(dask).close()
    (tmp_path / "a" / "report.json").unlink()
    again = resume(tmp_path / "a", backend="loky", jobs=1)
    assert Run.open(tmp_path / "a").settings.backend == "loky"
    alone = handful.fit((frame, data.y), out=tmp_path / "b", jobs=1, **options)
    assert first.folder == again.folder and again.summary["expected"] == alone.summary["expected"]


@pytest.mark.parametrize(
    "settings, message",
    [
        (Settings(backend="slurm"), "--backend 'slurm' is unknown"),
        (Settings(address="node1:8786"), "--address node1:8786"),
        (
            Settings(backend="dask", address="tcp://127.0.0.1:9"),
            "no Dask cluster with a worker answers at tcp",
        ),
    ],
)
def test_what_cannot_be_used_is_said_at_the_door(
    settings: Settings, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if settings.backend == "dask":
        pytest.importorskip("distributed")
    monkeypatch.setattr(cluster, "PATIENCE", 0.5)
    cluster._client.cache_clear()
    with pytest.raises(SettingsError, match=message):
        check_workers(settings)


@pytest.mark.parametrize("backend, package", [("dask", "distributed"), ("ray", "ray")])
def test_a_missing_package_is_named_with_its_install_line(
    backend: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtraError, match=rf"handful\[{backend}\]"):
        check_workers(Settings(backend=backend))


def answered(value: Any) -> Any:
    """A cluster's `submit` that gives, or raises, always the same."""

    def submit(*call: Any) -> Future:
        future: Future = Future()
        if isinstance(value, BaseException):
            future.set_exception(value)
        else:
            future.set_result(value)
        return future

    return submit


@pytest.mark.parametrize(
    "value, message",
    [
        (RunError("it has no run.json."), "see the run's folder under this path"),
        (ModuleNotFoundError("No module named 'handful'"), "need handful with the same packages"),
        ("0.0.9", "have handful 0.0.9, but this is"),
    ],
)
def test_workers_that_cannot_do_it_are_told_before_any_cell(value: Any, message: str) -> None:
    with pytest.raises(RunError, match=message):
        Cluster("Dask", answered(value), lambda: 1, ()).check("runs/a", "1")


def test_a_lost_cluster_leaves_a_run_that_can_be_resumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = moved(made_run(tmp_path, [majority()], "quick"), backend="dask")
    lost = Cluster("Dask", answered(CancelledError()), lambda: 1, ())
    monkeypatch.setattr(Cluster, "check", lambda *about: None)
    monkeypatch.setattr(evaluate, "connect", lambda *about: lost)
    with pytest.raises(RunError, match="handful resume"):
        evaluate.evaluate(run, run.cells())
    assert not any(run.has(cell) for cell in run.cells())


def test_calls_are_drawn_only_when_there_is_room() -> None:
    drawn: list[int] = []

    def calls() -> Iterator[tuple[int, tuple[Any, ...]]]:
        for i in range(6):
            drawn.append(i)
            yield i, (abs, i)

    some = Cluster("Dask", answered("done"), lambda: 2, ())
    ended = some.each(calls(), 2)
    assert next(ended)[1].result() == "done" and drawn == [0, 1]
    assert sorted([0, *(i for i, _ in ended)])[-1] == 5 and len(drawn) == 6
