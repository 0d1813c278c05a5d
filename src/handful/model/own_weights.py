"""Files of weights that a model's backbones name by their path travel with the model."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from sklearn.base import BaseEstimator


def packed(estimator: Any, folder: Path) -> Any:
    """The estimator as it is stored in `folder`: the files are copied there and named without their place."""
    copied: dict[Path, str] = {}

    def named(path: str) -> str:
        source = Path(path).expanduser()
        if source not in copied:
            copied[source] = _free_name(source, folder)
            shutil.copyfile(source, folder / copied[source])
        return copied[source]

    return _renamed(estimator, named)


def unpacked(estimator: Any, folder: Path) -> Any:
    """The estimator as it works where `folder` lies now."""
    return _renamed(estimator, lambda name: str((folder / name).absolute()))


def _renamed(estimator: Any, named: Callable[[str], str]) -> Any:
    """The same, or a copy in which every `ARCHITECTURE=FILE` has the file that `named` gives."""
    if not any(True for _ in _with_file(estimator)):
        return estimator
    estimator = copy.deepcopy(estimator)
    for part in {id(part): part for part in _with_file(estimator)}.values():
        architecture, _, path = part.backbone.partition("=")
        part.backbone = f"{architecture}={named(path)}"
    return estimator


def _with_file(part: Any) -> Iterator[Any]:
    """The estimators in it, unfitted and fitted, whose `backbone` is a file."""
    if isinstance(part, (list, tuple)):
        for one in part:
            yield from _with_file(one)
    elif isinstance(part, BaseEstimator):
        if "=" in str(getattr(part, "backbone", "")):
            yield part
        for value in vars(part).values():
            if isinstance(value, (list, tuple, BaseEstimator)):
                yield from _with_file(value)


def _free_name(source: Path, folder: Path) -> str:
    name, number = source.name, 2
    while (folder / name).exists() and (folder / name).read_bytes() != source.read_bytes():
        name, number = f"{source.stem}-{number}{source.suffix}", number + 1
    return name
