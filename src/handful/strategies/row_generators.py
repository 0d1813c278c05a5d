"""Rows and features that a conditional variational autoencoder makes up, one network for all classes."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from sklearn.decomposition import PCA
from sklearn.utils.validation import check_is_fitted

from handful.nets.likelihood import FINEST, Layout, probabilities, usual
from handful.nets.train import Recipe
from handful.strategies.codec import RowCodec
from handful.strategies.generators import Generator
from handful.strategies.inner import validation_part
from handful.strategies.stage import Learned, remembered

# Chosen on the tables that benchmarks/row_generators.py names as tuned on and does not report.
RECIPE = Recipe(batch=32, lr=3e-3, weight_decay=0.01, smoothing=0.0, balance=0.0, clip=5.0, patience=30)
STEPS = 1000  # of the optimiser, about
FREE_BITS = 0.02
SEEN = 0.99  # share of the variance of features that the network sees; the rest is noise
MOST_COMPONENTS = 64


class _RowNetwork(Generator):
    """After `fit`: `weights_`, `history_` (numbers an epoch: the loss of each kind of column, and "kl"),
    `epochs_`, `active_` (numbers of the code that differ between rows), `collapsed_`: none does, so that the
    network has learned no more than the usual row of each class and the spread of its columns.

    Parameters
    ----------
    latent_dim : numbers of a code
    beta : weight of the KL
    epochs : exactly so many where too few rows are left to validate, at most so many otherwise; None: the
        usual number
    """

    def __init__(
        self, latent_dim: int = 8, beta: float = 1.0, epochs: int | None = None, random_state: int = 0
    ) -> None:
        self.latent_dim = latent_dim
        self.beta = beta
        self.epochs = epochs
        self.random_state = random_state

    @abstractmethod
    def _prepare(self, X: Any) -> np.ndarray:
        """Learns how X becomes a matrix `(n, d)`, sets `layout_`, and gives the matrix."""

    @abstractmethod
    def _matrix(self, X: Any) -> np.ndarray:
        """X as that matrix."""

    @abstractmethod
    def _back(self, Z: np.ndarray, random: np.random.Generator | None) -> Any:
        """Rows of that matrix in the form of X, the most probable ones where nothing is drawn."""

    def fit(self, X: Any, y: np.ndarray, groups: np.ndarray | None = None) -> Any:
        """X `(n, …)`, y `(n,)` labels, groups `(n,)` or None."""
        from handful.nets.vae import active_units

        y = np.asarray(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        Z = self._prepare(X)
        self.weights_, told = remembered(self, lambda: self._learn(Z, codes, groups), X, y, groups)
        self.plan_, self.history_, self.epochs_ = told["plan"], told["history"], told["epochs"]
        self.active_ = active_units(self.encode(X, y))
        self.collapsed_ = self.active_ == 0
        return self

    def _learn(self, Z: np.ndarray, codes: np.ndarray, groups: np.ndarray | None) -> Learned:
        from handful.nets.device import device
        from handful.nets.rows import epochs_for, make_rows, row_inputs, row_loss, width_for
        from handful.nets.train import train

        epochs = epochs_for(len(Z), RECIPE.batch, STEPS) if self.epochs is None else self.epochs
        start = usual(self.layout_, Z, codes, len(self.classes_))
        plan = {
            "d": Z.shape[1],
            "latent": self.latent_dim,
            "classes": len(self.classes_),
            "numbers": len(self.layout_.numbers),
            "width": width_for(len(Z)),
        }
        trained = train(
            lambda: make_rows(**plan, usual=start),
            row_inputs(Z, np.eye(len(self.classes_))[codes], self.layout_, 0.0, device()),
            Z,
            replace(RECIPE, epochs=epochs),
            seed=self.random_state,
            held=validation_part(codes, groups, self.random_state, classes=True),
            loss=row_loss(self.layout_, self.latent_dim, beta=self.beta, free_bits=FREE_BITS),
            device=device(),
        )
        return trained.weights, {"plan": plan, "history": trained.history, "epochs": trained.epochs}

    def _network(self) -> Any:
        from handful.nets.rows import make_rows
        from handful.nets.train import from_arrays

        check_is_fitted(self, "weights_")
        return from_arrays(lambda: make_rows(**self.plan_), self.weights_)

    def _one(self, y: np.ndarray) -> Any:
        """Labels `(n,)` as rows of 0 and 1."""
        import torch

        return torch.eye(len(self.classes_))[np.searchsorted(self.classes_, y)]

    def encode(self, X: Any, y: np.ndarray) -> np.ndarray:
        """The codes `(n, latent_dim)` of samples with these labels."""
        import torch

        Z = torch.as_tensor(self._matrix(X).astype(np.float32))
        with torch.inference_mode():
            mu, _ = self._network().encode(torch.cat([Z, self._one(y)], dim=1))
        return mu.numpy()

    def decode(self, z: np.ndarray, labels: np.ndarray) -> Any:
        """The most probable sample for each code `(m, latent_dim)` and label."""
        return self._back(self._told(z, labels)[0], None)

    def reconstruct(self, X: Any, y: np.ndarray) -> Any:
        """What the network makes of samples with these labels."""
        return self.decode(self.encode(X, y), y)

    def sample(self, labels: np.ndarray, seed: int | None = None) -> Any:
        labels = np.asarray(labels)
        random = np.random.default_rng([self.random_state if seed is None else seed, 47])
        z = random.standard_normal((len(labels), self.latent_dim))
        Z, sigma = self._told(z, labels)
        at = self.layout_.numbers
        Z[:, at] += sigma * random.standard_normal((len(Z), len(at)))
        return self._back(Z, random)

    def _told(self, z: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Numbers and probabilities `(m, d)`, and the spreads of the numbers `(m, numbers)`."""
        import torch

        network = self._network()
        with torch.inference_mode():
            code = torch.as_tensor(np.asarray(z, dtype=np.float32))
            told, log_sigma = network.decode(code, self._one(labels))
        return probabilities(self.layout_, told.numpy()), np.maximum(np.exp(log_sigma.numpy()), FINEST)


class RowVAE(_RowNetwork):
    """Rows of a table, of its columns, types, ranges and categories.

    TVAE's idea (Xu et al., "Modeling tabular data using conditional GAN", NeurIPS 2019) with normal scores in
    the place of mixtures, and labels beside the row and the code (Sohn, Lee & Yan, NeurIPS 2015).
    """

    SPACE = "X"

    def _prepare(self, X: pd.DataFrame) -> np.ndarray:
        self.codec_ = RowCodec().fit(X)
        self.layout_ = self.codec_.layout_
        return self.codec_.encode(X)

    def _matrix(self, X: pd.DataFrame) -> np.ndarray:
        return self.codec_.encode(X)

    def _back(self, Z: np.ndarray, random: np.random.Generator | None) -> pd.DataFrame:
        return self.codec_.decode(Z, random)


class FeatureVAE(_RowNetwork):
    """Features `(n, d)`, such as those of a frozen network.

    The network sees their principal components, each with variance 1, fewer than half as many as there are
    samples; what these leave is drawn as noise of its size in each feature.
    """

    SPACE = "features"

    def _prepare(self, X: np.ndarray) -> np.ndarray:
        X = np.asarray(X, dtype=float)
        most = min(MOST_COMPONENTS, X.shape[1], max(1, len(X) // 2))
        self.pca_ = PCA(most, whiten=True, svd_solver="full").fit(X)
        keep = 1 + int(np.searchsorted(np.cumsum(self.pca_.explained_variance_ratio_), SEEN))
        self.pca_ = PCA(min(keep, most), whiten=True, svd_solver="full").fit(X)
        Z = self.pca_.transform(X)
        self.rest_ = (X - self.pca_.inverse_transform(Z)).std(axis=0)
        self.layout_ = Layout.of_numbers(Z.shape[1])
        return Z

    def _matrix(self, X: np.ndarray) -> np.ndarray:
        return self.pca_.transform(np.asarray(X, dtype=float))

    def _back(self, Z: np.ndarray, random: np.random.Generator | None) -> np.ndarray:
        made = self.pca_.inverse_transform(Z)
        if random is not None:
            made = made + self.rest_ * random.standard_normal(made.shape)
        return made
