"""Training score beside validation score, in words."""

from __future__ import annotations

from typing import Any

from handful.evidence.predictions import Predictions
from handful.scoring import Metric


def overfitting(predictions: Predictions, board: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """For each row of the leaderboard that has scores: both scores, the gap, and what it means."""
    baseline = next((line["score"] for line in board if line["family"] == "baseline"), None)
    return [
        {
            "name": line["name"],
            "train_score": line["train_score"],
            "score": line["score"],
            "gap": line["gap"],
            "words": words(predictions.metric, line["train_score"], line["score"], baseline),
        }
        for line in board
        if line["score"] is not None and line["train_score"] is not None and line["family"] != "baseline"
    ]


def words(metric: Metric, train: float, score: float, baseline: float | None) -> str:
    """What the two scores say together.

    The yardstick is what the model has gained over the baseline on its training part: how much of it is
    left on examples that it has not seen.
    """
    if baseline is None:
        return "no baseline to compare with"
    learned = float(metric.gain(train)) - float(metric.gain(baseline))
    kept = float(metric.gain(score)) - float(metric.gain(baseline))
    if learned <= 0:
        return "underfits: it does no better than the baseline, even on what it has seen"
    if kept <= 0:
        return "memorises: nothing of what it learned holds on new examples"
    if kept / learned < 0.6:
        return f"overfits: only {kept / learned:.0%} of what it learned holds on new examples"
    if kept / learned < 0.9:
        return f"some overfitting: {kept / learned:.0%} of what it learned holds on new examples"
    return "sound: what it learned holds on new examples"
