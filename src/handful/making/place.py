"""Data sets that are written: where they may lie, whole or not at all, and in the form of their source."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from handful.data import provenance
from handful.data.columns import PICTURE, TEXTS, columns_of
from handful.data.dataset import Dataset
from handful.data.names import missing_path
from handful.data.tables import TEXT_SUFFIXES
from handful.data.values import in_style
from handful.errors import DataError, SettingsError
from handful.files import writing

SHEET = "contact-sheet.png"


def check_place(source: Path, place: Path, per_class: int | None) -> None:
    """DataError where `source` is not there, SettingsError where `place` is not free or lies in it."""
    if not source.exists():
        raise DataError(missing_path(source))
    real, target = source.resolve(), place.resolve()
    if real == target or real in target.parents or target in real.parents:
        raise SettingsError(
            f"-o {place} lies in the data or around it, which is not written into. Name a place beside it."
        )
    if place.exists() and (not place.is_dir() or any(place.iterdir())):
        raise SettingsError(f"-o {place} is there already; nothing is overwritten. Name a new place.")
    for beside in provenance.files_of(place):
        if beside.exists():
            raise SettingsError(f"-o {place}: {beside} is there already. Name a new place.")
    if not place.absolute().parent.is_dir():
        raise SettingsError(f"-o {place} lies in a folder that does not exist.")
    if per_class is not None and per_class < 1:
        raise SettingsError(f"--per-class {per_class}: a number from 1 is needed.")


def check_kind(dataset: Dataset, source: Path, place: Path, command: str) -> None:
    """SettingsError where `command` does not write data of this kind, such as texts, or not to `place`."""
    if dataset.modality == "text":
        raise SettingsError(
            f"handful {command} takes pictures and tables, and {source} holds texts. fit learns from altered "
            "texts by itself, inside every fold, where that is worth trying."
        )
    if dataset.modality == "image" and not source.is_dir():
        raise SettingsError(
            f"handful {command} takes a folder with a folder of pictures per class, or a table."
        )
    other = columns_of(dataset.X, TEXTS, PICTURE) if isinstance(dataset.X, pd.DataFrame) else []
    if other:
        kind = "texts" if other[0] in columns_of(dataset.X, TEXTS) else "pictures"
        raise SettingsError(
            f"the column {other[0]!r} holds {kind}, and none are made up: a copy would say what its original "
            "says. Leave the column out, or use handful fit, where rows are made up inside every fold as the "
            "model sees them."
        )
    if source.is_file() and (place.is_dir() or place.suffix.lower() not in TEXT_SUFFIXES):
        raise SettingsError(f"-o {place}: a table is written as text; name a CSV file, such as larger.csv.")
    if source.is_dir() and place.suffix.lower() in TEXT_SUFFIXES:
        raise SettingsError(f"-o {place}: pictures are written into a folder; name one, such as larger.")


@contextmanager
def new_folder(place: Path) -> Iterator[Path]:
    """A temporary folder that becomes `place` when the block ends well, and goes when it does not."""
    temporary = place.with_name(f".{place.name}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        with writing(place):
            temporary.mkdir(parents=True)
            yield temporary
            if place.exists():
                place.rmdir()
            temporary.rename(place)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def separator(place: Path) -> str:
    """What stands between the cells of a table with this name."""
    return "\t" if place.suffix.lower() in (".tsv", ".tab") else ","


def contact_sheet(rows: Sequence[Sequence[np.ndarray]], breaks: Sequence[int] = (1,)) -> Any:
    """One picture of many: squares `(side, side, 3)` in rows, a wider gap before the columns `breaks`."""
    from PIL import Image

    side, across = rows[0][0].shape[0], max(map(len, rows))
    gaps = [4 * sum(column >= b for b in breaks) for column in range(across)]
    sheet = Image.new("RGB", (across * (side + 4) + gaps[-1], len(rows) * (side + 4)), (255, 255, 255))
    for i, row in enumerate(rows):
        for column, pixels in enumerate(row):
            at = column * (side + 4) + 2 + gaps[column], i * (side + 4) + 2
            sheet.paste(Image.fromarray(pixels), at)
    return sheet


def decimals(values: np.ndarray) -> int:
    """How many decimals the numbers of a column have at most, among the first 200; over 6, all there are."""
    known = values[np.isfinite(values)][:200]
    exponents = (Decimal(repr(float(v))).as_tuple().exponent for v in known if v != round(v))
    return max((-int(e) for e in exponents), default=0)


def written_like(value: float, values: np.ndarray, style: str = "") -> str:
    """A number written with as many decimals as those of its column, in the style that they are written in.

    >>> written_like(-0.04, np.array([0.5, 7.0])), written_like(3.14, np.array([0.5]), "1.234,5")
    ('0.0', '3,1')
    """
    digits = decimals(values)
    plain = f"{round(value, digits) + 0.0:.{digits}f}" if digits <= 6 else repr(value)  # no "-0"
    return in_style(plain, style)
