"""Small data sets drawn from pools, and what cheap candidates predict on them: fitted once, kept in a folder.

Shared by the benchmarks that judge what is said of stored predictions (`nothing_to_learn.py`,
`told_apart.py`): a formula can be changed and looked at again without fitting anything.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier
from threadpoolctl import threadpool_limits

from handful.data.dataset import Dataset
from handful.evidence.predictions import Predictions, Row
from handful.protocol.evaluate import fit_and_predict
from handful.protocol.splits import Split, compare_splits
from handful.scoring import get_metric
from handful.settings import Settings
from handful.strategies.baseline import Majority
from handful.strategies.candidate import Candidate, scores
from pools import framed, some, tabular

Models = list[tuple[str, object]]
MOST_TRUTH = 1000  # examples that the truth is measured on


@dataclass(frozen=True)
class Drawn:
    """n examples of a pool as the evidence sees them, and what each candidate, refitted, predicts beyond.

    `beyond` `(C, m)` holds the predicted classes of m other examples of the pool, `truth` `(m,)` their own;
    `scores` `(C, m, K)` what the classes were read off, where they were asked for.
    """

    predictions: Predictions
    beyond: np.ndarray
    truth: np.ndarray
    scores: np.ndarray | None = None

    def accuracy(self, name: str) -> float:
        """True accuracy of a candidate that learned from all n."""
        at = [row.name for row in self.predictions.rows].index(name)
        return float((self.beyond[at] == self.truth).mean())


def twelve() -> Models:
    """Twelve kinds of models with fixed arguments: a few milliseconds a fit."""
    return [
        ("logistic, strong penalty", scaled(LogisticRegression(C=0.01, max_iter=200))),
        ("logistic", scaled(LogisticRegression(C=0.1, max_iter=200))),
        ("logistic, weak penalty", scaled(LogisticRegression(C=10, max_iter=200))),
        ("lda", scaled(LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.3))),
        ("lda, shrunk more", scaled(LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.9))),
        ("bayes", scaled(GaussianNB(var_smoothing=0.01))),
        ("1 neighbour", scaled(KNeighborsClassifier(1))),
        ("5 neighbours", scaled(KNeighborsClassifier(5))),
        ("tree", DecisionTreeClassifier(min_samples_leaf=3, random_state=0)),
        ("trees", ExtraTreesClassifier(10, random_state=0)),
        ("svm", scaled(SVC(C=1.0))),
        ("svm, weak penalty", scaled(SVC(C=10.0, gamma=0.01))),
    ]


def scaled(model: object) -> object:
    return make_pipeline(StandardScaler(), model)


def on_columns(first: int, last: int, model: object) -> object:
    """A model that sees only some columns."""
    return make_pipeline(FunctionTransformer(_columns, kw_args={"first": first, "last": last}), model)


def _columns(X: pd.DataFrame, first: int, last: int) -> np.ndarray:
    return np.asarray(X)[:, first:last]


def drawn(
    X: np.ndarray,
    y: np.ndarray,
    n: int,
    seed: int,
    models: Models,
    kept: Path | None = None,
    budget: str = "quick",
    beyond: int = MOST_TRUTH,
    scored: bool = False,
) -> Drawn:
    """n examples of the pool, at least two of each class, predicted out of fold; the rest is the truth.

    y holds codes 0…K-1. `kept` is the file that remembers the predictions; `scored` asks for the scores of
    the rest too.
    """
    random = np.random.default_rng(seed)
    rows, rest = some(y, n, random)
    rest, frame = rest[:beyond], framed(X)
    dataset = tabular(frame.iloc[rows], y[rows], np.unique(y))
    splits = compare_splits(dataset, Settings(seed=seed, budget=budget))
    arrays = remembered(kept, lambda: _fitted(dataset, frame.iloc[rest], splits, models, scored))
    names = ["majority", *(name for name, _ in models)]
    found = [
        Row(name, name, "classic" if i else "baseline", i, oof=arrays["oof"][i])
        for i, name in enumerate(names)
    ]
    for row in found:
        row.train = [np.zeros((len(s.train), arrays["oof"].shape[-1])) for s in splits]
    metric = get_metric("accuracy", "classification", dataset.y, dataset.classes)
    predictions = Predictions(dataset.y, np.arange(n), metric, splits, found, [])
    return Drawn(predictions, arrays["beyond"], y[rest], arrays.get("scores"))


def _fitted(
    dataset: Dataset, rest: pd.DataFrame, splits: list[Split], models: Models, scored: bool
) -> dict[str, np.ndarray]:
    K = len(dataset.classes if dataset.classes is not None else ())
    repeats = 1 + max(s.repeat for s in splits)
    candidates = [Candidate("majority", "majority", "baseline", Majority())]
    candidates += [Candidate(name, name, "classic", model) for name, model in models]
    oof = np.full((len(candidates), repeats, len(dataset), K), np.nan, dtype=np.float32)
    beyond = np.zeros((len(candidates), len(rest)), dtype=np.int16)
    shown = np.zeros((len(candidates), len(rest), K), dtype=np.float32) if scored else None
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for i, candidate in enumerate(candidates):
            for split in splits:
                result = fit_and_predict(candidate, split, dataset, K)
                assert result.test is not None, result.error
                oof[i, split.repeat, split.test] = result.test
            if len(rest):
                model = candidate.fresh(0).fit(dataset.X, dataset.y)
                beyond[i] = model.predict(rest)
                if shown is not None:
                    shown[i] = scores(model, rest, K)
    return {"oof": oof, "beyond": beyond, **({} if shown is None else {"scores": shown})}


def remembered(file: Path | None, make: Callable[[], dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """The arrays in `file`; made, and put there, the first time."""
    if file is not None and file.exists():
        with np.load(file) as arrays:
            return dict(arrays)
    arrays = make()
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        temporary = file.with_suffix(".new")
        with temporary.open("wb") as stream:
            np.savez(stream, **arrays)
        temporary.rename(file)
    return arrays


def gaussian(K: int, d: int, shift: float, seed: int, n: int = 6000) -> tuple[np.ndarray, np.ndarray]:
    """Classes as balls in d dimensions, their means `shift` along axes of their own; shift 0 is noise."""
    random = np.random.default_rng([seed, K, d])
    y = random.integers(0, K, n)
    return random.normal(size=(n, d)) + shift * np.eye(K, d)[y], y


def flipped(y: np.ndarray, share: float, seed: int = 0) -> np.ndarray:
    """Labels of which a share was replaced by ones drawn from all labels at random."""
    random = np.random.default_rng(seed)
    return np.where(random.random(len(y)) < share, random.permutation(y), y)


def halves(K: int, stronger: float, weaker: float, seed: int, n: int = 6000) -> tuple[np.ndarray, np.ndarray]:
    """Two sets of eight columns that tell the same classes, equally well where their strengths are equal."""
    random = np.random.default_rng([seed, K])
    y = random.integers(0, K, n)
    X = random.normal(size=(n, 16))
    X[:, :8] += stronger * np.eye(K, 8)[y]
    X[:, 8:] += weaker * np.eye(K, 8)[y]
    return X, y


def pairs() -> Models:
    """Five learners, each once on the first eight columns and once on the last eight."""
    learners: Models = [
        ("logistic", scaled(LogisticRegression(C=0.1, max_iter=200))),
        ("5 neighbours", scaled(KNeighborsClassifier(5))),
        ("tree", DecisionTreeClassifier(min_samples_leaf=3, random_state=0)),
        ("trees", ExtraTreesClassifier(10, random_state=0)),
        ("svm", scaled(SVC(C=1.0))),
    ]
    return [
        (f"{name}, {half}", on_columns(first, first + 8, clone(model)))
        for name, model in learners
        for half, first in (("first", 0), ("last", 8))
    ]
