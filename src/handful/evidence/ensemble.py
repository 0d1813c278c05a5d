"""The uniform average of the sound candidates: a derived row, no further fit.

With a hundred examples choosing one winner costs more than it brings, and averaging wins. Members for a
held-out fold are chosen from the other folds, so the row's score is as honest as a candidate's.
"""

from __future__ import annotations

import numpy as np

from handful.evidence.predictions import Predictions, Row, place

NAME = "average"
MOST_MEMBERS = 10


def add_average(predictions: Predictions) -> Predictions:
    """The same predictions with the average among the rows, where there are two members or more."""
    eligible = [r for r in predictions.sound if r.family != "baseline"]
    everywhere = members(predictions, eligible, np.ones(len(predictions.y)))
    if len(everywhere) < 2:
        return predictions
    tests, trains = [], []
    for i, split in enumerate(predictions.splits):
        elsewhere = np.ones(len(predictions.y))
        elsewhere[split.test] = 0
        chosen = members(predictions, eligible, elsewhere)
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
    )
    rows = [*predictions.rows, average]
    return Predictions(
        predictions.y, predictions.unit, predictions.metric, predictions.splits, rows, predictions.causes
    )


def members(predictions: Predictions, eligible: list[Row], weights: np.ndarray) -> list[Row]:
    """Who is averaged: nearer to the best than to the baseline on the weighted samples; the ten best at most.

    Only samples with weight count, so that a held-out fold has no say in who predicts it.
    """
    if not eligible:
        return []
    gain = predictions.metric.gain
    scores = np.array([float(gain(predictions.score(r, weights[None])[0])) for r in eligible])
    floor = float(gain(predictions.score(predictions.baseline(), weights[None])[0]))
    best = np.nanmax(scores)
    good = scores >= (best + floor) / 2 if best > floor else scores >= best
    order = np.argsort(-scores, kind="stable")
    return [eligible[i] for i in order if good[i]][:MOST_MEMBERS]
