"""Texts as counts of their words and pieces of words: no network, in any language, and often hard to beat."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from scipy.linalg import eigh
from scipy.sparse import csr_matrix, hstack
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer
from sklearn.utils import murmurhash3_32
from sklearn.utils.validation import check_is_fitted

PARTS = ("words", "characters")
NUMBERS = 2**24  # that words are hashed to: of a hundred thousand pieces about one in 170 shares its number
MOST_KEPT = 10_000_000  # counts kept in this process, 8 bytes each: those of some 3,000 pages of news

Counts = tuple[np.ndarray, np.ndarray]  # numbers of pieces (k,) int32, rising, and how often each is there

_kept: dict[tuple[str, str], Counts] = {}


class TfIdf(TransformerMixin, BaseEstimator):
    """Texts as TF-IDF of words (and pairs of them) and of pieces of 2 to 5 characters, in few dimensions.

    The vocabulary, the rarity of its members, and the basis come from the training part. What comes out are
    the samples in an orthonormal basis of their own span: inner products are those of the sparse vectors, so
    for every linear model and every kernel of distances nothing is lost, and `(n, n)` is all there is to fit.
    Each part has the same length before they are joined; a text without a known word is 0.

    Parameters
    ----------
    parts : which of `PARTS`
    most : dimensions kept at most, those of the largest variance
    length : of the vector of every text

    References
    ----------
    Joachims, "Text categorization with support vector machines", ECML 1998; McNamee & Mayfield, "Character
    n-gram tokenization for European language text retrieval", 2004; Weinberger et al., "Feature hashing for
    large scale multitask learning", ICML 2009.
    """

    def __init__(self, parts: tuple[str, ...] = PARTS, most: int = 1000, length: float = 1.0) -> None:
        self.parts = parts
        self.most = most
        self.length = length

    def fit(self, X: Any, y: Any = None) -> TfIdf:
        """X `(n,)` texts."""
        found = [(part, Vocabulary(part).fit(X)) for part in self.parts]
        self.vocabularies_ = [v for _, v in found if len(v.numbers_)]  # none of nothing but punctuation
        self.weights_ = [TfidfTransformer(sublinear_tf=True).fit(v.transform(X)) for v in self.vocabularies_]
        self.training_ = self.sparse(X)
        n = len(X)
        least = max(0, n - self.most)
        values, vectors = eigh(_products(self.training_, self.training_), subset_by_index=[least, n - 1])
        keep = np.flatnonzero(values > max(values[-1], 1e-12) * 1e-10)[::-1]
        self.basis_ = self.length * vectors[:, keep] / np.sqrt(values[keep])  # (n, rank)
        return self

    def sparse(self, X: Any) -> csr_matrix:
        """The weighted counts themselves, `(n, vocabulary)` float32 in compressed rows of unit length."""
        if not self.vocabularies_:
            return csr_matrix((len(X), 1), dtype=np.float32)
        parts = [w.transform(v.transform(X)) for v, w in zip(self.vocabularies_, self.weights_, strict=True)]
        return csr_matrix(hstack(parts) / np.sqrt(len(parts)), dtype=np.float32)

    def names(self, X: Any) -> list[str]:
        """What the columns of `sparse` count, as the training texts X write it: words, pairs, or pieces.

        To explain a model: `training_.T @ basis_ @ coef` is what each of them adds to a decision.
        """
        return [name for v in self.vocabularies_ for name in v.names(X)]

    def transform(self, X: Any) -> np.ndarray:
        """`(n, d)` float64, d at most the number of training texts."""
        check_is_fitted(self, "basis_")
        return _products(self.sparse(X), self.training_) @ self.basis_


class Vocabulary(TransformerMixin, BaseEstimator):
    """How often each piece that the training texts have is in a text: `(n, vocabulary)`, compressed rows.

    Parameters
    ----------
    part : one of `PARTS`

    After `fit`: `numbers_` `(vocabulary,)`, the numbers that stand for the pieces, rising.
    """

    def __init__(self, part: str = "words") -> None:
        self.part = part

    def fit(self, X: Any, y: Any = None) -> Vocabulary:
        """X `(n,)` texts."""
        self.numbers_ = np.unique(np.concatenate([numbers for numbers, _ in counted(X, self.part)]))
        return self

    def transform(self, X: Any) -> csr_matrix:
        check_is_fitted(self, "numbers_")
        found = counted(X, self.part)
        numbers, counts = (np.concatenate(parts) for parts in zip(*found, strict=True))
        rows = np.repeat(np.arange(len(X)), [len(n) for n, _ in found])
        if not len(self.numbers_):
            return csr_matrix((len(X), 0), dtype=np.float32)
        places = np.minimum(np.searchsorted(self.numbers_, numbers), len(self.numbers_) - 1)
        known = self.numbers_[places] == numbers
        shape = len(X), len(self.numbers_)
        return csr_matrix((counts[known], (rows[known], places[known])), shape=shape)

    def names(self, X: Any) -> list[str]:
        """The pieces themselves, which only the training texts X still know."""
        analyse = _vectorizer(self.part).build_analyzer()
        known = {_number(piece): piece for text in X for piece in analyse(text)}
        return [known.get(int(number), "") for number in self.numbers_]


def counted(texts: Any, part: str) -> list[Counts]:
    """The pieces of each text and how often they are in it: a function of one text, kept for later folds."""
    fresh = list(dict.fromkeys(text for text in texts if (part, text) not in _kept))
    if fresh:
        found = _count(fresh, part)
        if sum(len(numbers) for numbers, _ in _kept.values()) > MOST_KEPT:
            found |= {text: _kept[part, text] for text in texts if (part, text) in _kept}
            _kept.clear()
        _kept.update({(part, text): counts for text, counts in found.items()})
    return [_kept[part, text] for text in texts]


def _count(texts: Sequence[str], part: str) -> dict[str, Counts]:
    matrix = _vectorizer(part).transform(texts)
    matrix.sort_indices()
    ends = zip(matrix.indptr[:-1], matrix.indptr[1:], strict=True)
    rows = [(matrix.indices[a:b].copy(), matrix.data[a:b].copy()) for a, b in ends]
    return dict(zip(texts, rows, strict=True))


@cache
def _vectorizer(part: str) -> HashingVectorizer:
    plain = {"n_features": NUMBERS, "norm": None, "alternate_sign": False, "dtype": np.float32}
    if part == "words":
        # Words of one letter or digit count too: they are words in Chinese, and digits can decide.
        return HashingVectorizer(ngram_range=(1, 2), token_pattern=r"(?u)\b\w+\b", **plain)
    return HashingVectorizer(analyzer="char_wb", ngram_range=(2, 5), **plain)


def _number(piece: str) -> int:
    """The column of a HashingVectorizer."""
    return abs(murmurhash3_32(piece)) % NUMBERS


def _products(A: csr_matrix, B: csr_matrix) -> np.ndarray:
    """Inner products of all rows, `(len(A), len(B))`.

    A few pieces are in most texts and would make up nearly all the work: theirs go through dense matrices.
    """
    A, B = A.astype(float), B.astype(float)  # or the smallest directions of the span would be rounding errors
    often = np.bincount(B.indices, minlength=B.shape[1]) > max(16, B.shape[0] // 8)
    return A[:, often].toarray() @ B[:, often].toarray().T + (A[:, ~often] @ B[:, ~often].T).toarray()
