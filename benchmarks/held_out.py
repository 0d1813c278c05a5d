"""Does the interval of a score on a held-out test set keep its promise, also with few of a class?

    python benchmarks/held_out.py [--draws 1000] [--small]

A model fixed beforehand meets made-up test sets: each sample has a score for each class, normal around 0, and
around a distance for its own class. "Hidden" are the rarest class's samples that look like the commonest:
what is told then hangs on few of them. Class sizes are those expected; each test set is drawn anew, with two
of each class at least. What is true is the mean score on sets of 100,000. 95 of 100 intervals should hold it.
"""

from __future__ import annotations

import argparse
import sys

import numpy as np

from handful.model.held_out import interval
from handful.scoring import get_metric, softmax
from machine import heading

METRICS = ("accuracy", "balanced_accuracy", "roc_auc", "f1")
SIZES = ((50, 50), (30, 30), (50, 10), (200, 20), (200, 10), (200, 5), (60, 50, 5), (60, 60, 10), (20,) * 5)
KINDS = {"hard": (1.0, 0.0), "easier": (2.5, 0.0), "easy": (4.0, 0.0), "hidden": (6.0, 0.15)}
TRUE_SIZE = 100_000


def drawn(
    sizes: tuple[int, ...], kind: str, n: int, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Labels `(n,)` in the proportions of `sizes`, the rarest class last, and probabilities `(n, K)`."""
    distance, hidden = KINDS[kind]
    K = len(sizes)
    y = random.choice(K, n, p=np.array(sizes) / sum(sizes))
    looks = np.where((y == K - 1) & (random.random(n) < hidden), 0, y)
    return y, softmax(random.normal(size=(n, K)) + distance * np.eye(K)[looks])


def coverage(metric_name: str, sizes: tuple[int, ...], kind: str, draws: int) -> tuple[float, float, float]:
    """The true score, the share of intervals that hold it, and their mean width."""
    random = np.random.default_rng([METRICS.index(metric_name), len(sizes), *sizes, list(KINDS).index(kind)])
    classes = np.arange(len(sizes))
    y, scores = drawn(sizes, kind, TRUE_SIZE, random)
    metric = get_metric(metric_name, "classification", y, classes)
    truth = float(metric(y, scores, np.ones((1, len(y))))[0])
    held, width = 0, 0.0
    for _ in range(draws):
        while True:
            y, scores = drawn(sizes, kind, sum(sizes), random)
            if np.bincount(y, minlength=len(sizes)).min() >= 2:
                break
        value = float(metric(y, scores, np.ones((1, len(y))))[0])
        low, high = interval(metric, y, scores, value)
        held += low <= truth <= high
        width += high - low
    return truth, held / draws, width / draws


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--small", action="store_true", help="50 draws of two sizes")
    arguments = parser.parse_args()
    draws, every = (50, SIZES[:6:5]) if arguments.small else (arguments.draws, SIZES)
    print(heading(__file__))
    print("| class sizes | kind | " + " | ".join(METRICS) + " |")
    print("|---" * (2 + len(METRICS)) + "|")
    worst = dict.fromkeys(METRICS, 1.0)
    for sizes in every:
        for kind in KINDS:
            cells = []
            for name in METRICS:
                truth, held, width = coverage(name, sizes, kind, draws)
                worst[name] = min(worst[name], held)
                cells.append(f"{truth:.2f}: {held:.0%}, {width:.2f}")
            print(f"| {', '.join(map(str, sizes))} | {kind} | " + " | ".join(cells) + " |", flush=True)
    print("\nWorst of each: " + ", ".join(f"{name} {held:.0%}" for name, held in worst.items()) + ".")
    return 0


if __name__ == "__main__":
    sys.exit(main())
