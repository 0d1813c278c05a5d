"""Who can still win, while a comparison is under way, and whether it is settled: to save time.

Racing (Maron & Moore, "Hoeffding races", NIPS 1994): all candidates meet the same splits, and one that is
surely behind the leader on what both have seen runs no further. The difference to the leader is paired,
sample by sample, and its error is widened for training parts that overlap, as in `comparison`. A look at the
race stops the true best with a probability of about `RISK`: the level is divided by the number of candidates
(Bonferroni), since any of them may lead by luck.

To draw the folds anew takes away the luck of the folds, never that of the examples. Once little of the former
is left, a comparison is settled: what is in doubt then can only be told by more examples.

What is fine-tuned is dear, and is only served where it scores above the best that is not (`ensemble`). So
after a whole repeat it goes on only if it has a fair chance to end there.

No time is looked at, and all candidates are judged together after whole folds, so the same seed stops the
same candidates on every machine.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.stats import norm
from scipy.stats import t as student

from handful.evidence.comparison import difference
from handful.evidence.contributions import contributions, standard_error
from handful.evidence.ensemble import FINE_TUNED, add_average
from handful.evidence.predictions import Predictions, Row, gather
from handful.evidence.selection import followed
from handful.protocol.run import Cell, Run

RISK = 0.05
# What is fine-tuned runs no further with a smaller chance to end above the best without.
CHANCE = 0.25
FEWEST_SPLITS = 2  # one fold can be a lucky one for a whole kind of models
FEWEST_REPEATS = 3  # before how much scores vary from repeat to repeat can be told
# Of the error from example to example: so much more makes the two together 3 % wider, and 12 % the worst of
# many differences.
OF_SCORE, OF_DIFFERENCES = 0.25, 0.5


def can_still_win(run: Run, cells: Sequence[Cell]) -> set[str]:
    """Names of the candidates that go on, from the results of `cells`: each on all splits done so far.

    After whole repeats what is fine-tuned is judged by `outdone` too.

    Beside those that can still win: the baseline, the best network and the best traditional model (the
    verdict compares the two), whoever failed (its failure is told by itself), and what one that goes on is
    compared with (`Candidate.base`).
    """
    candidates = {cell.candidate.name: cell.candidate for cell in cells}
    if len({cell.split.name for cell in cells}) < FEWEST_SPLITS:
        return set(candidates)
    predictions = gather(run, cells)
    alive = set(candidates) - set(behind(predictions))
    done = len(predictions.splits)
    if done < len(run.splits) and run.splits[done].repeat > run.splits[done - 1].repeat:
        alive -= set(outdone(predictions, 1 + run.splits[-1].repeat))
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


def outdone(predictions: Predictions, repeats: int) -> list[str]:
    """Names of the fine-tuned rows that will hardly end above the best without, after `repeats` in all.

    The mean over all repeats will differ from that over those done by what the folds change; from one repeat
    to the next that is taken to be as much as the error from example to example (what `from_folds` measures).
    The best network is kept, for the verdict, where no other is one.
    """
    rows = [r for r in predictions.sound if r.family != "baseline" and r.members is None]
    dear = [r for r in rows if r.family == FINE_TUNED]
    others = [r for r in rows if r.family != FINE_TUNED]
    if not dear or not others:
        return []
    gains = predictions.metric.gain
    best, first = (max(some, key=lambda r: float(gains(predictions.score(r)[0]))) for some in (others, dear))
    kept = None if any(r.deep for r in others) else first
    done = 1 + max(s.repeat for s in predictions.splits)
    reach = float(norm.ppf(1 - CHANCE)) * float(np.sqrt((repeats - done) / (done * repeats)))
    return [r.name for r in dear if r is not kept and _lost(predictions, best, r, reach)]


def _lost(predictions: Predictions, leader: Row, row: Row, reach: float) -> bool:
    gap = difference(predictions, leader, row)
    return gap.value > reach * gap.error


def settled(run: Run, cells: Sequence[Cell]) -> bool:
    """Whether more repeats would change next to nothing, from the results of `cells`: whole repeats."""
    return is_settled(gather(run, cells))


def is_settled(predictions: Predictions) -> bool:
    """Whether the folds leave little in doubt: `from_folds` below `OF_SCORE` and `OF_DIFFERENCES`."""
    score, differences = from_folds(predictions)
    return score <= OF_SCORE and differences <= OF_DIFFERENCES


def from_folds(predictions: Predictions) -> tuple[float, float]:
    """How much of what is in doubt comes from the folds: their error against that from example to example.

    Of the leader's score, and the most of its differences to all that are left in the race; infinite before
    there are enough repeats to tell.
    """
    rows = [r for r in predictions.sound if r.family != "baseline" and r.members is None]
    if 1 + max(s.repeat for s in predictions.splits) < FEWEST_REPEATS or not rows:
        return float("inf"), float("inf")
    scores = np.array([predictions.each_repeat(row)[:, 0] for row in rows])  # (C, R)
    best = int(np.argmax(predictions.metric.gain(scores.mean(axis=1))))
    share, unit = contributions(predictions, [rows[best]]), predictions.unit[predictions.covered]
    of_score = _ratio(scores[best], float(standard_error(share[:, predictions.covered], unit)[0]))
    others = [i for i in range(len(rows)) if i != best]
    errors = [difference(predictions, rows[best], rows[i]).error for i in others]
    found = [_ratio(scores[best] - scores[i], e) for i, e in zip(others, errors, strict=True)]
    return of_score, max(found, default=0.0)


def _ratio(each: np.ndarray, error: float) -> float:
    """The error of the mean over repeats `(R,)` against the one from example to example."""
    moved = float(np.std(each, ddof=1) / np.sqrt(len(each)))
    return moved / error if error > 0 else float("inf") if moved > 0 else 0.0


def likely_followed(run: Run, cells: Sequence[Cell]) -> list[str]:
    """Who would be asked further questions if the comparison ended here."""
    return followed(add_average(gather(run, cells)))
