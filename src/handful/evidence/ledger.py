"""What each technique is worth on this data: its paired gain over the same candidate without it.

Both were examined on the same held-out samples, so a gain is a mean of paired differences. A technique may
have been tried on several candidates, each with a counterpart that lacks it: then the gain is that of picking
a pair, corrected for the choice (`evidence.choice`).

A technique may help the candidate that it is added to, and others do as well without it. So the best with it
is also compared with the best without.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from handful.evidence.bootstrap import Bootstrap
from handful.evidence.choice import Pair, chosen_difference, paired_gain
from handful.evidence.comparison import Difference, difference
from handful.evidence.ensemble import ENSEMBLING, NAME, best, eligible, out_of_bag, select
from handful.evidence.greedy import greedy_row
from handful.evidence.predictions import Predictions, Row, whole_repeats

GREEDY = "ensembling: chosen weights"
CHOICES = 300  # draws in which the choice of what is averaged is made anew


@dataclass(frozen=True)
class Line:
    """What one technique brought.

    `pairs` counts the candidates with it that have a counterpart without it; `added` and `base` are the pair
    that is picked on all samples. `gain` is in the metric's unit, more is better; None where there is no
    pair, and `reason` says why. `best` is the best with it and the best without, `over_best` the gain of
    choosing among the former over choosing among the latter. `kept`: what is served uses it. `seconds` is
    the time of all fits with it. Where all with it were stopped early, this is told of the first `repeats`,
    in which one of them was examined; else that is None.
    """

    technique: str
    pairs: int
    seconds: float
    kept: bool
    added: Row | None = None
    base: Row | None = None
    gain: Difference | None = None
    reason: str | None = None
    best: Pair | None = None
    over_best: Difference | None = None
    repeats: int | None = None

    @property
    def worth(self) -> str:
        """ "better" or "worse" where the interval leaves no doubt, else "cannot tell"; "unknown" without."""
        if self.gain is None:
            return "unknown"
        low, high = self.gain.interval()
        return "better" if low > 0 else "worse" if high < 0 else "cannot tell"


def ledger(predictions: Predictions, bootstrap: Bootstrap) -> list[Line]:
    """A line a technique, the largest gain first; those that nothing could be said of come last."""
    used = techniques_of(predictions, select(predictions))
    names = dict.fromkeys(r.technique for r in predictions.rows if r.technique and r.technique != ENSEMBLING)
    lines = [_as_far_as_tried(predictions, bootstrap, name, name in used) for name in names]
    if len(eligible(predictions)) > 2:  # one candidate beside the baseline: nothing that could be averaged
        lines += [_ensembling(predictions, bootstrap), *_greedy(predictions)]
    return sorted(lines, key=lambda line: (line.gain is None, 0.0 if line.gain is None else -line.gain.value))


def techniques_of(predictions: Predictions, row: Row) -> set[str]:
    """The techniques that a row uses: its own, those of its members, and those of what they build on.

    What some candidate lacks all others use, that learn at all.
    """
    by_name, found = {r.name: r for r in predictions.rows}, set()
    parts = {r.technique for r in predictions.rows if r.lacks and r.technique}
    for name in row.members or [row.name]:
        one = by_name[name]
        if one.family != "baseline":
            found |= parts - ({one.technique} if one.lacks else set())
    waiting, seen = [row.name], set()
    while waiting:
        name = waiting.pop()
        if name in seen or name not in by_name:
            continue
        seen.add(name)
        one = by_name[name]
        found |= {one.technique} if one.technique and not one.lacks else set()
        waiting += one.members or ([one.base] if one.base else [])
    return found


def _as_far_as_tried(predictions: Predictions, bootstrap: Bootstrap, technique: str, kept: bool) -> Line:
    """A line; of the first repeats where no candidate with the technique was examined in all."""
    rows = [r for r in predictions.rows if r.technique == technique]
    early = [whole_repeats(r.partial, predictions.covered) for r in rows if r.partial is not None]
    if any(r.oof is not None for r in rows) or max(early, default=0) == 0:
        return _line(predictions, bootstrap, technique, kept)
    line = _line(predictions.up_to(max(early)), bootstrap, technique, kept)
    return replace(line, repeats=max(early))


def _line(predictions: Predictions, bootstrap: Bootstrap, technique: str, kept: bool) -> Line:
    rows = [r for r in predictions.rows if r.technique == technique]
    by_name = {r.name: r for r in predictions.rows}
    sound = [r for r in predictions.sound if r.technique == technique]
    named = [(r, by_name[r.base]) for r in sound if r.base in by_name]
    pairs = [(base, r) if r.lacks else (r, base) for r, base in named if base.oof is not None]
    seconds = sum(r.seconds for r in rows if r.members is None)
    if not pairs:
        return Line(technique, 0, seconds, kept, reason=_why_not(rows, sound, named))
    picked, gain = paired_gain(predictions, bootstrap, pairs)
    line = Line(technique, len(pairs), seconds, kept, *picked, gain)
    return _over_best(predictions, bootstrap, line)


def _over_best(predictions: Predictions, bootstrap: Bootstrap, line: Line) -> Line:
    """The line, with the best that uses its technique and the best that does not, where there are both."""
    uses: dict[bool, list[Row]] = {True: [], False: []}
    for row in eligible(predictions):
        if row.family != "baseline":
            uses[line.technique in techniques_of(predictions, row)].append(row)
    if not all(uses.values()):
        return line
    first, second = (best(predictions, rows) for rows in (uses[True], uses[False]))
    gain = chosen_difference(predictions, uses[True], uses[False], bootstrap)
    return replace(line, best=(first, second), over_best=gain)


def _ensembling(predictions: Predictions, bootstrap: Bootstrap) -> Line:
    """The average of the tied against the best alone, the choice of both made anew in each draw."""
    average = next((r for r in predictions.sound if r.name == NAME and r.members), None)
    if average is None or average.members is None:
        why = "no other candidate comes near enough to the best"
        if select(predictions).family == "baseline":
            why = "no candidate is better than a guess"
        return Line(ENSEMBLING, 0, 0.0, False, reason=f"{why}, so that nothing is averaged")
    few = Bootstrap(bootstrap.weights[:CHOICES])
    gaps = out_of_bag(predictions, few) - out_of_bag(predictions, few, most=1)
    base = predictions.row(average.members[0])
    plain = difference(predictions, average, base)
    value = float(np.nanmean(predictions.metric.gain(gaps)))
    gain = Difference(value, plain.error, plain.n)
    return Line(ENSEMBLING, 1, 0.0, select(predictions) is average, average, base, gain)


def _greedy(predictions: Predictions) -> list[Line]:
    """Greedily chosen weights against what is served; never served itself (see `evidence.greedy`)."""
    row, chosen = greedy_row(predictions), select(predictions)
    if row is None or chosen.family == "baseline":
        return []
    return [Line(GREEDY, 1, 0.0, False, row, chosen, difference(predictions, row, chosen))]


def _why_not(rows: Sequence[Row], sound: Sequence[Row], named: Sequence[Pair]) -> str:
    """Why no candidate with a technique could be compared with one without it."""
    if rows[0].lacks:
        both = [*rows, *(base for _, base in named)]
        why = next((_fate(r) for r in both if r.oof is None), "it was not tried")
        return f"the same without them, or with them, could not be examined: {why}"
    if not sound:
        return f"no candidate with it could be examined: {_fate(rows[0])}"
    if named:
        return f"{named[0][1].label}, the same without it, could not be examined: {_fate(named[0][1])}"
    bases = list(dict.fromkeys(r.base for r in sound if r.base))
    if not bases:
        return "no candidate was tried that is the same but for it"
    names = " and ".join(f"'{name}'" for name in bases[:2])
    return f"the same without it ({names}) was not tried in this run"


def _fate(row: Row) -> str:
    """Why a row has no scores."""
    if row.failed:
        return row.failed
    return "it was stopped early, behind the leader" if row.stopped == "behind" else "there was no time"
