"""Vectors of texts, from the cache where they are there.

As for pictures, an embedding is a function of one sample alone, so it may be computed before any split is
made and shared by all folds. Nothing heavy is imported until a vector has to be computed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from handful.backbones.cache import Vectors, missing, through
from handful.backbones.engine import choose
from handful.backbones.text_engine import TextEngine, numbers
from handful.backbones.text_registry import TextBackbone, default_text_backbone, get_text, text_backbones

__all__ = [
    "TextBackbone",
    "default_text_backbone",
    "dimension",
    "embed_texts",
    "get_text",
    "text_backbones",
    "text_digest",
    "warm_texts",
]

Progress = Callable[[int, int], None]  # (done, total)

_LEVEL = "text"
# Vectors reach the disk after so many texts: what a kill can cost.
_CHUNK = 512


def embed_texts(
    texts: Sequence[Any] | np.ndarray,
    backbone: str = "minilm",
    *,
    device: str = "auto",
    progress: Progress | None = None,
) -> np.ndarray:
    """One vector for each text, `(n, d)` float32, from the cache where it is there.

    Parameters
    ----------
    texts : list or array of str
        What is missing (None, NaN) counts as the empty text, whose vector is as good as any other.
    backbone : str
        A name as for `get_text`.
    device : "auto", "cpu" or "cuda"
    progress : callable, optional
        Called with (done, total) while vectors are computed.

    Raises
    ------
    SettingsError
        The backbone is unknown or cannot be had, or the device cannot.
    MissingExtraError
        A package that the backbone needs is not installed.
    """
    chosen = get_text(backbone)
    named = Texts.of(texts)
    if not len(named):
        return np.empty((0, chosen.dimension), np.float32)
    key = _key(chosen, device)
    _compute_missing(named, key, chosen, device, progress)
    return through(key, named, [_LEVEL], _encoder(chosen, device))[_LEVEL]


def warm_texts(
    texts: Sequence[Any] | np.ndarray,
    backbone: str = "minilm",
    *,
    device: str = "auto",
    progress: Progress | None = None,
) -> None:
    """Compute the vectors of all texts once, so that every later `embed_texts` is a look-up.

    Parameters and errors are those of `embed_texts`.
    """
    chosen = get_text(backbone)
    _compute_missing(Texts.of(texts), _key(chosen, device), chosen, device, progress)


def dimension(backbone: str = "minilm") -> int:
    """Length of a backbone's vectors."""
    return get_text(backbone).dimension


def text_digest(text: str) -> str:
    """A name for a text: 32 hex digits of SHA-256 over its UTF-8.

    >>> text_digest("")
    'e3b0c44298fc1c149afbf4c8996fb924'
    """
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


@dataclass(frozen=True)
class Texts:
    """n texts with their digests, as the cache wants its samples."""

    texts: np.ndarray  # (n,) of str
    digests: np.ndarray  # (n,)

    @classmethod
    def of(cls, texts: Sequence[Any] | np.ndarray) -> Texts:
        clean = np.empty(len(texts), object)
        clean[:] = [as_text(text) for text in texts]
        return cls(clean, np.array([text_digest(text) for text in clean], dtype="<U32"))

    def __len__(self) -> int:
        return len(self.texts)

    def __getitem__(self, rows: Any) -> Texts:
        return Texts(self.texts[rows], self.digests[rows])


def as_text(value: Any) -> str:
    """A str that can be encoded: "" for what is missing; halves of surrogate pairs become question marks.

    >>> as_text(None), as_text(pd.NA), as_text(" yes "), as_text(7)
    ('', '', ' yes ', '7')
    """
    if not isinstance(value, str) and pd.isna(value):
        return ""
    return str(value).encode("utf-8", "replace").decode("utf-8")


def _key(backbone: TextBackbone, device: str) -> str:
    """Names the function in the cache; word vectors are looked up in float32 on every device."""
    return f"{backbone.identity} {numbers(backbone, choose(device))}"


def _compute_missing(
    texts: Texts, key: str, backbone: TextBackbone, device: str, progress: Progress | None
) -> None:
    """Fill the cache chunk by chunk, so that a kill costs one chunk and progress has a total."""
    todo = missing(key, texts, [_LEVEL])
    for first in range(0, len(todo), _CHUNK):
        report = _after(first, len(todo), progress) if progress else None
        through(key, texts[todo[first : first + _CHUNK]], [_LEVEL], _encoder(backbone, device, report))


def _after(before: int, total: int, progress: Progress) -> Progress:
    return lambda done, _: progress(before + done, total)


def _encoder(
    backbone: TextBackbone, device: str, progress: Progress | None = None
) -> Callable[[Texts], Vectors]:
    return lambda some: {_LEVEL: _engine(backbone, choose(device)).encode(some.texts.tolist(), progress)}


@lru_cache(maxsize=4)
def _engine(backbone: TextBackbone, kind: str) -> TextEngine:
    """The engine, made when the first vector must be computed and then kept for this process."""
    return TextEngine(backbone, engine=kind)
