"""The figures of the report as inline SVG: pure functions from data to a string.

Most are drawn with horizontal positions in per cent and text in fixed pixels, so that one figure fits a phone
and a desktop and its words stay readable. Colours are classes that the style sheet fills: they follow light,
dark and print. Each figure has a title and a description for readers who do not see it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from handful.scoring import is_whole

Domain = tuple[float, float]
Format = Callable[[float], str]

MARKERS = ("circle", "square", "diamond")
COLOURS = 8  # .c0 … .c7 in the style sheet: the palette of Okabe and Ito
SHADES = 6  # .v0 … .v5: a scale from dark to light (viridis) for a measured value


def span_of(values: Iterable[float | None], *, inside: Domain | None = None, pad: float = 0.06) -> Domain:
    """A range that holds all the values with a margin, kept `inside` what is possible (0 to 1 for shares).

    >>> span_of([0.5, 0.9], inside=(0, 1), pad=0.1)
    (0.46, 0.94)
    >>> span_of([0.9, 0.9 + 1e-16], inside=(0, 1))  # equal, but for the last bit
    (0.855, 0.945)
    """
    known = [v for v in values if v is not None]
    if not known:
        return inside or (0.0, 1.0)
    low, high = min(known), max(known)
    spread = 0.0 if math.isclose(low, high) else high - low
    margin = pad * spread or abs(high) * 0.05 or 0.05
    low, high = low - margin, high + margin
    if inside is not None:
        low, high = max(low, inside[0]), min(high, inside[1])
    if high <= low:
        return low - 0.05, high + 0.05
    return _rounded(low, high - low), _rounded(high, high - low)


def _rounded(value: float, size: float) -> float:
    """Without the last bits: to the twelfth digit of `size`, whatever the unit."""
    return round(value, 12 - math.floor(math.log10(size)))


def ticks(domain: Domain, count: int = 4) -> list[float]:
    """Round numbers inside the range, about `count` of them.

    >>> ticks((0.46, 0.94)), ticks((4e-13, 9e-13))
    ([0.5, 0.6, 0.7, 0.8, 0.9], [4e-13, 5e-13, 6e-13, 7e-13, 8e-13, 9e-13])
    """
    low, high = domain
    rough = (high - low) / count
    base = 10.0 ** math.floor(math.log10(rough))
    step = next(base * m for m in (1, 2, 5, 10) if base * m >= rough * 0.75)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [_rounded(i * step, step) for i in range(first, last + 1)]


def _at(value: float, domain: Domain) -> float:
    """Position in per cent, held at the ends."""
    low, high = domain
    return round(min(max(100 * (value - low) / (high - low), 0.0), 100.0), 2)


def _anchor(position: float) -> str:
    """Text near an end is set inwards, so that it stays in the picture."""
    return "start" if position < 12 else "end" if position > 88 else "middle"


def _svg(kind: str, height: int, title: str, description: str, body: Iterable[str]) -> Markup:
    return Markup(
        '<svg class="{}" width="100%" height="{}" role="img"><title>{}</title><desc>{}</desc>{}</svg>'
    ).format(kind, height, title, description, Markup("").join(body))


def _line(kind: str, x1: float, x2: float, y1: float, y2: float) -> Markup:
    return Markup('<line class="{}" x1="{}%" x2="{}%" y1="{}" y2="{}"/>').format(kind, x1, x2, y1, y2)


def _dot(kind: str, x: float, y: float, r: float, title: str = "") -> Markup:
    tip = Markup("<title>{}</title>").format(title) if title else ""
    return Markup('<circle class="{}" cx="{}%" cy="{}" r="{}">{}</circle>').format(kind, x, y, r, tip)


def _text(kind: str, x: float, y: float, words: str, anchor: str | None = None) -> Markup:
    return Markup('<text class="{}" x="{}%" y="{}" text-anchor="{}">{}</text>').format(
        kind, x, y, anchor or _anchor(x), words
    )


def _outside(value: float, domain: Domain, y: float) -> Markup:
    """An arrow at the end where a value lies beyond the picture."""
    mark, x, anchor = ("◂", 0, "start") if value < domain[0] else ("▸", 100, "end")
    return _text("beyond", x, y + 4, mark, anchor)


def number_line(
    value: float,
    low: float | None,
    high: float | None,
    domain: Domain,
    show: Format,
    show_tick: Format,
    *,
    baseline: float | None = None,
    baseline_label: str = "guessing",
    title: str = "Expected score",
) -> Markup:
    """The score to expect: the interval as a thick bar, the value as a dot, the baseline as a mark."""
    y = 40
    body = [_line("rail", 0, 100, y, y)]
    for tick in ticks(domain):
        x = _at(tick, domain)
        body += [_line("tick", x, x, y + 5, y + 10), _text("small", x, y + 25, show_tick(tick))]
    described = f"About {show(value)}"
    if low is not None and high is not None:
        body.append(_line("interval", _at(low, domain), _at(high, domain), y, y))
        described += f", between {show(low)} and {show(high)}"
    if baseline is not None:
        x = _at(baseline, domain)
        body += [_line("baseline", x, x, y - 12, y + 12), _text("muted", x, y + 46, baseline_label)]
        described += f"; {baseline_label}"
    x = _at(value, domain)
    body += [_dot("value", x, y, 8), _text("strong", x, y - 20, show(value))]
    return _svg("number-line", y + (52 if baseline is not None else 30), title, described + ".", body)


def hundred(low: float | None, value: float, high: float | None, things: str) -> Markup:
    """A hundred squares: right for sure, perhaps right (the interval), and wrong. Shares between 0 and 1.

    All are sure only where the low end is 1, and none may be only where the high end is 0.
    """
    low, high = value if low is None else low, value if high is None else high
    sure = round(100 * low) if is_whole(low) else min(99, round(100 * low))
    perhaps = round(100 * high) if is_whole(high) else max(1, round(100 * high))
    body = []
    for i in range(100):
        kind = "sure" if i < sure else "perhaps" if i < perhaps else "wrong"
        body.append(
            Markup('<rect class="{}" x="{}" y="{}" width="8" height="8" rx="1.6"/>').format(
                kind, i % 10 * 10 + 1, i // 10 * 10 + 1
            )
        )
    return Markup(
        '<svg class="hundred" viewBox="0 0 100 100" role="img"><title>{}</title><desc>{}</desc>{}</svg>'
    ).format(
        f"100 new {things}",
        f"{sure} filled squares are right, {perhaps - sure} pale ones may be, {100 - perhaps} are wrong.",
        Markup("").join(body),
    )


def axis(domain: Domain, show: Format, title: str) -> Markup:
    """The scale above a column of tracks."""
    body = [_line("rail", 0, 100, 21, 21)]
    for tick in ticks(domain):
        x = _at(tick, domain)
        body += [_line("tick", x, x, 17, 21), _text("small", x, 12, show(tick), "middle")]
    described = f"From {show(domain[0])} to {show(domain[1])}."
    return _svg("axis", 24, title, described, body)


def interval_track(
    value: float,
    low: float | None,
    high: float | None,
    domain: Domain,
    *,
    kind: str = "",
    reference: float | None = None,
    title: str = "",
) -> Markup:
    """One line of a chart: the score as a dot, its interval as a bar, a thin mark at the reference."""
    y = 11
    body = [_line("grid", x, x, 0, 22) for x in (_at(t, domain) for t in ticks(domain))]
    if reference is not None and domain[0] <= reference <= domain[1]:
        x = _at(reference, domain)
        body.append(_line("baseline", x, x, 0, 22))
    if low is not None and high is not None and high > domain[0] and low < domain[1]:
        body.append(_line("interval", _at(low, domain), _at(high, domain), y, y))
    inside = domain[0] <= value <= domain[1]
    body.append(_dot("value", _at(value, domain), y, 5) if inside else _outside(value, domain, y))
    return _svg(f"track {kind}".strip(), 22, title, "A dot for the score and a bar for its interval.", body)


def dumbbell(train: float, score: float, domain: Domain, *, kind: str = "", title: str = "") -> Markup:
    """Training score (ring) and score on held-out examples (dot), joined by the gap."""
    y = 11
    a, b = _at(train, domain), _at(score, domain)
    body = [_line("grid", x, x, 0, 22) for x in (_at(t, domain) for t in ticks(domain))]
    body.append(_line("gap", a, b, y, y))
    for place, value, shape in ((a, train, "ring"), (b, score, "value")):
        inside = domain[0] <= value <= domain[1]
        body.append(_dot(shape, place, y, 5) if inside else _outside(value, domain, y))
    return _svg(f"track {kind}".strip(), 22, title, "A ring for training, a dot for held-out examples.", body)


def dot_stack(
    values: Sequence[float],
    domain: Domain,
    show_tick: Format,
    *,
    mark: float | None = None,
    mark_label: str = "",
    title: str = "",
) -> Markup:
    """Values as dots, stacked where they fall together; a marked value as a line through them."""
    step, columns = 9, 40
    low, high = domain
    width = (high - low) / columns
    stacks: dict[float, int] = {}
    places = []
    for value in sorted(values):
        column = (
            low + (math.floor((value - low) / width) + 0.5) * width if len(set(values)) > columns else value
        )
        stacks[column] = stacks.get(column, 0) + 1
        places.append((column, stacks[column]))
    top = 30 + step * max(stacks.values(), default=1)
    body: list[Markup] = [_line("rail", 0, 100, top + 6, top + 6)]
    for tick in ticks(domain):
        x = _at(tick, domain)
        body += [_line("tick", x, x, top + 6, top + 11), _text("small", x, top + 26, show_tick(tick))]
    if mark is not None:
        x = _at(mark, domain)
        body += [_line("mark", x, x, 20, top + 6), _text("muted", x, 13, mark_label)]
    body += [_dot("value", _at(x, domain), top - step * (k - 1) - 2, 4) for x, k in places]
    described = f"{len(values)} dots from {show_tick(min(values))} to {show_tick(max(values))}"
    if mark is not None:
        described += f"; the line: {mark_label}"
    return _svg("dots", top + 30, title, described + ".", body)


@dataclass(frozen=True)
class Strip:
    """One family in the overview: the scores of its candidates, and the best with its interval."""

    label: str
    scores: list[tuple[str, float]]
    best: float
    low: float | None
    high: float | None
    chosen: bool = False


def family_strips(
    strips: Sequence[Strip], domain: Domain, show: Format, show_tick: Format, reference: float | None
) -> Markup:
    """A line per family, a dot per candidate; the best of each is filled and has its interval."""
    step, top = 52, 26
    bottom = top + step * len(strips)
    body: list[Markup] = []
    for tick in ticks(domain):
        x = _at(tick, domain)
        body += [_text("small", x, 12, show_tick(tick)), _line("grid", x, x, 20, bottom)]
    if reference is not None and domain[0] <= reference <= domain[1]:
        x = _at(reference, domain)
        body.append(_line("baseline", x, x, 20, bottom))
    for i, strip in enumerate(strips):
        y = top + step * i + 34
        body.append(Markup('<g class="{}">').format("chosen" if strip.chosen else ""))
        body.append(_text("name", 0, y - 16, strip.label, "start"))
        body.append(_text("number", 100, y - 16, f"best {show(strip.best)}", "end"))
        body.append(_line("rail", 0, 100, y, y))
        inside = [(name, s) for name, s in strip.scores if domain[0] <= s <= domain[1]]
        body += [_dot("other", _at(s, domain), y, 4.5, f"{name}: {show(s)}") for name, s in inside]
        if strip.low is not None and strip.high is not None:
            body.append(_line("interval", _at(strip.low, domain), _at(strip.high, domain), y, y))
        if domain[0] <= strip.best <= domain[1]:
            body.append(_dot("value", _at(strip.best, domain), y, 6))
        if len(inside) < len(strip.scores):
            body.append(_outside(min(s for _, s in strip.scores), domain, y))
        body.append(Markup("</g>"))
    described = "; ".join(f"{s.label}: best {show(s.best)} of {len(s.scores)}" for s in strips)
    return _svg("strips", bottom + 4, "Scores by kind of model", described + ".", body)


def bar(share: float, *, kind: str = "", title: str = "") -> Markup:
    """A share between 0 and 1 as a filled part of a rail."""
    width = round(100 * min(max(share, 0.0), 1.0), 2)
    body = [
        Markup('<rect class="rail" width="100%" height="8" rx="4"/>'),
        Markup('<rect class="fill" width="{}%" height="8" rx="4"/>').format(width),
    ]
    return _svg(f"bar {kind}".strip(), 8, title, f"{round(100 * share)} per cent of the bar is filled.", body)


def way(share: float, mark: float | None, *, kind: str = "", title: str = "") -> Markup:
    """How much of the way from guessing (left) to perfect (right) something goes; a tick where `mark` is."""
    width = round(100 * min(max(share, 0.0), 1.0), 2)
    body = [
        Markup('<rect class="rail" y="4" width="100%" height="8" rx="4"/>'),
        Markup('<rect class="fill" y="4" width="{}%" height="8" rx="4"/>').format(width),
    ]
    if mark is not None:
        x = round(100 * min(max(mark, 0.0), 1.0), 2)
        body.append(_line("mark", x, x, 0, 16))
    described = f"{round(width)} per cent of the way from guessing to perfect."
    return _svg(f"bar way {kind}".strip(), 16, title, described, body)


@dataclass(frozen=True)
class Point:
    """One example on the map: its place, its look (colour and marker), a ring or none, what is said of it.

    `shade` is a step of the scale of a measured value, 0 to SHADES - 1, in the place of a look.
    """

    x: float
    y: float
    look: int
    ringed: bool
    title: str
    picture: str | None = None
    text: str | None = None
    shade: int | None = None


def marker(look: int, x: float, y: float, r: float = 5.0) -> Markup:
    """The mark of a class: eight colours by three shapes, 24 different ones; neighbours differ in both."""
    colour, shape = f"c{look % COLOURS}", MARKERS[look % len(MARKERS)]
    if shape == "circle":
        return Markup('<circle class="{}" cx="{}" cy="{}" r="{}"/>').format(colour, x, y, r)
    turn = f"rotate(45 {x} {y})" if shape == "diamond" else ""
    edge = round(r * 1.8, 1)
    return Markup('<rect class="{}" x="{}" y="{}" width="{}" height="{}" transform="{}"/>').format(
        colour, round(x - edge / 2, 1), round(y - edge / 2, 1), edge, edge, turn
    )


def shaded(shade: int, x: float, y: float, r: float = 5.0) -> Markup:
    """The mark of a measured value."""
    return Markup('<circle class="v{}" cx="{}" cy="{}" r="{}"/>').format(shade, x, y, r)


def embedding_map(
    points: Sequence[Point], title: str = "Map of the examples", ringed: str = "predicted wrongly"
) -> Markup:
    """Every example as a mark; near means similar to the model. `ringed` says what a ring means."""
    width, height, margin = 640, 440, 14
    xs, ys = span_of([p.x for p in points], pad=0.0), span_of([p.y for p in points], pad=0.0)
    body = []
    for point in sorted(points, key=lambda p: p.ringed):
        x = round(margin + _at(point.x, xs) / 100 * (width - 2 * margin), 1)
        y = round(height - margin - _at(point.y, ys) / 100 * (height - 2 * margin), 1)
        ring = Markup('<circle class="wrong" cx="{}" cy="{}" r="8.5"/>').format(x, y) if point.ringed else ""
        body.append(
            Markup("<g{}{}><title>{}</title>{}{}</g>").format(
                Markup(' data-picture="{}"').format(point.picture) if point.picture else "",
                Markup(' data-text="{}"').format(point.text) if point.text else "",
                point.title,
                marker(point.look, x, y) if point.shade is None else shaded(point.shade, x, y),
                ring,
            )
        )
    rings = sum(p.ringed for p in points)
    return Markup(
        '<svg class="map" viewBox="0 0 {} {}" role="img"><title>{}</title>'
        "<desc>{} examples, {} of them {} (ringed).</desc>{}</svg>"
    ).format(width, height, title, len(points), rings, ringed, Markup("").join(body))


def legend_mark(look: int, shade: int | None = None) -> Markup:
    """The mark of a class for the legend, or of a step of the scale."""
    return Markup('<svg class="mark" width="14" height="14" aria-hidden="true">{}</svg>').format(
        marker(look, 7, 7) if shade is None else shaded(shade, 7, 7)
    )
