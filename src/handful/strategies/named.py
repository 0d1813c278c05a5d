"""The names of classes, learned from as if they were texts of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from handful.data.texts import UNSPACED, as_array, clean
from handful.strategies.chain import Chain
from handful.strategies.inner import MADE_UP

_WORD = re.compile(rf"[^\W\d_]{{2}}|[{UNSPACED}]")
COPIES = 2  # of each name: of 1, 2, 4 and 8 the best for all heads at once (benchmarks/class_names.py)


class NamedClasses(Chain):
    """A chain that learns from the names of the classes beside the training texts.

    An encoder puts "billing" near to what people write of bills: the name is an example that costs nothing.
    The inner folds of the head never hold a name out, so what is chosen there is chosen on real texts.

    Parameters
    ----------
    features, head : of the chain; the first feature looks at texts
    names : the name of each class, in the order of the codes in y
    copies : of each name
    """

    def __init__(
        self, features: list[Any], head: Any, names: Sequence[str] = (), copies: int = COPIES
    ) -> None:
        super().__init__(features, head)
        self.names = names
        self.copies = copies

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        return super().get_params(deep) | {"names": self.names, "copies": self.copies}

    def fit(  # type: ignore[override]  # learns from labelled samples only
        self, X: Any, y: np.ndarray, groups: np.ndarray | None = None
    ) -> NamedClasses:
        """X `(n,)` texts, y `(n,)` codes, groups `(n,)` or None."""
        super().fit(*with_names(X, y, groups, self.names, self.copies))
        return self


def with_names(
    X: Any, y: np.ndarray, groups: np.ndarray | None, names: Sequence[str], copies: int = COPIES
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Texts, codes and groups of a training part, and behind them copies of the name of each class."""
    y = np.asarray(y)
    own = np.tile(np.unique(y), copies)
    made = as_array([names[k] for k in own])
    unit = np.arange(len(y)) if groups is None else np.asarray(groups)
    return np.concatenate([X, made]), np.r_[y, own], np.r_[unit, np.full(len(own), MADE_UP)]


def spoken(name: str) -> str:
    """The name of a class as one would say it.

    >>> spoken("billing_question"), spoken("Bipolar-Disorder"), spoken("creditCard")
    ('billing question', 'Bipolar Disorder', 'credit Card')
    """
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", re.sub(r"[_\-./]+", " ", str(name)))
    return clean(apart)


def telling(names: Sequence[str]) -> bool:
    """Whether the names say something: words, each another, not numbers or single letters.

    >>> telling(["yes", "no"]), telling(["A", "B"]), telling(["3", "4"]), telling(["好", "坏"])
    (True, False, False, True)
    """
    said = [spoken(name).casefold() for name in names]
    return all(map(_WORD.search, said)) and len(set(said)) == len(said)
