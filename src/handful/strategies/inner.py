"""What of a training part validates inside `fit`, so that a network learns when to stop."""

from __future__ import annotations

import numpy as np

SHARE = 0.2
# With fewer, the loss on them is mostly luck: on 50 rows (ten tables) a perceptron lost 2 points by listening
# to ten of them instead of training for a fixed number of epochs; from 100 rows on the two were level.
FEWEST = 16
MADE_UP = -1  # the group of generated samples: learned from, never held out


def validation_part(
    y: np.ndarray,
    groups: np.ndarray | None,
    seed: int,
    *,
    classes: bool,
    share: float = SHARE,
    fewest: int = FEWEST,
) -> np.ndarray | None:
    """Positions in a training part that validate: about `share` of each class, groups whole.

    y `(n,)` labels or values, groups `(n,)` or None. At least one member of each class stays to learn from.
    None where fewer than `fewest` samples can be spared: callers then keep their usual number of epochs.
    Samples of the group `MADE_UP` never validate.

    >>> y = np.repeat([0, 1], 50)
    >>> np.bincount(y[validation_part(y, None, seed=0, classes=True)])
    array([10, 10])
    """
    if groups is not None and (groups == MADE_UP).any():
        real = np.flatnonzero(groups != MADE_UP)
        held = validation_part(y[real], groups[real], seed, classes=classes, share=share, fewest=fewest)
        return None if held is None else real[held]
    n = len(y)
    labels = np.unique(y, return_inverse=True)[1].reshape(n) if classes else np.zeros(n, dtype=int)
    unit = np.arange(n) if groups is None else np.unique(groups, return_inverse=True)[1].reshape(n)
    counts = np.zeros((int(unit.max()) + 1, int(labels.max()) + 1), dtype=int)  # (units, classes)
    np.add.at(counts, (unit, labels), 1)
    quota = np.minimum(np.round(share * counts.sum(axis=0)), counts.sum(axis=0) - 1)
    held = np.zeros(len(counts), dtype=bool)
    for u in np.random.default_rng([seed, 23]).permutation(len(counts)):
        if (counts[u] <= quota)[counts[u] > 0].all():
            held[u] = True
            quota = quota - counts[u]
    found = np.flatnonzero(held[unit])
    return found if len(found) >= fewest else None
