"""Controls of texts: do they cry wolf on texts as they are, and do planted clues show?

    python benchmarks/text_controls.py FILE ... [--per-class 16 50] [--draws 5]

FILE is a CSV with the columns text and label. Draws of so many texts a class: as they are; with three marks
behind nine in ten texts of every second class ("marks"); or every second class cut to its first
third ("cut"). The chosen model counts words and is a logistic regression. Told is in how many draws each
control was an alarm, or associated with the class.
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd

from handful.data.dataset import Dataset
from handful.data.load import load
from handful.data.texts import as_array
from handful.evidence.controls import controls
from handful.protocol.plan import shortcut_cells
from handful.protocol.run import Cell
from handful.protocol.splits import compare_splits
from handful.settings import Settings
from handful.strategies import baseline
from handful.strategies.candidate import Candidate
from handful.strategies.chain import Chain
from handful.strategies.heads import LogisticHead
from handful.strategies.tfidf import TfIdf
from machine import heading
from pools import gathered

PLANTS = ("as they are", "marks", "cut")


def drawn(frame: pd.DataFrame, per_class: int, seed: int) -> Dataset:
    """So many texts of each class that has them, in random order."""
    enough = frame.groupby("label").filter(lambda part: len(part) >= per_class)
    some = enough.groupby("label").sample(per_class, random_state=seed).sample(frac=1, random_state=seed)
    return load((some["text"].tolist(), some["label"].tolist()), Settings(modality="text"))


def planted(dataset: Dataset, plant: str, random: np.random.Generator) -> Dataset:
    """The same texts with a clue in every second class."""
    if plant == "as they are":
        return dataset
    marked = (dataset.y % 2 == 0) & (random.random(len(dataset)) < (0.9 if plant == "marks" else 1.0))
    dataset.X = as_array(
        [
            text if not mark else f"{text} ***" if plant == "marks" else text[: max(1, len(text) // 3)]
            for text, mark in zip(dataset.X, marked, strict=True)
        ]
    )
    return dataset


def found(dataset: Dataset, seed: int) -> list[dict]:
    """The controls' lines of a report."""
    settings = Settings(seed=seed)
    splits = compare_splits(dataset, settings)
    model = Candidate("model", "model", "classic", Chain([TfIdf(("words",))], LogisticHead(Cs=(3.0, 30.0))))
    cells = [Cell(c, s) for s in splits for c in [*baseline.candidates(dataset, settings), model]]
    seen = shortcut_cells(dataset, splits)
    return controls(gathered(dataset, cells, "accuracy"), gathered(dataset, seen, "accuracy"), None, seed)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--per-class", type=int, nargs="+", default=[16, 50])
    parser.add_argument("--draws", type=int, default=5)
    options = parser.parse_args()
    print(heading(__file__))
    for file in options.files:
        frame = pd.read_csv(file).dropna()
        for per_class in options.per_class:
            for plant in PLANTS:
                kinds: Counter[tuple[str, str]] = Counter()
                for seed in range(options.draws):
                    random = np.random.default_rng([seed, 7])
                    for line in found(planted(drawn(frame, per_class, seed), plant, random), seed):
                        kinds[line["name"], line["kind"]] += 1
                names = ("row order", "text length", "punctuation and capitals")
                told = "; ".join(
                    f"{name}: alarm {kinds[name, 'alarm']}, associated {kinds[name, 'associated']}"
                    for name in names
                )
                print(
                    f"{file.parent.name}, {per_class} a class, {plant} ({options.draws}): {told}", flush=True
                )


if __name__ == "__main__":
    main()
