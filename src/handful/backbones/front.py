"""What the frozen front of a network makes of fixed views of each picture: computed once, in half precision.

Fine-tuning only the last layers, a plain loop runs the whole network forward at every step. The front never
changes, and what it gives is a function of one picture alone; so it is run once for each picture and view,
and shared by all epochs, folds and candidates with the same cut.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from handful import backbones
from handful.backbones.cache import missing, through
from handful.backbones.engine import BATCH, choose, resize
from handful.data.dataset import Images
from handful.data.views import view
from handful.workers import usable_cores

if TYPE_CHECKING:
    from handful.backbones.cut import Cut

_CHUNK = 64  # pictures that reach the disk together
_LARGEST = float(np.finfo(np.float16).max)


def activations(
    images: Images,
    cut: Cut,
    views: Sequence[str],
    *,
    device: str = "auto",
    keep: bool = True,
) -> list[np.ndarray]:
    """For each view `(n, cut.width)` float16, one flat row a picture.

    views : names of `handful.data.views.VIEWS`
    keep : whether what is computed goes to the disk; of new pictures, seen once, it would only fill it
    Half precision costs a relative 0.0005, far below what a change of view makes.
    """
    if keep:
        _compute_missing(images, cut, views, device, None)
    out = [np.empty((len(images), cut.width), np.float16) for _ in views]
    for rows, key, read in _sources(images, cut, device):
        for matrix, name in zip(out, views, strict=True):
            matrix[rows] = _through(key, images[rows], cut, name, device, read, keep)
    return out


def warm(
    images: Images,
    cut: Cut,
    views: Sequence[str],
    *,
    device: str = "auto",
    progress: backbones.Progress | None = None,
) -> None:
    """Compute what `activations` would, without reading it."""
    _compute_missing(images, cut, views, device, progress)


def _compute_missing(
    images: Images, cut: Cut, views: Sequence[str], device: str, progress: backbones.Progress | None
) -> None:
    work: list[tuple[np.ndarray, str, str, backbones.Read]] = []
    for rows, key, read in _sources(images, cut, device):
        for name in views:
            todo = rows[missing(_key(key, cut), images[rows], [name])]
            work += [(todo[i : i + _CHUNK], key, name, read) for i in range(0, len(todo), _CHUNK)]
    total, done = sum(len(chunk) for chunk, *_ in work), 0
    for chunk, key, name, read in work:
        _through(key, images[chunk], cut, name, device, read)
        done += len(chunk)
        if progress:
            progress(done, total)


def _sources(images: Images, cut: Cut, device: str) -> list[tuple[np.ndarray, str, backbones.Read]]:
    """As for frozen features, at the cut's own size."""
    return backbones.sources(images, replace(cut.backbone, size=cut.size), device)


def _key(source: str, cut: Cut) -> str:
    return f"{source} front of {cut.first} steps"


def _through(
    source: str, images: Images, cut: Cut, name: str, device: str, read: backbones.Read, keep: bool = True
) -> np.ndarray:
    def compute(some: Images) -> dict[str, np.ndarray]:
        rows = np.empty((len(some), cut.width), np.float16)
        for i, row in _runner(cut, _kind(device)).run(read(some), name):
            rows[i] = np.clip(row, -_LARGEST, _LARGEST)
        return {name: rows}

    if not keep and len(missing(_key(source, cut), images, [name])):
        return compute(images)[name]
    return through(_key(source, cut), images, [name], compute)[name]


def _kind(device: str) -> str:
    """Which engine runs fronts: torch on a GPU or where it is asked for, else ONNX Runtime."""
    kind = choose(device)
    return kind if kind in ("cuda", "torch") else "onnxruntime"


@lru_cache(maxsize=4)
def _runner(cut: Cut, kind: str) -> Any:
    if kind == "onnxruntime":
        try:
            return _Onnx(cut)
        except Exception:  # what cannot be exported can still be run: the same numbers, more slowly
            return _Torch(cut, "cpu")
    return _Torch(cut, "cuda" if kind == "cuda" else "cpu")


class _Onnx:
    """One thread a picture and a picture a thread, as in `engine`."""

    def __init__(self, cut: Cut) -> None:
        from handful.backbones.export import kept, to_onnx

        part = f"front of {cut.first} steps at {cut.size}"
        content = kept(cut.backbone, part, lambda: to_onnx(cut.front().eval(), cut.size, ["activations"]))
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self.session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        self.cut = cut

    def run(self, pixels: np.ndarray, name: str) -> Iterator[tuple[int, np.ndarray]]:
        with ThreadPoolExecutor(usable_cores()) as pool:
            yield from enumerate(pool.map(lambda picture: self._one(picture, name), pixels))

    def _one(self, picture: np.ndarray, name: str) -> np.ndarray:
        seen = resize(view(picture, name), self.cut.size, self.cut.backbone.interpolation)
        return self.session.run(None, {"pixels": np.ascontiguousarray(seen)[None]})[0][0]


class _Torch:
    """Full batches only: kernels are chosen by their size, and with them the last digits."""

    def __init__(self, cut: Cut, device: str) -> None:
        import torch

        front = copy.deepcopy(cut.front())  # the chain it is of stays on the CPU, for other cuts
        self.front = front.eval().to(device)
        self.front.steps.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.cut, self.device, self.batch = cut, device, BATCH[device]

    def run(self, pixels: np.ndarray, name: str) -> Iterator[tuple[int, np.ndarray]]:
        import torch

        size = self.cut.size
        half = torch.autocast("cuda", dtype=torch.float16, enabled=self.device == "cuda")
        for first in range(0, len(pixels), self.batch):
            some = pixels[first : first + self.batch]
            batch = np.zeros((self.batch, size, size, 3), np.uint8)
            for i, picture in enumerate(some):
                batch[i] = resize(view(picture, name), size, self.cut.backbone.interpolation)
            with torch.inference_mode(), half:
                rows = self.front(torch.from_numpy(batch).to(self.device)).cpu().numpy()
            yield from enumerate(rows[: len(some)], start=first)


def pixels_at(images: Images, cut: Cut, device: str) -> np.ndarray:
    """The pictures at the cut's size, `(n, S, S, 3)` uint8, for a network of which nothing is frozen."""
    out = np.empty((len(images), cut.size, cut.size, 3), np.uint8)
    for rows, _, read in _sources(images, cut, device):
        for i, picture in zip(rows, read(images[rows]), strict=True):
            out[i] = resize(picture, cut.size, cut.backbone.interpolation)
    return out
