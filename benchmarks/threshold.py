"""How far to move a decision for the metric: rules for few examples, on data that nothing else is told of.

    python benchmarks/threshold.py ../shared/data [--seeds 3]

Six pools with a rare class (digits twice, breast cancer, keel_contraceptive, keel_vehicle, two overlapping
clouds); 100 examples with 10 % in it, 200 with 5 %, 300 with 15 %; the rest is the truth, weighted to the
same share. For each head one set of out-of-fold predictions inside the training part (three folds, as
`WithThreshold` makes them), from which each rule takes its strength: none, the full correction, the one that
scores best there, and the one nearest to none, half or full that is within so many standard errors of it.
Beside them class weights. Told are the means of the gains over no correction, in points (costs in hundredths,
10:1). `strategies/balance.TOWARDS` was read off this table.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.preprocessing import StandardScaler

from handful.scoring import Metric, get_metric
from handful.strategies import balance
from handful.strategies.balance import WithThreshold
from handful.strategies.candidate import scores
from handful.strategies.heads import LogisticHead, SVMHead, inner_folds
from machine import heading

DRAWN = ((100, 0.10), (200, 0.05), (300, 0.15))
HEADS = {
    "logistic": LogisticHead(Cs=(0.003, 0.03, 0.3, 3.0, 30.0)),
    "svm": SVMHead(),
    "extra trees": ExtraTreesClassifier(100, random_state=0),
}
METRICS = ("balanced_accuracy", "f1", "cost: 1>0=10")
# (towards which strength, within how many standard errors); a number alone is that strength, always.
RULES: dict[str, float | tuple[float, float]] = {
    "none": 0.0,
    "half": 0.5,
    "full": 1.0,
    "best inside": (1.0, 0.0),
    "towards none, 1 error": (0.0, 1.0),
    "towards half, 1 error": (0.5, 1.0),
    "towards full, 1 error": (1.0, 1.0),
    "towards full, 2 errors": (1.0, 2.0),
}


def pools(folder: Path) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Name, X `(n, d)` and y `(n,)`, 1 for what is to be rare."""
    digits, breast = load_digits(), load_breast_cancer()
    yield "digits: 8", digits.data, (digits.target == 8).astype(int)
    some = np.isin(digits.target, [3, 5, 9])
    yield "digits: 9 of 3, 5, 9", digits.data[some], (digits.target[some] == 9).astype(int)
    yield "breast cancer", breast.data, (breast.target == 0).astype(int)
    for name, rare in (("keel_contraceptive", "2"), ("keel_vehicle", "saab")):
        table = pd.read_csv(folder / "tabular" / name / "data.csv")
        y = (table["target"].astype(str).str.strip() == rare).to_numpy().astype(int)
        yield name, table.drop(columns="target").to_numpy(float), y
    random = np.random.default_rng(99)
    y = random.integers(0, 2, 6000)
    yield "clouds", random.normal(size=(6000, 8)) + 0.4 * y[:, None], y


def drawn(y: np.ndarray, n: int, share: float, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """Positions to learn from and to test on, and the weights of the latter; None where there are too few."""
    random = np.random.default_rng([seed, n])
    few = round(n * share)
    many, rare = (random.permutation(np.flatnonzero(y == k)) for k in (0, 1))
    if len(many) < n + 40 or len(rare) < few + 20:
        return None
    test = np.r_[many[n - few :], rare[few:]]
    counts = len(many) - n + few, len(rare) - few
    weights = np.where(y[test] == 1, share / counts[1], (1 - share) / counts[0])
    return np.r_[many[: n - few], rare[:few]], test, weights


def gains(X: np.ndarray, y: np.ndarray, part: tuple[np.ndarray, np.ndarray, np.ndarray]) -> list[dict]:
    """A line for each head, metric and rule."""
    train, test, weights = part
    scaler = StandardScaler().fit(X[train])
    A, B, ya = scaler.transform(X[train]), scaler.transform(X[test]), y[train]
    found = []
    for name, head in HEADS.items():
        new = scores(clone(head).fit(A, ya), B, 2)
        inside = np.zeros((len(ya), 2))
        for a, b in inner_folds(ya, None, 3, 0, classes=True):
            inside[b] = scores(clone(head).fit(A[a], ya[a]), A[b], 2)
        for key in METRICS:
            metric = get_metric(key, "classification", ya, np.array(["0", "1"]))
            costs = np.array(metric.costs or (len(ya) / np.bincount(ya))[:, None] * (1 - np.eye(2)))
            weighed = clone(head).set_params(class_weight={0: costs[0, 1], 1: costs[1, 0]}).fit(A, ya)
            plain = better(metric, y[test], new, weights)
            values = {"class weights": better(metric, y[test], scores(weighed, B, 2), weights)}
            model = WithThreshold(head, metric.name, metric.costs)
            model.full_ = costs
            for rule, about in RULES.items():
                strength = about if isinstance(about, float) else chosen(model, inside, ya, about)
                values[rule] = better(metric, y[test], model._moved(new, strength), weights)
            found += [
                {"head": name, "metric": metric.label, "rule": rule, "gain": 100 * (value - plain)}
                for rule, value in values.items()
            ]
    return found


def better(metric: Metric, y: np.ndarray, p: np.ndarray, weights: np.ndarray) -> float:
    return float(np.ravel(metric.gain(metric(y, p, weights[None])))[0])


def chosen(model: WithThreshold, inside: np.ndarray, y: np.ndarray, rule: tuple[float, float]) -> float:
    """The strength that `WithThreshold` would choose under another rule."""
    usual = balance.TOWARDS[model.metric]
    balance.TOWARDS[model.metric] = rule
    try:
        return model._choose(inside, y, None)
    finally:
        balance.TOWARDS[model.metric] = usual


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    lines, draws = [], 0
    for _, X, y in pools(args.data):
        for n, share in DRAWN:
            for seed in range(args.seeds):
                part = drawn(y, n, share, seed)
                if part is not None:
                    draws += 1
                    lines += gains(X, y, part)
    table = pd.DataFrame(lines).pivot_table(index="rule", columns=["metric", "head"], values="gain")
    print(heading(__file__))
    print(f"{draws} draws.\n")
    names = [f"{metric}, {head}" for metric, head in table.columns]
    print("| rule | " + " | ".join(names) + " |\n" + "|---" * (len(names) + 1) + "|")
    for rule in ["class weights", *RULES]:
        print(f"| {rule} | " + " | ".join(f"{v:+.1f}" for v in table.loc[rule]) + " |")


if __name__ == "__main__":
    main()
