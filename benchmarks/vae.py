"""What a variational autoencoder makes of few pictures: seconds, likeness, copies, and whether it helps.

    python benchmarks/vae.py [../shared/data/image] [--seeds 3] [--store FILE] [--small]

Digits of scikit-learn and, where a folder with it is given, fashion_mnist: 10 and 20 a class to learn from,
the rest is the truth. One training a draw, shared by the ways of drawing codes. For each, twice as many
pictures as were learned from:

- *recognised*: the share of which a support vector machine that learned from all real pictures gives the
  label they were made for; beside it the share of real pictures that it recognises unseen (five folds);
- *nearest*: the median distance to the nearest picture learned from, over that of real pictures not learned
  from (0 is a copy, 1 as new as a new picture), at 16 x 16 pixels;
- *variety*: the mean distance between two of a class, over that of the pictures learned from;
- *gain*: points of accuracy on the rest that they bring to a support vector machine on 16 x 16 pixels
  ("thumbnail svm") and to one on descriptors ("hog svm"), with customs and without.

Then the CPU seconds of a fit. What was chosen (how much a picture counts against the KL, steps, spread) was
chosen on draws from seed 1000 on; those reported are 0, 1 and 2. Draws are stored as they are made: a stopped
script goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.metrics import pairwise_distances
from sklearn.model_selection import cross_val_score
from sklearn.svm import SVC
from threadpoolctl import threadpool_limits

from digits import drawn
from handful.data.dataset import Images
from handful.data.load import load
from handful.settings import Settings
from handful.strategies.chain import Chain
from handful.strategies.generators import Copies, Generator
from handful.strategies.heads import SVMHead
from handful.strategies.picture_generators import PictureVAE
from handful.strategies.pixels import Descriptor, Pixels
from handful.strategies.synthesis import WithSynthetic
from machine import heading

PER_CLASS = (10, 20)
RATIO = 2
TIMED = (100, 500, 1000)
LOOKED_AT = Pixels(16)
WAYS: dict[str, Generator] = {
    "prior": PictureVAE(sampler="prior"),
    "posterior": PictureVAE(sampler="posterior"),
    "riemannian": PictureVAE(sampler="riemannian"),
    "copies": Copies(),
}
BASES = {
    "thumbnail svm": Chain([Pixels(16)], SVMHead()),
    "hog svm": Chain([Descriptor()], SVMHead()),
}


def data(folder: Path | None, name: str) -> tuple[Images, np.ndarray]:
    """Pictures and their labels."""
    if name == "digits":
        bunch = load_digits()
        dataset = load((bunch.images / 16, bunch.target), Settings())
    else:
        assert folder is not None
        dataset = load(folder / name, Settings())
    return dataset.X, dataset.y


def one_draw(
    X: Images, y: np.ndarray, per_class: int, seed: int, epochs: int | None = None
) -> dict[str, Any]:
    """Everything of one draw, by the way of drawing codes."""
    rows, rest = drawn(y, per_class, seed)
    flat = LOOKED_AT.transform(X)
    judge = SVC(C=10).fit(flat, y)
    wanted = np.repeat(np.unique(y), RATIO * per_class)
    usual = np.median(_nearest(flat[rest], flat[rows]))
    variety = _variety(flat[rows], y[rows])
    alone = {name: _right(base, X, y, rows, rest) for name, base in BASES.items()}
    found: dict[str, Any] = {"alone": alone}
    for way, generator in WAYS.items():
        generator = clone(generator).set_params(random_state=seed)
        if epochs is not None and isinstance(generator, PictureVAE):
            generator.set_params(epochs=epochs)
        start = time.process_time()
        generator.fit(X[rows], y[rows])
        learned = time.process_time()
        made = LOOKED_AT.transform(generator.sample(wanted))
        found[way] = {
            "seconds": [learned - start, time.process_time() - learned],
            "recognised": float((judge.predict(made) == wanted).mean()),
            "nearest": float(np.median(_nearest(made, flat[rows])) / usual),
            "variety": _variety(made, wanted) / variety,
            "gain": {
                f"{name}, {'with' if customs else 'without'} customs": (
                    _right(WithSynthetic(base, generator, RATIO, customs), X, y, rows, rest) - alone[name]
                )
                for name, base in BASES.items()
                for customs in (False, True)
            },
        }
        if isinstance(generator, PictureVAE):
            found[way]["active"] = generator.n_latent_active_
    return found


def seconds(X: Images, y: np.ndarray, n: int) -> float:
    """CPU seconds of a fit on n pictures, nothing remembered."""
    rows = np.random.default_rng(n).permutation(len(y))[:n]
    model = PictureVAE(random_state=int(time.time()))  # another seed, another training
    start = time.process_time()
    model.fit(X[rows], y[rows])
    return time.process_time() - start


def real(X: Images, y: np.ndarray) -> float:
    """The share of real pictures that the judge recognises where it has not learned from them."""
    return float(cross_val_score(SVC(C=10), LOOKED_AT.transform(X), y, cv=5).mean())


def _right(model: Any, X: Images, y: np.ndarray, rows: np.ndarray, rest: np.ndarray) -> float:
    return float((clone(model).fit(X[rows], y[rows]).predict(X[rest]) == y[rest]).mean())


def _nearest(some: np.ndarray, others: np.ndarray) -> np.ndarray:
    return pairwise_distances(some, others).min(axis=1)


def _variety(flat: np.ndarray, labels: np.ndarray) -> float:
    """Mean distance between two different ones of a class."""
    of_class = [pairwise_distances(flat[labels == k]) for k in np.unique(labels)]
    return float(np.mean([d.sum() / (len(d) * (len(d) - 1)) for d in of_class]))


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, nargs="?", help="where fashion_mnist lies")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--store", type=Path)
    parser.add_argument("--small", action="store_true", help="one draw of digits, ten a class")
    arguments = parser.parse_args()
    names = ["digits", *(["fashion_mnist"] if arguments.folder and not arguments.small else [])]
    sizes, seeds = ((10,), 1) if arguments.small else (PER_CLASS, arguments.seeds)
    stored = _read(arguments.store)
    sets = {name: data(arguments.folder, name) for name in names}
    wanted = [(name, per, seed) for seed in range(seeds) for name in names for per in sizes]
    with threadpool_limits(1), warnings.catch_warnings():
        import torch

        torch.set_num_threads(1)
        warnings.simplefilter("ignore")
        for name, n in ((names[-1], n) for n in TIMED if not arguments.small):
            _once(stored, arguments.store, f"seconds {name} {n}", lambda n=n: seconds(*sets[names[-1]], n))
        for name in names:
            _once(stored, arguments.store, f"real {name}", lambda name=name: real(*sets[name]))
        for key in wanted:
            _once(stored, arguments.store, list(key), lambda k=key: one_draw(*sets[k[0]], k[1], k[2]))
    tell({k: v for k, v in stored.items() if isinstance(k, str) or k in wanted})
    return 0


def _once(stored: dict, store: Path | None, key: Any, make: Any) -> None:
    name = tuple(key) if isinstance(key, list) else key
    if name not in stored:
        stored[name] = make()
        if store:
            with store.open("a") as file:
                file.write(json.dumps({"key": key, "found": stored[name]}) + "\n")


def _read(store: Path | None) -> dict:
    lines = store.read_text().splitlines() if store and store.exists() else []
    found = map(json.loads, lines)
    return {tuple(f["key"]) if isinstance(f["key"], list) else f["key"]: f["found"] for f in found}


def tell(stored: dict) -> None:
    """The tables."""
    print(heading(__file__))
    cases = {(name, per): [] for name, per, _ in (k for k in stored if isinstance(k, tuple))}
    for key, draw in stored.items():
        if isinstance(key, tuple):
            cases[key[:2]].append(draw)
    print(
        "| data | a class | codes from | recognised | (real) | nearest | variety | active | seconds to draw |"
    )
    print("|" + "---|" * 9)
    for (name, per), draws in cases.items():
        for way in WAYS:
            mean = {k: np.mean([d[way][k] for d in draws]) for k in ("recognised", "nearest", "variety")}
            active = [d[way]["active"] for d in draws if "active" in d[way]]
            print(
                f"| {name} | {per} | {way} | {mean['recognised']:.1%} | {stored.get(f'real {name}', 0):.1%} "
                f"| {mean['nearest']:.2f} | {mean['variety']:.2f} | {np.mean(active) if active else 0:.0f} "
                f"| {np.mean([d[way]['seconds'][1] for d in draws]):.1f} |"
            )
    print("\nGain in points of accuracy, mean of the draws (lowest and highest):\n")
    columns = [f"{base}, {w} customs" for base in BASES for w in ("without", "with")]
    print("| data | a class | codes from | " + " | ".join(columns) + " |")
    print("|" + "---|" * (3 + len(columns)))
    for (name, per), draws in cases.items():
        for way in WAYS:
            gains = [100 * np.array([d[way]["gain"][c] for d in draws]) for c in columns]
            told = " | ".join(f"{g.mean():+.1f} ({g.min():+.1f} to {g.max():+.1f})" for g in gains)
            print(f"| {name} | {per} | {way} | {told} |")
    alone = {
        f"{base}, {name}, {per} a class": np.mean([d["alone"][base] for d in draws])
        for (name, per), draws in cases.items()
        for base in BASES
    }
    print("\nWithout generated pictures: " + "; ".join(f"{k} {v:.1%}" for k, v in alone.items()) + ".")
    timed = {k.split()[-1]: v for k, v in stored.items() if isinstance(k, str) and k.startswith("seconds")}
    if timed:
        print(
            "\nCPU seconds of a fit: " + ", ".join(f"{v:.1f} on {n} pictures" for n, v in timed.items()) + "."
        )


if __name__ == "__main__":
    sys.exit(main())
