"""Learning from generated examples alone: how much of the real ones a generator has understood.

Trained on generated, tested on real: Esteban, Hyland & Rätsch, "Real-valued (medical) time series generation
with recurrent conditional GANs", 2017; Ravuri & Vinyals, "Classification accuracy score for conditional
generative models", NeurIPS 2019.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, clone

from handful.data.dataset import Images
from handful.strategies.chain import Chain
from handful.strategies.generators import Generator


class OnlyGenerated(BaseEstimator):
    """A chain that learns from as many generated examples of each class as there are real ones, alone.

    Parameters
    ----------
    estimator : Chain, a classifier
    generator : Generator of samples (`SPACE` "X"); it learns from the training part
    """

    def __init__(self, estimator: Chain, generator: Generator) -> None:
        self.estimator = estimator
        self.generator = generator

    def __sklearn_tags__(self) -> Any:
        return self.estimator.__sklearn_tags__()

    def fit(self, X: Any, y: np.ndarray, groups: np.ndarray | None = None) -> OnlyGenerated:
        """X as the generator takes it, y `(n,)`, groups `(n,)` or None."""
        labels = np.sort(y)
        made = clone(self.generator).fit(X, y, groups).sample(labels)
        if isinstance(X, Images):
            made = Images.from_array(np.asarray(made))
        self.estimator_ = clone(self.estimator).fit(made, labels)
        self.classes_ = self.estimator_.classes_
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        return self.estimator_.predict_proba(X)

    def predict(self, X: Any) -> np.ndarray:
        return self.estimator_.predict(X)
