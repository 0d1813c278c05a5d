"""The part of the page on controls: models that must fail, and what random splits would have told."""

from __future__ import annotations

from typing import Any

from handful.report import figures, words
from handful.report.content import Content, View

# What each control is called on the page.
TITLES = {
    "image size": "Width and height",
    "file type": "File type",
    "file size": "File size",
    "exif": "Camera and software (EXIF)",
    "file name": "File name",
    "row order": "Order of the rows",
    "border pixels": "Border of the picture",
    "mean colour": "Mean colour",
    "text length": "Length of the text",
    "punctuation and capitals": "Punctuation and capitals",
    "missingness": "Which values are missing",
    "permuted labels": "Shuffled labels",
}


def controls(content: Content) -> View | None:
    """A line for each control, those that raise the alarm first; None where the run has none."""
    found = content.summary.get("controls") or []
    premium = content.summary.get("leak_premium") or {}
    if not found and not premium:
        return None
    mark = _way_of_the_chosen(content)
    values = content.dataset.get("task") == "regression"
    lines = [
        {
            "title": title(line["name"], values),
            "kind": line.get("kind") or ("alarm" if line.get("flagged") else "clear"),
            "message": line.get("message"),
            "score": content.metric.show(line.get("score"), 0 if content.metric.percent else None),
            "chance": content.metric.show(line.get("chance"), 0 if content.metric.percent else None),
            "track": figures.way(
                line.get("effect") or 0.0,
                mark,
                kind=line.get("kind") or "",
                title=title(line["name"], values),
            ),
        }
        for line in found
    ]
    return {
        "lines": lines,
        "alarms": sum(line["kind"] == "alarm" for line in lines),
        "mark": mark is not None,
        "metric": content.metric.label,
        "answers": "values" if values else "labels",
        "absent": [
            (title(line["name"]), line["reason"]) for line in content.summary.get("controls_absent") or []
        ],
        "premium": _premium(content, premium),
    }


def title(name: str, values: bool = False) -> str:
    """What a control is called; of measured `values` nobody says labels."""
    found = TITLES.get(name, words.capital(name))
    return found.replace("labels", "values") if values else found


def _way_of_the_chosen(content: Content) -> float | None:
    """The part of the way from guessing to perfect that the chosen model goes."""
    row = words.row_of(content.summary, content.chosen) or {}
    score, chance = row.get("score"), content.reference
    perfect = 1.0 if content.metric.higher_is_better else 0.0
    if score is None or chance is None or perfect == chance:
        return None
    return (score - chance) / (perfect - chance)


def _premium(content: Content, premium: dict[str, Any]) -> str | None:
    """What would have been told if groups had been torn apart."""
    value = premium.get("value")
    if value is None:
        return None
    metric = content.metric
    torn, kept = metric.show(premium.get("random")), metric.show(premium.get("grouped"))
    span = f"interval {metric.difference(premium.get('low'))} to {metric.difference(premium.get('high'))}"
    many = len(premium.get("names") or [])
    of = f" of {many} of the best candidates" if many > 1 else ""
    told = (
        f"Had members of one group been allowed both in training and in examination, the {metric.label}{of} "
        f"would have read {torn} instead of {kept}"
    )
    if (premium.get("low") or 0.0) > 0:
        return f"{told}: {metric.difference(value)} too good ({span}). The groups are needed."
    return f"{told}, a difference of {metric.difference(value)} that chance can make ({span})."
