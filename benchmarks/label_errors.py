"""Are planted label errors found, and are classes named that cannot be told apart?

    python benchmarks/label_errors.py [--draws 20] [--small] [--store FILE.jsonl] [--embeddings FOLDER]

A share of the labels is changed to another class; seven cheap candidates and their average are compared by
the shipped code on `quick` splits, and the flagged labels are counted against the changed ones. R-precision
is the share of changed labels among the first R of the ranking, R being their number. Beside it confident
learning (Northcutt et al. 2021; pruned where both of its counts say so) on the average's own probabilities.
"alike" are changes to the class whose mean is nearest, as people confuse them. Then one class is split at
random into two labels at n=200: the two should be named as classes that cannot be told apart, and no others
that the same models tell apart well when they have up to 2,000 examples. Draws are stored as they are made.
"""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from pathlib import Path

import numpy as np
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.linear_model import Ridge
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from threadpoolctl import threadpool_limits

from coverage import own_candidates
from handful.evidence.ensemble import add_average, select
from handful.evidence.label_quality import blind, judges_of, suspicion
from handful.evidence.mergeable import mergeable
from handful.evidence.predictions import Predictions
from handful.protocol.run import Cell
from handful.protocol.splits import compare_splits
from handful.settings import Settings
from handful.strategies import propose
from machine import heading
from pools import embedded, framed, gathered, some, tabular

SHARE = 0.05
CHANGED = ("breast_cancer", "digits", "fashion_mnist")  # whose labels are changed
KINDS = (("clean", 0.0), ("any", SHARE), ("alike", SHARE))
APART = 0.9  # pairs told apart so well with up to 2,000 examples should not be named at n=200
Pool = tuple[np.ndarray, np.ndarray]


def pools(embeddings: Path | None) -> dict[str, tuple[Pool, int]]:
    """Name -> (X, y), and how many examples a draw has."""
    random = np.random.default_rng(0)
    y = np.repeat(np.arange(3), 1400)
    found: dict[str, tuple[Pool, int]] = {
        "breast_cancer": (load_breast_cancer(return_X_y=True), 569),
        "digits": (load_digits(return_X_y=True), 600),
        "known truth": ((random.normal(size=(4200, 20)) + np.eye(3, 20)[y] * 1.6, y), 500),
    }
    names = ("fashion_mnist", "tuxpaint_stamps", "elpv_solar_defect")
    for name, (X, labels) in embedded(embeddings, names).items():
        found[name] = ((X, labels), min(500, len(labels)))
    return found


def compared(X: np.ndarray, y: np.ndarray, seed: int, own: list | None = None) -> Predictions:
    """Seven cheap candidates, or `own`, and their average on the splits of `quick`, by the shipped code."""
    classes = np.unique(y) if y.dtype.kind == "i" else None
    dataset = tabular(framed(X), y, classes)
    settings = Settings(families=("yours",), seed=seed)
    svm = ("svm", make_pipeline(StandardScaler(), SVC(C=3)))
    candidates = propose(dataset, settings, own or [*own_candidates(), svm])
    cells = [Cell(c, s) for s in compare_splits(dataset, settings) for c in candidates]
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return add_average(gathered(dataset, cells, "r2" if classes is None else "accuracy"))


def changed(X: np.ndarray, y: np.ndarray, share: float, kind: str, random: np.random.Generator) -> np.ndarray:
    """The labels with a share of them changed: to any other class, or to the class whose mean is nearest."""
    K, given = int(y.max()) + 1, y.copy()
    rows = random.choice(len(y), round(share * len(y)), replace=False)
    if kind == "any":
        given[rows] = (y[rows] + random.integers(1, K, len(rows))) % K
        return given
    Z = (X - X.mean(axis=0)) / np.maximum(X.std(axis=0), 1e-9)
    means = np.array([Z[y == k].mean(axis=0) for k in range(K)])
    distance = ((means[:, None] - means) ** 2).sum(axis=2)
    np.fill_diagonal(distance, np.inf)
    given[rows] = distance.argmin(axis=1)[y[rows]]
    return given


def label_draw(pool: Pool, n: int, share: float, kind: str, seed: int) -> dict:
    """How many changed labels are flagged, by the shipped code and by confident learning."""
    random = np.random.default_rng([seed, 1])
    rows = some(pool[1], n, random)[0] if n < len(pool[1]) else np.arange(len(pool[1]))
    X, y = pool[0][rows], pool[1][rows].astype(np.int64)
    given = changed(X, y, share, kind, random)
    wrong = given != y
    predictions = compared(X, given, seed)
    row = select(predictions)
    found = suspicion(predictions, row)
    assert not isinstance(found, str), found
    scores = [r.oof[0] for r in judges_of(predictions, row) if r.oof is not None]
    ranked = np.argsort(-np.mean([blind(s, given)[1] for s in scores], axis=0), kind="stable")
    right = found.suggested == y[found.flagged]
    return {
        "accuracy": float(predictions.score(row)[0]),
        **_counts(np.isin(np.arange(len(y)), found.flagged), wrong),
        "r_precision": float(wrong[ranked[: wrong.sum()]].mean()) if share else None,
        "suggested": float(right[wrong[found.flagged]].mean()) if wrong[found.flagged].any() else None,
        "confident": _counts(confident_learning(row.oof[0], given), wrong),
    }


def _counts(flagged: np.ndarray, wrong: np.ndarray) -> dict:
    return {
        "flagged": float(flagged.mean()),
        "precision": float(wrong[flagged].mean()) if flagged.any() else None,
        "recall": float(flagged[wrong].mean()) if wrong.any() else None,
    }


def confident_learning(p: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Northcutt et al. 2021: pruned by class and by noise rate, where both agree; a mask `(n,)`."""
    n, K = p.shape
    limits = np.array([p[y == k, k].mean() for k in range(K)])
    sure = np.where(p >= limits, p, -1)
    joint = np.zeros((K, K))
    np.add.at(joint, (y[sure.max(axis=1) > 0], sure.argmax(axis=1)[sure.max(axis=1) > 0]), 1)
    joint = joint / np.maximum(joint.sum(axis=1, keepdims=True), 1) * np.bincount(y, minlength=K)[:, None]
    by_class, by_rate = np.zeros(n, dtype=bool), np.zeros(n, dtype=bool)
    for a in range(K):
        mine = np.flatnonzero(y == a)
        by_class[mine[np.argsort(p[mine, a])[: round(joint[a].sum() - joint[a, a])]]] = True
        for b in (b for b in range(K) if b != a):
            by_rate[mine[np.argsort(p[mine, a] - p[mine, b])[: round(joint[a, b])]]] = True
    return by_class & by_rate


def split_draw(pool: Pool, n: int, seed: int, good: set[tuple[int, int]]) -> dict:
    """Whether a class split at random is named, and whether pairs of `good` are."""
    random = np.random.default_rng([seed, 2])
    rows = some(pool[1], n, random)[0]
    X, y = pool[0][rows], pool[1][rows].astype(np.int64)
    K = int(y.max()) + 1
    large = np.flatnonzero(np.bincount(y) >= 12)
    k = int(random.choice(large))
    mine = random.permutation(np.flatnonzero(y == k))
    y[mine[: len(mine) // 2]] = K
    predictions = compared(X, y, seed)
    row = select(predictions)
    named = mergeable(predictions, row)
    pairs = {(a, b) for m in named for a in m.classes for b in m.classes if a < b}
    original = {tuple(sorted({k if c == K else c for c in pair})) for pair in pairs - {(k, K)}}
    mine_named = next((m for m in named if {k, K} <= set(m.classes)), None)
    return {
        "found": mine_named is not None,
        "wrongly": len(original & good),
        "others": len(original - good),
        "gain": None if mine_named is None else mine_named.merged - float(predictions.score(row)[0]),
    }


def well_told(pool: Pool) -> set[tuple[int, int]]:
    """Pairs of classes that the candidates tell apart well when they have up to 2,000 examples."""
    from itertools import combinations

    from handful.evidence.mergeable import _shares, told_apart

    rows = (
        some(pool[1], 2000, np.random.default_rng(3))[0] if len(pool[1]) > 2000 else np.arange(len(pool[1]))
    )
    predictions = compared(pool[0][rows], pool[1][rows].astype(np.int64), 0)
    scores, y, unit = predictions.row("average").oof[0], predictions.y, predictions.unit
    return {
        (a, b)
        for a, b in combinations(range(scores.shape[1]), 2)
        if told_apart(*(_shares(scores, y, unit, k, (a, b)) for k in (a, b)))[0] >= APART
    }


def value_draw(kind: str, seed: int) -> dict:
    """Values of diabetes that were multiplied by ten, or swapped with others; how many are flagged."""
    X, y = load_diabetes(return_X_y=True)
    random = np.random.default_rng([seed, 3])
    rows = random.choice(len(y), round(SHARE * len(y)), replace=False)
    given = y.copy()
    if kind == "ten times":
        given[rows] *= 10
    if kind == "of another row":
        given[rows] = random.permutation(y)[: len(rows)]
    own = [
        ("ridge", make_pipeline(StandardScaler(), Ridge(10.0))),
        ("trees", ExtraTreesRegressor(20, random_state=0)),
        ("knn", make_pipeline(StandardScaler(), KNeighborsRegressor(10))),
    ]
    predictions = compared(X, given, seed, own)
    found = suspicion(predictions, select(predictions))
    assert not isinstance(found, str), found
    return _counts(np.isin(np.arange(len(y)), found.flagged), given != y)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--small", action="store_true", help="3 draws of breast_cancer: seconds")
    parser.add_argument("--store", type=Path)
    parser.add_argument("--embeddings", type=Path, help="a folder with fashion_mnist and others")
    arguments = parser.parse_args()
    stored, data, n_draws = _read(arguments.store), pools(arguments.embeddings), arguments.draws
    if arguments.small:
        data, n_draws = {"breast_cancer": data["breast_cancer"]}, 3
    good = {}
    for name, (pool, _) in data.items():
        key = (name, "good", "", 0)
        if key not in stored:
            _keep(arguments.store, stored, key, {"pairs": sorted(map(list, well_told(pool)))})
        good[name] = {(int(a), int(b)) for a, b in stored[key]["pairs"]}
    for seed in range(n_draws):  # draw by draw, so that a stopped script has every cell equally far
        for name, (pool, n) in data.items():
            for kind, share in KINDS if name in CHANGED else ():
                key = (name, kind, str(share), seed)
                if key not in stored:
                    found = label_draw(pool, n, share, "any" if kind == "clean" else kind, seed)
                    _keep(arguments.store, stored, key, found)
            key = (name, "split", "", seed)
            if key not in stored:
                _keep(arguments.store, stored, key, split_draw(pool, 200, seed, good[name]))
        for kind in ("ten times", "of another row", "unchanged"):
            if ("diabetes", kind, "", seed) not in stored:
                _keep(arguments.store, stored, ("diabetes", kind, "", seed), value_draw(kind, seed))
    return _tables(stored, data, n_draws)


def _mean(draws: list[dict], *path: str) -> float:
    values = []
    for draw in draws:
        value: object = draw
        for part in path:
            value = value[part]  # type: ignore[index]
        values.append(np.nan if value is None else value)
    return float(np.nanmean(values)) if not np.all(np.isnan(values)) else np.nan


def _of(stored: dict, name: str, kind: str, share: str, n_draws: int) -> list[dict]:
    return [d for (a, b, c, s), d in stored.items() if (a, b, c) == (name, kind, share) and s < n_draws]


def _tables(stored: dict, data: dict, n_draws: int) -> int:
    print(heading(__file__))
    print(
        f"Means of {n_draws} draws. Precision: of the flagged, how many were changed; recall: of the changed,"
    )
    print("how many are flagged; in brackets confident learning on the same predictions.\n")
    print("| data | n | changed | accuracy | flagged | precision | recall | R-precision | right class |")
    print("|---|---|---|---|---|---|---|---|---|")
    promises = []
    for name, (_, n) in data.items():
        for kind, share in KINDS if name in CHANGED else ():
            draws = _of(stored, name, kind, str(share), n_draws)
            cells = [f"{_mean(draws, 'accuracy'):.3f}"]
            for what in ("flagged", "precision", "recall"):
                ours, theirs = _mean(draws, what), _mean(draws, "confident", what)
                cells.append("" if np.isnan(ours) else f"{ours:.1%} ({theirs:.1%})")
            cells += [
                "" if np.isnan(_mean(draws, w)) else f"{_mean(draws, w):.2f}"
                for w in ("r_precision", "suggested")
            ]
            what = "none" if kind == "clean" else f"{share:.0%}, {kind}"
            print(f"| {name} | {n} | {what} | {' | '.join(cells)} |")
        draws = _of(stored, name, "any", str(SHARE), n_draws)
        if name in ("breast_cancer", "digits"):
            promises += [(f"{name}: precision", 0.5, _mean(draws, "precision"))]
            promises += [(f"{name}: recall", 0.6, _mean(draws, "recall"))]
        if name == "fashion_mnist":
            promises += [(f"{name}: recall", 0.6, _mean(draws, "recall"))]
            promises += [(f"{name}: R-precision", 0.45, _mean(draws, "r_precision"))]
    print("\nOne class split at random into two labels, n=200:\n")
    print("| data | the two named | no well-told pair named | others named | score if merged, points |")
    print("|---|---|---|---|---|")
    for name in data:
        draws = _of(stored, name, "split", "", n_draws)
        clear = float(np.mean([d["wrongly"] == 0 for d in draws]))
        print(
            f"| {name} | {_mean(draws, 'found'):.0%} | {clear:.0%} | {_mean(draws, 'others'):.2f} a draw "
            f"| {100 * _mean(draws, 'gain'):+.1f} |"
        )
        promises += [(f"{name}: split class named", 0.95, _mean(draws, "found"))]
        promises += [(f"{name}: no well-told pair named", 0.95, clear)]
    print("\nRegression, diabetes (n=442), 5 % of the values changed:\n")
    print("| changed | flagged | precision | recall |")
    print("|---|---|---|---|")
    for kind in ("unchanged", "ten times", "of another row"):
        draws = _of(stored, "diabetes", kind, "", n_draws)
        shown = [_mean(draws, what) for what in ("flagged", "precision", "recall")]
        print(f"| {kind} | {' | '.join('' if np.isnan(v) else f'{v:.1%}' for v in shown)} |")
    print("\n| promise | at least | measured | |\n|---|---|---|---|")
    for what, least, value in promises:
        print(f"| {what} | {least:.2f} | {value:.2f} | {'kept' if value >= least else '**broken**'} |")
    return 0 if all(value >= least for _, least, value in promises) else 1


def _read(path: Path | None) -> dict:
    if path is None or not path.exists():
        return {}
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    return {tuple(line["key"]): line["draw"] for line in lines}


def _keep(path: Path | None, stored: dict, key: tuple, found: dict) -> None:
    stored[key] = found
    if path is not None:
        with path.open("a") as file:
            file.write(json.dumps({"key": key, "draw": found}) + "\n")


if __name__ == "__main__":
    sys.exit(main())
