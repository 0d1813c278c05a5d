"""More texts, made inside the training part: copies that differ a little from the texts that are there."""

from __future__ import annotations

from typing import Any

import numpy as np

from handful.data.text_copies import copy_of
from handful.data.texts import as_array
from handful.strategies.chain import Chain

LABELS = {
    "words dropped": "copies with words left out",
    "words swapped": "copies with neighbouring words swapped",
    "typos": "copies with typing errors",
    "sentences dropped": "copies with sentences left out",
    "all of it": "copies with words and sentences left out, swaps and typing errors",
}


class MoreTexts(Chain):
    """A chain that learns from changed copies of the training texts beside the texts themselves.

    A copy of a text belongs to the text's group, so that inner folds never hold out a copy of what they learn
    from. What is predicted is the plain text. A text that the way cannot change gets no copy.

    Parameters
    ----------
    features, head : of the chain; the first feature looks at texts
    way : one of `handful.data.text_copies.WAYS`
    copies : of each text
    most : the most texts that are learned from, copies included: each has fewer copies where that is needed
    """

    def __init__(
        self, features: list[Any], head: Any, way: str = "words dropped", copies: int = 2, most: int = 1000
    ) -> None:
        super().__init__(features, head)
        self.way = way
        self.copies = copies
        self.most = most

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        own = {"way": self.way, "copies": self.copies, "most": self.most}
        return super().get_params(deep) | own

    def fit(  # type: ignore[override]  # learns from labelled samples only
        self, X: Any, y: np.ndarray, groups: np.ndarray | None = None
    ) -> MoreTexts:
        """X `(n,)` texts, y `(n,)`, groups `(n,)` or None."""
        unit = np.arange(len(y)) if groups is None else np.asarray(groups)
        made, source = self.made(X)
        rows = np.concatenate([np.arange(len(y)), source])
        super().fit(np.concatenate([X, made]), np.asarray(y)[rows], unit[rows])
        return self

    def made(self, X: Any) -> tuple[np.ndarray, np.ndarray]:
        """The copies `(m,)` of the texts X `(n,)`, and which text each was made of `(m,)`."""
        each = min(self.copies, max(0, self.most // max(1, len(X)) - 1))
        found = [(copy_of(text, self.way, k), i) for k in range(each) for i, text in enumerate(X)]
        changed = [(text, i) for text, i in found if text != X[i]]
        return as_array([text for text, _ in changed]), np.array([i for _, i in changed], dtype=np.int64)
