"""What else is fitted once the comparison is done: every further question is cells too."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from handful.data.dataset import Dataset
from handful.protocol.run import Cell, Run
from handful.protocol.splits import Split, units
from handful.strategies.candidate import Candidate

# Shares of a training part that the cells of a learning curve learn from, beside the whole of it.
CURVE = (0.125, 0.25, 0.5, 0.75)


def follow_up(run: Run, followed: Sequence[str]) -> list[Cell]:
    """Every question that this run asks after its comparison, of the candidates named by `followed`."""
    return curve_cells(run.dataset, [c for c in run.candidates if c.name in followed], run.splits)


def curve_cells(dataset: Dataset, candidates: Iterable[Candidate], splits: Sequence[Split]) -> list[Cell]:
    """The points of a learning curve: the first repeat once more, on parts of its training parts.

    The purpose of a split is "curve" and the share in per cent, such as "curve75". Shares that give the same
    training parts as a smaller one (few examples a class) are left out.
    """
    first = [s for s in splits if s.repeat == 0]
    found: list[Split] = []
    for share in CURVE:
        thin = [smaller(dataset, split, share, f"curve{round(100 * share)}") for split in first]
        last = found[-len(first) :]
        if not last or any(len(a.train) > len(b.train) for a, b in zip(thin, last, strict=True)):
            found += thin
    learners = [c for c in candidates if c.family != "baseline"]
    return [Cell(candidate, split) for split in found for candidate in learners]


def smaller(dataset: Dataset, split: Split, fraction: float, purpose: str) -> Split:
    """The same split with a smaller training part: whole groups, classes in proportion, at least 2 of each.

    For one split, the parts of smaller fractions are contained in those of larger ones.
    """
    unit, y = units(dataset)[split.train], dataset.y[split.train]
    strata = y if dataset.task == "classification" else np.zeros(len(y), dtype=int)
    keys = np.random.default_rng([split.seed, 5]).random(int(unit.max()) + 1)[unit]  # one a unit
    keep: set[int] = set()
    for stratum in np.unique(strata):
        members = unit[strata == stratum]
        order = list(dict.fromkeys(members[np.argsort(keys[strata == stratum], kind="stable")].tolist()))
        keep.update(order[: max(2, round(fraction * len(order)))])
    return replace(split, train=split.train[np.isin(unit, list(keep))], purpose=purpose)
