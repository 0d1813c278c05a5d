from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier

from handful.evidence.predictions import collect
from handful.evidence.racing import can_still_win, likely_followed
from handful.protocol.budget import EXPLORE, GENEROUS, Budget, ask, warm_in_time
from handful.protocol.clock import Clock
from handful.protocol.compare import _in_order, compare
from handful.protocol.evaluate import Pace, Progress
from handful.protocol.run import Cell, Run, Stop
from handful.strategies.candidate import Candidate
from tests.protocol.made import Guess, Network, Sleeper, entrant, good, made_run, majority, whole_repeats


class Trains(GaussianNB):
    """Learns like naive Bayes, and has what tells a network."""

    def __init__(self, epochs: int = 1) -> None:
        super().__init__()
        self.epochs = epochs


def raced(run: Run, clock: Clock | None = None, tell: Any = None) -> Pace:
    return compare(run, clock or Clock(run), tell, keep_going=can_still_win, followed=likely_followed)


def results(run: Run, name: str) -> int:
    return sum(run.has(cell) for cell in run.cells() if cell.candidate.name == name)


def test_who_is_hopeless_is_stopped_after_a_whole_repeat_and_a_network_after_two_folds(
    tmp_path: Path,
) -> None:
    entrants = [
        *good(),
        entrant("guess", Guess()),
        entrant("network", Network(), deep=True),
        entrant("other network", Network(random_state=1), deep=True),
    ]
    run = made_run(tmp_path, entrants)
    raced(run)
    networks = {run.stopped[n].splits for n in ("network", "other network") if n in run.stopped}
    assert run.stopped["guess"] == Stop("behind", 5) and networks == {2}  # the better network is kept
    assert results(run, "guess") == 5 and results(run, "bayes") == results(run, "majority") == 15
    rows = {row.name: row for row in collect(run).rows}
    assert rows["guess"].oof is None and rows["guess"].failed is None and rows["guess"].splits_done == 5
    assert rows["guess"].partial is not None and np.isfinite(rows["guess"].partial[0]).all()
    assert rows["bayes"].oof is not None and whole_repeats(run, rows["bayes"].oof)


def test_what_is_fine_tuned_and_hardly_to_be_served_is_stopped_after_a_whole_repeat(tmp_path: Path) -> None:
    tuned = entrant("tuned", GaussianNB(var_smoothing=1.0), family="finetune", deep=True, base="network")
    run = made_run(tmp_path, [*good(), entrant("network", KNeighborsClassifier(5), deep=True), tuned])
    raced(run)
    assert run.stopped == {"tuned": Stop("behind", 5)} and results(run, "network") == 15
    known = collect(run)
    assert known.row("tuned").oof is None and known.up_to(1).row("tuned").oof is not None
    assert known.up_to(2).row("tuned").oof is None and len(known.up_to(1).splits) == 5
    nothing_else = made_run(tmp_path / "other", [*good(), tuned])
    raced(nothing_else)
    assert nothing_else.stopped == {}


def test_what_a_survivor_is_compared_with_goes_on(tmp_path: Path) -> None:
    entrants = [
        *good(),
        entrant("guess", Guess()),
        entrant("more", GaussianNB(var_smoothing=1e-3), base="guess"),
    ]
    run = made_run(tmp_path, entrants)
    raced(run)
    assert run.stopped == {} and results(run, "guess") == 15


def test_a_race_that_is_resumed_stops_the_same(tmp_path: Path) -> None:
    run = made_run(tmp_path, [*good(), entrant("guess", Guess()), entrant("other", Guess(random_state=1))])
    raced(run)
    stopped = run.stopped
    lost = [run.folder / "results" / c.file for c in run.cells()[::3] if run.has(c)]
    for path in lost:
        path.unlink()
    before = {p: p.stat().st_mtime_ns for p in (run.folder / "results").rglob("*.npz")}
    again = Run.open(run.folder)
    raced(again)
    after = {p: p.stat().st_mtime_ns for p in (run.folder / "results").rglob("*.npz")}
    assert again.stopped == stopped and set(after) - set(before) == set(lost)
    assert all(after[p] == before[p] for p in before)


def test_repeats_end_when_the_comparison_is_settled_and_a_resumed_run_makes_no_more(tmp_path: Path) -> None:
    def after_two(run: Run, cells: Sequence[Cell]) -> bool:
        asked.append((len({c.split.name for c in cells}), {c.candidate.name for c in cells}))
        return len(asked) == 2

    asked: list[tuple[int, set[str]]] = []
    run = made_run(tmp_path, [*good(), entrant("guess", Guess())], budget="thorough")
    pace = compare(run, Clock(run), keep_going=can_still_win, settled=after_two, followed=likely_followed)
    going = {"majority", "bayes", "knn"}  # of who is out of the race nothing is in doubt
    assert asked == [(5, going), (10, going)]
    assert len(run.splits) == 10 and len(run.planned_splits) == 50
    assert pace.progress().total == pace.progress().done
    again = Run.open(run.folder)
    compare(again, Clock(again), keep_going=can_still_win, settled=after_two, followed=likely_followed)
    assert len(asked) == 3 and len(again.splits) == 10  # once between its two repeats
    row = collect(again).row("bayes")
    assert row.oof is not None and whole_repeats(again, row.oof)


def test_without_a_race_or_a_limit_everything_is_fitted(tmp_path: Path) -> None:
    run = made_run(tmp_path, [*good(), entrant("guess", Guess())], budget="quick")
    compare(run, Clock(run), keep_going=None, followed=likely_followed)
    assert run.stopped == {} and all(run.has(cell) for cell in run.cells())


def test_a_fit_that_would_take_too_long_is_broken_off_and_does_not_stop_the_others(tmp_path: Path) -> None:
    run = made_run(tmp_path, [*good(), entrant("sleeper", Sleeper(), cost=90)], budget="10s")
    clock, start = Clock(run), time.monotonic()
    pace = raced(run, clock)
    assert time.monotonic() - start < 10
    assert run.stopped["sleeper"] == Stop("time", 0) and results(run, "sleeper") == 0
    row = collect(run).row("bayes")
    assert row.oof is not None and whole_repeats(run, row.oof)
    assert pace.progress().total == pace.progress().done


def test_time_that_runs_out_leaves_whole_repeats(tmp_path: Path) -> None:
    run = made_run(tmp_path, good(), budget="2m")
    clock = Clock(run)

    def tell(progress: Progress) -> None:
        assert progress.seconds_left is None or progress.seconds_left <= 120
        if progress.done == 2 * 15 + 4:  # in the midst of the third repeat
            clock.limit = clock.used

    raced(run, clock, tell)
    assert 1 + max(s.repeat for s in run.splits) == 2
    for row in collect(run).sound:
        assert row.oof is not None and whole_repeats(run, row.oof)
    assert run.follow_up_cells() is None
    ask(run, Budget(run, clock, Pace(run, [], "")), ["bayes"])
    assert run.follow_up_cells() == [] and "curve50" in run.left_out


@pytest.fixture
def budget(tmp_path: Path) -> Budget:
    """A hundred seconds, four entrants of which one is dear; one process."""
    run = made_run(tmp_path, [*good(), entrant("dear", GaussianNB(var_smoothing=1e-3))], budget="100s")
    pace = Pace(run, [], "")
    pace.waste = 1.0
    pace.seconds = {"majority": [0.0], "bayes": [1.0], "knn": [2.0], "dear": [20.0]}
    pace.scores = {"majority": [0.3], "bayes": [0.9], "knn": [0.8], "dear": [0.7]}
    return Budget(run, Clock(run), pace)


def test_the_most_costly_is_left_out_of_the_first_repeat(budget: Budget) -> None:
    run = budget.run
    rest = [Cell(c, s) for s in run.splits[1:5] for c in run.candidates]
    assert budget.cost(rest) == pytest.approx(4 * 23)
    assert budget.too_dear(run.candidates, rest) == ["dear"]
    budget.clock.limit = 1000
    assert budget.too_dear(run.candidates, rest) == []
    budget.clock.limit = 0  # late already: the baseline and one learner must do
    assert budget.too_dear(run.candidates, rest) == ["dear", "knn"]


def test_who_was_left_out_gets_the_time_in_which_no_repeat_finds_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("handful.protocol.compare._room", lambda *_: False)

    def both(self: Budget, racing: Sequence[Candidate], rest: Sequence[Cell]) -> list[str]:
        return sorted({c.candidate.name for c in rest if not self.run.has(c)} & {"other", "dear"})

    monkeypatch.setattr(Budget, "too_dear", both)
    others = [entrant(name, GaussianNB(var_smoothing=s)) for name, s in (("other", 0.1), ("dear", 0.2))]
    run = made_run(tmp_path, [*good(), *others], budget="60s")
    expected = Pace.expected
    monkeypatch.setattr(Pace, "expected", lambda self, n: 1000.0 if n == "dear" else expected(self, n))
    told: list[Progress] = []
    pace = raced(run, tell=told.append)
    assert run.stopped == {"dear": Stop("time", 1)}
    assert [results(run, name) for name in ("other", "dear")] == [5, 1]
    assert 1 + max(s.repeat for s in run.splits) == 1 and not pace.todo
    assert told[-1].done == told[-1].total == 4 * 5 + 1
    rows = {row.name: row for row in collect(run).rows}
    assert rows["other"].oof is not None and rows["dear"].oof is None
    raced(run)  # resumed: nothing is decided twice
    assert run.stopped == {"dear": Stop("time", 1)} and results(run, "dear") == 1


def test_time_is_kept_for_whoever_was_to_be_followed_after_any_repeat(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, kept = made_run(tmp_path, [*good(), entrant("more", GaussianNB(var_smoothing=0.1))], "60s"), []

    def room(run: Run, budget: Budget, racing: Any, block: Any, names: list[str]) -> bool:
        kept.append(names)
        return len(kept) < 4

    turns = iter([["more"], ["bayes"], ["knn"], ["bayes"]])
    monkeypatch.setattr("handful.protocol.compare._room", room)
    compare(run, Clock(run), followed=lambda run, cells: next(turns))
    assert kept == [["more"], ["bayes", "more"], ["knn", "bayes", "more"], ["bayes", "knn", "more"]]


def test_the_quickest_find_room_first_and_what_follows_keeps_its_own(budget: Budget) -> None:
    run, done = budget.run, budget.run.splits[:5]
    assert budget.find_room(done, ["bayes"]) == []
    run.stop({"dear": Stop("time", 1), "knn": Stop("time", 1)})
    budget.clock.limit = 1000
    assert [c.name for c in budget.find_room(done, ["bayes"])] == ["knn", "dear"]
    budget.clock.limit = budget.clock.used + budget.all_after(["bayes"]) + 5 * 2 + 1.25 * 2 + 1
    assert [c.name for c in budget.find_room(done, ["bayes"])] == ["knn"]
    budget.pace.seconds.pop("knn")  # nobody knows how long it takes
    assert budget.find_room(done, ["bayes"]) == []


def test_questions_are_asked_as_far_as_there_is_time_the_most_telling_first(budget: Budget) -> None:
    from handful.protocol.plan import follow_up

    cells = follow_up(budget.run, ["bayes", "knn"])
    every = {c.split.purpose for c in cells}
    budget.clock.limit = 1000
    assert {c.split.purpose for c in budget.affordable(cells, ["bayes", "knn"])} == every
    budget.clock.limit = budget.refit(["bayes", "knn"]) + 10  # half the training parts: 5 x 1.5 seconds
    some = {c.split.purpose for c in budget.affordable(cells, ["bayes", "knn"])}
    assert "curve50" in some and "curve75" not in some


def test_at_the_very_first_networks_are_tried_last_whatever_they_cost(tmp_path: Path) -> None:
    cheap_to_ask = entrant("net", Trains(), cost=1)
    run = made_run(tmp_path, [cheap_to_ask, majority(), entrant("bayes", GaussianNB(), cost=70)])
    pace = Pace(run, [], "comparing")
    assert [c.name for c in _in_order(run.candidates, pace)] == ["majority", "bayes", "net"]


def test_at_the_very_first_no_family_waits_for_all_of_another(tmp_path: Path) -> None:
    some = [entrant(f"many {k}", GaussianNB(var_smoothing=k + 1), cost=k + 1) for k in range(3)]
    late = [entrant("few", GaussianNB(), cost=9, family="transfer")]
    run = made_run(tmp_path, [*some, *late, majority()])
    order = [c.name for c in _in_order(run.candidates, Pace(run, [], "comparing"))]
    assert order == ["majority", "many 0", "few", "many 1", "many 2"]
    order = [c.name for c in _in_order(run.candidates, Pace(run, [], "comparing"), {"majority", "many 2"})]
    assert order == ["majority", "many 2", "many 0", "few", "many 1"]


def test_where_the_first_ones_are_slow_the_others_are_tried_nevertheless(budget: Budget) -> None:
    run = budget.run
    new = Cell(next(c for c in run.candidates if c.name == "knn"), run.splits[0])
    budget.pace.todo = {("knn", run.splits[0].name)}
    budget.pace.seconds = {"majority": [0.0], "bayes": [1.0], "dear": [20.0]}  # 100 seconds are not enough
    room = budget.clock.left - (1 - EXPLORE) * budget.at_first
    assert budget.first_time(new, 5) == pytest.approx(GENEROUS * room, abs=0.1)
    budget.pace.todo |= {(f"other {k}", run.splits[0].name) for k in range(9)}
    assert budget.first_time(new, 5) == pytest.approx(GENEROUS * room / 10, abs=0.1)
    budget.clock.limit = (1 - EXPLORE) * 100  # all that was kept for looking around is spent
    assert budget.first_time(new, 5) == 0


def test_features_leave_room_for_fits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = made_run(tmp_path, good(), budget="100s")
    clock, offered = Clock(run), []
    left = iter((100.0, 100.0, 90.0, 90.0, 62.0))  # at first, and as each of four kinds of features begins
    monkeypatch.setattr(Clock, "left", property(lambda self: next(left)))
    monkeypatch.setattr(
        "handful.protocol.budget.warm",
        lambda dataset, going, settings, told, most, first: (
            offered.extend(most(others) for others in (False, False, True, False)) or []
        ),
    )
    warm_in_time(run, clock)
    assert offered == pytest.approx(
        [60.0, 15.0, 5.0, -13.0]
    )  # a first kind 60 %, all together 25 % of the time
