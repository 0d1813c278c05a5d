"""A column of pictures in a table: pixels stay where they are, and the rows are positions in them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.extensions import ExtensionArray, ExtensionDtype, take

from handful.data.dataset import Finding, Images
from handful.data.images import Progress, read_images
from handful.data.names import listed
from handful.errors import DataError

_SHOWN = 10  # damaged files that are named


class PictureDtype(ExtensionDtype):
    """Of a column of pictures."""

    name = "picture"
    type: Any = object
    na_value = None

    @classmethod
    def construct_array_type(cls) -> type[PictureArray]:
        return PictureArray


@dataclass(frozen=True)
class Picture:
    """One cell: the pixels `(S, S, 3)` uint8, their digest, the file (None where there was none)."""

    pixels: np.ndarray
    digest: str
    path: str | None

    def __str__(self) -> str:
        return os.path.basename(self.path) if self.path else f"picture {self.digest[:8]}"

    __repr__ = __str__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Picture) and other.digest == self.digest

    def __hash__(self) -> int:
        return hash(self.digest)


class PictureArray(ExtensionArray):
    """A column of pictures over `Images`, which stay where they are: rows are positions in them.

    Parameters
    ----------
    images : Images
        Those that are there.
    rows : (n,) int
        For each row of the column the position in `images`; -1 where a row has no picture.
    """

    _can_hold_na = True

    def __init__(self, images: Images, rows: np.ndarray | None = None) -> None:
        self.images = images
        self.rows = np.arange(len(images)) if rows is None else np.asarray(rows, dtype=np.int64)

    @property
    def dtype(self) -> PictureDtype:
        return PictureDtype()

    @property
    def nbytes(self) -> int:
        return self.rows.nbytes

    @property
    def shown(self) -> np.ndarray:
        """The positions of the rows that have a picture."""
        return np.flatnonzero(self.rows >= 0)

    @property
    def pictures(self) -> Images:
        """The pictures of the rows that have one, in the order of the rows."""
        return self.images[self.rows[self.shown]]

    @property
    def digests(self) -> np.ndarray:
        """`(n,)` hex strings; "" where there is no picture."""
        return np.append(self.images.digests, "")[self.rows]

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, (int, np.integer)):
            row = int(self.rows[key])
            if row < 0:
                return None
            some = self.images[row : row + 1]
            return Picture(some[0], str(some.digests[0]), some.paths[0])
        key = pd.api.indexers.check_array_indexer(self, key)
        return PictureArray(self.images, self.rows[key])

    def __eq__(self, other: Any) -> Any:
        if not isinstance(other, PictureArray):
            return NotImplemented
        return (self.digests == other.digests) & (self.rows >= 0)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """Objects, as pandas wants them: `Picture`, or None."""
        out = np.empty(len(self), dtype=object)
        out[:] = [self[i] for i in range(len(self))]
        return out

    def __reduce__(self) -> tuple:
        # Only what is shown travels to another process.
        rows = np.full(len(self), -1)
        rows[self.shown] = np.arange(len(self.shown))
        return PictureArray, (self.pictures, rows)

    def isna(self) -> np.ndarray:
        return self.rows < 0

    def take(self, indices: Any, *, allow_fill: bool = False, fill_value: Any = None) -> PictureArray:
        fill = -1 if allow_fill else None
        return PictureArray(
            self.images, take(self.rows, np.asarray(indices), allow_fill=allow_fill, fill_value=fill)
        )

    def copy(self) -> PictureArray:
        return PictureArray(self.images, self.rows.copy())

    def _values_for_factorize(self) -> tuple[np.ndarray, Any]:
        return self.digests.astype(object), ""

    @classmethod
    def _from_factorized(cls, values: Any, original: PictureArray) -> PictureArray:
        place = {digest: i for i, digest in reversed(list(enumerate(original.digests.tolist())))}
        return original.take(np.array([place[digest] for digest in values], dtype=np.int64))

    @classmethod
    def _from_sequence(cls, scalars: Any, *, dtype: Any = None, copy: bool = False) -> PictureArray:
        """From `Picture` and None."""
        found = [one for one in scalars if one is not None]
        size = found[0].pixels.shape if found else (32, 32, 3)
        pixels = np.stack([one.pixels for one in found]) if found else np.zeros((0, *size), np.uint8)
        images = Images(pixels, np.array([p.digest for p in found], dtype="<U32"), [p.path for p in found])
        there = np.array([one is not None for one in scalars], dtype=bool)
        return cls(images, np.where(there, np.cumsum(there) - 1, -1))

    @classmethod
    def _concat_same_type(cls, to_concat: Sequence[PictureArray]) -> PictureArray:
        first = to_concat[0].images
        if all(one.images is first for one in to_concat):
            return cls(first, np.concatenate([one.rows for one in to_concat]))
        starts = np.cumsum([0, *(len(one.shown) for one in to_concat)])
        pictures = [one.pictures for one in to_concat]
        rows = [np.full(len(one), -1) for one in to_concat]
        for own, one, start in zip(rows, to_concat, starts[:-1], strict=True):
            own[one.shown] = start + np.arange(len(one.shown))
        pixels = np.concatenate([np.asarray(some) for some in pictures if len(some)] or [np.asarray(first)])
        digests = np.concatenate([some.digests for some in pictures])
        return cls(
            Images(pixels, digests, [p for some in pictures for p in some.paths]), np.concatenate(rows)
        )

    def compact(self) -> PictureArray:
        """The same column over the pictures that it shows, each once."""
        used, rows = np.unique(self.rows[self.shown], return_inverse=True)
        if len(used) == len(self.images):
            return self
        renamed = np.full(len(self), -1)
        renamed[self.shown] = rows
        return PictureArray(self.images[used], renamed)

    def _formatter(self, boxed: bool = False) -> Any:
        return str


def with_pictures(
    X: pd.DataFrame,
    names: Sequence[str],
    sizes: dict[str, int],
    folder: Path | None = None,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> tuple[pd.DataFrame, dict[str, int], list[Finding]]:
    """The columns `names`, paths of image files or None, as columns of pictures; (X, sizes, findings).

    `sizes` holds S for each column, or is empty where it is to be chosen. The pixels go to
    `folder/pictures-0/pixels.npy` and so on. A picture that cannot be read is missing, and said to be in the
    findings: the rest of its row says something all the same. DataError where S is to be chosen and no
    picture of a column can be read.
    """
    X, found, findings = X.copy(deep=False), {}, []
    for i, name in enumerate(names):
        paths = X[name].tolist()
        files = list(dict.fromkeys(path for path in paths if path is not None))
        out = None if folder is None else pictures_folder(folder, i)
        images, _, problems = read_images(files, sizes.get(name), out, jobs, progress)
        if not len(images) and not sizes:
            raise DataError(
                f"none of the {len(files)} image files of the column {name!r} can be read: "
                f"{_reasons(problems)}. Are these image files?"
            )
        place = {path: k for k, path in enumerate(path for path in files if path not in problems)}
        X[name] = PictureArray(images, np.array([place.get(path, -1) for path in paths], dtype=np.int64))
        found[name] = images.size
        if problems:
            message = (
                f"{len(problems)} of {len(files)} pictures of {name!r} cannot be read and count as "
                f"missing: {_reasons(problems)}."
            )
            findings.append(
                Finding("damaged file", "warning", message, [os.path.basename(p) for p in problems])
            )
    return X, found, findings


def pictures_folder(folder: Path, i: int) -> Path:
    """Where the pixels of the i-th column of pictures lie."""
    return folder / f"pictures-{i}"


def _reasons(problems: dict[str, str]) -> str:
    return listed((f"{os.path.basename(path)} {why}" for path, why in problems.items()), _SHOWN)
