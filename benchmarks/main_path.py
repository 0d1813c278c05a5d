"""`handful fit` as a person calls it, on every data set of a folder: seconds from start to exit, and answer.

    python benchmarks/main_path.py ../shared/data [--only tabular|image] [--jobs N]

Each run is a new process with an empty cache. Tables under 500 rows must finish in 30 s, tuxpaint_stamps in
120 s at 0.87 or more, elpv_solar_defect in 240 s at 0.875 or more. Exit status 1 where one does not.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from machine import heading

LIMITS = {"tuxpaint_stamps": (120, 0.87), "elpv_solar_defect": (240, 0.875)}
SMALL_TABLE = (500, 30)


def run(data: Path, options: list[str], folder: Path, rest: str | None = None) -> dict:
    """One `handful fit` in a process of its own, with an empty cache; what was begun there is resumed.

    rest : how long what was begun may still take, such as "20m"
    Python keeps the modules that it has compiled, as it does unless it is told not to.
    """
    environment = {**os.environ, "HANDFUL_CACHE": str(folder / "cache"), "PYTHONDONTWRITEBYTECODE": ""}
    command = [sys.executable, "-m", "handful", "fit", str(data), "--out", str(folder / "run"), *options]
    if (folder / "run" / "run.json").exists():
        command = [sys.executable, "-m", "handful", "resume", str(folder / "run")]
        command += ["--budget", rest] if rest else []
    start = time.perf_counter()
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    seconds = time.perf_counter() - start
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"it ended with status {done.returncode} and no word"]
        return {"wall": seconds, "failed": said[-1]}
    return {**json.loads((folder / "run" / "report.json").read_text()), "wall": seconds}


def line(name: str, found: dict) -> tuple[str, bool]:
    """A row of the table, and whether it keeps what is promised."""
    if "failed" in found:
        return f"| {name} | | | | | {found['wall']:.1f} | **failed**: {found['failed']} |", False
    n, told = found["dataset"]["n"], found["expected"]
    seconds, least = LIMITS.get(name, (SMALL_TABLE[1] if n < SMALL_TABLE[0] else 1e9, -1e9))
    good = found["wall"] <= seconds and told["value"] >= least
    interval = f"{told['low']:.3f}–{told['high']:.3f}"
    spent = f"{found['wall']:.1f}{'' if good else ' **outside**'}"
    row = f"| {name} | {n} | {told['metric']} | {told['value']:.3f} | {interval} | {spent} |"
    return f"{row} {found['chosen']} |", good


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", choices=["tabular", "image"])
    parser.add_argument("--names", nargs="*")
    parser.add_argument("--jobs", type=int)
    arguments = parser.parse_args()
    print(heading(__file__))
    print("| data | n | metric | expected | 95 % interval | seconds | chosen |")
    print("|---|---|---|---|---|---|---|")
    kept = True
    for kind in ("image", "tabular"):
        if arguments.only not in (None, kind):
            continue
        for folder in sorted((arguments.folder / kind).iterdir()):
            if arguments.names and folder.name not in arguments.names:
                continue
            table = kind == "tabular"
            options = ["--target", "target"] if table else ["--metric", "accuracy"]
            options += ["--jobs", str(arguments.jobs)] if arguments.jobs else []
            with tempfile.TemporaryDirectory() as temporary:
                data = folder / "data.csv" if table else folder
                row, good = line(folder.name, run(data, ["--budget", "quick", *options], Path(temporary)))
            print(row, flush=True)
            kept &= good
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
