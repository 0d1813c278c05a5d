"""Generated examples on disk, in the form of their source: a folder of pictures a class, or a table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from handful.data import provenance
from handful.data.dataset import Dataset
from handful.data.images import decode
from handful.data.schema import TableSchema, feature_names
from handful.data.tables import read_table
from handful.files import write_json, writing
from handful.making.place import (
    SHEET,
    contact_sheet,
    new_folder,
    separator,
    written_like,
)
from handful.making.quality import Made, Quality

# Shown beside their nearest real examples: in the contact sheet, and in the card of a table.
SHOWN = {"image": 24, "table": 6}


def write_pictures(
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


def write_table(
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
    for column in schema.columns:
        if column.kind == "categorical":
            out[column.name] = _words(frame[column.name], dataset.X[column.name], X[column.name])
        elif column.kind == "numeric" and column.style in ("", "plain"):
            out[column.name] = _numbers(
                dataset.X[column.name].to_numpy(), X[column.name].to_numpy(dtype=float)
            )
        else:  # dates, truth values and numbers in some style of their own: written as the nearest real one
            parts = feature_names(column)
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
