"""More data? What further labels would bring, in words and as a picture."""

from __future__ import annotations

import math
from typing import Any

from handful.report import words
from handful.report.content import Content, View
from handful.report.curve_figure import Series, learning_curve

ROLES = {
    "chosen": "the chosen model",
    "deep": "best with a neural network",
    "traditional": "best without a neural network",
}
KINDS = ("mine", "second", "third")
LITTLE, MUCH = 0.01, 0.02  # points that a doubling should bring to be called worth little, or worth it


def more_data(content: Content) -> View | None:
    """The curves, what as many examples again would bring, and how many a target needs."""
    summary, metric = content.summary, content.metric
    told = summary.get("learning_curve")
    if not told:
        reason = content.reason("learning_curve")
        return {"reason": reason, "lead": None, "figure": None} if reason else None
    n, many = told["n"], words.noun(summary)
    curves = told["curves"]
    chosen = curves[0]
    series = [
        Series(
            words.shorten(words.label_of(summary, c["name"]), 44),
            KINDS[i],
            [(p["n"], p["score"], p["low"], p["high"]) for p in c["points"]],
            [(p["n"], p["score"], p["low"], p["high"]) for p in c["line"]],
        )
        for i, c in enumerate(curves)
        if all(p["score"] is not None for p in c["points"])
    ]
    return {
        "reason": None,
        "lead": lead(summary),
        "doubt": chosen["doubt"],
        "figure": learning_curve(series, n, content.tick, content.possible, many, content.reference)
        if series
        else None,
        "legend": [
            (s.kind, s.label, words.listed([ROLES[r] for r in c["roles"]]))
            for s, c in zip(series, curves, strict=False)
        ],
        "foreseen": bool(chosen["line"]),
        "rows": [_row(f, n, metric) for f in chosen["forecasts"]],
        "targets": targets(summary),
        "classes_reason": told.get("classes_reason") if content.dataset.get("classes") else None,
        "others": [
            f"{words.capital(words.label_of(summary, c['name']))}: cannot tell, because {c['doubt']}."
            for c in curves[1:]
            if c["doubt"] and not chosen["doubt"]
        ],
        "many": many,
        "labels": "labels" if content.dataset.get("classes") else many,
        "metric": metric,
        "n": n,
    }


def _row(forecast: View, n: int, metric: words.Metric) -> View:
    return {
        "n": f"{forecast['n']:,}",
        "more": f"{forecast['n'] - n:,}",
        "score": metric.show(forecast["score"]),
        "span": metric.span(forecast["low"], forecast["high"]),
        "gain": gain(forecast, metric)[0],
        "gain_span": gain(forecast, metric)[1],
    }


def gain(forecast: View, metric: words.Metric) -> tuple[str, str]:
    """What is gained, and from-to: `+3.1 points`, `+0.4 to +5.8`; for errors, how much smaller they get."""
    value, low, high = (forecast[k] for k in ("gain", "gain_low", "gain_high"))
    if metric.percent:
        return f"{_signed(100 * value, 1)} points", f"{_signed(100 * low, 1)} to {_signed(100 * high, 1)}"
    if metric.higher_is_better:
        return _signed(value, 3), f"{_signed(low, 3)} to {_signed(high, 3)}"
    return f"{metric.difference(value)} less", f"{metric.difference(low)} to {metric.difference(high)}"


def gain_text(forecast: View, metric: words.Metric) -> str:
    """`+3.1 points (+0.4 to +5.8)`."""
    value, span = gain(forecast, metric)
    return f"{value} ({span})"


def _signed(value: float, decimals: int) -> str:
    text = f"{value:+.{decimals}f}"
    return text.replace("-", "\N{MINUS SIGN}") if float(text) else text.lstrip("+-")


def lead(summary: dict[str, Any]) -> str | None:
    """What as many examples again would bring, in one or two sentences; None where no curve was made."""
    told, metric = summary.get("learning_curve"), words.metric_of(summary)
    if not told:
        return None
    chosen, n, many = told["curves"][0], told["n"], words.noun(summary)
    if chosen["doubt"]:
        return f"Whether more {many} would help: cannot tell, because {chosen['doubt']}."
    double = next(f for f in chosen["forecasts"] if f["n"] == 2 * n)
    scale = 1.0 if metric.higher_is_better else abs(double["score"])
    worth = "Perhaps a little."
    if double["gain_high"] <= LITTLE * scale:
        worth = f"More {many} of the same kind are worth little here."
    elif double["gain_low"] > 0 and double["gain"] >= MUCH * scale:
        worth = f"Yes, more {many} should help."
    return (
        f"{worth} With as many again ({2 * n:,} instead of {n:,}), expect {words.article(metric.label)} of "
        f"about {metric.show(double['score'], 0 if metric.percent else None)}: {gain_text(double, metric)}."
    )


def targets(summary: dict[str, Any]) -> list[str]:
    """A sentence for each target score of the report, but for what the lead has said already."""
    needed = summary.get("labels_needed") or {}
    curves = (summary.get("learning_curve") or {}).get("curves") or [{}]
    told = curves[0].get("doubt")  # the reason that `lead` gives
    return [
        target_text(summary, answer)
        for answer in needed.get("targets") or []
        if answer["status"] != "cannot tell" or answer["reason"] != told
    ]


def target_text(summary: dict[str, Any], answer: dict[str, Any]) -> str:
    """`To reach 95% you need about 120 more pictures (40 to 400).` and its kin."""
    metric, many = words.metric_of(summary), words.noun(summary)
    n = (summary.get("learning_curve") or {}).get("n") or (summary.get("dataset") or {}).get("n") or 0
    target = answer["target"]
    places = 0 if metric.percent and abs(100 * target - round(100 * target)) < 1e-6 else None
    goal = f"{words.article(metric.label)} of {metric.show(target, places)}"
    if answer["status"] == "reached":
        return f"{words.capital(goal)} is already reached, as far as this data tells."
    if answer["status"] == "cannot tell":
        return f"To reach {goal}: cannot tell how many more {many} it needs, because {answer['reason']}."
    if answer["status"] == "beyond":
        least = f" (at least {nice(answer['low'])} more)" if 0 < (answer["low"] or 0) < 3 * n else ""
        return (
            f"To reach {goal} you need probably more than {3 * n:,} more {many}{least}, further than can be "
            "foreseen; a better kind of data or model may help sooner."
        )
    high = f"more than {3 * n:,}" if answer["high"] is None else nice(answer["high"])
    span = f"{nice(answer['low'])} to {high}"
    return f"To reach {goal} you need about {nice(answer['more'])} more {many} ({span})."


def nice(count: int) -> str:
    """A number of examples, rounded to what one can know of it.

    >>> nice(7), nice(43), nice(187), nice(2349)
    ('7', '45', '190', '2,300')
    """
    if count < 20:
        return str(count)
    step = 5 if count < 100 else 10 ** (math.floor(math.log10(count)) - 1)
    return f"{step * round(count / step):,}"


def plan_text(summary: dict[str, Any], answers: list[dict[str, Any]]) -> str:
    """The plan for the terminal: what further examples bring, and how many the targets need."""
    summary = words.clean(summary)
    metric, told = words.metric_of(summary), summary.get("learning_curve")
    if not told:
        reason = (summary.get("reasons") or {}).get("learning_curve") or "the run has no learning curve"
        return f"Cannot tell what more data would bring: {reason}."
    lines = [lead(summary) or ""]
    for forecast in told["curves"][0]["forecasts"]:
        span = metric.span(forecast["low"], forecast["high"])
        lines.append(
            f"  {forecast['n']:>7,} in all: {metric.label} {metric.show(forecast['score'])} ({span}), "
            f"{gain_text(forecast, metric)}"
        )
    if len(lines) > 1:
        lines.append("  In 8 of 10 such cases the score lies in the range in brackets.")
    lines += [target_text(summary, answer) for answer in answers]
    return "\n".join(lines)
