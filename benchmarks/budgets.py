"""Does a budget given as a duration keep its time, and what does more time bring?

    python benchmarks/budgets.py ../shared/data [--budgets 2m,5m,10m] [--names NAME ...] [--store FILE]

`handful fit` as a person calls it, each in a new process with an empty cache; seconds from start to exit. A
run must end at most 15 % late, and early only where nothing was left to try; the score told must not fall by
more than its noise (half of its interval) from one budget to the next. Finished runs are kept in the store: a
stopped script goes on where it was. Exit status 1 where a run is late or early without a reason.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import Any

from handful.settings import duration
from machine import heading
from main_path import run

NAMES = ("tuxpaint_stamps", "elpv_solar_defect", "keel_vehicle")
LATE, EARLY = 1.15, 0.85


def measured(folder: Path, name: str, budget: str, seed: int) -> dict[str, Any]:
    """One run: its seconds, and what it says of itself."""
    table = folder / "tabular" / name / "data.csv"
    data = table if table.exists() else folder / "image" / name
    options = ["--target", "target"] if table.exists() else ["--metric", "accuracy"]
    with tempfile.TemporaryDirectory() as temporary:
        report = run(data, [*options, "--budget", budget, "--seed", str(seed)], Path(temporary))
    if "failed" in report:
        return {"seconds": report["wall"], "failed": report["failed"]}
    board = report["leaderboard"]
    return {
        "seconds": report["wall"],
        "told": report["expected"],
        "score": next(row["score"] for row in board if row["name"] == report["chosen"]),
        "sound": sum(row["score"] is not None and row["members"] is None for row in board),
        "candidates": sum(row["members"] is None for row in board),
        "budget": report["budget"],
    }


def complete(found: dict[str, Any]) -> bool:
    """Whether nothing was left to try."""
    about = found["budget"]
    return (
        about["repeats"] == about["repeats_planned"]
        and not about["stopped_for_time"]
        and not about["left_out"]
    )


def line(name: str, budget: str, seed: str, found: dict[str, Any]) -> tuple[str, bool]:
    """A row of the table, and whether the time was kept."""
    if "failed" in found:
        return f"| {name} | {budget} | {seed} | {found['seconds']:.1f} | **failed** | | | | |", False
    limit = duration(budget) or 1.0
    share = found["seconds"] / limit
    good = share <= LATE and (share >= EARLY or complete(found))
    kept = "yes" if good else "**late**" if share > LATE else "**early**"
    kept += ", nothing left to try" if complete(found) else ""
    told, about = found["told"], found["budget"]
    return (
        f"| {name} | {budget} | {seed} | {found['seconds']:.1f} ({share:.0%}) | {kept} | {about['repeats']} "
        f"| {found['sound']} of {found['candidates']} | {found['score']:.3f} "
        f"| {told['value']:.3f} ({told['low']:.3f}–{told['high']:.3f}) |"
    ), good


def grows(store: dict[str, Any], names: list[str], budgets: list[str], seeds: list[str]) -> list[str]:
    """One line a data set: whether the told score grew or stayed, within half of its interval."""
    lines = []
    for name in names:
        told = [
            [store[f"{name} {b} {s}"]["told"] for s in seeds if "told" in store[f"{name} {b} {s}"]]
            for b in budgets
        ]
        means = [sum(t["value"] for t in some) / len(some) for some in told if some]
        if not means:
            lines.append(f"- {name}: no run ended")
            continue
        noise = max((t["high"] - t["low"]) / 2 for some in told for t in some)
        fell = max([a - b for a, b in pairwise(means)], default=0.0)
        answer = "grows or stays" if fell <= noise / 2 else "**falls**"
        lines.append(f"- {name}: {' → '.join(f'{m:.3f}' for m in means)}, {answer}")
    return lines


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--budgets", default="2m,5m,10m")
    parser.add_argument("--names", nargs="*", default=list(NAMES))
    parser.add_argument("--seeds", default="0")
    parser.add_argument("--store", type=Path)
    arguments = parser.parse_args()
    budgets, seeds = arguments.budgets.split(","), arguments.seeds.split(",")
    kept = arguments.store if arguments.store is not None and arguments.store.exists() else None
    store: dict[str, Any] = {} if kept is None else json.loads(kept.read_text())
    print(heading(__file__))
    print("| data | budget | seed | seconds | time kept | repeats | fitted on all splits | score | told |")
    print("|---|---|---|---|---|---|---|---|---|")
    fine = True
    for name in arguments.names:
        for budget in budgets:
            for seed in seeds:
                key = f"{name} {budget} {seed}"
                if key not in store:
                    store[key] = measured(arguments.folder, name, budget, int(seed))
                    if arguments.store is not None:
                        arguments.store.write_text(json.dumps(store, indent=1))
                row, good = line(name, budget, seed, store[key])
                print(row, flush=True)
                fine &= good
    print()
    print("\n".join(grows(store, arguments.names, budgets, seeds)))
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
