"""Naive Bayes on counts of words, with probabilities that can be believed."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.naive_bayes import ComplementNB, MultinomialNB
from sklearn.utils.validation import check_is_fitted

from handful.scoring import softmax
from handful.strategies.heads import Folds, fit_temperature, inner_folds

KINDS = {"multinomial": MultinomialNB, "complement": ComplementNB}


class NaiveBayesHead(ClassifierMixin, BaseEstimator):
    """Naive Bayes on counts; the smoothing and the temperature of its probabilities come from inner folds.

    Words of a text depend on each other, so that the plain method's probabilities are nearly all 0 or 1; one
    temperature mends that and keeps the order.

    Parameters
    ----------
    kind : "multinomial", or "complement", which learns of each class from the texts of all others
    alphas : of additive smoothing, to choose from; the first where nothing can be held out

    References
    ----------
    McCallum & Nigam, "A comparison of event models for naive Bayes text classification", 1998; Rennie et al.,
    "Tackling the poor assumptions of naive Bayes text classifiers", ICML 2003.
    """

    def __init__(
        self,
        kind: str = "multinomial",
        alphas: tuple[float, ...] = (0.3, 0.1, 0.03, 1.0),
        folds: int = 3,
        random_state: int = 0,
    ) -> None:
        self.kind = kind
        self.alphas = alphas
        self.folds = folds
        self.random_state = random_state

    def fit(self, Z: Any, y: np.ndarray, groups: np.ndarray | None = None) -> NaiveBayesHead:
        """Z `(n, d)` counts, which may be sparse, y `(n,)` labels, groups `(n,)` or None."""
        self.classes_, codes = np.unique(y, return_inverse=True)
        folds = inner_folds(codes, groups, self.folds, self.random_state, classes=True)
        self.alpha_, self.temperature_ = self.alphas[0], 1.0
        if folds:
            tried = [(*self._temperature(Z, codes, folds, alpha), alpha) for alpha in self.alphas]
            _, self.temperature_, self.alpha_ = min(tried, key=lambda t: t[0])
        self.model_ = self._model(self.alpha_).fit(Z, codes)
        self.n_parameters_ = self.model_.feature_log_prob_.size
        return self

    def _model(self, alpha: float) -> Any:
        return KINDS[self.kind](alpha=alpha)

    def _temperature(self, Z: Any, codes: np.ndarray, folds: Folds, alpha: float) -> tuple[float, float]:
        held = [
            (self._model(alpha).fit(Z[a], codes[a]).predict_joint_log_proba(Z[b]), codes[b]) for a, b in folds
        ]
        margins, truth = (np.concatenate(parts) for parts in zip(*held, strict=True))
        temperature, loss = fit_temperature(margins, truth)
        return loss, temperature

    def decision_function(self, Z: Any) -> np.ndarray:
        """`(n, K)`, the logarithms of what words and class frequencies say together."""
        check_is_fitted(self, "model_")
        return self.model_.predict_joint_log_proba(Z)

    def predict_proba(self, Z: Any) -> np.ndarray:
        return softmax(self.decision_function(Z) / self.temperature_)

    def predict(self, Z: Any) -> np.ndarray:
        return self.classes_[self.decision_function(Z).argmax(axis=1)]
