"""A small network from scratch on texts: what deep learning reaches without anything read elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from handful.nets.train import Inputs, Recipe
from handful.strategies.chain import Stateless
from handful.strategies.network import Classifier, Network, Regressor
from handful.strategies.tfidf import PARTS, counted

if TYPE_CHECKING:
    import torch

DROPPED = 0.5  # share of the pieces of a text that a training step does not see
# Kept of one text, those of some 1,500 words, or one book makes the matrix of all texts as wide as it is.
# Numbers of pieces rise and are hashes: what is left out of the last part is as good as drawn at random.
MOST_PIECES = 10_000


class Pieces(Stateless):
    """The words, pairs of words and pieces of characters of each text, as numbers from 1 on.

    Parameters
    ----------
    parts : which of `handful.strategies.tfidf.PARTS`
    """

    def __init__(self, parts: tuple[str, ...] = PARTS) -> None:
        self.parts = parts

    def transform(self, X: Any) -> np.ndarray:
        """`(n,)` texts to `(n, L)` int32, L at most `MOST_PIECES`, 0 behind the last piece of a text."""
        found = [counted(X, part) for part in self.parts]
        together = zip(*found, strict=True)
        numbers = [np.concatenate([counts[0] for counts in parts])[:MOST_PIECES] for parts in together]
        out = np.zeros((len(X), max(1, max(map(len, numbers), default=1))), dtype=np.int32)
        for row, own in zip(out, numbers, strict=True):
            row[: len(own)] = own + 1
        return out


class _OnTexts(Network):
    """See `handful.nets.bag`; Z holds the numbers of pieces, as `Pieces` gives them."""

    RECIPE = Recipe(batch=16, lr=1e-2, weight_decay=0.02, smoothing=0.1, balance=0.0)

    def _usual_epochs(self, n: int) -> int:
        from handful.nets.bag import epochs_for

        return epochs_for(n)

    def _plan(self, Z: np.ndarray) -> dict[str, Any]:
        from handful.nets.bag import plan_for, rarity

        plan = plan_for(len(Z), self.size)
        return plan | {"weights": rarity(_hashed(Z, plan["buckets"]), plan["buckets"])}

    def _make(self, plan: dict[str, Any], d_out: int) -> torch.nn.Module:
        from handful.nets.bag import make_bag

        return make_bag(d_out, **plan)

    def _inputs(self, Z: np.ndarray, device: str) -> Inputs:
        import torch

        hashed = _hashed(Z, self.plan_["buckets"])

        def batch(rows: np.ndarray, random: np.random.Generator | None) -> torch.Tensor:
            some = hashed[rows]
            some = some[:, : max(1, int((some > 0).sum(axis=1).max()))]
            if random is not None:
                some = np.where(random.random(some.shape, dtype=np.float32) < DROPPED, 0, some)
            return torch.from_numpy(np.ascontiguousarray(some)).to(device)

        return batch


def _hashed(Z: np.ndarray, buckets: int) -> np.ndarray:
    """Numbers of pieces to 1…buckets, 0 staying 0."""
    return np.where(Z > 0, Z % buckets + 1, 0)


class BagHead(_OnTexts, Classifier):
    """A bag of hashed words and pieces of words, for classes."""


class BagValueHead(_OnTexts, Regressor):
    """A bag of hashed words and pieces of words, for a measured value."""
