"""What generated examples are worth: the same models with and without them, on the folds of `fit`."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from joblib import Parallel, delayed

from handful.data.dataset import Dataset
from handful.data.names import count
from handful.errors import DataError
from handful.evidence.predictions import Predictions, Row, tabulate
from handful.protocol.evaluate import fit_and_predict, one_thread
from handful.protocol.run import Cell, FoldResult
from handful.protocol.splits import Split, compare_splits
from handful.report.words import duration
from handful.scoring import default_metric, get_metric
from handful.settings import Settings
from handful.strategies import classic
from handful.strategies.candidate import Candidate
from handful.strategies.generators import Generator
from handful.strategies.only_generated import OnlyGenerated
from handful.strategies.synthesis import WithSynthetic
from handful.workers import usable_cores, workers

MOST_MADE = 1500  # generated examples in a training part, at most
# Up to so many examples the folds are drawn three times: the luck of what is made up weighs less then.
FEW = 300
WORTH_TELLING = 20.0  # seconds
# The models that are tried with and without: cheap ones that see samples as vectors in one scale.
MODELS = {"image": ("thumbnail svm", "hog svm"), "table": ("svm", "logistic")}

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Trial:
    """Models with, without, and only on generated examples, on the same splits.

    `best` is the generator with which a model scored best, `pairs` (with, without) of each generator.
    """

    predictions: Predictions
    pairs: dict[str, list[tuple[Row, Row]]]
    best: str
    model: Candidate
    seed: int
    tried_per_class: int

    def only(self, generator: str, base: Row) -> Row:
        return self.predictions.row(_only_name(base.name, generator))


def compare(
    dataset: Dataset,
    made_by: dict[str, Generator],
    per_class: int,
    seed: int = 0,
    tell: Tell = lambda _: None,
    jobs: int | None = None,
) -> Trial:
    """Each model with the examples of each generator, on folds of which it learned the training part alone.

    Generated examples enter in proportion: a training part of four fifths gets four fifths of `per_class`.
    `jobs` folds are worked on at once, by all cores unless given.
    DataError where no generator could be examined.
    """
    assert dataset.classes is not None
    settings = Settings(seed=seed, budget="standard" if len(dataset) <= FEW else "quick")
    splits = compare_splits(dataset, settings)
    tried = min(per_class, max(1, MOST_MADE // len(dataset.classes)))
    counts = np.bincount(dataset.y)
    ratio = {k: float(tried / c) for k, c in enumerate(counts)}
    known = {c.name: c for c in classic.candidates(dataset, settings)}
    bases = [known[name] for name in MODELS[dataset.modality]]
    found: list[tuple[Cell, Any]] = []

    at_once = min(jobs or usable_cores(), len(splits))
    folds = count(len(splits), "fold")
    with workers(at_once):
        work = Parallel(return_as="generator", batch_size=1)

        def run(what: str, candidates: list[Candidate]) -> None:
            tell(f"{folds}: {what}")
            begin = time.monotonic()
            results = work(delayed(_on_split)(candidates, split, dataset) for split in splits)
            for done, (split, some) in enumerate(zip(splits, results, strict=True), start=1):
                found.extend((Cell(c, split), result) for c, result in zip(candidates, some, strict=True))
                left = (time.monotonic() - begin) / done * (len(splits) - done)
                if done == at_once and left > WORTH_TELLING:
                    tell(f"{what}: about {duration(left)} more")

        run("the models as they are", bases)
        for name, generator in made_by.items():
            made = [_with(base, name, generator, ratio) for base in bases]
            run(f"generator {name}", made + [_only(base, name, generator) for base in bases])
    metric = get_metric(
        default_metric(dataset.task, dataset.y, dataset.classes), dataset.task, dataset.y, dataset.classes
    )
    predictions = tabulate(dataset, metric, found)
    pairs = {name: _pairs(predictions, bases, name) for name in made_by}
    sound = [(name, pair) for name, some in pairs.items() for pair in some]
    if not sound:
        why = "; ".join(dict.fromkeys(cause["cause"] for cause in predictions.causes))
        raise DataError(f"no generator could be examined on this data: {why}.")
    best, pair = max(sound, key=lambda one: float(metric.gain(float(predictions.score(one[1][0])[0]))))
    return Trial(predictions, pairs, best, known[pair[1].name], seed, tried)


def _on_split(candidates: list[Candidate], split: Split, dataset: Dataset) -> list[FoldResult]:
    """All on one split, one after another: they share what a generator learned there."""
    assert dataset.classes is not None
    with one_thread():
        return [fit_and_predict(c, split, dataset, len(dataset.classes)) for c in candidates]


def _with(base: Candidate, name: str, generator: Generator, ratio: dict[int, float]) -> Candidate:
    return replace(
        base,
        name=f"{base.name}, {name}",
        label=f"{base.label}, learned from generated examples too",
        family="synthesis",
        estimator=WithSynthetic(base.estimator, generator, ratio),
        base=base.name,
        technique=f"generated examples: {name}",
    )


def _only(base: Candidate, name: str, generator: Generator) -> Candidate:
    return replace(
        base,
        name=_only_name(base.name, name),
        label=f"{base.label}, learned from generated examples alone",
        family="synthesis",
        estimator=OnlyGenerated(base.estimator, generator),
    )


def _only_name(base: str, generator: str) -> str:
    return f"{base}, only {generator}"


def _pairs(predictions: Predictions, bases: list[Candidate], generator: str) -> list[tuple[Row, Row]]:
    """(with, without) of those that could be fitted on every split."""
    rows = [(predictions.row(f"{b.name}, {generator}"), predictions.row(b.name)) for b in bases]
    return [(new, old) for new, old in rows if new.oof is not None and old.oof is not None]
