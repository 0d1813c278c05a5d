"""What the budget allowed: who was stopped early and why, what was not asked, and how the time went."""

from __future__ import annotations

from typing import Any

from handful.protocol.run import Run
from handful.report import words
from handful.report.content import Content, View, label

WHY = {"behind": "could not reach the leader any more", "time": "no time left"}
# What is not asked where there is no time, by the purpose of its cells.
QUESTIONS = {
    "shortcut": "the shortcut controls",
    "permuted": "the control with shuffled labels",
    "ungrouped": "random splits beside the grouped ones",
    "curve": "some points of the learning curve",
}
EARLY = 0.9  # of the time that was given


def budget_part(run: Run) -> dict[str, Any]:
    """`budget` of report.json; what depends on the clock stands under `seconds`, None without a limit."""
    settings = run.settings
    planned = 1 + max(s.repeat for s in run.planned_splits)
    repeats = 1 + max(s.repeat for s in run.splits)
    stops = {name: stop for name, stop in run.stopped.items() if stop.splits < len(run.splits)}
    return {
        "asked": settings.budget,
        "rest": settings.rest,
        "effort": settings.effort,
        "repeats": repeats,
        "repeats_planned": planned,
        "settled": run.settled,
        "splits": len(run.splits),
        "stopped_behind": [name for name, stop in stops.items() if stop.why == "behind"],
        "stopped_for_time": [name for name, stop in stops.items() if stop.why == "time"],
        "left_out": run.left_out,
        "seconds": None if settings.limit is None else {"limit": settings.limit, "used": run.used},
    }


def budget_words(summary: dict[str, Any]) -> str | None:
    """How the time went, in one or two sentences; None where nothing was limited or left out."""
    about = summary.get("budget") or {}
    parts = []
    clock = about.get("seconds")
    cut = _cut_short(about)
    if clock:
        took = words.duration(clock["used"])
        if about.get("rest"):
            parts.append(
                f"It was stopped, and told to end {words.duration(clock['limit'])} after it went on."
            )
        if clock["used"] > clock["limit"]:
            parts.append(f"It took {took}, {words.duration(clock['used'] - clock['limit'])} more than given.")
        else:
            parts.append(f"It took {took} of the {words.duration(clock['limit'])} given.")
        if not cut:
            early = clock["used"] < EARLY * clock["limit"]
            parts.append(
                "It ended early because nothing was left to try." if early else "Everything was tried."
            )
    if cut:
        parts.append(f"For want of time {words.listed(cut)}.")
    if _settled(about) and (drawn := _drawn(about)):
        parts.append(f"{drawn[0].upper()}{drawn[1:]}: more would have changed next to nothing.")
    behind = len(about.get("stopped_behind") or [])
    if behind:
        verb = "was" if behind == 1 else "were"
        parts.append(
            f"{words.plural(behind, 'candidate')} {verb} stopped early: the leader was out of reach."
        )
    return " ".join(parts) or None


def _cut_short(about: dict[str, Any]) -> list[str]:
    """What there was no time for, as ends of a sentence."""
    found = []
    if not _settled(about) and (drawn := _drawn(about)):
        found.append(drawn)
    out = len(about.get("stopped_for_time") or [])
    if out:
        found.append(f"{words.plural(out, 'candidate')} {'was' if out == 1 else 'were'} left out")
    kinds = dict.fromkeys("curve" if p.startswith("curve") else p for p in about.get("left_out") or [])
    asked = [QUESTIONS.get(kind, kind) for kind in kinds]
    if asked:
        found.append(f"no fits were made for {words.listed(asked)}")
    return found


def _settled(about: dict[str, Any]) -> bool:
    """Whether no more repeats were needed: the only reason to make fewer where there was no limit."""
    return bool(about.get("settled")) or not about.get("seconds")


def _drawn(about: dict[str, Any]) -> str | None:
    """That the folds were drawn less often than planned; None where they were not."""
    repeats, planned = about.get("repeats"), about.get("repeats_planned")
    if not repeats or not planned or repeats >= planned:
        return None
    times = {1: "once", 2: "twice"}.get(repeats, f"{repeats} times")
    return f"the folds were drawn {times}, not {planned} times"


def stopped_view(content: Content) -> list[View]:
    """The candidates that were stopped early, each with the reason and what is known of it."""
    splits = (content.summary.get("budget") or {}).get("splits")
    lines = []
    for row in content.summary.get("leaderboard") or []:
        why = row.get("stopped")
        if not why:
            continue
        done = row.get("splits_done") or 0
        of = f"{done} of {splits}" if splits else str(done)
        lines.append(
            {
                "label": label(row),
                "why": WHY.get(why, why),
                "score": content.metric.show(row.get("score_so_far")),
                "splits": f"on {of} splits" if done else "not examined",
            }
        )
    return lines
