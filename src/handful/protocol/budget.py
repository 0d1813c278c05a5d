"""What fits in the time that is left: estimated from what has been measured in this run."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import count

import numpy as np

from handful.protocol.clock import Clock
from handful.protocol.evaluate import Pace, Progress, Tell, evaluate, processes
from handful.protocol.plan import follow_up
from handful.protocol.run import Cell, Run, Stop
from handful.protocol.splits import Split
from handful.strategies import tried_first
from handful.strategies.candidate import Candidate
from handful.strategies.warm import warm

# Questions after the comparison, the most telling first: under a limit, asked as far as there is time.
ORDER = ("shortcut", "curve50", "curve75", "permuted", "curve25", "ungrouped", "curve12", "curve_more")
FOLLOWED = 6  # so many candidates are expected to be followed, before that is known
REFIT = 1.25  # a fit on everything, in fits on four of five folds
# Of each of those followed, in full fits: half of the training parts of five folds, and the refit.
LEAST = 0.5 * 5 + REFIT
# Writing the model and the report, and the end of the workers, in seconds, with some to spare.
FINISH, FINISH_A_PICTURE = 5.0, 0.005
BEST = 3  # the best so far are the last that are left out for want of time
SHORT = 0.1  # seconds of a fit that was never seen: only controls are asked before they were
SLOWER = 3.0  # a fit is broken off when it takes so many times as long as it took before
PATIENCE = 2.0  # seconds that every fit may take
# Where there is no room for all, first fits may take this share of the time that the comparison has, and each
# of them so many times its part of it.
EXPLORE, GENEROUS = 0.3, 3.0

WARM = 0.6  # features may take so much of the time that is left when their turn comes
WARM_IN_ALL = 0.25  # once some are there, all of them together so much of what was left at first,
WARM_MORE = 0.15  # and those that only others need than the ones that come first, so much


def warm_in_time(run: Run, clock: Clock, tell: Tell | None = None) -> dict[str, Stop]:
    """Compute the features that candidates share; who is left out because theirs would take too long."""

    def told(stage: str, done: int, total: int) -> None:
        if tell:
            left = None if clock.limit is None else max(0.0, clock.left)
            tell(Progress(done, total, left, None, None, stage))

    going = [c for c in run.candidates if c.name not in run.stopped]
    at_first = clock.left
    turns = count()

    def most(others: bool) -> float:
        """Without the limit on all, one kind after another would take what the fits need."""
        if next(turns) == 0:
            return WARM * clock.left
        return clock.left - (1 - (WARM_MORE if others else WARM_IN_ALL)) * at_first

    if clock.limit is None:
        late = warm(run.dataset, going, run.settings, told)
    else:
        first = tried_first(going, run.dataset, run.settings)
        late = warm(run.dataset, going, run.settings, told, most, first)
    clock.store()
    return {c.name: Stop("time", 0) for c in late}


def ask(run: Run, budget: Budget, followed: Sequence[str], tell: Tell | None = None) -> None:
    """The questions after the comparison, of the candidates named by `followed`, as far as there is time."""
    limited = budget.clock.limit is not None
    if run.follow_up_cells() is None:  # written once: resuming asks the same questions
        cells = follow_up(run, followed)
        chosen = budget.affordable(cells, followed) if limited else cells
        asked = {c.split.purpose for c in chosen}
        run.plan_follow_up(chosen, sorted({c.split.purpose for c in cells} - asked))
    pace = budget.pace.onward("asking further", run.follow_up_cells() or [])
    allow = (lambda cell: budget.for_question(cell, followed)) if limited else None
    evaluate(run, run.follow_up_cells() or [], budget.clock.heard(tell), pace=pace, allow=allow)
    if limited:
        run.leave_unfinished()


class Budget:
    """Decides who starts, under the clock's limit; knows times from `pace`."""

    def __init__(self, run: Run, clock: Clock, pace: Pace) -> None:
        self.run, self.clock, self.pace = run, clock, pace
        self.jobs, self.at_first = processes(run, len(run.candidates)), clock.left

    @property
    def finishing(self) -> float:
        """Seconds that the last steps take: the model's file, the evidence and the report."""
        pictures = len(self.run.dataset) if self.run.dataset.modality == "image" else 0
        return self.clock.busy * (FINISH + FINISH_A_PICTURE * pictures)

    def wall(self, fits: float) -> float:
        """Seconds on the wall for seconds of fits on all processes."""
        return fits * self.pace.waste / self.jobs

    def cost(self, cells: Sequence[Cell]) -> float:
        """Expected seconds of fits for the cells without a result, in proportion to their training parts."""
        whole = float(np.mean([len(s.train) for s in self.run.planned_splits]))
        usual = self.pace.usual() or SHORT
        total = 0.0
        for cell in cells:
            if not self.run.has(cell):
                known = self.pace.expected(cell.candidate.name)
                unknown = SHORT if cell.split.purpose == "shortcut" else usual
                total += (unknown if known is None else known) * min(1.0, len(cell.split.train) / whole)
        return total

    def least_after(self, names: Collection[str]) -> float:
        """Seconds for what cannot be left out after the comparison, with these candidates in the race."""
        seen = [self.pace.expected(n) or 0.0 for n in self._best_first(names)[:FOLLOWED]]
        more = min(FOLLOWED, len(self.run.candidates) - 1) - len(seen)
        fits = sum(seen) + max(0, more) * (self.pace.usual() or SHORT)
        return self.wall(LEAST * fits) + self.finishing

    def _best_first(self, names: Collection[str]) -> list[str]:
        known = [n for n in names if n in self.pace.scores and self._learns(n)]
        return sorted(known, key=lambda n: (-np.mean(self.pace.scores[n]), n))

    def all_after(self, followed: Sequence[str]) -> float:
        """Seconds for every question about these candidates, their refit and the report."""
        return self.wall(self.cost(follow_up(self.run, followed))) + self.refit(followed)

    # --- within the first repeat: who is left out

    def first_time(self, cell: Cell, folds: int) -> float:
        """Seconds that a candidate's very first fit may take, so that all its fits find room.

        0 where it need not even start. The baseline always may, and so may a first learner.
        """
        if cell.candidate.family == "baseline":
            return float("inf")
        known = {n for n in self.pace.seconds if n != cell.candidate.name}
        room = self.clock.left - self.least_after(known)
        room -= self.wall((folds - 1) * sum(self.pace.expected(n) or 0.0 for n in known))
        most = room * self.jobs / self.pace.waste / (folds + LEAST)
        if not any(self._learns(n) for n in known):
            return max(most, PATIENCE, 0.25 * self.clock.left)
        return most if most > (self.pace.usual() or 0.0) / 2 else self._to_explore(cell, known)

    def _to_explore(self, cell: Cell, known: Collection[str]) -> float:
        """Seconds of a first fit where not all that were seen find room: the quickest will replace the rest.

        Each may take three times its share of what is kept for looking around, since many take less.
        """
        kept = self.clock.left - (1 - EXPLORE) * self.at_first
        waiting = sum(split == cell.split.name for _, split in self.pace.todo)
        share = GENEROUS * kept * self.jobs / self.pace.waste / max(1, waiting)
        return share if share > min(self.pace.expected(n) or 0.0 for n in known if self._learns(n)) else 0.0

    def too_dear(self, racing: Sequence[Candidate], rest: Sequence[Cell]) -> list[str]:
        """Who must be left out for the rest of the first repeat to fit: the most costly first.

        The best so far come last.
        """
        left, out = self.clock.left, list[str]()
        each = {c.name: self.cost([cell for cell in rest if cell.candidate.name == c.name]) for c in racing}
        best = self._best_first(each)[:BEST]
        order = sorted(racing, key=lambda c: (c.name in best, -each[c.name], c.name))
        dear = [c for c in order if each[c.name] > 0]
        learners = [c.name for c in racing if c.family != "baseline"]
        for candidate in dear:
            staying = [c.name for c in racing if c.name not in out]
            if self.wall(sum(each[n] for n in staying)) + self.least_after(staying) <= left:
                break
            # One learner stays in any case: a report on nothing helps nobody, however late it is.
            if candidate.family != "baseline" and len(learners) - len(out) > 1:
                out.append(candidate.name)
        return out

    def find_room(self, done: Sequence[Split], followed: Sequence[str]) -> list[Candidate]:
        """Who was left out for want of time, and finds room on the splits done after all: the quickest first.

        What follows for those `followed` keeps its time, and so does their own refit. Only those of which a
        fit was seen.
        """
        room, found = self.clock.left - self.all_after(followed), list[Candidate]()
        late = {name for name, stop in self.run.stopped.items() if stop.why == "time"}
        known = [c for c in self.run.candidates if c.name in late and c.name in self.pace.seconds]
        each = {c.name: self.cost([Cell(c, s) for s in done]) for c in known}
        for c in sorted(known, key=lambda c: (each[c.name], c.name)):
            room -= self.wall(each[c.name] + REFIT * (self.pace.expected(c.name) or 0.0))
            if room < 0:
                break
            found.append(c)
        return found

    def again(self, cell: Cell) -> float:
        """Seconds that a fit may take whose candidate was fitted before."""
        known = self.pace.expected(cell.candidate.name)
        return float("inf") if known is None else max(SLOWER * known, PATIENCE)

    # --- afterwards

    def refit(self, followed: Sequence[str]) -> float:
        """Seconds for fitting the chosen ones on all samples, and for the report."""
        return self.wall(REFIT * sum(self.pace.expected(name) or 0.0 for name in followed)) + self.finishing

    def for_question(self, cell: Cell, followed: Sequence[str]) -> float:
        """Seconds that a fit may take which answers a further question; 0 where there is no time for it."""
        return max(0.0, self.clock.left - self.refit(followed))

    def affordable(self, cells: Sequence[Cell], followed: Sequence[str]) -> list[Cell]:
        """Of the questions that follow, those for which there is time, the most telling first."""
        room = self.clock.left - self.refit(followed)
        found: list[Cell] = []
        purposes = {c.split.purpose for c in cells}
        for purpose in sorted(purposes, key=lambda p: ORDER.index(p) if p in ORDER else len(ORDER)):
            asked = [c for c in cells if c.split.purpose == purpose]
            if self.wall(self.cost([*found, *asked])) <= room:
                found += asked
        return found

    def _learns(self, name: str) -> bool:
        return any(c.name == name and c.family != "baseline" for c in self.run.candidates)
