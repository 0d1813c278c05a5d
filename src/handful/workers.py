"""The cores of this machine, and the processes on them: one pool, kept from stage to stage.

To start a worker takes longer than most fits.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

GROWTH = 4_000_000_000  # bytes by which a worker may grow
WATCH = "watch the parent"  # the name of a thread in each


def usable_cores() -> int:
    """The cores that this process may use, which under an affinity, a container's limit or
    LOKY_MAX_CPU_COUNT are fewer than the machine has.
    """
    import joblib

    return int(joblib.cpu_count())


@contextmanager
def workers(jobs: int) -> Iterator[None]:
    """`joblib.Parallel` in it has so many of them, with one thread each; one alone is this process itself.

    They are the same in every such block with as many, and end a few minutes after the last, or with us.
    """
    from joblib import parallel_config

    with parallel_config("loky", n_jobs=jobs, inner_max_num_threads=1, **first_of_all()):
        yield


def first_of_all() -> dict[str, Any]:
    """What an executor of loky is told to run in each of its workers before any task."""
    return {"initializer": _start, "initargs": (os.getpid(),)}


def _start(parent: int) -> None:
    """Let this worker be kept when it has grown, and end when `parent` has died.

    Where psutil is installed, joblib takes 300 MB for a leak and starts another worker instead: importing
    torch is as much, so that every network would be fitted in a worker that has to import all anew.
    """
    from joblib.externals.loky import process_executor

    process_executor._MAX_MEMORY_LEAK_SIZE = GROWTH
    if os.getppid() == parent:  # not where a launcher stands between, as in virtual environments on Windows
        threading.Thread(target=_watch, args=(parent,), name=WATCH, daemon=True).start()


def _watch(parent: int) -> None:
    """A parent that is killed tells nobody, and workers would live on."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)  # only a temporary file can be left half-written
