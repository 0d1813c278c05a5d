"""How networks learned, as inline SVG: losses by pass, scores by trained numbers, gaps by trained numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from handful.report.curve_figure import joined, straight, text_at
from handful.report.figures import Domain, Format, span_of, ticks

WIDTH, HEIGHT = 640, 280
LEFT, RIGHT, TOP, FOOT = 62, 32, 26, 52


@dataclass(frozen=True)
class _Plot:
    """A plane with scales: `across` may be logarithmic."""

    across: Domain
    up: Domain
    log: bool

    def x(self, value: float) -> float:
        first, last, at = (math.log(v) if self.log else v for v in (*self.across, value))
        return round(LEFT + (at - first) / (last - first) * (WIDTH - LEFT - RIGHT), 1)

    def y(self, value: float) -> float:
        held = min(max(value, self.up[0]), self.up[1])
        share = (held - self.up[0]) / (self.up[1] - self.up[0])
        return round(HEIGHT - FOOT - share * (HEIGHT - FOOT - TOP), 1)

    def frame(self, show: Format, name: str) -> list[Markup]:
        body = []
        for tick in ticks(self.up):
            body.append(straight("grid", LEFT, WIDTH - RIGHT, self.y(tick), self.y(tick)))
            body.append(text_at("", LEFT - 8, self.y(tick) + 4, show(tick), "end"))
        for tick in _decades(self.across) if self.log else ticks(self.across, 6):
            body.append(straight("grid", self.x(tick), self.x(tick), TOP, HEIGHT - FOOT))
            body.append(text_at("", self.x(tick), HEIGHT - FOOT + 18, _count(tick), "middle"))
        body.append(text_at("label", (LEFT + WIDTH) / 2, HEIGHT - 8, name, "middle"))
        return body

    def line(self, kind: str, points: Sequence[tuple[float, float]]) -> Markup:
        path = joined([(self.x(a), self.y(b)) for a, b in points])
        return Markup('<polyline class="{}" points="{}"/>').format(kind, path)

    def dot(self, kind: str, a: float, b: float, title: str) -> Markup:
        return Markup('<circle class="point {}" cx="{}" cy="{}" r="4.5"><title>{}</title></circle>').format(
            kind, self.x(a), self.y(b), title
        )


def _decades(domain: Domain) -> list[float]:
    """1, 10, 100 … inside the range; 3, 30, 300 … as well where those are few."""
    first, last = (math.log10(v) for v in domain)
    found = [10.0**k for k in range(math.ceil(first), math.floor(last) + 1)]
    if len(found) < 3:
        found += [3 * 10.0**k for k in range(math.floor(first), math.ceil(last) + 1)]
    return sorted(v for v in found if domain[0] <= v <= domain[1])


def _count(value: float) -> str:
    return f"{value:,.0f}" if value >= 1 else f"{value:g}"


def _widened(values: Sequence[float]) -> Domain:
    """A logarithmic range around positive values."""
    return min(values) / 1.3, max(values) * 1.3


def _svg(title: str, description: str, body: Sequence[Markup]) -> Markup:
    return Markup(
        '<svg class="curve" viewBox="0 0 {} {}" role="img"><title>{}</title><desc>{}</desc>{}</svg>'
    ).format(WIDTH, HEIGHT, title, description, Markup("").join(body))


def loss_figure(curve: dict[str, Any], term: str = "loss") -> Markup | None:
    """The loss of what it learned from and of what was set aside, by passes; a mark where the latter turned.

    `curve` as `handful.evidence.training.loss_curve` makes it; `term` is the loss, or one of its terms. None
    where it has fewer than two epochs.
    """
    epochs = curve["epoch"]
    lines = [
        (kind, name, [(e, v) for e, v in zip(epochs, curve[key] or [], strict=False) if v is not None])
        for kind, name, key in (
            ("second", "what it learned from", f"train_{term}"),
            ("", "set aside", f"val_{term}"),
        )
    ]
    lines = [line for line in lines if len(line[2]) > 1]
    if not lines:
        return None
    scale = _loss_scale(sorted(v for _, _, line in lines for _, v in line))
    plot = _Plot((0.0, float(epochs[-1])), scale, False)
    body = plot.frame(lambda v: f"{v:g}", "passes over the data")
    if curve["val_loss"] is not None and curve["kept"] <= epochs[-1]:
        body.append(straight("now", plot.x(curve["kept"]), plot.x(curve["kept"]), TOP, HEIGHT - FOOT))
        body.append(text_at("muted", plot.x(curve["kept"]), TOP - 8, "kept", "middle"))
    body += [plot.line(kind, line) for kind, _, line in lines]
    described = "; ".join(
        f"{name}: from {line[0][1]:.3g} to {line[-1][1]:.3g}, lowest {min(v for _, v in line):.3g}"
        for _, name, line in lines
    )
    return _svg(f"The {term} while it learned", f"{described}.", body)


def _loss_scale(seen: Sequence[float]) -> Domain:
    """From 0, or from the lowest where a loss has no floor (a log density), to the highest of the sorted
    values; a loss may start far above everything: the picture ends at three times the middle.
    """
    lowest, middle, highest = seen[0], seen[len(seen) // 2], seen[-1]
    if lowest < 0:
        return span_of([lowest, min(highest, middle + 3 * (middle - lowest))])
    return span_of([0.0, min(highest, max(3 * middle, lowest * 1.2))], inside=(0.0, math.inf))


def capacity_figure(
    points: Sequence[dict[str, Any]], show: Format, say: Format, inside: Domain | None
) -> Markup:
    """Scores on training and held-out examples against trained numbers, which grow in equal factors."""
    known = [p[k] for p in points for k in ("train_score", "score", "low", "high")]
    plot = _Plot(_widened([p["parameters"] for p in points]), span_of(known, inside=inside), True)
    body = plot.frame(show, "trained numbers")
    for kind, key in (("second", "train_score"), ("", "score")):
        body.append(plot.line(kind, [(p["parameters"], p[key]) for p in points]))
        for p in points:
            if key == "score" and p["low"] is not None and p["high"] is not None:
                x = plot.x(p["parameters"])
                body.append(straight("whisker", x, x, plot.y(p["low"]), plot.y(p["high"])))
            body.append(
                plot.dot(kind, p["parameters"], p[key], f"{p['parameters']:,} numbers: {say(p[key])}")
            )
    described = "; ".join(
        f"{p['parameters']:,} trained numbers: training {say(p['train_score'])}, held out {say(p['score'])}"
        for p in points
    )
    return _svg("Scores against trained numbers", f"{described}.", body)


def crowd_figure(
    rows: Sequence[tuple[str, float, float, bool]], things: str, show: Format, say: Callable[[float], str]
) -> Markup:
    """Each candidate as a dot: trained numbers an example against the gap. Rows are (label, numbers, gap,
    chosen).
    """
    gaps = [gap for _, _, gap, _ in rows]
    plot = _Plot(_widened([share for _, share, _, _ in rows]), span_of([*gaps, 0.0]), True)
    body = plot.frame(show, f"trained numbers for each of the {things}")
    for label, share, gap, chosen in sorted(rows, key=lambda row: row[3]):
        times = f"{share:,.0f}" if share >= 10 else f"{share:.2g}"
        title = f"{label}: {times} times as many trained numbers as {things}, gap {say(gap)}"
        body.append(plot.dot("" if chosen else "other", share, gap, title))
    described = f"{len(rows)} candidates, gaps from {say(min(gaps))} to {say(max(gaps))}"
    return _svg("Gap against trained numbers", f"{described}.", body)
