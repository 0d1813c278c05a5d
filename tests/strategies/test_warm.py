from __future__ import annotations

from typing import Any

import pytest
from sklearn.tree import DecisionTreeClassifier

from handful.settings import Settings
from handful.strategies import propose, tried_first, warm
from handful.strategies.candidate import Candidate
from tests.conftest import table


def prepared(
    monkeypatch: pytest.MonkeyPatch, needs: dict[str, set[str]], slow: set[str], first: tuple[str, ...] = ()
) -> list[str]:
    """What is computed, in order, where some kinds of features take too long; and last who is late."""
    done: list[str] = []

    def prepare(kind: str, *rest: Any) -> None:
        most = rest[-1]
        if kind in slow and most is not None:
            raise warm._TooLong(100.0)
        done.append(kind)

    monkeypatch.setattr(warm, "_prepare", prepare)
    monkeypatch.setattr(warm, "_turn", lambda step: (0, False))
    monkeypatch.setattr(warm, "_asked", lambda name, data: {k: (None, None) for k in sorted(needs[name])})
    candidates = [Candidate(name, name, "classic", name) for name in needs]
    late = warm.warm(None, candidates, Settings(), most=lambda others: 1.0, first=first)  # type: ignore[arg-type]
    return [*done, *(f"late: {c.name}" for c in late)]


def test_nothing_is_computed_for_those_who_wait_in_vain(monkeypatch: pytest.MonkeyPatch) -> None:
    needs = {"plain": {"a"}, "moved": {"a", "b", "c"}, "other": {"d"}}
    assert prepared(monkeypatch, needs, slow={"b"}) == ["a", "d", "late: moved"]


def test_where_all_would_be_late_the_quickest_is_computed_nevertheless(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    needs = {"plain": {"a"}, "moved": {"a", "b"}, "baseline": set[str]()}
    assert prepared(monkeypatch, needs, slow={"a"}) == ["a", "late: moved"]


def test_what_comes_first_is_computed_first(monkeypatch: pytest.MonkeyPatch) -> None:
    needs = {"plain": {"a"}, "dear": {"b"}, "quick": {"c", "d"}}
    assert prepared(monkeypatch, needs, slow=set(), first=("quick",)) == ["c", "d", "a", "b"]


def test_first_comes_what_quick_would_try_and_what_people_bring() -> None:
    data, settings = table("classification"), Settings(budget="10m")
    mine = [("mine", DecisionTreeClassifier())]
    first = tried_first(propose(data, settings, mine), data, settings)
    quick = {c.name for c in propose(data, Settings(budget="quick"), mine)}
    assert first == quick and len(propose(data, settings, mine)) > len(first)
