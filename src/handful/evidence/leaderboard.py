"""All rows with their scores, best first, and how much better each does on what it has seen."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from handful.evidence.predictions import Predictions, Row
from handful.evidence.selection import around, errors


def leaderboard(predictions: Predictions) -> list[dict[str, Any]]:
    """One dict a row, best first, then those stopped early, and failed ones last.

    Scores are those of the run's metric. A candidate that was stopped early has none, but `score_so_far`, on
    the `splits_done` splits that it was examined on: it must not be compared with scores on all of them.
    """
    gain = predictions.metric.gain

    def rank(line: dict[str, Any]) -> tuple:
        score = line["score"] if line["stopped"] is None else line["score_so_far"]
        return (
            line["score"] is None,
            line["stopped"] is None,
            score is None,
            0.0 if score is None else -float(gain(score)),
            predictions.row(line["name"]).cost,
        )

    sound = predictions.sound
    spread = dict(zip((r.name for r in sound), errors(predictions, sound), strict=True))
    lines = (_line(predictions, row, spread.get(row.name)) for row in predictions.rows)
    return sorted(lines, key=rank)


def _line(predictions: Predictions, row: Row, error: float | None) -> dict[str, Any]:
    """`error` is the standard error of the row's score, not widened for any choice; None without scores."""
    value = None if error is None else float(predictions.score(row)[0])
    scored = None if error is None or value is None else around(predictions, value, value, error, row=row)
    train = predictions.train_score(row)
    gap = None if scored is None or train is None else float(predictions.metric.gain(train - scored.value))
    return {
        "name": row.name,
        "label": row.label,
        "family": row.family,
        "score": None if scored is None else number(scored.value),
        "low": None if scored is None else number(scored.low),
        "high": None if scored is None else number(scored.high),
        "train_score": number(train),
        "gap": number(gap),
        "trainable_parameters": row.parameters,
        "seconds": round(row.seconds, 3),
        "failed": row.failed,
        "stopped": row.stopped,
        "splits_done": row.splits_done,
        "score_so_far": so_far(predictions, row),
        "members": row.members,
    }


def so_far(predictions: Predictions, row: Row) -> float | None:
    """The score of a row that was stopped early, on what it was asked; None for others, or without any."""
    if row.partial is None:
        return None
    return number(float(predictions.score(replace(row, oof=row.partial))[0]))


def number(value: float | None) -> float | None:
    """A float that JSON can hold: None for what is not finite."""
    return None if value is None or not np.isfinite(value) else float(value)
