"""Ratings of words by people, as features of texts: VADER's lexicon of sentiment.

A sentence encoder sorts texts by topic and hardly tells praise from blame. A lexicon of 7,500 English words
and emoticons that people have rated once, with rules for "not", "very" and exclamation marks, does (Hutto &
Gilbert, "VADER: a parsimonious rule-based model for sentiment analysis of social media text", ICWSM 2014).
"""

from __future__ import annotations

from functools import cache, lru_cache
from importlib.util import find_spec
from typing import Any

import numpy as np

from handful.backbones.text_loading import TEXT_EXTRA
from handful.errors import MissingExtraError
from handful.strategies.chain import Stateless

PACKAGE = "vaderSentiment"
SCORES = ("neg", "neu", "pos", "compound")


class Sentiment(Stateless):
    """The shares of negative, neutral and positive words of a text, and its sentiment from -1 to 1 in all.

    Nothing is fitted: the ratings are VADER's. Words that it does not know are neutral, so that texts of
    another language are all alike.
    """

    def transform(self, X: Any) -> np.ndarray:
        """Texts `(n,)` to `(n, 4)` float32. MissingExtraError without the package vaderSentiment."""
        return np.array([_rated(text) for text in X], dtype=np.float32).reshape(-1, len(SCORES))


def installed() -> bool:
    """Whether the lexicon is on this machine."""
    return find_spec(PACKAGE) is not None


@lru_cache(maxsize=100_000)
def _rated(text: str) -> tuple[float, ...]:
    found = _analyzer().polarity_scores(text)
    return tuple(found[score] for score in SCORES)


@cache
def _analyzer() -> Any:
    try:
        from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer
    except ImportError:
        raise MissingExtraError(PACKAGE, TEXT_EXTRA, "rating the sentiment of words") from None
    return SentimentIntensityAnalyzer()
