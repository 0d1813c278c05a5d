from __future__ import annotations

from typing import Any

from handful.report.budget import budget_words


def about(**more: Any) -> dict[str, Any]:
    plain = {
        "asked": "5m",
        "repeats": 10,
        "repeats_planned": 10,
        "splits": 50,
        "stopped_behind": [],
        "stopped_for_time": [],
        "left_out": [],
        "seconds": {"limit": 300.0, "used": 290.0},
    }
    return {"budget": plain | more}


def test_nothing_is_said_where_nothing_was_limited() -> None:
    assert budget_words(about(asked="quick", seconds=None)) is None
    assert budget_words({}) is None


def test_an_early_end_says_why() -> None:
    words = budget_words(about(seconds={"limit": 300.0, "used": 61.0}))
    assert (
        words == "It took 1 min 1 s of the 5 min 0 s given. It ended early because nothing was left to try."
    )


def test_a_late_end_is_owned_up_to() -> None:
    assert "20 s more than given" in str(budget_words(about(seconds={"limit": 300.0, "used": 320.0})))


def test_what_there_was_no_time_for_is_listed() -> None:
    words = budget_words(
        about(repeats=1, stopped_for_time=["a", "b"], left_out=["permuted", "curve12", "curve25"])
    )
    assert words is not None and words.endswith(
        "For want of time the folds were drawn once, not 10 times, 2 candidates were left out and no fits "
        "were made for the control with shuffled labels and some points of the learning curve."
    )


def test_repeats_that_were_not_needed_are_no_want_of_time() -> None:
    words = budget_words(about(asked="thorough", seconds=None, repeats=4, stopped_behind=["a", "b"]))
    assert words is not None and words.startswith(
        "The folds were drawn 4 times, not 10 times: more would have changed next to nothing. 2 candidates"
    )
    assert "For want of time" not in words
    words = budget_words(about(asked="thorough", rest="5m", repeats=4, settled=True))
    assert words is not None and "more would have changed next to nothing" in words
    assert "For want of time" not in words


def test_a_rest_that_was_given_its_time_says_so() -> None:
    words = budget_words(about(asked="thorough", rest="5m", repeats=4))
    assert words == (
        "It was stopped, and told to end 5 min 0 s after it went on. It took 4 min 50 s of the "
        "5 min 0 s given. For want of time the folds were drawn 4 times, not 10 times."
    )


def test_who_lost_the_race_is_counted() -> None:
    words = budget_words(about(asked="standard", seconds=None, stopped_behind=["a"]))
    assert words == "1 candidate was stopped early: the leader was out of reach."
