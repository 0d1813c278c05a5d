"""The figures of predicted values as inline SVG: truth, and what is left as an error, against prediction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from markupsafe import Markup

from handful.report.figures import Domain, Format, span_of, ticks

SIDE, FOOT = 440, 52  # width of the picture; room for the numbers below


def agreement(
    predicted: Sequence[float],
    true: Sequence[float],
    low: Sequence[float | None] | None,
    high: Sequence[float | None] | None,
    show: Format,
) -> Markup:
    """True value (up) against prediction (right), the line of agreement, and the band of the intervals."""
    domain = span_of([*predicted, *true], pad=0.04)
    frame = _Frame(domain, domain, 360, show)
    body = frame.grid()
    if low is not None and high is not None:
        body.append(frame.band(predicted, low, high))
    body.append(frame.line((domain[0], domain[0]), (domain[1], domain[1])))
    for p, t in zip(predicted, true, strict=True):
        body.append(frame.point(p, t, f"predicted {show(p)}, true {show(t)}"))
    body += frame.names("predicted", "true")
    return frame.svg(
        "True values against predictions",
        f"{len(predicted)} points; the closer to the diagonal, the better.",
        body,
    )


def errors(
    predicted: Sequence[float],
    error: Sequence[float],
    reach: Sequence[float] | None,
    show: Format,
) -> Markup:
    """By how much the truth was larger (up) or smaller (down) than the prediction (right), and the band.

    error : the truth minus the prediction; reach : how far the interval goes to each side, None for no band
    """
    most = max(abs(e) for e in [*error, *(reach or [])]) or 1.0
    frame = _Frame(span_of(predicted, pad=0.04), (-1.05 * most, 1.05 * most), 280, show)
    body = frame.grid()
    if reach is not None:
        body.append(frame.band(predicted, [-r for r in reach], list(reach)))
    body.append(frame.line((frame.across[0], 0.0), (frame.across[1], 0.0)))
    for p, e in zip(predicted, error, strict=True):
        side = "too small" if e > 0 else "too large"
        body.append(frame.point(p, e, f"predicted {show(p)}, {show(abs(e))} {side}"))
    body += frame.names("predicted", "truth minus prediction")
    return frame.svg(
        "Errors against predictions",
        f"{len(error)} points; on the line the prediction is exact, above it too small, below it too large.",
        body,
    )


class _Frame:
    """Two scales, and marks drawn on them; numbers and names beside them have the room that they need."""

    def __init__(self, across: Domain, up: Domain, height: int, show: Format) -> None:
        self.across, self.up, self.height, self.show = across, up, height, show
        self.left = 34 + 8 * max((len(show(tick)) for tick in ticks(up)), default=0)

    def x(self, value: float) -> float:
        return round(self.left + _share(value, self.across) * (SIDE - self.left - 8), 1)

    def y(self, value: float) -> float:
        return round(self.height - FOOT - _share(value, self.up) * (self.height - FOOT - 8), 1)

    def grid(self) -> list[Markup]:
        """Lines at round numbers, with the numbers."""
        bottom = self.height - FOOT
        down = [
            Markup(
                '<line class="grid" x1="{0}" x2="{0}" y1="8" y2="{1}"/>'
                '<text x="{0}" y="{2}" text-anchor="middle">{3}</text>'
            ).format(self.x(tick), bottom, bottom + 18, self.show(tick))
            for tick in ticks(self.across)
        ]
        over = [
            Markup(
                '<line class="grid" x1="{0}" x2="{1}" y1="{2}" y2="{2}"/>'
                '<text x="{3}" y="{4}" text-anchor="end">{5}</text>'
            ).format(self.left, SIDE - 8, self.y(tick), self.left - 8, self.y(tick) + 4, self.show(tick))
            for tick in ticks(self.up)
        ]
        return [*down, *over]

    def band(self, at: Sequence[float], low: Sequence[float | None], high: Sequence[float | None]) -> Markup:
        """The area between two lines; places where an end is missing are left out."""
        ends = sorted(
            (p, a, b) for p, a, b in zip(at, low, high, strict=True) if a is not None and b is not None
        )
        corners = [(self.x(p), self.y(b)) for p, _, b in ends]
        corners += [(self.x(p), self.y(a)) for p, a, _ in reversed(ends)]
        return Markup('<polygon class="band" points="{}"/>').format(" ".join(f"{a},{b}" for a, b in corners))

    def line(self, start: tuple[float, float], end: tuple[float, float]) -> Markup:
        return Markup('<line class="agreement" x1="{}" y1="{}" x2="{}" y2="{}"/>').format(
            self.x(start[0]), self.y(start[1]), self.x(end[0]), self.y(end[1])
        )

    def point(self, x: float, y: float, title: str) -> Markup:
        return Markup('<circle class="point" cx="{}" cy="{}" r="3.4"><title>{}</title></circle>').format(
            self.x(x), self.y(y), title
        )

    def names(self, across: str, up: str) -> list[Markup]:
        """What the two scales are."""
        return [
            Markup('<text class="label" x="{}" y="{}" text-anchor="middle">{}</text>').format(
                (self.left + SIDE) / 2, self.height - 8, across
            ),
            Markup(
                '<text class="label" transform="translate(14 {}) rotate(-90)" text-anchor="middle">{}</text>'
            ).format((self.height - FOOT) / 2, up),
        ]

    def svg(self, title: str, description: str, body: Iterable[Markup]) -> Markup:
        return Markup(
            '<svg class="scatter" viewBox="0 0 {} {}" role="img"><title>{}</title><desc>{}</desc>{}</svg>'
        ).format(SIDE, self.height, title, description, Markup("").join(body))


def _share(value: float, domain: Domain) -> float:
    """The part of the way through the scale, held at the ends."""
    return min(max((value - domain[0]) / (domain[1] - domain[0]), 0.0), 1.0)
