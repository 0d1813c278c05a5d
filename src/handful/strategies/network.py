"""What all small networks share: trained with a validated number of epochs, kept as arrays."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, is_classifier
from sklearn.utils.validation import check_is_fitted

from handful.nets.train import Inputs, Recipe
from handful.strategies.inner import validation_part

if TYPE_CHECKING:
    import torch


class Network(BaseEstimator, ABC):
    """A network on a matrix of features: trained with a validated number of epochs, kept as arrays.

    After `fit`: `weights_`, `plan_` (what rebuilds the module), `history_` (a dict of numbers an epoch of
    the validated training), `epochs_` (how many the network was then trained for), `n_parameters_`.

    Parameters
    ----------
    size : the width against the usual one for so many examples; 1.0 is the usual one
    epochs : at most so many, and exactly so many where there are too few samples to let some validate; None:
        the usual number
    """

    RECIPE: Recipe

    def __init__(self, size: float = 1.0, epochs: int | None = None, random_state: int = 0) -> None:
        self.size = size
        self.epochs = epochs
        self.random_state = random_state

    @abstractmethod
    def _usual_epochs(self, n: int) -> int:
        """At most so many passes over n samples."""

    @abstractmethod
    def _plan(self, Z: np.ndarray) -> dict[str, Any]:
        """Arguments of `_make` that the training part decides, as plain values and arrays."""

    @abstractmethod
    def _make(self, plan: dict[str, Any], d_out: int) -> torch.nn.Module:
        """The module as it starts."""

    @abstractmethod
    def _inputs(self, Z: np.ndarray, device: str) -> Inputs:
        """Rows of Z as batches."""

    def fit(self, Z: np.ndarray, y: np.ndarray, groups: np.ndarray | None = None) -> Any:
        """Z `(n, d)`, y `(n,)` labels or values, groups `(n,)` or None."""
        from handful.nets.device import device
        from handful.nets.train import count_trainable, train

        classes = is_classifier(self)
        targets = self._targets(np.asarray(y))
        self.plan_ = self._plan(Z)
        held = validation_part(targets, groups, self.random_state, classes=classes)
        epochs = self._usual_epochs(len(Z)) if self.epochs is None else self.epochs
        trained = train(
            lambda: self._make(self.plan_, self.d_out_),
            self._inputs(Z, device()),
            targets,
            replace(self.RECIPE, epochs=epochs),
            seed=self.random_state,
            n_classes=self.d_out_ if classes else None,
            held=held,
            device=device(),
        )
        self.weights_, self.history_, self.epochs_ = trained.weights, trained.history, trained.epochs
        self.n_parameters_ = count_trainable(lambda: self._make(self.plan_, self.d_out_))
        return self

    @abstractmethod
    def _targets(self, y: np.ndarray) -> np.ndarray:
        """y as the loss takes it; sets `d_out_`."""

    def _output(self, Z: np.ndarray) -> np.ndarray:
        """`(n, d_out)` of the trained network."""
        from handful.nets.device import device
        from handful.nets.train import from_arrays, outputs

        check_is_fitted(self, "weights_")
        module = from_arrays(lambda: self._make(self.plan_, self.d_out_), self.weights_)
        return outputs(module, self._inputs(Z, device()), np.arange(len(Z)), device()).numpy()


class Classifier(ClassifierMixin, Network):
    def _targets(self, y: np.ndarray) -> np.ndarray:
        self.classes_, codes = np.unique(y, return_inverse=True)
        self.d_out_ = len(self.classes_)
        return codes

    def predict_proba(self, Z: np.ndarray) -> np.ndarray:
        from handful.scoring import softmax

        return softmax(self._output(Z).astype(float))

    def predict(self, Z: np.ndarray) -> np.ndarray:
        return self.classes_[self._output(Z).argmax(axis=1)]


class Regressor(RegressorMixin, Network):
    def _targets(self, y: np.ndarray) -> np.ndarray:
        self.d_out_ = 1
        self.mean_, self.scale_ = float(np.mean(y)), float(np.std(y)) or 1.0
        return (y - self.mean_) / self.scale_

    def predict(self, Z: np.ndarray) -> np.ndarray:
        return self._output(Z)[:, 0].astype(float) * self.scale_ + self.mean_
