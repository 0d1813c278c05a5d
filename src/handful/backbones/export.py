"""A backbone with all its levels as an ONNX file, made once and kept under the weights' checksum."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import re
import uuid
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from handful.backbones.cache import cache_folder
from handful.backbones.registry import Backbone, load_torch

if TYPE_CHECKING:
    import torch

_OPSET = 17


def onnx_model(backbone: Backbone) -> bytes:
    """The serialised network: `pixels` (1, S, S, 3) uint8 -> one output a level, each (1, d) float32.

    The batch is fixed at one picture. With every shape known, ONNX Runtime folds the paddings and the shape
    arithmetic away: EfficientNet-Lite0 takes 6.8 CPU ms a picture so, and 10.7 with a free batch of 8.
    Several pictures at once are several threads, and a result cannot depend on what else is in the batch.

    The file's name carries the checksum of its content, so a damaged file is seen, removed and made again.
    """
    return kept(backbone, "", lambda: export(backbone))


def kept(backbone: Backbone, part: str, make: Callable[[], bytes]) -> bytes:
    """A part of the backbone ("": all of it) as ONNX, from the cache folder, or made and put there."""
    return kept_as(_stem(backbone, part), make)


def kept_as(stem: str, make: Callable[[], bytes]) -> bytes:
    """What was made under this name, from the cache folder, or made and put there."""
    folder = cache_folder() / "onnx"
    for path in sorted(folder.glob(f"{stem}-*.onnx")):
        with contextlib.suppress(OSError):
            content = path.read_bytes()
            if path.name == f"{stem}-{_checksum(content)}.onnx":
                return content
            path.unlink()
    content = make()
    with contextlib.suppress(OSError):  # a folder that cannot be written costs the export again next time
        _store(content, folder / f"{stem}-{_checksum(content)}.onnx")
    return content


def export(backbone: Backbone) -> bytes:
    """Convert the backbone with torch's tracing exporter; the newer one needs a package more, for no gain."""
    from handful.backbones.pooling import Levels

    levels = Levels(load_torch(backbone), backbone.mean, backbone.std).eval()
    return to_onnx(levels, backbone.size, levels.names)


def to_onnx(module: torch.nn.Module, size: int, names: Sequence[str]) -> bytes:
    """A module that takes `(1, size, size, 3)` uint8, with these outputs."""
    import torch

    pixels = torch.zeros(1, size, size, 3, dtype=torch.uint8)
    buffer = io.BytesIO()
    with warnings.catch_warnings(), torch.inference_mode():
        # Tracing says of every size that it becomes a constant, which is what is wanted.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module,
            (pixels,),
            buffer,  # type: ignore[arg-type]  # the tracing exporter takes a file object
            dynamo=False,
            opset_version=_OPSET,
            input_names=["pixels"],
            output_names=list(names),
        )
    return buffer.getvalue()


def _stem(backbone: Backbone, part: str) -> str:
    from importlib.metadata import version

    # torch and timm write the graph, so a file of other versions is not taken up.
    made_by = f"{backbone.identity} {_OPSET} {version('torch')} {version('timm')} {part}".strip()
    return stem_of(backbone.architecture, made_by)


def stem_of(readable: str, made_by: str) -> str:
    """The name of a file that depends on all that `made_by` says."""
    return f"{re.sub(r'[^A-Za-z0-9]+', '-', readable)}-{_checksum(made_by.encode())}"


def _checksum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def _store(content: bytes, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"writing-{uuid.uuid4().hex}")
    try:
        temporary.write_bytes(content)
        os.replace(temporary, path)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
