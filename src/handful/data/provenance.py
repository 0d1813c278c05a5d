"""Which samples are made from others, as `handful augment` and `handful synthesize` have written beside them.

A copy has one original: it is learned from where its original is, and nothing is scored on it. A generated
example was made of all examples of its source together, so there is no fold that it could honestly be in: one
that is learned from would tell of those held out, and one that is scored on is not real. It is left out, with
a line in the audit, wherever labelled data is read. `fit` makes examples anew inside every fold.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from handful.errors import DataError

NAME = "augmented.json"
GENERATED = "generated.json"
QUALITY = ("quality.json", "quality.md")
# A text chunk in a generated PNG, ahead of its pixels: it goes with the file wherever that is copied.
MARK = ("handful", "generated")
_CHUNK, _HEAD = b"tEXt" + "\0".join(MARK).encode(), 512


def file_of(data: Path, name: str = NAME) -> Path:
    """Where the provenance of a folder, or of a table's file, lies: in the folder, or beside the file."""
    return data / name if data.is_dir() else data.with_name(f"{data.name}.{name}")


def files_of(data: Path) -> list[Path]:
    """All that may lie beside a table of this name."""
    return [file_of(data, name) for name in (NAME, GENERATED, *QUALITY)]


def generated(data: Path, ids: Sequence[str]) -> np.ndarray:
    """Which samples `(n,)` of a folder or a table are generated, as it is written beside them.

    DataError where it is not what `synthesize` writes.
    """
    file = file_of(data, GENERATED)
    if not file.is_file():
        return np.zeros(len(ids), dtype=bool)
    try:
        made = set(json.loads(file.read_text(encoding="utf-8"))["made"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{str(file)!r}, which says which samples are generated, cannot be read ({error!r}). Make the "
            "data set again with 'handful synthesize'; without it generated examples would be taken for real "
            "ones."
        ) from None
    return np.array([name in made for name in ids], dtype=bool)


def marked(path: str | os.PathLike[str]) -> bool:
    """Whether a picture file says of itself that it is generated."""
    if not os.fspath(path).lower().endswith(".png"):
        return False
    try:
        with open(path, "rb") as file:
            return _CHUNK in file.read(_HEAD)
    except OSError:
        return False


def read(data: Path) -> dict[str, Any] | None:
    """The provenance; None where there is none. DataError where it is not what `augment` writes.

    `copies` maps the id of each copy (path in the folder, or number of the row) to `of`, the id of what it
    was made from, and `seed`; `with`, the id of a second row that a copy of a row was mixed of.
    """
    file = file_of(data)
    if not file.is_file():
        return None
    try:
        about = json.loads(file.read_text(encoding="utf-8"))
        _ = {str(k): str(v["of"]) for k, v in about["copies"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"{str(file)!r}, which says which samples are copies of others, cannot be read ({error!r}). Make "
            "the data set again with 'handful augment'; without it copies would be taken for examples."
        ) from None
    return about


def sources(data: os.PathLike[str], ids: Sequence[str]) -> list[str | None] | None:
    """What each sample is made from, None for an original; None where there is no provenance."""
    about = read(Path(data))
    if about is None:
        return None
    return [str(about["copies"][i]["of"]) if i in about["copies"] else None for i in ids]


def mixed_with(data: os.PathLike[str], ids: Sequence[str]) -> np.ndarray:
    """The position in `ids` of the second row that each row `(n,)` was mixed of; -1 where there is none."""
    copies = (read(Path(data)) or {"copies": {}})["copies"]
    place = {name: i for i, name in enumerate(ids)}
    return np.array([place.get(str(copies.get(i, {}).get("with")), -1) for i in ids], dtype=np.int64)


def sources_of_files(paths: Sequence[str], ids: Sequence[str]) -> list[str | None] | None:
    """As `sources`, for files wherever they are listed: by what lies in the nearest folder above each.

    A copy whose original is not among the files is a copy all the same, of the original's whole path.
    """
    found: dict[Path, tuple[Path, dict[str, Any]] | None] = {}

    def above(folder: Path) -> tuple[Path, dict[str, Any]] | None:
        if folder not in found:
            about = read(folder) if (folder / NAME).is_file() else None
            parent = folder.parent
            found[folder] = (
                (folder, about["copies"]) if about else above(parent) if parent != folder else None
            )
        return found[folder]

    whole = [Path(os.path.abspath(path)) for path in paths]
    id_of = dict(zip(reversed(whole), reversed(ids), strict=True))
    of: list[str | None] = []
    for path in whole:
        folder, copies = above(path.parent) or (path, {})
        copy = copies.get(path.relative_to(folder).as_posix())
        original = folder / str(copy["of"]) if copy else None
        of.append(None if original is None else id_of.get(original, str(original)))
    return of if any(of) else None


def with_copies(
    groups: Sequence[str | None] | None, ids: Sequence[str], sources: Sequence[str | None]
) -> list[str | None]:
    """Groups by name in which every copy is in the group of what it is made from.

    >>> with_copies(None, ["a", "b", "a~1"], [None, None, "a"])
    ['copies of a', None, 'copies of a']
    """
    given = dict(zip(ids, groups or [None] * len(ids), strict=True))
    copied = {source for source in sources if source is not None}
    names: list[str | None] = []
    for name, source in zip(ids, sources, strict=True):
        origin = source or name
        own = given.get(origin) or given[name]
        names.append(own or (f"copies of {origin}" if origin in copied else None))
    return names
