"""What it brings to learn from the names of the classes too: texts, few of a class, several heads.

    python benchmarks/class_names.py [--data ../shared/data/text] [--sizes 2,4,8,16,64] [--draws 10]
                                     [--first-seed 0] [--pool 1000]

Of each data set up to `--pool` texts are taken; of these so many of each class are drawn to learn from, and
500 of the others are the test. Each head learns with and without the names, from the same draws: the gain in
points of accuracy with 1, 2, 4 and 8 copies of each name, and its standard error over draws. `wrong` gives
each class the name of the next one, twice: what happens to somebody whose names mislead. How many copies the
candidates use was chosen on draws with seeds from 500 on. No folds and no choosing here: that is
benchmarks/text.py. Prints Markdown.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from handful.data.load import load
from handful.settings import Settings
from handful.strategies import classic, transfer
from handful.strategies.candidate import Candidate
from handful.strategies.named import NamedClasses, spoken
from machine import heading
from text import SETS, drawn, opened

HEADS = ("tfidf logistic", "wordllama logistic", "minilm logistic", "minilm svm", "minilm centroid")
COPIES = (1, 2, 4, 8)
TESTED = 500


def ways(base: Candidate, names: tuple[str, ...]) -> dict[str, NamedClasses]:
    """The chain of `base`, without names, with copies of them, and with wrong ones."""
    chain, wrong = base.estimator, (*names[1:], names[0])
    found = {str(k): NamedClasses(chain.features, chain.head, names, k) for k in (0, *COPIES)}
    return found | {"wrong": NamedClasses(chain.features, chain.head, wrong, 2)}


def pooled(folder: Path, pool: int) -> tuple[np.ndarray, np.ndarray]:
    """Up to `pool` texts of a data set, and their labels, both `(n,)`."""
    texts, labels = opened(folder)
    some = np.random.default_rng(7).permutation(len(texts))[:pool]
    return texts[some], labels[some]


def measured(
    folder: Path, sizes: list[int], seeds: range, pool: int
) -> dict[tuple[str, int], dict[str, list[float]]]:
    """By head and examples of a class, for each way: the accuracy of each draw."""
    texts, labels = pooled(folder, pool)
    classes, codes = np.unique(labels, return_inverse=True)
    dataset = load((texts.tolist(), labels), Settings(modality="text"))
    offered = [c for m in (classic, transfer) for c in m.candidates(dataset, Settings())]
    names = tuple(spoken(name) for name in classes)
    found: dict[tuple[str, int], dict[str, list[float]]] = {}
    for base in (c for c in offered if c.name in HEADS):
        for size in sizes:
            own: dict[str, list[float]] = {}
            for seed in seeds:
                train, test = drawn(labels, size, seed, TESTED)
                for way, chain in ways(base, names).items():
                    said = chain.fit(texts[train], codes[train]).predict(texts[test])
                    own.setdefault(way, []).append(float((said == codes[test]).mean()))
            found[base.name, size] = own
    return found


def line(name: str, head: str, size: int, found: dict[str, list[float]]) -> str:
    gains = [gained(found[way], found["0"]) for way in (*map(str, COPIES), "wrong")]
    return f"| {name} | {head} | {size} | {100 * np.mean(found['0']):.1f} | {' | '.join(gains)} |"


def gained(accuracies: list[float], plain: list[float]) -> str:
    """The mean paired difference over draws, in points, with its standard error."""
    gain = 100 * (np.array(accuracies) - np.array(plain))
    return f"{gain.mean():+.1f} ± {gain.std(ddof=1) / np.sqrt(len(gain)):.1f}"


def options(about: str | None) -> tuple[argparse.Namespace, list[int], range]:
    """What the command line says, the sizes and the seeds of the draws; `about` is the script's docstring."""
    parser = argparse.ArgumentParser(description=(about or "").split("\n")[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data/text"))
    parser.add_argument("--sets", default=",".join(SETS))
    parser.add_argument("--sizes", default="2,4,8,16,64")
    parser.add_argument("--draws", type=int, default=10)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--pool", type=int, default=1000)
    chosen = parser.parse_args()
    sizes = [int(size) for size in chosen.sizes.split(",")]
    return chosen, sizes, range(chosen.first_seed, chosen.first_seed + chosen.draws)


def main() -> None:
    chosen, sizes, seeds = options(__doc__)
    print(heading(__file__), flush=True)
    print(f"| data | head | a class | without | {' | '.join(f'{k} of each' for k in COPIES)} | wrong, 2 |")
    print("|" + "---|" * (len(COPIES) + 5))
    for name in chosen.sets.split(","):
        for (head, size), found in measured(chosen.data / name, sizes, seeds, chosen.pool).items():
            print(line(name, head, size, found), flush=True)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as cache, threadpool_limits(1):  # not the cache of whoever runs this
        os.environ["HANDFUL_CACHE"] = cache
        main()
