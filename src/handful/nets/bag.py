"""A small network for texts: learned vectors of words and pieces of words are summed; a linear layer follows.

Joulin et al., "Bag of tricks for efficient text classification", EACL 2017 (fastText): words, pairs of words
and pieces of characters are hashed to so many numbers, each with a vector of its own. The sizes go with the
number of training texts `n` (see `plan_for`):

    n              numbers   vector   parameters (three classes)
    up to 300       4,096      8        32,827
    up to 1,000    16,384     16       262,211
    more           65,536     16     1,048,643
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import torch

SIZES = ((300, 4_096, 8), (1000, 16_384, 16))
LARGEST = 65_536, 16
START = 0.1  # standard deviation of the vectors at the start


def epochs_for(n: int) -> int:
    """Passes over n training texts: fewer where there are many, so that a fit stays at a few seconds.

    >>> epochs_for(64), epochs_for(400), epochs_for(5000)
    (60, 25, 10)
    """
    return int(np.clip(10_000 // n, 10, 60))


def plan_for(n: int, scale: float = 1.0) -> dict[str, Any]:
    """The arguments of `make_bag` for n training texts, its vectors times `scale` as long."""
    buckets, width = next(((b, w) for most, b, w in SIZES if n <= most), LARGEST)
    return {"buckets": buckets, "width": max(2, round(scale * width))}


def rarity(Z: np.ndarray, buckets: int) -> np.ndarray:
    """How much each piece tells, by how few of the training texts Z `(n, L)` have it: `(buckets + 1,)`.

    The inverse document frequency, log((1 + n) / (1 + texts with it)) + 1; 0 for what none of them has.
    """
    i, j = np.nonzero(Z)  # one long text makes most of Z zeros
    pairs = np.unique(i * (buckets + 1) + Z[i, j])  # a piece counts once a text
    found = np.bincount(pairs % (buckets + 1), minlength=buckets + 1)
    weights = np.where(found > 0, np.log((1 + len(Z)) / (1 + found)) + 1, 0.0)
    weights[0] = 0.0
    return weights.astype(np.float32)


def make_bag(
    d_out: int, *, buckets: int, width: int, weights: np.ndarray | None = None, dropout: float = 0.2
) -> torch.nn.Module:
    """The network: `(b, L)` numbers of pieces, 0 where there is none and 1…buckets else, to `(b, d_out)`.

    `weights` `(buckets + 1,)` say how much a piece counts, see `rarity`; they travel with the weights.
    """
    import torch
    from torch import Tensor, nn
    from torch.nn import functional

    class Bag(nn.Module):
        weights: Tensor

        def __init__(self) -> None:
            super().__init__()
            self.vectors = nn.EmbeddingBag(buckets + 1, width, mode="sum", padding_idx=0)
            # Small, or the vectors of what was never met in training would drown the others.
            nn.init.normal_(self.vectors.weight, std=START)
            self.linear = nn.Linear(width, d_out)
            given = torch.ones(buckets + 1) if weights is None else torch.as_tensor(weights).float()
            self.register_buffer("weights", given)

        def forward(self, x: Tensor) -> Tensor:
            w = self.weights[x] * (x > 0)  # (b, L)
            w = w / w.norm(dim=1, keepdim=True).clamp(min=1e-6)
            z = self.vectors(x, per_sample_weights=w)  # (b, width)
            return self.linear(functional.dropout(z, dropout, self.training))

    return Bag()
