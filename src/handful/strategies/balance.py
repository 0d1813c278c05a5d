"""Unequal classes, or unequal costs: classes weighed in learning, or the decision chosen for the metric.

Each candidate is its base with one of the two, so that the ledger tells what it brought. Offered only where
the metric is about decisions and would weigh the classes differently than their numbers do: `UNEQUAL` times
or more between two of them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.utils.validation import check_is_fitted

from handful.costs import Costs, class_costs
from handful.data.dataset import Dataset, Finding
from handful.scoring import DECISIONS, Metric, choose_metric, cost_metric, get_metric
from handful.settings import Settings
from handful.strategies import classic, networks, transfer
from handful.strategies.candidate import Candidate, accepts, scores
from handful.strategies.chain import Chain
from handful.strategies.decision import decided
from handful.strategies.heads import LogisticHead, SVMHead, inner_folds

WEIGHTS, THRESHOLD = "class weights", "threshold for the metric"
UNEQUAL = 2.0
STRENGTHS = tuple(np.arange(0, 1.51, 0.125).tolist())
# The strength that is usually right, and by how many standard errors another has to be better inside the fold
# to be preferred: with ten examples of the rare class what looks best there is mostly luck. Measured on six
# data sets at 100 to 300 examples, 5 to 15 % of them of the rare class: balanced accuracy gained 10.7 points
# over no correction with this rule, 9.5 with the best inside, 7.4 drawn towards none
# (benchmarks/threshold.py).
TOWARDS = {"balanced_accuracy": (1.0, 2.0), "cost": (1.0, 2.0), "f1": (0.5, 1.0)}
DRAWS = 200


class WithThreshold(ClassifierMixin, BaseEstimator):
    """A head whose decision is moved towards rare or dear classes, as far as the metric rewards inside `fit`.

    The full correction divides the probability of each class by its share of the training part (balanced
    accuracy, F1), or weighs it with what mistakes cost: the best decision, were the probabilities right. How
    much of it to use, `strength_`, comes from predictions of inner folds; of strengths that cannot be told
    apart from the best there, it is the one nearest to the usual.

    Parameters
    ----------
    head : a classifier with probabilities or decision values
    metric : "balanced_accuracy", "f1" or "cost"
    costs : K x K tuple, for "cost" alone (see `handful.costs`)

    What `predict_proba` returns are scores whose argmax decides: probabilities under the moved class shares.

    References
    ----------
    Saerens, Latinne & Decaestecker, "Adjusting the outputs of a classifier to new a priori probabilities",
    Neural Computation 14, 2002; Elkan, "The foundations of cost-sensitive learning", IJCAI 2001.
    """

    def __init__(
        self,
        head: Any,
        metric: str = "balanced_accuracy",
        costs: Costs | None = None,
        folds: int = 3,
        random_state: int = 0,
    ) -> None:
        self.head = head
        self.metric = metric
        self.costs = costs
        self.folds = folds
        self.random_state = random_state

    def fit(self, Z: np.ndarray, y: np.ndarray, groups: np.ndarray | None = None) -> WithThreshold:
        """Z `(n, d)`, y `(n,)` labels (codes, where there are costs), groups `(n,)` or None."""
        Z, y = np.asarray(Z), np.asarray(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        K = len(self.classes_)
        if self.costs is not None:
            self.full_ = np.array(self.costs)[np.ix_(self.classes_, self.classes_)]
        else:
            self.full_ = (len(y) / np.bincount(codes))[:, None] * (1 - np.eye(K))
        self.strength_ = TOWARDS[self.metric][0]
        folds = inner_folds(codes, groups, self.folds, self.random_state, classes=True)
        if folds:
            parts = [(scores(self._learned(Z[a], codes[a], groups, a), Z[b], K), b) for a, b in folds]
            held = np.concatenate([b for _, b in parts])
            p = np.concatenate([part for part, _ in parts])
            self.strength_ = self._choose(p, codes[held], None if groups is None else groups[held])
        self.head_ = self._learned(Z, codes, groups, np.arange(len(y)))
        return self

    def _learned(self, Z: np.ndarray, codes: np.ndarray, groups: np.ndarray | None, rows: np.ndarray) -> Any:
        head = clone(self.head)
        if groups is not None and accepts(head.fit, "groups"):
            return head.fit(Z, codes, groups=groups[rows])
        return head.fit(Z, codes)

    def _choose(self, p: np.ndarray, codes: np.ndarray, groups: np.ndarray | None) -> float:
        """The strength nearest to the usual of those that cannot be told apart from the best."""
        usual, doubt = TOWARDS[self.metric]
        metric, weights = self._scored_by(codes), _draws(codes, groups, self.random_state)
        gains = np.array([metric.gain(metric(codes, self._moved(p, t), weights)) for t in STRENGTHS])
        means = np.nanmean(gains, axis=1)  # over draws, which makes the steps of few examples smooth
        best = int(np.argmax(np.round(means, 12)))
        behind, error = means[best] - means, np.nanstd(gains - gains[best], axis=1)
        near = np.flatnonzero(behind <= doubt * error + 1e-12)
        return STRENGTHS[int(near[np.argmin(np.abs(np.array(STRENGTHS)[near] - usual))])]

    def _scored_by(self, codes: np.ndarray) -> Metric:
        names = np.arange(len(self.full_))
        if self.metric == "cost":
            return cost_metric(tuple(map(tuple, self.full_.tolist())), [str(k) for k in names])
        return get_metric(self.metric, "classification", codes, names)

    def _moved(self, p: np.ndarray, strength: float) -> np.ndarray:
        right = 1 - np.eye(len(self.full_))
        return decided(p, np.where(self.full_ > 0, self.full_, 0) ** strength * right)

    def predict_proba(self, Z: np.ndarray) -> np.ndarray:
        check_is_fitted(self, "head_")
        return self._moved(scores(self.head_, np.asarray(Z), len(self.classes_)), self.strength_)

    def predict(self, Z: np.ndarray) -> np.ndarray:
        return self.classes_[self.predict_proba(Z).argmax(axis=1)]


def _draws(codes: np.ndarray, groups: np.ndarray | None, seed: int) -> np.ndarray:
    """Weights `(DRAWS, n)` of bootstrap draws, groups whole."""
    unit = np.arange(len(codes)) if groups is None else np.unique(groups, return_inverse=True)[1]
    n = int(unit.max()) + 1
    counts = np.random.default_rng([seed, 41]).multinomial(n, np.full(n, 1 / n), size=DRAWS)
    return counts[:, unit].astype(float)


# A candidate, and what it is tried with; `{}` is a backbone and its last block. Class weights do nothing for
# forests, whose trees go on until every leaf holds one class, and were worse than a threshold for SVMs.
ON_TABLES = {
    "quick": [
        ("logistic", WEIGHTS),
        ("logistic", THRESHOLD),
        ("svm", THRESHOLD),
        ("extra trees", THRESHOLD),
        ("mlp", THRESHOLD),
    ],
    "standard": [("svm", WEIGHTS), ("boosting", WEIGHTS), ("boosting", THRESHOLD)],
}
ON_IMAGES = {
    "quick": [
        ("{} logistic", WEIGHTS),
        ("{} logistic", THRESHOLD),
        ("{} svm", THRESHOLD),
        ("hog svm", THRESHOLD),
    ],
    "standard": [("{} svm", WEIGHTS), ("hog logistic", THRESHOLD)],
}


def candidates(dataset: Dataset, settings: Settings) -> list[Candidate]:
    """Few heads with class weights, or with a threshold for the metric; none where classes weigh alike."""
    if dataset.task != "classification":
        return []
    metric = choose_metric(dataset, settings)
    if not worthwhile(dataset, metric):
        return []
    known = {c.name: c for m in (classic, transfer, networks) for c in m.candidates(dataset, settings)}
    return [
        weighed(known[name], metric) if way == WEIGHTS else thresholded(known[name], metric)
        for name, way in _pairs(dataset, settings, known)
        if name in known
    ]


def notes(dataset: Dataset, settings: Settings) -> list[Finding]:
    """That nothing decides as the metric wants, where the families that were asked for leave this one out."""
    if settings.families is None or "balance" in settings.families or not candidates(dataset, settings):
        return []
    message = (
        f"The metric is {choose_metric(dataset, settings).label}, which wants rare or dear classes to be "
        "named more often than they are likely. Only the family 'balance' learns or decides so, and "
        "--families leaves it out: name it as well."
    )
    return [Finding("not tried", "warning", message)]


def worthwhile(dataset: Dataset, metric: Metric) -> bool:
    """Whether the metric weighs classes otherwise than their numbers do, by `UNEQUAL` or more."""
    if metric.name not in DECISIONS or len(dataset.y[~dataset.copies]) == 0:
        return False
    if metric.costs is not None:
        matrix = np.array(metric.costs)
        mistakes = matrix[~np.eye(len(matrix), dtype=bool)]
        return bool(mistakes.max() >= UNEQUAL * mistakes.min())
    counts = np.bincount(dataset.y[~dataset.copies])
    return bool(counts.max() >= UNEQUAL * counts[counts > 0].min())


def _pairs(dataset: Dataset, settings: Settings, known: dict[str, Candidate]) -> list[tuple[str, str]]:
    efforts = ["quick"] if settings.effort == "quick" else ["quick", "standard"]
    if dataset.modality == "table":
        return [pair for effort in efforts for pair in ON_TABLES[effort]]
    if dataset.modality == "image":
        from handful.backbones import used
        from handful.strategies.unlabelled import place

        where = place(used(settings)[0])
        return [(name.format(where), way) for effort in efforts for name, way in ON_IMAGES[effort]]
    found = []  # of what else there is, the first of each family
    for family in dict.fromkeys(c.family for c in known.values()):
        for kind, ways in ((LogisticHead, (WEIGHTS, THRESHOLD)), (SVMHead, (THRESHOLD,))):
            heads = [n for n, c in known.items() if c.family == family and _head_is(c, kind)]
            found += [(name, way) for name in heads[:1] for way in ways]
    return found


def _head_is(candidate: Candidate, kind: type) -> bool:
    return isinstance(candidate.estimator, Chain) and isinstance(candidate.estimator.head, kind)


def weighed(base: Candidate, metric: Metric) -> Candidate:
    """The candidate `base`, a chain, learning with weights: every class the same, or what mistakes cost."""
    chain = base.estimator
    weights: Any = "balanced"
    if metric.costs is not None:
        weights = {k: float(cost) for k, cost in enumerate(class_costs(metric.costs))}
    label = f"{'dear' if metric.costs else 'rare'} classes weighing more"
    estimator = Chain(chain.features, clone(chain.head).set_params(class_weight=weights))
    return base.plus(WEIGHTS, ", weighed", label, estimator, "balance", cost=1)


def thresholded(base: Candidate, metric: Metric) -> Candidate:
    """The candidate `base`, a chain, with its decision moved for the metric.

    A network, whose every fit is dear, gets the usual strength without a look at inner folds. In the same
    trials that was as good for balanced accuracy and costs, and 3 points worse for F1.
    """
    chain = base.estimator
    folds = 0 if base.trains_network else 3
    label = f"threshold set for {'the costs' if metric.costs else metric.label}"
    estimator = Chain(chain.features, WithThreshold(chain.head, metric.name, metric.costs, folds))
    return base.plus(THRESHOLD, ", threshold", label, estimator, "balance", cost=1)
