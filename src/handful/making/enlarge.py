"""`handful augment`: a larger data set on disk, made of one that is there, which says what is made of what.

Copies hold what their originals hold and nothing new. They are for other tools, or for looking; inside
`handful fit` augmentation is tried anyway, in every fold anew.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import handful
from handful.data import provenance
from handful.data.dataset import Dataset, pixel_digest
from handful.data.images import decode
from handful.data.load import load
from handful.data.names import did_you_mean
from handful.data.schema import TableSchema
from handful.data.tables import read_table
from handful.errors import DataError, SettingsError
from handful.files import write_json, writing
from handful.making.place import (
    SHEET,
    check_kind,
    check_place,
    contact_sheet,
    new_folder,
    separator,
    written_like,
)
from handful.nets.augment import POLICIES, copies
from handful.protocol.evaluate import fit_and_predict
from handful.protocol.run import Cell
from handful.protocol.splits import compare_splits
from handful.scoring import default_metric, get_metric
from handful.settings import Settings
from handful.strategies import augmentation, classic
from handful.strategies.candidate import Candidate

# A copy is no larger than this on its longer side.
MOST_SIDE = 512
# Samples on which "auto" compares policies, at most.
MOST_COMPARED = 1500
# What can be written down: one picture or row, one label.
ON_IMAGES = tuple(k for k, p in POLICIES.items() if p.change is not None)
ON_TABLES = ("noise", "mixup")


@dataclass(frozen=True)
class Enlarged:
    """What was written: where, under which policy, how many originals and copies; and why that policy."""

    path: Path
    policy: str
    originals: int
    copies: int
    why: str
    noticed: tuple[str, ...] = ()


def enlarge(
    data: str | Path,
    out: str | Path,
    *,
    per_class: int | None = None,
    policy: str = "auto",
    target: str | None = None,
    groups: str | None = None,
    drop_classes: Sequence[str] = (),
    seed: int = 0,
) -> Enlarged:
    """Write the data with augmented copies into `out`: a folder for pictures, a CSV file for a table.

    Parameters
    ----------
    per_class : examples of each class that there shall be in the end; twice the largest class unless given
    policy : one of `ON_IMAGES` or `ON_TABLES`, or "auto": the one that helps most in cross-validation
    target : the column to predict, for tables
    groups, drop_classes : as for `fit`; the examples of such a class are not written

    Raises SettingsError where `out` is not free or lies in the data, or an option is wrong; DataError where
    the data cannot be used, or no policy helped.
    """
    source, place = Path(data), Path(out)
    check_place(source, place, per_class)
    settings = Settings(target=target, groups=groups, drop_classes=tuple(drop_classes), seed=seed)
    dataset = load(str(source), settings)
    check_kind(dataset, source, place, "augment")
    if dataset.copies.any():
        raise SettingsError(f"{source} holds copies already. Augment what they were made from.")
    _check_policy(policy, dataset.modality)
    why = ""
    if policy == "auto":
        policy, why = chosen_policy(dataset, seed)
    wanted = _wanted(dataset, per_class)
    seeds = np.random.default_rng([seed, 17]).integers(0, 2**31, sum(wanted.values())).tolist()
    plan = [(i, seeds.pop()) for i, times in wanted.items() for _ in range(times)]
    about: dict[str, Any] = {
        "handful": handful.__version__,
        "source": str(source.absolute()),
        "policy": policy,
        "seed": seed,
    }
    write = _write_pictures if dataset.modality == "image" else _write_table
    made = write(dataset, source, place, policy, plan, about)
    noticed = [f.message for f in dataset.findings if f.kind == "damaged file"]
    if made < len(plan):
        noticed.append(
            f"{made} of {len(plan)} copies were made: {policy!r} makes no others of these pictures. "
            "Another --policy does."
        )
    return Enlarged(place, policy, len(dataset), made, why, tuple(noticed))


def chosen_policy(dataset: Dataset, seed: int = 0) -> tuple[str, str]:
    """The policy with the largest mean gain over the same models without it, and that in words.

    On the folds that `fit` would use, with support vector machines; DataError where none is above nothing.
    """
    if len(dataset) > MOST_COMPARED:
        raise SettingsError(
            f"--policy auto compares policies on up to {MOST_COMPARED:,} examples; there are "
            f"{len(dataset):,}. Name a policy."
        )
    pairs = _compared(dataset)
    settings = Settings(seed=seed)
    metric = get_metric(
        default_metric(dataset.task, dataset.y, dataset.classes), dataset.task, dataset.y, dataset.classes
    )
    candidates = list({c.name: c for _, *pair in pairs for c in pair}.values())
    K = None if dataset.classes is None else len(dataset.classes)
    cells = [Cell(c, s) for s in compare_splits(dataset, settings) for c in candidates]
    from handful.evidence.predictions import tabulate

    found = tabulate(dataset, metric, [(c, fit_and_predict(c.candidate, c.split, dataset, K)) for c in cells])
    score = {row.name: float(metric.gain(float(found.score(row)[0]))) for row in found.rows}
    gains: dict[str, list[float]] = {}
    for policy, base, changed in pairs:
        gains.setdefault(policy, []).append(score[changed.name] - score[base.name])
    mean = {policy: float(np.nanmean(g)) for policy, g in gains.items()}
    unit = 100 if metric.percent else 1
    told = ", ".join(f"{k} {unit * v:+.3g}" for k, v in sorted(mean.items(), key=lambda kv: -kv[1]))
    best = max(mean, key=lambda k: mean[k])
    if not mean[best] > 0:
        raise DataError(
            f"no policy made the models better than the examples as they are ({metric.label}: {told}), so "
            "nothing was written. Name one with --policy if you want it all the same."
        )
    return best, f"{metric.label} against the same models without it: {told}"


def _compared(dataset: Dataset) -> list[tuple[str, Candidate, Candidate]]:
    """(policy, candidate without it, candidate with it)."""
    known = {c.name: c for c in classic.candidates(dataset, Settings())}
    if dataset.modality == "table":
        bases = [known[name] for name in ("svm", "svr") if name in known]
        return [(way, base, augmentation.with_more_rows(base, way)) for base in bases for way in ON_TABLES]
    bases = [known[name] for name in augmentation.PLAIN_MODELS if name in known]
    most = max(augmentation.MOST_ROWS["quick"], 2 * len(dataset))
    with_views = [k for k in ON_IMAGES if POLICIES[k].views]
    return [(k, base, augmentation.on_views(base, k, most)) for base in bases for k in with_views]


def _check_policy(policy: str, modality: str) -> None:
    known = ("auto", *(ON_IMAGES if modality == "image" else ON_TABLES))
    if policy in POLICIES and POLICIES[policy].mix is not None and modality == "image":
        raise SettingsError(
            f"--policy {policy} mixes labels too, which no class folder can hold; it works inside training "
            f"only. Choose one of {', '.join(known)}."
        )
    if policy not in known:
        raise SettingsError(
            f"--policy {policy!r} is unknown.{did_you_mean(policy, known)} There are {', '.join(known)}."
        )


def _wanted(dataset: Dataset, per_class: int | None) -> dict[int, int]:
    """How many copies of each sample: as even as can be within a class."""
    if dataset.classes is None:
        if per_class is not None:
            raise SettingsError("--per-class is for classes; this target is a number.")
        parts, n = [np.arange(len(dataset))], 2 * len(dataset)
    else:
        parts = [np.flatnonzero(dataset.y == k) for k in range(len(dataset.classes))]
        n = 2 * max(map(len, parts)) if per_class is None else per_class
    wanted: dict[int, int] = {}
    for rows in parts:
        each, over = divmod(max(0, n - len(rows)), len(rows))
        wanted |= {int(i): each + (j < over) for j, i in enumerate(rows)}
    if not any(wanted.values()):
        raise SettingsError(
            f"--per-class {per_class}: every class has as many already, so none is to be made."
        )
    return {i: times for i, times in wanted.items() if times}


TRIES = 16  # for a copy that equals neither its original nor an earlier copy
Plan = list[tuple[int, int]]  # position of the original, seed of the copy


def _write_pictures(
    dataset: Dataset, source: Path, place: Path, policy: str, plan: Plan, about: dict[str, Any]
) -> int:
    """How many copies there are: fewer than planned where the policy makes no other of a picture."""
    from PIL import Image

    with new_folder(place) as folder:
        for name, path in zip(dataset.ids, dataset.X.paths, strict=True):
            (folder / str(name)).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, folder / str(name))
        made: dict[str, dict[str, Any]] = {}
        known: dict[int, set[str]] = {}
        for i, first in plan:
            side = int(min(MOST_SIDE, dataset.meta[["width", "height"]].iloc[i].max()))
            picture = decode(dataset.X.paths[i], max(32, side))
            before = known.setdefault(i, {pixel_digest(picture)})
            for seed in range(first, first + TRIES):
                square = copies(picture, policy, [seed])[0]
                if pixel_digest(square) not in before:
                    break
            else:
                continue
            name = _free_name(str(dataset.ids[i]), len(before), folder)
            before.add(pixel_digest(square))
            shape = _shape(dataset, i, side)
            Image.fromarray(square).resize(shape, Image.Resampling.LANCZOS).save(folder / name)
            made[name] = {"of": str(dataset.ids[i]), "seed": seed}
        _sheet(folder, made).save(folder / SHEET)
        write_json(folder / provenance.NAME, {**about, "copies": made})
    return len(made)


def _shape(dataset: Dataset, i: int, side: int) -> tuple[int, int]:
    """Width and height of a copy, in the proportions of what it is made from."""
    width, height = (int(v) for v in dataset.meta[["width", "height"]].iloc[i])
    scale = side / max(width, height)
    return max(1, round(width * scale)), max(1, round(height * scale))


def _free_name(name: str, number: int, folder: Path) -> str:
    """`cat/tom~1.png` for `cat/tom.jpg`; further on where such a file is there."""
    stem = os.path.splitext(name)[0]
    while (folder / f"{stem}~{number}.png").exists():
        number += 1000
    return f"{stem}~{number}.png"


def _sheet(
    folder: Path, made: dict[str, dict[str, Any]], rows: int = 12, across: int = 6, side: int = 96
) -> Any:
    """A picture of some originals (first column) with their copies, spread over the classes."""
    of: dict[str, list[str]] = {}
    for name, entry in made.items():
        of.setdefault(entry["of"], []).append(name)
    originals = list(of)
    shown = [originals[i] for i in np.unique(np.linspace(0, len(originals) - 1, rows).astype(int))]
    named = [[original, *of[original]][:across] for original in shown]
    return contact_sheet([[decode(folder / name, side) for name in row] for row in named])


def _write_table(
    dataset: Dataset, source: Path, place: Path, policy: str, plan: Plan, about: dict[str, Any]
) -> int:
    frame = read_table(source)
    target = dataset.origin["target"]
    schema = TableSchema.from_json(dataset.origin["schema"])
    numbers = {c.name: c.style for c in schema.columns if c.kind == "numeric"}  # how each is written
    rows = [int(name) for name in dataset.ids]  # of the file; some may have been left out
    if "dropped_classes" in dataset.origin:
        frame, rows = frame.iloc[rows].reset_index(drop=True), list(range(len(rows)))
    made, entries = [], {}
    for k, (i, seed) in enumerate(plan):
        line, with_whom = _copied_row(dataset, i, policy, numbers, np.random.default_rng(seed), frame, rows)
        made.append(line)
        entry = {"of": str(rows[i]), "seed": seed}
        entries[str(len(frame) + k)] = entry if with_whom is None else {**entry, "with": str(rows[with_whom])}
    larger = pd.concat([frame, pd.DataFrame(made, columns=frame.columns)], ignore_index=True)
    with writing(place):
        write_json(provenance.file_of(place), {**about, "target": target, "copies": entries})
        larger.to_csv(place, index=False, sep=separator(place))
    return len(made)


def _copied_row(
    dataset: Dataset,
    i: int,
    policy: str,
    numbers: Mapping[str, str],
    random: np.random.Generator,
    frame: pd.DataFrame,
    rows: list[int],
) -> tuple[list[Any], int | None]:
    """The cells of one copy, and the position of the row it was mixed with."""
    line = frame.iloc[rows[i]].to_dict()
    X, with_whom, share = dataset.X, None, 1.0
    if policy == "mixup":
        same = (
            np.arange(len(dataset)) if dataset.classes is None else np.flatnonzero(dataset.y == dataset.y[i])
        )
        with_whom = int(random.choice(same))
        share = max(v := float(random.beta(0.4, 0.4)), 1 - v)
        if dataset.classes is None:
            value = float(share * dataset.y[i] + (1 - share) * dataset.y[with_whom])
            line[dataset.origin["target"]] = written_like(value, dataset.y, dataset.origin["target_style"])
    for column, style in numbers.items():
        values = X[column].to_numpy()
        if with_whom is None:
            new = values[i] + 0.1 * np.nanstd(values) * random.standard_normal()
            new = np.clip(new, np.nanmin(values), np.nanmax(values))
        else:
            new = share * values[i] + (1 - share) * values[with_whom]
        if np.isfinite(new):
            line[column] = written_like(float(new), values, style)
    return [line[c] for c in frame.columns], with_whom
