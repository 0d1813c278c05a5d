"""Would greedily chosen weights deliver more on new data than the uniform average of the tied?

    python benchmarks/greedy.py [--draws 13] [--first-seed 0] [--sizes 50 100 200 400] [--small]
        [--kept FOLDER] [--embeddings FOLDER]

n examples of a pool, 24 cheap candidates (twelve learners on all columns, and on the first half of them) on
`quick` splits; each way of averaging them is chosen from the out-of-fold scores, its members are refitted,
and 1,000 other examples of the pool are the truth. *Average* is what is served: all that cannot be told apart
from the best, ten at most. *Greedy*: Caruana et al. 2004, 20 steps, squared error, without bags; *bagged*: in
20 random halves of the candidates, as `evidence/greedy.py` does. What judges and the bags were chosen
as the best of some ten ways on the default draws (seeds 0 to 12), which flatters those two columns.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_digits

from draws import Drawn, Models, drawn, gaussian, on_columns, twelve
from handful.evidence.ensemble import eligible, members
from handful.evidence.greedy import gram, greedy_weights, residuals
from machine import heading
from pools import embedded

SIZES = [50, 100, 200, 400]
WAYS = ("average", "best alone", "all", "greedy", "bagged")


def pools(embeddings: Path | None) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    return {
        "digits": load_digits(return_X_y=True),
        "breast_cancer": load_breast_cancer(return_X_y=True),
        "normal columns, 2 classes": gaussian(2, 20, 1.2, seed=3),
        "normal columns, 5 classes": gaussian(5, 20, 1.4, seed=3),
        **embedded(embeddings, ("fashion_mnist", "elpv_solar_defect")),
    }


def models(d: int) -> Models:
    """Twelve learners on all d columns, and on the first half of them."""
    half = [(f"{name}, half", on_columns(0, d // 2, clone(model))) for name, model in twelve()]
    return [*twelve(), *half]


def weights(one: Drawn) -> dict[str, np.ndarray]:
    """Weights `(C,)` over the candidates, in the order of their rows, for each way."""
    predictions = one.predictions
    rows = eligible(predictions)
    names = [row.name for row in predictions.rows]
    order = [names.index(row.name) for row in rows]
    tied = [names.index(r.name) for r in members(predictions, rows, np.ones(len(predictions.y), dtype=bool))]
    G = gram(np.array([residuals(predictions, row) for row in predictions.rows]))
    found = {way: np.zeros(len(names)) for way in WAYS}
    found["average"][tied] = 1 / len(tied)
    found["best alone"][tied[0]] = 1
    found["all"][1:] = 1 / (len(names) - 1)  # without the baseline
    found["greedy"] = greedy_weights(G, bags=1, share=1.0)
    found["bagged"][order] = greedy_weights(G[np.ix_(order, order)])
    return found


def delivered(one: Drawn) -> dict[str, tuple[float, int]]:
    """Accuracy on the other examples, and how many models it takes, for each way."""
    assert one.scores is not None
    return {
        way: (float((np.tensordot(w, one.scores, 1).argmax(axis=1) == one.truth).mean()), int((w > 0).sum()))
        for way, w in weights(one).items()
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=13)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--small", action="store_true", help="5 draws of one pool at n=50")
    parser.add_argument("--kept", type=Path, help="a folder that remembers the predictions")
    parser.add_argument("--embeddings", type=Path, help="a folder with fashion_mnist and elpv_solar_defect")
    arguments = parser.parse_args()
    data, sizes, draws = pools(arguments.embeddings), arguments.sizes, arguments.draws
    if arguments.small:
        data, sizes, draws = {"breast_cancer": data["breast_cancer"]}, [50], 5
    print(heading(__file__))
    print("Accuracy on new data; the others as points more than the average (± standard error).\n")
    print(f"| pool | n | draws | {' | '.join(WAYS)} | models: average, bagged |")
    print("|" + "---|" * (len(WAYS) + 4))
    everything: list[dict[str, tuple[float, int]]] = []
    for name, (X, y) in data.items():
        for n in (n for n in sizes if n <= len(X) // 2.5):
            found = []
            for seed in range(arguments.first_seed, arguments.first_seed + draws):
                kept = None if arguments.kept is None else arguments.kept / f"{name}-{n}-{seed}.npz"
                found.append(delivered(drawn(X, y, n, seed, models(X.shape[1]), kept, scored=True)))
            _line(f"{name} | {n}", found)
            everything += found
    _line("**all** |", everything)
    return 0


def _line(head: str, found: list[dict[str, tuple[float, int]]]) -> None:
    average = np.array([one["average"][0] for one in found])
    cells = [f"{average.mean():.3f}"]
    for way in WAYS[1:]:
        more = 100 * (np.array([one[way][0] for one in found]) - average)
        cells.append(f"{more.mean():+.2f} ± {more.std() / np.sqrt(len(more)):.2f}")
    many = ", ".join(f"{np.mean([one[way][1] for one in found]):.1f}" for way in ("average", "bagged"))
    print(f"| {head} | {len(found)} | {' | '.join(cells)} | {many} |", flush=True)


if __name__ == "__main__":
    sys.exit(main())
