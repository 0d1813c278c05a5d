"""The comparison, fold by fold: who goes on, and whether there is time for another repeat.

All that is decided here is decided after whole folds or whole repeats, over all candidates, so what is left
is a paired comparison, and every candidate in it was examined on every sample in each repeat. What is decided
is stored in the run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence

from handful.protocol.budget import Budget
from handful.protocol.clock import Clock
from handful.protocol.evaluate import Allow, Pace, Tell, evaluate, start_workers
from handful.protocol.run import Cell, Run, Stop
from handful.protocol.splits import Split
from handful.strategies import tried_first
from handful.strategies.candidate import Candidate

Settled = Callable[[Run, Sequence[Cell]], bool]  # whether more repeats would change next to nothing
KeepGoing = Callable[[Run, Sequence[Cell]], Collection[str]]  # names of those that can still win
Followed = Callable[[Run, Sequence[Cell]], list[str]]  # names of those that will be asked more


def compare(
    run: Run,
    clock: Clock,
    tell: Tell | None = None,
    *,
    keep_going: KeepGoing | None = None,
    settled: Settled | None = None,
    followed: Followed,
) -> Pace:
    """Fit every candidate on every split, as far as it has a chance and there is time; how long things took.

    keep_going : who can still win, from the results so far; without it nobody is stopped for being behind
    settled : whether further repeats can be done without; without it all are made for which there is time
    followed : who would be asked further questions, to keep time for them
    """
    limited = clock.limit is not None
    first = tried_first(run.candidates, run.dataset, run.settings) if limited else set[str]()
    folds = sum(s.repeat == 0 for s in run.splits)
    at_first = _cells([s for s in run.splits if s.repeat == 0 or not limited], run.candidates)
    pace = Pace(run, at_first, "comparing", (lambda: clock.left) if limited else None)
    pace.drop(run.stopped)
    budget = Budget(run, clock, pace)
    if limited and pace.todo:
        start_workers(run)
    done: list[Split] = []
    todo = list(run.splits)
    names: list[str] = []  # who would be asked further questions now, or would have been after another repeat
    while todo:
        block = _block(run, todo, keep_going is not None, limited)
        racing = [c for c in run.candidates if _takes_part(run, c, len(done))]
        if limited and block[0].repeat == 0 and done:
            rest = [s for s in todo if s.repeat == 0]
            _stop(run, pace, budget.too_dear(racing, _cells(rest, racing)), "time", len(done))
            racing = [c for c in racing if _takes_part(run, c, len(done))]
        if limited and block[0].repeat > 0:
            going = {c.name for c in racing}
            names = list(
                dict.fromkeys([*followed(run, _cells(done, racing)), *(n for n in names if n in going)])
            )
            if not _room(run, budget, racing, block, names):
                run.curtail(block[0].repeat)
                _another_chance(run, budget, pace, done, names, clock.heard(tell))
                clock.store()
                break
            pace.extend(_cells(block, racing))
        if limited:
            pace.ahead = [c.name for s in todo if s.repeat > block[0].repeat for c in racing]
        cells = _cells(block, _in_order(racing, pace, first) if limited or keep_going else racing)
        allow = _allow(budget, block, folds, not done) if limited else None
        evaluate(run, cells, clock.heard(tell), pace=pace, allow=allow)
        clock.store()
        missing = list(dict.fromkeys(c.candidate.name for c in cells if not run.has(c)))
        if missing and block[0].repeat > 0:
            run.curtail(block[0].repeat)
            break
        _stop(run, pace, missing, "time", len(done))
        done, todo = done + block, todo[len(block) :]
        if keep_going is not None and todo:
            racing = [c for c in run.candidates if _takes_part(run, c, len(done) - 1)]
            alive = keep_going(run, _cells(done, racing))
            midway = todo[0].repeat == 0 and not limited
            lost = [c for c in racing if c.name not in alive and (not midway or _network(run, c))]
            _stop(run, pace, [c.name for c in lost], "behind", len(done))
            racing = [c for c in racing if _takes_part(run, c, len(done))]
        repeated = bool(todo) and todo[0].repeat > done[-1].repeat
        if settled is not None and repeated and settled(run, _cells(done, racing)):
            run.curtail(todo[0].repeat, settled=True)
            pace.todo.clear()
            break
    return pace


def _another_chance(
    run: Run, budget: Budget, pace: Pace, done: list[Split], names: list[str], tell: Tell | None
) -> None:
    """Where another repeat finds no room, who was left out for want of time gets what is left of it."""
    admitted = budget.find_room(done, names)
    run.readmit([c.name for c in admitted])
    cells = [cell for cell in _cells(done, admitted) if not run.has(cell)]
    pace.extend(cells)
    evaluate(run, cells, tell, pace=pace, allow=budget.again)
    for candidate in admitted:
        missing = [i for i, split in enumerate(done) if not run.has(Cell(candidate, split))]
        if missing:
            _stop(run, pace, [candidate.name], "time", missing[0])


def _cells(splits: Sequence[Split], candidates: Sequence[Candidate]) -> list[Cell]:
    return [Cell(candidate, split) for split in splits for candidate in candidates]


def _block(run: Run, todo: list[Split], race: bool, limited: bool) -> list[Split]:
    """The splits up to the next decision: one fold, one repeat, or all of them where nothing is decided.

    In the first repeat, folds are waited for where time is short or where networks are trained: those are
    worth stopping soon. Others are cheap, and are all examined on a whole repeat.
    """
    if not race and not limited:
        return todo
    first = todo[0]
    if first.repeat == 0 and (
        limited or first is run.splits[0] or any(_network(run, c) for c in run.candidates)
    ):
        return [first]
    return [s for s in todo if s.repeat == first.repeat]


def _network(run: Run, candidate: Candidate) -> bool:
    """Whether a network was trained for it, which takes long."""
    result = run.read(Cell(candidate, run.splits[0]))
    return result is not None and bool(result.history)


def _takes_part(run: Run, candidate: Candidate, done: int) -> bool:
    """Whether it was still in the race after `done` splits; also in a run that is resumed later."""
    stop = run.stopped.get(candidate.name)
    return stop is None or stop.splits > done


def _in_order(racing: list[Candidate], pace: Pace, first: Collection[str] = ()) -> list[Candidate]:
    """The longest fits first, so that none is waited for at the end.

    At the very first, when nobody knows how long they take, those named by `first` before the others, and of
    each the cheapest of each family, then the next: what there is no time for is then not a whole family.
    Those that train a network come last there, whatever it costs to ask them.
    """
    if pace.seconds:
        return sorted(racing, key=lambda c: -(pace.expected(c.name) or 0.0))
    cheapest_first = sorted(racing, key=lambda c: (c.trains_network, c.cost))
    seen: Counter[str] = Counter()
    turn = {}
    for candidate in cheapest_first:
        turn[candidate.name] = seen[candidate.family]
        seen[candidate.family] += 1
    return sorted(cheapest_first, key=lambda c: (c.trains_network, c.name not in first, turn[c.name]))


def _room(run: Run, budget: Budget, racing: list[Candidate], block: list[Split], names: list[str]) -> bool:
    """Whether there is time for one more repeat and all that follows; always where it is there already."""
    cells = _cells(block, racing)
    need = budget.cost(cells)
    return need == 0 or budget.wall(need) + budget.all_after(names) <= budget.clock.left


def _allow(budget: Budget, block: list[Split], folds: int, first: bool) -> Allow:
    if first:
        return lambda cell: budget.first_time(cell, folds)
    if block[0].repeat == 0:
        return budget.again
    names = [c.name for c in budget.run.candidates]
    return lambda cell: budget.again(cell) if budget.clock.left > budget.least_after(names) else 0.0


def _stop(run: Run, pace: Pace, names: Sequence[str], why: str, splits: int) -> None:
    if names:
        run.stop({name: Stop(why, splits) for name in names})
        pace.drop(names)
