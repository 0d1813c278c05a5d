"""A model as a folder without pickle: JSON for what it is, skops for its estimators, checksums for both.

Loading somebody's model runs no code of theirs: skops builds only classes that are trusted, which are those
of handful, scikit-learn and NumPy unless the caller names more.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np

import handful
from handful.errors import RunError
from handful.evidence.conformal import Reach
from handful.files import read_json, write_json, writing
from handful.model.model import Model
from handful.model.own_weights import packed, unpacked

FORMAT = 3
PARTS = {
    "name",
    "members",
    "task",
    "modality",
    "classes",
    "origin",
    "reach",
    "temperature",
    "threshold",
    "unlike",
}
TRUSTED = ("handful.", "sklearn.", "numpy.", "scipy.")


def save(model: Model, folder: str | Path) -> Path:
    """Write the model into `folder`, replacing a model that is there."""
    folder = Path(folder)
    if folder.is_file():
        raise RunError(f"{folder} is a file; give a new or empty folder for the model.")
    if folder.exists() and any(folder.iterdir()) and not (folder / "model.json").exists():
        raise RunError(f"{folder} holds other things; give a new or empty folder for the model.")
    temporary = folder.with_name(f".{folder.name}.{uuid4().hex[:8]}.tmp")  # two may save at the same time
    try:
        with writing(folder):
            temporary.mkdir(parents=True)
            _write(model, temporary)
            shutil.rmtree(folder, ignore_errors=True)
            temporary.rename(folder)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    return folder


def _write(model: Model, folder: Path) -> None:
    import skops.io

    def stored(estimator: Any, name: str, file: str) -> dict[str, str]:
        skops.io.dump(packed(estimator, folder), folder / file)
        return {"name": name, "file": file, "sha256": checksum(folder / file)}

    members = [stored(e, name, f"member_{i}.skops") for i, (name, e) in enumerate(model.members)]
    about = {
        "handful": handful.__version__,
        "format": FORMAT,
        "name": model.name,
        "task": model.task,
        "modality": model.modality,
        "classes": None if model.classes is None else model.classes.tolist(),
        "reach": None if model.reach is None else asdict(model.reach),
        "temperature": model.temperature,
        "offsets": model.offsets,
        "threshold": model.threshold,
        "unlike": None if model.unlike is None else stored(model.unlike, "unlike", "unlike.skops"),
        "origin": model.origin,
        "members": members,
    }
    write_json(folder / "model.json", about)


def load(folder: str | Path, trusted: Sequence[str] = ()) -> Model:
    """A saved model, or the model of a run.

    Parameters
    ----------
    folder : a model's folder, or a run's
    trusted : names of further classes that may be built, such as "mylib.MyClassifier"

    Raises RunError where there is no model, a file has changed since it was saved, or a class is not trusted.
    """
    folder = Path(folder)
    if not (folder / "model.json").exists() and (folder / "model" / "model.json").exists():
        folder = folder / "model"
    if not (folder / "model.json").exists():
        is_run = (folder / "run.json").exists()
        hint = f" The run is not finished: continue it with 'handful resume {folder}'." if is_run else ""
        raise RunError(f"{folder} is neither a model nor a run that has one.{hint}")
    try:
        about = read_json(folder / "model.json")
        if not isinstance(about, dict):
            raise ValueError("it holds no JSON object")
    except ValueError as error:
        raise RunError(f"{folder / 'model.json'} is damaged ({error}); the model cannot be read.") from error
    if about.get("format") != FORMAT:
        by = about.get("handful")
        raise RunError(
            f"{folder} was saved by handful {by}, in a form that this version does not read. "
            "Fit the data again, or predict with that version."
        )
    absent = sorted(PARTS - about.keys())
    if absent:
        raise RunError(
            f"{folder / 'model.json'} is damaged (it lacks {absent[0]!r}); the model cannot be read."
        )
    return Model(
        about["name"],
        [(m["name"], _member(folder, m, trusted)) for m in about["members"]],
        about["task"],
        about["modality"],
        None if about["classes"] is None else np.array(about["classes"]),
        about["origin"],
        None if about["reach"] is None else Reach(**about["reach"]),
        about["temperature"],
        about["threshold"],
        None if about["unlike"] is None else _member(folder, about["unlike"], trusted),
        about.get("offsets"),
    )


def _member(folder: Path, member: dict[str, Any], trusted: Sequence[str]) -> Any:
    import skops.io

    file = folder / member["file"]
    if file.parent != folder or not file.exists():
        raise RunError(f"{folder}: the file {member['file']!r} of the model is missing.")
    if checksum(file) != member["sha256"]:
        raise RunError(
            f"{file} has changed since the model was saved (its SHA-256 differs); it is not loaded."
        )
    types = skops.io.get_untrusted_types(file=file)
    strange = [t for t in types if not t.startswith(TRUSTED) and t not in trusted]
    if strange:
        raise RunError(
            f"{file} wants to build {', '.join(strange)}, which is not trusted. If you know where the model "
            f"comes from, load it from Python: handful.load({str(folder)!r}, trusted={strange!r})."
        )
    return unpacked(skops.io.load(file, trusted=types), folder)


def checksum(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
