"""More rows for a table, made inside the training part: noise, mixtures of two rows, SMOTE."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import clone, is_classifier

from handful.strategies.chain import Chain
from handful.strategies.heads import inner_folds

WAYS = {
    "noise": "copies with noise",
    "mixup": "mixtures of two rows",
    "smote": "made-up rows of the rarer classes (SMOTE)",
}
NOISE = 0.1  # standard deviations of a column
# Mixed mostly from one of the two: Zhang et al. found 0.1 to 0.4.
ALPHA = 0.4
# How alike the values of two rows to be mixed are, in standard deviations of the target (Yao et al. 2022).
ALIKE = 0.5


class MoreRows(Chain):
    """A chain whose head also learns from rows that are made of the training rows, in the encoded space.

    Only numbers are changed; categories are those of the row that a copy is mostly made of (SMOTE mixes them
    too). Rows are mixed within a third of the training part, and the head's inner folds are these thirds: so
    none of them holds out what a row that is learned from was made of.

    Parameters
    ----------
    features : list of transformers; the first is a `TableEncoder`
    head : a classifier or regressor
    way : "noise", "mixup" or "smote" (classes only: the rarer ones are filled up)
    copies : int
        Rows made of each row, for noise and mixup.

    References
    ----------
    Zhang et al., "mixup: beyond empirical risk minimization", ICLR 2018 (the label of a mixture is drawn, by
    its shares); Yao et al., "C-Mixup", NeurIPS 2022, for values; Chawla et al., "SMOTE", JAIR 16, 2002.
    """

    def __init__(
        self, features: list[Any], head: Any, way: str = "noise", copies: int = 2, random_state: int = 0
    ) -> None:
        super().__init__(features, head)
        self.way = way
        self.copies = copies
        self.random_state = random_state

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        own = {"way": self.way, "copies": self.copies, "random_state": self.random_state}
        return super().get_params(deep) | own

    def fit(  # type: ignore[override]  # learns from labelled samples only
        self, X: Any, y: np.ndarray, groups: np.ndarray | None = None
    ) -> MoreRows:
        """X a DataFrame, y `(n,)`, groups `(n,)` or None."""
        y, random = np.asarray(y), np.random.default_rng(self.random_state)
        Z: Any = X
        steps = []
        for step in self.features:
            steps.append(clone(step).fit(Z, y))
            Z = steps[-1].transform(Z)
        unit = np.arange(len(y)) if groups is None else np.asarray(groups)
        numbers = len(steps[0].numeric_)
        if self.way == "noise":
            made = self._noisy(Z, y, unit, numbers, random)
        else:
            block = self._blocks(y, groups)
            parts = [np.flatnonzero(block == b) for b in np.unique(block)]
            mix = self._smote if self.way == "smote" else self._mixed
            found = [mix(Z[rows], y[rows], numbers, random) for rows in parts]
            made = [np.concatenate(p) for p in zip(*found, strict=True)]
            several = len(parts) > 1
            unit = block if several else unit
            within = [parts[i][0] for i, (_, labels) in enumerate(found) for _ in labels]
            made.append(unit[np.array(within, dtype=int)])
        Z, y, unit = (np.concatenate(pair) for pair in zip((Z, y, unit), made, strict=True))
        rest = Chain([], self.head).fit(Z, y, unit)
        self.features_, self.head_ = steps, rest.head_
        if is_classifier(self.head):
            self.classes_ = self.head_.classes_
        return self

    def _blocks(self, y: np.ndarray, groups: np.ndarray | None) -> np.ndarray:
        """Thirds of the rows, groups whole and each with every class; one block where that cannot be."""
        folds = inner_folds(y, groups, 3, self.random_state, classes=is_classifier(self.head))
        block = np.zeros(len(y), dtype=int)
        for i, (_, held) in enumerate(folds, start=1):
            block[held] = i
        return block

    def _noisy(
        self, Z: np.ndarray, y: np.ndarray, unit: np.ndarray, numbers: int, random: np.random.Generator
    ) -> list[np.ndarray]:
        many = np.tile(Z, (self.copies, 1))
        spread = NOISE * np.nanstd(Z[:, :numbers], axis=0)
        many[:, :numbers] += spread * random.standard_normal((len(many), numbers))
        return [many, np.tile(y, self.copies), np.tile(unit, self.copies)]

    def _mixed(
        self, Z: np.ndarray, y: np.ndarray, numbers: int, random: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        n = len(y)
        one = np.tile(np.arange(n), self.copies)
        if is_classifier(self.head):
            other = random.integers(0, n, len(one))
        else:
            apart = (y[:, None] - y[None]) / (ALIKE * (y.std() or 1.0))
            near = np.exp(-0.5 * apart**2)
            chances = np.cumsum(near / near.sum(axis=1, keepdims=True), axis=1)[one]
            other = np.minimum((chances < random.random(len(one))[:, None]).sum(axis=1), n - 1)
        share = random.beta(ALPHA, ALPHA, len(one))
        share = np.maximum(share, 1 - share)
        made = Z[one].copy()
        made[:, :numbers] = share[:, None] * Z[one, :numbers] + (1 - share[:, None]) * Z[other, :numbers]
        if is_classifier(self.head):
            return made, np.where(random.random(len(one)) < share, y[one], y[other])
        return made, share * y[one] + (1 - share) * y[other]

    def _smote(
        self, Z: np.ndarray, y: np.ndarray, numbers: int, random: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        from imblearn.over_sampling import SMOTE

        counts = np.unique(y, return_counts=True)[1]
        if counts.min() < 2 or len(counts) < 2:
            return Z[:0], y[:0]
        sampler = SMOTE(k_neighbors=int(min(5, counts.min() - 1)), random_state=int(random.integers(2**31)))
        more, labels = sampler.fit_resample(Z, y)
        return more[len(y) :], labels[len(y) :]
