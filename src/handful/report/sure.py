"""How sure is it? The reliability diagram, the sets of possible classes or the intervals, in plain words."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from handful.report import figures, words
from handful.report.content import Content, View
from handful.scoring import per_cent

THIRDS = ("smallest third", "middle third", "largest third")
NOTICEABLE = 0.02  # a calibration error that differs by less is not worth a sentence about better or worse


def sure(content: Content) -> View | None:
    """What the probabilities, the sets and the intervals are worth; None where nothing of it is known."""
    calibration, conformal = (content.summary.get(k) or {} for k in ("calibration", "conformal"))
    if not calibration and not conformal:
        return None
    return {
        "probabilities": _probabilities(calibration) if calibration.get("bins") else None,
        "sets": _sets(content, conformal) if conformal.get("share_single") is not None else None,
        "interval": _interval(content, conformal) if conformal.get("half_width") is not None else None,
        "level": words.odds(conformal.get("level")),
        "one": words.noun(content.summary, 1),
        "many": words.noun(content.summary),
        "measured": content.dataset.get("task") == "regression",
        "grouped": bool((content.summary.get("protocol") or {}).get("grouped")),
    }


def _probabilities(calibration: View) -> View:
    before, after, chance = (calibration.get(k) for k in ("ece_before", "ece_after", "ece_by_chance"))
    temperature = calibration.get("temperature") or 1.0
    moved = calibration.get("offsets") is not None
    surest = calibration["bins"][-1]
    return {
        "figure": reliability_diagram(calibration["bins"], calibration.get("bins_before") or []),
        "moved": moved,
        "leaning": None if moved or temperature == 1.0 else "too modest" if temperature < 1 else "too sure",
        "temperature": f"{temperature:.2f}",
        "before": _points(before),
        "after": _points(after),
        "by_chance": _points(chance),
        "honest": after is not None and chance is not None and after <= chance + NOTICEABLE,
        "surest": {
            "said": words.certainty(surest["confidence"]),
            "right": per_cent(surest["right"]),
            "n": surest["n"],
        },
    }


def _sets(content: Content, conformal: View) -> View:
    classes = [str(c) for c in content.dataset.get("classes") or []]
    shares = [
        ("one class", "share_single", ""),
        ("several classes", "share_several", "second"),
        ("“I do not know”", "share_unknown", "second"),
    ]
    lines = [
        {
            "name": name,
            "share": f"{per_cent(conformal[key])}%",
            "bar": figures.bar(conformal[key], kind=kind, title=f"{name}: {per_cent(conformal[key])}%"),
        }
        for name, key, kind in shares
        if conformal.get(key) is not None
    ]
    often = [
        {"names": _either([classes[k] for k in line["classes"]]), "share": f"{100 * line['share']:.0f}%"}
        for line in conformal.get("often") or []
        if all(k < len(classes) for k in line["classes"]) and line["share"] >= 0.005
    ]
    covered = conformal.get("covered")
    return {
        "lines": lines,
        "often": often,
        "always_one": conformal["share_single"] == 1,
        "covered": None if covered is None else per_cent(covered),
        "example": often[0]["names"] if often else _either(classes[:2]) if len(classes) > 2 else None,
        "two_classes": len(classes) == 2,
    }


def _interval(content: Content, conformal: View) -> View:
    """How far off, and whether the promise holds: at other levels, and for small and large predictions."""
    half, spread = conformal["half_width"], conformal.get("spread")
    covered, half_off = conformal.get("covered"), conformal.get("half_off")
    show = words.Metric("", "", decimals=words.decimals_for([half])).show
    ends = [conformal.get("half_width_small"), conformal.get("half_width_large")]
    return {
        "half": show(half),
        "grows": bool(conformal.get("grows")) and None not in ends,
        "small": show(ends[0]),
        "large": show(ends[1]),
        "half_off": None if half_off is None else show(half_off),
        "share": None if not spread else round(100 * 2 * half / spread),
        "covered": None if covered is None else per_cent(covered),
        "levels": [
            (f"{100 * line['level']:.0f}", per_cent(line["covered"]))
            for line in conformal.get("levels") or []
        ],
        "thirds": [
            {
                "name": f"{name}, {show(line['from'])} to {show(line['to'])}",
                "half_off": show(line["half_off"]),
                "covered": per_cent(line["covered"]),
            }
            for name, line in zip(THIRDS, conformal.get("thirds") or [], strict=False)
        ],
    }


def _points(share: float | None) -> str:
    return words.MISSING if share is None else f"{100 * share:.1f}"


def _either(names: list[str]) -> str:
    return " or ".join(part for part in (", ".join(names[:-1]), names[-1]) if part) if names else ""


def reliability_diagram(bins: list[dict[str, Any]], before: list[dict[str, Any]]) -> Markup:
    """Share that is right (up) against stated certainty (right); rings are the raw probabilities.

    bins : dicts `confidence`, `right`, `low`, `high`, `n`, shares between 0 and 1.
    """
    every = [*bins, *before]
    low = min([0.9, *(min(b["confidence"], b["right"]) for b in every)])
    domain = (max(0.0, low // 0.1 * 0.1), 1.0)
    side, left, foot, top = 400, 58, 52, 10
    scale = (side - foot - top) / (domain[1] - domain[0])

    def x(share: float) -> float:
        return round(left + (share - domain[0]) * scale, 1)

    def y(share: float) -> float:
        return round(side - foot - (min(max(share, domain[0]), 1.0) - domain[0]) * scale, 1)

    body: list[Markup] = []
    for tick in figures.ticks(domain):
        body.append(
            Markup(
                '<line class="grid" x1="{0}" x2="{0}" y1="{1}" y2="{2}"/>'
                '<line class="grid" x1="{3}" x2="{4}" y1="{5}" y2="{5}"/>'
                '<text x="{0}" y="{6}" text-anchor="middle">{7}%</text>'
                '<text x="{8}" y="{9}" text-anchor="end">{7}%</text>'
            ).format(
                x(tick),
                top,
                side - foot,
                left,
                x(1),
                y(tick),
                side - foot + 18,
                f"{100 * tick:.0f}",
                left - 8,
                y(tick) + 4,
            )
        )
    body.append(
        Markup('<line class="agreement" x1="{}" x2="{}" y1="{}" y2="{}"/>').format(
            x(domain[0]), x(1), y(domain[0]), y(1)
        )
    )
    most = max(b["n"] for b in bins)
    for b in before:
        body.append(
            Markup('<circle class="raw" cx="{}" cy="{}" r="4"><title>{}</title></circle>').format(
                x(b["confidence"]), y(b["right"]), _said(b, "before")
            )
        )
    for b in bins:
        body.append(
            Markup(
                '<line class="interval" x1="{0}" x2="{0}" y1="{1}" y2="{2}"/>'
                '<circle class="point" cx="{0}" cy="{3}" r="{4}"><title>{5}</title></circle>'
            ).format(
                x(b["confidence"]),
                y(b["low"]),
                y(b["high"]),
                y(b["right"]),
                round(4 + 3 * (b["n"] / most) ** 0.5, 1),
                _said(b, "as told"),
            )
        )
    middle = (left + x(1)) / 2
    body.append(
        Markup('<text class="label" x="{}" y="{}" text-anchor="middle">how sure it says it is</text>').format(
            middle, side - 8
        )
    )
    body.append(
        Markup(
            '<text class="label" transform="translate(14 {}) rotate(-90)" text-anchor="middle">'
            "how often it is right</text>"
        ).format((side - foot) / 2)
    )
    described = "; ".join(_said(b, "as told") for b in bins)
    return Markup(
        '<svg class="scatter reliability" viewBox="0 0 {0} {0}" role="img">'
        "<title>How often it is right when it is how sure</title><desc>{1}.</desc>{2}</svg>"
    ).format(side, described, Markup("").join(body))


def _said(b: dict[str, Any], when: str) -> str:
    sure, right = words.certainty(b["confidence"]), per_cent(b["right"])
    return f"{when}: {sure} sure, {right}% right ({b['n']} predictions)"
