"""The answer in plain sentences: what to expect, against what, and how the person's own test set came out."""

from __future__ import annotations

from typing import Any

from handful.report.words import (
    Metric,
    article,
    baseline_row,
    chosen_of,
    decimals_for,
    guess_serves,
    label_of,
    noun,
    within,
)
from handful.scoring import is_whole


def expectation(summary: dict[str, Any], metric: Metric) -> str | None:
    """The score to expect on new data as one plain sentence; None where it is not known."""
    expected = summary.get("expected") or {}
    value, low, high = (expected.get(k) for k in ("value", "low", "high"))
    if value is None:
        return None
    many = noun(summary)
    between = ""
    if metric.name in ("accuracy", "balanced_accuracy", "roc_auc"):
        of, (v, *ends) = out_of(*(share for share in (value, low, high) if share is not None))
        if len(ends) == 2:
            between = f", between {ends[0]} and {ends[1]}"
        v = f"about {v}" if v[0].isdigit() else v
        if metric.name == "accuracy":
            return f"Out of {of:,} new {many}, expect {v} right{between}."
        if metric.name == "balanced_accuracy":
            return f"Out of {of:,} new {many}, as many of each class, expect {v} right{between}."
        return (
            f"Given one new {noun(summary, 1)} of each of two classes, expect it to tell which is which "
            f"{v} times out of {of:,}{between}."
        )
    if low is not None and high is not None:
        between = f", between {metric.show(low)} and {metric.show(high)}"
    shown = metric.show(value)
    if metric.name == "rmse":
        return (
            f"On new {many}, expect errors of about {shown}{between}, in the units of the target, where "
            "large errors weigh more."
        )
    if metric.name == "cost":
        return f"On new {many}, expect the mistakes to cost about {shown} a {noun(summary, 1)}{between}."
    if metric.name == "mae":
        return f"On new {many}, expect to be off by about {shown} on average{between}."
    if metric.name == "r2":
        same = "it answers the same for all of them" if guess_serves(summary) else None
        return f"On new {many}, expect it to explain {_explained(value, low, high, same)}"
    meant = f" That is {within(metric.words).rstrip('.')}." if metric.words else ""
    return f"On new {many}, expect {article(metric.label)} of about {shown}{between}.{meant}"


def _explained(value: float, low: float | None, high: float | None, same: str | None) -> str:
    """How much of the differences R² says are explained: below 0 none, and the mean alone does better.

    `same` is said instead of a model that gives one answer.
    """
    share = Metric("r2", "R²", percent=True)
    differences = "of the differences in the target"
    if value <= 0:
        mean = f"always answering with the mean does {'better' if value < 0 else 'as well'}"
        best = f" At the most it explains {share.show(high, 0)} of them." if high and high > 0 else ""
        return f"none {differences}: {same}." if same else f"none {differences}: {mean}.{best}"
    about = f"about {share.show(value, 0)} {differences}"
    if low is None or high is None:
        return f"{about}."
    if low < 0:
        worse = "it may also do worse than always answering with the mean"
        return f"{about}, {share.show(high, 0)} at the most; {worse}."
    return f"{about}, between {share.show(low, 0)} and {share.show(high, 0)}."


def typical_error(summary: dict[str, Any]) -> str | None:
    """How far off a predicted value usually is, in the target's own unit; None for classes."""
    half_off = (summary.get("conformal") or {}).get("half_off")
    if half_off is None:
        return None
    shown = Metric("", "", decimals=decimals_for([half_off])).show(half_off)
    return f"Half of its predictions for {noun(summary)} that it had not seen were off by less than {shown}."


def comparison(summary: dict[str, Any], metric: Metric) -> str | None:
    """What a guess would reach, and whether the interval stays clear of it."""
    row, expected = baseline_row(summary, metric), summary.get("expected") or {}
    if row is None or expected.get("value") is None:
        return None
    if guess_serves(summary):
        one = noun(summary, 1)
        return f"This is a guess that does not look at the {one}: no candidate was shown to do better."
    shown = metric.show(row["score"], 0) if metric.percent else metric.show(row["score"])
    worst = expected.get("low" if metric.higher_is_better else "high")
    guess = within(str(row.get("label") or row["name"]))
    if metric.name == "r2" and row["score"] <= 0:
        reaches = f"explains nothing (R² {shown})"
    elif metric.name == "cost":
        reaches = f"costs {shown}"
    else:
        reaches = f"reaches {shown if metric.percent else f'{article(metric.label)} of {shown}'}"
    sentence = f"A guess that does not look at the {noun(summary, 1)} ({guess}) {reaches}."
    if worst is not None and not metric.better(worst, row["score"]):
        way = "down" if metric.higher_is_better else "up"
        sentence += f" The interval reaches {way} to that guess"
        learned = (summary.get("verdict") or {}).get("deep_learning") not in (None, "nothing to learn")
        sentence += "." if learned else ": with this data nothing reliable was learned yet."
    return sentence


def ties(summary: dict[str, Any]) -> list[str]:
    """The candidates, in plain words, that cannot be told apart from the chosen one; it is not among them."""
    names = [name for name in summary.get("tie_group") or [] if name != chosen_of(summary)]
    return [label_of(summary, name) for name in names]


def verdict(summary: dict[str, Any]) -> tuple[str, str] | None:
    """Whether deep learning is right for the data: the answer, and the reason."""
    found = summary.get("verdict") or {}
    if not found.get("text"):
        return None
    short, beside = found.get("short") or "", " ".join(found.get("beside") or [])
    return short, found["text"].removeprefix(short).removesuffix(beside).strip()


MOST_SEEN = 0.1  # of a test set; beyond, its score tells of what was learned by heart


def own_test(summary: dict[str, Any], metric: Metric) -> str | None:
    """How the person's own held-out set came out, or why it has no score, and what of it was not read."""
    result = _own_score(summary, metric)
    return result and " ".join([result, *(summary["test"].get("noticed") or ())])


def _own_score(summary: dict[str, Any], metric: Metric) -> str | None:
    test = summary.get("test") or {}
    n = test.get("n")
    size = f" of {n:,} {noun(summary, n)}" if n is not None else ""
    if test.get("value") is None:
        reason = test.get("reason")
        return f"Your own test set{size} was not scored: {reason.removesuffix('.')}." if reason else None
    shown = metric.show(test["value"])
    result = f"it scored {shown}" if metric.percent else f"it reached {article(metric.label)} of {shown}"
    if metric.name == "cost":
        result = f"it cost {shown} a {noun(summary, 1)}"
    if metric.name == "r2" and test["value"] < 0:
        result += " (always answering with their mean does better)"
    sentence = f"On your own test set{size} {result}"
    seen = test.get("seen_in_training") or 0
    also = f"{seen:,} of them {'is' if seen == 1 else 'are'} also among those learned from."
    if seen > MOST_SEEN * (n or 0):
        return f"{sentence}, which says little of new {noun(summary)}: {also}"
    inside = test.get("inside")
    if inside is None:
        sentence += "."
    elif inside:
        sentence += ", inside the interval that was promised."
    elif _may_be_chance(test, summary.get("expected") or {}):
        sentence += (
            f", outside the interval that was promised, but no further than {n:,} can be off by chance."
        )
    else:
        sentence += ", outside the interval that was promised: is the test set of the same kind?"
    return f"{sentence} {also}" if seen else sentence


def _may_be_chance(test: dict[str, Any], promised: dict[str, Any]) -> bool:
    """Whether the model may be worth the same by the test set and by what was promised."""
    low, high = test.get("low"), test.get("high")
    if low is None or high is None or promised.get("low") is None:
        return False
    return bool(low <= promised["high"] and promised["low"] <= high)


def out_of(value: float, *ends: float) -> tuple[int, list[str]]:
    """Shares as counts out of 100, or of more where 100 would round the first one to all or nothing.

    >>> out_of(0.873, 0.834, 0.912)
    (100, ['87', '83', '91'])
    >>> out_of(0.996, 0.981, 0.9998)
    (1000, ['996', '981', 'more than 999'])
    """
    enough = (of for of in (100, 1000, 10_000) if is_whole(value) or round(of * value) not in (0, of))
    of = next(enough, 10_000)
    return of, [_counted(share, of) for share in (value, *ends)]


def _counted(share: float, of: int) -> str:
    count = round(of * share)
    if count == of and not is_whole(share):
        return f"more than {of - 1:,}"
    return "fewer than 1" if count == 0 and not is_whole(share) else f"{count:,}"
