"""How quickly frozen features come: our engine against plain torch loops and a bare ONNX Runtime session.

    python benchmarks/embedding.py [--images 128] [--repeats 5] [--data FOLDER]

All encode the same pictures, already decoded to 224 px, with EfficientNet-Lite0. The torch loops return the
last layer alone; the engine and the bare session compute all six levels in one pass. The ways take turns,
so that a change of the machine's mood meets all of them; of each, the best repeat counts. Prints Markdown.
"""

from __future__ import annotations

import argparse
import datetime
import platform
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

BACKBONE = "lite0"
SHARED = Path(__file__).parents[2] / "shared" / "data" / "image"

Encode = Callable[[np.ndarray], np.ndarray]  # (n, S, S, 3) uint8 -> (n, 1280) float32


@dataclass
class Way:
    """One way to encode, and what its repeats took."""

    name: str
    encode: Encode
    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    vectors: np.ndarray = field(default_factory=lambda: np.empty(0))

    def measure(self, pixels: np.ndarray) -> None:
        wall, cpu = time.perf_counter(), time.process_time()
        self.vectors = self.encode(pixels)
        self.wall.append(time.perf_counter() - wall)
        self.cpu.append(time.process_time() - cpu)


def torch_loop(batch: int, channels_last: bool) -> Encode:
    """What most people write: torch's own threads, no limits, the pictures one batch after the other."""
    import torch

    from handful.backbones import get
    from handful.backbones.registry import load_torch

    backbone = get(BACKBONE)
    memory_format = torch.channels_last if channels_last else torch.contiguous_format
    model = load_torch(backbone).to(memory_format=memory_format)
    model.reset_classifier(0)
    mean = torch.tensor(backbone.mean).view(3, 1, 1)
    std = torch.tensor(backbone.std).view(3, 1, 1)

    def encode(pixels: np.ndarray) -> np.ndarray:
        out = []
        with torch.no_grad():
            for first in range(0, len(pixels), batch):
                x = torch.from_numpy(pixels[first : first + batch]).permute(0, 3, 1, 2).float() / 255
                x = ((x - mean) / std).contiguous(memory_format=memory_format)
                out.append(model(x).numpy())
        return np.concatenate(out)

    return encode


def bare_session() -> Encode:
    """ONNX Runtime as its own guide shows it, on the graph that the engine uses."""
    import onnxruntime

    from handful.backbones import get
    from handful.backbones.export import onnx_model

    session = onnxruntime.InferenceSession(onnx_model(get(BACKBONE)), providers=["CPUExecutionProvider"])
    return lambda pixels: np.concatenate([session.run(None, {"pixels": p[None]})[0] for p in pixels])


def engine(kind: str = "onnxruntime") -> Encode:
    from handful.backbones import get
    from handful.backbones.engine import Engine

    ours = Engine(get(BACKBONE), "cpu", engine=kind)
    return lambda pixels: ours.encode(pixels)["last"]


def pictures(folder: Path, n: int) -> tuple[np.ndarray, str]:
    """n pictures at 224 px, and where they come from."""
    from PIL import Image

    paths = sorted(folder.rglob("*.png"))
    if paths:
        chosen = [paths[i] for i in np.linspace(0, len(paths) - 1, n).astype(int)]
        decoded = [np.asarray(Image.open(p).convert("RGB").resize((224, 224))) for p in chosen]
        return np.stack(decoded), f"{n} pictures of {', '.join(sorted({p.parts[-3] for p in chosen}))}"
    rng = np.random.default_rng(0)
    small = rng.integers(0, 256, (n, 14, 14, 3), dtype=np.uint8)
    made = [np.asarray(Image.fromarray(p).resize((224, 224), Image.Resampling.BICUBIC)) for p in small]
    return np.stack(made), f"{n} smooth pictures made at random"


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    """The smallest cosine between rows of the same number."""
    a, b = a.astype(np.float64), b.astype(np.float64)
    return float(((a * b).sum(1) / (np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1))).min())


def table(ways: list[Way], n: int) -> str:
    torchs = ways[0]
    lines = [
        "| way | CPU ms/image | images per CPU-second | images/s | worst cosine to torch |",
        "|---|---|---|---|---|",
    ]
    for way in ways:
        wall, cpu = min(way.wall), min(way.cpu)
        lines.append(
            f"| {way.name} | {1000 * cpu / n:.1f} | {n / cpu:.0f} | {n / wall:.0f} "
            f"| {cosine(way.vectors, torchs.vectors):.7f} |"
        )
    return "\n".join(lines)


def targets(batch_1: Way, batch_8: Way, bare: Way, ours: Way) -> str:
    """The promises of this engine, each with what was measured; ratios of the best repeats."""
    promises = [
        ("CPU time, batch 1 / ours", min(batch_1.cpu) / min(ours.cpu), 2.4),
        ("images/s, ours / batch 1", min(batch_1.wall) / min(ours.wall), 3.5),
        ("images/s, ours / batch 8", min(batch_8.wall) / min(ours.wall), 1.9),
        ("images/s, ours / bare session", min(bare.wall) / min(ours.wall), 0.9),
        ("CPU time, bare session / ours", min(bare.cpu) / min(ours.cpu), 0.9),
        ("worst cosine", cosine(ours.vectors, batch_1.vectors), 0.9999),
    ]
    lines = ["| promise | at least | measured | |", "|---|---|---|---|"]
    for name, least, measured in ((name, least, measured) for name, measured, least in promises):
        shown = f"{measured:.7f}" if name == "worst cosine" else f"{measured:.2f}"
        lines.append(f"| {name} | {least} | {shown} | {'kept' if measured >= least else 'MISSED'} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--images", type=int, default=128)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--data", type=Path, default=SHARED, help="a folder with PNG files")
    chosen = parser.parse_args()
    pixels, origin = pictures(chosen.data, chosen.images)

    ways = [
        Way("torch eager, batch 1", torch_loop(1, channels_last=False)),
        Way("torch eager, batch 8, channels_last", torch_loop(8, channels_last=True)),
        Way("bare ONNX Runtime session, same graph", bare_session()),
        Way("handful", engine()),
    ]
    for way in ways:
        way.encode(pixels[:16])  # threads started, memory taken
    for _ in range(chosen.repeats):
        for way in ways:
            way.measure(pixels)

    print(f"{datetime.date.today()} · {machine()} · {origin} · {chosen.repeats} repeats in turns")
    print(f"`python {' '.join(sys.argv)}`\n")
    print(table(ways, len(pixels)), "\n")
    print(targets(*ways))


def machine() -> str:
    """The processor, its cores that may be used, and the versions that matter."""
    import joblib
    import onnxruntime
    import torch

    name = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [line.split(":")[1].strip() for line in info.read_text().splitlines() if "model name" in line]
        name = names[0] if names else name
    return (
        f"{name}, {joblib.cpu_count()} cores, torch {torch.__version__}, "
        f"onnxruntime {onnxruntime.__version__}"
    )


if __name__ == "__main__":
    import os

    with tempfile.TemporaryDirectory() as folder:  # not the cache of whoever runs this
        os.environ["HANDFUL_CACHE"] = folder
        main()
