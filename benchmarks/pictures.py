"""Whole runs on pictures, everything chosen by the folds: told, delivered, and what each technique was worth.

    python benchmarks/pictures.py ../shared/data/image [--budget standard] [--seeds 0,1,2] [--store FILE]
                                  [--keep FOLDER [--rest 20m | --so-far]]
                                  [--device cuda] [--a-class 250]

`handful fit` as a person calls it, in a new process with an empty cache. elpv_solar_defect and
tuxpaint_stamps are cross-validated as a whole; of fashion_mnist 20 pictures a class are drawn to learn from,
and the model is scored on the rest; with `--a-class` so many are, of every set. Promised with `standard`:
elpv 0.885, tuxpaint 0.91, fashion_mnist 0.80 on the rest; with `thorough` elpv 0.90, or that fine-tuning is
dropped; on a GPU 0.905 (medians over seeds).
Beside the best frozen candidate (also one that learned from several views) and the best fine-tuned one stands
their paired difference in points, with its standard error; both are chosen on the folds they are reported on.
The table of techniques has the same for each technique with the choice of both corrected for, and whether
what is served uses it. Finished runs are kept in
the store. With `--keep` the folders of runs stay, and one that was stopped goes on where it was (with
`--rest` for so long, and ends with what it has); its seconds are then those of the last part alone. With
`--so-far` a run goes on nowhere, and is told from its whole repeats; its seconds are those of the fits. Exit
status 1 where a promise is missed.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from handful.evidence.comparison import difference
from handful.evidence.ensemble import add_average
from handful.evidence.predictions import Predictions, Row, collect
from handful.protocol.run import Cell, Run
from handful.report.summary import summarise
from machine import heading
from main_path import run

NAMES = ("elpv_solar_defect", "tuxpaint_stamps", "fashion_mnist")
PROMISED = {(name, "standard"): least for name, least in zip(NAMES, (0.885, 0.91, 0.80), strict=True)}
PROMISED["elpv_solar_defect", "thorough"] = 0.90
ON_GPU = {("elpv_solar_defect", "thorough"): 0.905}
A_CLASS = {"fashion_mnist": 20}


def divided(folder: Path, a_class: int, seed: int, into: Path) -> tuple[Path, Path]:
    """Links to `a_class` pictures of each class to learn from, and to all others."""
    random = np.random.default_rng(seed)
    for place in sorted(p for p in folder.iterdir() if p.is_dir()):
        files = sorted(place.iterdir())
        drawn = set(random.permutation(len(files))[:a_class].tolist())
        for i, file in enumerate(files):
            link = into / ("learn" if i in drawn else "rest") / place.name / file.name
            link.parent.mkdir(parents=True, exist_ok=True)
            if not link.is_symlink():
                link.symlink_to(file.absolute())
    return into / "learn", into / "rest"


def measured(name: str, seed: int, asked: argparse.Namespace) -> dict[str, Any]:
    """One run: the score told or delivered, its seconds, and its ledger."""
    with tempfile.TemporaryDirectory() as temporary:
        place = Path(temporary) if asked.keep is None else asked.keep / f"{name} {asked.budget} {seed}"
        place.mkdir(parents=True, exist_ok=True)
        options = ["--metric", "accuracy", "--budget", asked.budget, "--seed", str(seed)]
        options += ["--device", asked.device]
        data = asked.folder / name
        if a_class := asked.a_class or A_CLASS.get(name):
            data, others = divided(data, a_class, seed, place)
            options += ["--test", str(others)]
        report = so_far(place / "run") if asked.so_far else run(data, options, place, asked.rest)
        if "failed" in report:
            raise RuntimeError(f"{name}: {report['failed']}")
        pair = against(opened(place / "run"))
    return {
        "n": report["dataset"]["n"],
        "told": report["expected"],
        "delivered": None if report["test"] is None else report["test"]["value"],
        "repeats": report["protocol"]["repeats"],
        "seconds": report["wall"],
        "chosen": report["chosen"],
        "members": next(r["members"] for r in report["leaderboard"] if r["name"] == report["chosen"]),
        "best": pair,
        "ledger": [
            {k: line[k] for k in ("technique", "base", "with", "gain", "low", "high", "kept", "over_best")}
            for line in report["ledger"] or []
        ],
    }


def opened(folder: Path) -> Run:
    """A run with its whole repeats alone, as if it had been meant to have no more."""
    run = Run.open(folder)
    going = [c for c in run.candidates if c.name not in run.stopped]
    torn = {s.repeat for s in run.splits if not all(run.has(Cell(c, s)) for c in going)}
    if torn and min(torn) == 0:
        raise SystemExit(f"{folder} has no whole repeat yet")
    if torn:
        run.__dict__["_file"] = {**run._file, "repeats": min(torn)}
    return run


def so_far(folder: Path) -> dict[str, Any]:
    """What its report would say; nothing is written."""
    run = opened(folder)
    report = summarise(run, add_average(collect(run)))
    return {**report, "wall": report["seconds"]}


def against(run: Run) -> list[str]:
    """The best frozen candidate of a run, its best fine-tuned one, and by how much that is better.

    All of the first repeat where every fine-tuned one was stopped early.
    """
    predictions = collect(run)
    if best(predictions, ("finetune",)) is None:
        predictions = predictions.up_to(1)
    pair = [best(predictions, families) for families in (("transfer", "augmentation"), ("finetune",))]
    told = ["" if row is None else f"{predictions.score(row)[0]:.3f} ({row.name})" for row in pair]
    frozen, tuned = pair
    if frozen is None or tuned is None:
        return [*told, ""]
    gain = difference(predictions, tuned, frozen)
    return [*told, f"{100 * gain.value:+.1f} ± {100 * gain.error:.1f}"]


def best(predictions: Predictions, families: Sequence[str]) -> Row | None:
    """Of these families the candidate with the best score on the folds."""
    found = [row for row in predictions.sound if row.family in families]
    return max(found, key=lambda row: float(predictions.score(row)[0]), default=None)


def rows(name: str, seed: int, found: dict[str, Any]) -> str:
    told = found["told"]
    delivered = "" if found["delivered"] is None else f"{found['delivered']:.3f}"
    interval = f"{told['low']:.3f}–{told['high']:.3f}"
    return (
        f"| {name} | {found['n']} | {seed} | {found['repeats']} | {told['value']:.3f} ({interval}) "
        f"| {delivered} | {' | '.join(found['best'])} | {found['seconds']:.0f} "
        f"| {found['chosen']}: {'; '.join(found['members'] or [])} |"
    )


def ledger_rows(name: str, runs: list[dict[str, Any]]) -> list[str]:
    """A row a technique: its gain in points, over the best without it too, and how often kept.

    Medians, and the interval of the first run that has one.
    """
    lines = []
    for line in runs[0]["ledger"]:
        same = [x for r in runs for x in r["ledger"] if x["technique"] == line["technique"]]
        known = [x for x in same if x["gain"] is not None]
        if known:
            kept = sum(x["kept"] for x in same)
            over_best = points([x["over_best"] for x in same if x["over_best"]])
            lines.append(
                f"| {name} | {line['technique']} | {line['base']} | {points(known)} | {over_best} "
                f"| {kept} of {len(runs)} |"
            )
    return lines


def tuned(run: dict[str, Any]) -> bool:
    """Whether what is served was fine-tuned."""
    return any(line["kept"] for line in run["ledger"] if line["technique"] == "fine-tuning")


def points(gains: list[dict[str, Any]]) -> str:
    """The median of gains, in points, with the interval of the first that has one."""
    if not gains:
        return ""
    middle = f"{100 * np.median([x['gain'] for x in gains]):+.1f}"
    ends = next(((x["low"], x["high"]) for x in gains if x["low"] is not None), None)
    return middle if ends is None else f"{middle} ({100 * ends[0]:+.1f} to {100 * ends[1]:+.1f})"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--budget", default="standard")
    parser.add_argument("--names", nargs="*", default=list(NAMES))
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--store", type=Path)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--rest")
    parser.add_argument("--so-far", action="store_true")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--a-class", type=int)
    arguments = parser.parse_args()
    stored = arguments.store is not None and arguments.store.exists()
    store: dict[str, Any] = json.loads(arguments.store.read_text()) if stored else {}
    print(heading(__file__))
    print(
        "| data | n | seed | repeats | told | delivered on the rest | best frozen | best fine-tuned "
        f"| gain, points | seconds | chosen |\n|{'---|' * 11}"
    )
    missed, ledger = [], []
    for name in arguments.names:
        runs = []
        for seed in map(int, arguments.seeds.split(",")):
            key = f"{name} {arguments.budget} {seed}{' cuda' if arguments.device == 'cuda' else ''}"
            key += f" {arguments.a_class} a class" if arguments.a_class else ""
            if key not in store:
                store[key] = measured(name, seed, arguments)
                if arguments.store is not None and not arguments.so_far:
                    arguments.store.write_text(json.dumps(store, indent=1))
            runs.append(store[key])
            print(rows(name, seed, store[key]), flush=True)
        scores = [r["told"]["value"] if r["delivered"] is None else r["delivered"] for r in runs]
        promised = PROMISED | (ON_GPU if arguments.device == "cuda" else {})
        least = 0.0 if arguments.a_class else promised.get((name, arguments.budget), 0.0)
        dropped = arguments.budget == "thorough" and arguments.device != "cuda" and not any(map(tuned, runs))
        if np.median(scores) < least and not dropped:
            missed.append(f"{name}: median {np.median(scores):.3f}, promised {least}")
        ledger += ledger_rows(name, runs)
    print("\n| data | technique | without it | gain, points (interval of the first run) ", end="")
    print("| the best with it over the best without | kept |")
    print("|---|---|---|---|---|---|")
    print("\n".join([*ledger, "", *(f"Missed: {line}." for line in missed)]))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
