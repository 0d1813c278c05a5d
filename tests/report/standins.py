"""Stand-ins for autoencoders and generators, quick to fit: principal components in the place of networks."""

from __future__ import annotations

from functools import lru_cache
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression

from handful.data.dataset import Dataset, Images
from handful.evidence.predictions import Predictions, Row
from handful.protocol.splits import compare_splits
from handful.report.inside import Inside, look_inside
from handful.scoring import get_metric
from handful.settings import Settings
from handful.strategies.candidate import Candidate
from handful.strategies.chain import Chain
from handful.strategies.generators import Copies, Gaussian, Generator
from handful.strategies.pixels import Pixels
from handful.strategies.stage import remembered
from handful.strategies.synthesis import WithSynthetic
from handful.strategies.tables import TableEncoder
from tests.conftest import table


def _matrix(X: Any) -> np.ndarray:
    if isinstance(X, pd.DataFrame):
        return X.select_dtypes("number").fillna(0.0).to_numpy()
    pixels = np.asarray(X)
    return pixels.reshape(len(pixels), -1).astype(float)


def _course(terms: dict[str, tuple[float, float]], epochs: int = 30) -> list[dict[str, float]]:
    """A loss that falls in its terms from one number to another, validated."""
    found = []
    for e in range(1, epochs + 1):
        share = np.exp(-e / 8)
        now = {name: end + (begin - end) * share for name, (begin, end) in terms.items()}
        line = {"epoch": float(e), "train_loss": sum(now.values()), "val_loss": 1.1 * sum(now.values())}
        if len(now) > 1:
            line |= {f"train_{k}": v for k, v in now.items()} | {f"val_{k}": 1.1 * v for k, v in now.items()}
        found.append(line)
    return found


class Codes(TransformerMixin, BaseEstimator):
    """An autoencoder of pictures or rows; as linear as can be."""

    def __init__(self, latent: int = 6, random_state: int = 0) -> None:
        self.latent = latent
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> Codes:
        def learn() -> tuple[dict[str, np.ndarray], dict[str, Any]]:
            found = PCA(self.latent, random_state=0).fit(_matrix(X))
            return {"mean": found.mean_, "ways": found.components_}, {"history": _course({"error": (90, 20)})}

        self.weights_, told = remembered(self, learn, X)
        self.history_ = told["history"]
        self.shape_ = np.shape(X)[1:]
        return self

    def encode(self, X: Any) -> np.ndarray:
        return (_matrix(X) - self.weights_["mean"]) @ self.weights_["ways"].T

    def decode(self, z: np.ndarray) -> np.ndarray:
        flat = z @ self.weights_["ways"] + self.weights_["mean"]
        return np.clip(flat, 0, 255).astype(np.uint8).reshape(len(z), *self.shape_)

    def reconstruct(self, X: Any) -> np.ndarray:
        return self.decode(self.encode(X))

    def transform(self, X: Any) -> np.ndarray:
        return self.encode(X)


class Conditional(Generator):
    """Pictures of a class: its mean, and a code of what differs inside of classes."""

    SPACE = "X"

    def __init__(self, latent: int = 4, spread: float = 1.0, random_state: int = 0) -> None:
        self.latent = latent
        self.spread = spread
        self.random_state = random_state

    def fit(self, X: Any, y: np.ndarray, groups: np.ndarray | None = None) -> Conditional:
        flat = _matrix(X)
        self.classes_, at = np.unique(y, return_inverse=True)
        self.means_ = np.stack([flat[at == k].mean(axis=0) for k in range(len(self.classes_))])
        self.found_ = PCA(self.latent, whiten=True, random_state=0).fit(flat - self.means_[at])
        self.shape_ = np.shape(X)[1:]
        self.history_ = _course({"reconstruction": (-200, -900), "kl": (0, 14)})
        self.n_latent_active_, self.collapsed_ = self.latent - 1, False
        return self

    def encode(self, X: Any, labels: np.ndarray) -> np.ndarray:
        return self.found_.transform(_matrix(X) - self.means_[np.searchsorted(self.classes_, labels)])

    def decode(self, z: np.ndarray, labels: np.ndarray) -> np.ndarray:
        flat = self.found_.inverse_transform(z) + self.means_[np.searchsorted(self.classes_, labels)]
        return np.clip(flat, 0, 255).astype(np.uint8).reshape(len(z), *self.shape_)

    def reconstruct(self, X: Any, labels: np.ndarray) -> np.ndarray:
        return self.decode(self.encode(X, labels), labels)

    def interpolate(self, a: np.ndarray, b: np.ndarray, labels: tuple, steps: int = 7) -> np.ndarray:
        first, last = self.reconstruct(np.stack([a, b]), np.array(labels)).astype(float)
        share = np.linspace(0, 1, steps)[:, None, None, None]
        return ((1 - share) * first + share * last).astype(np.uint8)

    def sample(self, labels: np.ndarray, seed: int | None = None) -> np.ndarray:
        random = np.random.default_rng([self.random_state if seed is None else seed, 5])
        return self.decode(self.spread * random.standard_normal((len(labels), self.latent)), labels)


def run_of(dataset: Dataset, candidates: list[Candidate]) -> tuple[Any, Predictions]:
    """As much of a run as what looks inside needs, with no result in it."""
    settings = Settings()
    splits = compare_splits(dataset, settings)
    metric = get_metric(
        "r2" if dataset.classes is None else "accuracy", dataset.task, dataset.y, dataset.classes
    )
    run = SimpleNamespace(
        dataset=dataset, candidates=candidates, splits=splits, settings=settings, used=0.0, metric=metric
    )
    rows = [Row(c.name, c.label, c.family, c.cost, technique=c.technique, base=c.base) for c in candidates]
    return run, Predictions(dataset.y, np.arange(len(dataset)), metric, splits, rows, [])


def digits(per_class: int = 20, classes: int = 5) -> Dataset:
    """Handwritten digits of 8 x 8 pixels, shown four times as large."""
    bunch = load_digits()
    rows = np.concatenate([np.flatnonzero(bunch.target == k)[:per_class] for k in range(classes)])
    grey = np.kron(bunch.images[rows] * 15.9, np.ones((1, 4, 4)))
    X = Images.from_array(np.repeat(grey[..., None], 3, axis=3).astype(np.uint8))
    names = np.array([f"digit {k}" for k in range(classes)])
    ids = np.array([f"{names[k]}/{i}.png" for i, k in zip(rows, bunch.target[rows], strict=True)])
    y = bunch.target[rows].astype(np.int64)
    return Dataset(X, y, ids, pd.DataFrame(index=range(len(rows))), "classification", "image", names)


def candidate(name: str, technique: str, estimator: Any, family: str = "autoencoder") -> Candidate:
    return Candidate(name, name, family, estimator, technique=technique)


def of_pictures() -> list[Candidate]:
    chain = Chain([Pixels(8)], LogisticRegression(C=0.1))
    return [
        candidate("codes", "autoencoder features", Chain([Codes()], LogisticRegression())),
        candidate(
            "drawn", "generated examples: VAE", WithSynthetic(chain, Conditional(spread=1.5)), "synthesis"
        ),
        candidate("copied", "generated examples: copies", WithSynthetic(chain, Copies(), 0.5), "synthesis"),
        candidate("cloud", "generated examples: Gaussian", WithSynthetic(chain, Gaussian()), "synthesis"),
    ]


def of_rows() -> list[Candidate]:
    chain = Chain([TableEncoder()], LogisticRegression())
    return [
        candidate(
            "row codes", "autoencoder features", Chain([TableEncoder(), Codes(2)], LogisticRegression())
        ),
        candidate("copied rows", "generated examples: copies", WithSynthetic(chain, Copies()), "synthesis"),
    ]


@lru_cache(maxsize=1)
def inside_pictures() -> Inside:
    run, predictions = run_of(digits(), of_pictures())
    fit_first(run)
    return look_inside(run, predictions)


def fit_first(run: Any) -> None:
    """As the comparison does: the candidates with codes are fitted on the first split."""
    split, data = run.splits[0], run.dataset
    X = data.X.iloc[split.train] if isinstance(data.X, pd.DataFrame) else data.X[split.train]
    for own in run.candidates:
        if isinstance(own.estimator, Chain):
            own.fresh(split.seed).fit(X, data.y[split.train])


@lru_cache(maxsize=1)
def inside_rows() -> Inside:
    run, predictions = run_of(table("classification"), of_rows())
    fit_first(run)
    return look_inside(run, predictions)
