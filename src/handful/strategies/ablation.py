"""What a kind of columns brings: the same model without them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd

from handful.data.columns import CATEGORY, NUMBER, PICTURE, TEXTS, kind_of
from handful.data.dataset import Dataset
from handful.data.schema import TableSchema, feature_names
from handful.settings import Settings
from handful.strategies import classic, transfer
from handful.strategies.candidate import Candidate
from handful.strategies.chain import Chain, Stateless
from handful.strategies.tables import frozen, looks_through_network

# The models that do without, by the end of their names; in `quick` the first alone.
HEADS = {"classification": ("svm", "extra trees"), "regression": ("svr", "extra trees")}
OF_SCHEMA = {"numeric": NUMBER, "categorical": CATEGORY, "boolean": CATEGORY, "text": TEXTS}


class LeftOut(Stateless):
    """A table without some of its columns.

    Parameters
    ----------
    columns : names; all others stay
    """

    def __init__(self, columns: tuple[str, ...] = ()) -> None:
        self.columns = columns

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """The other columns, in their order."""
        return X.drop(columns=list(self.columns))


def candidates(dataset: Dataset, settings: Settings) -> list[Candidate]:
    """On tables with columns of two kinds or more: for each kind a candidate that does without it.

    It may be chosen too, where it beats the whole: columns that say nothing cost examples.
    """
    if dataset.modality != "table":
        return []
    kinds = kinds_of(dataset)
    if len(kinds) < 2:
        return []
    looks = bool(frozen(dataset.X, settings))
    known = (transfer if looks else classic).candidates(dataset, settings)
    heads = HEADS[dataset.task][: 1 if settings.effort == "quick" else None]
    full = [c for head in heads for c in known if c.name.endswith(head)]
    found = []
    for c in full:
        for words, columns in kinds:
            looking = frozen(dataset.X.drop(columns=list(columns)), settings) if looks else {}
            found.append(without(c, words, columns, looking))
    return found


def without(full: Candidate, words: str, columns: tuple[str, ...], looking: dict[str, str]) -> Candidate:
    """The candidate `full`, a chain on a table, without these columns, called so.

    `looking` says what it still looks through: without, it may be a traditional model.
    """
    chain: Any = full.estimator
    estimator = Chain([LeftOut(columns), *chain.features], chain.head)
    family = "transfer" if looking else "classic"
    less = full.plus(words, f" without {words}", f"without {words}", estimator, family)
    return replace(less, deep=looks_through_network(looking), lacks=True)


def kinds_of(dataset: Dataset) -> list[tuple[str, tuple[str, ...]]]:
    """The kinds of columns that the table has, in words, with the columns of X that are of the kind."""
    found: dict[str, list[str]] = {}
    names: dict[str, list[str]] = {}
    for name, kind, features in _columns(dataset):
        found.setdefault(kind, []).extend(features)
        names.setdefault(kind, []).append(name)
    return [
        (
            f"the {kind} column {names[kind][0]!r}"
            if len(names[kind]) == 1
            else f"the {len(names[kind])} {kind} columns",
            tuple(found[kind]),
        )
        for kind in (TEXTS, PICTURE, NUMBER, CATEGORY, "date")
        if kind in found
    ]


def _columns(dataset: Dataset) -> list[tuple[str, str, list[str]]]:
    """(name, kind, columns of X) of each column of the input; a date has several columns in X."""
    if "schema" not in dataset.origin:
        return [(str(c), kind_of(dataset.X[c]), [c]) for c in dataset.X.columns]
    schema = TableSchema.from_json(dataset.origin["schema"])
    return [
        (column.name, OF_SCHEMA.get(column.kind, column.kind), feature_names(column))
        for column in schema.columns
    ]
