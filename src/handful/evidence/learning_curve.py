"""How the score grows with the number of examples, and what more labels would bring.

Learning curves are not always well-behaved (Yan, Mohr & Viering, "LCDB 1.1", 2025: about 14 % are not). Where
this one is not, or where nothing was learned yet, the answer is that one cannot tell.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import chi2, norm

from handful.evidence.bootstrap import Bootstrap
from handful.evidence.ensemble import select
from handful.evidence.laws import STRAY, Laws, Points, laws, points, scale_of
from handful.evidence.leaderboard import number
from handful.evidence.predictions import Predictions, Row
from handful.evidence.selection import LEVEL, Interval, best_single
from handful.scoring import Metric

BAND = 0.8  # of the forecasts: a forecast is a guide, and four in five is what one can act on
AHEAD = (1.5, 2.0, 4.0)  # times the examples at hand; further was not tested and is not told
# Selection and the luck of the examples at hand make the level err more than its interval says ...
LEVEL_FACTOR = 1.2
# ... and what one set of examples had in luck, a larger one has not: the gain varies by this share of it for
# the first doubling, and with the root of the number of doublings.
LUCK = 0.35

CLASSES_REASON = (
    "What more labels of one class would bring cannot be told: in our simulations neither the curve of a "
    "class nor leaving out half of it foresaw it better than saying that nothing changes."
)


@dataclass(frozen=True)
class Curve:
    """One row's curve: its points, the laws through them, and the score to expect at n, with its error.

    `level` and `error` are in the direction in which more is better. `doubt` says why one cannot tell.
    """

    row: Row
    roles: list[str]
    points: Points
    laws: Laws
    metric: Metric
    level: float
    error: float
    doubt: str | None

    @property
    def best(self) -> float:
        """What no score can exceed."""
        return 1.0 if self.metric.higher_is_better else 0.0

    def forecast(self, m: float) -> tuple[Interval, Interval]:
        """The score to expect from m examples, and the gain over n (more is better), with 80 % bands."""
        gain, z, room = self.laws.gain(m)[:, None], _normal(), max(self.best - self.level, 0.0)
        weight = np.repeat(self.laws.weight / len(z), len(z))
        middle = min(self.laws.mean_gain(m), room)
        luck = LUCK * self.error * np.sqrt(max(0.0, np.log2(m / self.laws.n))) * z
        gains = _quantiles((gain + luck).ravel(), weight, ENDS)
        levels = _quantiles(np.minimum(self.level + self.error * z + gain, self.best).ravel(), weight, ENDS)
        value = min(self.level + middle, self.best)
        ends = [float(self.metric.gain(v)) for v in (levels[0], levels[1])]
        score = Interval(float(self.metric.gain(value)), min(ends), max(ends))
        return score, Interval(middle, float(min(gains[0], middle)), float(max(gains[1], middle)))

    def needed(self, target: float) -> tuple[float, float, float]:
        """Examples in all to reach the target: the middle, and both ends of the 80 % band."""
        z = _normal()
        gap = float(self.metric.gain(target)) - (self.level + self.error * z)
        weight = np.repeat(self.laws.weight / len(z), len(z))
        low, middle, high = _quantiles(self.laws.examples_for(gap).ravel(), weight, (ENDS[0], 0.5, ENDS[1]))
        return float(middle), float(low), float(high)


ENDS = ((1 - BAND) / 2, (1 + BAND) / 2)


def _normal() -> np.ndarray:
    """21 values that stand for a standard normal distribution."""
    return norm.ppf((np.arange(21) + 0.5) / 21)


def _quantiles(values: np.ndarray, weight: np.ndarray, at: Sequence[float]) -> np.ndarray:
    """Weighted quantiles; values may be infinite."""
    order = np.argsort(values, kind="stable")
    below = np.cumsum(weight[order])
    places = np.searchsorted(below, np.array(at) * below[-1])
    return values[order][np.minimum(places, len(values) - 1)]


def curves(
    predictions: Predictions, thinned: Sequence[Predictions], bootstrap: Bootstrap, told: Interval
) -> list[Curve]:
    """Of the chosen row first, then of the best deep and the best other single candidate where they differ.

    `told` is the score to expect of the chosen one: its curve goes through it. Having been the best of many
    flatters the others as much, so theirs are moved by the same amount.
    """
    metric, rows = predictions.metric, _followed_rows(predictions)
    n = predictions.examples
    baseline = predictions.baseline()
    guess = points(predictions, [], baseline, bootstrap)
    spread = 2 * float(norm.ppf((1 + LEVEL) / 2))
    error = LEVEL_FACTOR * (told.high - told.low) / spread
    found: list[Curve] = []
    flattered = 0.0
    for row, roles in rows:
        seen = points(predictions, thinned, row, bootstrap)
        family = laws(seen, metric, float(guess.scores[-1]), n)
        level = float(metric.gain(seen.scores[-1])) - family.mean_gain(float(seen.sizes[-1]))
        if not found:
            flattered = level - float(metric.gain(told.value))
        doubt = _doubt(row, seen, guess, family, metric)
        if not np.isfinite(error):
            doubt = "the score to expect has no bounds"
        found.append(Curve(row, roles, seen, family, metric, level - flattered, error, doubt))
    return found


def _followed_rows(predictions: Predictions) -> list[tuple[Row, list[str]]]:
    roles: dict[str, list[str]] = {}
    for role, row in (
        ("chosen", select(predictions)),
        ("deep", best_single(predictions, deep=True)),
        ("traditional", best_single(predictions, deep=False)),
    ):
        if row is not None:
            roles.setdefault(row.name, []).append(role)
    return [(predictions.row(name), known) for name, known in roles.items()]


def _doubt(row: Row, seen: Points, guess: Points, family: Laws, metric: Metric) -> str | None:
    """Why one cannot tell how the curve goes on; None where one can."""
    ahead = metric.gain(seen.draws[-1]) - np.asarray(metric.gain(guess.draws[-1]))
    if row.family == "baseline" or np.nanmean(ahead > 0) < 0.9:
        return (
            "no model is clearly better than guessing yet, and when it will begin to learn cannot be foreseen"
        )
    if len(seen.sizes) < 3:
        return (
            "there are too few examples to learn from smaller parts of them, "
            f"so the curve has {len(seen.sizes)} point{'s' if len(seen.sizes) > 1 else ''} only"
        )
    scores, draws = np.asarray(metric.gain(seen.scores)), np.asarray(metric.gain(seen.draws))
    fall = scores[:-1] - scores[-1]
    noise = np.nanstd(draws[:-1] - draws[-1], axis=1) + STRAY * scale_of(metric, float(guess.scores[-1]))
    if (fall > 2 * noise).any():
        size = round(seen.sizes[int(np.argmax(fall / noise))])
        return f"the score was better with {size} training examples than with all: the curve falls"
    if family.misfit > chi2.ppf(0.99, len(seen.sizes) - 1):
        return "the points do not lie on any curve of the usual kind"
    return None


def learning_curve(found: Sequence[Curve]) -> dict[str, Any]:
    """The curves for report.json; scores are those of the metric, a gain is better if larger."""
    return {
        "n": found[0].laws.n,
        "band": BAND,
        "curves": [_as_json(curve) for curve in found],
        "classes": None,
        "classes_reason": CLASSES_REASON,
    }


def _as_json(curve: Curve) -> dict[str, Any]:
    # Having been chosen flatters the points; they are moved to where the score to expect says that they
    # belong.
    seen, metric = curve.points, curve.metric
    own = metric.gain(seen.scores[-1]) - curve.laws.mean_gain(float(seen.sizes[-1]))
    moved = curve.level - float(own)
    line: dict[str, Any] = {
        "roles": curve.roles,
        "name": curve.row.name,
        "label": curve.row.label,
        "points": [
            _point(
                round(float(size)),
                metric,
                float(metric.gain(score)) + moved,
                np.asarray(metric.gain(draws)) + moved,
            )
            for size, score, draws in zip(seen.sizes, seen.scores, seen.draws, strict=True)
        ],
        "doubt": curve.doubt,
        "forecasts": [],
        "line": [],
    }
    if curve.doubt is not None:
        return line
    n = curve.laws.n
    line["forecasts"] = [_forecast_json(curve, times * n) for times in AHEAD]
    for m in np.geomspace(seen.sizes[0], AHEAD[-1] * n, 25):
        score, _ = curve.forecast(float(m))
        values = {"score": number(score.value), "low": number(score.low), "high": number(score.high)}
        line["line"].append({"n": round(float(m), 1), **values})
    return line


def _forecast_json(curve: Curve, m: float) -> dict[str, Any]:
    score, gain = curve.forecast(m)
    return {
        "n": round(m),
        "score": number(score.value),
        "low": number(score.low),
        "high": number(score.high),
        "gain": number(gain.value),
        "gain_low": number(gain.low),
        "gain_high": number(gain.high),
    }


def _point(size: int, metric: Metric, better: Any, draws: Any) -> dict[str, Any]:
    low, high = np.nanquantile(np.asarray(draws), ENDS)
    ends = [float(metric.gain(v)) for v in (low, high)]
    return {
        "n": size,
        "score": number(float(metric.gain(better))),
        "low": number(min(ends)),
        "high": number(max(ends)),
    }


def labels_needed(curve: Curve, target: float) -> dict[str, Any]:
    """How many more examples reach the target score, from-to; `status` says what kind of answer it is.

    "reached": the score to expect is there already. "needed": `more` examples, `low` to `high`; `high` is
    None beyond four times the examples at hand, where nothing is told. "beyond": more than that, at least
    `low`. "cannot tell": `reason` says why.
    """
    answer: dict[str, Any] = {
        "target": float(target),
        "more": None,
        "low": None,
        "high": None,
        "reason": None,
    }
    n, far = curve.laws.n, AHEAD[-1] * curve.laws.n
    if curve.level >= float(curve.metric.gain(target)):
        return answer | {"status": "reached", "more": 0}
    if curve.doubt is not None:
        return answer | {"status": "cannot tell", "reason": curve.doubt}
    middle, low, high = curve.needed(target)
    if low > far:
        return answer | {"status": "beyond", "low": round(far - n)}
    answer |= {"low": round(low - n), "high": round(high - n) if high <= far else None}
    if middle > far:
        return answer | {"status": "beyond"}
    return answer | {"status": "needed", "more": max(1, round(middle - n))}


def next_targets(curve: Curve) -> list[float]:
    """The next round scores ahead of the present one: two of them, or fewer near perfection."""
    level, metric = float(curve.metric.gain(curve.level)), curve.metric
    if metric.higher_is_better:
        ladder = [*np.arange(0.1, 0.9, 0.1), 0.85, 0.9, 0.95, 0.98, 0.99, 0.995]
        return [round(float(t), 3) for t in sorted(ladder) if t > level + 0.005][:2]
    return [float(f"{level * share:.3g}") for share in (0.9, 0.75)]
