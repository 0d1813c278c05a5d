"""kill -9 at random moments of one run, `resume` after each: the report must be that of an undisturbed run.

    python benchmarks/resume.py [--kills 10] [--data PATH] [--target COLUMN]

Without --data the example photographs are fitted. The whole process group is killed. Exit status 1 where the
final report.json differs from that of the undisturbed run in anything but times, to the last digit.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from machine import heading


def start(arguments: list[str], cache: Path) -> subprocess.Popen:
    """`handful …` as a process group of its own."""
    command = [sys.executable, "-m", "handful", *arguments]
    environment = {**os.environ, "HANDFUL_CACHE": str(cache)}
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True
    )


def finish(process: subprocess.Popen) -> None:
    error = process.communicate()[1].decode()
    if process.returncode:
        raise RuntimeError(f"handful ended with {process.returncode}: {error}")


def disturbed(fit: list[str], folder: Path, cache: Path, goals: list[int], draws: random.Random) -> int:
    """Run to the end with one kill for each of `goals`; how many hit a live process.

    A process is killed as soon as the run holds that many results, and a random moment later: the kills are
    spread over the whole run.
    """
    hits = 0
    for goal in goals:
        process = start(_go_on(fit, folder), cache)
        while process.poll() is None and len(list(folder.glob("results/*/*.npz"))) < goal:
            time.sleep(0.02)
        time.sleep(draws.uniform(0.0, 3.0 if goal == 0 else 0.3))
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            hits += 1
        process.communicate()
    finish(start(_go_on(fit, folder), cache))
    return hits


def _go_on(fit: list[str], folder: Path) -> list[str]:
    """Killed before the run was claimed, there is nothing to resume yet."""
    return ["resume", str(folder)] if (folder / "run.json").exists() else [*fit, "--out", str(folder)]


def without_times(report: Any) -> Any:
    """The report less every `seconds`."""
    if isinstance(report, dict):
        return {k: without_times(v) for k, v in report.items() if k != "seconds"}
    return [without_times(v) for v in report] if isinstance(report, list) else report


def read(folder: Path) -> Any:
    return without_times(json.loads((folder / "report.json").read_text(encoding="utf-8")))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--target")
    arguments = parser.parse_args()
    from handful.example import clothes

    fit = ["fit", str(arguments.data or clothes())]
    fit += ["--target", arguments.target] if arguments.target else []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        begin = time.perf_counter()
        finish(start([*fit, "--out", str(folder / "calm")], folder / "calm-cache"))
        seconds = time.perf_counter() - begin
        draws = random.Random(arguments.seed)
        total = len(list((folder / "calm").glob("results/*/*.npz")))
        # Two kills while the data is read and described, the others anywhere up to the last result.
        goals = [0, 0, *sorted(draws.sample(range(1, total + 1), arguments.kills - 2))]
        hits = disturbed(fit, folder / "disturbed", folder / "disturbed-cache", goals, draws)
        same = read(folder / "calm") == read(folder / "disturbed")
    print(heading(__file__))
    print("| data | undisturbed run, s | kills that hit | report.json equal apart from times |")
    print("|---|---|---|---|")
    name = (arguments.data or clothes()).name
    print(f"| {name} | {seconds:.1f} | {hits} of {arguments.kills} | {'yes' if same else '**no**'} |")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
