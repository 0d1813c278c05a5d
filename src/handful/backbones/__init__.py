"""Pretrained encoders: the registry, the inference engine, and the cache of embeddings.

An embedding is a function of one sample alone, so it may be computed before any split is made and shared by
all folds. Nothing heavy is imported until a vector has to be computed: with a warm cache, never.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from handful.backbones.cache import Vectors, cache_folder, missing, through
from handful.backbones.registry import Backbone, available, get
from handful.backbones.text_registry import TEXT_NAMES, TextBackbone, get_text, installed, reads_texts
from handful.data.dataset import Images
from handful.data.images import SIZE_LIMITS
from handful.data.views import PLAIN, view
from handful.errors import DataError, SettingsError
from handful.settings import Settings

if TYPE_CHECKING:
    from handful.backbones.engine import Engine

__all__ = [
    "Backbone",
    "available",
    "cache_folder",
    "embed",
    "find",
    "foremost",
    "get",
    "levels",
    "through",
    "used",
    "warm",
]

Progress = Callable[[int, int], None]  # (done, total)

LARGER = "lite0@320"  # sees finer things than lite0

# Vectors reach the disk after so many pictures: what a kill can cost.
_CHUNK = 512


def used(settings: Settings, modality: str = "image") -> tuple[str, ...]:
    """The backbones tried on data of this kind: those asked for that can read it, or those at hand.

    Of pictures that is lite0; beyond `quick` lite1 too where it is installed: on nine draws of three sets the
    two delivered 1.2 points more than lite0 alone, and a third nothing more (benchmarks/backbones_choice.py).
    Without lite1 `thorough` gives lite0 larger pictures as well, which costs twice as much and brings less.
    """
    if settings.backbones:
        return tuple(n for n in settings.backbones if ("text" if reads_texts(n) else "image") == modality)
    if modality == "text":
        return tuple(name for name in ("minilm", "wordllama") if installed(name))
    if modality != "image":
        return ()
    here = {backbone.name for backbone, there in available() if there}
    if settings.effort != "quick" and "lite1" in here:
        return "lite0", "lite1"
    return ("lite0", LARGER) if settings.effort == "thorough" else ("lite0",)


def foremost(settings: Settings) -> tuple[str, ...]:
    """The backbones of pictures on which dear things are tried: those asked for, else the first alone."""
    return used(settings) if settings.backbones else used(settings)[:1]


def find(name: str) -> Backbone | TextBackbone:
    """The encoder of this name, of pictures or of texts; errors are those of `get` and `get_text`."""
    if reads_texts(name) or difflib.get_close_matches(name, TEXT_NAMES, n=1, cutoff=0.75):
        return get_text(name)
    return get(name)


def levels(name: str) -> dict[str, int]:
    """The levels that a backbone offers, each with its number of features.

    `last` is what the network pools for its own classifier (of a transformer with a class token, that token
    and the mean of its patches), `last_max` the mean and the maximum of its final
    map, `blockN` the mean, maximum and standard deviation after block N, `all` is `last_max` and all blocks.

    >>> levels("lite0")
    {'last': 1280, 'last_max': 2560, 'block3': 240, 'block4': 336, 'block5': 576, 'block6': 960, 'all': 4672}
    """
    stored = dict(get(name).levels)
    return {**stored, "all": sum(stored[part] for part in _parts("all", get(name)))}


def embed(
    images: Images | np.ndarray,
    backbone: str = "lite0",
    level: str = "last",
    *,
    device: str = "auto",
    seen: str = PLAIN,
    progress: Progress | None = None,
) -> np.ndarray:
    """One vector for each image, (n, d) float32, from the cache where it is there.

    Parameters
    ----------
    images : Images, or an array (n, S, S, 3) uint8
        Resized to the backbone's input; read again from their files where the backbone wants more pixels than
        they were loaded with.
    backbone : str
        A name as for `registry.get`.
    level : str
        One of `levels(backbone)`.
    device : "auto", "cpu" or "cuda"
    seen : str
        The fixed view of each image that is encoded, one of `handful.data.views.VIEWS`.
    progress : callable, optional
        Called with (done, total) while vectors are computed.

    Raises
    ------
    SettingsError
        The backbone or the level is unknown, or the device cannot be had.
    DataError
        An array that does not hold square RGB images.
    """
    chosen = get(backbone)
    parts = _parts(level, chosen)
    images = _as_images(images)
    _compute_missing(images, chosen, device, parts, seen, progress)
    dims = dict(chosen.levels)
    out = np.empty((len(images), sum(dims[part] for part in parts)), np.float32)
    for rows, key, read in sources(images, chosen, device, seen):
        found = through(key, images[rows], parts, _encoder(chosen, device, read))
        out[rows] = found[level] if level in found else np.concatenate([found[p] for p in parts], axis=1)
    return out


def warm(
    images: Images | np.ndarray,
    backbone: str = "lite0",
    *,
    device: str = "auto",
    seen: str = PLAIN,
    progress: Progress | None = None,
) -> None:
    """Compute all levels of all images once, so that every later `embed` is a look-up.

    Parameters and errors are those of `embed`.
    """
    chosen = get(backbone)
    parts = [name for name, _ in chosen.levels]
    _compute_missing(_as_images(images), chosen, device, parts, seen, progress)


def _parts(level: str, backbone: Backbone) -> list[str]:
    """The stored levels that a level is made of."""
    stored = [name for name, _ in backbone.levels]
    if level == "all":
        return [name for name in stored if name != "last"]
    if level not in stored:
        near = difflib.get_close_matches(level, [*stored, "all"], n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise SettingsError(
            f"the backbone {backbone.name!r} has no level {level!r}.{hint} "
            f"It has {', '.join([*stored, 'all'])}."
        )
    return [level]


def _as_images(images: Images | np.ndarray) -> Images:
    if isinstance(images, Images):
        return images
    if (
        images.ndim != 4
        or images.shape[1] != images.shape[2]
        or images.shape[3] != 3
        or images.dtype != np.uint8
    ):
        raise DataError(
            f"images must be an array (n, S, S, 3) of uint8, but it is {images.shape} of {images.dtype}. "
            "Make them square RGB, with values 0 to 255."
        )
    return Images.from_array(images)


def _compute_missing(
    images: Images,
    backbone: Backbone,
    device: str,
    parts: list[str],
    seen: str,
    progress: Progress | None,
) -> None:
    """Fill the cache chunk by chunk, so that a kill costs one chunk and progress has a total."""
    work = []
    for rows, key, read in sources(images, backbone, device, seen):
        todo = rows[missing(key, images[rows], parts)]
        work += [(todo[i : i + _CHUNK], key, read) for i in range(0, len(todo), _CHUNK)]
    total, done = sum(len(chunk) for chunk, _, _ in work), 0
    for chunk, key, read in work:
        report = _after(done, total, progress) if progress else None
        through(key, images[chunk], parts, _encoder(backbone, device, read, report))
        done += len(chunk)


def _after(before: int, total: int, progress: Progress) -> Progress:
    return lambda done, _: progress(before + done, total)


Read = Callable[[Images], np.ndarray]  # images -> pixels


def _encoder(
    backbone: Backbone, device: str, read: Read, progress: Progress | None = None
) -> Callable[[Images], Vectors]:
    from handful.backbones.engine import choose

    return lambda images: _engine(backbone, choose(device)).encode(read(images), progress)


def sources(
    images: Images, backbone: Backbone, device: str, seen: str = PLAIN
) -> list[tuple[np.ndarray, str, Read]]:
    """By what is encoded, the pixels as loaded or more from the file: (positions `(m,)`, key, how to read).

    `key` names the pixels' origin and the network in the cache; reading gives `(m, S, S, 3)` uint8. The size
    at which they were loaded is part of it: it goes by all pictures of a data set, and digests do not tell.
    """
    from handful.backbones.engine import choose, precision

    key = f"{backbone.identity} {precision(choose(device))}"
    if seen != PLAIN:
        key += f" seen {seen}"
    from_file = _wants_files(images, backbone)
    found: list[tuple[np.ndarray, str, Read]] = [
        (
            np.flatnonzero(~from_file),
            f"{key} at {images.size}",
            lambda some: _viewed(np.asarray(some), seen),
        ),
        (
            np.flatnonzero(from_file),
            f"{key} from file",
            lambda some: _viewed(_read_again(some, backbone.size), seen),
        ),
    ]
    return [source for source in found if len(source[0])]


def _wants_files(images: Images, backbone: Backbone) -> np.ndarray:
    """Which images have a file with more pixels to offer.

    Loaded at less than the loader's limit, the pictures have no more pixels than were kept. Where a file has
    gone, the pixels as loaded must do.
    """
    if images.size >= backbone.size or images.size < SIZE_LIMITS[1]:
        return np.zeros(len(images), bool)
    return np.array([p is not None and Path(p).is_file() for p in images.paths], dtype=bool)


def _viewed(pixels: np.ndarray, seen: str) -> np.ndarray:
    return pixels if seen == PLAIN else np.stack([view(picture, seen) for picture in pixels])


def _read_again(images: Images, size: int) -> np.ndarray:
    from handful.data.images import decode

    return np.stack([decode(path, size) for path in images.paths if path is not None])


@lru_cache(maxsize=4)
def _engine(backbone: Backbone, kind: str) -> Engine:
    """The engine, made when the first vector must be computed and then kept for this process."""
    from handful.backbones.engine import Engine

    return Engine(backbone, engine=kind)
