"""Is deep learning right for this data? The best deep candidate against the best traditional one.

Each of the two is the best of its kind by cross-validation, so each is partly lucky, the more so the more
of its kind were tried: the lead is corrected for both choices (`evidence.choice`).

A traditional model that is as good, within `margin`, is the right answer, because it is cheaper: so "no"
needs the network not to be better by more than the margin, "yes" needs it to be better beyond doubt.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from handful.evidence.bootstrap import Bootstrap
from handful.evidence.choice import chosen_difference
from handful.evidence.comparison import TRAINING, Difference
from handful.evidence.contributions import contributions, deviations
from handful.evidence.predictions import Predictions, Row
from handful.evidence.signal import Signal

# Families whose candidates stay what their base is: networks and others alike decide for the metric, or learn
# from the names of classes.
LIKE_THEIR_BASE = ("balance", "names")
TRADITIONAL = ("classic", "sentiment")
POINT = 0.01  # differences of a point or less do not matter in practice
SMALL_CHANGE = 0.02  # the same for metrics in the target's unit: a share of what a guess scores


@dataclass(frozen=True)
class Trend:
    """The network's lead (gain) on half the training examples and on all, with the error of the change."""

    half: float
    full: float
    error: float

    @property
    def direction(self) -> str:
        """ "deep" or "traditional" where more data moves the comparison that way, else "none"."""
        if abs(self.full - self.half) <= 1.96 * self.error:
            return "none"
        return "deep" if self.full > self.half else "traditional"


@dataclass(frozen=True)
class Verdict:
    """`answer` is "yes", "no", "cannot tell" or "nothing to learn"; `why` says which case of it.

    `why` is one of "better", "as good", "worse", "too close", "no network", "no traditional model",
    "no candidate", "luck". `lead` is the gain of the best deep over the best traditional candidate, None
    where one of the two is missing. `missing` has the candidates of the kind that `why` lacks that were to be
    tried: they failed or were stopped early.
    """

    answer: str
    why: str
    signal: Signal
    margin: float
    deep: Row | None = None
    traditional: Row | None = None
    lead: Difference | None = None
    trend: Trend | None = None
    missing: Sequence[Row] = ()


def verdict(
    predictions: Predictions, bootstrap: Bootstrap, signal: Signal, thinned: Predictions | None = None
) -> Verdict:
    """The answer, with what it rests on.

    thinned : the follow-up cells on half of each training part ("curve50"), for the trend; or None.
    """
    tried = [r for r in predictions.rows if r.members is None and r.family != "baseline"]
    examined = [r for r in predictions.sound if r.members is None and r.family != "baseline"]
    margin = practical(predictions)
    if not examined:
        return Verdict("cannot tell", "no candidate", signal, margin, missing=tried)
    deep = [r for r in examined if r.deep]
    traditional = [r for r in examined if _traditional(r, predictions)]
    best, other = (max(rows, key=_gain(predictions), default=None) for rows in (deep, traditional))
    lead = trend = None
    if best is not None and other is not None:
        lead = chosen_difference(predictions, deep, traditional, bootstrap)
        trend = None if thinned is None else lead_trend(predictions, thinned, best, other)
    answer, why = _answer(signal, best, lead, margin)
    missing = []
    if why == "no network":
        missing = [r for r in tried if r.deep]
    if why == "no traditional model":
        missing = [r for r in tried if _traditional(r, predictions)]
    return Verdict(answer, why, signal, margin, best, other, lead, trend, missing)


def _traditional(row: Row, predictions: Predictions) -> bool:
    by_name = {r.name: r for r in predictions.rows}
    while row.family in LIKE_THEIR_BASE and row.base in by_name:
        row = by_name[row.base]
    return row.family in TRADITIONAL and not row.deep


def _answer(signal: Signal, network: Row | None, lead: Difference | None, margin: float) -> tuple[str, str]:
    if not signal.found:
        return "nothing to learn", "luck"
    if lead is None:
        return "cannot tell", "no network" if network is None else "no traditional model"
    low, high = lead.interval()
    if low > 0 and lead.value > margin:
        return "yes", "better"
    if high < 0:
        return "no", "worse"
    if high <= margin or low > 0:
        return "no", "as good"
    return "cannot tell", "too close"


def practical(predictions: Predictions) -> float:
    """The smallest difference of gains that matters in practice."""
    if predictions.metric.name in ("rmse", "mae", "log_loss", "cost"):
        return SMALL_CHANGE * float(predictions.score(predictions.baseline())[0])
    return POINT


def lead_trend(predictions: Predictions, thinned: Predictions, deep: Row, traditional: Row) -> Trend | None:
    """How the lead of `deep` changed with the training parts; None where one of the two was not followed."""
    names = (deep.name, traditional.name)
    half = [r for name in names for r in thinned.sound if r.name == name]
    if len(half) < 2:
        return None
    repeat = thinned.splits[0].repeat
    full = [_one_repeat(row, repeat) for row in (deep, traditional)]
    held = thinned.covered
    before, after = (contributions(p, rows)[:, held] for p, rows in ((thinned, half), (predictions, full)))
    if not (np.isfinite(before).all() and np.isfinite(after).all()):
        return None
    lead_before, lead_after = before[0] - before[1], after[0] - after[1]
    spread = deviations(lead_after - lead_before, predictions.unit[held])
    error = TRAINING * float(np.sqrt((spread**2).sum()))
    return Trend(float(lead_before.mean()), float(lead_after.mean()), error)


def _one_repeat(row: Row, repeat: int) -> Row:
    assert row.oof is not None
    return Row(row.name, row.label, row.family, row.cost, oof=row.oof[[repeat]])


def _gain(predictions: Predictions) -> Callable[[Row], float]:
    return lambda row: float(predictions.metric.gain(predictions.score(row)[0]))
