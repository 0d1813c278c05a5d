"""Nearest names and short lists, for messages that help."""

from __future__ import annotations

import os
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A half sentence with the nearest known name, or "" where nothing is near.

    >>> did_you_mean("tagret", ["age", "target"])
    " Did you mean 'target'?"
    >>> did_you_mean("zzz", ["age"])
    ''
    """
    known = list(known)
    near = get_close_matches(name, known, n=1, cutoff=0.6)
    if not near:
        # Case and spaces count as far away for difflib in short names, but not for people.
        folded = {k.casefold().strip(): k for k in known}
        near = get_close_matches(name.casefold().strip(), list(folded), n=1, cutoff=0.6)
        near = [folded[near[0]]] if near else []
    return f" Did you mean {near[0]!r}?" if near else ""


def listed(names: Iterable[object], most: int = 8) -> str:
    """The names after one another, shortened after `most`.

    >>> listed(["a", "b", "c"], most=2)
    'a, b and 1 more'
    """
    every = [str(name) for name in names]
    if len(every) <= most:
        return ", ".join(every)
    return f"{', '.join(every[:most])} and {len(every) - most} more"


def count(n: int, noun: str) -> str:
    """A number with its noun.

    >>> count(1, "image"), count(2, "image")
    ('1 image', '2 images')
    """
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def printable(path: str) -> str:
    """A path as text that can be written anywhere: bytes that are no UTF-8 are shown as escapes."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def missing_path(path: Path) -> str:
    """What to say of a path that does not exist: what is there instead, nearest in name."""
    parent = path.parent
    while not os.path.isdir(parent) and parent != parent.parent:  # False for what no path can be, too
        path, parent = parent, parent.parent
    try:
        known = os.listdir(parent)
    except OSError:
        known = []
    return f"{str(path)!r} does not exist.{did_you_mean(path.name, known)}"
