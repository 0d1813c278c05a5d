"""A flag for texts unlike the training data, by their words alone: how many of them were never met."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from handful.data.texts import WORD

QUANTILE = 0.99  # about so many of fresh texts of the same kind are not flagged
MOST = 0.999  # a text without any known word is always flagged


class NewWords(BaseEstimator):
    """Flags texts with more new words than the training texts have, each measured against the other groups.

    Another language, another trade and what is no text at all stand out; a new matter in the same words does
    not. Distances of counted words did worse: in a few hundred texts nearly all have the same distance
    (benchmarks/unlike_texts.py).

    Attributes
    ----------
    known_ : the words of the training texts
    threshold_ : the share of new words that 99 of 100 training texts do not exceed
    """

    def fit(self, X: Any, unit: np.ndarray) -> NewWords:
        """X `(n,)` texts; `unit` `(n,)` says which belong together."""
        found = [distinct(text) for text in X]
        groups_with: dict[str, set[Any]] = {}
        for words, group in zip(found, np.asarray(unit).tolist(), strict=True):
            for word in words:
                groups_with.setdefault(word, set()).add(group)
        self.known_ = dict.fromkeys(groups_with, True)
        own = [_share(words, {w for w in words if len(groups_with[w]) > 1}) for words in found]
        self.threshold_ = _threshold(np.array(own))
        return self

    def distance(self, X: Any) -> np.ndarray:
        """The share of new words of each text `(n,)`, in units of the threshold: above 1 is unlike."""
        check_is_fitted(self, "threshold_")
        return np.array([_share(distinct(text), self.known_) for text in X]) / self.threshold_


def distinct(text: str) -> set[str]:
    """The words of a text, without case; characters, where a script has no spaces."""
    return set(re.findall(WORD, text.lower()))


def _share(words: set[str], known: Any) -> float:
    """The share of words that are not known; 1 where there are none."""
    return sum(word not in known for word in words) / len(words) if words else 1.0


def _threshold(own: np.ndarray) -> float:
    """The 99 % quantile of n + 1 shares; carried on, as normal, where n is too small."""
    own = np.sort(own)
    k = int(np.ceil((len(own) + 1) * QUANTILE))
    if k <= len(own):
        return float(np.clip(own[k - 1], 0.01, MOST))
    return float(np.clip(max(own[-1], own.mean() + 2.33 * own.std()), 0.01, MOST))
