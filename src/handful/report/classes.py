"""Class by class: for report.json, for the page, and for the terminal."""

from __future__ import annotations

from typing import Any

from handful.evidence.classes import OfClass, classes, unequal
from handful.evidence.leaderboard import number
from handful.evidence.predictions import Predictions, Row
from handful.evidence.selection import Interval
from handful.report import figures, words
from handful.report.content import SHOWN, Content, View
from handful.scoring import per_cent


def classes_part(
    predictions: Predictions, chosen: Row, names: list[str], many: str
) -> list[dict[str, Any]] | None:
    """`classes` of report.json, in the order of the classes; None where there are none."""
    return [_line(of, names, many) for of in classes(predictions, chosen)] or None


def _line(of: OfClass, names: list[str], many: str) -> dict[str, Any]:
    def ends(name: str, share: Interval | None) -> dict[str, float | None]:
        value, low, high = (None, None, None) if share is None else (share.value, share.low, share.high)
        return {name: number(value), f"{name}_low": number(low), f"{name}_high": number(high)}

    return {
        "class": names[of.code],
        "n": of.n,
        "found": of.hits,
        "named": of.named,
        **ends("recall", of.recall),
        **ends("precision", of.precision),
        "taken_for": [{"class": names[k], "count": times} for k, times in of.taken_for],
        "few": of.few,
        "words": _words(of, names, many),
    }


def _words(of: OfClass, names: list[str], many: str) -> str:
    name = repr(names[of.code])
    if of.recall is None:
        return f"No example of {name} was held out, so nothing is known of it."
    value, low, high = (per_cent(v) for v in (of.recall.value, of.recall.low, of.recall.high))
    span = f"{value}%; of new ones {low} to {high}%"
    said = [f"Of {of.n:,} {many} of {name}, {_count(of.hits, of.n)} found ({span})"]
    others = [f"{names[k]!r} ({times:,})" for k, times in of.taken_for[:3]]
    left = len(of.taken_for) - 3
    more = f" and {left} other {'class' if left == 1 else 'classes'}" if left > 0 else ""
    said.append(f"; the others were taken for {words.listed(others)}{more}. " if others else ". ")
    if of.precision is None:
        said.append("The model never names this class.")
    else:
        said.append(f"Of {of.named:,} that the model calls so, {_count(of.hits, of.named, 'right')}.")
    if of.few:
        said.append(" These are few examples to tell by: with more of this class one would know it better.")
    return "".join(said)


def _count(hits: int, of: int, right: str = "") -> str:
    ending = f" {right}" if right else ""
    if hits == 0:
        return f"none is{ending}" if right else "none was"
    if hits == of:
        return f"all are{ending}" if right else "all were"
    verb = ("is" if hits == 1 else "are") if right else ("was" if hits == 1 else "were")
    return f"{hits:,} {verb}{ending}"


def rarest(summary: dict[str, Any]) -> list[dict[str, Any]]:
    """The lines of the small classes, the smallest first; none where all have about as many examples."""
    lines = [line for line in summary.get("classes") or [] if line.get("n") and line.get("words")]
    counts = [line["n"] for line in lines]
    if not unequal(counts):
        return []
    largest = max(counts)
    return sorted((line for line in lines if unequal([line["n"], largest])), key=lambda line: line["n"])


def rare_text(summary: dict[str, Any]) -> str | None:
    """The rarest class in a sentence, for the terminal."""
    lines = rarest(summary)
    return lines[0]["words"] if lines else None


def classes_view(content: Content) -> View | None:
    """The table of the classes, the hardest first, and a sentence for each small one."""
    given = content.summary.get("classes")
    if not given:
        return None

    def share(line: dict[str, Any], name: str, kind: str, title: str) -> View:
        value, low, high = (line.get(f"{name}{end}") for end in ("", "_low", "_high"))
        shown = words.MISSING if value is None else f"{per_cent(value)}%"
        span = "" if low is None or high is None else f"{per_cent(low)} to {per_cent(high)}%"
        bar = "" if value is None else figures.bar(value, kind=kind, title=title)
        return {"shown": shown, "span": span, "bar": bar}

    lines = [
        {
            "class": line.get("class"),
            "n": line.get("n"),
            "recall": share(line, "recall", "", f"found: {line.get('class')}"),
            "precision": share(line, "precision", "second", f"right when named: {line.get('class')}"),
        }
        for line in sorted(given, key=lambda line: (line.get("recall") is None, line.get("recall") or 0.0))
    ]
    small = [line["words"] for line in rarest(content.summary)]
    return {"lines": lines[:SHOWN], "more": lines[SHOWN:], "small": small[:SHOWN]}
