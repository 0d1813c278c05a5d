"""When further repeats are of no more use: what is told where they end, and after all ten.

    python benchmarks/repeats.py ../shared/data [--names NAME ...] [--n 100,300] [--seeds 200,201] [--jobs 2]
                                 [--families classic,transfer] [--store FOLDER]

n examples of each data set are compared as `thorough` does, but with all ten repeats. The rule that ends them
is then asked after each over the stored results. "Ends" is the number of repeats after which it is content;
"moved" how far the score that is told is then from the one after ten, in standard errors of a score from
example to example; "fits" the share of the seconds of fits. The chosen of both, fitted on all n examples, are
scored on the rest. Means over seeds; the largest move stands beside. Runs are kept in the store: a stopped
script goes on there. The limits of the rule were set on one draw of mlbench_Sonar, 60 examples, seed 300.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from handful.evidence.bootstrap import draw
from handful.evidence.ensemble import add_average, select
from handful.evidence.predictions import Predictions, tabulate
from handful.evidence.racing import FEWEST_REPEATS, can_still_win, is_settled, likely_followed
from handful.evidence.selection import errors, expected
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
from racing import dataset_of, part

NAMES = ("keel_vehicle", "keel_heart", "mlbench_Sonar", "fashion_mnist")


def after(run: Run, repeats: int) -> Predictions:
    """What was known when so many repeats had been made."""
    cells = [c for c in run.cells() if c.split.repeat < repeats]
    seen = len({c.split.name for c in cells})
    stopped = {name: stop for name, stop in run.stopped.items() if stop.splits < seen}
    return tabulate(run.dataset, run.metric, [(cell, run.read(cell)) for cell in cells], stopped)


def one(folder: Path, name: str, data: Path, settings: Settings, n: int) -> dict[str, float] | None:
    """One draw; None where the data set is too small."""
    whole = dataset_of(data, name, settings)
    if 2 * n > len(whole):
        return None
    rows, rest = some(whole.y, n, np.random.default_rng(settings.seed))
    if (folder / "run.json").exists():
        run = Run.open(folder)
    else:
        run = Run.claim(replace(settings, out=str(folder)))
        dataset = part(whole, rows)
        metric = choose_metric(dataset, settings)
        run.begin(dataset, propose(dataset, settings), compare_splits(dataset, settings), metric)
    warm_in_time(run, Clock(run))
    compare(run, Clock(run), keep_going=can_still_win, followed=likely_followed)
    repeats = 1 + max(s.repeat for s in run.splits)
    ends = next((r for r in range(FEWEST_REPEATS, repeats) if is_settled(after(run, r))), repeats)
    early, late = add_average(after(run, ends)), add_average(after(run, repeats))
    told = [expected(p, draw(p.unit, p.covered, seed=settings.seed)).value for p in (early, late)]
    error = float(errors(late, [select(late)])[0])
    truth = take(whole.X, rest), whole.y[rest]
    delivered = [
        float(run.metric.value(truth[1], refit(run, p, select(p)).scores(truth[0]))) for p in (early, late)
    ]
    return {
        "ends": ends,
        "moved": abs(told[0] - told[1]) / error,
        "fits": sum(r.seconds for r in early.rows) / sum(r.seconds for r in late.rows),
        "early": delivered[0],
        "late": delivered[1],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--names", nargs="*", default=list(NAMES))
    parser.add_argument("--n", default="100,300")
    parser.add_argument("--seeds", default="200,201,202")
    parser.add_argument("--families", default="classic,transfer")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--store", type=Path, default=None)
    chosen = parser.parse_args()
    store = chosen.store or Path(tempfile.mkdtemp(prefix="handful-"))
    print(heading(__file__), flush=True)
    print("| data | n | ends after | moved (most) | fits | on the rest | after ten |")
    print("|---|---|---|---|---|---|---|")
    for name in chosen.names:
        for n in map(int, chosen.n.split(",")):
            families = tuple(chosen.families.split(","))
            plain = Settings(metric="accuracy", budget="thorough", jobs=chosen.jobs, families=families)
            seeds = [replace(plain, seed=int(seed)) for seed in chosen.seeds.split(",")]
            every = [one(store / f"{name}-{n}-{s.seed}", name, chosen.data, s, n) for s in seeds]
            found = [each for each in every if each is not None]
            if found:
                mean = {k: float(np.mean([f[k] for f in found])) for k in found[0]}
                most = max(f["moved"] for f in found)
                print(
                    f"| {name} | {n} | {mean['ends']:.1f} | {mean['moved']:.2f} ({most:.2f}) | "
                    f"{100 * mean['fits']:.0f} % | {mean['early']:.3f} | {mean['late']:.3f} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
