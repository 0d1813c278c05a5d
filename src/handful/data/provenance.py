"""Which samples of a data set are made from others, as `handful augment` has written it beside them."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from handful.errors import DataError

NAME = "augmented.json"


def file_of(data: Path) -> Path:
    """Where the provenance of a folder, or of a table's file, lies: in the folder, or beside the file."""
    return data / NAME if data.is_dir() else data.with_name(f"{data.name}.{NAME}")


def read(data: Path) -> dict[str, Any] | None:
    """The provenance; None where there is none. DataError where it is not what `augment` writes.

    `copies` maps the id of each copy (path in the folder, or number of the row) to `of`, the id of what it
    was made from, and `seed`.
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
