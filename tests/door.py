"""The command line called in this process, and tiny data written to files for it."""

from __future__ import annotations

import io
import sys
import warnings
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import pandas as pd
from PIL import Image

from handful.cli import main
from tests.conftest import pictures, table


@dataclass(frozen=True)
class Called:
    """How a call of the command line ended, and what it wrote."""

    status: int
    out: str
    err: str


def handful(*arguments: object) -> Called:
    """`handful ARGUMENTS` as a person calls it; a traceback would be an exception here."""
    out, err = io.StringIO(), io.StringIO()
    status = 0
    with (
        patch.object(sys, "argv", ["handful", *map(str, arguments)]),
        redirect_stdout(out),
        redirect_stderr(err),
        warnings.catch_warnings(),
    ):
        try:
            main()
        except SystemExit as exit_:
            status = int(exit_.code or 0)
    return Called(status, out.getvalue(), err.getvalue())


def frame_of(task: str = "classification", n: int = 60) -> pd.DataFrame:
    """The rows of `conftest.table`, with the target as its last column."""
    dataset = table(task, n)
    labels = dataset.y if dataset.classes is None else dataset.classes[dataset.y]
    return dataset.X.assign(target=labels)


def write_table(path: Path, task: str = "classification", n: int = 60) -> Path:
    """`frame_of` as a CSV file."""
    frame_of(task, n).to_csv(path, index=False)
    return path


def write_pictures(folder: Path, per_class: int = 10) -> Path:
    """`conftest.pictures` as PNG files, a folder per class: `a/00.png` and so on."""
    dataset = pictures(per_class=per_class)
    assert dataset.classes is not None
    for i, label in enumerate(dataset.classes[dataset.y]):
        path = folder / str(label) / f"{i % per_class:02d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(dataset.X[i]).save(path)
    return folder
