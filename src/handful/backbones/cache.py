"""A store of vectors that are a function of one sample alone, safe across processes and kills.

On disk, below `cache_folder() / "vectors"`, each function has a folder, and each write adds one segment to
it: a folder with a `.npy` matrix per level and `index.json` (the samples' digests, the checksums). A segment
is written under a temporary name and renamed into place when it is whole, and never changed afterwards. So
two processes may write at once, and a kill leaves at most a temporary folder that nobody reads.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import sys
import tempfile
import threading
import time
import uuid
import warnings
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np

Vectors = dict[str, np.ndarray]  # level -> (n, d) float32, or float16 where `compute` gave that


class Samples(Protocol):
    """Images, texts, …: each with a digest `(n,)`, "" where nothing is to be stored."""

    @property
    def digests(self) -> np.ndarray: ...
    def __len__(self) -> int: ...
    def __getitem__(self, key: Any, /) -> Any: ...


Some = TypeVar("Some", bound=Samples)


def cache_folder() -> Path:
    """Where handful keeps what it can compute again: $HANDFUL_CACHE, or the system's place for caches.

    The folder need not exist; it may be deleted at any time.
    """
    chosen = os.environ.get("HANDFUL_CACHE")
    if chosen:
        return Path(chosen).expanduser()
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or "~/AppData/Local"
    elif sys.platform == "darwin":
        base = "~/Library/Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    try:
        return Path(base).expanduser() / "handful"
    except RuntimeError:  # no home folder, as in some containers
        return Path(tempfile.gettempdir()) / "handful"


def through(key: str, samples: Some, levels: Sequence[str], compute: Callable[[Some], Vectors]) -> Vectors:
    """The levels of every sample, in the order given; only what is not stored yet is computed.

    Parameters
    ----------
    key : str
        Names the function, with all that its result depends on (weights' checksum, precision, version).
    samples : Images, or others with `digests`
        Two samples with one digest are computed once; those without a digest each time, and not stored.
    levels : names of the levels wanted
    compute : callable
        Called with the samples that are missing, at most once; returns at least the levels wanted, each
        (number of samples, d). Whatever else it returns is stored as well. float16 is stored as such.

    Raises nothing of its own: where the cache folder cannot be written, vectors are kept in memory, with one
    warning.
    """
    named = samples.digests != ""
    if not named.all():
        return _partly_stored(key, samples, levels, compute, named)
    shelf = _shelf(key)
    shelf.refresh()
    digests = samples.digests.tolist()
    todo = shelf.missing(digests, levels)
    if len(todo):
        vectors = compute(samples[todo])
        shelf.add([digests[i] for i in todo], vectors)
    return {level: shelf.rows(digests, level) for level in levels}


def missing(key: str, samples: Samples, levels: Sequence[str]) -> np.ndarray:
    """Positions of the samples of which a level is to be stored and is not yet; one position a digest."""
    shelf = _shelf(key)
    shelf.refresh()
    named = np.flatnonzero(samples.digests != "")
    return named[shelf.missing(samples.digests[named].tolist(), levels)]


def _partly_stored(
    key: str,
    samples: Some,
    levels: Sequence[str],
    compute: Callable[[Some], Vectors],
    named: np.ndarray,
) -> Vectors:
    """As `through`, where the samples that are not `named` `(n,)` have no digest."""
    fresh = compute(samples[~named])
    stored = through(key, samples[named], levels, compute) if named.any() else {}
    found = {}
    for level in levels:
        own = stored.get(level, fresh[level])
        found[level] = np.empty((len(samples), own.shape[1]), own.dtype)
        found[level][~named] = fresh[level]
        found[level][named] = stored.get(level, 0)
    return found


@dataclass
class _Shelf:
    """All segments of one function, as far as this process has opened them.

    `where` leads from a digest to its matrix and row, for each level. Segments never change, so opening each
    once is enough, and a look-up is a listing of the folder and one dictionary access a sample.
    """

    folder: Path
    lock: threading.RLock = field(default_factory=threading.RLock)
    opened: set[str] = field(default_factory=set)
    matrices: list[np.ndarray] = field(default_factory=list)
    where: dict[str, dict[str, tuple[int, int]]] = field(default_factory=dict)

    def refresh(self) -> None:
        """Open the segments that have come since the last look."""
        try:
            names = {n for n in os.listdir(self.folder) if n.startswith("segment-")}
        except OSError:
            return
        with self.lock:
            for name in sorted(names - self.opened):
                self._open(name)

    def missing(self, digests: list[str], levels: Sequence[str]) -> np.ndarray:
        known = [self.where.get(level, {}) for level in levels]
        first = {d: i for i, d in reversed(list(enumerate(digests)))}
        todo = [i for d, i in first.items() if any(d not in level for level in known)]
        return np.array(sorted(todo), dtype=np.int64)

    def rows(self, digests: list[str], level: str) -> np.ndarray:
        if not digests:
            return np.empty((0, 0), np.float32)
        known = self.where[level]
        places = np.array([known[d] for d in digests], dtype=np.int64)  # (n, 2): matrix, row
        numbers = np.unique(places[:, 0])
        if len(numbers) == 1:  # the usual case, with one copy instead of two
            return np.asarray(self.matrices[numbers[0]])[places[:, 1]]
        first = self.matrices[numbers[0]]
        out = np.empty((len(digests), first.shape[1]), first.dtype)
        for matrix in numbers:
            mine = places[:, 0] == matrix
            out[mine] = self.matrices[matrix][places[mine, 1]]
        return out

    def add(self, digests: list[str], vectors: Vectors) -> None:
        """Store new rows: on disk, or in memory where the folder cannot be written."""
        vectors = {k: np.ascontiguousarray(v, dtype=_precision(v)) for k, v in vectors.items()}
        with self.lock:
            try:
                name = _write_segment(self.folder, digests, vectors)
            except OSError as error:
                _warn_once(self.folder, error)
                for level, matrix in vectors.items():
                    self._learn(level, digests, matrix)
                return
            if not self._open(name):  # it was just written, so somebody has cleared the cache meanwhile
                for level, matrix in vectors.items():
                    self._learn(level, digests, matrix)

    def _open(self, name: str) -> bool:
        segment = self.folder / name
        self.opened.add(name)
        try:
            digests, vectors = _read_segment(segment)
        except (OSError, ValueError, KeyError, TypeError):
            shutil.rmtree(segment, ignore_errors=True)  # damaged: what it held is computed again
            return False
        for level, matrix in vectors.items():
            self._learn(level, digests, matrix)
        return True

    def _learn(self, level: str, digests: list[str], matrix: np.ndarray) -> None:
        number = len(self.matrices)
        self.matrices.append(matrix)
        known = self.where.setdefault(level, {})
        for row, digest in enumerate(digests):
            known.setdefault(digest, (number, row))


def _precision(matrix: np.ndarray) -> type[np.floating]:
    """Half the disk for what was given so; everything else in single precision."""
    return np.float16 if matrix.dtype == np.float16 else np.float32


_shelves: dict[Path, _Shelf] = {}
_shelves_lock = threading.Lock()
_warned: set[Path] = set()


def _shelf(key: str) -> _Shelf:
    readable = re.sub(r"[^A-Za-z0-9]+", "-", key)[:40].strip("-")
    folder = cache_folder() / "vectors" / f"{readable}-{hashlib.sha256(key.encode()).hexdigest()[:16]}"
    with _shelves_lock:
        return _shelves.setdefault(folder, _Shelf(folder))


def _write_segment(folder: Path, digests: list[str], vectors: Vectors) -> str:
    """Write one segment and return its name. Raises OSError, and leaves nothing behind."""
    mark = uuid.uuid4().hex
    temporary, name = folder / f"writing-{mark}", f"segment-{mark}"
    folder.mkdir(parents=True, exist_ok=True)
    _sweep(folder)
    try:
        temporary.mkdir()
        levels = []
        for i, (level, matrix) in enumerate(vectors.items()):
            file = f"{i}.npy"
            np.save(temporary / file, matrix)
            levels.append({"level": level, "file": file, "crc": zlib.crc32(matrix.data)})
        (temporary / "index.json").write_text(json.dumps({"digests": digests, "levels": levels}))
        os.rename(temporary, folder / name)
    except OSError:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    return name


def _sweep(folder: Path) -> None:
    """Remove what a killed process was writing; a day old, so that nobody can still be at it."""
    for left in folder.glob("writing-*"):
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > 24 * 3600:
                shutil.rmtree(left, ignore_errors=True)


def _read_segment(segment: Path) -> tuple[list[str], Vectors]:
    """Digests and memory-mapped matrices. Raises OSError, ValueError, KeyError or TypeError where damaged."""
    index = json.loads((segment / "index.json").read_text())
    digests = [str(d) for d in index["digests"]]
    vectors = {}
    for entry in index["levels"]:
        matrix = np.load(segment / entry["file"], mmap_mode="r", allow_pickle=False)
        if matrix.ndim != 2 or len(matrix) != len(digests) or zlib.crc32(matrix.data) != entry["crc"]:
            raise ValueError(f"{segment / entry['file']} is damaged")
        vectors[entry["level"]] = matrix
    return digests, vectors


def _warn_once(folder: Path, error: OSError) -> None:
    root = cache_folder()
    if root in _warned:
        return
    _warned.add(root)
    warnings.warn(
        f"the cache folder {root} cannot be written ({error.strerror or error}), so embeddings are kept in "
        "memory and will be computed again by the next program. Free some space, or name a folder that can "
        "be written in the environment variable HANDFUL_CACHE.",
        stacklevel=4,
    )
