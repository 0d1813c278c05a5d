"""One backbone or several: what a person gets with lite0, lite1, lite2, and with their features together.

    python benchmarks/backbones_choice.py ../shared/data/image [--names A B] [--seeds 0,1,2] [--sizes]
                                          [--store FOLDER]

Half of each class of tuxpaint_stamps, 20 pictures a class of fashion_mnist and 130 a class of
elpv_solar_defect to learn from; the rest is the truth. Linear and kernel heads on every level, as
`handful fit` proposes them, on 5 folds; what is chosen by the folds (the average of all that cannot be told
apart from the best, and the best alone) is fitted on all that was drawn and scored on the rest. Fits are kept
in the store.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from draws import remembered
from handful.data.dataset import Dataset
from handful.data.load import load
from handful.evidence.bootstrap import draw
from handful.evidence.ensemble import add_average, select
from handful.evidence.ledger import ledger
from handful.evidence.predictions import Predictions, Row
from handful.protocol.evaluate import fit_and_predict
from handful.protocol.splits import Split, compare_splits, units
from handful.scoring import get_metric
from handful.settings import Settings
from handful.strategies.baseline import candidates as baselines
from handful.strategies.candidate import Candidate, scores
from handful.strategies.transfer import OTHER_SIZE, OTHERS, candidates
from machine import heading

TO_LEARN = {"tuxpaint_stamps": 0.5, "fashion_mnist": 20, "elpv_solar_defect": 130}  # of each class
# What is asked for with --backbones, and which of those candidates count.
ASKED = {
    "lite0": (("lite0",), "lite0 "),
    "lite1": (("lite1",), "lite1 "),
    "lite2": (("lite2",), "lite2 "),
    "lite0 and lite1, together only": (("lite0", "lite1"), "lite0+lite1 "),
    "all three, together only": (("lite0", "lite1", "lite2"), "lite0+lite1+lite2 "),
    "`--backbones lite0,lite1`": (("lite0", "lite1"), ""),
    "`--backbones lite0,lite1,lite2`": (("lite0", "lite1", "lite2"), ""),
    "lite0@320": (("lite0@320",), "lite0@320 "),
    "`--backbones lite0,lite0@320`": (("lite0", "lite0@320"), ""),
    "`--backbones lite0,lite1,lite0@320`": (("lite0", "lite1", "lite0@320"), ""),
}

LARGER = ("lite0", "`--backbones lite0,lite1`", *(way for way in ASKED if "@" in way))


def drawn(whole: Dataset, of_each: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Positions to learn from, so many (or such a part) of each class, and of the rest."""
    random = np.random.default_rng(seed)
    rows = []
    for k in np.unique(whole.y):
        own = random.permutation(np.flatnonzero(whole.y == k))
        rows.append(own[: round(of_each * len(own)) if of_each < 1 else int(of_each)])
    learn = np.sort(np.concatenate(rows))
    return learn, np.setdiff1d(np.arange(len(whole)), learn)


def part(whole: Dataset, rows: np.ndarray) -> Dataset:
    """Some samples of a data set."""
    groups = None if whole.groups is None else whole.groups[rows]
    meta = whole.meta.iloc[rows].reset_index(drop=True)
    own = whole.X[rows], whole.y[rows], whole.ids[rows]
    return replace(whole, X=own[0], y=own[1], ids=own[2], meta=meta, groups=groups)


def offered(dataset: Dataset, asked: Sequence[str], counting: str = "") -> list[Candidate]:
    """The baseline, and the linear and kernel heads on these backbones."""
    settings = Settings(backbones=tuple(asked))
    heads = [
        c
        for c in candidates(dataset, settings)
        if c.name.startswith(counting) and c.name.split()[-1] in ("logistic", "svm")
    ]
    return baselines(dataset, settings) + heads


def fitted(dataset: Dataset, rest: Any, splits: Sequence[Split], candidate: Candidate) -> dict[str, Any]:
    """`oof` `(n, K)` on the folds, and `rest` `(m, K)` of a fit on all that was drawn."""
    K = len(dataset.classes if dataset.classes is not None else ())
    oof = np.full((len(dataset), K), np.nan, dtype=np.float32)
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for split in splits:
            result = fit_and_predict(candidate, split, dataset, K)
            assert result.test is not None, result.error
            oof[split.test] = result.test
        model = candidate.fresh(0).fit(dataset.X, dataset.y)
        return {"oof": oof, "rest": scores(model, rest, K).astype(np.float32)}


def told(
    dataset: Dataset, splits: list[Split], found: Sequence[Candidate], fits: dict[str, Any]
) -> Predictions:
    """Stored fits as the run folder would give them back, with the average."""
    rows = [
        Row(c.name, c.label, c.family, c.cost, c.deep, fits[c.name]["oof"][None].astype(float)) for c in found
    ]
    for row, candidate in zip(rows, found, strict=True):
        row.base, row.technique = candidate.base, candidate.technique
        row.train = [np.zeros((len(s.train), row.oof.shape[-1])) for s in splits]  # type: ignore[union-attr]
    metric = get_metric("accuracy", "classification", dataset.y, dataset.classes)
    return add_average(Predictions(dataset.y, units(dataset), metric, splits, rows, []))


def delivered(row: Row, fits: dict[str, Any], truth: np.ndarray) -> float:
    """The accuracy on the rest of what a row stands for."""
    answers = sum(fits[name]["rest"] for name in row.members or [row.name])
    return float((answers.argmax(axis=1) == truth).mean())


def measured(
    name: str, whole: Dataset, seed: int, ways: Sequence[str], store: Path | None
) -> dict[str, dict[str, float]]:
    """For each of these ways of `ASKED`: scores told and delivered, and the gain that the ledger tells."""
    learn, rest = drawn(whole, TO_LEARN[name], seed)
    dataset = part(whole, learn)
    splits = compare_splits(dataset, Settings(seed=seed))
    fits: dict[str, Any] = {}
    found = {way: offered(dataset, *ASKED[way]) for way in ways}
    for candidate in {c.name: c for some in found.values() for c in some}.values():
        file = None if store is None else store / f"{name} {seed} {candidate.key}.npz"
        fits[candidate.name] = remembered(file, lambda c=candidate: fitted(dataset, whole.X[rest], splits, c))
    lines = {}
    for way, some in found.items():
        predictions = told(dataset, splits, some, fits)
        row = select(predictions)
        plain = [r for r in predictions.rows if r.members is None]
        best = max(plain, key=lambda r: (r.oof[0].argmax(axis=1) == dataset.y).mean())  # type: ignore[index]
        lines[way] = {
            "told": float((row.oof[0].argmax(axis=1) == dataset.y).mean()),  # type: ignore[index]
            "delivered": delivered(row, fits, whole.y[rest]),
            "best": delivered(best, fits, whole.y[rest]),
        }
        bootstrap = draw(predictions.unit, predictions.covered)
        for line in ledger(predictions, bootstrap):
            joined = OTHERS if len(ASKED[way][0]) > 2 else (*OTHERS, OTHER_SIZE)
            if line.technique in joined and line.gain is not None and not ASKED[way][1]:
                low, high = line.gain.interval()
                lines[way] |= {"gain": line.gain.value, "low": low, "high": high, "kept": line.kept}
    return lines


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--names", nargs="*", default=list(TO_LEARN))
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--sizes", action="store_true", help="only what tells of larger pictures")
    parser.add_argument("--store", type=Path)
    arguments = parser.parse_args()
    seeds = [int(s) for s in arguments.seeds.split(",")]
    ways = LARGER if arguments.sizes else tuple(ASKED)
    print(heading(__file__))
    print("| data | backbones | folds' score of the chosen | delivered by the chosen | by the best alone |")
    print("|---|---|---|---|---|")
    ledgers = []
    for name in arguments.names:
        whole = load(arguments.folder / name, Settings())
        runs = [measured(name, whole, seed, ways, arguments.store) for seed in seeds]
        for way in ways:
            found = [100 * np.array([r[way][k] for r in runs]) for k in ("told", "delivered", "best")]
            cells = [f"{values.mean():.1f} ± {values.std():.1f}" for values in found]
            print(f"| {name} | {way} | {' | '.join(cells)} |", flush=True)
            if "gain" in runs[0][way]:
                gains = [
                    f"{100 * r[way]['gain']:+.1f} ({100 * r[way]['low']:+.1f} to {100 * r[way]['high']:+.1f})"
                    f"{', kept' if r[way]['kept'] else ''}"
                    for r in runs
                ]
                true = [100 * (r[way]["delivered"] - r["lite0"]["delivered"]) for r in runs]
                trues = "; ".join(f"{t:+.1f}" for t in true)
                ledgers.append(f"| {name} | {way} | {'; '.join(gains)} | {trues} |")
    print("\n| data | backbones | what the ledger tells, points, by seed | delivered beyond lite0 alone |")
    print("|---|---|---|---|")
    print("\n".join(ledgers))
    return 0


if __name__ == "__main__":
    sys.exit(main())
