"""Traditional models: they often win on tables, and on images deep learning has to beat them first."""

from __future__ import annotations

from dataclasses import replace
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
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from handful.data.columns import PICTURE, TEXTS, columns_of
from handful.data.dataset import Dataset
from handful.settings import Settings
from handful.strategies.candidate import Candidate
from handful.strategies.chain import Chain
from handful.strategies.heads import (
    CentroidHead,
    LogisticHead,
    RidgeHead,
    ShrunkLDAHead,
    SVMHead,
    SVRHead,
    Tuned,
)
from handful.strategies.log_target import with_log
from handful.strategies.naive_bayes import NaiveBayesHead
from handful.strategies.pixels import Descriptor, Pixels
from handful.strategies.tables import TableEncoder
from handful.strategies.tfidf import TfIdf, Vocabulary

NEIGHBOURS: dict[str, list] = {"n_neighbors": [5, 1, 3, 9, 15]}
ON_UNIT_LENGTH = (0.3, 3.0, 30.0, 300.0)  # of logistic regression where every sample has unit length
ON_UNIT_VALUES = tuple(np.logspace(-4, 3, 15).tolist())  # of ridge regression there
LONG = 30.0  # of a text's vector for the nearest class mean, which wants some variance in a dimension
PENALTIES = (0.003, 0.03, 0.3, 3.0, 30.0)  # of logistic regression on a table's columns
# What is tried on tables with texts or pictures too.
WITH_BLOCKS = ("logistic", "svm", "lda", "extra trees", "boosting", "ridge", "svr")
TREE: dict[str, list] = {"min_samples_leaf": [3, 1, 8]}
# Boosting's own defaults (31 leaves of 20 samples) cannot split a table of 40 rows at all.
BOOSTING = {
    "max_iter": 100,
    "learning_rate": 0.08,
    "max_leaf_nodes": 8,
    "min_samples_leaf": 5,
    "early_stopping": False,
}


def knn(task: str) -> Tuned:
    """k nearest neighbours weighted by distance, k chosen inside."""
    if task == "classification":
        return Tuned(KNeighborsClassifier(weights="distance"), NEIGHBOURS, "accuracy")
    return Tuned(KNeighborsRegressor(weights="distance"), NEIGHBOURS, "neg_mean_squared_error")


def candidates(dataset: Dataset, settings: Settings) -> list[Candidate]:
    """Nine kinds of models on a table; descriptors and pixels with three heads each on images; words."""
    if dataset.modality == "table":
        return with_log(_on_tables(dataset), dataset, ("ridge", "svr"))
    if dataset.modality == "image":
        return with_log(_on_images(dataset.task), dataset, ("hog ridge", "hog svr"))
    if dataset.modality == "text":
        return _on_texts(dataset.task, settings.effort)
    return []


def _on_texts(task: str, effort: str) -> list[Candidate]:
    """Few models on words and their pieces, naive Bayes on words; from `standard` on also each part alone."""
    both, long = TfIdf(), TfIdf(length=LONG)
    if task == "regression":
        models: list[tuple[str, str, Any, Any, int]] = [
            ("ridge", "ridge regression", both, RidgeHead(alphas=ON_UNIT_VALUES), 10),
            ("svr", "support vector regression (linear)", both, SVRHead(kernel="linear"), 12),
        ]
    else:
        models = [
            ("logistic", "logistic regression", both, LogisticHead(Cs=ON_UNIT_LENGTH), 10),
            # A Gaussian kernel was 4 to 5 points behind (benchmarks/text_words.py).
            ("svm", "support vector machine (linear)", both, SVMHead(kernel="linear"), 12),
            ("centroid", "nearest class mean", long, CentroidHead(), 10),
        ]
    found = [
        Candidate(f"tfidf {name}", f"words and their pieces + {label}", "classic", Chain([tfidf], head), cost)
        for name, label, tfidf, head, cost in models
    ]
    if task == "classification":
        label = "counts of words + naive Bayes (complement)"
        bayes = Chain([Vocabulary()], NaiveBayesHead("complement"))
        found.append(Candidate("words naive bayes", label, "classic", bayes, 8))
    if effort != "quick":
        name, label, _, head, cost = models[0]
        alone = [
            Candidate(f"{part} {name}", f"{words} + {label}", "classic", Chain([TfIdf((part,))], head), cost)
            for part, words in (("words", "words alone"), ("characters", "pieces of words alone"))
        ]
        found[0] = replace(found[0], base=alone[0].name, technique="pieces of words beside words")
        found += alone
    return found


def _on_tables(dataset: Dataset) -> list[Candidate]:
    """Where there are texts or pictures too, fewer: those are counted or described anew in every fit."""
    kinds = {TEXTS: "counted words", PICTURE: "described pictures"}
    beside = [words for kind, words in kinds.items() if columns_of(dataset.X, kind)]
    with_what = f", with {' and '.join(beside)}" if beside else ""
    return [
        Candidate(name, f"{label}{with_what}", "classic", Chain([encoder], head), cost=cost)
        for name, label, encoder, head, cost in heads_on_tables(dataset.task)
        if not beside or name in WITH_BLOCKS
    ]


def heads_on_tables(task: str, **looking: Any) -> list[tuple[str, str, TableEncoder, Any, int]]:
    """(name, label, encoder, head, cost) of every kind of model; `looking` goes to the encoders."""
    scaled, as_it_is = TableEncoder(scale=True, **looking), TableEncoder(scale=False, **looking)
    if task == "classification":
        models: list[tuple[str, str, TableEncoder, Any, int]] = [
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
            ("ridge", "ridge regression", scaled, RidgeHead(), 10),
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
    return models


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
            ("ridge", "ridge regression", RidgeHead(), 0),
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
