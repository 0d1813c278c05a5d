"""Heads: small classifiers and regressors on a matrix of features, tuned inside their own `fit`.

All standardise nothing: the features that come in are standardised already. All are cheap where features
outnumber samples, which is the usual case here: linear models work in the span of the samples, and kernels
are computed once for all inner folds.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.linalg import eigh
from scipy.optimize import minimize_scalar
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.linear_model import LogisticRegression, Ridge, RidgeCV
from sklearn.metrics.pairwise import euclidean_distances
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    ParameterGrid,
    StratifiedGroupKFold,
    StratifiedKFold,
)
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.validation import check_is_fitted

from handful.scoring import softmax
from handful.strategies.covariance import over, shrunk
from handful.strategies.inner import MADE_UP

Folds = list[tuple[np.ndarray, np.ndarray]]

LEAST = 1e-8  # of the mean variance within a class: what discriminant analysis can still divide by


def inner_folds(y: np.ndarray, groups: np.ndarray | None, k: int, seed: int, *, classes: bool) -> Folds:
    """At most k folds of a training part, stratified for classes, groups kept whole.

    Fewer where a class has fewer members (or groups) than k; an empty list where a class has only one, so
    that nothing can be held out: callers then keep their default. Samples of the group `MADE_UP` are in no
    fold: what is chosen inside is chosen on real samples.
    """
    if groups is not None and (groups == MADE_UP).any():
        real = np.flatnonzero(groups != MADE_UP)
        folds = inner_folds(y[real], groups[real], k, seed, classes=classes)
        return [(real[a], real[b]) for a, b in folds]
    n = len(y)
    if groups is not None and len(np.unique(groups)) == n:  # each alone is as good as no groups
        groups = None
    units = np.arange(n) if groups is None else np.asarray(groups)
    if classes:
        smallest = min(len(np.unique(units[y == label])) for label in np.unique(y))
        k = min(k, smallest)
        if k < 2 or len(np.unique(y)) < 2:
            return []
        kind = StratifiedKFold if groups is None else StratifiedGroupKFold
    else:
        k = min(k, len(np.unique(units)))
        if k < 2:
            return []
        kind = KFold if groups is None else GroupKFold
    folds = list(kind(k, shuffle=True, random_state=seed).split(np.zeros(n), y, groups))
    if classes:  # grouped folds are stratified as well as can be: leave out those that lack a class
        folds = [f for f in folds if len(np.unique(y[f[0]])) == len(np.unique(y))]
    return folds


def sample_weights(class_weight: Any, y: np.ndarray) -> np.ndarray | None:
    """A weight for each sample, 1 on average; None where all classes weigh the same.

    class_weight : None, "balanced" (every class as a whole weighs the same), or a dict of class to weight
    """
    if class_weight is None:
        return None
    weights = compute_sample_weight(class_weight, y)
    return weights / weights.mean()


def fit_temperature(
    margins: np.ndarray, y: np.ndarray, weights: np.ndarray | None = None
) -> tuple[float, float]:
    """The temperature T that makes softmax(margins / T) least surprised, and its log-loss.

    margins `(n, K)`, y codes, weights `(n,)` or None. One number, so the order of the classes never changes.
    Guo et al., "On calibration of modern neural networks", 2017.
    """
    rows = np.arange(len(y))

    def loss(log_t: float) -> float:
        p = np.clip(softmax(margins / np.exp(log_t))[rows, y], 1e-12, None)
        return float(np.average(-np.log(p), weights=weights))

    best = minimize_scalar(loss, bounds=(-5.0, 5.0), method="bounded", options={"xatol": 1e-3})
    return float(np.exp(best.x)), float(best.fun)


def _columns(margins: np.ndarray) -> np.ndarray:
    return np.column_stack([-margins / 2, margins / 2]) if margins.ndim == 1 else margins


class _InSpan:
    """The samples in an orthonormal basis of their own span: `(n, min(n, d))`, and the way back.

    Exact for every method that depends on inner products only (L2-penalised linear models): the solution
    lies in the span of the samples. With d = 4672 and n = 200 it makes the fit about 20 times quicker.
    """

    def __init__(self, Z: np.ndarray) -> None:
        self.basis = None
        self.Z = Z
        n, d = Z.shape
        if d > n:
            values, vectors = eigh(Z @ Z.T)
            keep = values > values[-1] * 1e-10
            roots = np.sqrt(values[keep])
            self.Z = vectors[:, keep] * roots
            self.basis = Z.T @ (vectors[:, keep] / roots)  # (d, rank)

    def back(self, coef: np.ndarray) -> np.ndarray:
        return coef if self.basis is None else coef @ self.basis.T


class _LinearClassifier(ClassifierMixin, BaseEstimator):
    """Shared by linear heads: `coef_` (K, d), `intercept_` (K,), probabilities by softmax."""

    def _keep(self, classes: np.ndarray, coef: np.ndarray, intercept: np.ndarray) -> None:
        if len(coef) == 1:  # scikit-learn keeps one row for two classes
            coef, intercept = np.vstack([-coef / 2, coef / 2]), np.r_[-intercept / 2, intercept / 2]
        self.classes_, self.coef_, self.intercept_ = classes, coef, intercept

    def decision_function(self, Z: np.ndarray) -> np.ndarray:
        check_is_fitted(self, "coef_")
        return np.asarray(Z, dtype=float) @ self.coef_.T + self.intercept_

    def predict_proba(self, Z: np.ndarray) -> np.ndarray:
        return softmax(self.decision_function(Z))

    def predict(self, Z: np.ndarray) -> np.ndarray:
        return self.classes_[self.decision_function(Z).argmax(axis=1)]


class LogisticHead(_LinearClassifier):
    """Logistic regression, its C chosen by inner cross-validated log-loss.

    Parameters
    ----------
    Cs : sequence of float > 0
        Inverse L2 strengths to choose from, for features of unit variance; the middle one is used where a
        class has a single member and nothing can be held out.
    class_weight : None, "balanced" or a dict (see `sample_weights`)
        With weights the probabilities are those of data in which the classes are as frequent as they weigh.
    """

    def __init__(
        self,
        Cs: tuple[float, ...] = (0.0003, 0.003, 0.03, 0.3, 3.0),
        folds: int = 3,
        random_state: int = 0,
        class_weight: Any = None,
    ) -> None:
        self.Cs = Cs
        self.folds = folds
        self.random_state = random_state
        self.class_weight = class_weight

    def fit(self, Z: np.ndarray, y: np.ndarray, groups: np.ndarray | None = None) -> LogisticHead:
        """Z `(n, d)`, y `(n,)` labels, groups `(n,)` or None."""
        span, y = _InSpan(np.asarray(Z, dtype=float)), np.asarray(y)
        weights = sample_weights(self.class_weight, y)
        folds = inner_folds(y, groups, self.folds, self.random_state, classes=True)
        self.C_ = self._choose(span.Z, y, weights, folds) if folds else self.Cs[len(self.Cs) // 2]
        model = self._model(self.C_).fit(span.Z, y, weights)
        self._keep(model.classes_, span.back(model.coef_), model.intercept_)
        return self

    def _model(self, C: float) -> LogisticRegression:
        return LogisticRegression(C=C, max_iter=300, tol=1e-4, warm_start=True)

    def _choose(self, Z: np.ndarray, y: np.ndarray, weights: np.ndarray | None, folds: Folds) -> float:
        losses = np.zeros(len(self.Cs))
        codes = np.unique(y, return_inverse=True)[1]
        for train, test in folds:
            model = self._model(self.Cs[0])  # warm start: each C begins at the solution of the one before
            w, held = (None, 1.0) if weights is None else (weights[train], weights[test])
            for i, C in enumerate(self.Cs):
                p = model.set_params(C=C).fit(Z[train], y[train], w).predict_proba(Z[test])
                losses[i] -= (held * np.log(np.clip(p[np.arange(len(test)), codes[test]], 1e-12, None))).sum()
        return self.Cs[int(losses.argmin())]


class RidgeHead(RegressorMixin, BaseEstimator):
    """Ridge regression, its penalty chosen by leave-one-out, which costs nothing extra.

    Leaving out one of several that belong together (rows of a patient, copies of a text) would choose next to
    no penalty, since the others tell its value: where there are such groups, inner folds keep them whole.

    Parameters
    ----------
    alphas : sequence of float > 0
        L2 penalties to choose from, rising; the middle one is used where all samples are of one group.
    """

    def __init__(
        self,
        alphas: tuple[float, ...] = tuple(np.logspace(-2, 5, 15).tolist()),
        folds: int = 5,
        random_state: int = 0,
    ) -> None:
        self.alphas = alphas
        self.folds = folds
        self.random_state = random_state

    def fit(self, Z: np.ndarray, y: np.ndarray, groups: np.ndarray | None = None) -> RidgeHead:
        """Z `(n, d)`, y `(n,)` values, groups `(n,)` or None."""
        Z, y, alphas = np.asarray(Z, dtype=float), np.asarray(y, dtype=float), list(self.alphas)
        if groups is not None and len(np.unique(groups)) < len(y):
            folds = inner_folds(y, groups, self.folds, self.random_state, classes=False)
            alphas = [self._choose(Z, y, folds) if folds else alphas[len(alphas) // 2]]
        model = RidgeCV(alphas=alphas).fit(Z, y)
        self.alpha_, self.coef_, self.intercept_ = model.alpha_, model.coef_, model.intercept_
        return self

    def _choose(self, Z: np.ndarray, y: np.ndarray, folds: Folds) -> float:
        squares = np.zeros(len(self.alphas))
        for train, test in folds:  # one target for each penalty: what they share is computed once
            model = Ridge(alpha=np.array(self.alphas))
            model.fit(Z[train], np.tile(y[train, None], len(self.alphas)))
            squares += ((model.predict(Z[test]) - y[test, None]) ** 2).sum(axis=0)
        return self.alphas[int(squares.argmin())]

    def predict(self, Z: np.ndarray) -> np.ndarray:
        check_is_fitted(self, "coef_")
        return np.asarray(Z, dtype=float) @ self.coef_ + self.intercept_


class ShrunkLDAHead(_LinearClassifier):
    """Linear discriminant analysis with the Ledoit-Wolf shrinkage of its covariance.

    scikit-learn's (`solver="lsqr", shrinkage="auto"`): the covariance of each class is shrunk in its
    standardised columns, then they are averaged. What shrinking adds is a diagonal, so that no d x d matrix
    is needed where features are more than samples. (A basis of the span of the samples will not do: there the
    directions of the least variance would be standardised, and count as much as those of the largest.)
    Where nothing is shrunk there, since classes have two members, the mean variance is added to all columns.
    """

    def fit(self, Z: np.ndarray, y: np.ndarray) -> ShrunkLDAHead:
        """Z `(n, d)`, y `(n,)` labels."""
        Z = np.asarray(Z, dtype=float)
        classes, codes, sizes = np.unique(y, return_inverse=True, return_counts=True)
        means, priors = np.empty((len(classes), Z.shape[1])), sizes / len(Z)
        rows, diagonal = np.empty_like(Z), np.zeros(Z.shape[1])  # the covariance: rows'rows + diagonal
        for k, prior in enumerate(priors):
            scaler = StandardScaler().fit(Z[codes == k])
            own, rest = shrunk(scaler.transform(Z[codes == k]))
            means[k] = scaler.mean_
            rows[codes == k] = np.sqrt(prior) * own * scaler.scale_
            diagonal += prior * (rest * scaler.scale_) ** 2
        if Z.shape[1] > len(Z):
            typical = (rows**2).sum() / Z.shape[1] or 1.0
            nothing = diagonal.mean() < LEAST * typical  # shrunk: two members a class, or classes all alike
            diagonal = np.maximum(diagonal, typical if nothing else LEAST * typical)
        coef = over(means, rows, diagonal)
        self._keep(classes, coef, np.log(priors) - (coef * means).sum(axis=1) / 2)
        return self


class CentroidHead(ClassifierMixin, BaseEstimator):
    """Nearest class mean; probabilities from distances, with a temperature from inner folds."""

    def __init__(self, folds: int = 3, random_state: int = 0) -> None:
        self.folds = folds
        self.random_state = random_state

    def fit(self, Z: np.ndarray, y: np.ndarray, groups: np.ndarray | None = None) -> CentroidHead:
        """Z `(n, d)`, y `(n,)` labels, groups `(n,)` or None."""
        Z, y = np.asarray(Z, dtype=float), np.asarray(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        folds = inner_folds(codes, groups, self.folds, self.random_state, classes=True)
        self.temperature_ = 1.0
        if folds:
            held = [(self._margins(Z[b], self._means(Z[a], codes[a])), codes[b]) for a, b in folds]
            margins, truth = (np.concatenate(parts) for parts in zip(*held, strict=True))
            self.temperature_ = fit_temperature(margins, truth)[0]
        self.means_ = self._means(Z, codes)
        self.n_parameters_ = self.means_.size
        return self

    def _means(self, Z: np.ndarray, codes: np.ndarray) -> np.ndarray:
        return np.stack([Z[codes == k].mean(axis=0) for k in range(len(self.classes_))])

    @staticmethod
    def _margins(Z: np.ndarray, means: np.ndarray) -> np.ndarray:
        return -euclidean_distances(Z, means, squared=True) / Z.shape[1]

    def predict_proba(self, Z: np.ndarray) -> np.ndarray:
        check_is_fitted(self, "means_")
        return softmax(self._margins(np.asarray(Z, dtype=float), self.means_) / self.temperature_)

    def predict(self, Z: np.ndarray) -> np.ndarray:
        return self.classes_[self.predict_proba(Z).argmax(axis=1)]


class _Kernel:
    """A linear kernel, or a Gaussian one: scikit-learn's gamma="scale" unless the features are constant."""

    kernel: str
    gamma_: float
    support_: np.ndarray

    def _between(self, A: np.ndarray, B: np.ndarray) -> np.ndarray:
        if self.kernel == "linear":
            return A @ B.T
        return np.exp(-self.gamma_ * euclidean_distances(A, B, squared=True))

    def _scale(self, Z: np.ndarray) -> float:
        spread = Z.var() * Z.shape[1]
        return float(1 / spread) if spread > 0 else 1.0


class SVMHead(_Kernel, ClassifierMixin, BaseEstimator):
    """RBF or linear support vector machine; C and the temperature of its probabilities come from inner folds.

    The prediction is the largest decision value. Platt's sigmoid, scikit-learn's `probability=True`, is
    avoided because its argmax disagrees with the decision and costs points on small data; one temperature
    keeps the order. `class_weight` as in `LogisticHead`.

    Parameters
    ----------
    kernel : "rbf" or "linear"
    """

    def __init__(
        self,
        Cs: tuple[float, ...] = (1.0, 3.0, 10.0, 100.0),
        folds: int = 3,
        random_state: int = 0,
        class_weight: Any = None,
        kernel: str = "rbf",
    ) -> None:
        self.Cs = Cs
        self.folds = folds
        self.random_state = random_state
        self.class_weight = class_weight
        self.kernel = kernel

    def fit(self, Z: np.ndarray, y: np.ndarray, groups: np.ndarray | None = None) -> SVMHead:
        """Z `(n, d)`, y `(n,)` labels, groups `(n,)` or None."""
        Z = np.asarray(Z, dtype=float)
        self.classes_, codes = np.unique(y, return_inverse=True)
        weights = sample_weights(self.class_weight, np.asarray(y))
        self.gamma_ = self._scale(Z)
        K = self._between(Z, Z)
        folds = inner_folds(codes, groups, self.folds, self.random_state, classes=True)
        self.C_, self.temperature_ = self.Cs[len(self.Cs) // 2], 1.0
        if folds:
            tried = [(*self._temperature(K, codes, weights, folds, C), C) for C in self.Cs]
            _, self.temperature_, self.C_ = min(tried, key=lambda t: t[0])
        self.model_ = self._model(self.C_).fit(K, codes, weights)
        self.support_ = Z[self.model_.support_]
        self.n_parameters_ = self.model_.dual_coef_.size + self.support_.size
        return self

    def _model(self, C: float) -> SVC:
        return SVC(C=C, kernel="precomputed", break_ties=True, cache_size=500)

    def _temperature(
        self, K: np.ndarray, codes: np.ndarray, weights: np.ndarray | None, folds: Folds, C: float
    ) -> tuple[float, float]:
        margins = []
        for train, test in folds:
            w = None if weights is None else weights[train]
            model = self._model(C).fit(K[np.ix_(train, train)], codes[train], w)
            margins.append(_columns(model.decision_function(K[np.ix_(test, train)])))
        held = np.concatenate([test for _, test in folds])
        w = None if weights is None else weights[held]
        temperature, loss = fit_temperature(np.concatenate(margins), codes[held], w)
        return loss, temperature

    def decision_function(self, Z: np.ndarray) -> np.ndarray:
        check_is_fitted(self, "model_")
        K = np.zeros((len(Z), self.model_.shape_fit_[0]))  # libsvm looks at the support columns only
        K[:, self.model_.support_] = self._between(np.asarray(Z, dtype=float), self.support_)
        return _columns(self.model_.decision_function(K))

    def predict_proba(self, Z: np.ndarray) -> np.ndarray:
        return softmax(self.decision_function(Z) / self.temperature_)

    def predict(self, Z: np.ndarray) -> np.ndarray:
        return self.classes_[self.decision_function(Z).argmax(axis=1)]


class SVRHead(_Kernel, RegressorMixin, BaseEstimator):
    """RBF or linear support vector regression on the standardised target, its C chosen by inner folds."""

    def __init__(
        self,
        Cs: tuple[float, ...] = (0.3, 1.0, 3.0, 10.0, 100.0),
        epsilon: float = 0.1,
        folds: int = 3,
        random_state: int = 0,
        kernel: str = "rbf",
    ) -> None:
        self.Cs = Cs
        self.epsilon = epsilon
        self.folds = folds
        self.random_state = random_state
        self.kernel = kernel

    def fit(self, Z: np.ndarray, y: np.ndarray, groups: np.ndarray | None = None) -> SVRHead:
        """Z `(n, d)`, y `(n,)` values, groups `(n,)` or None."""
        Z, y = np.asarray(Z, dtype=float), np.asarray(y, dtype=float)
        self.mean_, self.scale_ = y.mean(), y.std() or 1.0
        t = (y - self.mean_) / self.scale_
        self.gamma_ = self._scale(Z)
        K = self._between(Z, Z)
        folds = inner_folds(t, groups, self.folds, self.random_state, classes=False)
        self.C_ = min(self.Cs, key=lambda C: self._loss(K, t, folds, C))
        self.model_ = self._model(self.C_).fit(K, t)
        self.support_ = Z[self.model_.support_]
        self.n_parameters_ = self.model_.dual_coef_.size + self.support_.size
        return self

    def _model(self, C: float) -> SVR:
        return SVR(C=C, epsilon=self.epsilon, kernel="precomputed", cache_size=500)

    def _loss(self, K: np.ndarray, t: np.ndarray, folds: Folds, C: float) -> float:
        squares = 0.0
        for train, test in folds:
            model = self._model(C).fit(K[np.ix_(train, train)], t[train])
            squares += ((model.predict(K[np.ix_(test, train)]) - t[test]) ** 2).sum()
        return squares

    def predict(self, Z: np.ndarray) -> np.ndarray:
        check_is_fitted(self, "model_")
        K = np.zeros((len(Z), self.model_.shape_fit_[0]))
        K[:, self.model_.support_] = self._between(np.asarray(Z, dtype=float), self.support_)
        return self.model_.predict(K) * self.scale_ + self.mean_


class Tuned(BaseEstimator):
    """An estimator with a few of its arguments chosen by inner folds; the first of the grid is the default.

    Parameters
    ----------
    estimator : a scikit-learn classifier or regressor
    grid : dict of str to list
        Combinations that cannot be fitted (k neighbours of fewer samples) are passed over.
    scoring : str
        A scikit-learn scorer's name.
    """

    def __init__(
        self, estimator: Any, grid: dict[str, list], scoring: str, folds: int = 3, random_state: int = 0
    ) -> None:
        self.estimator = estimator
        self.grid = grid
        self.scoring = scoring
        self.folds = folds
        self.random_state = random_state

    def __sklearn_tags__(self) -> Any:
        return self.estimator.__sklearn_tags__()

    def fit(self, Z: np.ndarray, y: np.ndarray, groups: np.ndarray | None = None) -> Tuned:
        """Z `(n, d)`, y `(n,)`, groups `(n,)` or None."""
        from sklearn.base import clone, is_classifier

        estimator = clone(self.estimator)
        if "random_state" in estimator.get_params():
            estimator.set_params(random_state=self.random_state)
        folds = inner_folds(y, groups, self.folds, self.random_state, classes=is_classifier(estimator))
        grid = self._possible(min((len(f[0]) for f in folds), default=len(y)))
        if folds and len(ParameterGrid(grid)) > 1:
            search = GridSearchCV(estimator, grid, scoring=self.scoring, cv=folds, refit=False)
            estimator.set_params(**search.fit(Z, y).best_params_)
        else:
            estimator.set_params(**{k: v[0] for k, v in grid.items()})
        self.estimator_ = estimator.fit(Z, y)
        if is_classifier(estimator):
            self.classes_ = self.estimator_.classes_
        return self

    def _possible(self, n: int) -> dict[str, list]:
        limit = {"n_neighbors": n, "n_components": n}
        return {
            k: [v for v in vs if v <= limit[k]] or [1] if k in limit else vs for k, vs in self.grid.items()
        }

    def predict_proba(self, Z: np.ndarray) -> np.ndarray:
        return self.estimator_.predict_proba(Z)

    def predict(self, Z: np.ndarray) -> np.ndarray:
        return self.estimator_.predict(Z)
