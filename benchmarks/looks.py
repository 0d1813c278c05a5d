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

import numpy as np

from finetune import opened
from handful.strategies.finetune import MIRRORED, MOVED, TURNED, FineTunedClassifier
from machine import heading

FIRST, TESTED = 1000, 40
VIEWS = {"moved": MOVED, "moved and mirrored": MIRRORED, "in any orientation": TURNED}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--per-class", type=int, default=20)
    chosen = parser.parse_args()
    data = opened(chosen.folder)
    print(heading(__file__))
    print(
        "| learned from | the plain picture | all views | gain, points | CPU s: one look | all |\n|"
        + "---|" * 6
    )
    gains: list[float] = []
    for label, views in VIEWS.items():
        found = []
        for draw in range(chosen.draws):
            random = np.random.default_rng(FIRST + draw)
            order = [random.permutation(np.flatnonzero(data.y == k)) for k in range(len(data.classes))]
            learn = np.concatenate([rows[: chosen.per_class] for rows in order])
            held = np.concatenate([rows[chosen.per_class :][:TESTED] for rows in order])
            fitted = FineTunedClassifier(views=views).fit(data.X[learn], data.y[learn])
            fitted.warm(data.X[held])  # else the first way asked would pay for it
            for looks in (("plain",), views):
                begin = time.process_time()
                right = (fitted.set_params(views=looks).predict(data.X[held]) == data.y[held]).mean()
                found += [right, time.process_time() - begin]
        plain, once, every, often = np.array(found).reshape(-1, 4).T
        gains += (100 * (every - plain)).tolist()
        scores = f"{plain.mean():.3f} | {every.mean():.3f} | {gains_of(every - plain)}"
        print(f"| {label} | {scores} | {once.mean():.1f} | {often.mean():.1f} |", flush=True)
    print(
        f"\nMean of all: {np.mean(gains):+.1f} points; better in {sum(g > 0 for g in gains)} of {len(gains)}."
    )


def gains_of(each: np.ndarray) -> str:
    """The mean over draws in points, with its standard error."""
    error = each.std(ddof=1) / np.sqrt(len(each)) if len(each) > 1 else float("nan")
    return f"{100 * each.mean():+.1f} ± {100 * error:.1f}"


if __name__ == "__main__":
    main()
