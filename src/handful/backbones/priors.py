"""Networks that have seen millions of made-up tables: their packages, and where their weights lie.

Neither package is needed, and neither brings its weights along. handful names the file to load, so that no
package downloads anything by itself, and bars what they would report about their use.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from handful.backbones.cache import cache_folder
from handful.backbones.hub import fetch, first_cached
from handful.errors import HandfulError, SettingsError


@dataclass(frozen=True)
class Weights:
    """Files of a repository of the hub, the one to prefer first; `megabytes` of one of them."""

    repository: str
    files: tuple[str, ...]
    megabytes: int


@dataclass(frozen=True)
class Package:
    """A package with a network for tables, the licence of its weights, and what the network can take.

    `least` is the first major version that has it, `weights` leads from the task to its files. Up to
    `most_rows` and `most_columns`; `most_classes` is None where there is no limit.
    """

    name: str
    label: str
    licence: str
    least: int
    weights: dict[str, Weights]
    most_rows: int
    most_columns: int
    most_classes: int | None


PACKAGES = {
    p.name: p
    for p in (
        Package(
            name="tabpfn",
            label="TabPFN 2",
            licence="Prior Labs License (Apache-2.0, and what is built with it must say so)",
            least=2,
            weights={
                # The first has seen made-up tables only. The second was trained further on real ones that are
                # public: on a famous table, which it may have seen, its score would flatter.
                "classification": Weights(
                    "Prior-Labs/TabPFN-v2-clf",
                    ("tabpfn-v2-classifier.ckpt", "tabpfn-v2-classifier-finetuned-zk73skhh.ckpt"),
                    29,
                ),
                "regression": Weights("Prior-Labs/TabPFN-v2-reg", ("tabpfn-v2-regressor.ckpt",), 44),
            },
            most_rows=10_000,
            most_columns=500,
            most_classes=10,
        ),
        Package(
            name="tabicl",
            label="TabICL 2",
            licence="BSD-3-Clause",
            least=2,
            weights={
                task: Weights("jingang/TabICL", (f"tabicl-{kind}-v2-20260212.ckpt",), 112)
                for task, kind in (("classification", "classifier"), ("regression", "regressor"))
            },
            most_rows=10_000,
            most_columns=500,
            most_classes=None,
        ),
    )
}
# What the packages document to stay silent. The address of TabPFN's telemetry settings is asked before its
# switch is looked at, so that it must lead nowhere.
SILENT = {
    "TABPFN_DISABLE_TELEMETRY": "1",
    "TABPFN_TELEMETRY_CONFIG_URL": "off",
    "TABPFN_NO_BROWSER": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
}


def installed(name: str) -> bool:
    """Whether the package is there, in a version that has the network."""
    if find_spec(name) is None:
        return False
    try:
        return int(version(name).partition(".")[0]) >= PACKAGES[name].least
    except (PackageNotFoundError, ValueError):
        return True


def weights(name: str, task: str) -> Path | None:
    """The file of weights on this machine, put there by hand, the package or the hub; None without."""
    wanted = PACKAGES[name].weights[task]
    for file in wanted.files:
        if (path := _folder(name) / file).is_file():
            return path
    return first_cached(wanted.repository, wanted.files)


def download(name: str, task: str, tell: Callable[[str], None] | None = None) -> Path:
    """The file of weights, from the hub where it is not here yet; SettingsError where it cannot be had."""
    wanted, package = PACKAGES[name].weights[task], PACKAGES[name]
    what = f"the weights of {package.label}"
    return weights(name, task) or fetch(
        wanted.repository, wanted.files, what, package.licence, where_to_put(name, task), tell
    )


def where_to_put(name: str, task: str) -> str:
    """What to do without a network, as the end of a sentence."""
    wanted, folder = PACKAGES[name].weights[task], str(_folder(name))
    home = os.path.expanduser("~")
    if home != "~" and folder.startswith(home + os.sep):
        folder = "~" + folder.removeprefix(home)
    return f"put {wanted.files[0]} of https://huggingface.co/{wanted.repository} into {folder}."


def estimator(name: str, task: str, path: Path, **options: Any) -> Any:
    """The package's own unfitted classifier or regressor on these weights; it reports to nobody.

    options : `n_estimators`, `device`, `random_state`, and `categorical`, positions of columns
    """
    module, kind = imported(name), "Classifier" if task == "classification" else "Regressor"
    categorical = options.pop("categorical")
    if name == "tabicl":
        found = getattr(module, f"TabICL{kind}")
        return found(model_path=str(path), allow_auto_download=False, **options)
    found = getattr(module, f"TabPFN{kind}")
    options |= {
        "model_path": str(path),
        "categorical_features_indices": categorical or None,
        "ignore_pretraining_limits": True,  # ours are stricter
    }
    try:
        second = import_module("tabpfn.constants").ModelVersion.V2
        return found.create_default_for_version(second, **options)
    except (ImportError, AttributeError):  # when there was only the second
        return found(**options)


def imported(name: str) -> Any:
    """The package's module, silenced before it is imported. Raises HandfulError where it is not there."""
    if not installed(name):
        raise HandfulError(
            f"this model needs the package {name!r}, version {PACKAGES[name].least} or later. "
            f"Install it with: pip install {name}"
        )
    os.environ.update(SILENT)
    return import_module(name)


def needed_weights(name: str, task: str, file: str | None = None) -> Path:
    """The file of weights, or of that name; SettingsError, which says what to do, where it is not here."""
    path = weights(name, task)
    if path is None:
        raise SettingsError(
            f"the weights of {PACKAGES[name].label} are not on this machine: {where_to_put(name, task)}"
        )
    if file is not None and path.name != file:
        raise SettingsError(
            f"this model was fitted with {file}, but {path.name} is what is here: its answers would differ. "
            f"Put {file} beside it, or fit again."
        )
    return path


def _folder(name: str) -> Path:
    """Where a person may put weights: where tabpfn keeps them itself, and for others beside our cache.

    That is $TABPFN_MODEL_CACHE_DIR, or the system's place for caches.
    """
    if name != "tabpfn":
        return cache_folder() / "weights"
    if chosen := os.environ.get("TABPFN_MODEL_CACHE_DIR"):
        return Path(chosen).expanduser()
    if sys.platform == "win32":
        base = os.environ.get("APPDATA") or "~/AppData/Roaming"
    elif sys.platform == "darwin":
        base = "~/Library/Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(os.path.expanduser(base)) / "tabpfn"
