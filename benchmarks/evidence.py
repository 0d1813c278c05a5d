"""How long everything that is told takes to compute: 40 candidates, 15 splits, 1,000 examples.

    python benchmarks/evidence.py [--candidates 40] [--n 1000] [--classes 10] [--metric accuracy]

A real run of cheap candidates is made first (budget standard: 5 folds, 3 times); then report.json is computed
anew from what it has stored, reading the results included. Exit status 1 where that takes 10 seconds or more.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from sklearn.datasets import make_classification
from sklearn.naive_bayes import GaussianNB

import handful
from handful.evidence.ensemble import add_average
from handful.evidence.predictions import collect
from handful.protocol.run import Run
from handful.report.summary import summarise
from machine import heading

LIMIT = 10.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--candidates", type=int, default=40)
    parser.add_argument("--n", type=int, default=1000)
    parser.add_argument("--classes", type=int, default=10)
    parser.add_argument("--metric", default="accuracy")
    arguments = parser.parse_args()
    X, y = make_classification(
        arguments.n, 30, n_informative=12, n_classes=arguments.classes, class_sep=1.5, random_state=0
    )
    mine = [(f"bayes {i}", GaussianNB(var_smoothing=10 ** (-6 + i / 8))) for i in range(arguments.candidates)]
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        handful.fit(
            (X, y), candidates=mine, families=["yours"], budget="standard", metric=arguments.metric, out=out
        )
        begin = time.perf_counter()
        run = Run.open(out)
        predictions = add_average(collect(run))
        read = time.perf_counter()
        summary = summarise(run, predictions)
        done = time.perf_counter()
    failed = [why for why in summary["reasons"].values() if why.startswith("it could not be computed")]
    print(heading(__file__))
    print("| candidates | splits | n | classes | metric | reading, s | evidence, s | together, s |")
    print("|---|---|---|---|---|---|---|---|")
    print(
        f"| {arguments.candidates} | {len(run.splits)} | {arguments.n} | {arguments.classes} "
        f"| {arguments.metric} | {read - begin:.1f} | {done - read:.1f} | {done - begin:.1f} |"
    )
    for why in failed:
        print(f"\n**{why}**")
    return 0 if done - begin < LIMIT and not failed else 1


if __name__ == "__main__":
    sys.exit(main())
