"""The sections of the page, in order. Each takes the report's content to what its part of the template shows.

A section returns None where there is nothing to show; it is then left out. To add one: a function here, a line in
`SECTIONS`, and a macro of the same name in `sections.html`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from handful.report import figures, words
from handful.report.pictures import is_small, thumbnail

SHOWN = 12  # lines of a long list that are shown unfolded
HEAT_MAP = 20  # classes up to which a confusion matrix is drawn whole
MISTAKES = 24
PICTURES_OF_A_FINDING = 12
PICTURES_ON_THE_MAP = 600  # at about 1.5 kB each
SEVERITIES = ("alarm", "warning", "note")

View = dict[str, Any]


@dataclass(frozen=True)
class Content:
    """What a report is made of: the content of report.json (cleaned), the metric, and the extras."""

    summary: View
    extras: View
    metric: words.Metric

    @property
    def dataset(self) -> View:
        return self.summary.get("dataset") or {}

    @property
    def rows(self) -> list[View]:
        """The candidates with a score, best first."""
        return words.sound_rows(self.summary, self.metric)

    @property
    def chosen(self) -> str | None:
        return words.chosen_of(self.summary)

    @property
    def possible(self) -> tuple[float, float] | None:
        """The range that a score can have, for figures: 0 to 1 for shares."""
        return (0.0, 1.0) if self.metric.percent or self.metric.name in ("roc_auc", "f1") else None

    @property
    def reference(self) -> float | None:
        """The score of guessing."""
        row = words.baseline_row(self.summary, self.metric)
        return row["score"] if row else None

    def reason(self, key: str) -> str | None:
        return (self.summary.get("reasons") or {}).get(key)

    def tick(self, domain: figures.Domain) -> figures.Format:
        """How the numbers of an axis are written: no more decimals than the step needs."""
        places = figures.ticks(domain)
        step = places[1] - places[0] if len(places) > 1 else domain[1] - domain[0]
        step = 100 * step if self.metric.percent else step
        decimals = max(0, -int(np.floor(np.log10(step) + 1e-9))) if step else 0
        return lambda value: self.metric.show(value, decimals)


def answer(content: Content) -> View:
    """What to use and what to expect, in one sentence and one picture."""
    summary, metric = content.summary, content.metric
    expected = summary.get("expected") or {}
    value, low, high = (expected.get(k) for k in ("value", "low", "high"))
    tried = len(summary.get("leaderboard") or [])
    view: View = {
        "label": words.label_of(summary, content.chosen) if content.chosen else None,
        "expectation": words.expectation(summary, metric),
        "comparison": words.comparison(summary, metric),
        "how": expected.get("how"),
        "level": _in_words(expected.get("level")),
        "why_not": content.reason("expected") or content.reason("winner"),
        "tried": tried,
        "failed": sum(bool(r.get("failed")) for r in summary.get("leaderboard") or []),
        "ties": words.ties(summary),
        "test": words.own_test(summary, metric),
        "verdict": (summary.get("verdict") or {}).get("text"),
        "alarms": [f for f in summary.get("audit") or [] if f.get("severity") == "alarm"],
        "metric": metric,
        "members": _members(content, words.row_of(summary, content.chosen) or {}),
        "preferred": None,
        "line": None,
        "hundred": None,
    }
    if content.chosen and summary.get("winner") not in (None, content.chosen):
        view["preferred"] = words.label_of(summary, summary["winner"])
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
            content.tick(domain) if not metric.percent else lambda v: metric.show(v, 0),
            baseline=reference,
            baseline_label=words.shorten(
                f"{_label(baseline)}: {metric.show(reference, 0 if metric.percent else None)}", 44
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
    tie_group = set(content.summary.get("tie_group") or [])
    lines = []
    for place, row in enumerate(rows, start=1):
        mine = row["name"] == content.chosen
        lines.append(
            {
                "place": place,
                "label": _label(row),
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
                    title=f"{_label(row)}: {metric.show(row['score'])}",
                ),
            }
        )
    strips = []
    for family in dict.fromkeys(row.get("family") for row in rows):
        members = [row for row in rows if row.get("family") == family]
        strips.append(
            figures.Strip(
                words.shorten(words.family_label(family), 34),
                [(_label(row), row["score"]) for row in members],
                members[0]["score"],
                members[0].get("low"),
                members[0].get("high"),
                any(row["name"] == content.chosen for row in members),
            )
        )
    every = _domain(content, rows, whole=True)
    return {
        "metric": metric,
        "strips": figures.family_strips(strips, every, metric.show, reference) if len(strips) > 1 else None,
        "axis": figures.axis(domain, show, f"Scale of the {metric.label}"),
        "lines": lines[:SHOWN],
        "more": lines[SHOWN:],
        "ties": words.ties(content.summary),
        "tie_reason": content.reason("tie_group"),
        "has_reference": reference is not None,
        "better": "higher is better" if metric.higher_is_better else "lower is better",
    }


def overfitting(content: Content) -> View | None:
    """Training against held-out score for each candidate."""
    metric = content.metric
    known = [
        row
        for row in content.summary.get("overfitting") or []
        if row.get("train_score") is not None and row.get("score") is not None
    ]
    if not known:
        return None
    board = {row["name"]: row for row in content.rows}
    order = {name: place for place, name in enumerate(board)}
    known.sort(key=lambda row: order.get(row["name"], len(order)))
    domain = _domain(content, known, keys=("score", "train_score"))
    lines = []
    for row in known:
        label = words.label_of(content.summary, row["name"])
        parameters = board.get(row["name"], {}).get("trainable_parameters")
        lines.append(
            {
                "label": label,
                "chosen": row["name"] == content.chosen,
                "train": metric.show(row["train_score"]),
                "score": metric.show(row["score"]),
                "gap": metric.difference(row.get("gap")),
                "words": row.get("words"),
                "parameters": None if parameters is None else f"{parameters:,}",
                "track": figures.dumbbell(
                    row["train_score"],
                    row["score"],
                    domain,
                    kind="chosen" if row["name"] == content.chosen else "",
                    title=f"{label}: training {metric.show(row['train_score'])}, "
                    f"held out {metric.show(row['score'])}",
                ),
            }
        )
    return {
        "axis": figures.axis(domain, content.tick(domain), f"Scale of the {metric.label}"),
        "lines": lines[:SHOWN],
        "more": lines[SHOWN:],
        "lead": next((line for line in lines if line["chosen"]), None),
        "n": content.dataset.get("n"),
        "many": words.noun(content.summary),
        "has_parameters": any(line["parameters"] for line in lines),
        "metric": metric,
    }


def trust(content: Content) -> View | None:
    """What the audit found, with the pictures that it is about, and how many examples each class has."""
    audit = content.summary.get("audit")
    pictures = content.extras.get("pictures") or {}
    findings = []
    for finding in sorted(audit or [], key=lambda f: _severity(f.get("severity"))):
        items = [str(item) for item in finding.get("items") or []]
        cards = []
        for item in items:
            if item in pictures and len(cards) < PICTURES_OF_A_FINDING:
                cards.append(_card(item, pictures[item], 96))
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
    if audit is None and not bars and not content.reason("audit"):
        return None
    return {
        "checked": audit is not None,
        "reason": content.reason("audit"),
        "findings": findings,
        "bars": bars[:HEAT_MAP],
        "more_bars": bars[HEAT_MAP:],
        "many": words.noun(content.summary),
        "groups": content.dataset.get("groups"),
        "n": content.dataset.get("n"),
    }


def look(content: Content) -> View | None:
    """The examples themselves: which classes are confused, the most confident mistakes, the map, the residuals."""
    view: View = {
        "examples": _examples(content),
        "confusion": _confusion(content),
        "per_class": _per_class(content),
        "mistakes": _mistakes(content),
        "map": _map(content),
        "scatter": _scatter(content),
        "many": words.noun(content.summary),
        "one": words.noun(content.summary, 1),
    }
    found = any(
        view[k] is not None for k in ("examples", "confusion", "per_class", "mistakes", "map", "scatter")
    )
    return view if found else None


def method(content: Content) -> View:
    """How it was done, so that somebody else can do it again: protocol, versions, command, what failed."""
    summary = content.summary
    protocol = summary.get("protocol") or {}
    facts = [
        ("Data", words.what_the_data_is(summary)),
        ("Folds", protocol.get("folds")),
        ("Repeats", protocol.get("repeats")),
        (
            "Kept together in groups",
            None if protocol.get("grouped") is None else ("yes" if protocol["grouped"] else "no"),
        ),
        ("Metric", content.metric.label),
        ("Random seed", protocol.get("seed")),
        ("Time", words.duration(summary["seconds"]) if summary.get("seconds") is not None else None),
        ("Fingerprint of the data", content.dataset.get("digest")),
    ]
    failures = [
        {
            "cause": failure.get("cause"),
            "count": failure.get("count") or len(failure.get("candidates") or []),
            "labels": [words.label_of(summary, name) for name in failure.get("candidates") or []],
        }
        for failure in summary.get("failures") or []
    ]
    versions = summary.get("versions") or {}
    if summary.get("handful"):
        versions = {"handful": summary["handful"], **versions}
    return {
        "description": protocol.get("description"),
        "facts": [(name, value) for name, value in facts if value not in (None, "")],
        "failures": failures,
        "versions": versions,
        "command": summary.get("command"),
        "notes": summary.get("notes") or [],
        "absent": [
            (name.replace("_", " "), why)
            for name, why in (summary.get("reasons") or {}).items()
            if why and name != "expected"
        ],
    }


def glossary(content: Content) -> View:
    """The words of this page that not everybody uses; only those that the page needs."""
    metric, families = content.metric, {row.get("family") for row in content.summary.get("leaderboard") or []}
    terms = [
        (
            "Candidate",
            "One complete recipe, from the raw example to the prediction. All candidates are tried on the same data.",
        ),
        (
            "Cross-validation",
            "The data are cut into parts, called folds. A model is trained on all parts but one and examined on the "
            "part that it has not seen; then the next part is held out. So every example is predicted once by a model "
            "that did not know it.",
        ),
        (
            "Held out",
            "Kept away from training, to see how the model does on something new.",
        ),
        (
            "Interval",
            "A score measured on few examples is uncertain. The interval is the range in which the true score lies "
            f"in {_in_words((content.summary.get('expected') or {}).get('level')) or 'most'} of such cases.",
        ),
        (
            "Overfitting",
            "A model learns its training examples by heart instead of what they have in common: it is good on those, "
            "and worse on new ones.",
        ),
        (
            "Baseline",
            "A guess that does not look at the example, such as always naming the commonest class. "
            "A model that does not beat it has learned nothing.",
        ),
        (
            "Cannot be told apart",
            "The difference between two scores is smaller than chance alone would make it with this much data.",
        ),
    ]
    if metric.words:
        terms.append(
            (metric.label[:1].upper() + metric.label[1:], f"{metric.words[:1].upper()}{metric.words[1:]}.")
        )
    if families & {"transfer", "finetune"}:
        terms.append(
            (
                "Frozen features",
                "A network that was trained on very many other examples turns each of yours into a list of numbers. "
                "The network itself is not changed; only a small model on top of these numbers is trained.",
            )
        )
    if "ensemble" in families:
        terms.append(("Average of models", "Several models are asked, and their probabilities are averaged."))
    if (content.summary.get("protocol") or {}).get("grouped"):
        terms.append(
            (
                "Group",
                "Examples that belong together, such as pictures of one patient or copies of one file. A group is never "
                "split between training and examination.",
            )
        )
    return {"terms": sorted(terms)}


@dataclass(frozen=True)
class Section:
    """A part of the page: the id (anchor, and name of the macro), its title, and what fills it."""

    id: str
    title: str
    build: Callable[[Content], View | None]


SECTIONS = (
    Section("answer", "The answer", answer),
    Section("leaderboard", "What was tried", leaderboard),
    Section("overfitting", "Learned, or learned by heart?", overfitting),
    Section("trust", "Can the data be trusted?", trust),
    Section("look", "A closer look", look),
    Section("method", "How it was done", method),
    Section("glossary", "Words used here", glossary),
)


def _label(row: View | None) -> str:
    row = row or {}
    return str(row.get("label") or row.get("name") or words.MISSING)


def _in_words(level: float | None) -> str | None:
    """0.95 as `19 out of 20`."""
    if level is None or not 0 < level < 1:
        return None
    return {0.9: "9 out of 10", 0.95: "19 out of 20", 0.8: "8 out of 10", 0.5: "half"}.get(
        round(level, 3), f"{round(100 * level)} out of 100"
    )


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
    """A scale for the tracks of a table: the best rows fill it, and one hopeless row does not squash the others.

    Rows whose score is far behind the shown ones lie beyond the scale (an arrow marks them). With `whole` the guess
    of the baseline is kept inside.
    """
    shown = rows[:SHOWN]
    scores = np.array([row["score"] for row in shown])
    best, middle = scores[0], float(np.median(scores))
    reach = max(4 * abs(best - middle), 0.02 * abs(best), 1e-9)
    near = [row for row in shown if abs(row["score"] - best) <= reach]
    values = [row.get(key) for row in near for key in keys]
    if whole:
        values.append(content.reference)
    return figures.span_of(values, inside=content.possible)


def _card(name: str, pixels: Any, side: int) -> View:
    return {"id": name, "picture": thumbnail(pixels, side), "small": is_small(pixels)}


def _examples(content: Content) -> list[View] | None:
    examples = content.extras.get("examples") or {}
    shelves = []
    for name, pictures in list(examples.items())[:HEAT_MAP]:
        cards = [_card(name, pixels, 72) for pixels in pictures[:6] if pixels is not None]
        if cards:
            shelves.append({"class": name, "cards": cards})
    return shelves or None


def _confusion(content: Content) -> View | None:
    """Counts of true class (row) against predicted class (column), and the pairs that are mixed up most."""
    given = content.extras.get("confusion") or {}
    if not given.get("classes"):
        return None
    classes = [str(c) for c in given["classes"]]
    counts = np.asarray(given["counts"], dtype=float)
    totals = counts.sum(axis=1)
    pairs = [
        {"true": classes[i], "predicted": classes[j], "count": _count(counts[i, j]), "of": _count(totals[i])}
        for i, j in sorted(zip(*np.nonzero(counts), strict=True), key=lambda ij: -counts[ij])
        if i != j
    ]
    view: View = {"pairs": pairs[:10], "heat": None, "mistakes": bool(pairs), "k": len(classes)}
    if len(classes) <= HEAT_MAP:
        shares = counts / np.maximum(totals, 1)[:, None]
        view["heat"] = {
            "classes": classes,
            "named": len(classes) <= 4 and max(len(c) for c in classes) <= 14,
            "rows": [
                {
                    "name": name,
                    "cells": [
                        {
                            "count": _count(counts[i, j]),
                            "share": round(float(shares[i, j]), 3),
                            "right": i == j,
                            "strong": shares[i, j] > 0.55,
                            "title": f"{name} taken for {other}: {_count(counts[i, j])} of {_count(totals[i])}",
                        }
                        for j, other in enumerate(classes)
                    ],
                }
                for i, name in enumerate(classes)
            ],
        }
        view["pairs"] = pairs[:3]
    return view


def _count(value: float) -> str:
    """A count; with repeats, counts may be means over the repeats."""
    return f"{value:,.0f}" if abs(value - round(value)) < 0.05 else f"{value:,.1f}"


def _per_class(content: Content) -> View | None:
    given = content.summary.get("per_class")
    if not given:
        return None

    def share(value: float | None, kind: str, title: str) -> View:
        shown = words.MISSING if value is None else f"{100 * value:.0f}%"
        return {"shown": shown, "bar": "" if value is None else figures.bar(value, kind=kind, title=title)}

    lines = [
        {
            "class": row.get("class"),
            "n": row.get("n"),
            "recall": share(row.get("recall"), "", f"found: {row.get('class')}"),
            "precision": share(row.get("precision"), "second", f"right when named: {row.get('class')}"),
        }
        for row in sorted(given, key=lambda row: (row.get("recall") is None, row.get("recall") or 0.0))
    ]
    return {"lines": lines[:SHOWN], "more": lines[SHOWN:]}


def _mistakes(content: Content) -> View | None:
    given = content.extras.get("mistakes")
    if given is None:
        return None
    cards = []
    for mistake in given[:MISTAKES]:
        row = list((mistake.get("row") or {}).items())
        confidence = mistake.get("confidence")
        cards.append(
            {
                **_card(str(mistake.get("id")), mistake.get("picture"), 144),
                "true": _value(content, mistake.get("true")),
                "predicted": _value(content, mistake.get("predicted")),
                "confidence": None if confidence is None else f"{100 * confidence:.0f}% sure",
                "row": [(name, _cell(value)) for name, value in row[:8]],
                "more": [(name, _cell(value)) for name, value in row[8:60]],
            }
        )
    return {"cards": cards, "wide": any(card["row"] for card in cards), "regression": _is_regression(content)}


def _is_regression(content: Content) -> bool:
    return content.dataset.get("task") == "regression"


def _value(content: Content, value: Any) -> str:
    if isinstance(value, float) and _is_regression(content):
        return words.Metric("", "", decimals=words.decimals_for([value])).show(value)
    return words.MISSING if value is None else str(value)


def _cell(value: Any) -> str:
    """A value of a table's row, in words of bearable length."""
    if value is None:
        return "missing"
    if isinstance(value, float):
        return f"{value:,.6g}"
    return words.shorten(value, 300)


def _scatter(content: Content) -> View | None:
    given = content.extras.get("scatter")
    if not given or not given.get("true"):
        return None
    low, high = given.get("low"), given.get("high")
    unknown: list[Any] = [None] * len(given["true"])
    kept = [
        four
        for four in zip(given["predicted"], given["true"], low or unknown, high or unknown, strict=True)
        if four[0] is not None and four[1] is not None
    ]
    if not kept:
        return None
    predicted, true, lows, highs = (list(column) for column in zip(*kept, strict=True))
    domain = figures.span_of([*predicted, *true])
    decimals = max(0, words.decimals_for([domain[1] - domain[0]]) - 1)
    show = words.Metric("", "", decimals=decimals).show
    band = low is not None and high is not None
    return {
        "figure": figures.regression_scatter(
            predicted, true, lows if band else None, highs if band else None, show
        ),
        "band": band,
    }


def _map(content: Content) -> View | None:
    given = content.extras.get("map")
    if not given or not given.get("xy"):
        return None
    labels, predicted = [str(v) for v in given["label"]], [str(v) for v in given["predicted"]]
    classes = [str(c) for c in content.dataset.get("classes") or dict.fromkeys(labels)]
    distinct = len(classes) <= figures.COLOURS * len(figures.MARKERS)
    look_of = {name: i if distinct else 0 for i, name in enumerate(classes)}
    pictures = given.get("pictures") or []
    with_pictures = 0 < len(pictures) <= PICTURES_ON_THE_MAP
    ids = given.get("id") or [""] * len(labels)
    points = [
        figures.Point(
            float(xy[0]),
            float(xy[1]),
            look_of.get(label, 0),
            label != guess,
            f"{name}: {label}" + (f", taken for {guess}" if label != guess else ""),
            thumbnail(pictures[i], 56) if with_pictures else None,
        )
        for i, (xy, label, guess, name) in enumerate(zip(given["xy"], labels, predicted, ids, strict=True))
        if xy[0] is not None and xy[1] is not None
    ]
    if not points:
        return None
    legend = [(name, figures.legend_mark(look)) for name, look in look_of.items()] if distinct else []
    return {"figure": figures.embedding_map(points), "legend": legend, "pictures": with_pictures}
