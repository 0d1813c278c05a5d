"""What else is fitted once the comparison is done: every further question is cells too."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from handful.data.dataset import Dataset
from handful.protocol.run import Cell, Run
from handful.protocol.splits import Split, units
from handful.strategies.candidate import Candidate

# The share of a training part that "thinned" cells learn from: with five folds, 60 % of the data beside 80 %.
THINNED = 0.75


def follow_up(run: Run) -> list[Cell]:
    """Every question that this run asks after its comparison."""
    return thinned_cells(run.dataset, run.candidates, run.splits)


def thinned_cells(dataset: Dataset, candidates: Iterable[Candidate], splits: Sequence[Split]) -> list[Cell]:
    """Every candidate but the baseline once more, on three quarters of the first repeat's training parts.

    What the last quarter was worth tells what the refit on all data will bring.
    """
    first = [s for s in splits if s.repeat == 0]
    thin = [smaller(dataset, split, THINNED, "thinned") for split in first]
    learners = [c for c in candidates if c.family != "baseline"]
    return [Cell(candidate, split) for split in thin for candidate in learners]


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
