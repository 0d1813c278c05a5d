"""How the networks learned, and what trained numbers have to do with the gap: pictures for their section."""

from __future__ import annotations

from handful.report import words
from handful.report.content import Content, View
from handful.report.figures import span_of
from handful.report.training_figures import capacity_figure, crowd_figure, loss_figure

SHOWN_CURVES = 1
MOST_CURVES = 8


def training(content: Content) -> View | None:
    """Loss curves, best network first; scores against width; the gap of all against trained numbers."""
    known = content.summary.get("overfitting") or []
    order = {row["name"]: place for place, row in enumerate(content.rows)}
    ranked = sorted(known, key=lambda row: order.get(row["name"], len(order)))
    curves: list[View] = []
    for row in ranked:
        curve = row.get("loss_curve")
        figure = loss_figure(curve) if curve and len(curves) < MOST_CURVES else None
        if curve and figure is not None:
            curves.append(
                {
                    "label": words.label_of(content.summary, row["name"]),
                    "figure": figure,
                    "words": curve["words"],
                    "splits": curve["splits"],
                    "validated": curve["val_loss"] is not None,
                }
            )
    found = {
        "curves": curves[:SHOWN_CURVES],
        "more": curves[SHOWN_CURVES:],
        "capacity": _capacity(content),
        "crowd": _crowd(content, ranked),
        "metric": content.metric,
        "many": words.noun(content.summary),
        "one": words.noun(content.summary, 1),
    }
    return found if curves or found["capacity"] or found["crowd"] else None


def _capacity(content: Content) -> list[View]:
    found = []
    for line in content.summary.get("capacity") or []:
        points = [p for p in line["points"] if p["score"] is not None and p["train_score"] is not None]
        if len(points) < 2:
            continue
        values = [p[k] for p in points for k in ("score", "train_score")]
        show = content.tick(span_of(values, inside=content.possible))
        figure = capacity_figure(points, show, content.metric.show, content.possible)
        found.append({"label": line["label"], "figure": figure, "words": line["words"]})
    return found


def _crowd(content: Content, rows: list[View]) -> View | None:
    dots = [
        (
            words.label_of(content.summary, row["name"]),
            row["parameters_per_example"],
            row["gap"],
            row["name"] == content.chosen,
        )
        for row in rows
        if row.get("parameters_per_example") and row.get("gap") is not None
    ]
    if len(dots) < 3:
        return None
    metric = content.metric
    show = content.tick(span_of([0.0, *(gap for _, _, gap, _ in dots)]))
    return {
        "figure": crowd_figure(
            dots, words.noun(content.summary), lambda v: show(v).removesuffix("%"), metric.difference
        ),
        "has_chosen": any(chosen for *_, chosen in dots),
        "unit": " in points" if metric.percent else "",
    }
