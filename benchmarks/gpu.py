"""What a GPU changes: seconds, and how far what is learned there is from what is learned on the CPU.

    python benchmarks/gpu.py [--data FOLDER] [--pictures 300] [--device cuda] [--whole]

On pictures of a folder of classes (the example that is shipped unless given), one fold: the frozen features,
a small network, the cached front with a fine-tuned end, and with --whole the whole network, which takes the
CPU some minutes; on the example's table the network for tables. Each device computes its own features. A
"step" is a whole fit and its predictions. Prints Markdown; exit status 1 where the answers of the two are
further apart than half precision explains: by more than 0.05 on average.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import numpy as np

from handful.backbones.engine import on_device
from handful.data.dataset import Dataset
from handful.data.load import load
from handful.example import clothes, wine
from handful.protocol.evaluate import fit_and_predict
from handful.protocol.splits import compare_splits
from handful.settings import Settings
from handful.strategies import propose
from handful.strategies.candidate import Candidate
from machine import heading
from racing import part

ON_PICTURES = ("lite0 last logistic", "cnn light", "lite0 fine-tuned", "lite0 fine-tuned whole")
ON_TABLES = ("mlp",)
MOST_APART = 0.05


@contextmanager
def own_cache() -> Iterator[None]:
    """Features that are known from another device or day would make this one look quick."""
    with tempfile.TemporaryDirectory() as folder, patch.dict(os.environ, {"HANDFUL_CACHE": folder}):
        yield


def candidate_of(dataset: Dataset, name: str, device: str) -> Candidate:
    offered = propose(dataset, Settings(jobs=1, budget="thorough", device=device))
    return next(c for c in offered if c.name == name)


def fitted(dataset: Dataset, candidate: Candidate, device: str) -> tuple[float, np.ndarray, float]:
    """Seconds on the first fold with the features, what it says of the held-out pictures, its accuracy."""
    split = compare_splits(dataset, Settings())[0]
    assert dataset.classes is not None
    with own_cache(), on_device(device):
        begin = time.perf_counter()
        found = fit_and_predict(candidate, split, dataset, len(dataset.classes))
        seconds = time.perf_counter() - begin
    if found.test is None:
        raise RuntimeError(f"{candidate.name} on {device}: {(found.error or {})['message']}")
    return seconds, found.test, float((found.test.argmax(axis=1) == dataset.y[split.test]).mean())


def compared(dataset: Dataset, candidate: Candidate, device: str) -> tuple[str, float]:
    """A row of the table, and how far apart the two devices' probabilities are on average."""
    here, there = (fitted(dataset, candidate, where) for where in ("cpu", device))
    apart = float(np.abs(here[1] - there[1]).mean())
    return (
        f"| {candidate.name} | {len(dataset)} | {here[0]:.1f} | {there[0]:.1f} | {here[0] / there[0]:.1f} "
        f"| {apart:.3f} | {here[2]:.3f} | {there[2]:.3f} |"
    ), apart


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--pictures", type=int, default=300)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--whole", action="store_true")
    chosen = parser.parse_args()
    whole = load(str(chosen.data or clothes()), Settings())
    pictures = part(whole, np.sort(np.random.default_rng(0).permutation(len(whole))[: chosen.pictures]))
    work = [(pictures, name) for name in ON_PICTURES if chosen.whole or "whole" not in name]
    work += [(load(str(wine()), Settings(target="target")), name) for name in ON_TABLES]
    print(heading(__file__))
    on = chosen.device
    print(f"| step | n | s, cpu | s, {on} | times as fast | apart | right, cpu | right, {on} |")
    print("|" + "---|" * 8)
    rows = work[-1][0]
    fitted(rows, candidate_of(rows, "mlp", on), on)  # starting the device is no part of a step
    far = []
    for dataset, name in work:
        row, apart = compared(dataset, candidate_of(dataset, name, on), on)
        print(row, flush=True)
        far += [name] if apart > MOST_APART else []
    print("\n" + (f"Too far apart: {', '.join(far)}." if far else "Nothing is further apart than it may be."))
    return 1 if far else 0


if __name__ == "__main__":
    sys.exit(main())
