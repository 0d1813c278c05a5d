"""`handful synthesize`: generated examples on disk, with a card that says what they are worth.

A generator learns from the examples and makes up more. Whether that helps is measured before anything is
written: on the folds of `fit`, the same model with and without them. Where no gain can be shown, nothing is
written unless it is asked for, and then the first line of the card says so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone

import handful
from handful.audit import audit
from handful.data import provenance
from handful.data.dataset import Dataset, Images
from handful.data.images import decode
from handful.data.load import load
from handful.data.names import count, did_you_mean
from handful.data.schema import TableSchema
from handful.data.tables import read_table
from handful.errors import DataError, SettingsError
from handful.evidence.bootstrap import draw
from handful.evidence.comparison import difference
from handful.evidence.generated import likeness
from handful.evidence.ledger import paired_gain
from handful.evidence.predictions import Predictions, Row, tabulate
from handful.files import write_json, writing
from handful.new_data import (
    SHEET,
    check_kind,
    check_place,
    contact_sheet,
    new_folder,
    separator,
    written_like,
)
from handful.protocol.evaluate import fit_and_predict
from handful.protocol.run import Cell, versions
from handful.protocol.splits import compare_splits
from handful.quality import Compared, Made, Quality
from handful.scoring import default_metric, get_metric
from handful.settings import Settings
from handful.strategies import classic
from handful.strategies.candidate import Candidate, spec
from handful.strategies.chain import Chain
from handful.strategies.codec import RowCodec
from handful.strategies.customs import Customs, examine
from handful.strategies.decoded import Decoded, PictureCodec
from handful.strategies.generators import Copies, Generator
from handful.strategies.only_generated import OnlyGenerated
from handful.strategies.picture_generators import PictureVAE
from handful.strategies.row_generators import RowVAE
from handful.strategies.synthesis import KINDS, WithSynthetic

# Examples that are learned from and judged, at most; and generated ones in a training part, at most.
MOST_COMPARED, MOST_MADE = 1500, 1500
# Up to so many examples the folds are drawn three times: the luck of what is made up weighs less then.
FEW = 300
# The models that are tried with and without: cheap ones that see samples as vectors in one scale.
MODELS = {"image": ("thumbnail svm", "hog svm"), "table": ("svm", "logistic")}
# So many times as many as wanted are made up at most, where customs turn many back.
ROUNDS = 8
# Shown beside their nearest real examples: in the contact sheet, and in the card of a table.
SHOWN = {"image": 24, "table": 6}

Tell = Callable[[str], None]


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
    seed: int = 0,
    anyway: bool = False,
    tell: Tell = lambda _: None,
) -> Synthesized:
    """Write generated examples into `out`: a folder per class for pictures, a CSV file for a table.

    Parameters
    ----------
    per_class : examples of each class to generate
    generator : a name of `generators`, or "auto": all that are offered, and of these the one with which a
        model scores best on the folds
    target : the column to predict, for tables
    anyway : write also where no gain can be shown
    tell : called with lines of progress

    Raises SettingsError where `out` is not free or lies in the data, or an option is wrong; DataError where
    the data cannot be used, and `NoGain` where the generated examples do not help.
    """
    source, place = Path(data), Path(out)
    check_place(source, place, per_class)
    dataset = _read(source, target, seed)
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
    trial = compare(dataset, made_by, per_class, seed, tell)
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
    write = _write_pictures if dataset.modality == "image" else _write_table
    write(dataset, source, place, made, quality, about)
    return Synthesized(place, len(made.labels), quality)


def _read(source: Path, target: str | None, seed: int) -> Dataset:
    """The data with duplicates united, if it can be learned from and written like."""
    dataset = load(str(source), Settings(target=target, seed=seed))
    check_kind(dataset, source, "synthesize")
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


# --- what it is worth, on the folds


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
) -> Trial:
    """Each model with the examples of each generator, on folds of which it learned the training part alone.

    Generated examples enter in proportion: a training part of four fifths gets four fifths of `per_class`.
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

    def run(candidates: list[Candidate]) -> None:
        for split in splits:
            for candidate in candidates:
                result = fit_and_predict(candidate, split, dataset, len(counts))
                found.append((Cell(candidate, split), result))

    tell(f"{count(len(splits), 'fold')}: the models as they are")
    run(bases)
    for name, generator in made_by.items():
        tell(f"{count(len(splits), 'fold')}: generator {name}")
        run([_with(base, name, generator, ratio) for base in bases])
        run([_only(base, name, generator) for base in bases])
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


# --- what is to be written


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


# --- writing


def _write_pictures(
    dataset: Dataset, source: Path, place: Path, made: Made, quality: Quality, about: dict[str, Any]
) -> None:
    from PIL import Image, PngImagePlugin

    assert dataset.classes is not None
    grey = bool((dataset.meta["mode"].isin(["L", "1", "I;16", "LA"])).all())
    mark = PngImagePlugin.PngInfo()
    mark.add_text(*provenance.MARK)
    entries: dict[str, dict[str, str]] = {}
    number = np.arange(len(made.labels)) - np.searchsorted(made.labels, made.labels)  # within the class
    with new_folder(place) as folder:
        for pixels, label, near, k in zip(np.asarray(made.X), made.labels, made.nearest, number, strict=True):
            name = f"{dataset.classes[label]}/generated-{k:04d}.png"
            (folder / name).parent.mkdir(exist_ok=True)
            picture = Image.fromarray(pixels).resize(_shape(dataset, int(label)), Image.Resampling.LANCZOS)
            (picture.convert("L") if grey else picture).save(folder / name, pnginfo=mark)
            entries[name] = {"nearest": str(dataset.ids[near])}
        sheet = _sheet(dataset, made)
        if sheet is not None:
            sheet.save(folder / SHEET)
        write_json(folder / provenance.GENERATED, {**about, "made": entries})
        _write_card(quality, folder, [])


def _shape(dataset: Dataset, label: int) -> tuple[int, int]:
    """Width and height for a class: the usual ones of its real pictures, but no larger than was learned."""
    usual = dataset.meta.loc[dataset.y == label, ["width", "height"]].median()
    width, height = float(usual["width"]), float(usual["height"])
    scale = min(1.0, dataset.X.size / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def _sheet(dataset: Dataset, made: Made, across: int = 3, side: int = 96) -> Any:
    """Pairs of a generated picture and its nearest real one, spread over the classes, `across` in a row."""
    if not len(made.labels):
        return None
    from PIL import Image

    pixels = np.asarray(made.X)
    pairs = []
    for i in spread(len(made.labels), SHOWN["image"]):
        new = Image.fromarray(pixels[i]).resize((side, side), Image.Resampling.BICUBIC)
        pairs.append([np.asarray(new), decode(dataset.X.paths[made.nearest[i]], side)])
    rows = [[p for pair in pairs[i : i + across] for p in pair] for i in range(0, len(pairs), across)]
    return contact_sheet(rows, breaks=[2 * k for k in range(1, across)])


def spread(n: int, most: int) -> np.ndarray:
    """At most `most` positions of n, evenly spread."""
    return np.unique(np.linspace(0, n - 1, most).astype(int)) if n else np.zeros(0, dtype=int)


def _write_table(
    dataset: Dataset, source: Path, place: Path, made: Made, quality: Quality, about: dict[str, Any]
) -> None:
    frame = read_table(source)
    rows = [int(name) for name in dataset.ids]  # of the file; some may have been left out
    written = in_columns_of(frame.iloc[rows].reset_index(drop=True), dataset, made.X, made.labels)
    entries = {str(k): {"nearest": str(rows[near])} for k, near in enumerate(made.nearest)}
    shown = [
        (written.iloc[i], frame.iloc[rows[made.nearest[i]]]) for i in spread(len(written), SHOWN["table"])
    ]
    with writing(place):
        about = {**about, "target": dataset.origin["target"], "made": entries}
        write_json(provenance.file_of(place, provenance.GENERATED), about)
        _write_card(quality, place, shown)
        written.to_csv(place, index=False, sep=separator(place))


def in_columns_of(frame: pd.DataFrame, dataset: Dataset, X: pd.DataFrame, labels: np.ndarray) -> pd.DataFrame:
    """Generated rows written as those of the source: its columns, its decimals, its ranges, its words.

    frame : the source as it is written, a row for each of the data set. What names a row or is free text
    stays empty, since nothing could be learned of it.
    """
    schema = TableSchema.from_json(dataset.origin["schema"])
    out: dict[str, Any] = {name: [None] * len(X) for name in frame.columns}
    for name, why in schema.left_out.items():
        if why == "constant":
            out[name] = [frame[name].iloc[0]] * len(X)
    names = {
        c.name: [f for f in dataset.X.columns if f == c.name or f.startswith(f"{c.name} (")]
        for c in schema.columns
    }
    for column in schema.columns:
        if column.kind == "categorical":
            out[column.name] = _words(frame[column.name], dataset.X[column.name], X[column.name])
        elif column.kind == "numeric" and column.style in ("", "plain"):
            out[column.name] = _numbers(
                dataset.X[column.name].to_numpy(), X[column.name].to_numpy(dtype=float)
            )
        else:  # dates, truth values and numbers in some style of their own: written as the nearest real one
            parts = names[column.name]
            out[column.name] = _as_nearest(frame[column.name], dataset.X[parts], X[parts])
    target = dataset.origin["target"]
    first = [
        frame[target].iloc[int(np.flatnonzero(dataset.y == k)[0])] for k in range(int(dataset.y.max()) + 1)
    ]
    out[target] = [first[k] for k in labels]
    return pd.DataFrame(out, columns=list(frame.columns))


def _numbers(real: np.ndarray, made: np.ndarray) -> list[str | None]:
    low, high = np.nanmin(real), np.nanmax(real)
    return [written_like(float(np.clip(v, low, high)), real) if np.isfinite(v) else None for v in made]


def _words(written: pd.Series, real: pd.Series, made: pd.Series) -> list[Any]:
    """Categories as the source writes them; those that it does not have stay empty."""
    known: dict[Any, Any] = {}
    for text, value in zip(written, real, strict=True):
        known.setdefault(value, text)
    return [known.get(v) if isinstance(v, str) else None for v in made]


def _as_nearest(written: pd.Series, real: pd.DataFrame, made: pd.DataFrame) -> list[Any]:
    A, B = real.to_numpy(dtype=float), made.to_numpy(dtype=float)
    scale = np.where(np.nanstd(A, axis=0) > 0, np.nanstd(A, axis=0), 1.0)
    there = np.flatnonzero(np.isfinite(A).all(axis=1))
    out: list[Any] = []
    for row in B:
        if not np.isfinite(row).all() or not len(there):
            out.append(None)
            continue
        out.append(written.iloc[there[(((A[there] - row) / scale) ** 2).sum(axis=1).argmin()]])
    return out


def _write_card(quality: Quality, place: Path, shown: list[tuple[pd.Series, pd.Series]]) -> None:
    as_json, as_text = (provenance.file_of(place, name) for name in provenance.QUALITY)
    write_json(as_json, quality.to_json())
    as_text.write_text(quality.markdown(shown), encoding="utf-8")
