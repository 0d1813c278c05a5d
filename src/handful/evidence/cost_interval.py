"""The interval of a mean cost: from each class's own share of mistakes, so that what was never seen to fail
may still fail.

A few examples of a rare, dear class can all be right by luck: the spread of the costs seen would say that
there is no doubt. So each class's mean cost, as a share of the dearest mistake about it, has Wilson's
interval with as many examples as it has; the distances to the ends are added in quadrature (MOVER: Zou &
Donner, "Construction of confidence limits about effect measures", Statistics in Medicine 27, 2008), and
beside them stands the luck of how many of each class are among the examples.
"""

from __future__ import annotations

import numpy as np

from handful.costs import Costs
from handful.evidence import shares


def reach(
    paid: np.ndarray, y: np.ndarray, unit: np.ndarray, costs: Costs, z: float, factor: float
) -> tuple[float, float]:
    """How far the mean cost may lie below and above the mean of `paid`.

    paid `(n,)` what each sample cost, y `(n,)` its class, unit `(n,)` its group; z standard errors to each
    side, their variance times `factor`.
    """
    n, below, above = len(y), [], []
    means = np.zeros(len(costs))
    for k, row in enumerate(costs):
        mine, dearest = y == k, max(row)
        if not mine.any() or dearest == 0:
            continue
        means[k] = paid[mine].mean()
        part = mine.mean() * dearest
        down, up = shares.reach(paid[mine] / dearest, unit[mine], z, factor)
        below.append(part * down)
        above.append(part * up)
    groups = len(np.unique(unit))
    luck = z * float(np.sqrt(factor * ((means[y] - means[y].mean()) ** 2).sum() / n / groups))
    return float(np.hypot(np.linalg.norm(below), luck)), float(np.hypot(np.linalg.norm(above), luck))
