"""Training score beside held-out score: how much was learned by heart, and what to try."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.stats import norm

from handful.evidence.bootstrap import Bootstrap
from handful.evidence.leaderboard import number
from handful.evidence.predictions import Predictions, Row
from handful.evidence.selection import LEVEL
from handful.evidence.training import loss_curve
from handful.scoring import per_cent

DRAWS = 60  # of the bootstrap: a standard deviation to about a tenth of itself
MOSTLY = 0.9  # of what was learned holds on new examples: sound
LITTLE = 0.6  # and below this share, it overfits
WIDE = 0.5  # of what was learned: a gap that may be none, or more than this, says nothing
MANY = 1.0  # trained numbers per example above which there are many


def overfitting(
    predictions: Predictions, board: list[dict[str, Any]], bootstrap: Bootstrap, modality: str
) -> list[dict[str, Any]]:
    """For each row of the leaderboard that has scores: the gap with its interval, and what it means.

    `diagnosis` is "sound", "overfits a little", "overfits", "memorises", "underfits" or "cannot tell";
    `words` says it in a sentence, and `try` lists what may help. `loss_curve` is for networks that are
    trained here, None for others: see `training.loss_curve`.
    """
    gain = predictions.metric.gain
    known = [line for line in board if line["score"] is not None and line["train_score"] is not None]
    baseline = next((float(gain(line["score"])) for line in known if line["family"] == "baseline"), None)
    ends = [line["low" if predictions.metric.higher_is_better else "high"] for line in known]
    surely = max((float(gain(end)) for end in ends if end is not None), default=-np.inf)
    found = []
    for line in known:
        if line["family"] == "baseline":
            continue
        row = predictions.row(line["name"])
        train, score = float(gain(line["train_score"])), float(gain(line["score"]))
        low, high = gap_interval(predictions, row, bootstrap, line)
        diagnosis, words = diagnose(train, score, (low, high), baseline, surely)
        parameters = row.parameters
        per_example = None if parameters is None else parameters / predictions.learned_from
        found.append(
            {
                "name": line["name"],
                "train_score": line["train_score"],
                "score": line["score"],
                "gap": line["gap"],
                "gap_low": number(low),
                "gap_high": number(high),
                "trainable_parameters": parameters,
                "parameters_per_example": number(per_example),
                "diagnosis": diagnosis,
                "words": words,
                "try": remedies(diagnosis, row, per_example, modality, on_pretrained(predictions, row)),
                "loss_curve": loss_curve(row.history),
            }
        )
    return found


def gap_interval(
    predictions: Predictions, row: Row, bootstrap: Bootstrap, line: dict[str, Any]
) -> tuple[float, float]:
    """The gap's 95 % interval: its standard deviation over bootstrap draws of samples, groups whole.

    A draw weighs a sample alike where it was trained on and where it was held out. The first repeat stands
    for all. Where no draw differs (every example right), the held-out score's own interval is taken.
    """
    metric, weights = predictions.metric, bootstrap.weights[:DRAWS]
    assert row.oof is not None
    first = [(s, t) for s, t in zip(predictions.splits, row.train, strict=True) if s.repeat == 0]
    trained = np.mean([metric(predictions.y[s.train], t, weights[:, s.train]) for s, t in first], axis=0)
    held = np.flatnonzero(np.isfinite(row.oof[0].reshape(len(row.oof[0]), -1)[:, 0]))
    unseen = metric(predictions.y[held], row.oof[0, held], weights[:, held])
    spread = float(norm.ppf((1 + LEVEL) / 2)) * float(np.nanstd(trained - unseen))
    if spread == 0 and line["low"] is not None and line["high"] is not None:
        ends = sorted(float(metric.gain(line["train_score"] - line[end])) for end in ("low", "high"))
        return ends[0], ends[1]
    return line["gap"] - spread, line["gap"] + spread


def diagnose(
    train: float, score: float, gap: tuple[float, float], baseline: float | None, surely: float
) -> tuple[str, str]:
    """What the two scores say together, as one word and as a sentence; scores are such that more is better.

    The yardstick is what the model has gained over the baseline on its training part: how much of it is
    left on examples that it has not seen. `gap` is the interval of what is lost, and `surely` what the best
    candidate reaches at least on those.
    """
    if baseline is None:
        return "cannot tell", "There is no baseline to compare with."
    learned, kept = train - baseline, score - baseline
    if learned <= 0:
        return "underfits", "It does no better than the baseline, even on what it has seen."
    if train < surely:
        return "underfits", "Even on what it has seen it does worse than the best candidate on new examples."
    if kept <= 0:
        return "memorises", "Nothing of what it learned holds on new examples."
    low, high = gap
    if low <= 0 and high > WIDE * learned:
        return "cannot tell", "Too few examples to tell how much of what it learned holds on new ones."
    if low <= 0 or kept / learned >= MOSTLY:
        return "sound", "What it learned holds on new examples."
    share = f"{per_cent(kept / learned)}% of what it learned holds on new examples."
    if kept / learned < LITTLE:
        return "overfits", f"Only {share}"
    return "overfits a little", share


def on_pretrained(predictions: Predictions, row: Row) -> bool:
    """Whether a pretrained network, left as it is, describes the examples to this row, or to its base."""
    rows = {other.name: other for other in predictions.rows}
    while row.family not in ("transfer", "finetune") and row.base in rows:
        row = rows[row.base]
    return row.family == "transfer"


def remedies(
    diagnosis: str, row: Row, per_example: float | None, modality: str, pretrained: bool
) -> list[str]:
    """What to try: for less learning by heart or for more flexibility, never for both."""
    if row.members is not None:
        if diagnosis in ("sound", "cannot tell"):
            return []
        return ["what helps its members, for an average has nothing of its own to change"]
    if diagnosis == "underfits":
        more = "other features" if pretrained or modality == "table" else "features of a pretrained network"
        return ["weaker regularisation, or a more flexible model", more]
    if diagnosis not in ("memorises", "overfits", "overfits a little"):
        return []
    less = "stronger regularisation"
    if per_example is not None and per_example > MANY:
        less += ", or a model with fewer trained numbers"
    found = [less, "more labelled examples"]
    if modality == "image" and row.family != "augmentation":
        found.append("altered copies of the training pictures (augmentation)")
    if modality != "table" and not pretrained:
        found.append("a pretrained network (transfer), which has less to learn here")
    return found
