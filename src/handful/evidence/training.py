"""How networks learned: the course of their losses, and what more trained numbers brought."""

from __future__ import annotations

from typing import Any

import numpy as np

from handful.evidence.comparison import difference
from handful.evidence.leaderboard import number
from handful.evidence.predictions import Predictions, Row
from handful.strategies.networks import WIDTH

COURSE = ("train_loss", "val_loss", "val_score")
MOST_POINTS = 100  # of a loss curve in report.json


def loss_curve(history: list[list[dict[str, float]]]) -> dict[str, Any] | None:
    """The losses of a network that was trained here, averaged over the splits; None without a history.

    `epoch` [1…], `train_loss`, and where something validated `val_loss` and `val_score` (accuracy or R² of
    the validating part), else None. Of a loss that is a sum, `terms` names its parts, and `train_TERM` and
    `val_TERM` are their courses; `terms` is empty for all others. A split that was stopped earlier than
    others is in the average up to there; the curve ends where fewer than half of the splits are left. `kept`
    is how many epochs the network was then trained for on everything (the lowest validation loss of each
    split), as median, `kept_low` and `kept_high` the extremes over splits; `still_falling` in how many splits
    that was among the last tenth of all the epochs that were allowed or run; `words` says it in a sentence.
    """
    runs = [h for h in history if h]
    if not runs:
        return None
    lengths = np.array([len(h) for h in runs])
    last = int(np.sort(lengths)[(len(lengths) - 1) // 2])  # at least half of the splits go on until here
    course: dict[str, Any] = {"splits": len(runs)}
    steps = np.unique(np.linspace(1, last, min(last, MOST_POINTS)).round().astype(int))
    course["epoch"] = steps.tolist()
    named = dict.fromkeys(
        key.removeprefix("train_") for h in runs for key in h[0] if key.startswith("train_")
    )
    course["terms"] = [term for term in named if term != "loss"]
    for key in (*COURSE, *(f"{part}_{term}" for term in course["terms"] for part in ("train", "val"))):
        known = all(key in h[0] for h in runs)
        means = [_mean([h[e - 1][key] for h in runs if len(h) >= e]) for e in steps] if known else None
        course[key] = means
    validated = course["val_loss"] is not None
    kept = [1 + int(np.argmin([e["val_loss"] for e in h])) if validated else len(h) for h in runs]
    late = sum(k > 0.9 * len(h) for k, h in zip(kept, runs, strict=True)) if validated else 0
    course |= {"kept": int(np.median(kept)), "kept_low": min(kept), "kept_high": max(kept)}
    course |= {"still_falling": late, "words": _course_words(kept, late, validated)}
    return course


def _mean(values: list[float]) -> float | None:
    found = number(float(np.mean(values)))
    return None if found is None else float(f"{found:.5g}")


def _course_words(kept: list[int], late: int, validated: bool) -> str:
    usual, low, high = int(np.median(kept)), min(kept), max(kept)
    span = "" if low == high else f" ({low} to {high} in single fits)"
    if not validated:
        return (
            "Nothing was set aside to say when to stop, so it was trained for a fixed number of "
            f"{_passes(usual)}."
        )
    if 2 * late > len(kept):
        return (
            f"The loss on examples that were set aside still fell when training ended, after {_passes(usual)}"
            f"{span}: a longer training might bring a little more."
        )
    return (
        f"The loss on examples that were set aside was lowest after {_passes(usual)}{span}; beyond that it "
        "learned by heart. It was then trained on all examples for as many."
    )


def _passes(count: int) -> str:
    return f"{count} {'pass' if count == 1 else 'passes'} over the data"


def capacity(predictions: Predictions, board: list[dict[str, Any]]) -> list[dict[str, Any]] | None:
    """Networks that differ in width alone: their scores against their trained numbers; None where none do.

    For each, `name` and `label` of the usual one, and `points` by parameters: `name`, `parameters`,
    `per_example`, `train_score`, `score`, `low`, `high`; `words` says what the wider ones brought.
    """
    by_name = {line["name"]: line for line in board}
    examples = predictions.learned_from
    found = []
    for base in predictions.sound:
        wider = [r for r in predictions.sound if r.base == base.name and r.technique == WIDTH]
        points = [_point(row, by_name[row.name], examples) for row in (base, *wider) if row.parameters]
        if not wider or len(points) < 2:
            continue
        points.sort(key=lambda p: p["parameters"])
        said = _capacity_words(predictions, points)
        found.append({"name": base.name, "label": base.label, "points": points, "words": said})
    return found or None


def _point(row: Row, line: dict[str, Any], examples: float) -> dict[str, Any]:
    assert row.parameters is not None
    shared = {k: line[k] for k in ("name", "train_score", "score", "low", "high")}
    return shared | {"parameters": row.parameters, "per_example": number(row.parameters / examples)}


def _capacity_words(predictions: Predictions, points: list[dict[str, Any]]) -> str:
    """What the widest brought over the narrowest, by the paired difference of the two."""
    gain = predictions.metric.gain
    first, last = points[0], points[-1]
    more = f"The widest has {last['parameters'] / first['parameters']:,.0f} times the trained numbers"
    low, high = difference(
        predictions, predictions.row(last["name"]), predictions.row(first["name"])
    ).interval()
    if low <= 0 <= high:
        seen = float(gain(last["train_score"])) - float(gain(first["train_score"]))
        by_heart = (
            " Where it is better on what it learned from, that is learning by heart." if seen > 0 else ""
        )
        return (
            f"{more} of the narrowest, and no difference on new examples that this data can show.{by_heart}"
        )
    return f"{more} of the narrowest, and is surely {'better' if low > 0 else 'worse'} on new examples."
