"""Draws of samples with replacement, groups whole."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Bootstrap:
    """Weights `(B, n)` of B draws of samples, groups whole."""

    weights: np.ndarray

    @property
    def left_out(self) -> np.ndarray:
        return (self.weights == 0).astype(float)


def draw(unit: np.ndarray, covered: np.ndarray, B: int = 1000, seed: int = 0) -> Bootstrap:
    """B bootstrap draws of the covered samples; those of one unit come and go together."""
    names, code = np.unique(unit[covered], return_inverse=True)
    random = np.random.default_rng([seed, 7])
    counts = random.multinomial(len(names), np.full(len(names), 1 / len(names)), size=B)
    weights = np.zeros((B, len(unit)))
    weights[:, covered] = counts[:, code]
    return Bootstrap(weights)
