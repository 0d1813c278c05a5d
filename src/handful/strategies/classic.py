"""Traditional models: they often win on tables, and on images deep learning has to beat them first."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import RidgeCV
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from handful.data.dataset import Dataset
from handful.settings import Settings
from handful.strategies.candidate import Candidate
from handful.strategies.chain import Chain
from handful.strategies.heads import LogisticHead, ShrunkLDAHead, SVMHead, SVRHead, Tuned
from handful.strategies.log_target import with_log
from handful.strategies.pixels import Descriptor, Pixels
from handful.strategies.tables import TableEncoder
from handful.strategies.tfidf import TfIdf

NEIGHBOURS: dict[str, list] = {"n_neighbors": [5, 1, 3, 9, 15]}
ON_UNIT_LENGTH = (0.3, 3.0, 30.0, 300.0)  # of logistic regression where every sample has unit length
PENALTIES = (0.003, 0.03, 0.3, 3.0, 30.0)  # of logistic regression on a table's columns
TREE: dict[str, list] = {"min_samples_leaf": [3, 1, 8]}
# Boosting's own defaults (31 leaves of 20 samples) cannot split a table of 40 rows at all.
BOOSTING = {
    "max_iter": 100,
    "learning_rate": 0.08,
    "max_leaf_nodes": 8,
    "min_samples_leaf": 5,
    "early_stopping": False,
}


def ridge() -> RidgeCV:
    """Ridge regression with its penalty chosen by leave-one-out, which costs nothing extra."""
    return RidgeCV(alphas=tuple(np.logspace(-2, 5, 15).tolist()))


def knn(task: str) -> Tuned:
    """k nearest neighbours weighted by distance, k chosen inside."""
    if task == "classification":
        return Tuned(KNeighborsClassifier(weights="distance"), NEIGHBOURS, "accuracy")
    return Tuned(KNeighborsRegressor(weights="distance"), NEIGHBOURS, "neg_mean_squared_error")


def candidates(dataset: Dataset, settings: Settings) -> list[Candidate]:
    """Nine kinds of models on a table; descriptors and pixels with three heads each on images; words."""
    if dataset.modality == "table":
        return with_log(_on_tables(dataset.task), dataset, ("ridge", "svr"))
    if dataset.modality == "image":
        return with_log(_on_images(dataset.task), dataset, ("hog ridge", "hog svr"))
    if dataset.modality == "text":
        return _on_texts(dataset.task)
    return []


def _on_texts(task: str) -> list[Candidate]:
    models: list[tuple[str, str, Any, int]] = [
        ("logistic", "logistic regression", LogisticHead(Cs=ON_UNIT_LENGTH), 10)
    ]
    if task == "regression":
        models = [("ridge", "ridge regression", ridge(), 10)]
    return [
        Candidate(
            f"tfidf {name}", f"words and their pieces + {label}", "classic", Chain([TfIdf()], head), cost
        )
        for name, label, head, cost in models
    ]


def _on_tables(task: str) -> list[Candidate]:
    scaled, as_it_is = TableEncoder(scale=True), TableEncoder(scale=False)
    if task == "classification":
        models: list[tuple[str, str, Any, Any, int]] = [
            ("logistic", "logistic regression", scaled, LogisticHead(Cs=PENALTIES), 10),
            ("svm", "support vector machine (RBF)", scaled, SVMHead(), 20),
            ("lda", "linear discriminant analysis (shrunk)", scaled, ShrunkLDAHead(), 11),
            ("naive bayes", "naive Bayes", scaled, GaussianNB(var_smoothing=1e-2), 12),
            ("knn", "nearest neighbours", scaled, knn(task), 18),
            ("tree", "decision tree", as_it_is, Tuned(DecisionTreeClassifier(), TREE, "accuracy"), 8),
            ("forest", "random forest", as_it_is, RandomForestClassifier(300, random_state=0), 41),
            (
                "extra trees",
                "extremely randomised trees",
                as_it_is,
                ExtraTreesClassifier(300, random_state=0),
                40,
            ),
            (
                "boosting",
                "gradient boosting",
                as_it_is,
                HistGradientBoostingClassifier(**BOOSTING, random_state=0),
                30,
            ),
        ]
    else:
        squared = "neg_mean_squared_error"
        models = [
            ("ridge", "ridge regression", scaled, ridge(), 10),
            ("svr", "support vector regression (RBF)", scaled, SVRHead(), 20),
            ("knn", "nearest neighbours", scaled, knn(task), 18),
            ("tree", "decision tree", as_it_is, Tuned(DecisionTreeRegressor(), TREE, squared), 8),
            ("forest", "random forest", as_it_is, RandomForestRegressor(300, random_state=0), 41),
            (
                "extra trees",
                "extremely randomised trees",
                as_it_is,
                ExtraTreesRegressor(300, random_state=0),
                40,
            ),
            (
                "boosting",
                "gradient boosting",
                as_it_is,
                HistGradientBoostingRegressor(**BOOSTING, random_state=0),
                30,
            ),
        ]
    return [Candidate(n, label, "classic", Chain([enc], head), cost=c) for n, label, enc, head, c in models]


def _on_images(task: str) -> list[Candidate]:
    described = [Descriptor(), StandardScaler()]
    raw = [Pixels(), PCA(n_components=0.95, svd_solver="full"), StandardScaler()]
    if task == "classification":
        heads: list[tuple[str, str, Any, int]] = [
            ("logistic", "logistic regression", LogisticHead(), 0),
            ("svm", "support vector machine", SVMHead(), 2),
            ("forest", "random forest", RandomForestClassifier(300, random_state=0), 6),
        ]
    else:
        heads = [
            ("ridge", "ridge regression", ridge(), 0),
            ("svr", "support vector regression", SVRHead(), 2),
            ("forest", "random forest", RandomForestRegressor(100, max_features=0.1, random_state=0), 6),
        ]
    # An SVM looks at these as they are: few pictures make some columns vary next to nothing, and standardised
    # those would count most (5 digits a class: 78 % right with standardised descriptors, 93 % without).
    kernel = SVMHead() if task == "classification" else SVRHead()
    name, words = heads[1][:2]
    small = Candidate(
        f"thumbnail {name}",
        f"the picture at 16 x 16 pixels + {words}",
        "classic",
        Chain([Pixels(16)], kernel),
        cost=31,
    )
    return [small] + [
        Candidate(
            f"{kind} {name}",
            f"{words} + {label}",
            "classic",
            Chain(features[:1] if isinstance(head, SVMHead) and kind == "hog" else features, head),
            cost=cost + extra,
        )
        for kind, words, features, cost in (
            ("hog", "shape, colour and texture features", described, 40),
            ("pixels", "the pixels themselves", raw, 30),
        )
        for name, label, head, extra in heads
    ]
