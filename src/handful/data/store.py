"""A `Dataset` in a folder: arrays as npy and npz, the rest as JSON, no pickle.

`dataset.json` is written last and under its final name only when it is whole: a folder without it holds
an interrupted save.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from handful.data.columns import TEXT
from handful.data.dataset import Dataset, Finding, Images
from handful.data.images import create_pixels
from handful.data.picture_column import PictureArray, pictures_folder
from handful.errors import RunError

_MARKER = "dataset.json"
_FORMAT = 1


def save(dataset: Dataset, folder: Path) -> None:
    """Write the data set into `folder`; `open_dataset` gives it back, to the last bit.

    Pixels that `load` has already put there are not written again.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _MARKER).unlink(missing_ok=True)
    arrays: dict[str, np.ndarray] = {"y": dataset.y}
    if dataset.groups is not None:
        arrays["groups"] = dataset.groups
    description: dict[str, Any] = {
        "format": _FORMAT,
        "n": len(dataset),
        "task": dataset.task,
        "modality": dataset.modality,
        "ids": [str(i) for i in dataset.ids],
        "classes": _pack_values(dataset.classes),
        "origin": dataset.origin,
        "findings": [asdict(finding) for finding in dataset.findings],
        "meta": _pack_frame(dataset.meta, "meta", arrays, folder / "meta"),
        "X": _pack_content(dataset.X, "X", arrays, folder),
        "unlabelled": _pack_content(dataset.unlabelled, "unlabelled", arrays, folder),
        "digest": digest(dataset),
    }
    _write(folder / "arrays.npz", lambda file: np.savez(file, allow_pickle=False, **arrays))
    # The description is the promise that everything else is there, so it comes last.
    text = json.dumps(description, allow_nan=False, indent=1)
    _write(folder / _MARKER, lambda file: file.write(text.encode("ascii")))


def open_dataset(folder: Path) -> Dataset:
    """The data set that `save` wrote; pixels stay on disk and are read where they are used.

    RunError where the folder holds none, an unfinished one, or a damaged one.
    """
    if not (folder / _MARKER).is_file():
        state = "an unfinished" if (folder / "arrays.npz").exists() or _pixels(folder, "X").exists() else "no"
        raise RunError(
            f"{str(folder)!r} holds {state} data set: {_MARKER} is missing. Run handful fit again."
        )
    try:
        description = json.loads((folder / _MARKER).read_text(encoding="ascii"))
        if description["format"] != _FORMAT:
            raise RunError(
                f"{str(folder)!r} was written in format {description['format']}, and this version reads "
                f"format {_FORMAT}. Use the version that wrote it, or run handful fit again."
            )
        with np.load(folder / "arrays.npz", allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        return _unpack(description, arrays, folder)
    except RunError:
        raise
    except Exception as error:  # a damaged zip, npy or JSON can raise nearly anything
        raise RunError(
            f"the data set in {str(folder)!r} is damaged ({type(error).__name__}: {error}). "
            "Run handful fit again."
        ) from error


def digest(dataset: Dataset) -> str:
    """A name for what is learned from, with labels or without: content, labels, classes and groups; not ids,
    paths or findings.
    """
    total = hashlib.sha256(f"{dataset.modality} {dataset.task} {len(dataset)}".encode())
    _add_content(total, dataset.X)
    for part in (dataset.y, dataset.groups):
        total.update(b"|" if part is None else f"|{part.dtype.str}".encode() + part.tobytes())
    total.update(json.dumps(_pack_values(dataset.classes)).encode())
    if dataset.unlabelled is not None:
        total.update(b"|unlabelled|")
        _add_content(total, dataset.unlabelled)
    return total.hexdigest()[:32]


def sample_digests(X: Any) -> np.ndarray:
    """A name for the content of each sample `(n,)`: equal samples have equal names."""
    if isinstance(X, Images):
        return X.digests
    return pd.util.hash_pandas_object(pd.DataFrame(X), index=False).to_numpy()


def _unpack(description: dict[str, Any], arrays: dict[str, np.ndarray], folder: Path) -> Dataset:
    return Dataset(
        X=_unpack_content(description["X"], "X", arrays, folder),
        y=arrays["y"],
        ids=np.array(description["ids"], dtype=str),
        meta=_unpack_frame(description["meta"], "meta", arrays, folder / "meta"),
        task=description["task"],
        modality=description["modality"],
        classes=_unpack_values(description["classes"]),
        groups=arrays.get("groups"),
        origin=description["origin"],
        findings=[Finding(**finding) for finding in description["findings"]],
        unlabelled=_unpack_content(description["unlabelled"], "unlabelled", arrays, folder),
    )


def _pack_content(X: Any, name: str, arrays: dict[str, np.ndarray], folder: Path) -> dict[str, Any] | None:
    """X as arrays and a description of them."""
    if X is None:
        return None
    if isinstance(X, Images):
        return {"kind": "images", **_pack_images(X, _pixels(folder, name))}
    if isinstance(X, pd.DataFrame):
        return {"kind": "table", "frame": _pack_frame(X, name, arrays, _pixels(folder, name).parent)}
    return {"kind": "text", "values": list(X)}


def _unpack_content(packed: dict[str, Any] | None, name: str, arrays: dict[str, Any], folder: Path) -> Any:
    if packed is None:
        return None
    if packed["kind"] == "images":
        return _unpack_images(packed, _pixels(folder, name))
    if packed["kind"] == "table":
        return _unpack_frame(packed["frame"], name, arrays, _pixels(folder, name).parent)
    return _objects(packed["values"])


def _pack_images(images: Images, path: Path) -> dict[str, Any]:
    _write_pixels(images, path)
    return {"digests": images.digests.tolist(), "paths": images.paths, "shape": list(images.shape)}


def _unpack_images(packed: dict[str, Any], path: Path) -> Images:
    shape = tuple(packed["shape"])
    pixels = np.load(path, mmap_mode="r", allow_pickle=False) if shape[0] else np.zeros(shape, np.uint8)
    if pixels.shape != shape:
        raise RunError(f"{str(path)!r} holds {pixels.shape} pixels and not {shape}.")
    return Images(pixels, np.array(packed["digests"], dtype="<U32"), packed["paths"])


def _pixels(folder: Path, name: str) -> Path:
    return folder / "pixels.npy" if name == "X" else folder / name / "pixels.npy"


def _write_pixels(X: Images, path: Path) -> None:
    """The pixels of X in their order, unless the file holds just them."""
    if X.is_whole_file(path) or len(X) == 0:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    stored = create_pixels(part, X.shape)
    for i in range(len(X)):
        stored[i] = X[i]
    stored.flush()
    os.replace(part, path)


def _pack_frame(
    frame: pd.DataFrame, name: str, arrays: dict[str, np.ndarray], folder: Path
) -> list[dict[str, Any]]:
    """Number columns go into `arrays` by dtype, one matrix each; pixels into files; the others are listed."""
    packed: list[dict[str, Any]] = []
    stacks: dict[str, list[np.ndarray]] = {}
    pictures = 0
    for column in frame.columns:
        if isinstance(frame[column].array, PictureArray):
            seen = frame[column].array.compact()
            path = pictures_folder(folder, pictures) / "pixels.npy"
            packed.append(
                {"name": str(column), "rows": seen.rows.tolist(), "pictures": _pack_images(seen.images, path)}
            )
            pictures += 1
            continue
        values = frame[column].to_numpy()
        if frame[column].dtype == TEXT:
            packed.append({"name": str(column), "texts": values.tolist()})
        elif values.dtype.kind in "biuf":
            kind = values.dtype.str
            stacks.setdefault(kind, []).append(values)
            packed.append({"name": str(column), "dtype": kind})
        else:
            listed = [None if v is None or v != v else v for v in values.tolist()]
            packed.append({"name": str(column), "values": listed})
    for kind, columns in stacks.items():
        arrays[f"{name}{kind}"] = np.stack(columns, axis=1)
    return packed


def _unpack_frame(
    packed: list[dict[str, Any]], name: str, arrays: dict[str, np.ndarray], folder: Path
) -> pd.DataFrame:
    columns: dict[str, pd.Series] = {}
    taken: dict[str, int] = {}
    pictures = 0
    for column in packed:
        if "pictures" in column:
            images = _unpack_images(column["pictures"], pictures_folder(folder, pictures) / "pixels.npy")
            pictures += 1
            columns[column["name"]] = pd.Series(PictureArray(images, np.array(column["rows"], np.int64)))
        elif "texts" in column:
            columns[column["name"]] = pd.Series(pd.array(column["texts"], dtype=TEXT))
        elif "dtype" in column:
            kind = column["dtype"]
            i = taken.get(kind, 0)
            taken[kind] = i + 1
            columns[column["name"]] = pd.Series(arrays[f"{name}{kind}"][:, i].copy())
        else:
            columns[column["name"]] = pd.Series(_objects(column["values"]), dtype=object)
    return pd.DataFrame(columns)


def _pack_values(values: np.ndarray | None) -> dict[str, Any] | None:
    """Class labels with their dtype; JSON keeps int, float, bool and str apart, floats to the last bit."""
    if values is None:
        return None
    dtype = "object" if values.dtype == object else values.dtype.str
    return {"dtype": dtype, "values": values.tolist()}


def _unpack_values(packed: dict[str, Any] | None) -> np.ndarray | None:
    if packed is None:
        return None
    if packed["dtype"] == "object":
        return _objects(packed["values"])
    return np.array(packed["values"], dtype=packed["dtype"])


def _objects(values: list[Any]) -> np.ndarray:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def _add_content(total: Any, X: Any) -> None:
    if isinstance(X, Images):
        total.update(f"{X.shape}".encode() + "".join(X.digests.tolist()).encode())
    elif isinstance(X, pd.DataFrame):
        for name in X.columns:
            own = X[name].array
            values = own.digests if isinstance(own, PictureArray) else X[name].to_numpy()
            numeric = values.dtype.kind == "f"
            # + 0.0 gives both zeros one form; NaN has many bit patterns, and means the same in each.
            content = np.where(np.isnan(values), np.nan, values + 0.0).tobytes() if numeric else b""
            total.update(json.dumps([str(name), numeric]).encode() + content)
            total.update(b"" if numeric else json.dumps(values.tolist()).encode())
    else:
        total.update(json.dumps(list(X)).encode())


def _write(path: Path, write: Any) -> None:
    """A file that is whole or not there: written under another name, then renamed."""
    part = path.with_name(path.name + ".part")
    try:
        with open(part, "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise RunError(
            f"{str(path)!r} cannot be written: {error.strerror}. "
            "Make room, or choose another folder with --out."
        ) from None
