"""What came in: one `Dataset` for images, tables and text."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Finding:
    """One line of the audit: what was noticed, how bad it is, and what it is about.

    `severity` is "note" (for information), "warning" (look at it) or "alarm" (the evaluation would be
    wrong). `items` are ids, classes or columns.
    """

    kind: str
    severity: str
    message: str
    items: list[str] = field(default_factory=list)


class Images:
    """A view of n decoded images, `(n, S, S, 3)` uint8, that knows each sample's digest and path.

    `X[3]` is an array `(S, S, 3)`; a slice, an index array or a boolean mask gives another `Images`;
    `np.asarray(X)` reads the pixels. `digests` are hex strings of the decoded content (empty for a picture
    that was made up on the way, of which nothing is to be kept), `paths` the files (or None for images that
    came as arrays).
    """

    def __init__(
        self,
        pixels: np.ndarray,
        digests: np.ndarray,
        paths: Sequence[str | None],
        index: np.ndarray | None = None,
    ) -> None:
        self._pixels = pixels
        self._digests = np.asarray(digests)
        self._paths = list(paths)
        self._index = np.arange(len(pixels)) if index is None else np.asarray(index)

    @property
    def size(self) -> int:
        """S, the side in pixels."""
        return int(self._pixels.shape[1])

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self._index), *self._pixels.shape[1:])

    @property
    def ndim(self) -> int:
        return 4

    @property
    def dtype(self) -> np.dtype:
        return self._pixels.dtype

    @property
    def digests(self) -> np.ndarray:
        return self._digests[self._index]

    @property
    def paths(self) -> list[str | None]:
        return [self._paths[i] for i in self._index]

    def __len__(self) -> int:
        return len(self._index)

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, (int, np.integer)):
            return np.asarray(self._pixels[self._index[key]])
        return Images(self._pixels, self._digests, self._paths, self._index[key])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        pixels = np.asarray(self._pixels[self._index])
        return pixels if dtype is None else pixels.astype(dtype, copy=False)

    def __reduce__(self) -> tuple:
        # Only what this view shows travels to another process, not the whole memory-mapped file.
        return Images, (np.asarray(self), self.digests, self.paths)

    def is_whole_file(self, path: Path) -> bool:
        """Whether these are exactly the images of the array file at `path`, in its order."""
        stored = getattr(self._pixels, "filename", None)
        if stored is None or not path.exists() or Path(stored).resolve() != path.resolve():
            return False
        return np.array_equal(self._index, np.arange(len(self._pixels)))

    def joined(self, pixels: np.ndarray) -> Images:
        """These images, in memory, and after them `(m, S, S, 3)` uint8 that were made up (see `unnamed`)."""
        more = Images.unnamed(pixels)
        return Images(
            np.concatenate([np.asarray(self), np.asarray(more)]),
            np.concatenate([self.digests, more.digests]),
            [*self.paths, *more.paths],
        )

    @classmethod
    def from_array(cls, pixels: np.ndarray) -> Images:
        """Images from an array `(n, S, S, 3)` uint8; digests are computed here."""
        pixels = np.ascontiguousarray(pixels)
        return cls(pixels, np.array([pixel_digest(p) for p in pixels]), [None] * len(pixels))

    @classmethod
    def unnamed(cls, pixels: np.ndarray) -> Images:
        """Images `(n, S, S, 3)` uint8 without digests: what is computed of them is stored nowhere."""
        return cls(np.ascontiguousarray(pixels), np.full(len(pixels), "", dtype="<U32"), [None] * len(pixels))


def pixel_digest(pixels: np.ndarray) -> str:
    """A name for decoded content: 32 hex digits of SHA-256 over the shape and the bytes."""
    total = hashlib.sha256(repr((pixels.shape, pixels.dtype.str)).encode())
    total.update(np.ascontiguousarray(pixels).data)  # no copy: a picture can be hundreds of MB
    return total.hexdigest()[:32]


@dataclass
class Dataset:
    """A labelled data set; X, y, groups, ids and meta all have n rows, in the order of the input.

    X is `Images`, a DataFrame in which each column is float64 (numeric, NaN where missing) or object
    (categorical: str, None where missing), or an object array of text. y holds codes 0…K-1 into `classes`
    (int64), or the measured value (float64) for regression, where `classes` is None. `groups` are codes or
    None. `meta` is what is known beside the content: `order` (the row in the input; of a file in class
    folders, its place in its own folder), and of files `bytes`, `format`, `mode`, `width`, `height`, `name`,
    `exif` (how many tags), `camera`, `packed` and `jpeg` (bytes of the decoded picture, packed in one
    same way; `packed` of a text are those of its cleaned form); and `copy`, where some samples were made
    from others by `handful augment`, with `mixed_with`, the position of the second sample that a copy was
    mixed of, -1 where there is none. `origin` is what is needed to read new data in the same way (plain
    JSON: the target's name, the table's schema, the image size). `kept`, `(N,)` of bool, says which of
    the N samples that were given these are; None means all, or that it is not known any more (in a stored
    data set).
    """

    X: Any
    y: np.ndarray
    ids: np.ndarray
    meta: pd.DataFrame
    task: str
    modality: str
    classes: np.ndarray | None = None
    groups: np.ndarray | None = None
    origin: dict[str, Any] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    unlabelled: Any = None
    kept: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.y)

    @property
    def copies(self) -> np.ndarray:
        """Which samples `(n,)` were made from others: learned from, and nothing is scored on them."""
        if "copy" not in self.meta:
            return np.zeros(len(self), dtype=bool)
        return self.meta["copy"].to_numpy(dtype=bool)

    @property
    def mixed_with(self) -> np.ndarray:
        """The position of the second sample that a copy was mixed of, `(n,)`; -1 where there is none."""
        if "mixed_with" not in self.meta:
            return np.full(len(self), -1)
        return self.meta["mixed_with"].to_numpy(dtype=np.int64)
