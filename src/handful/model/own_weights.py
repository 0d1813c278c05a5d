"""Files of weights, and folders of text encoders, that a model names by their path travel with the model.

A file is named `ARCHITECTURE=FILE`, a folder `st=FOLDER` or by its path alone.
"""

from __future__ import annotations

import copy
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from sklearn.base import BaseEstimator

from handful.backbones import text_folder


def packed(estimator: Any, folder: Path) -> Any:
    """The estimator as it is stored in `folder`: the files are copied there and named without their place."""
    copied: dict[Path, str] = {}

    def named(path: str) -> str:
        source = Path(path).expanduser()
        if source not in copied:
            copied[source] = _free_name(source, folder)
            if source.is_dir():
                aside = shutil.ignore_patterns(*text_folder.ASIDE)
                shutil.copytree(source, folder / copied[source], ignore=aside)
            else:
                shutil.copyfile(source, folder / copied[source])
        return copied[source]

    return _renamed(estimator, named)


def unpacked(estimator: Any, folder: Path) -> Any:
    """The estimator as it works where `folder` lies now."""
    return _renamed(estimator, lambda name: str((folder / name).absolute()))


def _renamed(estimator: Any, named: Callable[[str], str]) -> Any:
    """The same, or a copy in which every `ARCHITECTURE=FILE` and folder has the path that `named` gives."""
    if not any(True for _ in _with_file(estimator)):
        return estimator
    estimator = copy.deepcopy(estimator)
    for part in {id(part): part for part in _with_file(estimator)}.values():
        kind, path = _split(part.backbone)
        part.backbone = f"{kind}={named(path)}"
    return estimator


def _split(backbone: str) -> tuple[str, str]:
    """What comes before and after the "="; the kind and the path of a folder, ("", "") for other names.

    >>> _split("resnet18=weights.pth"), _split("lite0")
    (('resnet18', 'weights.pth'), ('', ''))
    """
    if "=" in backbone:
        kind, _, path = backbone.partition("=")
        return kind, path
    is_folder = "/" in backbone and Path(backbone).expanduser().is_dir()
    return ("st", backbone) if is_folder else ("", "")


def _with_file(part: Any) -> Iterator[Any]:
    """The estimators in it, unfitted and fitted, whose `backbone` is a file or a folder."""
    if isinstance(part, (list, tuple)):
        for one in part:
            yield from _with_file(one)
    elif isinstance(part, BaseEstimator):
        if _split(str(getattr(part, "backbone", "")))[0]:
            yield part
        for value in vars(part).values():
            if isinstance(value, (list, tuple, BaseEstimator)):
                yield from _with_file(value)


def _free_name(source: Path, folder: Path) -> str:
    name, number = source.absolute().name, 2
    while (folder / name).exists() and not _same(folder / name, source):
        name, number = f"{source.stem}-{number}{source.suffix}", number + 1
    return name


def _same(one: Path, other: Path) -> bool:
    if one.is_dir() or other.is_dir():
        return False  # a folder is copied once for all that name it
    return one.read_bytes() == other.read_bytes()
