"""A closer look: the examples themselves, what is confused, the worst mistakes, the map, the residuals."""

from __future__ import annotations

from typing import Any

import numpy as np

from handful.report import figures, words
from handful.report.classes import classes_view
from handful.report.content import HEAT_MAP, Content, View, beginning, called, card, sample, value_text
from handful.report.labels import mergeable_view
from handful.report.pictures import thumbnail
from handful.report.speaking import words_view
from handful.report.value_figures import agreement, errors

MISTAKES = 24
PICTURES_ON_THE_MAP = 600  # at about 1.5 kB each
ON_HOVER = 300  # characters of a text that show at the pointer


def look(content: Content) -> View | None:
    """What of the predictions can be looked at; None when nothing of it is there."""
    view: View = {
        "examples": _examples(content),
        "words": words_view(content),
        "confusion": _confusion(content),
        "per_class": classes_view(content),
        "mergeable": mergeable_view(content),
        "mistakes": _mistakes(content),
        "map": _map(content),
        "scatter": _scatter(content),
        "many": words.noun(content.summary),
        "one": words.noun(content.summary, 1),
        "measured": content.dataset.get("task") == "regression",
    }
    found = any(
        view[k] is not None
        for k in ("examples", "words", "confusion", "per_class", "mistakes", "map", "scatter")
    )
    return view if found else None


def _examples(content: Content) -> list[View] | None:
    examples = content.extras.get("examples") or {}
    shelves = []
    for name, pictures in list(examples.items())[:HEAT_MAP]:
        cards = [card(name, pixels, 72) for pixels in pictures[:6] if pixels is not None]
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
                            "title": f"{name} taken for {other}: "
                            f"{_count(counts[i, j])} of {_count(totals[i])}",
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


def _mistakes(content: Content) -> View | None:
    given = content.extras.get("mistakes")
    if given is None:
        return None
    regression = content.dataset.get("task") == "regression"
    cards = []
    for mistake in given[:MISTAKES]:
        confidence = mistake.get("confidence")
        cards.append(
            {
                **sample(mistake.get("id"), mistake),
                "true": value_text(mistake.get("true"), regression),
                "predicted": value_text(mistake.get("predicted"), regression),
                "quantity": regression,
                "confidence": None if confidence is None else f"{words.certainty(confidence)} sure",
            }
        )
    return {
        "cards": cards,
        "wide": any(card["row"] or card["text"] for card in cards),
        "regression": regression,
    }


def _scatter(content: Content) -> View | None:
    """The figures of predicted values: truth against prediction, and what is left as an error."""
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
    whole = band and None not in lows and None not in highs
    return {
        "figure": agreement(predicted, true, lows if band else None, highs if band else None, show),
        "errors": errors(
            predicted,
            [t - p for p, t in zip(predicted, true, strict=True)],
            [(b - a) / 2 for a, b in zip(lows, highs, strict=True)] if whole else None,
            show,
        ),
        "band": band,
    }


def _map(content: Content) -> View | None:
    given = content.extras.get("map")
    if not given or not given.get("xy"):
        return None
    if content.dataset.get("task") == "regression":
        return _map_of_values(given)
    labels, predicted = [str(v) for v in given["label"]], [str(v) for v in given["predicted"]]
    classes = [str(c) for c in content.dataset.get("classes") or dict.fromkeys(labels)]
    distinct = len(classes) <= figures.COLOURS * len(figures.MARKERS)
    look_of = {name: i if distinct else 0 for i, name in enumerate(classes)}
    pictures = given.get("pictures") if given.get("pictures") is not None else []
    with_pictures = 0 < len(pictures) <= PICTURES_ON_THE_MAP
    texts = _texts(given)
    ids = given.get("id") or [""] * len(labels)
    points = [
        figures.Point(
            float(xy[0]),
            float(xy[1]),
            look_of.get(label, 0),
            label != guess,
            f"{called(name)}: {label}" + (f", taken for {guess}" if label != guess else ""),
            thumbnail(pictures[i], 56) if with_pictures else None,
            texts[i],
        )
        for i, (xy, label, guess, name) in enumerate(zip(given["xy"], labels, predicted, ids, strict=True))
        if xy[0] is not None and xy[1] is not None
    ]
    if not points:
        return None
    legend = [(name, figures.legend_mark(look)) for name, look in look_of.items()] if distinct else []
    map_ = figures.embedding_map(points)
    return {
        "figure": map_,
        "legend": legend,
        "pictures": with_pictures,
        "measured": False,
        **_read(given),
    }


def _texts(given: View) -> list[str | None]:
    """What is read at each mark; None for samples that are no texts."""
    texts = given.get("texts")
    if not texts:
        return [None] * len(given["xy"])
    letters = ON_HOVER if len(texts) <= PICTURES_ON_THE_MAP else ON_HOVER // 2
    return [beginning(text, letters)[0] for text in texts]


def _read(given: View) -> View:
    return {"texts": bool(given.get("texts")), "by_words": given.get("seen") == "words"}


def _map_of_values(given: View) -> View:
    """The map coloured by the true value, in steps with as many examples in each; rings mark large errors."""
    values, predicted = (np.asarray(given[k], dtype=float) for k in ("label", "predicted"))
    edges = np.unique(np.quantile(values, np.linspace(0, 1, figures.SHADES + 1)))
    steps = max(1, len(edges) - 1)
    step = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, steps - 1)
    shades = np.round(np.linspace(0, figures.SHADES - 1, steps)).astype(int)
    show = words.Metric("", "", decimals=max(0, words.decimals_for([float(np.ptp(values))]) - 1)).show
    points = [
        figures.Point(
            float(xy[0]),
            float(xy[1]),
            0,
            bool(far),
            f"{called(name)}: {show(value)}, predicted {show(said)}",
            text=text,
            shade=int(shades[k]),
        )
        for xy, value, said, name, far, k, text in zip(
            given["xy"], values, predicted, given["id"], given["outside"], step, _texts(given), strict=True
        )
    ]
    legend = [
        (f"{show(edges[k])} to {show(edges[k + 1])}", figures.legend_mark(0, int(shades[k])))
        for k in range(steps)
        if len(edges) > 1
    ]
    map_ = figures.embedding_map(points, ringed="outside of the range that was told")
    return {"figure": map_, "legend": legend, "pictures": False, "measured": True, **_read(given)}
