"""The engine: pixels in, all levels out, as quickly as the machine allows.

On the CPU, ONNX Runtime in float32: one picture a thread (see `export.onnx_model`), exact, and independent of
what else is encoded; or OpenVINO in float32 where that is installed. On a GPU, torch with automatic mixed
precision. Another one is taken when it is asked for, by `engine=` or the environment variable HANDFUL_ENGINE:
"openvino-bf16" (half the time where the processor has bfloat16; cosine to float32 about .997), or "torch".
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from handful.backbones.cache import Vectors
from handful.backbones.registry import Backbone, load_torch
from handful.errors import HandfulError, MissingExtraError, SettingsError
from handful.workers import usable_cores

ENGINES = ("onnxruntime", "openvino", "openvino-bf16", "torch", "cuda")

BATCH = {"cuda": 64, "cpu": 8}  # pictures that torch takes at once

Progress = Callable[[int, int], None]  # (done, total)
Rows = tuple[int, list[np.ndarray]]  # first row, and (rows, d) of each level


class Runtime(Protocol):
    """What an engine runs on: yields the levels of all pictures, piece by piece, in any order."""

    def run(self, pixels: np.ndarray) -> Iterator[Rows]: ...


class Engine:
    """A backbone made ready to encode.

    Parameters
    ----------
    backbone : Backbone
    device : "auto", "cpu" or "cuda"
    threads : int, optional
        CPU threads; all that this process may use by default.
    engine : one of `ENGINES`, or "auto"
    """

    def __init__(
        self, backbone: Backbone, device: str = "auto", threads: int | None = None, engine: str = "auto"
    ) -> None:
        self.backbone = backbone
        self.threads = threads or usable_cores()
        self.kind = choose(device, engine)
        self._runtime = _runtime(self.kind, backbone, self.threads)

    def encode(self, pixels: np.ndarray, progress: Progress | None = None) -> Vectors:
        """All levels of `pixels` (n, S, S, 3) uint8, any S: level -> (n, d) float32.

        The result for a picture is a function of that picture alone. `progress` is called in this thread.
        """
        n = len(pixels)
        out = {level: np.empty((n, d), np.float32) for level, d in self.backbone.levels}
        done = 0
        for first, levels in self._runtime.run(pixels):
            for matrix, rows in zip(out.values(), levels, strict=True):
                matrix[first : first + len(rows)] = rows
            done += len(levels[0])
            if progress:
                progress(done, n)
        return out


_asked: ContextVar[str] = ContextVar("device", default="auto")


@contextmanager
def on_device(name: str) -> Iterator[None]:
    """Inside, what is left to "auto" follows `name`: "auto" (a GPU where there is one), "cpu" or "cuda"."""
    token = _asked.set(name)
    try:
        yield
    finally:
        _asked.reset(token)


def choose(device: str = "auto", engine: str = "auto") -> str:
    """The engine of `ENGINES` that will be used. Raises SettingsError where it cannot be had.

    A device that is "auto" is that of `on_device`.

    >>> choose("cpu", "torch")
    'torch'
    """
    if device not in ("auto", "cpu", "cuda"):
        raise SettingsError(f"the device must be auto, cpu or cuda, not {device!r}.")
    if device == "auto":
        device = _asked.get()
    if engine == "auto":
        engine = os.environ.get("HANDFUL_ENGINE") or "auto"
    if engine not in ("auto", *ENGINES):
        raise SettingsError(f"the engine must be auto or one of {', '.join(ENGINES)}, not {engine!r}.")
    if device == "cuda" or engine == "cuda":
        if not cuda_available():
            raise SettingsError(
                "the device cuda was asked for, but torch sees no GPU here. Use --device cpu, or install a "
                "CUDA build of torch and a driver that fits it."
            )
        return "cuda"
    if engine != "auto":
        return engine
    if device == "auto" and cuda_available():
        return "cuda"
    return next((name for name in ("openvino", "onnxruntime") if find_spec(name)), "torch")


def precision(kind: str) -> str:
    """What an engine's numbers can be mixed with: vectors of one precision agree to float32's rounding."""
    return {"cuda": "float16", "openvino-bf16": "bfloat16"}.get(kind, "float32")


@lru_cache(maxsize=1)
def cuda_available() -> bool:
    """Whether torch can use a GPU, without importing torch where the answer is plainly no."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        build = version("torch")
    except PackageNotFoundError:
        return False
    no_driver = sys.platform == "linux" and not any(
        Path(p).exists() for p in ("/dev/nvidiactl", "/dev/dxg", "/dev/kfd")
    )
    if build.endswith("+cpu") or no_driver:
        return False
    import torch

    return torch.cuda.is_available()


def resize(picture: np.ndarray, size: int, interpolation: str) -> np.ndarray:
    """One picture (S, S, 3) uint8 as (size, size, 3) uint8, antialiased; itself where the size is right."""
    if picture.shape[:2] == (size, size):
        return picture
    from PIL import Image

    way = {"bilinear": Image.Resampling.BILINEAR}.get(interpolation, Image.Resampling.BICUBIC)
    return np.asarray(Image.fromarray(np.ascontiguousarray(picture)).resize((size, size), way))


def _runtime(kind: str, backbone: Backbone, threads: int) -> Runtime:
    if kind == "onnxruntime":
        try:
            return _OnnxRuntime.load(backbone, threads)
        except HandfulError:
            raise  # the weights themselves are wrong, and would be for torch too
        except Exception as error:  # a network that cannot be exported says so in many ways
            reason = f"{type(error).__name__}: {error}".splitlines()[0]
            warnings.warn(
                f"the backbone {backbone.name!r} cannot run on ONNX Runtime ({reason}), so torch is used: "
                "the same numbers, more slowly.",
                stacklevel=3,
            )
            return _Torch.load(backbone, threads, "torch")
    if kind.startswith("openvino"):
        return _OpenVINO.load(backbone, threads, "bf16" if kind.endswith("bf16") else "f32")
    return _Torch.load(backbone, threads, kind)


def one_thread_session(content: bytes) -> Any:
    """A network on ONNX Runtime, one thread a call: nothing to wait for inside, so nothing to spin for."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


@dataclass
class _OnnxRuntime:
    session: Any
    backbone: Backbone
    threads: int

    @classmethod
    def load(cls, backbone: Backbone, threads: int) -> _OnnxRuntime:
        from handful.backbones.export import onnx_model

        return cls(one_thread_session(onnx_model(backbone)), backbone, threads)

    def run(self, pixels: np.ndarray) -> Iterator[Rows]:
        with ThreadPoolExecutor(self.threads) as pool:
            yield from pool.map(lambda i: (i, self._encode(pixels[i])), range(len(pixels)))

    def _encode(self, picture: np.ndarray) -> list[np.ndarray]:
        picture = resize(picture, self.backbone.size, self.backbone.interpolation)
        return self.session.run(None, {"pixels": picture[None]})


@dataclass
class _OpenVINO:
    queue: Any
    backbone: Backbone

    @classmethod
    def load(cls, backbone: Backbone, threads: int, hint: str) -> _OpenVINO:
        from handful.backbones.export import onnx_model

        openvino = import_openvino()
        core = openvino.Core()
        compiled = core.compile_model(
            core.read_model(onnx_model(backbone)),
            "CPU",
            {
                "INFERENCE_PRECISION_HINT": hint,
                "PERFORMANCE_HINT": "THROUGHPUT",
                "INFERENCE_NUM_THREADS": threads,
            },
        )
        return cls(openvino.AsyncInferQueue(compiled), backbone)

    def run(self, pixels: np.ndarray) -> Iterator[Rows]:
        size, way = self.backbone.size, self.backbone.interpolation
        yield from answers(self.queue, ((i, {0: resize(p, size, way)[None]}) for i, p in enumerate(pixels)))


def answers(queue: Any, asked: Iterable[tuple[Any, dict]]) -> Iterator[tuple[Any, list[np.ndarray]]]:
    """What a queue of OpenVINO says to each of (key, inputs): (key, outputs), in any order."""
    ready: list[tuple[Any, list[np.ndarray]]] = []
    queue.set_callback(
        lambda request, key: ready.append((key, [np.array(o.data) for o in request.output_tensors]))
    )
    for key, inputs in asked:
        queue.start_async(inputs, key)  # waits until a request is free
        while ready:
            yield ready.pop()
    queue.wait_all()
    yield from ready


def import_openvino() -> Any:
    """openvino, with its telemetry switched off. Raises MissingExtraError.

    openvino imports `openvino_telemetry` where it is installed (it comes along as a dependency) and a stub
    that does nothing where it is not. handful never phones home, so that import is barred first.
    """
    if find_spec("openvino") is None:
        raise MissingExtraError("openvino", "openvino", "the engine 'openvino'")
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    import openvino

    return openvino


@dataclass
class _Torch:
    levels: Any
    backbone: Backbone
    device: str
    threads: int
    batch: int

    @classmethod
    def load(cls, backbone: Backbone, threads: int, kind: str) -> _Torch:
        import torch

        from handful.backbones.pooling import Levels

        device = "cuda" if kind == "cuda" else "cpu"
        levels = Levels(load_torch(backbone), backbone.mean, backbone.std).eval().to(device)
        levels.encoder.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        return cls(levels, backbone, device, threads, batch=BATCH[device])

    def run(self, pixels: np.ndarray) -> Iterator[Rows]:
        import torch

        before = torch.get_num_threads()
        torch.set_num_threads(self.threads)
        try:
            for first in range(0, len(pixels), self.batch):
                yield first, self._encode(pixels[first : first + self.batch])
        finally:
            torch.set_num_threads(before)

    def _encode(self, pixels: np.ndarray) -> list[np.ndarray]:
        import torch

        size = self.backbone.size
        n = len(pixels)
        # Always a full batch: kernels are chosen by its size, and with them the last digits.
        batch = np.zeros((self.batch, size, size, 3), np.uint8)
        for i, picture in enumerate(pixels):
            batch[i] = resize(picture, size, self.backbone.interpolation)
        amp = torch.autocast("cuda", dtype=torch.float16, enabled=self.device == "cuda")
        with torch.inference_mode(), amp:
            out = self.levels(torch.from_numpy(batch).to(self.device))
        return [level[:n].float().cpu().numpy() for level in out]
