"""A multilayer perceptron for small tables: numbers embedded piecewise, several members in one network.

What the field's comparisons have found to matter on tables is used here, and nothing else: numbers enter as
piecewise-linear embeddings (Gorishniy et al., "On embeddings for numerical features in tabular deep
learning", 2022), and one network holds an ensemble whose members share almost all weights (Gorishniy et al.,
"TabM: advancing tabular deep learning with parameter-efficient ensembling", 2025, after Wen et al.,
"BatchEnsemble", 2020). Every member is trained by a loss of its own; what is told is their average.

The width goes with the number of training rows `n` (see `plan_for`); parameters are for ten columns and three
classes:

    n              width   parameters
    up to 300      32       7,096
    up to 1,000    64      14,776
    more           128     36,280

Eight members and `epochs_for(n)` passes at most: 40 for 200 rows and fewer, 20 for 400, 10 from 800 on.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import torch

WIDTHS = ((300, 32), (1000, 64))
WIDEST = 128
BINS = 8


def quantile_edges(Z: np.ndarray, bins: int) -> np.ndarray:
    """Where each column is cut into pieces of equally many samples: `(d, bins + 1)`, not falling.

    Z `(n, d)`. A column with few distinct values has some pieces of width 0; a constant one has all.
    """
    return np.quantile(np.asarray(Z, dtype=float), np.linspace(0, 1, bins + 1), axis=0).T.copy()


def epochs_for(n: int) -> int:
    """Passes over n training rows: fewer where there are many, so that a fit stays at about a second.

    >>> epochs_for(100), epochs_for(400), epochs_for(5000)
    (40, 20, 10)
    """
    return int(np.clip(8_000 // n, 10, 40))


def plan_for(Z: np.ndarray, scale: float = 1.0) -> dict[str, Any]:
    """The arguments of `make_mlp` for a training part `(n, d)`, its width times `scale`.

    A column becomes 8 numbers, fewer where there are more than 64 columns: the first layer would cost more
    than it brings.
    """
    width = next((w for most, w in WIDTHS if len(Z) <= most), WIDEST)
    return {
        "d_in": Z.shape[1],
        "bins": BINS,
        "embedding": int(np.clip(512 // Z.shape[1], 1, 8)),
        "width": max(4, round(scale * width)),
        "edges": quantile_edges(Z, BINS),
    }


def make_mlp(
    d_in: int,
    d_out: int,
    *,
    bins: int = BINS,
    embedding: int = 8,
    width: int = 64,
    depth: int = 2,
    members: int = 8,
    dropout: float = 0.1,
    edges: np.ndarray | None = None,
) -> torch.nn.Module:
    """The network: `(b, d_in)` standardised columns to `(b, members, d_out)` while it trains, to the members'
    average `(b, d_out)` when it serves (the logarithm of averaged probabilities where d_out > 1).

    Parameters
    ----------
    bins : pieces of each column; 0: numbers enter as they are
    embedding : numbers that a column becomes
    width, depth : of the hidden layers
    members : perceptrons that share their weights up to a scale for each input and output of a layer
    edges : `(d_in, bins + 1)` of the training part, see `quantile_edges`; they travel with the weights
    """
    import torch
    from torch import Tensor, nn
    from torch.nn import functional

    class Piecewise(nn.Module):
        """Each column to `embedding` numbers, linear in between its edges; at the start linear throughout."""

        edges: Tensor

        def __init__(self) -> None:
            super().__init__()
            cut = torch.zeros(d_in, bins + 1) if edges is None else torch.as_tensor(edges).float()
            self.register_buffer("edges", cut)
            self.slope = nn.Parameter(torch.empty(d_in, embedding).uniform_(-1, 1))
            self.bias = nn.Parameter(torch.empty(d_in, embedding).uniform_(-1, 1))
            self.pieces = nn.Parameter(torch.zeros(d_in, bins, embedding))

        def forward(self, x: Tensor) -> Tensor:
            low, high = self.edges[:, :-1], self.edges[:, 1:]
            there = high > low
            share = (x[:, :, None] - low) / torch.where(there, high - low, 1.0)
            share = torch.where(there, share, 0.5).clamp(0, 1) - 0.5  # (b, d_in, bins)
            z = x[:, :, None] * self.slope + self.bias
            z = z + torch.einsum("bdk,dke->bde", share, self.pieces)
            return z.flatten(1)  # (b, d_in * embedding)

    class Shared(nn.Module):
        """A linear layer for all members, with a scale of inputs and outputs and a bias for each."""

        def __init__(self, n_in: int, n_out: int, first: bool) -> None:
            super().__init__()
            self.linear = nn.Linear(n_in, n_out, bias=False)
            sign = torch.randint(0, 2, (members, n_in)).float() * 2 - 1
            self.r = nn.Parameter(sign if first else torch.ones(members, n_in))
            self.s = nn.Parameter(torch.ones(members, n_out))
            bound = n_in**-0.5
            self.bias = nn.Parameter(torch.empty(members, n_out).uniform_(-bound, bound))

        def forward(self, x: Tensor) -> Tensor:
            return self.linear(x * self.r) * self.s + self.bias  # (b, members, n_out)

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed = Piecewise() if bins else nn.Identity()
            sizes = [d_in * embedding if bins else d_in, *[width] * depth]
            self.layers = nn.ModuleList(
                Shared(a, b, first=i == 0) for i, (a, b) in enumerate(pairwise(sizes))
            )
            bound = width**-0.5
            self.heads = nn.Parameter(torch.empty(members, width, d_out).uniform_(-bound, bound))
            self.bias = nn.Parameter(torch.zeros(members, d_out))

        def forward(self, x: Tensor) -> Tensor:
            z = self.embed(x)[:, None]  # (b, 1, d): the same for every member
            for layer in self.layers:
                z = functional.dropout(torch.relu(layer(z)), dropout, self.training)
            out = torch.einsum("bmw,mwo->bmo", z, self.heads) + self.bias  # (b, members, d_out)
            if self.training:
                return out
            if d_out == 1:
                return out.mean(dim=1)
            return out.log_softmax(dim=2).logsumexp(dim=1) - float(np.log(members))  # (b, d_out)

    return Network()
