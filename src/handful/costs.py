"""What mistakes cost a person: `cost: sick>healthy=10, healthy>sick=1`, as a matrix and back as text.

Elkan, "The foundations of cost-sensitive learning", IJCAI 2001.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import numpy as np

from handful.data.names import did_you_mean, listed
from handful.errors import SettingsError

HOW = 'TRUE>PREDICTED=COST, such as --metric "cost: sick>healthy=10, healthy>sick=1"'
_NUMBER = r"[^,>=]*"

Costs = tuple[tuple[float, ...], ...]


def is_cost(name: str) -> bool:
    """Whether a metric's name asks for costs.

    >>> is_cost("Cost: a>b=2"), is_cost("accuracy")
    (True, False)
    """
    return re.fullmatch(r"\s*costs?\s*(:.*)?", name, re.IGNORECASE | re.DOTALL) is not None


def read_costs(text: str, classes: Sequence[str]) -> Costs:
    """The matrix of costs, a row for each true class, a column for each predicted one.

    Mistakes that are not named cost 1, right answers nothing. Names may hold commas, `>` and `=`: what is a
    class is read as one. SettingsError names what is not understood, a class that does not exist, a cost
    below 0, or costs under which nothing needs to be learned.

    >>> read_costs("cost: sick>healthy=10", ["healthy", "sick"])
    ((0.0, 1.0), (10.0, 0.0))
    """
    names = [str(name) for name in classes]
    matrix = 1 - np.eye(len(names))
    seen: set[tuple[int, int]] = set()
    for true, predicted, number in _entries(text.partition(":")[2], names):
        pair = _place(true, names), _place(predicted, names)
        if pair in seen:
            raise SettingsError(f"--metric: the cost of {true}>{predicted} is given twice.")
        seen.add(pair)
        matrix[pair] = _cost(f"{true}>{predicted}", number, right=pair[0] == pair[1])
    free = [name for name, column in zip(names, matrix.T, strict=True) if not column.any()]
    if free:
        raise SettingsError(
            f"--metric: always saying {free[0]!r} would cost nothing, so there is nothing to learn. "
            f"Give a cost above 0 to some mistake of taking another class for {free[0]!r}."
        )
    return tuple(tuple(float(v) for v in row) for row in matrix)


def written(costs: Costs, classes: Sequence[str]) -> str:
    """The costs as `read_costs` takes them, in one form; what costs 1 is left out.

    >>> written(((0.0, 1.0), (10.0, 0.0)), ["healthy", "sick"])
    'cost: sick>healthy=10'
    >>> written(((0.0, 1.0), (1234567.5, 0.0)), ["healthy", "sick"])
    'cost: sick>healthy=1234567.5'
    """
    every = _pairs(costs, classes)
    named = [pair for pair in every if pair[2] != 1] or every[:1]
    return "cost: " + ", ".join(f"{true}>{predicted}={cost:.12g}" for true, predicted, cost in named)


def in_words(costs: Costs, classes: Sequence[str], most: int = 6) -> str:
    """The dearest mistakes first: `'sick' taken for 'healthy' 10, 'healthy' taken for 'sick' 1`."""
    pairs = sorted(_pairs(costs, classes), key=lambda pair: -pair[2])
    return listed((f"{true!r} taken for {predicted!r} {cost:.12g}" for true, predicted, cost in pairs), most)


def class_costs(costs: Costs) -> np.ndarray:
    """What a mistake costs on average for each true class, `(K,)`: its weight in learning and deciding.

    Exact for two classes; with more, Breiman et al., "Classification and regression trees", 1984.
    """
    matrix = np.array(costs)
    return matrix.sum(axis=1) / max(1, len(matrix) - 1)


def _pairs(costs: Costs, classes: Sequence[str]) -> list[tuple[str, str, float]]:
    names = [str(name) for name in classes]
    return [(names[i], names[j], costs[i][j]) for i in range(len(names)) for j in range(len(names)) if i != j]


def _entries(text: str, names: list[str]) -> list[tuple[str, str, str]]:
    """(true, predicted, cost) as they are written; known names first, so that they may hold any character."""
    known = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    entry = re.compile(
        rf"\s*(?P<true>{known}|[^>]*?)\s*>\s*(?P<predicted>{known}|[^=]*?)\s*=(?P<cost>{_NUMBER})(,|$)"
    )
    found, start = [], 0
    if not text.strip():
        raise SettingsError(f"--metric: which mistake costs what? Write {HOW}.")
    while start < len(text):
        match = entry.match(text, start)
        if match is None:
            raise SettingsError(f"--metric: {text[start:].strip()!r} is not understood; write {HOW}.")
        found.append((match["true"], match["predicted"], match["cost"].strip()))
        start = match.end()
    return found


def _place(name: str, names: list[str]) -> int:
    bare = name.strip("'\"")
    for written_name in (name, bare):
        if written_name in names:
            return names.index(written_name)
    raise SettingsError(
        f"--metric: there is no class {bare!r}.{did_you_mean(bare, names)} "
        f"The classes are: {listed(names, 30)}."
    )


def _cost(pair: str, text: str, *, right: bool) -> float:
    try:
        cost = float(text)
    except ValueError:
        raise SettingsError(f"--metric: the cost of {pair}, {text!r}, is not a number.") from None
    if not math.isfinite(cost) or cost < 0:
        raise SettingsError(f"--metric: the cost of {pair} is {text}; it must be a number from 0 on.")
    if right and cost:
        raise SettingsError(f"--metric: {pair} is a right answer, which costs nothing; leave it out.")
    return cost
