"""`handful synthesize`: generated examples on disk, with a card that says what they are worth.

A generator learns from the examples and makes up more. Whether that helps is measured before anything is
written: on the folds of `fit`, the same model with and without them. Where no gain can be shown, nothing is
written unless it is asked for, and then the first line of the card says so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone

import handful
from handful.audit import audit
from handful.data.dataset import Dataset, Images
from handful.data.load import load
from handful.data.names import did_you_mean
from handful.errors import DataError, SettingsError
from handful.evidence.bootstrap import draw
from handful.evidence.comparison import difference
from handful.evidence.generated import likeness
from handful.evidence.ledger import paired_gain
from handful.evidence.predictions import Predictions, Row
from handful.making.place import (
    check_kind,
    check_place,
)
from handful.making.quality import Compared, Made, Quality
from handful.making.trial import Tell, Trial, compare
from handful.making.writing import write_pictures, write_table
from handful.protocol.run import versions
from handful.settings import Settings
from handful.strategies.candidate import Candidate, spec
from handful.strategies.chain import Chain
from handful.strategies.codec import RowCodec
from handful.strategies.customs import Customs, examine
from handful.strategies.decoded import Decoded, PictureCodec
from handful.strategies.generators import Copies, Generator
from handful.strategies.picture_generators import PictureVAE
from handful.strategies.row_generators import RowVAE
from handful.strategies.synthesis import KINDS

MOST_COMPARED = 1500  # examples that are learned from
# So many times as many as wanted are made up at most, where customs turn many back.
ROUNDS = 8


@dataclass(frozen=True)
class Kind:
    """A generator by name: what it is in plain words, and how it is made for a data set (SPACE "X").

    `offered` says whether "auto" tries it.
    """

    label: str
    make: Callable[[Dataset], Generator]
    offered: bool = True


def generators(modality: str) -> dict[str, Kind]:
    """What can write samples of this modality, by name."""
    found: dict[str, Kind] = {}
    codec = PictureCodec() if modality == "image" else RowCodec()
    for name in ("gaussian", "kde", "smote"):
        known = KINDS[name]
        words = f"{known.words}, {'on principal components' if modality == 'image' else 'on coded rows'}"
        found[name] = Kind(words, _decoded(codec, known.generator))
    if modality == "image":
        found["vae"] = Kind("conditional variational autoencoder", lambda _: PictureVAE())
    else:
        found["vae"] = Kind("conditional variational autoencoder of rows", lambda _: RowVAE())
    found["copies"] = Kind("the examples once more: what memorises", lambda _: Copies(), offered=False)
    return found


def _decoded(codec: Any, generator: Generator) -> Callable[[Dataset], Generator]:
    return lambda _: Decoded(codec, generator)


class NoGain(DataError):
    """Nothing was written, since no gain could be shown; `quality` is the card."""

    def __init__(self, message: str, quality: Quality) -> None:
        super().__init__(message)
        self.quality = quality


@dataclass(frozen=True)
class Synthesized:
    """What was written: where, and what it is worth."""

    path: Path
    written: int
    quality: Quality


def synthesize(
    data: str | Path,
    out: str | Path,
    *,
    per_class: int,
    generator: str = "auto",
    target: str | None = None,
    groups: str | None = None,
    drop_classes: Sequence[str] = (),
    seed: int = 0,
    anyway: bool = False,
    jobs: int | None = None,
    tell: Tell = lambda _: None,
) -> Synthesized:
    """Write generated examples into `out`: a folder per class for pictures, a CSV file for a table.

    Parameters
    ----------
    per_class : examples of each class to generate
    generator : a name of `generators`, or "auto": all that are offered, and of these the one with which a
        model scores best on the folds
    target : the column to predict, for tables
    groups, drop_classes : as for `fit`
    anyway : write also where no gain can be shown
    jobs : worker processes; all cores unless given
    tell : called with lines of progress

    Raises SettingsError where `out` is not free or lies in the data, or an option is wrong; DataError where
    the data cannot be used, and `NoGain` where the generated examples do not help.
    """
    source, place = Path(data), Path(out)
    check_place(source, place, per_class)
    settings = Settings(target=target, groups=groups, drop_classes=tuple(drop_classes), seed=seed)
    dataset = _read(source, place, settings)
    for finding in dataset.findings:
        if finding.kind == "damaged file":
            tell(finding.message)
    known = generators(dataset.modality)
    if generator not in ("auto", *known):
        names = ("auto", *known)
        raise SettingsError(
            f"--generator {generator!r} is unknown.{did_you_mean(generator, names)} There are "
            f"{', '.join(names)}."
        )
    offered = [k for k, kind in known.items() if kind.offered] if generator == "auto" else [generator]
    made_by = {name: known[name].make(dataset) for name in offered}
    trial = compare(dataset, made_by, per_class, seed, tell, jobs)
    best = trial.best
    made = make(dataset, made_by[best], trial.model, per_class, seed, fill=anyway)
    quality = _quality(dataset, trial, made, per_class, {name: known[name].label for name in offered})
    if not quality.helps and not anyway:
        raise NoGain(f"{quality.verdict} So nothing was written; --anyway writes it all the same.", quality)
    about = {
        "handful": handful.__version__,
        "made by": "handful synthesize",
        "source": str(source.absolute()),
        "learned from": len(dataset),
        "generator": best,
        "arguments": spec(made_by[best]),
        "seed": seed,
        "per class": per_class,
        "helps": quality.helps,
        "versions": versions(),
    }
    write = write_pictures if dataset.modality == "image" else write_table
    write(dataset, source, place, made, quality, about)
    return Synthesized(place, len(made.labels), quality)


def _read(source: Path, place: Path, settings: Settings) -> Dataset:
    """The data with duplicates united, if it can be learned from and written like."""
    dataset = load(str(source), settings)
    check_kind(dataset, source, place, "synthesize")
    if dataset.classes is None:
        raise SettingsError(
            f"handful synthesize makes up examples of classes, and the target {dataset.origin['target']!r} "
            "is a number. For a table with numbers to predict see 'handful augment --policy mixup'."
        )
    if dataset.copies.any():
        raise SettingsError(f"{source} holds augmented copies. Generate from what they were made from.")
    if len(dataset) > MOST_COMPARED:
        raise SettingsError(
            f"handful synthesize learns from up to {MOST_COMPARED:,} examples, and there are "
            f"{len(dataset):,}: with so many, generated ones are not what is missing. Give a part of them."
        )
    return audit(dataset)


def make(
    dataset: Dataset,
    generator: Generator,
    model: Candidate,
    per_class: int,
    seed: int = 0,
    *,
    fill: bool = False,
) -> Made:
    """Generated samples that pass customs, by class: `per_class` of each, or as many as there are.

    fill : where too few pass, others of those that were made up take the places that are left
    """
    assert dataset.classes is not None
    chain = model.estimator
    steps = Chain(chain.features, chain.head).fit(dataset.X, dataset.y).features_
    Z = seen(dataset.X, steps)
    learned = (
        Candidate("", "", "synthesis", clone(generator)).fresh(seed).fit(dataset.X, dataset.y, dataset.groups)
    )
    lacking = np.full(len(dataset.classes), per_class)
    drawn: list[tuple[Any, np.ndarray, np.ndarray, Customs]] = []
    for attempt in range(ROUNDS):
        labels = np.repeat(np.flatnonzero(lacking > 0), per_class)
        if not len(labels):
            break
        some = learned.sample(
            labels, seed=int(np.random.SeedSequence([seed, 61, attempt]).generate_state(1)[0])
        )
        looked = seen(some, steps)
        judged = examine(Z, dataset.y, looked, labels, dataset.groups, model=chain.head)
        drawn.append((some, labels, looked, judged))
        lacking -= np.bincount(labels[judged.enters], minlength=len(lacking))
    X, looked = _stacked([d[0] for d in drawn]), np.concatenate([d[2] for d in drawn])
    labels = np.concatenate([d[1] for d in drawn])
    judged = Customs(
        *(np.concatenate([getattr(d[3], k) for d in drawn]) for k in ("disagrees", "copy", "far"))
    )
    order = np.argsort(~judged.enters, kind="stable") if fill else np.flatnonzero(judged.enters)
    taken = np.concatenate([order[labels[order] == k][:per_class] for k in range(len(lacking))])
    like = likeness(Z, dataset.y, looked[taken], labels[taken]) if len(taken) else None
    return Made(
        _rows(X, taken), labels[taken], _nearest(looked[taken], Z), judged, judged.enters[taken], like
    )


def seen(X: Any, steps: list[Any]) -> np.ndarray:
    """Samples as a model's head sees them: `(n, d)`."""
    Z = Images.unnamed(X) if isinstance(X, np.ndarray) and X.ndim == 4 else X
    for step in steps:
        Z = step.transform(Z)
    return np.asarray(Z, dtype=float)


def _nearest(made: np.ndarray, Z: np.ndarray) -> np.ndarray:
    from sklearn.metrics.pairwise import euclidean_distances

    return euclidean_distances(made, Z).argmin(axis=1) if len(made) else np.zeros(0, dtype=int)


def _rows(X: Any, rows: np.ndarray) -> Any:
    return X.iloc[rows].reset_index(drop=True) if isinstance(X, pd.DataFrame) else X[rows]


def _stacked(parts: list[Any]) -> Any:
    if isinstance(parts[0], pd.DataFrame):
        return pd.concat(parts, ignore_index=True)
    return np.concatenate([np.asarray(part) for part in parts])


def _quality(dataset: Dataset, trial: Trial, made: Made, per_class: int, labels: dict[str, str]) -> Quality:
    """The card."""
    assert dataset.classes is not None
    predictions, metric = trial.predictions, trial.predictions.metric
    bootstrap = draw(predictions.unit, predictions.covered, seed=trial.seed)

    def score(row: Row) -> float | None:
        return None if row.oof is None else float(predictions.score(row)[0])

    # All generators stand in one choice: what picking the best of them flatters is taken off.
    (_, base), gain = paired_gain(predictions, bootstrap, [p for some in trial.pairs.values() for p in some])
    compared = []
    for name, some in trial.pairs.items():
        if not some:
            compared.append(Compared(name, labels[name], reason=_why(predictions, name)))
            continue
        (new, old), own = paired_gain(predictions, bootstrap, some)
        compared.append(Compared(name, labels[name], old.label, score(new), score(old), own))
    only = trial.only(trial.best, base)
    return Quality(
        generator=trial.best,
        label=labels[trial.best],
        model=base.label,
        metric=metric,
        gain=gain,
        real=score(base),
        only=score(only),
        only_less=difference(predictions, only, base) if only.oof is not None else None,
        n=len(dataset),
        folds=len(predictions.splits),
        per_class=per_class,
        tried_per_class=trial.tried_per_class,
        classes=[str(c) for c in dataset.classes],
        made=made,
        compared=compared,
        seed=trial.seed,
    )


def _why(predictions: Predictions, generator: str) -> str:
    failed = [r.failed for r in predictions.rows if r.name.endswith(f", {generator}") and r.failed]
    return failed[0] if failed else "it could not be examined"
