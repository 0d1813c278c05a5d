"""How quickly the last block and the head are trained: from the cached front, against a plain loop.

    python benchmarks/finetune_speed.py [--images 160] [--epochs 3] [--rounds 3] [--data FOLDER]

Both train the same layers of EfficientNet-Lite0 (last block, last convolution, linear head that starts at the
linear probe) with the same loop, recipe and order of pictures, on one thread. The plain loop runs the whole
network forward at every step, channels last, without gradients for what is frozen, as most people write it;
ours starts from the stored activations, and the time to compute those is told apart, since all folds, epochs
and candidates share them. The two take turns; the median of the rounds counts. Scores are of held-out
pictures. Prints Markdown; exit status 1 where the promise (three times the pictures per second, the same
score) is not kept.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from machine import heading

SHARED = Path(__file__).parents[2] / "shared" / "data" / "image" / "fashion_mnist"
LEAST = 3.0


def pictures(folder: Path, n: int, seed: int = 0) -> tuple[Any, np.ndarray, np.ndarray]:
    """(images, class numbers, class names): n pictures of a folder of classes, or of the example shipped."""
    from handful.data.images import read_images
    from handful.example import clothes

    root = folder if folder.is_dir() else clothes()
    paths = np.array(sorted(str(p) for p in root.glob("*/*") if p.suffix in (".png", ".jpg")))
    chosen = np.sort(np.random.default_rng(seed).permutation(len(paths))[:n])
    images, _, _ = read_images(paths[chosen].tolist())
    names, y = np.unique([Path(p).parent.name for p in paths[chosen]], return_inverse=True)
    return images, y, names


def plain_inputs(images: Any, cut: Any) -> Callable:
    """The whole frozen front run forward at every step, channels last."""
    import torch

    from handful.backbones.front import pixels_at

    front = cut.front().eval()
    front.steps.to(memory_format=torch.channels_last)
    pixels = torch.from_numpy(pixels_at(images, cut, "cpu"))

    def inputs(rows: np.ndarray, random: np.random.Generator | None) -> Any:
        with torch.no_grad():
            return front.steps(front.normalised(pixels[torch.from_numpy(rows)]))

    return inputs


def trained(
    inputs: Callable, cut: Any, y: np.ndarray, test: Callable, truth: np.ndarray, epochs: int
) -> dict:
    """Train the tail; seconds of the training alone, and the held-out accuracy."""
    from handful.backbones.torchvision_guard import import_timm
    from handful.nets.train import Recipe, from_arrays, outputs, to_arrays, train
    from handful.strategies.finetune import Probe, start_from_probe
    from handful.strategies.heads import LogisticHead

    import_timm()
    from timm.optim import param_groups_layer_decay

    k = int(y.max()) + 1
    start = cut.tail(k)
    start_from_probe(start, inputs, np.arange(len(y)), y, Probe(LogisticHead(), None), "cpu")
    first = to_arrays(start)
    recipe = Recipe(epochs=epochs, lr=3e-4, weight_decay=0.0, ema=0.9, towards_start=0.01)
    wall, cpu = time.perf_counter(), time.process_time()
    found = train(
        lambda: from_arrays(lambda: cut.tail(k), first),
        inputs,
        y,
        recipe,
        seed=0,
        n_classes=k,
        groups=lambda m: param_groups_layer_decay(m, 0.0, layer_decay=0.7),
    )
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    told = outputs(from_arrays(lambda: cut.tail(k), found.weights), test, np.arange(len(truth)))
    return {"wall": wall, "cpu": cpu, "score": float((told.argmax(1).numpy() == truth).mean())}


def measure(folder: Path, n: int, epochs: int, rounds: int, backbone: str = "lite0") -> dict:
    """Both ways in turns: dicts of medians, images a second and scores; and what the front costs once."""
    import torch

    from handful.backbones import get
    from handful.backbones.cut import cut as cut_at
    from handful.backbones.front import activations

    torch.set_num_threads(1)
    images, y, _ = pictures(folder, 2 * n)
    learn, held = images[np.arange(0, 2 * n, 2)], images[np.arange(1, 2 * n, 2)]
    y, truth = y[::2], y[1::2]
    cut = cut_at(get(backbone), "last", 2)
    activations(learn[:2], cut, ["plain"], device="cpu")  # exported, loaded
    once = time.process_time()
    rows = [activations(some, cut, ["plain"], device="cpu")[0] for some in (learn, held)]
    once = (time.process_time() - once) / (2 * n)

    def cached(matrix: np.ndarray) -> Callable:
        stored = torch.from_numpy(matrix)
        return lambda some, random: cut.restored(stored[torch.from_numpy(some)].float())

    ways = {
        "plain loop": (plain_inputs(learn, cut), plain_inputs(held, cut)),
        "cached front": (cached(rows[0]), cached(rows[1])),
    }
    found: dict[str, list[dict]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, (inputs, test) in ways.items():
            found[name].append(trained(inputs, cut, y, test, truth, epochs))
    rate = {
        name: {kind: n * epochs / float(np.median([r[kind] for r in rs])) for kind in ("cpu", "wall")}
        for name, rs in found.items()
    }
    return {
        "rate": rate,
        "score": {k: rs[0]["score"] for k, rs in found.items()},
        "once": once,
        "n": len(truth),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=160)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--data", type=Path, default=SHARED, help="a folder with a folder of pictures per class"
    )
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as cache:  # not the cache of whoever runs this
        os.environ["HANDFUL_CACHE"] = cache
        found = measure(chosen.data, chosen.images, chosen.epochs, chosen.rounds)
    print(heading(__file__))
    print("| way | pictures per CPU-second | pictures per second | held-out accuracy |\n|---|---|---|---|")
    for name, rate in found["rate"].items():
        print(f"| {name} | {rate['cpu']:.0f} | {rate['wall']:.0f} | {found['score'][name]:.3f} |")
    times = found["rate"]["cached front"]["cpu"] / found["rate"]["plain loop"]["cpu"]
    apart = abs(found["score"]["cached front"] - found["score"]["plain loop"])
    noise = 2 * np.sqrt(0.25 / found["n"])
    print(
        f"\n{times:.1f} times the pictures per CPU-second (at least {LEAST:g} are promised); scores "
        f"{apart:.3f} apart (chance alone: {noise:.3f}). The front costs "
        f"{1000 * found['once']:.1f} CPU ms a picture, once."
    )
    return 0 if times >= LEAST and apart <= noise else 1


if __name__ == "__main__":
    sys.exit(main())
