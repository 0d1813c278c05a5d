"""The sections of the page, in order. Each takes the report's content to what its part of the page shows.

A section returns None where there is nothing to show; it is then left out. To add one: a function here or in
a file of its own, a line in `SECTIONS`, and a macro named like its id in the section's template.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from handful.report import figures, headline, words
from handful.report.budget import budget_words, stopped_view
from handful.report.content import SHOWN, Content, View, card, label
from handful.report.controls import controls
from handful.report.glossary import glossary
from handful.report.labels import labels_view
from handful.report.learned import learned
from handful.report.ledger import ledger
from handful.report.look import look
from handful.report.luck import luck
from handful.report.more_data import more_data
from handful.report.sure import sure
from handful.report.training import training
from handful.report.verdict import cost

GAPS = 8  # lines shown unfolded in the table of training against held-out scores
PICTURES_OF_A_FINDING = 12
SEVERITIES = ("alarm", "warning", "note")
# What a part of report.json that may be absent is called on the page, where its key is no plain word.
MEASURES = {
    "test": "your own test set",
    "classes": "class by class",
    "autoencoder": "features learned without labels",
    "generated": "made-up examples",
    "capacity": "networks of several widths",
    "calibration": "whether probabilities are honest",
    "mergeable": "classes that could become one",
    "leak_premium": "what random splits would have told",
    "tie": "as good as the best",
    "tie_group": "as good as the best",
    "ledger": "what each technique is worth",
    "luck": "what one lucky split would have said",
}


def _unseen(row: View) -> bool:
    """Whether there was no time to try it at all."""
    return row.get("stopped") == "time" and not row.get("splits_done")


def answer(content: Content) -> View:
    """What to use and what to expect, in one sentence and one picture."""
    summary, metric = content.summary, content.metric
    expected = summary.get("expected") or {}
    value, low, high = (expected.get(k) for k in ("value", "low", "high"))
    tried = [r for r in summary.get("leaderboard") or [] if r.get("members") is None and not _unseen(r)]
    view: View = {
        "label": words.label_of(summary, content.chosen) if content.chosen else None,
        "expectation": headline.expectation(summary, metric),
        "comparison": headline.comparison(summary, metric),
        "typical": headline.typical_error(summary),
        "how": expected.get("how"),
        "level": words.odds(expected.get("level")),
        "why_not": content.reason("expected") or content.reason("winner"),
        "tried": len(tried),
        "guesses": words.guess_serves(summary),
        "failed": sum(bool(r.get("failed")) for r in summary.get("leaderboard") or []),
        "ties": headline.ties(summary),
        "test": headline.own_test(summary, metric),
        "verdict": headline.verdict(summary),
        "alarms": words.alarms(summary),
        "beside": [*cost(summary), *((summary.get("verdict") or {}).get("beside") or [])],
        "metric": metric,
        "members": _members(content, words.row_of(summary, content.chosen) or {}),
        "preferred": None,
        "line": None,
        "hundred": None,
    }
    best, mine = (words.row_of(summary, name) or {} for name in (summary.get("winner"), content.chosen))
    if None not in (best.get("score"), mine.get("score")) and metric.better(best["score"], mine["score"]):
        view["preferred"] = label(best)
    if value is not None:
        baseline = words.baseline_row(summary, metric)
        reference = content.reference
        known = [value, low, high, reference]
        domain = (0.0, 1.0) if metric.percent else figures.span_of(known, inside=content.possible, pad=0.15)
        view["line"] = figures.number_line(
            value,
            low,
            high,
            domain,
            (lambda v: metric.show(v, 0)) if metric.percent else metric.show,
            content.tick(domain),
            baseline=reference,
            baseline_label=words.shorten(
                f"{label(baseline)}: {metric.show(reference, 0 if metric.percent else None)}", 44
            )
            if baseline
            else "",
            title=f"Expected {metric.label}",
        )
        if metric.name in ("accuracy", "balanced_accuracy"):
            view["hundred"] = figures.hundred(low, value, high, words.noun(summary))
    return view


def leaderboard(content: Content) -> View | None:
    """All candidates with their intervals: by family as a picture, one by one as a table."""
    rows, metric = content.rows, content.metric
    if not rows:
        return None
    reference = content.reference
    domain = _domain(content, rows)
    show = content.tick(domain)
    tie_group, reason = set(content.summary.get("tie_group") or []), content.reason("tie_group")
    lines = []
    for place, row in enumerate(rows, start=1):
        mine = row["name"] == content.chosen
        lines.append(
            {
                "place": place,
                "label": label(row),
                "family": words.family_label(row.get("family")),
                "chosen": mine,
                "tied": row["name"] in tie_group and not mine,
                "score": metric.show(row["score"]),
                "span": metric.span(row.get("low"), row.get("high")),
                "train": metric.show(row.get("train_score")),
                "seconds": words.duration(row.get("seconds")),
                "members": _members(content, row),
                "track": figures.interval_track(
                    row["score"],
                    row.get("low"),
                    row.get("high"),
                    domain,
                    kind="chosen" if mine else "tied" if row["name"] in tie_group else "",
                    reference=reference,
                    title=f"{label(row)}: {metric.show(row['score'])}",
                ),
            }
        )
    strips = []
    for family in dict.fromkeys(row.get("family") for row in rows):
        members = [row for row in rows if row.get("family") == family]
        strips.append(
            figures.Strip(
                words.shorten(words.family_label(family), 34),
                [(label(row), row["score"]) for row in members],
                members[0]["score"],
                members[0].get("low"),
                members[0].get("high"),
                any(row["name"] == content.chosen for row in members),
            )
        )
    every = _domain(content, rows, whole=True)
    return {
        "metric": metric,
        "strips": figures.family_strips(strips, every, metric.show, content.tick(every), reference)
        if len(strips) > 1
        else None,
        "axis": figures.axis(domain, show, f"Scale of the {metric.label}"),
        **_folded(lines, SHOWN),
        "ties": headline.ties(content.summary),
        "stopped": stopped_view(content),
        "tie_words": (content.summary.get("tie") or {}).get("words"),
        "apart": _apart(content),
        "fair": not words.nothing_learned(content.summary),
        "tie_reason": f"{words.capital(reason).removesuffix('.')}." if reason else None,
        "has_reference": reference is not None,
        "better": "higher is better" if metric.higher_is_better else "lower is better",
    }


def _apart(content: Content) -> list[tuple[str, str]]:
    """Each of those that cannot be told apart from the best, and how many examples it would take."""
    found = (content.summary.get("tie") or {}).get("examples_to_tell") or []
    return [(words.label_of(content.summary, line["name"]), line["words"]) for line in found]


def overfitting(content: Content) -> View | None:
    """Training against held-out score for each candidate, and what to try against learning by heart."""
    metric = content.metric
    known = [
        row
        for row in content.summary.get("overfitting") or []
        if row.get("train_score") is not None and row.get("score") is not None
    ]
    if not known:
        return None
    order = {row["name"]: place for place, row in enumerate(content.rows)}
    known.sort(key=lambda row: order.get(row["name"], len(order)))
    domain = _domain(content, known, keys=("score", "train_score"))
    lines = []
    for row in known:
        name = words.label_of(content.summary, row["name"])
        lines.append(
            {
                "label": name,
                "chosen": row["name"] == content.chosen,
                "train": metric.show(row["train_score"]),
                "score": metric.show(row["score"]),
                "gap": metric.difference(row.get("gap")),
                "gap_span": _gap_span(metric, row),
                "diagnosis": row.get("diagnosis"),
                "words": row.get("words"),
                "try": row.get("try") or [],
                "parameters": _parameters(content, row),
                "track": figures.dumbbell(
                    row["train_score"],
                    row["score"],
                    domain,
                    kind="chosen" if row["name"] == content.chosen else "",
                    title=f"{name}: training {metric.show(row['train_score'])}, "
                    f"held out {metric.show(row['score'])}",
                ),
            }
        )
    return {
        "axis": figures.axis(domain, content.tick(domain), f"Scale of the {metric.label}"),
        **_folded(lines, GAPS),
        "lead": next((line for line in lines if line["chosen"]), None),
        "n": _learned_from(known),
        "many": words.noun(content.summary),
        "has_parameters": any(line["parameters"] for line in lines),
        "tally": _tally(lines),
        "training": training(content),
        "metric": metric,
    }


def _learned_from(rows: list[View]) -> int | None:
    """How many examples a training part has, by the numbers that go with each of them."""
    known = [(row.get("trainable_parameters"), row.get("parameters_per_example")) for row in rows]
    return next((round(count / share) for count, share in known if count and share), None)


def _gap_span(metric: words.Metric, row: View) -> str | None:
    """The gap's interval, in the units of the gap: `5.1 to 8.0`."""
    ends = [row.get("gap_low"), row.get("gap_high")]
    if None in ends:
        return None
    return " to ".join(metric.difference(end).removesuffix(" points") for end in ends)


def _parameters(content: Content, row: View) -> str | None:
    """`3,428 trained numbers, 11 a row`."""
    count, share = row.get("trainable_parameters"), row.get("parameters_per_example")
    if count is None:
        return None
    each = "" if share is None else f"{share:,.{0 if share >= 10 else 1}f}"
    per = f", {'under 0.1' if each == '0.0' else each} a {words.noun(content.summary, 1)}" if each else ""
    return f"{words.plural(count, 'trained number')}{per}"


# Of one candidate, and of several.
TALLIED = {
    "sound": ("is sound", "are sound"),
    "overfits a little": ("overfits a little", "overfit a little"),
    "overfits": ("overfits", "overfit"),
    "memorises": ("memorises", "memorise"),
    "underfits": ("underfits", "underfit"),
    "cannot tell": ("cannot be judged", "cannot be judged"),
}


def _tally(lines: list[View]) -> str | None:
    """How many candidates there are of each diagnosis: `9 overfit a little and 3 are sound`."""
    counts = Counter(line["diagnosis"] for line in lines if line["diagnosis"] in TALLIED)
    said = [f"{count} {TALLIED[name][count > 1]}" for name, count in counts.most_common()]
    return words.listed(said) if len(lines) > 1 and said else None


def trust(content: Content) -> View | None:
    """What the audit found, with the pictures that it is about, and how many examples each class has."""
    audit = content.summary.get("audit")
    pictures = content.extras.get("pictures") or {}
    findings = []
    for finding in sorted(audit or [], key=lambda f: _severity(f.get("severity"))):
        items = [str(item) for item in finding.get("items") or []]
        cards: list[View] = []
        for item in items:
            if item in pictures and len(cards) < PICTURES_OF_A_FINDING:
                cards.append(card(item, pictures[item], 96))
        plain = items if not cards else items[len(cards) :]
        severity = finding.get("severity")
        findings.append(
            {
                "kind": str(finding.get("kind") or "").replace("_", " "),
                "severity": severity if severity in SEVERITIES else "note",
                "message": finding.get("message"),
                "cards": cards,
                "names": plain[:SHOWN],
                "more": plain[SHOWN:200],
                "uncounted": max(0, len(plain) - 200),
            }
        )
    counts = content.dataset.get("class_counts") or {}
    most = max(counts.values(), default=0)
    bars = [
        {"name": name, "n": n, "bar": figures.bar(n / most, title=f"{name}: {n}") if most else ""}
        for name, n in sorted(counts.items(), key=lambda pair: -pair[1])
    ]
    controlled = controls(content)
    known = audit is not None or bars or controlled is not None
    if not known and not content.reason("audit") and not content.summary.get("labels"):
        return None
    return {
        "checked": audit is not None,
        "reason": content.reason("audit"),
        "findings": findings,
        "labels": labels_view(content),
        "each": most if len(bars) > 1 and min(counts.values()) == most else None,
        "bars": bars[:SHOWN],
        "more_bars": bars[SHOWN:],
        "many": words.noun(content.summary),
        "groups": content.dataset.get("groups"),
        "whole": (content.summary.get("protocol") or {}).get("grouped"),
        "n": content.dataset.get("n"),
        "controls": controlled,
    }


def method(content: Content) -> View:
    """How it was done, so that somebody else can do it again: protocol, versions, command, what failed."""
    summary = content.summary
    protocol = summary.get("protocol") or {}
    own = protocol.get("own_splits")
    facts = [
        ("Data", words.what_the_data_is(summary)),
        *(
            [("Splits of your own", own)]
            if own
            else [("Folds", protocol.get("folds")), ("Repeats", protocol.get("repeats"))]
        ),
        (
            "Kept together in groups",
            None if protocol.get("grouped") is None else ("yes" if protocol["grouped"] else "no"),
        ),
        ("Budget", (summary.get("budget") or {}).get("asked")),
        ("Metric", content.metric.label),
        ("Random seed", protocol.get("seed")),
        (
            "Time to fit the candidates",
            words.duration(summary["seconds"]) if summary.get("seconds") is not None else None,
        ),
        ("Fingerprint of the data", content.dataset.get("digest")),
    ]
    failures = [
        {
            "cause": failure.get("cause"),
            "count": len(failure.get("candidates") or []),  # its own `count` is of fits
            "labels": [words.label_of(summary, name) for name in failure.get("candidates") or []],
        }
        for failure in summary.get("failures") or []
    ]
    versions = summary.get("versions") or {}
    if summary.get("handful"):
        versions = {"handful": summary["handful"], **versions}
    return {
        "description": protocol.get("description"),
        "budget": budget_words(summary),
        "facts": [(name, value) for name, value in facts if value not in (None, "")],
        "failures": failures,
        "versions": versions,
        "command": summary.get("command"),
        "notes": summary.get("notes") or [],
        "absent": [
            (MEASURES.get(name, name.replace("_", " ")), why)
            for name, why in (summary.get("reasons") or {}).items()
            if why and name != "expected"
        ],
    }


@dataclass(frozen=True)
class Section:
    """A part of the page: the id (anchor, and name of the macro), its title, what fills it, and the file
    with the macro.
    """

    id: str
    title: str
    build: Callable[[Content], View | None]
    template: str = "sections.html"


SECTIONS = (
    Section("answer", "The answer", answer),
    Section("ledger", "What each technique is worth on your data", ledger, "ledger.html"),
    Section("leaderboard", "What was tried", leaderboard),
    Section("luck", "What one lucky split would have said", luck, "luck.html"),
    Section("overfitting", "Learned, or learned by heart?", overfitting),
    Section("sure", "How sure is it?", sure, "sure.html"),
    Section("more_data", "More data?", more_data, "more_data.html"),
    Section("trust", "Can the data be trusted?", trust),
    Section("learned", "Learned without labels, and made up", learned, "learned.html"),
    Section("look", "A closer look", look),
    Section("method", "How it was done", method),
    Section("glossary", "Words used here", glossary),
)


def _folded(lines: list[View], count: int) -> View:
    """The first lines, and the chosen one wherever it stands, to be shown; the rest to be folded away."""
    shown = [line for place, line in enumerate(lines) if place < count or line["chosen"]]
    return {"lines": shown, "more": [line for line in lines if line not in shown]}


def _severity(name: str | None) -> int:
    return SEVERITIES.index(name) if name in SEVERITIES else len(SEVERITIES)


def _members(content: Content, row: View) -> list[str]:
    return [words.label_of(content.summary, name) for name in row.get("members") or []]


def _domain(
    content: Content,
    rows: list[View],
    *,
    keys: tuple[str, ...] = ("score", "low", "high"),
    whole: bool = False,
) -> figures.Domain:
    """A scale for the tracks of a table: the best rows fill it, a hopeless one does not squash them.

    Rows far behind the best lie beyond the scale (an arrow marks them). With `whole` the scale is made for
    all rows and holds the baseline; without, for those that are shown unfolded.
    """
    shown = rows if whole else rows[:SHOWN]
    scores = np.array([row["score"] for row in shown])
    best, middle = scores[0], float(np.median(scores))
    reach = max(4 * abs(best - middle), 0.02 * abs(best))
    near = [row for row in shown if abs(row["score"] - best) <= reach]
    values = [row.get(key) for row in near for key in keys]
    if whole:
        values.append(content.reference)
    return figures.span_of(values, inside=content.possible)
