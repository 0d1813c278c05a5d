"""What a stronger backbone costs on a processor: CPU milliseconds a picture, beside lite0.

    python benchmarks/backbones_speed.py [--pictures 8]

Every network of the short list, with random weights in place of those that would have to be downloaded: they
take the same time. All levels in one pass, ONNX Runtime in float32, one thread, pictures of 224 pixels.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from machine import heading


def milliseconds(name: str, pixels: np.ndarray) -> float:
    """CPU time a picture, when all is loaded."""
    from handful.backbones.engine import Engine
    from handful.backbones.registry import get

    engine = Engine(get(name), "cpu", threads=1, engine="onnxruntime")
    engine.encode(pixels[:1])
    start = time.process_time()
    engine.encode(pixels)
    return 1000 * (time.process_time() - start) / len(pixels)


def untrained(architecture: str, folder: Path) -> str:
    """A file of random weights, under the name that it can be had by."""
    from safetensors.torch import save_file

    from handful.backbones.torchvision_guard import import_timm

    path = folder / "weights.safetensors"
    save_file(import_timm().create_model(architecture, pretrained=False).state_dict(), path)
    return f"{architecture}={path}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=8)
    arguments = parser.parse_args()
    from handful.backbones.curated import CURATED

    pixels = np.random.default_rng(0).integers(0, 256, (arguments.pictures, 224, 224, 3), dtype=np.uint8)
    print(heading(__file__))
    print("| backbone | MB | input, px | CPU ms a picture | times lite0 |\n|---|---|---|---|---|")
    first = milliseconds("lite0", pixels)
    print(f"| lite0 | 19 | 224 | {first:.0f} | 1 |")
    for about in CURATED.values():
        with tempfile.TemporaryDirectory() as temporary:
            os.environ["HANDFUL_CACHE"] = temporary  # a network exported once is not wanted again
            took = milliseconds(untrained(about.architecture, Path(temporary)), pixels)
        print(
            f"| {about.name} | {about.megabytes} | {about.size} | {took:.0f} | {took / first:.1f} |",
            flush=True,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
