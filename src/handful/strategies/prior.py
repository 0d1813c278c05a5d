"""Networks for small tables that were trained on millions of made-up ones: TabPFN, TabICL.

They learn nothing further: the training part is their context, and they read it each time they are asked
(Hollmann et al., "Accurate predictions on small data with a tabular foundation model", Nature 2025; Qu et
al., "TabICL: a tabular foundation model for in-context learning on large data", ICML 2025). They are tried
only where their package is installed and their weights are on this machine, or may be downloaded
(`--allow-download`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from handful.backbones import priors
from handful.backbones.engine import on_device
from handful.backbones.priors import PACKAGES, Package
from handful.data.dataset import Dataset, Finding
from handful.errors import SettingsError
from handful.nets.device import device
from handful.settings import Settings
from handful.strategies.candidate import Candidate
from handful.strategies.tables import TableEncoder

# Rows on a processor: each question reads all of them again, at seconds a thousand.
MOST_ON_CPU = 1000
TOLD = "not tried", "licence"  # what `prepare` finds of each that is installed


class _Prior(BaseEstimator):
    """Shared by both: the table as numbers, kept as the context, and the network that reads it.

    Parameters
    ----------
    package : one of `handful.backbones.priors.PACKAGES`
    n_estimators : int
        How many differently shuffled views of the table are asked and averaged.

    After `fit`: `Z_` `(n, d)` and `y_`, which are all of the model but the network; `file_`, the name of the
    weights. A saved model holds those and no network: once loaded, it is set up again, which is exact.
    """

    RUNS_NETWORK = True
    _task: str

    def __init__(self, package: str = "tabpfn", n_estimators: int = 8, random_state: int = 0) -> None:
        self.package = package
        self.n_estimators = n_estimators
        self.random_state = random_state

    def fit(self, X: pd.DataFrame, y: np.ndarray) -> Any:
        """X as a Dataset holds it, y `(n,)`. SettingsError where the weights are not on this machine."""
        self.encoder_ = TableEncoder(scale=False).fit(X)
        self.Z_ = self.encoder_.transform(X)
        self.y_ = self._encoded(np.asarray(y))
        self.file_ = priors.needed_weights(self.package, self._task).name
        self.n_parameters_ = self.Z_.size
        self._network = self._set_up()
        return self

    def _encoded(self, y: np.ndarray) -> np.ndarray:
        return y.astype(float)

    def _set_up(self) -> Any:
        first = len(self.encoder_.numeric_)  # of the categories, behind which may come blocks of numbers
        network = priors.estimator(
            self.package,
            self._task,
            priors.needed_weights(self.package, self._task, self.file_),
            n_estimators=self.n_estimators,
            random_state=self.random_state,
            device=device(),
            categorical=list(range(first, first + len(self.encoder_.categorical_))),
        )
        return network.fit(self.Z_, self.y_)

    def _asked(self, X: pd.DataFrame) -> tuple[Any, np.ndarray]:
        """The network, and the rows to ask it, one more than in X.

        The last is made of values of the training part, the first that each column has. TabICL leaves out a
        column that is empty in all rows that it is asked: an answer would depend on what else is asked.
        """
        check_is_fitted(self, "Z_")
        if getattr(self, "_network", None) is None:
            self._network = self._set_up()
        known = np.isfinite(self.Z_)
        some = self.Z_[known.argmax(axis=0), np.arange(self.Z_.shape[1])]
        return self._network, np.vstack([self.encoder_.transform(X), some])

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in super().__getstate__().items() if k != "_network"}


class PriorClassifier(ClassifierMixin, _Prior):
    __doc__ = _Prior.__doc__
    _task = "classification"

    def _encoded(self, y: np.ndarray) -> np.ndarray:
        self.classes_, codes = np.unique(y, return_inverse=True)
        return codes

    def predict_proba(self, X: pd.DataFrame) -> np.ndarray:
        """`(n, K)`."""
        network, rows = self._asked(X)
        return np.asarray(network.predict_proba(rows), dtype=float)[:-1]

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


class PriorRegressor(RegressorMixin, _Prior):
    __doc__ = _Prior.__doc__
    _task = "regression"

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """`(n,)`, the means of what the network thinks possible."""
        network, rows = self._asked(X)
        return np.asarray(network.predict(rows), dtype=float)[:-1]


def candidates(dataset: Dataset, settings: Settings) -> list[Candidate]:
    """Each network that is installed, whose weights are here, and that can take this table."""
    if dataset.modality != "table":
        return []
    kind = PriorClassifier if dataset.task == "classification" else PriorRegressor
    return [
        Candidate(
            name,
            f"{about.label}, a network that was trained on millions of made-up tables",
            "prior",
            kind(package=name),
            cost=70,
            deep=True,
        )
        for name, about in PACKAGES.items()
        if priors.installed(name)
        and _too_much(about, dataset, settings) is None
        and priors.weights(name, dataset.task) is not None
    ]


def prepare(dataset: Dataset, settings: Settings, tell: Callable[[str], None] | None = None) -> list[Finding]:
    """Download what may be downloaded; which of the installed networks is tried, and why another is not.

    tell : hears what is downloaded, before it begins, and the licence of what is tried
    """
    if dataset.modality != "table" or (settings.families is not None and "prior" not in settings.families):
        return []
    return [
        _prepared(about, dataset, settings, tell)
        for name, about in PACKAGES.items()
        if priors.installed(name)
    ]


def _prepared(
    about: Package, dataset: Dataset, settings: Settings, tell: Callable[[str], None] | None
) -> Finding:
    wanted = about.weights[dataset.task]
    if (too_much := _too_much(about, dataset, settings)) is not None:
        return Finding(TOLD[0], "note", f"{about.label} was not tried: {too_much}.", [about.name])
    if priors.weights(about.name, dataset.task) is None:
        if not settings.allow_download:
            message = (
                f"{about.label} is installed and was not tried, because its weights ({wanted.megabytes} MB, "
                f"{about.licence}) are not on this machine: add --allow-download, or "
                f"{priors.where_to_put(about.name, dataset.task)}"
            )
            return Finding(TOLD[0], "note", message, [about.name])
        try:
            priors.download(about.name, dataset.task, tell)
        except SettingsError as error:  # the others can do without it
            message = f"{about.label} was not tried: {error}"
            return Finding(TOLD[0], "warning", message, [about.name])
    message = f"{about.label} is tried, and may serve. The licence of its weights: {about.licence}."
    if tell:
        tell(message)
    return Finding(TOLD[1], "note", message, [about.name])


def _too_much(about: Package, dataset: Dataset, settings: Settings) -> str | None:
    """What of this table is more than a network can take; None where nothing is."""
    n, d = dataset.X.shape
    K = 0 if dataset.classes is None else len(dataset.classes)
    if about.most_classes is not None and about.most_classes < K:
        return f"it tells at most {about.most_classes} classes apart, and there are {K}"
    if d > about.most_columns:
        return f"it takes at most {about.most_columns} columns, and there are {d}"
    if n > about.most_rows:
        return f"it takes at most {about.most_rows:,} rows, and there are {n:,}"
    with on_device(settings.device):
        if n > MOST_ON_CPU and device() == "cpu":
            return f"without a GPU it would take too long with more than {MOST_ON_CPU:,} rows"
    return None


def worth_installing(dataset: Dataset, settings: Settings) -> str | None:
    """One sentence for those who have none of these networks; None where none is usable, or one is here."""
    told = any(f.kind in TOLD and item in PACKAGES for f in dataset.findings for item in f.items)
    unwanted = settings.families is not None and "prior" not in settings.families
    if dataset.modality != "table" or told or unwanted:
        return None
    K = 0 if dataset.classes is None else len(dataset.classes)
    able = [
        p
        for p in PACKAGES.values()
        if len(dataset) <= p.most_rows and dataset.X.shape[1] <= p.most_columns and (p.most_classes or K) >= K
    ]
    if not able:
        return None
    names = " or ".join(f"{p.label} (pip install {p.name}; {p.licence})" for p in able)
    return f"A network that was trained on millions of made-up tables may do better: {names}."
