"""The words that stand in the texts of one class more often than in others."""

from __future__ import annotations

from typing import Any

import numpy as np

from handful.data.dataset import Dataset
from handful.data.texts import WORD
from handful.report.content import Content, View

WORDS = 12  # of a class that are shown
CLASSES = 24
BY_CHANCE = 1.0  # words that would be shown in all if the classes did not differ
FEWEST = 3  # texts of the class that hold the word


def speaking(dataset: Dataset) -> list[dict[str, Any]] | None:
    """Of each class the words that tell it most clearly, with how many of its texts and of others hold them.

    Shown are those that chance would put there once, over all words and classes (Fisher's exact test), in the
    order of the log-odds of holding the word, in the class against all others, in standard errors; a prior of
    ten texts like all texts together keeps rare words from leading. None where texts or classes are missing.

    References
    ----------
    Monroe, Colaresi & Quinn, "Fightin' words: lexical feature selection and evaluation for identifying the
    content of political conflict", Political Analysis 16, 2008.
    """
    if dataset.modality != "text" or dataset.classes is None:
        return None
    from scipy.sparse import csr_matrix
    from scipy.stats import hypergeom
    from sklearn.feature_extraction.text import CountVectorizer

    vectorizer = CountVectorizer(token_pattern=WORD, binary=True, min_df=min(FEWEST, len(dataset)))
    try:
        held: Any = csr_matrix(vectorizer.fit_transform(dataset.X))
    except ValueError:  # no word that several texts hold
        return None
    names, texts_with = vectorizer.get_feature_names_out(), np.asarray(held.sum(axis=0)).ravel()
    found = []
    for k, name in enumerate(dataset.classes[:CLASSES]):
        own = dataset.y == k
        inside = np.asarray(held[own].sum(axis=0)).ravel()
        z = log_odds(inside, int(own.sum()), texts_with - inside, int((~own).sum()))
        p = hypergeom.sf(inside - 1, len(dataset), texts_with, int(own.sum()))
        likely = BY_CHANCE / (len(names) * len(dataset.classes))
        order = [j for j in np.argsort(-z, kind="stable") if p[j] <= likely and inside[j] >= FEWEST]
        words = [
            {"word": str(names[j]), "own": int(inside[j]), "others": int(texts_with[j] - inside[j])}
            for j in order[:WORDS]
        ]
        found.append({"class": str(name), "words": words})
    return found if any(line["words"] for line in found) else None


def log_odds(a: np.ndarray, n: int, b: np.ndarray, m: int, prior: float = 10.0) -> np.ndarray:
    """By how many standard errors a of n are more than b of m, `(words,)`.

    >>> log_odds(np.array([8, 5]), 10, np.array([0, 5]), 10).round(1).tolist()
    [2.5, 0.0]
    """
    share = (a + b + 0.5) / (n + m + 1)
    of_a, of_b = a + prior * share, b + prior * share
    not_a, not_b = n + prior - of_a, m + prior - of_b
    error = np.sqrt(1 / of_a + 1 / not_a + 1 / of_b + 1 / not_b)
    return (np.log(of_a / not_a) - np.log(of_b / not_b)) / error


def words_view(content: Content) -> list[View] | None:
    """The words of each class, for the page."""
    return content.extras.get("words") or None
