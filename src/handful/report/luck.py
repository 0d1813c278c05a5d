"""The luck meter: what single random divisions of the data would have reported, beside what to expect."""

from __future__ import annotations

from typing import Any

import numpy as np

from handful.evidence.leaderboard import number
from handful.evidence.luck import Luck
from handful.report import figures, words
from handful.report.content import Content, View

DOTS = 50  # one dot stands for one in so many splits


def luck_part(luck: Luck, metric: words.Metric) -> dict[str, Any]:
    """`luck` of report.json; `dots` are the scores in the middle of each fiftieth of the splits."""
    ends = (luck.low, luck.high) if metric.higher_is_better else (luck.high, luck.low)
    low, high = (metric.show(end, 0 if metric.percent else None) for end in ends)
    return {
        "metric": metric.name,
        "low": number(luck.low),
        "high": number(luck.high),
        "min": number(float(luck.scores[0])),
        "max": number(float(luck.scores[-1])),
        "n_splits": len(luck.scores),
        "dots": [number(v) for v in np.quantile(luck.scores, (np.arange(DOTS) + 0.5) / DOTS)],
        "words": (
            "Most people divide their data once, at random, into 80 % to learn from and 20 % to test on, and "
            f"report one number. {_range(low, high)}"
        ),
    }


def _range(low: str, high: str) -> str:
    """What single divisions would have reported, their ends as they are written."""
    if low == high:
        return f"With these data and this model nearly all such divisions would have reported {low}."
    return (
        f"With these data and this model you could have reported anything from {low} to {high}: 95 of 100 "
        "such divisions lie in this range, and which one you get is luck."
    )


def luck(content: Content) -> View | None:
    """A dot for each of many single splits; None where they were not scored."""
    found = content.summary.get("luck")
    if not found:
        return None
    metric = content.metric
    expected = (content.summary.get("expected") or {}).get("value")
    dots = [v for v in found["dots"] if v is not None]
    domain = figures.span_of([*dots, expected], inside=content.possible, pad=0.08)
    figure = figures.dot_stack(
        dots,
        domain,
        content.tick(domain),
        mark=expected,
        mark_label="" if expected is None else f"expect {metric.show(expected)}",
        title=f"{words.capital(metric.label)} that single random splits would have reported",
    )
    return {
        "words": found["words"],
        "figure": figure,
        "dots": len(dots),
        "expected": None if expected is None else metric.show(expected),
        "metric": metric,
        "many": words.noun(content.summary),
    }
