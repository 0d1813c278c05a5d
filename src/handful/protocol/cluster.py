"""Cells on the machines of a cluster: Dask or Ray says which worker takes one, and starts it again elsewhere.

The demand is a folder that all machines see under one path: a cell is known by its run's folder, where it
writes its own result. So nothing but names travels, and a run that was begun on a cluster goes on anywhere.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import handful
from handful.errors import MissingExtraError, RunError, SettingsError
from handful.protocol.run import opened

BACKENDS = ("loky", "dask", "ray")  # loky: processes of this machine
PATIENCE = 30  # seconds to wait for a scheduler to answer, and then for its first worker

T = TypeVar("T")


@dataclass(frozen=True)
class Cluster:
    """`submit` sends a call to a worker; `slots` they take at once; what lost its worker raises `died`."""

    name: str
    submit: Callable[..., Future]
    slots: Callable[[], int]
    died: tuple[type[BaseException], ...]

    def check(self, folder: str, identity: str) -> None:
        """RunError where a worker cannot work on the run: it lacks handful, or this one, or the folder."""
        try:
            theirs = self.submit(_version, folder, identity).result()
        except Exception as error:
            raise RunError(
                f"a worker of the {self.name} cluster cannot work on {folder}: {error} All its machines need "
                "handful with the same packages, and must see the run's folder under this path: name one "
                "that they share with --out."
            ) from error
        if theirs != handful.__version__:
            raise RunError(
                f"the workers of the {self.name} cluster have handful {theirs}, but this is "
                f"{handful.__version__}. Install the same version on all machines."
            )

    def each(self, calls: Iterator[tuple[T, tuple[Any, ...]]], at_once: int) -> Iterator[tuple[T, Future]]:
        """Send calls, pairs of what it is for and (function, *arguments); each comes back when it has ended.

        `at_once` are under way or wait for a worker; only when one has ended is the next drawn from `calls`.
        """
        under_way: dict[Future, T] = {}
        try:
            for what, call in calls:
                under_way[self.submit(*call)] = what
                if len(under_way) >= at_once:
                    yield from _ended(under_way)
            while under_way:
                yield from _ended(under_way)
        finally:
            for future in under_way:
                future.cancel()


def _ended(under_way: dict[Future, T]) -> Iterator[tuple[T, Future]]:
    """Those that have ended, of which there is one at least."""
    done, _ = wait(under_way, return_when=FIRST_COMPLETED)
    for future in done:
        yield under_way.pop(future), future


def _version(folder: str, identity: str) -> str:
    if not Path(folder, "run.json").exists():
        raise RunError("it sees no such folder.")
    opened(folder, identity)
    return handful.__version__


def connect(backend: str, address: str | None) -> Cluster:
    """The cluster at `address`; without one that which this process uses already, or one of this machine.

    Raises MissingExtraError where the package is not installed, SettingsError where no scheduler answers or
    no worker comes.
    """
    return _dask(address) if backend == "dask" else _ray(address)


def _dask(address: str | None) -> Cluster:
    try:
        from distributed import KilledWorker
    except ImportError:
        raise MissingExtraError("distributed", "dask", "--backend dask") from None
    client = _client(address)
    if client.status != "running":  # closed since, and with it what was known of it
        _client.cache_clear()
        client = _client(address)
    submit = client.get_executor(pure=False).submit
    return Cluster("Dask", submit, lambda: sum(client.nthreads().values()) or 1, (KilledWorker,))


@lru_cache(maxsize=1)
def _client(address: str | None) -> Any:
    """Of Dask. Each of its workers takes one cell at a time where they are started here."""
    from distributed import Client, default_client

    client = None
    if address is None:
        with suppress(ValueError):  # this process has none
            client = default_client()
    here = {"threads_per_worker": 1, "dashboard_address": None, "silence_logs": logging.ERROR}
    try:
        client = client or Client(address, timeout=PATIENCE, **({} if address else here))
        client.wait_for_workers(1, timeout=PATIENCE)
    except (OSError, TimeoutError, ValueError) as error:
        raise _unreachable("Dask", address, error) from error
    return client


def _ray(address: str | None) -> Cluster:
    try:
        import ray
        from ray.exceptions import OutOfMemoryError, WorkerCrashedError
    except ImportError:
        raise MissingExtraError("ray", "ray", "--backend ray") from None
    try:
        if not ray.is_initialized():
            ray.init(address=address, log_to_driver=False, include_dashboard=None if address else False)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise _unreachable("Ray", address, error) from error

    def submit(function: Callable[..., Any], *arguments: Any) -> Future:
        return _called().remote(function, *arguments).future()

    died = (WorkerCrashedError, OutOfMemoryError)
    return Cluster("Ray", submit, lambda: int(ray.cluster_resources().get("CPU", 1)), died)


@lru_cache(maxsize=1)
def _called() -> Any:
    """Ray's handle of a call; it is sent to the cluster once."""
    import ray

    @ray.remote
    def call(function: Callable[..., Any], *arguments: Any) -> Any:
        return function(*arguments)

    return call


def _unreachable(name: str, address: str | None, error: Exception) -> SettingsError:
    where = f" at {address}" if address else ""
    return SettingsError(
        f"no {name} cluster with a worker answers{where} ({error}). Start it, name its scheduler with "
        "--address, or work on this machine alone with --backend loky."
    )
