"""Are equal candidates left together, unequal ones told apart, and what would one lucky split have said?

    python benchmarks/told_apart.py [--draws 24] [--small] [--kept FOLDER]
                                    [--parts ties,power,leads,costs,luck]

*Ties.* Examples with two sets of eight columns that are alike by construction: a learner on the first set
and the same learner on the second have the same true accuracy, and are to be told apart in 5 of 100 draws at
most. With one set weaker, how often they are told apart shows the power at the true difference, measured on
other examples of the pool.
*Lead.* The twelve candidates of `nothing_to_learn.py` divided at random into two kinds: how often the
interval for the lead of the best of one kind over the best of the other, refitted, holds the true one.
*Costs.* Nine candidates that are right in 90 % of cases, on half of the samples all alike: how often the best
of three seems to cost less than the best of the other six, beyond doubt, where a mistake of the rare class is
dear. Nothing is fitted: their answers are drawn.
*Luck meter.* Digits, n=100: the told range beside 200 random stratified 80/20 splits on which the same model
was really fitted. Factors in the code were chosen on other seeds and, for ties, other strengths of the
columns; for leads on other pools.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.model_selection import StratifiedShuffleSplit

from draws import Drawn, drawn, halves, pairs, remembered, twelve
from handful.evidence.bootstrap import draw
from handful.evidence.choice import chosen_difference
from handful.evidence.comparison import difference, tie_group
from handful.evidence.luck import luck
from handful.evidence.predictions import Predictions, Row
from handful.protocol.splits import Split
from handful.scoring import cost_metric
from machine import heading
from nothing_to_learn import FIRST, truth

LEARNERS = ("logistic", "5 neighbours", "tree", "trees", "svm")
SIZES = (50, 100, 200)
STRENGTH = {2: 1.3, 4: 1.8}
WEAKER = (0.8, 0.6, 0.3)  # strengths of the second set, as shares of the first


def apart(draw: Drawn, learner: str) -> bool:
    """Whether the learner's two candidates are told apart."""
    both = [draw.predictions.row(f"{learner}, {half}") for half in ("first", "last")]
    return len(tie_group(draw.predictions, both)) < 2


def ties(kept: Path | None, draws: int, sizes: tuple[int, ...]) -> bool:
    """The share of equal pairs that are told apart."""
    print("| classes | n | pairs of equals | told apart |")
    print("|---|---|---|---|")
    everything: list[bool] = []
    for K, strength in STRENGTH.items():
        for n in sizes:
            found = []
            for seed in range(draws):
                X, y = halves(K, strength, strength, seed, n)
                one = drawn(X, y, n, seed, pairs(), _file(kept, f"equal {K}-{n}-{seed}"))
                found += [apart(one, learner) for learner in LEARNERS]
            everything += found
            print(f"| {K} | {n} | {len(found)} | {np.mean(found):.1%} |")
    print(f"\nTold apart without reason: {np.mean(everything):.1%} of {len(everything)} (5 % is promised).\n")
    return bool(np.mean(everything) <= 0.05)


def power(kept: Path | None, draws: int, n: int = 100) -> bool:
    print("| classes | n | true difference | told apart | examples said to be needed (median) |")
    print("|---|---|---|---|---|")
    for K, strength in STRENGTH.items():
        for share in WEAKER:
            X, y = halves(K, strength, share * strength, seed=7)
            lines: dict[str, list[tuple[float, bool, float]]] = {name: [] for name in LEARNERS}
            for seed in range(draws):
                one = drawn(X, y, n, seed, pairs(), _file(kept, f"unequal {K}-{share}-{n}-{seed}"))
                for learner in LEARNERS:
                    first, last = (one.predictions.row(f"{learner}, {half}") for half in ("first", "last"))
                    true = one.accuracy(first.name) - one.accuracy(last.name)
                    needed = difference(one.predictions, first, last).examples_to_tell()
                    told = len(tie_group(one.predictions, [first, last])) < 2
                    lines[learner].append((true, told, np.inf if needed is None else needed))
            every = [line for found in lines.values() for line in found]
            true, told, needed = (np.array(column) for column in zip(*every, strict=True))
            gap = f"{100 * true.mean():.1f} points"
            print(f"| {K} | {n} | {gap} | {told.mean():.0%} | {np.median(needed):,.0f} |")
    print()
    return True


def leads(kept: Path | None, draws: int, n: int = 100) -> bool:
    """Coverage of the interval of the lead of the best of one kind over the best of another."""
    print("| pool | n | draws | naive bias | bias | covers | half-width |")
    print("|---|---|---|---|---|---|---|")
    everything: list[bool] = []
    for name, pool in truth().items():
        rows = []
        for seed in range(FIRST, FIRST + draws):
            one = drawn(*pool, n, seed, twelve(), _file(kept, f"truth {name}-{n}-{seed}"))
            rows.append(_lead(one, seed))
        naive, bias, inside, width = (np.array(column) for column in zip(*rows, strict=True))
        everything += inside.tolist()
        print(
            f"| {name} | {n} | {len(rows)} | {100 * naive.mean():+.1f} | {100 * bias.mean():+.1f} "
            f"| {inside.mean():.1%} | {100 * width.mean():.1f} points |"
        )
    print(
        f"\nThe true lead lies inside in {np.mean(everything):.1%} of {len(everything)} (95 % is promised).\n"
    )
    return bool(np.mean(everything) >= 0.93)


def _lead(one: Drawn, seed: int) -> tuple[float, float, bool, float]:
    """Naive and corrected lead minus the true one, whether the interval holds it, and its half-width."""
    predictions = one.predictions
    rows = [r for r in predictions.sound if r.family != "baseline"]
    order = np.random.default_rng([seed, 1]).permutation(len(rows))
    kinds = [rows[i] for i in order[: 1 + seed % 6]], [rows[i] for i in order[1 + seed % 6 :]]
    best = [max(kind, key=lambda r: float(predictions.score(r)[0])) for kind in kinds]
    at = [[r.name for r in predictions.rows].index(row.name) for row in best]
    right = (one.beyond[at] == one.truth).astype(float)
    true, error = (
        float((right[0] - right[1]).mean()),
        float((right[0] - right[1]).std() / np.sqrt(right.shape[1])),
    )
    seen = chosen_difference(predictions, *kinds, draw(predictions.unit, predictions.covered, seed=seed))
    naive = float(predictions.score(best[0])[0] - predictions.score(best[1])[0])
    inside = abs(seen.value - true) <= 1.96 * np.hypot(seen.error, error)
    return naive - true, seen.value - true, bool(inside), 1.96 * seen.error


def costly(draws: int) -> bool:
    """The share of draws in which one of two kinds of equal candidates leads under costs without reason."""
    print("| n | rare | a mistake of it costs | draws | first kind leads | second kind leads |")
    print("|---|---|---|---|---|---|")
    found = {}
    for n, rare, cost in ((90, 15, 1), (90, 15, 10), (90, 15, 50), (60, 6, 50), (200, 33, 10)):
        ends = np.array([_equals_under_costs(n, rare, cost, seed) for seed in range(draws)])
        found[n, cost] = (ends[:, 0] > 0).mean(), (ends[:, 1] < 0).mean()
        print(f"| {n} | {rare} | {cost} | {draws} | {found[n, cost][0]:.1%} | {found[n, cost][1]:.1%} |")
    worst = max(max(shares) for shares in found.values())
    print(f"\nTold apart without reason: at most {worst:.1%} to one side (2.5 % is promised).\n")
    return bool(worst <= 0.025)


def _equals_under_costs(n: int, rare: int, cost: float, seed: int) -> tuple[float, float]:
    """The interval of the lead of the best of three over the best of six that are as good."""
    random = np.random.default_rng(seed)
    y = (np.arange(n) < rare).astype(int)
    hard = random.random(n)
    names = ["baseline", *(f"candidate {k}" for k in range(9))]
    right = [y == 0] + [np.where(random.random(n) < 0.5, hard, random.random(n)) < 0.9 for _ in names[1:]]
    rows = [
        Row(name, name, "baseline" if name == "baseline" else "classic", 0, oof=np.eye(2)[[said]])
        for name, said in zip(names, (np.where(own, y, 1 - y) for own in right), strict=True)
    ]
    split = Split(0, 0, np.arange(0), np.arange(n), 0)
    metric = cost_metric(((0.0, 1.0), (float(cost), 0.0)), ["usual", "rare"])
    predictions = Predictions(y, np.arange(n), metric, [split], rows, [])
    bootstrap = draw(predictions.unit, predictions.covered, 300, seed=seed)
    return chosen_difference(predictions, rows[1:4], rows[4:], bootstrap).interval()


def lucky(kept: Path | None, draws: int, n: int = 100, splits: int = 200) -> bool:
    """The told range of single splits beside really refitted ones."""
    print("| digits, model | draw | told, one repeat | three repeats | 200 refitted | outside told |")
    print("|---|---|---|---|---|---|")
    X, y = load_digits(return_X_y=True)
    outside = []
    for name in ("logistic", "5 neighbours", "trees"):
        model = dict(twelve())[name]
        for seed in range(draws):
            told = []
            for budget in ("quick", "standard"):
                one = drawn(
                    X, y, n, seed, [(name, model)], _file(kept, f"luck {name}-{budget}-{seed}"), budget
                )
                found = luck(one.predictions, one.predictions.rows[1], seed)
                assert found is not None
                told.append(found)
            rows = _rows(y, n, seed)
            real = remembered(
                _file(kept, f"luck {name}-real-{seed}"),
                lambda model=model, rows=rows: {"scores": refitted(model, X[rows], y[rows], splits)},  # type: ignore[misc]
            )["scores"]
            low, high = np.quantile(real, [0.025, 0.975])
            outside.append(float(np.mean((real < told[0].low - 1e-9) | (real > told[0].high + 1e-9))))
            spans = [f"{a:.2f}–{b:.2f}" for a, b in (*((t.low, t.high) for t in told), (low, high))]
            print(f"| {name} | {seed} | {' | '.join(spans)} | {outside[-1]:.1%} |")
    print(f"\nOf really refitted splits, {np.mean(outside):.1%} lay outside the told range (5 % is meant).")
    return bool(np.mean(outside) <= 0.08)


def _rows(y: np.ndarray, n: int, seed: int) -> np.ndarray:
    """The same n examples as `drawn`."""
    random = np.random.default_rng(seed)
    first = np.concatenate([random.permutation(np.flatnonzero(y == k))[:2] for k in np.unique(y)])
    return np.r_[first, random.permutation(np.setdiff1d(np.arange(len(y)), first))[: n - len(first)]]


def refitted(model: object, X: np.ndarray, y: np.ndarray, splits: int) -> np.ndarray:
    """Accuracy on the test part of so many random stratified 80/20 splits, fitted anew each time."""
    several = StratifiedShuffleSplit(splits, test_size=0.2, random_state=0).split(X, y)
    return np.array([clone(model).fit(X[a], y[a]).score(X[b], y[b]) for a, b in several])


def _file(kept: Path | None, name: str) -> Path | None:
    return None if kept is None else kept / f"{name}.npz"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=24)
    parser.add_argument("--small", action="store_true", help="6 draws: half a minute")
    parser.add_argument("--kept", type=Path, help="a folder for the predictions")
    parser.add_argument("--parts", default="ties,power,leads,costs,luck")
    arguments = parser.parse_args()
    draws, sizes = (6, (50,)) if arguments.small else (arguments.draws, SIZES)
    print(heading(__file__))
    parts = {
        "ties": lambda: ties(arguments.kept, draws, sizes),
        "power": lambda: power(arguments.kept, max(2, draws // 2)),
        "leads": lambda: leads(arguments.kept, draws),
        "costs": lambda: costly(20 if arguments.small else 300),
        "luck": lambda: lucky(arguments.kept, 1 if arguments.small else 4),
    }
    good = [parts[part]() for part in arguments.parts.split(",")]
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
