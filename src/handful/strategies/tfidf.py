"""Texts as counts of their words and pieces of words: no network, in any language, and often hard to beat."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.linalg import eigh
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.utils.validation import check_is_fitted

PARTS = ("words", "characters")


class TfIdf(TransformerMixin, BaseEstimator):
    """Texts as TF-IDF of words (and pairs of them) and of pieces of 2 to 5 characters, in few dimensions.

    The vocabulary, the rarity of its members, and the basis come from the training part. What comes out are
    the samples in an orthonormal basis of their own span: inner products are those of the sparse vectors, so
    for every linear model and every kernel of distances nothing is lost, and `(n, n)` is all there is to fit.
    Each part has unit length before they are joined; a text without a known word is 0.

    Parameters
    ----------
    parts : which of `PARTS`
    most : dimensions kept at most, those of the largest variance

    References
    ----------
    Joachims, "Text categorization with support vector machines", ECML 1998; McNamee & Mayfield, "Character
    n-gram tokenization for European language text retrieval", 2004.
    """

    def __init__(self, parts: tuple[str, ...] = PARTS, most: int = 1000) -> None:
        self.parts = parts
        self.most = most

    def fit(self, X: Any, y: Any = None) -> TfIdf:
        """X `(n,)` texts."""
        self.vectorizers_ = [_vectorizer(part) for part in self.parts]
        for vectorizer in self.vectorizers_:
            _fitted(vectorizer, X)
        self.training_ = self.sparse(X)
        values, vectors = eigh((self.training_ @ self.training_.T).toarray())
        keep = np.flatnonzero(values > max(values[-1], 1e-12) * 1e-10)[::-1][: self.most]
        self.basis_ = vectors[:, keep] / np.sqrt(values[keep])  # (n, rank)
        return self

    def sparse(self, X: Any) -> Any:
        """The counts themselves, `(n, vocabulary)` in compressed rows of unit length."""
        from scipy.sparse import csr_matrix, hstack

        found = [v.transform(X) for v in self.vectorizers_ if v.vocabulary_]
        if not found:
            return csr_matrix((len(X), 1))
        return csr_matrix(hstack(found) / np.sqrt(len(found)))

    def transform(self, X: Any) -> np.ndarray:
        """`(n, d)` float64, d at most the number of training texts."""
        check_is_fitted(self, "basis_")
        return (self.sparse(X) @ self.training_.T).toarray() @ self.basis_


def _vectorizer(part: str) -> TfidfVectorizer:
    if part == "words":
        # Words of one letter or digit count too: they are words in Chinese, and digits can decide.
        return TfidfVectorizer(ngram_range=(1, 2), token_pattern=r"(?u)\b\w+\b", sublinear_tf=True)
    return TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True)


def _fitted(vectorizer: TfidfVectorizer, X: Any) -> None:
    try:
        vectorizer.fit(X)
    except ValueError:  # nothing but punctuation, so no vocabulary
        vectorizer.vocabulary_ = {}
