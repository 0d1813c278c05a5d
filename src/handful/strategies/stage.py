"""What a network learned from a training part, kept for the other candidates that learn just the same.

Three heads on one autoencoder, or three ratios of one generator's examples, need one training. It is found
again under everything that it depends on: the estimator's arguments (its seed among them), the training
samples in their order, their labels and groups, and the unlabelled samples. So nothing leaks: another
training part is another name.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from handful import __version__
from handful.backbones.cache import cache_folder
from handful.data.dataset import Images
from handful.data.store import sample_digests
from handful.errors import HandfulError, RunError
from handful.files import whole
from handful.nets.device import device
from handful.strategies.candidate import spec

# Part of every name, beside the version of handful: change it whenever a network or its training changes.
VERSION = "stage-1"
MOST_BYTES = 1 << 30  # kept on disk; the oldest go first

Weights = dict[str, np.ndarray]
Learned = tuple[Weights, dict[str, Any]]  # arrays, and what is told beside them as plain JSON

_may_learn: ContextVar[bool] = ContextVar("may_learn", default=True)


class NotKnown(HandfulError, LookupError):
    """Nothing is remembered of what was asked for, and nothing may be trained now."""


@contextlib.contextmanager
def only_known() -> Iterator[None]:
    """Inside, `remembered` never trains: it gives what is on disk, or raises NotKnown."""
    token = _may_learn.set(False)
    try:
        yield
    finally:
        _may_learn.reset(token)


def remembered(estimator: Any, learn: Callable[[], Learned], *given: Any) -> Learned:
    """What `learn()` gives for this estimator and these training samples, from disk where it is there.

    Parameters
    ----------
    estimator : its class and arguments are part of the name
    learn : trains; returns arrays and plain JSON
    given : all that it learns from: `Images`, a DataFrame, arrays `(n, …)`, or None

    Two processes that want the same wait for each other, where the system has locks. Nothing is stored where
    the cache folder cannot be written. Raises NotKnown inside `only_known` where it is not there.
    """
    path = cache_folder() / "stages" / f"{_name(estimator, given)}.npz"
    with _alone(path):
        found = _read(path)
        if found is None and not _may_learn.get():
            raise NotKnown(f"no training of {type(estimator).__name__} on these samples is kept here")
        if found is None:
            found = learn()
            with contextlib.suppress(OSError, RunError):
                _write(path, found)
    return found


def _name(estimator: Any, given: tuple[Any, ...]) -> str:
    import torch

    total = hashlib.sha256()
    about = [VERSION, __version__, torch.__version__, device(), spec(estimator)]
    total.update(json.dumps(about, sort_keys=True).encode())
    for part in given:
        total.update(_content(part) + b"|")
    return f"{type(estimator).__name__}-{total.hexdigest()[:32]}"


def _content(part: Any) -> bytes:
    if part is None:
        return b"none"
    if isinstance(part, Images):
        made_up = np.flatnonzero(part.digests == "")  # their content is in no digest
        pixels = np.asarray(part[made_up]).tobytes()
        return "".join(part.digests.tolist()).encode() + f"{part.shape} {made_up.tolist()}".encode() + pixels
    if isinstance(part, pd.DataFrame):
        return sample_digests(part).tobytes() + json.dumps(list(map(str, part.columns))).encode()
    array = np.ascontiguousarray(part)
    if array.dtype == object:
        return json.dumps(array.tolist()).encode()
    return array.tobytes() + f"{array.shape} {array.dtype.str}".encode()


def _read(path: Path) -> Learned | None:
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        return arrays, json.loads(str(arrays.pop("told")))
    except Exception:  # not there, or damaged, where a zip can raise nearly anything: it is learned again
        return None


def _write(path: Path, learned: Learned) -> None:
    weights, told = learned
    with whole(path) as temporary:
        np.savez(temporary, allow_pickle=False, told=np.array(json.dumps(told)), **weights)
    _make_room(path.parent)


def _make_room(folder: Path) -> None:
    files = sorted(((f.stat().st_mtime, f.stat().st_size, f) for f in folder.glob("*.npz")), reverse=True)
    total = 0
    for _, size, file in files:
        total += size
        if total > MOST_BYTES:
            file.unlink(missing_ok=True)


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """One process at a time; the lock goes with the process that holds it, however it ends."""
    try:
        import fcntl

        path.parent.mkdir(parents=True, exist_ok=True)
        lock = os.open(path.with_suffix(".lock"), os.O_CREAT | os.O_RDWR)
    except (ImportError, OSError):  # not on Windows, or nothing can be written: it is learned twice at worst
        yield
        return
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)
