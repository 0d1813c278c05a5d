"""What a decoder says of a row with columns of several kinds, and how unlikely that makes the row.

A row is a vector of fields. A number is normally distributed around what is told, with a spread that is
learned for each column; where a flag stands beside it, which says that it is missing, the flag is a coin and
a missing number does not count. A category is one of its values: a row of 0 and 1, and as many logits.

Xu et al., "Modeling tabular data using conditional GAN", NeurIPS 2019 (TVAE); the learned spread of Rybkin,
Daniilidis & Levine, "Simple and effective VAE training with calibrated decoders", ICML 2021.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

NUMBER, FLAGGED, CATEGORY = "number", "number with a flag", "category"
# Standard deviations of a column. Without a floor an autoencoder would go on to copy a column ever more
# exactly instead of learning the others.
FINEST = 0.1
STEEPEST = 15.0  # the largest logit that counts
PRIOR = 1.0  # rows of all classes that count in each


@dataclass(frozen=True)
class Layout:
    """What the columns `(d,)` of a matrix are: fields in their order, each a kind and how many columns.

    A "number" has one column, a "number with a flag" two, the number and 1 where it is missing (the number is
    0 then), a "category" one for each value.

    >>> layout = Layout(((NUMBER, 1), (FLAGGED, 2), (CATEGORY, 3)))
    >>> layout.width, layout.numbers.tolist(), layout.flags.tolist(), layout.categories.tolist()
    (6, [0, 1], [2], [3, 4, 5])
    """

    fields: tuple[tuple[str, int], ...]

    @classmethod
    def of_numbers(cls, d: int) -> Layout:
        """A plain matrix."""
        return cls(((NUMBER, 1),) * d)

    @cached_property
    def field(self) -> np.ndarray:
        """The field of each column `(d,)`."""
        return np.repeat(np.arange(len(self.fields)), [size for _, size in self.fields])

    @cached_property
    def width(self) -> int:
        return len(self.field)

    @cached_property
    def _starts(self) -> np.ndarray:
        sizes = np.array([size for _, size in self.fields], dtype=int)
        return np.cumsum(sizes) - sizes

    def _of(self, *kinds: str) -> np.ndarray:
        return np.array([i for i, (kind, _) in enumerate(self.fields) if kind in kinds], dtype=int)

    @cached_property
    def numbers(self) -> np.ndarray:
        """Columns that hold numbers."""
        return self._starts[self._of(NUMBER, FLAGGED)]

    @cached_property
    def flags(self) -> np.ndarray:
        """Columns that say whether the number before them is missing."""
        return self._starts[self._of(FLAGGED)] + 1

    @cached_property
    def flagged(self) -> np.ndarray:
        """Places in `numbers` of those that have a flag."""
        return np.flatnonzero(np.isin(self.numbers, self.flags - 1))

    @cached_property
    def categories(self) -> np.ndarray:
        """Columns of categories."""
        return np.flatnonzero(np.isin(self.field, self._of(CATEGORY)))

    @cached_property
    def category(self) -> np.ndarray:
        """Which category each of `categories` belongs to, counted from 0."""
        return np.unique(self.field[self.categories], return_inverse=True)[1].reshape(-1)


def surprise(layout: Layout, told: Tensor, log_sigma: Tensor, truth: Tensor) -> dict[str, Tensor]:
    """Nats a row, on average over the rows, of each kind of column: "numbers", "categories", "flags".

    told `(b, d)`: means, logits of flags, logits of categories; log_sigma `(b, numbers)`; truth `(b, d)`. A
    kind that the layout has none of is left out. A category that is nothing but zeros in the truth, a value
    never seen, does not count.
    """
    import torch
    from torch.nn.functional import binary_cross_entropy_with_logits

    terms = {}
    if len(layout.numbers):
        log_sigma = log_sigma.clamp(min=float(np.log(FINEST)))
        off = (truth[:, layout.numbers] - told[:, layout.numbers]) / log_sigma.exp()  # (b, numbers)
        nats = 0.5 * off**2 + log_sigma + 0.5 * float(np.log(2 * np.pi))
        there = torch.ones_like(nats)
        there[:, layout.flagged] = 1 - truth[:, layout.flags]
        terms["numbers"] = (there * nats).sum(dim=1).mean()
    if len(layout.categories):
        logits, one = told[:, layout.categories].clamp(-STEEPEST, STEEPEST), truth[:, layout.categories]
        of = torch.as_tensor(layout.category, device=told.device)
        blank = torch.zeros(len(told), int(layout.category.max()) + 1, device=told.device)
        total = blank.index_add(1, of, logits.exp()).log()  # (b, categories)
        counts = blank.index_add(1, of, one)
        terms["categories"] = ((counts * total).sum(dim=1) - (one * logits).sum(dim=1)).mean()
    if len(layout.flags):
        each = binary_cross_entropy_with_logits(
            told[:, layout.flags], truth[:, layout.flags], reduction="none"
        )
        terms["flags"] = each.sum(dim=1).mean()
    return terms


def probabilities(layout: Layout, told: np.ndarray) -> np.ndarray:
    """What is told `(n, d)` with logits as probabilities, numbers as they are."""
    out = np.array(told, dtype=float)
    out[:, layout.flags] = 1 / (1 + np.exp(-np.clip(out[:, layout.flags], -STEEPEST, STEEPEST)))
    if len(layout.categories):
        each = np.exp(np.clip(out[:, layout.categories], -STEEPEST, STEEPEST))
        total = np.zeros((len(out), int(layout.category.max()) + 1))
        np.add.at(total.T, layout.category, each.T)
        out[:, layout.categories] = each / total[:, layout.category]
    return out


def usual(layout: Layout, Z: np.ndarray, codes: np.ndarray, n_classes: int) -> tuple[np.ndarray, np.ndarray]:
    """What the usual row of each class is told as, and how far others are from it: naive Bayes.

    Z `(n, d)`, codes `(n,)` from 0. Returns means and logits of shares `(n_classes, d)`, and the logarithm of
    the spread of each number `(n_classes, numbers)`. A class is drawn to all rows as if `PRIOR` of these were
    in it too, so that nothing is impossible that was seen somewhere; its spreads to those within the classes.
    """
    Z, counts = np.asarray(Z, dtype=float), np.bincount(codes, minlength=n_classes)[:, None]

    def sums(values: np.ndarray) -> np.ndarray:
        out = np.zeros((n_classes, values.shape[1]))
        np.add.at(out, codes, values)
        return out

    p = np.clip((sums(Z) + PRIOR * Z.mean(axis=0)) / (counts + PRIOR), 1e-3, 1 - 1e-3)
    out = np.log(p)
    out[:, layout.flags] -= np.log(1 - p)[:, layout.flags]
    there = np.ones((len(Z), len(layout.numbers)))
    there[:, layout.flagged] -= Z[:, layout.flags]
    x, present = Z[:, layout.numbers], sums(there)
    mean = x.sum(axis=0) / np.maximum(there.sum(axis=0), 1)  # a missing number is 0
    out[:, layout.numbers] = centre = (sums(x) + PRIOR * mean) / (present + PRIOR)
    squares = sums(there * (x - centre[codes]) ** 2)
    within = squares.sum(axis=0) / np.maximum(there.sum(axis=0), 1)
    spread = np.sqrt((squares + PRIOR * within) / (present + PRIOR))
    return out, np.log(np.maximum(spread, FINEST))
