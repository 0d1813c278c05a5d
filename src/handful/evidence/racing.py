"""Who can still win, while a comparison is under way: the others are stopped, to save their time.

Racing (Maron & Moore, "Hoeffding races", NIPS 1994): all candidates meet the same splits, and one that is
surely behind the leader on what both have seen runs no further. The difference to the leader is paired,
sample by sample, and its error is widened for training parts that overlap, as in `comparison`. A look at the
race stops the true best with a probability of about `RISK`: the level is divided by the number of candidates
(Bonferroni), since any of them may lead by luck.

No time is looked at, and all candidates are judged together after whole folds, so the same seed stops the
same candidates on every machine.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.stats import t as student

from handful.evidence.comparison import difference
from handful.evidence.contributions import contributions
from handful.evidence.ensemble import add_average
from handful.evidence.predictions import Predictions, Row, gather
from handful.evidence.selection import followed
from handful.protocol.run import Cell, Run

RISK = 0.05
FEWEST_SPLITS = 2  # one fold can be a lucky one for a whole kind of models


def can_still_win(run: Run, cells: Sequence[Cell]) -> set[str]:
    """Names of the candidates that go on, from the results of `cells`: each on all splits done so far.

    Beside those that can still win: the baseline, the best network and the best traditional model (the
    verdict compares the two), whoever failed (its failure is told by itself), and what one that goes on is
    compared with (`Candidate.base`).
    """
    candidates = {cell.candidate.name: cell.candidate for cell in cells}
    if len({cell.split.name for cell in cells}) < FEWEST_SPLITS:
        return set(candidates)
    alive = set(candidates) - set(behind(gather(run, cells)))
    while True:
        bases = {candidates[name].base for name in alive} & set(candidates)
        if bases <= alive:
            return alive
        alive |= {name for name in bases if name is not None}


def behind(predictions: Predictions, risk: float = RISK) -> list[str]:
    """Names of the rows that are surely behind the leader, other than the best of each kind."""
    rows = [r for r in predictions.sound if r.family != "baseline" and r.members is None]
    if len(rows) < 2:
        return []
    means = contributions(predictions, rows)[:, predictions.covered].mean(axis=1)
    if not np.isfinite(means).all():  # a metric that has no value on so few
        return []
    order = [rows[i] for i in np.argsort(-means, kind="stable")]
    kept = {next((r.name for r in order if r.deep == deep), None) for deep in (True, False)}
    units = len(np.unique(predictions.unit[predictions.covered]))
    reach = float(student.ppf(1 - risk / len(rows), max(1, units - 1)))
    return [r.name for r in order[1:] if r.name not in kept and _lost(predictions, order[0], r, reach)]


def _lost(predictions: Predictions, leader: Row, row: Row, reach: float) -> bool:
    gap = difference(predictions, leader, row)
    return gap.value > reach * gap.error


def likely_followed(run: Run, cells: Sequence[Cell]) -> list[str]:
    """Who would be asked further questions if the comparison ended here."""
    return followed(add_average(gather(run, cells)))
