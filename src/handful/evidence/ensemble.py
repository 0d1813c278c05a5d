"""What is chosen: the uniform average of the candidates that cannot be told apart from the best.

With a hundred examples the best cross-validated score is mostly luck, and choosing one winner costs more than
it brings. So nobody is chosen among equals: the candidates whose paired difference to the best is within two
standard errors are averaged. Where one is clearly best, it serves alone. The average is a derived row, no
further fit; members for a held-out fold are chosen from the other folds.

A candidate that adds a technique to another one (its base: the same without) is a member only where it scored
above it on the samples seen, and above what that one was made from in turn: else the technique is dropped.
Fine-tuning is dear, to learn and to ask: it has to beat the best that does without.
Scores that were moved for rare or dear classes (family `balance`) are averaged with their like only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from handful.evidence.bootstrap import Bootstrap
from handful.evidence.contributions import contributions, deviations, squared_distances
from handful.evidence.predictions import Predictions, Row, place

NAME = "average"
ENSEMBLING = "ensembling"
MOST_MEMBERS = 10
FINE_TUNED = "finetune"  # the family
# A paired difference of more than two standard errors is told apart.
TIE = 2.0


def add_average(predictions: Predictions) -> Predictions:
    """The same predictions with the average among the rows, where there are two members or more."""
    rows = eligible(predictions)
    if not rows:
        return predictions
    everywhere = members(predictions, rows, np.ones(len(predictions.y), dtype=bool))
    if len(everywhere) < 2:
        return predictions
    tests, trains = [], []
    for i, split in enumerate(predictions.splits):
        elsewhere = np.ones(len(predictions.y), dtype=bool)
        elsewhere[split.test] = False
        chosen = members(predictions, rows, elsewhere)
        tests.append(np.mean([r.oof[split.repeat, split.test] for r in chosen if r.oof is not None], axis=0))
        trains.append(np.mean([r.train[i] for r in chosen], axis=0))
    known = [r.parameters for r in everywhere]
    average = Row(
        NAME,
        f"the average of {len(everywhere)} models",
        "ensemble",
        cost=sum(r.cost for r in everywhere),
        oof=place(tests, predictions.splits, len(predictions.y)),
        train=trains,
        seconds=sum(r.seconds for r in everywhere),
        parameters=None if None in known else sum(k for k in known if k is not None),
        members=[r.name for r in everywhere],
        base=everywhere[0].name,
        technique=ENSEMBLING,
    )
    return replace(predictions, rows=[*predictions.rows, average])


def select(predictions: Predictions) -> Row:
    """What is refitted and served: the average where there is one, else the best row."""
    return next((r for r in predictions.sound if r.name == NAME and r.members), None) or best(predictions)


def best(predictions: Predictions, rows: Sequence[Row] | None = None) -> Row:
    """The row with the best score, of `rows` or of all; among equals the cheapest to predict with."""
    rows = predictions.sound if rows is None else rows
    gains = np.array([float(predictions.metric.gain(predictions.score(r)[0])) for r in rows])
    return rows[int(np.nanargmax(without_dropped(rounded(gains), rows)))]


def eligible(predictions: Predictions) -> list[Row]:
    """The rows that can be chosen: candidates with scores, the baseline among them; nothing derived."""
    return [r for r in predictions.sound if r.members is None]


def members(predictions: Predictions, rows: Sequence[Row], seen: np.ndarray) -> list[Row]:
    """Who is averaged, as far as the samples in `seen` `(n,)` tell; the others have no say."""
    share = contributions(predictions, rows, seen)
    held = np.flatnonzero(np.isfinite(share).any(axis=0))
    if not len(held):  # no repeat has a score on what is seen
        return [rows[0]]
    share = share[:, held]
    error = _paired_error(share, predictions.unit[held])
    gains = without_dropped(rounded(share.mean(axis=1)), rows)
    chosen = tied(gains, error, _baseline(rows), alike=_moved(rows))
    return [rows[i] for i in chosen]


def _paired_error(share: np.ndarray, unit: np.ndarray) -> np.ndarray:
    """Standard errors `(C, C)` of the difference of each two rows, from their contributions `(C, n)`."""
    return np.sqrt(squared_distances(deviations(share, unit)))


def tied(
    gains: np.ndarray,
    error: np.ndarray,
    baseline: np.ndarray,
    most: int = MOST_MEMBERS,
    alike: np.ndarray | None = None,
) -> list[int]:
    """Positions of those that cannot be told apart from the best, best first, `most` at most.

    gains `(C,)`, more is better, NaN where undefined; error `(C, C)`; baseline `(C,)` marks what does not
    learn: it serves alone where nothing is better, and is no member otherwise. `alike` `(C,)` says whose
    scores can be averaged: those with the same value as the best.
    """
    gains = np.where(np.isnan(gains), -np.inf, rounded(gains))
    first = int(gains.argmax())
    if baseline[first]:
        return [first]
    near = (gains[first] - gains <= TIE * error[first]) & ~baseline & np.isfinite(gains)
    if alike is not None:
        near &= alike == alike[first]
    near[first] = True
    return [int(i) for i in np.argsort(-gains, kind="stable") if near[i]][:most]


def rounded(gains: np.ndarray) -> np.ndarray:
    """To the twelfth digit of their usual size, whatever the unit: equals stay equal on every machine."""
    known = np.abs(gains[np.isfinite(gains)])
    size = float(np.median(known)) if len(known) else 0.0
    return np.round(gains, 12 - int(np.ceil(np.log10(size))) if size > 0 else 12)


def bases(rows: Sequence[Row]) -> np.ndarray:
    """The position of each row's base among the rows `(C,)`, -1 where it has none there."""
    place = {row.name: i for i, row in enumerate(rows)}
    return np.array([place.get(row.base or "", -1) for row in rows], dtype=int)


def without_dropped(gains: np.ndarray, rows: Sequence[Row]) -> np.ndarray:
    """Gains `(…, C)` with minus infinity for who does not beat its base, that one's base, and so on.

    What is fine-tuned has to beat all that is not. The best gain always stays: who is dropped leaves one
    behind that is at least as good.
    """
    base = bases(rows)
    bar = np.full(gains.shape, -np.inf)
    above = base
    for _ in range(len(base)):  # a chain of bases is no longer than the rows; mostly one step
        there = above >= 0
        if not there.any():
            break
        bar[..., there] = np.fmax(bar[..., there], gains[..., above[there]])
        above = np.where(there, base[above], -1)
    dear = np.array([row.family == FINE_TUNED for row in rows])
    if dear.any() and not dear.all():
        bar[..., dear] = np.fmax(bar[..., dear], np.fmax.reduce(gains[..., ~dear], axis=-1)[..., None])
    return np.where(gains > bar, gains, -np.inf)


def _moved(rows: Sequence[Row]) -> np.ndarray:
    """Whose scores are moved for the metric: averaged with others they would decide half for each."""
    return np.array([r.family == "balance" for r in rows])


def _baseline(rows: Sequence[Row]) -> np.ndarray:
    return np.array([r.family == "baseline" for r in rows])


def out_of_bag(predictions: Predictions, bootstrap: Bootstrap, most: int = MOST_MEMBERS) -> np.ndarray:
    """For each draw: choose in it as `select` does, and score the choice on what it left out, `(B,)`.

    With `most` 1 the best alone is chosen.

    Tsamardinos, Greasidou & Borboudakis, "Bootstrapping the out-of-sample predictions for efficient and
    accurate cross-validation", Machine Learning 107, 2018; here with the average of the tied as the choice.
    The standard errors of differences are those of all samples.
    """
    rows, held = eligible(predictions), predictions.covered
    share, weights = contributions(predictions, rows)[:, held], bootstrap.weights[:, held]
    inside = share @ weights.T / weights.sum(axis=1)  # (C, B)
    error, baseline = _paired_error(share, predictions.unit[held]), _baseline(rows)
    moved = _moved(rows)
    inside = without_dropped(rounded(inside.T), rows).T
    left_out = np.zeros(bootstrap.weights.shape)
    left_out[:, held] = weights == 0
    choices: dict[tuple[int, ...], list[int]] = {}
    for b in range(inside.shape[1]):
        choices.setdefault(tuple(sorted(tied(inside[:, b], error, baseline, most, moved))), []).append(b)
    found = np.full(inside.shape[1], np.nan)
    for chosen, draws in choices.items():
        oof = np.mean(np.array([rows[i].oof for i in chosen]), axis=0)
        found[draws] = predictions.score(Row("", "", "", 0, oof=oof), left_out[draws])
    return found
