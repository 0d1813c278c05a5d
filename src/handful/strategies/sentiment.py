"""How positive or negative the words of English texts are: what people said of 7,500 words, asked for once.

A sentence encoder sorts texts by topic and hardly tells praise from blame. A lexicon of words and emoticons
that people have rated, with rules for "not", "very" and exclamation marks, does (VADER: Hutto & Gilbert, "A
parsimonious rule-based model for sentiment analysis of social media text", ICWSM 2014).
"""

from __future__ import annotations

from functools import cache, lru_cache
from importlib.util import find_spec
from typing import Any

import numpy as np
from sklearn.preprocessing import StandardScaler

from handful.backbones import used
from handful.backbones.text_loading import TEXT_EXTRA
from handful.data.dataset import Dataset, Finding
from handful.data.language import english
from handful.errors import MissingExtraError
from handful.settings import Settings
from handful.strategies import transfer
from handful.strategies.candidate import Candidate
from handful.strategies.chain import Chain, Stateless
from handful.strategies.embedding import BlockScaler, TextEmbedding, Together

PACKAGE = "vaderSentiment"
TECHNIQUE = "sentiment of the words"
SCORES = ("neg", "neu", "pos", "compound")
# How much the four scores count beside the vector of a sentence encoder, 1 being as much: the better of 1 and
# .5 on draws of rotten_tomatoes with seeds from 700 on (benchmarks/sentiment.py).
COUNTS = 0.5


class Sentiment(Stateless):
    """The shares of negative, neutral and positive words of a text, and its sentiment from -1 to 1 in all.

    Nothing is fitted: the ratings are VADER's. Words that it does not know are neutral, so that texts of
    another language are all alike.
    """

    def transform(self, X: Any) -> np.ndarray:
        """Texts `(n,)` to `(n, 4)` float32. MissingExtraError without the package vaderSentiment."""
        return np.array([_rated(text) for text in X], dtype=np.float32).reshape(-1, len(SCORES))


def candidates(dataset: Dataset, settings: Settings) -> list[Candidate]:
    """For English texts: a linear head on the four scores, and heads on them beside an encoder's vectors."""
    if dataset.modality != "text" or not installed() or not english(dataset.X):
        return []
    head, label, estimator, cost = transfer.heads(dataset.task, simple=False)[0]
    alone = Candidate(
        f"sentiment {head}",
        f"{TECHNIQUE} + {label}",
        "sentiment",
        Chain([Sentiment(), StandardScaler()], estimator),
        cost=cost - 45,
    )
    return [alone] + [c for first in used(settings, "text")[:1] for c in _beside(first, dataset, settings)]


def _beside(backbone: str, dataset: Dataset, settings: Settings) -> list[Candidate]:
    """The two foremost candidates on frozen vectors of a backbone, with the scores beside its vectors."""
    from handful.backbones.texts import get_text

    widths = [get_text(backbone).dimension, len(SCORES)]
    parts = [TextEmbedding(backbone), Sentiment()]
    names = [f"{backbone} {head}" for head, *_ in transfer.heads(dataset.task, simple=False)]
    bases = [c for c in transfer.candidates(dataset, settings) if c.name in names]
    return [
        base.plus(
            TECHNIQUE,
            ", sentiment",
            f"beside them the {TECHNIQUE}",
            Chain([Together(parts), BlockScaler(widths, [1.0, COUNTS])], base.estimator.head),
            "sentiment",
            1,
        )
        for base in bases
    ]


def notes(dataset: Dataset, settings: Settings) -> list[Finding]:
    """What would have been tried on English texts, had its package been installed."""
    wanted = settings.families is None or "sentiment" in settings.families
    if dataset.modality != "text" or not wanted or installed() or not english(dataset.X):
        return []
    message = (
        "The sentiment of the words, which helps where texts are opinions, was not tried, as its lexicon is "
        "not installed: pip install 'handful[text]'."
    )
    return [Finding("not tried", "note", message)]


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
