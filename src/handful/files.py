"""Files that are either whole or not there."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

from handful.errors import RunError


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A temporary path beside `path` that takes its name when the block ends well, and goes when it does not.

    Raises RunError where it cannot be written, such as on a full disk.
    """
    temporary = path.with_name(f".{path.name}.{uuid4().hex[:8]}.tmp{path.suffix}")
    try:
        with writing(path):
            yield temporary
            os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """A block that writes `path`: what the system refuses becomes a RunError that says what to do."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            what = f"the disk is full: {path} could not be written. Free some space, then 'handful resume'."
        elif error.errno == errno.ENOENT and path.parent.is_dir():
            what = f"{path} cannot be written: another process finished or removed what is written there."
        else:
            what = f"{path} cannot be written: {error.strerror or error}. Choose another place for it."
        raise RunError(what) from error


def leftovers(folder: Path) -> list[Path]:
    """Below `folder`, the files and folders that killed processes were writing."""
    return list(folder.rglob(".*.tmp*"))


def write_json(path: Path, value: Any) -> None:
    """JSON, indented, never NaN (which other readers refuse)."""
    text = json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False)
    with whole(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))
