"""How far one gets on few digits where everything is chosen by the folds, against a hand-picked SVM.

    python benchmarks/digits.py [--draws 30] [--sizes 2,5,10,20] [--store FILE] [--whole]

The 1,797 digits of scikit-learn, 8 x 8 pixels, given as an array of pictures: 2, 5, 10 or 20 a class to learn
from, all others to test on. Every candidate of `quick` meets the folds, members are chosen, refitted and
averaged as `handful.fit` does (with `--whole` through it; the follow-up questions and the report, which
change nothing in the model, are left out otherwise). Beside it, on the same draws, what a person who knows
digits would do: a support vector machine with C = 10 on the 64 pixels and their copies moved by one pixel to
four sides. What was chosen for the product (which views, how far, no standardising) was tried on seeds from
1000 and on other pictures; the draws reported begin at seed 100. Draws are stored as they are made: a stopped
script goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits
from sklearn.svm import SVC
from threadpoolctl import threadpool_limits

import handful
from handful.data.load import load
from handful.evidence.ensemble import add_average, select
from handful.evidence.predictions import Predictions, tabulate
from handful.protocol.evaluate import fit_and_predict
from handful.protocol.run import Cell
from handful.protocol.splits import compare_splits
from handful.scoring import choose_metric
from handful.settings import Settings
from handful.strategies import propose
from handful.strategies.candidate import scores
from handful.strategies.warm import warm
from machine import heading

SIZES = (2, 5, 10, 20)
FIRST = 100  # the first seed
# SVM C=10 with shifts reached 81.1, 89.8, 94.0 and 96.7 on 30 other draws. Choosing may cost 1.5 points of
# the first two, and nothing of the others.
WANTED = {2: 79.6, 5: 88.3, 10: 94.0, 20: 96.7}
FAMILIES = ("classic", "transfer", "augmentation")


def drawn(y: np.ndarray, per_class: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Positions of as many of each class, and of all others."""
    random = np.random.default_rng(seed)
    rows = np.concatenate([random.permutation(np.flatnonzero(y == k))[:per_class] for k in np.unique(y)])
    return rows, np.setdiff1d(np.arange(len(y)), rows)


def by_hand(pictures: np.ndarray, y: np.ndarray, rows: np.ndarray, rest: np.ndarray) -> float:
    """SVM C=10 on 8 x 8 pixels and their copies moved by one pixel: accuracy on the rest."""
    wide = np.pad(pictures, ((0, 0), (1, 1), (1, 1)))
    moved = [wide[:, 1 + d : 9 + d, 1 + r : 9 + r] for d, r in ((0, 0), (0, 1), (0, -1), (1, 0), (-1, 0))]
    columns = [m.reshape(len(m), -1) for m in moved]
    model = SVC(C=10).fit(np.concatenate([c[rows] for c in columns]), np.tile(y[rows], 5))
    return float((model.predict(columns[0][rest]) == y[rest]).mean())


def compared(pictures: np.ndarray, y: np.ndarray, seed: int, families: tuple[str, ...]):
    """The data set, its candidates by name, and what they predict on the folds."""
    settings = Settings(jobs=1, seed=seed, families=families)
    dataset = load((pictures, y), settings)
    candidates = propose(dataset, settings)
    warm(dataset, candidates, settings)
    cells = [Cell(c, s) for s in compare_splits(dataset, settings) for c in candidates]
    K = len(dataset.classes)
    found = [(cell, fit_and_predict(cell.candidate, cell.split, dataset, K)) for cell in cells]
    predictions = add_average(tabulate(dataset, choose_metric(dataset, settings), found))
    return dataset, {c.name: c for c in candidates}, predictions


def one_draw(per_class: int, seed: int, whole: bool, families: tuple[str, ...] = FAMILIES) -> dict:
    """What is served, how good it and the hand-picked SVM are, and what each technique brought on folds."""
    data = load_digits()
    pictures, y = data.images / 16, data.target
    rows, rest = drawn(y, per_class, seed)
    start = time.process_time()
    if whole:
        with tempfile.TemporaryDirectory() as folder:
            run = handful.fit((pictures[rows], y[rows]), seed=seed, jobs=1, out=Path(folder) / "run")
            right = run.model.predict(pictures[rest]) == y[rest]
            predictions = run.predictions()
    else:
        dataset, candidates, predictions = compared(pictures[rows], y[rows], seed, families)
        chosen = select(predictions)
        new = load((pictures, y), Settings()).X[rest]
        served = [
            scores(candidates[name].fresh(seed).fit(dataset.X, dataset.y), new, len(dataset.classes))
            for name in chosen.members or [chosen.name]
        ]
        right = np.mean(served, axis=0).argmax(axis=1) == y[rest]
    chosen = select(predictions)
    return {
        "served": float(right.mean()),
        "by hand": by_hand(pictures, y, rows, rest),
        "members": chosen.members or [chosen.name],
        "gains": gains(predictions),
        "cpu": time.process_time() - start,
    }


def gains(predictions: Predictions) -> dict[str, float]:
    """Each augmented candidate: how much its cross-validated score is above that of its base."""
    score = {row.name: float(predictions.score(row)[0]) for row in predictions.sound}
    return {r.name: score[r.name] - score[r.base] for r in predictions.sound if r.family == "augmentation"}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=30)
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)))
    parser.add_argument("--store", type=Path, help="a file that remembers the draws")
    parser.add_argument("--whole", action="store_true", help="through handful.fit, report and all")
    arguments = parser.parse_args()
    sizes = [int(s) for s in arguments.sizes.split(",")]
    lines = arguments.store.read_text().splitlines() if arguments.store and arguments.store.exists() else []
    stored = {tuple(line["key"]): line["draw"] for line in map(json.loads, lines)}
    for seed in range(FIRST, FIRST + arguments.draws):  # draw by draw, so that every size is equally far
        for size in sizes:
            if (size, seed) not in stored:
                with threadpool_limits(1), warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    stored[size, seed] = one_draw(size, seed, arguments.whole)
                if arguments.store:
                    with arguments.store.open("a") as file:
                        file.write(json.dumps({"key": [size, seed], "draw": stored[size, seed]}) + "\n")
    return table({k: v for k, v in stored.items() if k[1] < FIRST + arguments.draws}, sizes)


def table(stored: dict, sizes: list[int]) -> int:
    """The figures against what is wanted, then what each technique brought; 0 where all are kept."""
    print(heading(__file__))
    print("| a class | draws | served | by hand, same draws | paired difference | at least | |")
    print("|" + "---|" * 7)
    good, names = True, {}
    for size in sizes:
        draws = [d for (s, _), d in sorted(stored.items()) if s == size]
        served, hand = (100 * np.array([d[k] for d in draws]) for k in ("served", "by hand"))
        apart = served - hand
        error = apart.std(ddof=1) / np.sqrt(len(apart)) if len(apart) > 1 else float("nan")
        kept = served.mean() >= WANTED.get(size, 0)
        good &= bool(kept)
        print(
            f"| {size} | {len(draws)} | {served.mean():.1f} % | {hand.mean():.1f} % "
            f"| {apart.mean():+.1f} ± {error:.1f} | {WANTED.get(size, 0)} % "
            f"| {'kept' if kept else '**missed**'} |"
        )
        for d in draws:
            for name, gain in d["gains"].items():
                names.setdefault(name, {}).setdefault(size, []).append((100 * gain, name in d["members"]))
    print("\nMean gain over the same candidate without it, on the folds (draws in which it is a member):\n")
    print("| candidate |" + "".join(f" {size} a class |" for size in sizes))
    print("|" + "---|" * (len(sizes) + 1))
    for name, by_size in names.items():
        cells = []
        for found in (by_size.get(size, []) for size in sizes):
            members = sum(member for _, member in found)
            mean = f"{np.mean([gain for gain, _ in found]):+.1f}" if found else "–"
            cells.append(f" {mean} ({members} of {len(found)}) |")
        print(f"| {name} |" + "".join(cells))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
