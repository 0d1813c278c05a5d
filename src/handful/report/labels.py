"""Labels that look wrong, and classes that cannot be told apart: for report.json, and for the page."""

from __future__ import annotations

from typing import Any

from handful.evidence.label_quality import USUAL_ERRORS, Suspicion, suspicion
from handful.evidence.leaderboard import number
from handful.evidence.mergeable import Mergeable, mergeable
from handful.evidence.predictions import Predictions, Row
from handful.protocol.run import Run
from handful.report import words
from handful.report.content import Content, View, sample, value_text

SHOWN = 12  # pictures shown unfolded
ROWS = 6  # and rows of a table, which take more room
PICTURED = 48  # and those that are shown at all


def add_labels(summary: dict[str, Any], run: Run, predictions: Predictions, chosen: Row) -> None:
    """`labels` and `mergeable` of report.json, with a reason where they are None."""
    found = suspicion(predictions, chosen)
    summary["labels"] = None if isinstance(found, str) else _labels(summary, run, found)
    if isinstance(found, str):
        summary["reasons"]["labels"] = found
    classes = run.dataset.classes
    if classes is None or len(classes) < 3:
        summary["mergeable"] = None
        summary["reasons"]["mergeable"] = (
            "the target is a number, which has no classes to merge"
            if classes is None
            else "there are no three classes of which two could become one"
        )
        return
    names = [str(c) for c in classes]
    now = float(predictions.score(chosen)[0])
    summary["mergeable"] = [_merged(summary, names, m, now) for m in mergeable(predictions, chosen)]


def _labels(summary: dict[str, Any], run: Run, found: Suspicion) -> dict[str, Any]:
    dataset = run.dataset
    flagged = []
    for rank, (i, suggested, strength) in enumerate(
        zip(found.flagged, found.suggested, found.strength, strict=True), start=1
    ):
        line: dict[str, Any] = {"id": str(dataset.ids[i])}
        if dataset.classes is None:
            line |= {"given": number(dataset.y[i]), "suggested": number(suggested), "confidence": None}
            line["times"] = number(strength)
        else:
            line |= {
                "given": str(dataset.classes[dataset.y[i]]),
                "suggested": str(dataset.classes[suggested]),
                "confidence": number(strength),
            }
        flagged.append(line | {"rank": rank})
    n = len(flagged)
    return {
        "flagged": flagged,
        "n_flagged": n,
        "share": n / found.judged,
        "text": _text(n, found.judged, words.noun(summary), dataset.classes is None),
    }


def _text(n: int, of: int, many: str, regression: bool) -> str:
    """What was found, and what to do with it."""
    if regression and n == 0:
        return (
            f"No value stands out: none lies more than {USUAL_ERRORS:.0f} times the usual error from what "
            "models that had not seen it expect. What is usual is learned from predictions of the same size. "
            "Smaller slips cannot be seen in this way."
        )
    if n == 0:
        return (
            "No label stands out as wrong: where the models disagree with a label, that is no more than hard "
            "examples explain. A few wrong labels among similar classes can stay unseen."
        )
    share = f"{n:,} of {of:,} {many} ({100 * n / of:.1f}%)"
    if regression and n == 1:
        return (
            f"The value of {share} lies more than {USUAL_ERRORS:.0f} times the usual error from what models "
            "that had not seen it expect; what is usual is learned from predictions of the same size. Look "
            "at it: a slip of the pen, another unit, or only unusual? Nothing was changed."
        )
    if regression:
        return (
            f"The values of {share} lie more than {USUAL_ERRORS:.0f} times the usual error from what models "
            "that had not seen them expect; what is usual is learned from predictions of the same size. Look "
            "at these first: a slip of the pen, another unit, or only unusual? Nothing was changed."
        )
    if n == 1:
        return (
            f"The label of {share} looks wrong: models that had not seen it expect another class, more "
            "clearly than a hard example explains. Look at it: it may be right and only unusual. Nothing "
            "was changed."
        )
    return (
        f"The labels of {share} look wrong: models that had not seen them expect another class, more clearly "
        "than hard examples explain. Look at these first. Some will be right and only unusual; nothing was "
        "changed."
    )


def _merged(summary: dict[str, Any], names: list[str], found: Mergeable, now: float) -> dict[str, Any]:
    metric, classes = words.metric_of(summary), [names[k] for k in found.classes]
    return {
        "classes": classes,
        "apart": number(found.apart),
        "score_now": number(now),
        "score_merged": number(found.merged),
        "text": (
            f"{words.listed(classes)} cannot be told apart with this many examples: given one of each of "
            f"two, the models say which is which in {100 * found.apart:.0f} of 100 cases; guessing is right "
            "in 50. "
            f"More examples of them may help. As one class, the {metric.label} would be "
            f"{metric.show(found.merged)} instead of {metric.show(now)}, partly because there are fewer "
            "answers to choose from."
        ),
    }


def labels_view(content: Content) -> View | None:
    """The flagged labels with their pictures or rows, for the page; None where they were not judged."""
    labels = content.summary.get("labels")
    if not labels:
        return None
    beside = {line["id"]: line for line in content.extras.get("labels") or []}
    regression = content.dataset.get("task") == "regression"
    cards = []
    for line in (labels.get("flagged") or [])[:PICTURED]:
        about = beside.get(line["id"]) or {}
        times = line.get("times")
        cards.append(
            {
                **sample(line["id"], about),
                "given": value_text(line.get("given"), regression),
                "suggested": value_text(line.get("suggested"), regression),
                "times": None if times is None else f"{times:.0f} times the usual error",
            }
        )
    wide = any(card["row"] or card["text"] for card in cards)
    shown = ROWS if wide else SHOWN
    return {
        "text": labels.get("text"),
        "cards": cards[:shown],
        "more": cards[shown:],
        "left": max(0, (labels.get("n_flagged") or 0) - len(cards)),
        "wide": wide,
        "regression": regression,
    }


def mergeable_view(content: Content) -> list[str] | None:
    """A sentence for each set of classes that cannot be told apart."""
    return [line["text"] for line in content.summary.get("mergeable") or [] if line.get("text")] or None
