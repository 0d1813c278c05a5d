"""Do several looks at a picture help a fine-tuned network's predictions? One fit, asked in both ways.

    python benchmarks/looks.py ../shared/data/image/fashion_mnist [--draws 3] [--per-class 20]

On the draws that the recipe was tuned on (seeds 1000…) and that no promise is measured on: as many pictures a
class to learn from, 40 others to score. For each set of views the network is fitted once; then its answers to
the plain picture stand beside the average of its answers to all views. Prints Markdown.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np

from class_names import gained
from finetune import opened
from handful.data.dataset import Dataset
from handful.strategies.finetune import MIRRORED, MOVED, TURNED, FineTunedClassifier
from machine import heading

FIRST, TESTED = 1000, 40
VIEWS = {"moved": MOVED, "moved and mirrored": MIRRORED, "in any orientation": TURNED}


def asked(
    data: Dataset, views: tuple[str, ...], draw: int, per_class: int, **about: Any
) -> list[tuple[float, float]]:
    """For one look at the plain picture, then for all views: accuracy, and CPU seconds of predicting."""
    assert data.classes is not None
    random = np.random.default_rng(FIRST + draw)
    order = [random.permutation(np.flatnonzero(data.y == k)) for k in range(len(data.classes))]
    learn = np.concatenate([rows[:per_class] for rows in order])
    held = np.concatenate([rows[per_class:][:TESTED] for rows in order])
    fitted = FineTunedClassifier(views=views, **about).fit(data.X[learn], data.y[learn])
    fitted.warm(data.X[held])  # else the first way asked would pay for it
    found = []
    for looks in (("plain",), views):
        begin = time.process_time()
        right = (fitted.set_params(views=looks).predict(data.X[held]) == data.y[held]).mean()
        found.append((float(right), time.process_time() - begin))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--per-class", type=int, default=20)
    chosen = parser.parse_args()
    data = opened(chosen.folder)
    print(heading(__file__))
    print("| learned from | one look | all views | gain, points | CPU s: one look | all |")
    print("|" + "---|" * 6)
    gains: list[float] = []
    for label, views in VIEWS.items():
        draws = [asked(data, views, draw, chosen.per_class) for draw in range(chosen.draws)]
        plain, once, every, often = np.array(draws).reshape(-1, 4).T
        gains += (100 * (every - plain)).tolist()
        scores = f"{plain.mean():.3f} | {every.mean():.3f} | {gained(every.tolist(), plain.tolist())}"
        print(f"| {label} | {scores} | {once.mean():.1f} | {often.mean():.1f} |", flush=True)
    better = sum(gain > 0 for gain in gains)
    print(f"\nMean of all: {np.mean(gains):+.1f} points; better in {better} of {len(gains)}.")


if __name__ == "__main__":
    main()
