"""What else is fitted once the comparison is done: every further question is cells too."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from handful.data.dataset import Dataset
from handful.protocol.run import Cell, Run
from handful.protocol.splits import Split, larger_splits, torn_splits, units
from handful.strategies.candidate import Candidate
from handful.strategies.shortcut import controls

# Shares of a training part that the cells of a learning curve learn from, beside the whole of it.
CURVE = (0.125, 0.25, 0.5, 0.75)
# With fewer samples in groups of two or more, tearing them apart changes too little to be measured.
FEWEST_IN_GROUPS = 0.05


def plan_text(run: Run) -> str:
    """What will run, for the person who waits for it."""
    going = [c for c in run.candidates if c.name not in run.stopped]
    families = Counter(c.family for c in going)
    folds, own = sum(s.repeat == 0 for s in run.splits), run.splits[0].own
    repeats, limit = 1 + max(s.repeat for s in run.splits), run.settings.limit
    most_times = "up to " if limit or run.settings.effort == "thorough" else ""
    times = {1: "", 2: ", twice"}.get(repeats, f", {most_times}{repeats} times")
    kinds = ", ".join(f"{count} {family}" for family, count in families.items())
    most = len(going) * len(run.splits)
    fits = f"{'up to ' if limit or repeats > 1 else ''}{most:,} fits"
    given = (
        f"{run.settings.rest} for what is left"
        if run.settings.rest
        else f"{run.settings.budget} for everything"
    )
    time = f"Limit: {given}." if limit else "No limit of time."
    on = f"{len(run.splits)} splits of your own" if own else f"{folds} folds{times}"
    what = f"{len(going)} candidates ({kinds}) on {on}"
    return f"Plan: {what}, {fits}; then the questions that follow, and the model. {time}"


def follow_up(run: Run, followed: Sequence[str]) -> list[Cell]:
    """Every question that this run asks after its comparison, of the candidates named by `followed`."""
    by_name = {c.name: c for c in run.candidates}
    learners = [by_name[name] for name in followed if by_name[name].family != "baseline"]
    cells = curve_cells(run.dataset, [c for c in run.candidates if c.name in followed], run.splits)
    cells += shortcut_cells(run.dataset, run.splits)
    cells += permuted_cells(run.dataset, learners, run.splits)
    cells += ungrouped_cells(run.dataset, learners, run.splits)
    return cells


def curve_cells(dataset: Dataset, candidates: Iterable[Candidate], splits: Sequence[Split]) -> list[Cell]:
    """The points of a learning curve: the first repeat once more, on parts of its training parts.

    The purpose of a split is "curve" and the share in per cent, such as "curve75". Shares that give the same
    training parts as a smaller one (few examples a class) are left out. Where a small class allows the
    comparison only few folds, "curve_more" learns from larger parts.
    """
    first = [s for s in splits if s.repeat == 0]
    found: list[Split] = []
    for share in CURVE:
        thin = [smaller(dataset, split, share, f"curve{round(100 * share)}") for split in first]
        last = found[-len(first) :]
        if not last or any(len(a.train) > len(b.train) for a, b in zip(thin, last, strict=True)):
            found += thin
    found += larger_splits(dataset, first, "curve_more")
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


def shortcut_cells(dataset: Dataset, splits: Sequence[Split]) -> list[Cell]:
    """The controls that see only what should not matter, on the first repeat; the purpose is "shortcut"."""
    found, _ = controls(dataset)
    first = [replace(s, purpose="shortcut") for s in splits if s.repeat == 0]
    return [Cell(candidate, split) for split in first for candidate in found]


def permuted_cells(dataset: Dataset, learners: Sequence[Candidate], splits: Sequence[Split]) -> list[Cell]:
    """The first repeat with shuffled labels, for the best traditional and the best deep candidate.

    `learners` come best first. The purpose is "permuted".
    """
    best = [next((c for c in learners if c.deep == deep), None) for deep in (False, True)]
    first = [replace(s, purpose="permuted", permuted=True) for s in splits if s.repeat == 0]
    return [Cell(candidate, split) for split in first for candidate in best if candidate is not None]


def ungrouped_cells(dataset: Dataset, learners: Sequence[Candidate], splits: Sequence[Split]) -> list[Cell]:
    """The first three learners on folds that tear groups apart; the purpose is "ungrouped".

    Only where groups hold at least 5 % of the samples, and the folds are ours: a person's own may differ from
    these in more than the groups. None where there are copies, which are in no test part.
    """
    first = [s for s in splits if s.repeat == 0]
    held = np.concatenate([s.test for s in first])
    if share_in_groups(dataset) < FEWEST_IN_GROUPS or first[0].own or len(held) < len(dataset):
        return []
    torn = torn_splits(dataset, first)
    return [Cell(candidate, split) for split in torn for candidate in learners[:3]]


def share_in_groups(dataset: Dataset) -> float:
    """The share of samples that have another sample in their group."""
    if dataset.groups is None:
        return 0.0
    _, code, sizes = np.unique(dataset.groups, return_inverse=True, return_counts=True)
    return float((sizes[code] > 1).mean())
