from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import hstack
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer

from handful.strategies import tfidf
from handful.strategies.tfidf import TfIdf, Vocabulary, counted
from tests.conftest import texts


def plain(X: np.ndarray, new: np.ndarray) -> np.ndarray:
    """Inner products of new texts with X by scikit-learn's own vectorizers."""
    words = TfidfVectorizer(ngram_range=(1, 2), token_pattern=r"(?u)\b\w+\b", sublinear_tf=True)
    pieces = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True)
    known = hstack([v.fit_transform(X) for v in (words, pieces)])
    return (hstack([v.transform(new) for v in (words, pieces)]) @ known.T).toarray() / 2


def test_inner_products_are_those_of_the_sparse_vectors() -> None:
    X = texts().X
    known, new = X[::2], X[1::2]
    fitted = TfIdf().fit(known)
    found = fitted.transform(new) @ fitted.transform(known).T
    np.testing.assert_allclose(found, plain(known, new), atol=1e-4)
    assert fitted.transform(known).shape[1] <= len(known)


def test_a_text_is_placed_by_itself_alone() -> None:
    X = texts().X
    fitted = TfIdf().fit(X[:20])
    np.testing.assert_allclose(fitted.transform(X[20:21]), fitted.transform(X[20:])[:1], atol=1e-12)
    long = TfIdf(length=30.0).fit(X[:20])
    np.testing.assert_allclose(long.transform(X), 30 * fitted.transform(X), atol=1e-10)


def test_only_the_most_telling_directions_are_kept() -> None:
    X = texts().X
    whole, few = TfIdf().fit(X).transform(X), TfIdf(most=5).fit(X).transform(X)
    assert few.shape == (30, 5)
    np.testing.assert_allclose(np.abs(few), np.abs(whole[:, :5]), atol=1e-8)


def test_a_column_is_named_as_the_texts_write_it() -> None:
    X = np.array(["Good film", "bad film, bad"], dtype=object)
    vocabulary = Vocabulary("words").fit(X)
    names = vocabulary.names(X)
    assert sorted(names) == ["bad", "bad film", "film", "film bad", "good", "good film"]
    counts = vocabulary.transform(np.array(["a bad bad day", "good"], dtype=object)).toarray()
    assert counts[:, names.index("bad")].tolist() == [2, 0] and counts.sum() == 3
    assert TfIdf().fit(X).names(X)[: len(names)] == names


@pytest.mark.parametrize("strange", ["", "?!", "of words that nobody knows"])
def test_a_text_without_a_known_word_is_0_or_little(strange: str) -> None:
    fitted = TfIdf().fit(np.array(["one two", "three four"], dtype=object))
    Z = fitted.transform(np.array([strange, "one two"], dtype=object))
    assert np.linalg.norm(Z[0]) < 0.5 and np.linalg.norm(Z[1]) == pytest.approx(1)
    nothing = TfIdf(("words",)).fit(np.array(["?", "!"], dtype=object))
    assert (nothing.transform(np.array(["?", strange], dtype=object)) == 0).all()


def test_texts_are_counted_once_and_forgotten_when_there_are_too_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tfidf, "_kept", {})
    calls: list[int] = []
    count = tfidf._count
    monkeypatch.setattr(tfidf, "_count", lambda fresh, part: calls.append(len(fresh)) or count(fresh, part))
    X = texts().X
    first = counted(X[:20], "words")
    again = counted(X, "words")
    assert calls == [20, 10] and all(a is b for a, b in zip(first, again, strict=False))
    monkeypatch.setattr(tfidf, "MOST_KEPT", 1)
    renewed = counted(np.append(X[:5], "something new"), "words")
    assert len(tfidf._kept) == 6 and all(a is b for a, b in zip(first[:5], renewed, strict=False))
    expected = CountVectorizer(ngram_range=(1, 2), token_pattern=r"(?u)\b\w+\b").fit_transform(X[:1])
    assert sorted(renewed[0][1]) == sorted(expected.data)
