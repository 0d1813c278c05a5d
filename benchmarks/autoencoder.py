"""What an autoencoder's codes are worth with few labels, with and without unlabelled pictures.

    python benchmarks/autoencoder.py [--data FOLDER] [--seeds 5] [--sizes 5,10,20] [--store FILE]

The 1,797 digits of scikit-learn and, where FOLDER/fashion_mnist is there, clothes: 5, 10 or 20 a class with
labels, 1,000 others of the same pool without, all others to test on. Each candidate learns from the labelled
ones as `handful.fit` lets it learn (those with "unlabelled" from the others too), and is compared with its
base on the same draws. The variant, its epochs and the scaling of the codes were chosen on other draws of the
digits (seeds 5 and from 1000); the draws reported begin at seed 100, and no clothes were looked at before.
Draws are stored as they are made: a stopped script goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits
from threadpoolctl import threadpool_limits

from handful.data.dataset import Dataset
from handful.data.load import load
from handful.protocol.evaluate import fit_and_predict
from handful.protocol.splits import Split
from handful.settings import Settings
from handful.strategies import propose
from machine import heading

FIRST, UNLABELLED = 100, 1000
ROWS = (
    "pixels logistic",
    "pixels svm",
    *(f"{kind} {head}{more}" for kind in ("pca", "ae") for head in ("logistic", "svm", "knn")
      for more in ("", " unlabelled")),
    "cnn",
    "cnn pretrained",
    "cnn pretrained unlabelled",
)  # fmt: skip
WANTED = 3.0  # points that unlabelled digits must bring at 5 a class


def sources(folder: Path | None) -> dict[str, Dataset]:
    """The data sets by name, without groups."""
    digits = load_digits()
    found = {"digits": load((digits.images / 16, digits.target), Settings())}
    if folder is not None and (folder / "fashion_mnist").is_dir():
        found["fashion_mnist"] = load(folder / "fashion_mnist", Settings())
    return {name: replace(dataset, groups=None) for name, dataset in found.items()}


def one_draw(dataset: Dataset, per_class: int, seed: int) -> dict[str, dict[str, float]]:
    """Accuracy on the rest and CPU seconds of each candidate; heads share the first one's training."""
    random = np.random.default_rng(seed)
    order = random.permutation(len(dataset))
    labels = dataset.y[order]
    rows = np.concatenate([order[labels == k][:per_class] for k in np.unique(dataset.y)])
    others = order[~np.isin(order, rows)]
    given = replace(dataset, unlabelled=dataset.X[others[:UNLABELLED]])
    split = Split(0, 0, rows, others[UNLABELLED:], seed)
    families = ("classic", "network", "autoencoder")
    found = {}
    for candidate in propose(given, Settings(budget="standard", seed=seed, families=families)):
        if candidate.name not in ROWS:
            continue
        start = time.process_time()
        result = fit_and_predict(candidate, split, given, len(dataset.classes))
        right = result.test.argmax(axis=1) == dataset.y[split.test]
        found[candidate.name] = {"right": float(right.mean()), "cpu": time.process_time() - start}
    return found


def table(stored: dict, names: list[str], sizes: list[int]) -> str:
    """Mean accuracies, and what unlabelled pictures brought with the standard error over draws."""
    cases = [(name, size) for name in names for size in sizes]
    drawn = {case: [d for k, d in stored.items() if k.startswith(f"{case[0]} {case[1]} ")] for case in cases}
    cases = [case for case in cases if drawn[case]]

    def points(case: tuple[str, int], name: str) -> np.ndarray:
        return 100 * np.array([draw[name]["right"] for draw in drawn[case]])

    head = "| | " + " | ".join(f"{name}, {size} a class" for name, size in cases) + " |\n"
    rule = "|---" * (len(cases) + 1) + "|\n"
    out = head + rule
    for name in ROWS:
        out += f"| {name} | " + " | ".join(f"{points(c, name).mean():.1f}" for c in cases) + " |\n"
    out += "| draws | " + " | ".join(str(len(drawn[c])) for c in cases) + " |\n"
    out += (
        "\nWhat unlabelled pictures brought to the same candidate, in points ± standard error:\n\n"
        + head
        + rule
    )
    for name in (n for n in ROWS if n.endswith(" unlabelled")):
        gains = [points(c, name) - points(c, name.removesuffix(" unlabelled")) for c in cases]
        told = [
            f"{g.mean():+.1f} ± {g.std(ddof=1) / len(g) ** 0.5 if len(g) > 1 else np.nan:.1f}" for g in gains
        ]
        out += f"| {name.removesuffix(' unlabelled')} | " + " | ".join(told) + " |\n"
    cpu = {n: np.mean([d[n]["cpu"] for c in cases for d in drawn[c]]) for n in ROWS}
    out += (
        f"\nCPU seconds on average: autoencoder {cpu['ae logistic']:.0f}, with unlabelled pictures "
        f"{cpu['ae logistic unlabelled']:.0f}, principal components {cpu['pca logistic']:.1f}, "
        f"the small network {cpu['cnn']:.0f}.\n"
    )
    if drawn.get(("digits", 5)):
        pairs = [
            n.removesuffix(" unlabelled") for n in ROWS if n.startswith("ae ") and n.endswith("unlabelled")
        ]
        won = [
            float((points(("digits", 5), f"{n} unlabelled") - points(("digits", 5), n)).mean()) for n in pairs
        ]
        words = ", ".join(f"{n} {g:+.1f}" for n, g in zip(pairs, won, strict=True))
        out += (
            f"\nWanted: +{WANTED:.0f} points on digits at 5 a class. {words}: "
            f"{sum(g >= WANTED for g in won)} of {len(won)} kept.\n"
        )
    return out


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--sizes", default="5,10,20")
    parser.add_argument("--store", type=Path, default=Path("autoencoder.json"))
    parser.add_argument("--table", action="store_true", help="only what is stored so far")
    arguments = parser.parse_args()
    stored = json.loads(arguments.store.read_text()) if arguments.store.exists() else {}
    sizes = [int(s) for s in arguments.sizes.split(",")]
    data = {} if arguments.table else sources(arguments.data)
    warnings.simplefilter("ignore")
    for seed in range(FIRST, FIRST + arguments.seeds):
        for name, dataset in data.items():
            for size in sizes:
                key = f"{name} {size} {seed}"
                if key not in stored:
                    with threadpool_limits(1):
                        stored[key] = one_draw(dataset, size, seed)
                    arguments.store.write_text(json.dumps(stored))
    names = list(dict.fromkeys(key.split()[0] for key in stored))
    print(heading(__file__) + "\n" + table(stored, names, sizes))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
