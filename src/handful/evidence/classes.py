"""Class by class: how many of it are found, how often its name is right, and what it is taken for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from handful.evidence.predictions import Predictions, Row
from handful.evidence.selection import SELECTION_FACTOR, Interval, quantile
from handful.evidence.shares import reach

# Below so many the 95 % interval of a share reaches 20 points or more to each side.
FEW = 20
# From here on the classes count as unequal: the largest has so many times as many as the smallest.
UNEQUAL = 2.0


@dataclass(frozen=True)
class OfClass:
    """One class in the first repeat, where every example is predicted once.

    `hits` of `n` examples were found, of `named` that the model called so; `recall` and `precision` are those
    shares with 95 % intervals, None where there is nothing to divide by. `taken_for` has (class, count), the
    most frequent first. `few`: the examples (whole groups count once) are too few to say much.
    """

    code: int
    n: int
    hits: int
    named: int
    recall: Interval | None
    precision: Interval | None
    taken_for: tuple[tuple[int, int], ...]
    few: bool


def classes(predictions: Predictions, row: Row) -> list[OfClass]:
    """Every class, in the order of the codes; nothing for values."""
    if row.oof is None or row.oof.ndim == 2:
        return []
    first = row.oof[0]
    held = np.flatnonzero(np.isfinite(first[:, 0]))
    y, predicted, unit = predictions.y[held], first[held].argmax(axis=1), predictions.unit[held]
    z = quantile(len(np.unique(unit)))
    return [_of_class(k, y, predicted, unit, z) for k in range(first.shape[1])]


def unequal(counts: list[int]) -> bool:
    """Whether some classes have so many more examples than others that an average hides the small ones."""
    return len(counts) > 1 and max(counts) >= UNEQUAL * max(1, min(counts))


def _of_class(k: int, y: np.ndarray, predicted: np.ndarray, unit: np.ndarray, z: float) -> OfClass:
    mine, said = y == k, predicted == k
    wrong, times = np.unique(predicted[mine & ~said], return_counts=True)
    order = np.argsort(-times, kind="stable")
    return OfClass(
        k,
        int(mine.sum()),
        int((mine & said).sum()),
        int(said.sum()),
        _share(said[mine], unit[mine], z),
        _share(mine[said], unit[said], z),
        tuple((int(wrong[i]), int(times[i])) for i in order),
        len(np.unique(unit[mine])) < FEW,
    )


def _share(right: np.ndarray, unit: np.ndarray, z: float) -> Interval | None:
    """The share that is right, with Wilson's interval for as many examples as the groups are worth."""
    if not len(right):
        return None
    share = float(right.mean())
    below, above = reach(right.astype(float), unit, z, SELECTION_FACTOR)
    return Interval(share, share - below, share + above)
