"""The verdict as a part of report.json: is deep learning right for this data, in plain words and numbers."""

from __future__ import annotations

from collections import Counter
from typing import Any

from handful.evidence.comparison import LEVEL, above_guess
from handful.evidence.leaderboard import number
from handful.evidence.predictions import Predictions
from handful.evidence.verdict import Trend, Verdict
from handful.report import words

QUESTION = "Is deep learning right for this data?"
SHORT = {
    "better": "Yes.",
    "worse": "No.",
    "as good": "No.",
    "too close": "Cannot tell yet.",
    "no candidate": "Cannot tell: no candidate could be examined.",
}
# What a verdict may lack: of one, and of several.
KINDS = {
    "no network": ("network", "networks"),
    "no traditional model": ("traditional model", "traditional models"),
    "no candidate": ("candidate", "candidates"),
}
FATES = {
    "failed": ("failed", "failed"),
    "behind": ("was stopped because it was behind", "were stopped because they were behind"),
    "time": ("was left out for want of time", "were left out for want of time"),
}
NOTHING = "There is nothing to learn here yet."


def verdict_part(
    verdict: Verdict, predictions: Predictions, metric: words.Metric, many: str
) -> dict[str, Any]:
    """`verdict` of report.json. Differences are gains: above 0 the network is better, for every metric."""
    lead, trend, signal = verdict.lead, verdict.trend, verdict.signal
    said = [s for s in _sentences(verdict, predictions, metric, many) if s]
    beside = _beside(verdict, metric, many)
    low, high = (None, None) if lead is None else lead.interval()
    seconds = {"deep": verdict.deep, "traditional": verdict.traditional}
    return {
        "deep_learning": verdict.answer,
        "why": verdict.why,
        "short": short(verdict),
        "text": " ".join([*said, *beside]),
        "beside": beside,
        "difference": None if lead is None else number(lead.value),
        "low": number(low),
        "high": number(high),
        "level": LEVEL,
        "margin": number(verdict.margin),
        "deep": None if verdict.deep is None else verdict.deep.name,
        "traditional": None if verdict.traditional is None else verdict.traditional.name,
        "examples_to_tell": None
        if lead is None or verdict.why != "too close"
        else lead.examples_to_tell(verdict.margin),
        "seconds": {kind: None if row is None else round(row.seconds, 3) for kind, row in seconds.items()},
        "trend": None
        if trend is None
        else {"half": number(trend.half), "full": number(trend.full), "favours": trend.direction},
        "learned": {
            "found": signal.found,
            "gain": number(signal.gain),
            "lead": number(signal.lead),
            "luck": number(signal.reach),
        },
    }


def short(verdict: Verdict) -> str:
    """The answer in one line."""
    if verdict.why == "luck":
        return NOTHING
    return f"{QUESTION} {SHORT.get(verdict.why) or f'Cannot tell: {_fate(verdict)}.'}"


def _fate(verdict: Verdict) -> str:
    """What became of all that were to be tried: `both networks failed`."""
    one, many = KINDS[verdict.why]
    fates = Counter("failed" if row.failed else row.stopped or "failed" for row in verdict.missing)
    n = fates.total()
    if n == 0:
        return f"no {one} was tried"
    each = [(count, FATES[fate][count > 1]) for fate, count in fates.items()]
    if len(each) > 1:
        return f"of {n} {many} {words.listed([f'{count} {became}' for count, became in each])}"
    who = {1: f"the only {one}", 2: f"both {many}"}.get(n, f"all {n} {many}")
    return f"{who} {each[0][1]}"


def _sentences(verdict: Verdict, predictions: Predictions, metric: words.Metric, many: str) -> list[str]:
    first, gain = short(verdict), verdict.signal.gain
    if verdict.why == "no candidate":
        return [first, f"{words.capital(_fate(verdict))}.", _reason(predictions.causes)]
    if verdict.why == "luck":
        tried = sum(r.members is None and r.family != "baseline" for r in predictions.sound)
        beaten = any(row.members is None for row in above_guess(predictions))
        return [first, *_luck(gain, metric, many, tried, beaten)]
    if verdict.lead is None:
        own = any(r.family == "yours" for r in predictions.sound)
        return [
            first,
            f"What was tried does learn: it beats a guess by {metric.size(gain)}."
            if verdict.deep is None or verdict.missing
            else "To compare, run it again with the family 'classic' among the families.",
            "Your own candidates count neither as networks nor as traditional models." if own else "",
        ]
    return [first, *_lead(verdict, metric, many)]


def _reason(causes: list[dict[str, Any]]) -> str:
    if not causes:
        return ""
    what = "The reason" if len(causes) == 1 else f"The most frequent of {len(causes)} reasons"
    return f"{what}: {causes[0]['cause'].removesuffix('.')}."


def _beside(verdict: Verdict, metric: words.Metric, many: str) -> list[str]:
    """Whether more data would change it; not where nothing was learned."""
    if verdict.lead is None or verdict.why == "luck" or verdict.trend is None:
        return []
    return [_trend(verdict.trend, metric, many)]


def _luck(gain: float, metric: words.Metric, many: str, tried: int, beaten: bool) -> list[str]:
    candidates = words.plural(tried, "candidate")
    if tried == 1:
        seen = (
            f"The one candidate beats a guess by {metric.size(gain)}, but luck alone gets that far: it does "
            "with shuffled answers too."
            if gain > 0
            else f"The one candidate does not beat a guess that does not look at the {many}."
        )
        return [
            seen,
            f"More {many}, other facts about them, cleaner answers or another model may change that.",
        ]
    if gain > 0:
        seen = (
            f"The chosen model beats a guess by {metric.size(gain)}, but the best of {candidates} gets "
            "that far by luck alone: it does with shuffled answers too."
        )
    elif beaten:
        seen = (
            f"The chosen model is no better than a guess that does not look at the {many}. Where one of "
            f"{candidates} is, that may be luck."
        )
    else:
        seen = f"None of {candidates} beats a guess that does not look at the {many}."
    better = f"More {many}, other facts about them or cleaner answers may change that"
    return [seen, f"{better}; trying still more models is unlikely to."]


def _lead(verdict: Verdict, metric: words.Metric, many: str) -> list[str]:
    assert verdict.deep and verdict.traditional and verdict.lead
    network = f"the best network ({words.within(verdict.deep.label)})"
    traditional = f"the best traditional model ({words.within(verdict.traditional.label)})"
    value, (low, high) = verdict.lead.value, verdict.lead.interval()
    size = metric.size(abs(value))
    odds = words.odds(LEVEL)
    if verdict.why == "better":
        return [
            f"{words.capital(network)} beats {traditional} by {size}; {_between(metric, low, high, odds)}."
        ]
    if verdict.why == "worse":
        return [
            f"{words.capital(traditional)} beats {network} by {size}; {_between(metric, -high, -low, odds)}."
        ]
    if verdict.why == "as good":
        cheaper = verdict.traditional.cost < verdict.deep.cost
        return [
            f"{words.capital(network)} brings nothing that matters over {traditional}: it is "
            f"{_place(metric, value)}, and in {odds} such cases {_place(metric, high)} at the most.",
            "The traditional model is the cheaper one to use." if cheaper else "",
        ]
    wanted = max(abs(value), verdict.margin)
    examples = words.about(verdict.lead.examples_to_tell(verdict.margin), many, verdict.lead.n)
    place = _place(metric, value, metric.label)
    joint = {"ahead": " of", "behind": "", "level": " with"}[place.split()[-1]]
    return [
        f"{words.capital(network)} is {place}{joint} {traditional}, but with {verdict.lead.n:,} {many} the "
        f"truth may be anywhere from {_place(metric, low)} to {_place(metric, high)}.",
        f"To be sure of a difference of {_bare(metric, wanted)} would take {examples}; until then either of "
        "the two is a fair choice.",
    ]


def _between(metric: words.Metric, low: float, high: float, odds: str | None) -> str:
    first = _bare(metric, low).removesuffix(" points")
    return f"in {odds} such cases the true lead is between {first} and {_bare(metric, high)}"


def cost(summary: dict[str, Any]) -> list[str]:
    """What the two took, for the page alone: report.json has times only under `seconds`."""
    found = summary.get("verdict") or {}
    spent = {kind: value for kind, value in (found.get("seconds") or {}).items() if value is not None}
    if found.get("difference") is None or found.get("why") == "luck" or len(spent) < 2:
        return []
    transfer = (words.row_of(summary, found.get("deep")) or {}).get("family") == "transfer"
    passed = " beside the one pass through the pretrained network" if transfer else ""
    return [
        f"Learning and predicting in this comparison took {words.duration(spent['deep'])} with the network"
        f"{passed}, {words.duration(spent['traditional'])} with the traditional model."
    ]


def _trend(trend: Trend, metric: words.Metric, many: str) -> str:
    moved = trend.full - trend.half
    seen = f"From learning with half of the {many} to learning with all of them, the comparison"
    unsure = f"nothing says yet that more {many} would change the answer."
    if _place(metric, moved) == "level":
        return f"{seen} stayed where it was: {unsure}"
    side = "the network" if moved > 0 else "the traditional model"
    seen = f"{seen} moved {_bare(metric, abs(moved))} towards {side}"
    if trend.direction == "none":
        return f"{seen}. Chance can do as much: {unsure}"
    return f"{seen}: more {many} speak for it."


def _bare(metric: words.Metric, gain: float) -> str:
    return metric.difference(gain)


def _place(metric: words.Metric, gain: float, label: str = "") -> str:
    """`2.3 points ahead`, `0.023 behind`, `level`."""
    shown = metric.difference(abs(gain))
    if shown == metric.difference(0.0):
        return "level"
    unit = f" of {label}" if metric.percent else f" ({label})"
    return f"{shown}{unit if label else ''} {'ahead' if gain > 0 else 'behind'}"
