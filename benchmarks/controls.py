"""Do planted shortcuts raise the alarm, and does nothing else?

    python benchmarks/controls.py [--trials 200] [--nulls 250] [--small] [--store controls.jsonl]
                                  [--images FOLDER] [--first-seed 0] [--only bytes null ...]

Planted: pictures of clothes that ship with handful (two classes, n=60; four, n=120) get a made-up file each.
In it the file size (1.5 times larger from class to class, noise 10 %), or picture size and a word in the
name, go with the class in 90 % of the files (in the others they are those of a random class); or one white
pixel at the border whose place goes with the class, or a tint of 30 of 256 levels. Tables of noise with a
signal get rows sorted by class (a tenth of them misplaced) or, for a measured target, a trend (correlation
0.9), or gaps that go with the class. A plant counts as found only where its alarm would also stand under the
strictest step of Holm's procedure over ten controls, p <= 0.001; to save time controls that have nothing to
do with it are left out.

Null: noise, labels shuffled against everything (in grouped variants whole groups are, with what lies beside
the content equal in a group): a report with any alarm is a false one. All controls run, and the one with
shuffled labels. Untouched (--images): real pictures, HOG + logistic regression as the chosen model.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import warnings
from collections import Counter
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from handful.data.dataset import Dataset, Images
from handful.data.load import load
from handful.evidence.controls import ALPHA, controls, holm
from handful.example import clothes
from handful.protocol.plan import permuted_cells, shortcut_cells
from handful.protocol.run import Cell
from handful.protocol.splits import compare_splits
from handful.scoring import default_metric
from handful.settings import Settings
from handful.strategies import baseline
from handful.strategies.candidate import Candidate
from handful.strategies.chain import Chain
from handful.strategies.heads import LogisticHead, RidgeHead, ShrunkLDAHead
from handful.strategies.pixels import Descriptor, Pixels
from handful.strategies.tables import TableEncoder
from machine import heading
from pools import gathered

PLANTS = {
    ("image", "bytes"): ("file size",),
    ("image", "beside"): ("image size", "file name"),
    ("image", "border"): ("border pixels",),
    ("image", "tint"): ("mean colour",),
    ("table", "sorted"): ("row order",),
    ("table", "trend"): ("row order",),
    ("table", "gaps"): ("missingness",),
}
SEEN = {"bytes": "meta", "beside": "meta", "border": "X", "tint": "X"}  # the other controls are left out
MOST_CONTROLS = 10
SIZES = (60, 120)
NULLS = ("two", "three, uneven", "log_loss", "roc_auc", "measured", "grouped")
TINTS = np.array([[30, 0, 0], [0, 30, 0], [0, 0, 30], [0, 0, 0]])


def report(
    dataset: Dataset,
    seed: int,
    metric: str | None = None,
    real: bool = False,
    shuffled: bool = True,
    view: str | None = None,
) -> list[dict]:
    """The controls' part of a report, with one quick candidate in the place of the chosen model."""
    settings = Settings(seed=seed)
    name = metric or default_metric(dataset.task, dataset.y, dataset.classes)
    splits = compare_splits(dataset, settings)
    candidates = [*baseline.candidates(dataset, settings), model(dataset, real)]

    seen = [c for c in shortcut_cells(dataset, splits) if view in (None, c.candidate.view)]
    return controls(
        gathered(dataset, [Cell(c, s) for s in splits for c in candidates], name),
        gathered(dataset, seen, name),
        gathered(dataset, permuted_cells(dataset, candidates[1:], splits), name) if shuffled else None,
        seed,
    )


def model(dataset: Dataset, real: bool) -> Candidate:
    """HOG for real data, milliseconds a fit otherwise."""
    head = RidgeHead() if dataset.classes is None else LogisticHead() if real else ShrunkLDAHead()
    if dataset.modality == "table":
        features = [TableEncoder(scale=True)]
    else:
        features = [Descriptor() if real else Pixels(16), StandardScaler()]
    return Candidate("model", "model", "classic", Chain(features, head))


# --- data


def beside(random: np.random.Generator, n: int) -> pd.DataFrame:
    """What could be known of n files, at random."""
    jpeg = random.lognormal(6.5, 0.3, n)
    packed = jpeg * random.lognormal(0.5, 0.1, n)
    sites = random.choice(["north", "south", "east", "IMG", "DSC"], n)
    return pd.DataFrame(
        {
            "bytes": (packed * random.lognormal(0, 0.1, n)).astype(int),
            "format": random.choice(["PNG", "JPEG"], n, p=[0.3, 0.7]),
            "mode": random.choice(["RGB", "L"], n, p=[0.9, 0.1]),
            "width": random.choice([320, 480, 640], n) + random.integers(0, 3, n),
            "height": random.choice([240, 480], n),
            "name": [f"{s}_{i:05d}.jpg" for s, i in zip(sites, random.integers(0, 99999, n), strict=True)],
            "order": np.arange(n),
            "exif": random.choice([0, 3, 8], n),
            "camera": random.choice(np.array(["Canon", "Nikon", None], dtype=object), n),
            "packed": packed.astype(int),
            "jpeg": jpeg.astype(int),
        }
    )


def as_planted(y: np.ndarray, K: int, random: np.random.Generator, agreement: float) -> np.ndarray:
    """For each sample the class whose trace it bears."""
    return np.where(random.random(len(y)) < agreement, y, random.integers(0, K, len(y)))


def planted_pictures(what: str, n: int, seed: int) -> Dataset:
    """n pictures of clothes with a shortcut."""
    random = np.random.default_rng([seed, n])
    every = _clothes()
    assert every.classes is not None
    kinds = random.permutation(len(every.classes))[: n // 30]
    rows = random.permutation(np.flatnonzero(np.isin(every.y, kinds)))
    y = np.searchsorted(np.sort(kinds), every.y[rows])
    K, pixels = len(kinds), np.array(np.asarray(every.X[rows]))
    meta = beside(random, len(rows))
    trace = as_planted(y, K, random, 0.9 if what in ("bytes", "beside") else 1.0)
    if what == "bytes":
        meta["bytes"] = (meta["bytes"] * 1.5**trace).astype(int)
    elif what == "beside":
        meta["width"] = 320 + 40 * trace + random.integers(0, 3, len(y))
        trace = as_planted(y, K, random, 0.9)
        meta["name"] = [f"{'abcd'[k]}site_{random.integers(99999):05d}.jpg" for k in trace]
    elif what == "border":
        pixels[np.arange(len(y)), 0, 4 + 7 * trace] = 255
    else:
        pixels = np.clip(pixels.astype(int) + TINTS[trace][:, None, None], 0, 255).astype(np.uint8)
    return Dataset(
        Images.from_array(pixels), y, meta["name"].to_numpy(), meta, "classification", "image", np.arange(K)
    )


def planted_table(what: str, n: int, seed: int) -> Dataset:
    """n rows with a shortcut, and a signal that the chosen model finds."""
    random = np.random.default_rng([seed, n, 1])
    K = 2 + n // 120
    if what == "trend":
        place = np.linspace(-1, 1, n) * np.sqrt(3)
        y, classes = 0.9 * place + np.sqrt(1 - 0.81) * random.normal(size=n), None
        signal = random.normal(size=(n, 5)) + 0.7 * y[:, None]
    else:
        y = np.sort(np.arange(n) % K)
        classes = np.arange(K)
        if what == "sorted":
            while (np.diff(y) >= 0).all():  # sorted without exception is not asked: a way of filing
                moved = np.flatnonzero(random.random(n) < 0.1)
                y[moved] = y[random.permutation(moved)]
        else:
            y = random.permutation(y)
        signal = random.normal(size=(n, 5)) + np.eye(K, 5)[y] * 1.5
    X = pd.DataFrame(signal, columns=[f"x{i}" for i in range(5)])
    if what == "gaps":
        for k in range(K - 1):
            X.loc[y == k, f"x{3 + k}"] = np.nan
    task = "regression" if classes is None else "classification"
    meta = pd.DataFrame({"order": np.arange(n)})
    return Dataset(X, y, np.arange(n).astype(str), meta, task, "table", classes)


def null(modality: str, variant: str, seed: int) -> tuple[Dataset, str | None]:
    """Data with nothing in it, and the metric."""
    random = np.random.default_rng([seed, 2])
    n = int(random.choice([60, 100, 200]))
    groups = np.arange(n) // 3 if variant == "grouped" else None
    if variant == "measured":
        y, classes = random.normal(size=n), None
    else:
        K = 3 if variant.startswith("three") else 2
        shares = [0.7, 0.15, 0.15] if K == 3 else [0.5, 0.5]
        codes = np.searchsorted(np.cumsum(shares), np.linspace(0, 1, n if groups is None else n // 3), "left")
        codes = random.permutation(np.minimum(codes, K - 1))
        y, classes = codes if groups is None else np.repeat(codes, 3)[:n], np.arange(K)
    n = len(y)
    task = "regression" if classes is None else "classification"
    meta = beside(random, n)
    if groups is not None:
        groups = groups[:n]
        meta = meta.iloc[groups * 3].reset_index(drop=True).assign(order=np.arange(n))
    ids = np.arange(n).astype(str)
    if modality == "table":
        X = pd.DataFrame(random.normal(size=(n, 5)), columns=[f"x{i}" for i in range(5)])
        X = X.mask(random.random(X.shape) < 0.2)
        content, meta = X, meta[["order"]]
    else:
        tint = random.integers(0, 100, (n, 1, 1, 3))
        content = Images.from_array((random.integers(0, 156, (n, 16, 16, 3)) + tint).astype(np.uint8))
    metric = variant if variant in ("log_loss", "roc_auc") else None
    return Dataset(content, y, ids, meta, task, modality, classes, groups), metric


_CLOTHES: list[Dataset] = []


def _clothes() -> Dataset:
    if not _CLOTHES:
        _CLOTHES.append(load(clothes(), Settings(jobs=1)))
    return _CLOTHES[0]


# --- the tables


def run_all(arguments: argparse.Namespace, stored: dict) -> None:
    for seed in range(arguments.first_seed, arguments.first_seed + max(arguments.trials, arguments.nulls)):
        if seed < arguments.first_seed + arguments.trials:
            for modality, what in (plant for plant in PLANTS if plant[1] in arguments.only):
                for n in SIZES if seed % 8 == 0 else SIZES[:1]:
                    make = planted_pictures if modality == "image" else planted_table
                    if (modality, what, n, seed) not in stored:
                        found = report(make(what, n, seed), seed, shuffled=False, view=SEEN.get(what))
                        keep(arguments.store, stored, (modality, what, n, seed), found)
        if seed < arguments.first_seed + arguments.nulls and "null" in arguments.only:
            variant = NULLS[seed % len(NULLS)]
            for modality in ("image", "table"):
                if (modality, "null", variant, seed) not in stored:
                    dataset, metric = null(modality, variant, seed)
                    found = report(dataset, seed, metric)
                    keep(arguments.store, stored, (modality, "null", variant, seed), found)


def untouched(folder: Path, arguments: argparse.Namespace, stored: dict) -> None:
    for name, sizes in (("fashion_mnist", (100, 200, 400, 2000)), ("tuxpaint_stamps", (294,))):
        if not (folder / name).is_dir():
            continue
        dataset = load(folder / name, Settings(jobs=1))
        for n in sizes:
            for seed in range(1 if n >= len(dataset) else 5):
                if (name, "untouched", n, seed) not in stored:
                    found = report(drawn(dataset, n, seed), seed, real=True)
                    keep(arguments.store, stored, (name, "untouched", n, seed), found)
        if name == "fashion_mnist":
            for seed, kinds in enumerate(combinations(range(10), 2)):
                if (name, "pair", 100, seed) not in stored:
                    found = report(drawn(only(dataset, kinds), 100, seed), seed, real=True)
                    keep(arguments.store, stored, (name, "pair", 100, seed), found)


def only(dataset: Dataset, kinds: tuple[int, ...]) -> Dataset:
    """The samples of some classes."""
    i = np.flatnonzero(np.isin(dataset.y, kinds))
    return replace(
        dataset,
        X=dataset.X[i],
        y=np.searchsorted(kinds, dataset.y[i]),
        ids=dataset.ids[i],
        meta=dataset.meta.iloc[i].reset_index(drop=True),
        classes=np.arange(len(kinds)),
    )


def drawn(dataset: Dataset, n: int, seed: int) -> Dataset:
    """n of the samples, classes in proportion."""
    if n >= len(dataset):
        return dataset
    random = np.random.default_rng([seed, 3])
    K = len(np.unique(dataset.y))
    rows = [random.permutation(np.flatnonzero(dataset.y == k))[: n // K] for k in range(K)]
    i = np.sort(np.concatenate(rows))
    return replace(
        dataset,
        X=dataset.X[i],
        y=dataset.y[i],
        ids=dataset.ids[i],
        meta=dataset.meta.iloc[i].reset_index(drop=True),
    )


def alarms(lines: list[dict]) -> list[dict]:
    """The alarms of a stored report under the present level: Holm's procedure once more, from its p."""
    p = {c["name"]: c["p"] for c in lines}
    hidden = {"the other one of file size": 1.0} if "file size" in p else {}
    rejected = holm(p | hidden, ALPHA)
    return [c for c in lines if c["flagged"] and rejected[c["name"]]]


def tables(arguments: argparse.Namespace, stored: dict) -> int:
    print(heading(__file__))
    print("| planted | n | reports | found | |\n|---|---|---|---|---|")
    kept = True
    for (modality, what), names in PLANTS.items():
        for name in names:
            for n in SIZES:
                found = [
                    any(c["name"] == name and c["p"] <= ALPHA / MOST_CONTROLS for c in alarms(lines))
                    for key, lines in stored.items()
                    if key[:3] == (modality, what, n)
                ]
                good = np.mean(found) >= 0.95
                kept &= bool(good)
                label = f"{name} ({what}, {modality}s)"
                said = "kept" if good else "**not kept**"
                print(f"| {label} | {n} | {len(found)} | {np.mean(found):.1%} | {said} |")
    print("\n| nothing planted | reports | with an alarm | Monte-Carlo error | alarms by control |")
    print("|---|---|---|---|---|")
    nulls = {key: lines for key, lines in stored.items() if key[1] == "null"}
    for row in [("image",), ("table",), *((m, v) for m in ("image", "table") for v in NULLS), ()]:
        chosen = [lines for k, lines in nulls.items() if (k[0], k[2])[: len(row)] == row]
        if not chosen:
            continue
        rate = np.mean([len(alarms(lines)) > 0 for lines in chosen])
        error = np.sqrt(max(rate, 1 / len(chosen)) * (1 - rate) / len(chosen))
        by_name = Counter(c["name"] for lines in chosen for c in alarms(lines))
        names = ", ".join(f"{k} {v}" for k, v in by_name.most_common()) or "none"
        print(f"| {', '.join(row) or '**all**'} | {len(chosen)} | {rate:.1%} | {error:.1%} | {names} |")
    kept &= bool(rate <= 0.02)
    print(f"\nOver all null reports {rate:.1%} (at most 2 % is promised).")
    real = {key: lines for key, lines in stored.items() if key[1] == "untouched"}
    if real:
        print("\n| untouched | n | draws | with an alarm | associated (draws) |\n|---|---|---|---|---|")
        for name, n in sorted({(k[0], k[2]) for k in real}):
            chosen = [lines for k, lines in real.items() if (k[0], k[2]) == (name, n)]
            wrong = sum(len(alarms(lines)) > 0 for lines in chosen)
            kept &= wrong == 0
            by_name = Counter(c["name"] for lines in chosen for c in lines if c["kind"] == "associated")
            said = ", ".join(f"{k} {v}" for k, v in by_name.most_common()) or "none"
            print(f"| {name} | {n} | {len(chosen)} | {wrong} | {said} |")
        pairs = [lines for k, lines in stored.items() if k[1] == "pair"]
        if pairs:
            by_name = Counter(c["name"] for lines in pairs for c in alarms(lines))
            print(
                f"\nOf {len(pairs)} pairs of classes of fashion_mnist (n=100, 50 each) "
                f"{np.mean([len(alarms(lines)) > 0 for lines in pairs]):.0%} have an alarm "
                f"({', '.join(f'{k} {v}' for k, v in by_name.most_common()) or 'none'}): where two classes "
                "are easy to tell apart, a part of the picture can do as well as the whole."
            )
    return 0 if kept else 1


def keep(path: Path | None, stored: dict, key: tuple, found: list[dict]) -> None:
    stored[key] = found
    shutil.rmtree(Path(os.environ["HANDFUL_CACHE"]) / "vectors", ignore_errors=True)
    if path is not None:
        with path.open("a") as file:
            file.write(json.dumps({"key": key, "controls": found}) + "\n")


def read(path: Path | None) -> dict:
    if path is None or not path.exists():
        return {}
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    return {tuple(line["key"]): line["controls"] for line in lines}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--nulls", type=int, default=250)
    parser.add_argument("--small", action="store_true", help="3 trials and 6 null reports of each kind")
    parser.add_argument("--store", type=Path)
    parser.add_argument("--images", type=Path, help="a folder with fashion_mnist and tuxpaint_stamps")
    parser.add_argument("--first-seed", type=int, default=0)
    every = [what for _, what in PLANTS] + ["null"]
    parser.add_argument("--only", nargs="+", choices=every, default=every, help="what to run; all is printed")
    arguments = parser.parse_args()
    if arguments.small:
        arguments.trials, arguments.nulls = 3, 6
    stored = read(arguments.store)
    with tempfile.TemporaryDirectory() as cache, threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        os.environ["HANDFUL_CACHE"] = cache  # of pictures that nobody will see again
        run_all(arguments, stored)
        if arguments.images is not None:
            untouched(arguments.images, arguments, stored)
    return tables(arguments, stored)


if __name__ == "__main__":
    sys.exit(main())
