"""What a thousand pictures without labels bring to a few with labels: each way to use them, same draws.

    python benchmarks/unlabelled.py [--data digits,../shared/data/image/fashion_mnist] [--sizes 5,10,20]
                                    [--seeds 5] [--unlabelled 1000] [--names "A;B"] [--store FOLDER]

The digits of scikit-learn and folders of pictures: 5, 10 or 20 a class with labels to learn from, 1,000
others without, the rest to test on. Each candidate is one that `handful fit --budget thorough --unlabelled`
proposes, taken by its name and fitted once on all labelled pictures; its base is the same candidate without
unlabelled data. Gains are means of paired differences over draws, with their standard error from draw to
draw. What was chosen for the two plain rivals (the neighbour graphs, how sure is sure) was tried on digits of
seeds from 1000 on and on seven tables. Fits are stored one by one: a stopped script goes on where it was.
Exit status 1 where on digits at 5 a class nothing brings 3 points.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.datasets import load_digits
from threadpoolctl import threadpool_limits

from draws import remembered
from handful.data.dataset import Dataset
from handful.data.load import load
from handful.protocol.evaluate import fit_and_predict
from handful.protocol.splits import Split
from handful.settings import Settings
from handful.strategies import propose
from handful.strategies.candidate import Candidate
from handful.strategies.chain import learns_from_unlabelled
from machine import heading

WANTED = 3.0  # points on digits at 5 a class, of one candidate at least
SIZES = (5, 10, 20)
# Looked at beside all that learn from unlabelled data and their bases: raw pixels, descriptors, transfer.
BESIDE = ("thumbnail svm", "pixels logistic", "hog svm", "lite0 block6 svm", "lite0 last logistic", "cnn")


def pictures_of(name: str) -> Dataset:
    """The digits, or a folder of pictures."""
    if name == "digits":
        data = load_digits()
        return load((data.images / 16, data.target), Settings())
    return load(Path(name), Settings())


def drawn(whole: Dataset, per_class: int, unlabelled: int, seed: int) -> tuple[Dataset, np.ndarray]:
    """The labelled pictures with the unlabelled ones beside them, then those to test on; which they are.

    X holds the labelled and after them the test pictures; positions `(n,)` are the labelled ones'.
    """
    random = np.random.default_rng(seed)
    rows = np.concatenate(
        [random.permutation(np.flatnonzero(whole.y == k))[:per_class] for k in np.unique(whole.y)]
    )
    rest = random.permutation(np.setdiff1d(np.arange(len(whole)), rows))
    more, test = rest[:unlabelled], rest[unlabelled:]
    both = np.concatenate([rows, test])
    dataset = Dataset(
        whole.X[both],
        whole.y[both],
        whole.ids[both],
        whole.meta.iloc[both].reset_index(drop=True),
        whole.task,
        whole.modality,
        whole.classes,
        unlabelled=whole.X[more],
    )
    return dataset, np.arange(len(rows))


def offered(dataset: Dataset, names: Sequence[str] | None = None) -> list[Candidate]:
    """Who is compared: all that learn from unlabelled data, what they are compared with, and a few beside."""
    found = {c.name: c for c in propose(dataset, Settings(budget="thorough"))}
    learning = [c for c in found.values() if learns_from_unlabelled(c.estimator)]
    wanted = {*(c.name for c in learning), *(c.base for c in learning), *BESIDE}
    return [c for c in found.values() if c.name in wanted and (names is None or c.name in names)]


def measured(dataset: Dataset, rows: np.ndarray, candidate: Candidate, seed: int) -> dict[str, np.ndarray]:
    """Accuracy on the test pictures, their number, and CPU seconds of the fit and predictions."""
    assert dataset.classes is not None
    test = np.arange(len(rows), len(dataset))
    start = time.process_time()
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = fit_and_predict(candidate, Split(0, 0, rows, test, seed), dataset, len(dataset.classes))
    if result.test is None:
        raise RuntimeError(f"{candidate.name}: {result.error}")
    right = (result.test.argmax(axis=1) == dataset.y[test]).mean()
    return {
        "accuracy": np.array(right),
        "n": np.array(len(test)),
        "cpu": np.array(time.process_time() - start),
    }


def scored(
    dataset: Dataset, rows: np.ndarray, seed: int, kept: Path | None, names: Sequence[str] | None = None
) -> dict[str, dict[str, Any]]:
    """Of each candidate on one draw its accuracy, its CPU seconds, and what it adds to which base.

    `kept` is what the files that remember the fits begin with.
    """
    found = {}
    for candidate in offered(dataset, names):
        file = None if kept is None else kept.with_name(f"{kept.name}-{candidate.key}.npz")
        values = remembered(file, lambda c=candidate: measured(dataset, rows, c, seed))  # type: ignore[misc]
        learns = learns_from_unlabelled(candidate.estimator)
        found[candidate.name] = {
            "accuracy": float(values["accuracy"]),
            "cpu": float(values["cpu"]),
            "base": candidate.base if learns else None,
            "technique": candidate.technique,
        }
    return found


def tell(found: dict[tuple[str, int], list[dict[str, Any]]], unlabelled: int) -> bool:
    """The tables; whether on digits at 5 a class something brings what is wanted."""
    for name in dict.fromkeys(name for name, _ in found):
        by_size = {size: draws for (n, size), draws in found.items() if n == name}
        first = next(iter(by_size.values()))[0]
        sizes = "".join(f" {size} a class |" for size in by_size)
        draws = len(next(iter(by_size.values())))
        print(f"**{name}**: accuracy on the rest in per cent, means over {draws} draws\n")
        print(f"| candidate |{sizes} CPU s a fit |\n|{'---|' * (len(by_size) + 2)}")
        for candidate in first:
            means = [
                f"{100 * np.mean([d[candidate]['accuracy'] for d in ds]):.1f}" for ds in by_size.values()
            ]
            cpu = np.median([d[candidate]["cpu"] for ds in by_size.values() for d in ds])
            print(f"| {candidate} | {' | '.join(means)} | {cpu:.1f} |")
        print(
            f"\nWhat {unlabelled:,} without labels brought over the same candidate without them, in points:\n"
        )
        print(f"| candidate | technique |{sizes}\n|{'---|' * (len(by_size) + 2)}")
        for candidate, about in first.items():
            if about["base"] in first:
                gains = ["{:+.1f} ± {:.1f}".format(*gain(ds, candidate)) for ds in by_size.values()]
                print(f"| {candidate} | {about['technique']} | {' | '.join(gains)} |")
        print()
    return _kept(found.get(("digits", 5), []))


def gain(draws: Sequence[dict[str, Any]], name: str) -> tuple[float, float]:
    """Mean and standard error of the paired difference between a candidate and its base, in points."""
    apart = 100 * np.array([d[name]["accuracy"] - d[d[name]["base"]]["accuracy"] for d in draws])
    error = apart.std(ddof=1) / np.sqrt(len(apart)) if len(apart) > 1 else float("nan")
    return float(apart.mean()), float(error)


def _kept(draws: Sequence[dict[str, Any]]) -> bool:
    """Whether something brings what is wanted; said in a sentence. True where that was not looked at."""
    first = draws[0] if draws else {}
    gains = {name: gain(draws, name) for name, about in first.items() if about["base"] in first}
    if not gains:
        return True
    best = max(gains, key=lambda name: gains[name][0])
    value, error = gains[best]
    enough = sum(g >= WANTED for g, _ in gains.values())
    print(
        f"Wanted on digits at 5 a class: at least +{WANTED:.0f} points over the same candidate without "
        f"unlabelled data. The largest gain is that of '{best}', {value:+.1f} ± {error:.1f}: "
        f"{'kept' if enough else '**missed**'}; {enough} of {len(gains)} candidates gain as much."
    )
    return bool(enough)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default="digits", help="digits, and folders of pictures")
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--unlabelled", type=int, default=1000)
    parser.add_argument("--names", help="only these candidates, with ; between them")
    parser.add_argument("--store", type=Path, help="a folder that remembers the fits")
    arguments = parser.parse_args()
    only = None if arguments.names is None else arguments.names.split(";")
    found: dict[tuple[str, int], list[dict[str, Any]]] = {}
    for data in arguments.data.split(","):
        whole, name = pictures_of(data), Path(data).name
        for seed in range(arguments.seeds):
            for size in map(int, arguments.sizes.split(",")):
                kept = None if arguments.store is None else arguments.store / f"{name}-{size}-{seed}"
                dataset, rows = drawn(whole, size, arguments.unlabelled, seed)
                draw = scored(dataset, rows, seed, kept, only)
                found.setdefault((name, size), []).append(draw)
                print(name, size, seed, round(sum(d["cpu"] for d in draw.values())), file=sys.stderr)
    print(heading(__file__))
    return 0 if tell(found, arguments.unlabelled) else 1


if __name__ == "__main__":
    sys.exit(main())
