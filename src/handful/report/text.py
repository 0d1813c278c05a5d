"""The answer for the terminal: the same words as at the head of the page, in a few lines."""

from __future__ import annotations

from typing import Any

from handful.report import headline, words
from handful.report.budget import budget_words
from handful.report.classes import rare_text

SHORT = 40  # characters of a name that a line has room for


def answer_text(summary: dict[str, Any]) -> str:
    """What to use, what to expect, and what to look at, in five to ten lines of plain text."""
    summary = words.clean(summary)
    metric = words.metric_of(summary)
    dataset = summary.get("dataset") or {}
    lines = [_line("Data", ": ".join(x for x in (dataset.get("name"), words.what_the_data_is(summary)) if x))]
    chosen, expectation = words.chosen_of(summary), headline.expectation(summary, metric)
    if chosen is None:
        lines.append("No model can be recommended: no candidate could be trained and examined.")
    else:
        lines.append(_line("Use", words.label_of(summary, chosen)))
    if expectation is not None:
        lines.append(_line("Expect", expectation))
        expected = summary["expected"]
        level = f", {100 * expected['level']:.0f}% interval" if expected.get("level") else ""
        span = metric.span(expected.get("low"), expected.get("high"))
        lines.append(_line("", f"({metric.label} {metric.show(expected['value'])}, {span}{level})"))
    else:
        reasons = summary.get("reasons") or {}
        lines.append(_line("Expect", reasons.get("expected") or "the score on new data is not known"))
    lines.append(_line("Compare", headline.comparison(summary, metric)))
    ties = headline.ties(summary)
    if ties:
        lines.append(_line("As good", f"with this much data {_named(ties)} cannot be told apart from it"))
        least = (summary.get("tie") or {}).get("cheapest")
        if least not in (None, words.chosen_of(summary)) and not words.nothing_learned(summary):
            label = words.shorten(words.label_of(summary, least), 90)
            lines.append(_line("", f"the cheapest of them to use: {label}"))
    lines.append(_line("Rare", rare_text(summary)))
    lines.append(_line("Network", (summary.get("verdict") or {}).get("short")))
    lines.append(_line("Test set", headline.own_test(summary, metric)))
    lines.append(_line("Look at", _findings(summary)))
    lines.append(_line("Failed", _failures(summary)))
    lines.append(_line("Budget", budget_words(summary)))
    return "\n".join(line for line in lines if line)


def _line(head: str, words_: str | None) -> str:
    """A head in its own column; nothing where there is nothing to say."""
    return f"{head:<9} {' '.join(words_.split())}" if words_ else ""


def _named(ties: list[str]) -> str:
    """Two of them by name and the number of the rest, or the number alone where names are long."""
    if any(len(label) > SHORT for label in ties[:2]):
        return words.plural(len(ties), "other candidate")
    return words.listed(ties[:2] + ([f"{len(ties) - 2} more"] if len(ties) > 2 else []))


def _findings(summary: dict[str, Any]) -> str | None:
    audit = summary.get("audit") or []
    alarms = words.alarms(summary)
    if alarms:
        return words.shorten(f"{words.plural(len(alarms), 'alarm')}: {alarms[0]}", 200)
    warnings = [f for f in audit if f.get("severity") == "warning"]
    if warnings:
        return words.shorten(
            f"{words.plural(len(warnings), 'warning')} of the audit: {warnings[0].get('message')}", 200
        )
    return None


def _failures(summary: dict[str, Any]) -> str | None:
    board = summary.get("leaderboard") or []
    failed = [row for row in board if row.get("failed")]
    if not failed:
        return None
    cause = ((summary.get("failures") or [{}])[0]).get("cause") or failed[0]["failed"]
    return words.shorten(f"{len(failed)} of {words.plural(len(board), 'candidate')}: {cause}", 200)
