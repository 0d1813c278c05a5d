"""Data without labels, the plain way: it is given labels that the labelled samples suggest, and learned from.

Each candidate is its base with the same head, which learns from more samples; what that brought is a line of
the ledger. Networks that learn to describe samples without any label are in `autoencoder`.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.neighbors import NearestNeighbors
from sklearn.semi_supervised import LabelSpreading, SelfTrainingClassifier
from sklearn.utils.validation import check_is_fitted

from handful.backbones import foremost, used
from handful.data.dataset import Dataset, Finding
from handful.scoring import softmax
from handful.settings import Settings
from handful.strategies import classic, transfer
from handful.strategies.candidate import Candidate
from handful.strategies.chain import Chain, learns_from_unlabelled
from handful.strategies.heads import Folds, fit_temperature, inner_folds

SELF_TRAINING, SPREADING = "self-training", "label spreading"
WORDS = {
    SELF_TRAINING: "learned from unlabelled {many} too, labelled where it is sure",
    SPREADING: "learned from unlabelled {many} too, labelled by their neighbours",
}
SURE = 0.75  # the probability from which self-training believes its own label
ROUNDS = 10  # of self-training, at most
# (neighbours of each sample, share of a label that comes from them); the first where nothing can be chosen.
GRAPHS = ((5, 0.9), (5, 0.5), (10, 0.9))
STEPS = 200  # of spreading, at most
UNLIKELY = 1e-3  # the probability of a label that does not reach a sample


class WithUnlabelled(ClassifierMixin, BaseEstimator):
    """A head that learns from unlabelled samples too, under labels that are made inside `fit`.

    All choices are made on labelled samples that are held out in inner folds: the head's own C on labelled
    samples alone, the graph by the labels that reach them, the temperature of the probabilities by what the
    head predicts for them after learning from the others and what these suggested.

    Parameters
    ----------
    head : `LogisticHead` or `SVMHead`
    way : str
        "self-training": the head labels what it is sure of, learns from it, and so on. "label spreading":
        labels spread over a graph of nearest neighbours to all samples that it reaches, and the head learns
        from all of them.

    After `fit`: `given_` counts the unlabelled samples that were given a label.

    References
    ----------
    Yarowsky, "Unsupervised word sense disambiguation rivaling supervised methods", ACL 1995; Zhou et al.,
    "Learning with local and global consistency", NeurIPS 2003; Iscen et al., "Label propagation for deep
    semi-supervised learning", CVPR 2019 (a model that learns from the spread labels).
    """

    def __init__(self, head: Any, way: str = SPREADING, folds: int = 3, random_state: int = 0) -> None:
        self.head = head
        self.way = way
        self.folds = folds
        self.random_state = random_state

    def fit(
        self,
        Z: np.ndarray,
        y: np.ndarray,
        groups: np.ndarray | None = None,
        unlabelled: np.ndarray | None = None,
    ) -> WithUnlabelled:
        """Z `(n, d)`, y `(n,)` labels, groups `(n,)` or None, unlabelled `(m, d)` or None."""
        Z = np.asarray(Z, dtype=float)
        self.classes_, codes = np.unique(y, return_inverse=True)
        alone = clone(self.head).fit(Z, codes, groups)
        self.given_, self.temperature_ = 0, 1.0
        if unlabelled is None or not len(unlabelled) or len(self.classes_) < 2:
            self.head_ = alone
            return self
        U = np.asarray(unlabelled, dtype=float)
        settled = clone(self.head).set_params(Cs=(alone.C_,), folds=0)  # nothing more is chosen in it
        folds = inner_folds(codes, groups, self.folds, self.random_state, classes=True)
        suggest = (_self_training if self.way == SELF_TRAINING else _spreading)(settled, Z, codes, U, folds)

        def learn(rows: np.ndarray) -> tuple[Any, int]:
            labels = suggest(rows)
            some = labels >= 0
            more = np.concatenate([Z[rows], U[some]]), np.concatenate([codes[rows], labels[some]])
            return clone(settled).fit(*more), int(some.sum())

        held = [(learn(a)[0].decision_function(Z[b]), codes[b]) for a, b in folds]
        if held:
            margins, truth = (np.concatenate(parts) for parts in zip(*held, strict=True))
            self.temperature_ = fit_temperature(*_with_an_error(margins, truth))[0]
        self.head_, self.given_ = learn(np.arange(len(codes)))
        return self

    def decision_function(self, Z: np.ndarray) -> np.ndarray:
        check_is_fitted(self, "head_")
        return self.head_.decision_function(Z) / self.temperature_

    def predict_proba(self, Z: np.ndarray) -> np.ndarray:
        if not self.given_:
            return self.head_.predict_proba(Z)
        return softmax(self.decision_function(Z))

    def predict(self, Z: np.ndarray) -> np.ndarray:
        return self.classes_[self.decision_function(Z).argmax(axis=1)]


def _with_an_error(margins: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """As if one more sample had been held out and taken for the runner-up, with the usual certainty.

    A few held-out samples that are all right would call for probabilities of 1.
    """
    order = margins.argsort(axis=1)
    rows = np.arange(len(truth))
    leads = margins[rows, order[:, -1]] - margins[rows, order[:, -2]]
    usual = int(leads.argsort()[len(leads) // 2])
    return np.vstack([margins, margins[usual]]), np.append(truth, order[usual, -2])


# From positions of labelled samples to a class number for each unlabelled one `(m,)`, -1 where it gets none.
Suggest = Callable[[np.ndarray], np.ndarray]


def _self_training(head: Any, Z: np.ndarray, codes: np.ndarray, U: np.ndarray, folds: Folds) -> Suggest:
    def suggest(rows: np.ndarray) -> np.ndarray:
        model = SelfTrainingClassifier(clone(head), threshold=SURE, max_iter=ROUNDS)
        y = np.concatenate([codes[rows], np.full(len(U), -1)])
        return model.fit(np.concatenate([Z[rows], U]), y).transduction_[len(rows) :]

    return suggest


def _spreading(head: Any, Z: np.ndarray, codes: np.ndarray, U: np.ndarray, folds: Folds) -> Suggest:
    """The graph is made of all samples, once; it is the labels that are held out in the inner folds."""
    every, K = np.concatenate([Z, U]), int(codes.max()) + 1
    graphs = {k: neighbour_graph(every, k) for k in sorted({k for k, _ in GRAPHS})}

    def shares(rows: np.ndarray, k: int, alpha: float) -> np.ndarray:
        y = np.full(len(every), -1)
        y[rows] = codes[rows]
        return spread(graphs[k], y, alpha, K)

    def loss(k: int, alpha: float) -> float:
        """How surprising the held-out labels are, given those that reach them."""
        found = [(shares(a, k, alpha)[b], codes[b]) for a, b in folds]
        p = np.concatenate([reached[np.arange(len(truth)), truth] for reached, truth in found])
        return float(-np.log(np.clip(p, UNLIKELY, None)).mean())

    k, alpha = min(GRAPHS, key=lambda graph: loss(*graph)) if folds else GRAPHS[0]

    def suggest(rows: np.ndarray) -> np.ndarray:
        found = shares(rows, k, alpha)[len(Z) :]
        return np.where(found.sum(axis=1) > 0, found.argmax(axis=1), -1)

    return suggest


def neighbour_graph(points: np.ndarray, k: int) -> sparse.csr_matrix:
    """Who is among the k nearest of whom, `(n, n)`, the same both ways; near ones weigh more, 1 at most."""
    k = min(k, len(points) - 1)
    graph = NearestNeighbors(n_neighbors=k).fit(points).kneighbors_graph(mode="distance")
    width = float(np.median(graph.data)) or 1.0
    graph.data = np.exp(-((graph.data / width) ** 2))
    return graph.maximum(graph.T).tocsr()


def spread(graph: sparse.csr_matrix, y: np.ndarray, alpha: float, n_classes: int) -> np.ndarray:
    """Shares of the classes `(n, K)` that reach each sample over the graph; rows of zeros where none does.

    y `(n,)` class numbers, -1 where there is no label; `alpha` is the share that comes from neighbours.
    """
    model = LabelSpreading(kernel=lambda *_: graph, alpha=alpha, max_iter=STEPS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(np.zeros((len(y), 1)), y)
    found = np.zeros((len(y), n_classes))
    found[:, model.classes_] = model.label_distributions_
    return found


# On pictures: a candidate, and how it learns from what is unlabelled. `{}` is a backbone and its last block.
ON_IMAGES = {
    "quick": [("thumbnail svm", SPREADING), ("{} svm", SPREADING)],
    "standard": [("hog svm", SPREADING), ("{} logistic", SELF_TRAINING)],
    "thorough": [("pixels logistic", SELF_TRAINING)],
}
ON_TABLES = {
    "quick": [("svm", SPREADING)],
    "standard": [("logistic", SELF_TRAINING)],
    "thorough": [],
}
# `{}` is a text encoder: counts of words know nothing of words that only unlabelled texts have.
ON_TEXTS = {
    "quick": [("{} svm", SPREADING)],
    "standard": [("{} logistic", SELF_TRAINING)],
    "thorough": [("{} logistic", SPREADING)],
}
MANY = {"image": "pictures", "table": "rows", "text": "texts"}


def candidates(dataset: Dataset, settings: Settings) -> list[Candidate]:
    """Where there is unlabelled data, for classes: few heads.

    Label spreading takes under a second a fit with 1,000 unlabelled pictures, self-training about three.
    """
    if dataset.unlabelled is None or dataset.task != "classification":
        return []
    if dataset.modality == "table":
        offered, known = ON_TABLES, classic.candidates(dataset, settings)
        places = [""]
    elif dataset.modality == "image":
        offered = ON_IMAGES
        known = classic.candidates(dataset, settings) + transfer.candidates(dataset, settings)
        places = [place(name) for name in foremost(settings)]
    elif dataset.modality == "text":
        offered, known = ON_TEXTS, transfer.candidates(dataset, settings)
        places = list(used(settings, "text"))
    else:
        return []
    by_name = {c.name: c for c in known}
    efforts = list(offered)[: 1 + list(offered).index(settings.effort)]
    pairs = dict.fromkeys(
        (name.format(where), way) for effort in efforts for name, way in offered[effort] for where in places
    )
    return [learning_too(by_name[name], way, dataset.modality) for name, way in pairs if name in by_name]


def place(backbone: str) -> str:
    """A backbone and the level whose features are used here: its last block, as for the simple heads."""
    from handful.backbones import levels

    names = list(levels(backbone))
    return f"{backbone} {names[-2] if len(names) > 1 else names[0]}"


def learning_too(base: Candidate, way: str, modality: str) -> Candidate:
    """The candidate `base`, a chain, learning from unlabelled samples too."""
    chain = base.estimator
    label = WORDS[way].format(many=MANY[modality])
    estimator = Chain(chain.features, WithUnlabelled(chain.head, way))
    return base.plus(f"unlabelled data: {way}", f", {way}", label, estimator, "unlabelled", cost=2)


def notes(dataset: Dataset, candidates: Sequence[Candidate]) -> list[Finding]:
    """How many of the candidates learn from the unlabelled data."""
    if dataset.unlabelled is None:
        return []
    n, many = len(dataset.unlabelled), MANY[dataset.modality]
    learning = sum(learns_from_unlabelled(c.estimator) for c in candidates)
    if not learning:
        message = (
            f"The {n:,} {many} without labels are not used: nothing that is tried here learns from them. A "
            "larger --budget, or other --families, may."
        )
        return [Finding("unlabelled data", "warning", message)]
    message = (
        f"{n:,} {many} without labels are learned from by {learning} of {len(candidates)} candidates. "
        "What they were worth stands in the ledger."
    )
    return [Finding("unlabelled data", "note", message)]
