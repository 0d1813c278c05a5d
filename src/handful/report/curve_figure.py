"""The learning curve as inline SVG: scores against the number of examples, with what is foreseen."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from handful.report.figures import Domain, Format, span_of, ticks

WIDTH, HEIGHT = 640, 330
LEFT, RIGHT, TOP, FOOT = 58, 14, 26, 52


@dataclass(frozen=True)
class Series:
    """One curve: its points and its line as `(n, score, low, high)`; the line may be empty."""

    label: str
    kind: str
    points: Sequence[tuple[float, float, float | None, float | None]]
    line: Sequence[tuple[float, float, float, float]]


def learning_curve(
    series: Sequence[Series],
    n: int,
    tick: Callable[[Domain], Format],
    inside: Domain | None,
    things: str,
    reference: float | None = None,
) -> Markup:
    """Points with their bars, the lines through them, the band of the first; dashed where foreseen.

    The number of examples grows to the right in doublings. `tick` says how the scores of an axis are written,
    `reference` is the score of guessing.
    """
    sizes = [p[0] for s in series for p in [*s.points, *s.line]] + [float(n)]
    scores = [v for s in series for p in s.points for v in p[1:]]
    scores += [v for s in series for place, p in enumerate(s.line) for v in p[1 : 4 if s is series[0] else 2]]
    domain = span_of(scores, inside=inside)
    show = tick(domain)
    first, last = math.log(min(sizes) * 0.92), math.log(max(sizes) * 1.04)

    def x(m: float) -> float:
        return round(LEFT + (math.log(m) - first) / (last - first) * (WIDTH - LEFT - RIGHT), 1)

    def y(score: float) -> float:
        held = min(max(score, domain[0]), domain[1])
        return round(HEIGHT - FOOT - (held - domain[0]) / (domain[1] - domain[0]) * (HEIGHT - FOOT - TOP), 1)

    body = _frame(x, y, n, domain, show, things, _doublings(n, math.exp(first), math.exp(last)))
    if reference is not None and domain[0] < reference < domain[1]:
        body.append(straight("baseline", LEFT, WIDTH - RIGHT, y(reference), y(reference)))
        body.append(text_at("muted", WIDTH - RIGHT, y(reference) - 5, "guessing", "end"))
    for s in reversed(series):
        if s.line and s is series[0]:
            corners = [(x(m), y(high)) for m, _, _, high in s.line]
            corners += [(x(m), y(low)) for m, _, low, _ in reversed(s.line)]
            body.append(Markup('<polygon class="band" points="{}"/>').format(joined(corners)))
        seen = [(x(m), y(v)) for m, v, _, _ in s.line if m <= n]
        foreseen = [(x(m), y(v)) for m, v, _, _ in s.line if m >= n]
        if seen and foreseen:
            foreseen = [seen[-1], *foreseen]
        for kind, path in (("seen", seen), ("foreseen", foreseen)):
            if len(path) > 1:
                body.append(
                    Markup('<polyline class="{} {}" points="{}"/>').format(kind, s.kind, joined(path))
                )
        for m, v, low, high in s.points:
            if low is not None and high is not None and s is series[0]:
                body.append(straight(f"whisker {s.kind}", x(m), x(m), y(low), y(high)))
            body.append(
                Markup('<circle class="point {}" cx="{}" cy="{}" r="4"><title>{}</title></circle>').format(
                    s.kind, x(m), y(v), f"{s.label}: {show(v)} from {round(m):,}"
                )
            )
    described = "; ".join(
        f"{s.label}: " + ", ".join(f"{show(v)} from {round(m):,}" for m, v, _, _ in s.points) for s in series
    )
    return Markup(
        '<svg class="curve" viewBox="0 0 {} {}" role="img"><title>Learning curve</title>'
        "<desc>{}.</desc>{}</svg>"
    ).format(WIDTH, HEIGHT, described, Markup("").join(body))


def _frame(
    x: Callable[[float], float],
    y: Callable[[float], float],
    n: int,
    domain: Domain,
    show: Format,
    things: str,
    sizes: Sequence[float],
) -> list[Markup]:
    """Grid, scales, and the mark at the number of examples at hand."""
    body = []
    for tick in ticks(domain):
        body.append(straight("grid", LEFT, WIDTH - RIGHT, y(tick), y(tick)))
        body.append(text_at("", LEFT - 8, y(tick) + 4, show(tick), "end"))
    for size in sizes:
        body.append(straight("grid", x(size), x(size), TOP, HEIGHT - FOOT))
        body.append(text_at("", x(size), HEIGHT - FOOT + 18, f"{round(size):,}", "middle"))
    body.append(straight("now", x(n), x(n), TOP, HEIGHT - FOOT))
    body.append(text_at("muted", x(n), TOP - 8, "now", "middle"))
    body.append(text_at("label", (LEFT + WIDTH) / 2, HEIGHT - 8, f"{things} to learn from", "middle"))
    return body


def _doublings(n: int, first: float, last: float) -> list[float]:
    """n and its halves and doubles inside the picture."""
    return [n * 2.0**k for k in range(-12, 13) if first <= n * 2.0**k <= last]


def straight(kind: str, x1: float, x2: float, y1: float, y2: float) -> Markup:
    return Markup('<line class="{}" x1="{}" x2="{}" y1="{}" y2="{}"/>').format(kind, x1, x2, y1, y2)


def text_at(kind: str, x: float, y: float, text: str, anchor: str) -> Markup:
    return Markup('<text class="{}" x="{}" y="{}" text-anchor="{}">{}</text>').format(
        kind, x, y, anchor, text
    )


def joined(path: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{a},{b}" for a, b in path)
