"""Is the number that is told the number that one gets, and does its interval keep its promise?

    python benchmarks/coverage.py [--draws 200] [--small] [--store coverage.jsonl] [--embeddings FOLDER]

Training sets of n examples are drawn from a pool; the shipped code compares six cheap candidates and their
average on `quick` splits, chooses, tells a score with its 95 % interval, and refits; the rest of the pool is
the truth (m examples, so the truth itself has the variance p(1-p)/m, which is allowed for). Beside it the
winner's own cross-validated score with Wilson's interval, and plain bootstrap bias-corrected
cross-validation. Draws are stored as they are made: a stopped script goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier
from threadpoolctl import threadpool_limits

from handful.data.dataset import Dataset
from handful.evidence.ensemble import add_average
from handful.evidence.learning_curve import refit_step
from handful.evidence.predictions import Predictions, tabulate
from handful.evidence.selection import draw, expected, followed, wilson, winner
from handful.protocol.evaluate import fit_and_predict
from handful.protocol.plan import curve_cells
from handful.protocol.run import Cell
from handful.protocol.splits import compare_splits
from handful.scoring import get_metric
from handful.settings import Settings
from handful.strategies import propose
from handful.strategies.candidate import scores
from machine import heading

SIZES = (50, 100, 200, 400)
FAMILIES = ("yours",)


def own_candidates() -> list[tuple[str, object]]:
    """Six kinds of models with fixed arguments: milliseconds a fit."""
    return [
        ("logistic", make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=200))),
        ("lda", make_pipeline(StandardScaler(), LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.3))),
        ("bayes", make_pipeline(StandardScaler(), GaussianNB(var_smoothing=0.01))),
        ("knn", make_pipeline(StandardScaler(), KNeighborsClassifier(5))),
        ("tree", DecisionTreeClassifier(min_samples_leaf=3, random_state=0)),
        ("trees", ExtraTreesClassifier(15, random_state=0)),
    ]


def pools(embeddings: Path | None) -> dict[str, tuple[np.ndarray, np.ndarray, int]]:
    """Name -> X, y, and the largest n that leaves enough truth."""
    found = {}
    X, y = load_digits(return_X_y=True)
    found["digits"] = (X, y, 200)
    X, y = load_breast_cancer(return_X_y=True)
    found["breast_cancer"] = (X, y, 100)
    random = np.random.default_rng(0)
    y = np.repeat(np.arange(3), 1400)
    found["known truth"] = (random.normal(size=(4200, 20)) + np.eye(3, 20)[y] * 1.6, y, 400)
    found["noise"] = (random.normal(size=(4200, 20)), random.permutation(np.repeat([0, 1], 2100)), 400)
    if embeddings is not None:
        from handful.backbones import embed
        from handful.data.load import load

        for name in ("fashion_mnist", "elpv_solar_defect"):
            if (embeddings / name).is_dir():
                dataset = load(embeddings / name, Settings())
                features = embed(dataset.X, level="block5")
                low = np.linalg.svd(features - features.mean(axis=0), full_matrices=False)
                found[name] = ((low[0] * low[1])[:, :40], dataset.y, 400 if len(features) >= 2000 else 200)
    return found


def gathered(dataset: Dataset, cells: list[Cell]) -> Predictions:
    """Cells run in this process, as the run folder would give them back."""
    metric = get_metric("accuracy", "classification", dataset.y, dataset.classes)
    K = len(dataset.classes if dataset.classes is not None else ())
    return tabulate(dataset, metric, [(c, fit_and_predict(c.candidate, c.split, dataset, K)) for c in cells])


def one_draw(X: np.ndarray, y: np.ndarray, n: int, seed: int) -> dict:
    """What is told of n examples, and what the model chosen from them does on all the others."""
    random = np.random.default_rng(seed)
    rows = np.concatenate([random.permutation(np.flatnonzero(y == k))[:2] for k in np.unique(y)])
    rest = random.permutation(np.setdiff1d(np.arange(len(y)), rows))
    rows, rest = np.r_[rows, rest[: n - len(rows)]], rest[n - len(rows) :]
    frame = pd.DataFrame(X, columns=[f"x{i}" for i in range(X.shape[1])])
    classes = np.unique(y)
    ids, meta = np.arange(n).astype(str), pd.DataFrame(index=range(n))
    dataset = Dataset(frame.iloc[rows], y[rows], ids, meta, "classification", "table", classes)
    settings = Settings(families=FAMILIES, seed=seed)
    candidates = propose(dataset, settings, own_candidates())
    splits = compare_splits(dataset, settings)
    predictions = add_average(gathered(dataset, [Cell(c, s) for s in splits for c in candidates]))
    names = followed(predictions)
    cells = curve_cells(dataset, [c for c in candidates if c.name in names], splits)
    purposes = dict.fromkeys(c.split.purpose for c in cells)
    thinned = [gathered(dataset, [c for c in cells if c.split.purpose == p]) for p in purposes]
    bootstrap = draw(predictions.unit, predictions.covered, seed=seed)
    chosen = winner(predictions)
    naive = float(predictions.score(chosen)[0])
    told = expected(predictions, bootstrap, refit_step(predictions, thinned, bootstrap))
    plain = expected(predictions, bootstrap)
    by_name = {c.name: c for c in candidates}
    served = [by_name[name].fresh(seed).fit(dataset.X, dataset.y) for name in chosen.members or [chosen.name]]
    truth = np.mean([scores(model, frame.iloc[rest], len(classes)) for model in served], axis=0)
    return {
        "truth": float((truth.argmax(axis=1) == y[rest]).mean()),
        "m": len(rest),
        "told": [told.value, told.low, told.high],
        "plain": [plain.value, *_percentile(predictions, bootstrap)],
        "naive": [naive, *wilson(naive, n)],
    }


def _percentile(predictions: Predictions, bootstrap: object) -> tuple[float, float]:
    """Plain BBC-CV's own interval: the percentiles of the out-of-bag scores of the in-bag winners."""
    rows = predictions.sound
    inside = np.array([predictions.score(r, bootstrap.weights) for r in rows])  # type: ignore[attr-defined]
    outside = np.array([predictions.score(r, bootstrap.left_out) for r in rows])  # type: ignore[attr-defined]
    picked = outside[inside.argmax(axis=0), np.arange(inside.shape[1])]
    low, high = np.nanquantile(picked, [0.025, 0.975])
    return float(low), float(high)


def covers(interval: list[float], truth: float, m: int) -> bool:
    """Whether the truth lies inside, once the sampling error of the measured truth is added."""
    value, low, high = interval
    extra = truth * (1 - truth) / m
    z = 1.96
    below = np.hypot((value - low) / z, np.sqrt(extra)) * z
    above = np.hypot((high - value) / z, np.sqrt(extra)) * z
    return bool(value - below <= truth <= value + above)


def judged(draws: list[dict], way: str, n: int) -> tuple[float, float, float, float]:
    """Mean of told - true with its standard error, coverage, and width against Wilson of n fresh examples."""
    gaps = np.array([d[way][0] - d["truth"] for d in draws])
    inside = np.mean([covers(d[way], d["truth"], d["m"]) for d in draws])
    fresh = [np.diff(wilson(d["truth"], n))[0] for d in draws]
    width = np.mean([d[way][2] - d[way][1] for d in draws]) / np.mean(fresh)
    return float(gaps.mean()), float(gaps.std() / np.sqrt(len(gaps))), float(inside), float(width)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=200)
    parser.add_argument("--small", action="store_true", help="20 draws of two pools at n=50: seconds")
    parser.add_argument("--store", type=Path)
    parser.add_argument("--embeddings", type=Path, help="a folder with fashion_mnist and elpv_solar_defect")
    arguments = parser.parse_args()
    stored = _read(arguments.store)
    data, sizes, n_draws = pools(arguments.embeddings), SIZES, arguments.draws
    if arguments.small:
        data, sizes, n_draws = {k: data[k] for k in ("breast_cancer", "noise")}, (50,), 20
    for seed in range(n_draws):  # draw by draw, so that a stopped script has every cell equally far
        for name, (X, y, most) in data.items():
            for n in (s for s in sizes if s <= most):
                if (name, n, seed) not in stored:
                    with threadpool_limits(1), warnings.catch_warnings():
                        warnings.simplefilter("ignore")
                        stored[name, n, seed] = one_draw(X, y, n, seed)
                    _append(arguments.store, (name, n, seed), stored[name, n, seed])
    return _table(stored, data, sizes, n_draws)


def _table(stored: dict, data: dict, sizes: tuple[int, ...], n_draws: int) -> int:
    print(heading(__file__))
    print("Told and true accuracy of the chosen model; bias in points, coverage of 95 % intervals, width")
    print("relative to Wilson's interval of n fresh examples.\n")
    print(
        "| pool | n | draws | true | bias | covers | width | naive: bias, covers | plain BBC: bias, covers |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    good, everything = True, []
    for name, (_, _, most) in data.items():
        for n in (s for s in sizes if s <= most):
            draws = [d for (a, b, s), d in stored.items() if (a, b) == (name, n) and s < n_draws]
            everything += draws
            bias, error, inside, width = judged(draws, "told", n)
            others = [judged(draws, way, n) for way in ("naive", "plain")]
            beside = " | ".join(f"{100 * other[0]:+.1f}, {other[2]:.0%}" for other in others)
            limit = 0.015 if n == 50 else 0.01
            kept = abs(bias) <= limit + 2 * error and 0.89 <= inside <= 0.995 and width <= 1.25
            good &= kept
            true = np.mean([d["truth"] for d in draws])
            print(
                f"| {name} | {n} | {len(draws)} | {true:.3f} | {100 * bias:+.1f} | {inside:.1%} "
                f"| {width:.2f} | {beside} "
                f"| {'' if kept else '**outside**'} |"
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
