"""A loss that needs no head: samples of one class towards each other, those of different classes apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handful.nets.train import ERROR

if TYPE_CHECKING:
    import torch


def cosine_pairs(
    vectors: torch.Tensor, targets: torch.Tensor, progress: float = 1.0
) -> dict[str, torch.Tensor]:
    """Squared error of the cosine of every pair in a batch: 1 is right within a class, 0 between two.

    vectors `(b, d)` of length 1, targets `(b, K)` rows of 0 and 1. SetFit (Tunstall et al., "Efficient
    few-shot learning without prompts", 2022) draws pairs one by one, as many of a class as of two; here all
    pairs of a batch count, and the two kinds as much as each other, whatever the number of classes.
    """
    import torch

    cosines = vectors @ vectors.T  # (b, b)
    same = (targets @ targets.T) > 0
    others = ~torch.eye(len(vectors), dtype=torch.bool, device=vectors.device)
    within, between = ((cosines - 1) ** 2)[same & others], (cosines**2)[~same]
    nothing = 0 * cosines.sum()  # a batch may hold one class only, or each class once
    return {
        ERROR: (within.mean() if len(within) else nothing) + (between.mean() if len(between) else nothing)
    }
