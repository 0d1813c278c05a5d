"""Is the number that is told the number that one gets, and does its interval keep its promise?

    python benchmarks/coverage.py [--draws 200] [--small | --others] [--store FILE] [--embeddings FOLDER]
                                  [--sizes 50,100,200,400] [--only POOL,POOL]

Training sets of n examples are drawn from a pool; the shipped code compares six cheap candidates and their
average on `quick` splits, chooses, tells a score with its 95 % interval, and refits; the rest of the pool is
the truth (m examples, so the truth itself has the variance p(1-p)/m, which is allowed for). Beside it what is
usually told: the cross-validated score of the best single candidate with Wilson's interval, and plain
bootstrap bias-corrected cross-validation of it. Draws are stored as they are made: a stopped script goes on
where it was. With `--others`: groups, balanced accuracy and R², on data with known truth.
"""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits, make_friedman1
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from threadpoolctl import threadpool_limits

from handful.evidence.bootstrap import Bootstrap, draw
from handful.evidence.ensemble import add_average, best, select
from handful.evidence.predictions import Predictions
from handful.evidence.selection import around, errors, expected
from handful.evidence.shares import wilson
from handful.protocol.plan import curve_cells
from handful.protocol.run import Cell
from handful.protocol.splits import compare_splits
from handful.settings import Settings
from handful.strategies import propose
from handful.strategies.candidate import scores
from machine import heading
from pools import embedded, framed, gathered, some, tabular

SIZES = (50, 100, 200, 400)
FAMILIES = ("yours",)
FIRST_SEED = 20_000  # lower ones were used to find the method


@dataclass(frozen=True)
class Pool:
    """X `(N, d)`, y `(N,)`, the largest n that leaves enough truth, the metric, and groups `(N,)`."""

    X: np.ndarray
    y: np.ndarray
    most: int
    metric: str = "accuracy"
    groups: np.ndarray | None = None

    @property
    def task(self) -> str:
        return "regression" if self.metric == "r2" else "classification"


def own_candidates(task: str = "classification") -> list[tuple[str, object]]:
    """Six kinds of models (four of numbers) with fixed arguments: milliseconds a fit."""
    if task == "regression":
        return [
            ("ridge", make_pipeline(StandardScaler(), Ridge(3.0))),
            ("knn", make_pipeline(StandardScaler(), KNeighborsRegressor(5))),
            ("tree", DecisionTreeRegressor(min_samples_leaf=3, random_state=0)),
            ("trees", ExtraTreesRegressor(15, random_state=0)),
        ]
    return [
        ("logistic", make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=200))),
        ("lda", make_pipeline(StandardScaler(), LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.3))),
        ("bayes", make_pipeline(StandardScaler(), GaussianNB(var_smoothing=0.01))),
        ("knn", make_pipeline(StandardScaler(), KNeighborsClassifier(5))),
        ("tree", DecisionTreeClassifier(min_samples_leaf=3, random_state=0)),
        ("trees", ExtraTreesClassifier(15, random_state=0)),
    ]


def pools(embeddings: Path | None) -> dict[str, Pool]:
    """Pools for the table of accuracies."""
    found = {}
    X, y = load_digits(return_X_y=True)
    found["digits"] = Pool(X, y, 200)
    X, y = load_breast_cancer(return_X_y=True)
    found["breast_cancer"] = Pool(X, y, 100)
    random = np.random.default_rng(0)
    y = np.repeat(np.arange(3), 1400)
    found["known truth"] = Pool(random.normal(size=(4200, 20)) + np.eye(3, 20)[y] * 1.6, y, 400)
    found["noise"] = Pool(random.normal(size=(4200, 20)), random.permutation(np.repeat([0, 1], 2100)), 400)
    for name, (X, y) in embedded(embeddings, ("fashion_mnist", "elpv_solar_defect")).items():
        found[name] = Pool(X, y, 400 if len(X) >= 2000 else 200)
    return found


def other_pools() -> dict[str, Pool]:
    """Pools for the table of other metrics and of groups: 4,000 examples with known truth."""
    random = np.random.default_rng(1)
    groups = np.repeat(np.arange(800), 5)
    y = np.repeat(random.integers(0, 2, 800), 5)  # a patient has one diagnosis and five pictures
    patient = np.repeat(random.normal(size=(800, 20)), 5, axis=0)
    own = random.normal(size=(4000, 20)) + patient
    rare = np.sort(random.choice(3, 4000, p=[0.7, 0.2, 0.1]))
    X, value = make_friedman1(4000, noise=2.0, random_state=0)
    flat = random.normal(size=(4000, 10))
    return {
        "groups of five": Pool(own + np.eye(2, 20)[y] * 2.5, y, 400, groups=groups),
        "rare classes": Pool(
            random.normal(size=(4000, 20)) + np.eye(3, 20)[rare] * 1.8, rare, 400, "balanced_accuracy"
        ),
        "friedman": Pool(X, value, 400, "r2"),
        "linear": Pool(flat, flat[:, 0] + flat[:, 1] + random.normal(size=4000), 400, "r2"),
    }


def drawn(pool: Pool, n: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Positions of n examples, two of each class at least and groups whole, and of all the others."""
    everything = np.arange(len(pool.y))
    if pool.groups is not None:
        order = random.permutation(np.unique(pool.groups))
        rows = np.flatnonzero(np.isin(pool.groups, order[: n // int(np.bincount(pool.groups).max())]))
        return rows, np.setdiff1d(everything, rows)
    if pool.task == "regression":
        order = random.permutation(everything)
        return order[:n], order[n:]
    return some(pool.y, n, random)


def one_draw(pool: Pool, n: int, seed: int) -> dict:
    """What is told of n examples, and what the model chosen from them does on all the others."""
    rows, rest = drawn(pool, n, np.random.default_rng(seed))
    frame = framed(pool.X)
    classes = None if pool.task == "regression" else np.unique(pool.y)
    groups = None if pool.groups is None else np.unique(pool.groups[rows], return_inverse=True)[1]
    dataset = tabular(frame.iloc[rows], pool.y[rows], classes, groups)
    settings = Settings(families=FAMILIES, seed=seed)
    candidates = propose(dataset, settings, own_candidates(pool.task))
    splits = compare_splits(dataset, settings)
    compared = gathered(dataset, [Cell(c, s) for s in splits for c in candidates], pool.metric)
    predictions = add_average(compared)
    cells = curve_cells(dataset, candidates, splits)
    sizes = dict.fromkeys(c.split.purpose for c in cells)
    curve = [gathered(dataset, [c for c in cells if c.split.purpose == s], pool.metric) for s in sizes]
    bootstrap = draw(predictions.unit, predictions.covered, seed=seed)
    told, chosen, first = expected(predictions, bootstrap, curve), select(predictions), best(compared)
    names = chosen.members or [chosen.name]
    K = None if classes is None else len(classes)
    truth = {
        c.name: scores(c.fresh(seed).fit(dataset.X, dataset.y), frame.iloc[rest], K)
        for c in candidates
        if c.name in {first.name, *names}
    }
    served = np.mean([truth[name] for name in names], axis=0)
    usual = float(compared.score(first)[0])
    naive = around(compared, usual, usual, float(errors(compared, [first])[0]), row=first)
    plain = pool.metric == "accuracy" and pool.groups is None
    return {
        "truth": predictions.metric.value(pool.y[rest], served),
        "single": predictions.metric.value(pool.y[rest], truth[first.name]),
        "m": len(rest),
        "members": len(names),
        "told": [told.value, told.low, told.high],
        "plain": list(bias_corrected(compared, bootstrap)),
        "naive": [naive.value, *(wilson(naive.value, n) if plain else (naive.low, naive.high))],
    }


def bias_corrected(predictions: Predictions, bootstrap: Bootstrap) -> tuple[float, float, float]:
    """Plain BBC-CV of the best single candidate: mean and percentiles of the in-bag winners out of bag."""
    inside, outside = (
        np.array([predictions.score(r, w) for r in predictions.sound])
        for w in (bootstrap.weights, bootstrap.left_out)
    )
    picked = outside[inside.argmax(axis=0), np.arange(inside.shape[1])]
    low, high = np.nanquantile(picked, [0.025, 0.975])
    return float(np.nanmean(picked)), float(low), float(high)


def covers(interval: list[float], truth: float, m: int) -> bool:
    """Whether the truth lies inside, once the sampling error of the measured truth is added."""
    value, low, high = interval
    extra = max(0.0, truth * (1 - truth)) / m
    z = 1.96
    below = np.hypot((value - low) / z, np.sqrt(extra)) * z
    above = np.hypot((high - value) / z, np.sqrt(extra)) * z
    return bool(value - below <= truth <= value + above)


def judged(draws: list[dict], way: str, n: int, metric: str) -> tuple[float, float, float, float]:
    """Mean of told - true with its standard error, coverage, and width against Wilson of n fresh examples."""
    true = np.array([d["truth" if way == "told" else "single"] for d in draws])
    gaps = np.array([d[way][0] for d in draws]) - true
    inside = np.mean([covers(d[way], t, d["m"]) for d, t in zip(draws, true, strict=True)])
    width = np.mean([d[way][2] - d[way][1] for d in draws])
    fresh = 1.0 if metric == "r2" else np.mean([np.diff(wilson(t, n))[0] for t in true])
    return float(gaps.mean()), float(gaps.std() / np.sqrt(len(gaps))), float(inside), float(width / fresh)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=200)
    parser.add_argument("--small", action="store_true", help="20 draws of two pools at n=50: seconds")
    parser.add_argument("--store", type=Path)
    parser.add_argument("--others", action="store_true", help="groups, balanced accuracy and R²")
    parser.add_argument("--embeddings", type=Path, help="a folder with fashion_mnist and elpv_solar_defect")
    parser.add_argument("--sizes")
    parser.add_argument("--only", help="these pools")
    arguments = parser.parse_args()
    stored = _read(arguments.store)
    data, sizes, n_draws = pools(arguments.embeddings), SIZES, arguments.draws
    if arguments.small:
        data, sizes, n_draws = {k: data[k] for k in ("breast_cancer", "noise")}, (50,), 20
    if arguments.others:
        data, sizes = other_pools(), (100, 200)
    if arguments.sizes:
        sizes = tuple(int(n) for n in arguments.sizes.split(","))
    if arguments.only:
        data = {name: data[name] for name in arguments.only.split(",")}
    for seed in range(
        FIRST_SEED, FIRST_SEED + n_draws
    ):  # draw by draw, so that a stopped script has every cell equally far
        for name, pool in data.items():
            for n in (s for s in sizes if s <= pool.most):
                if (name, n, seed) not in stored:
                    with threadpool_limits(1), warnings.catch_warnings():
                        warnings.simplefilter("ignore")
                        stored[name, n, seed] = one_draw(pool, n, seed)
                    _append(arguments.store, (name, n, seed), stored[name, n, seed])
    return _table(stored, data, sizes, n_draws)


def _table(stored: dict, data: dict[str, Pool], sizes: tuple[int, ...], n_draws: int) -> int:
    print(heading(__file__))
    print(
        "Told and true score of the chosen model; bias in points, coverage of 95 % intervals, width relative"
    )
    print("to Wilson's interval of n fresh examples (R²: the width itself), members of the average.\n")
    print(
        "| pool | n | draws | true | bias | covers | width | members | usual: bias, covers "
        "| plain BBC: bias, covers | |"
    )
    print("|" + "---|" * 11)
    good, everything = True, []
    for name, pool in data.items():
        for n in (s for s in sizes if s <= pool.most):
            draws = [
                d for (a, b, s), d in stored.items() if (a, b) == (name, n) and 0 <= s - FIRST_SEED < n_draws
            ]
            everything += draws
            bias, error, inside, width = judged(draws, "told", n, pool.metric)
            others = [judged(draws, way, n, pool.metric) for way in ("naive", "plain")]
            beside = " | ".join(f"{100 * other[0]:+.1f}, {other[2]:.0%}" for other in others)
            limit = 0.015 if n <= 50 else 0.01
            narrow = pool.metric != "accuracy" or pool.groups is not None or width <= 1.25
            kept = abs(bias) <= limit + 2 * error and 0.89 <= inside <= 0.995 and narrow
            good &= kept
            true, members = (np.mean([d[k] for d in draws]) for k in ("truth", "members"))
            print(
                f"| {name} | {n} | {len(draws)} | {true:.3f} | {100 * bias:+.1f} ± {100 * error:.1f} "
                f"| {inside:.1%} | {width:.2f} | {members:.1f} | {beside} | {'' if kept else '**outside**'} |"
            )
    pooled = np.mean([covers(d["told"], d["truth"], d["m"]) for d in everything])
    print(f"\nPooled coverage {pooled:.1%} of {len(everything)} draws (94–97 % is promised).")
    return 0 if good and 0.94 <= pooled <= 0.97 else 1


def _read(path: Path | None) -> dict:
    if path is None or not path.exists():
        return {}
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    return {tuple(line["key"]): line["draw"] for line in lines}


def _append(path: Path | None, key: tuple, found: dict) -> None:
    if path is not None:
        with path.open("a") as file:
            file.write(json.dumps({"key": key, "draw": found}) + "\n")


if __name__ == "__main__":
    sys.exit(main())
