"""Sets of classes, and intervals of values, that hold the truth nine times out of ten.

How unlike the truth an out-of-fold prediction may be is learned from the samples themselves: the threshold is
the quantile that the n + 1 values of n known samples and a new one would have, so few samples give large
sets. The promise holds on average over new data of the same kind, not for each class or each kind of example
by itself, and it takes the refitted model for as good as the models of the folds, which knew a little less.

Intervals of values grow with the prediction where the errors clearly do (locally weighted residuals, Lei et
al., section 5.2): of prices, large ones are less certain.

Vovk, Gammerman & Shafer, "Algorithmic learning in a random world", 2005; Sadinle, Lei & Wasserman, "Least
ambiguous set-valued classifiers with bounded error levels", JASA 2019; Lei et al., "Distribution-free
predictive inference for regression", JASA 2018; Barber et al., "Predictive inference with the jackknife+",
Annals of Statistics 2021.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from handful.evidence.calibration import parts, warmed
from handful.evidence.predictions import Predictions, Row

LEVEL = 0.9
MOST_NAMED = 5  # a set with more classes than a person can keep in mind says "I do not know"
UNKNOWN = "I do not know"
LEVELS = (0.5, 0.8, 0.9, 0.95)  # of intervals of values that are examined
CLEAR = 2.0  # standard errors by which errors must go with the prediction, for intervals to do so
LEAST = 1 / 3  # of the mean error: no prediction is taken for much surer than the others


def strangeness(probabilities: np.ndarray) -> np.ndarray:
    """How strange each class would be as the truth, `(n, K)`: 0 for the likeliest, else 1 - probability.

    The least ambiguous sets, but for the likeliest class, which is always in: where it is right more often
    than nine times out of ten, every set is that class alone, and no set is empty.
    """
    strange = 1 - probabilities
    strange[np.arange(len(strange)), probabilities.argmax(axis=1)] = 0.0
    return strange


def bound(values: np.ndarray, units: int, level: float = LEVEL) -> float:
    """What a new value exceeds with probability 1 - level at most; the largest where the values are too few.

    `values` are pooled over repeats; `units` counts the independent samples (or groups) behind them.
    """
    share = min(1.0, np.ceil((units + 1) * level) / units)
    ordered = np.sort(values)
    return float(ordered[int(np.ceil(len(ordered) * share - 1e-9)) - 1])


def set_threshold(predictions: Predictions, row: Row, temperature: float) -> float:
    """The strangeness up to which a class is in the set."""
    values, samples, _ = _strange_truths(predictions, row, temperature)
    return _of_truths(values, predictions.unit[samples])


def sets(probabilities: np.ndarray, threshold: float) -> np.ndarray:
    """Which classes are possible, `(n, K)`."""
    return strangeness(probabilities) <= threshold + 1e-9


def unknown(possible: np.ndarray) -> np.ndarray:
    """Which sets say nothing, `(n,)`: all classes, more than five, or none."""
    size = possible.sum(axis=1)
    return (size == 0) | (size == possible.shape[1]) | (size > MOST_NAMED)


def in_words(probabilities: np.ndarray, threshold: float, classes: np.ndarray) -> list[str]:
    """Each set as a person says it: `cat`, `cat or dog`, `I do not know`; the likeliest first."""
    possible = sets(probabilities, threshold)
    nothing = unknown(possible)
    order = np.argsort(-probabilities, axis=1, kind="stable")
    said = []
    for i in range(len(possible)):
        names = [str(classes[k]) for k in order[i] if possible[i, k]]
        said.append(UNKNOWN if nothing[i] else " or ".join(filter(None, [", ".join(names[:-1]), names[-1]])))
    return said


@dataclass(frozen=True)
class Reach:
    """How far the truth may lie from a predicted value: a straight line in the prediction, with a floor."""

    start: float
    slope: float
    least: float

    def __call__(self, predicted: np.ndarray) -> np.ndarray:
        """`(n,)` in the target's unit."""
        return np.maximum(self.start + self.slope * np.asarray(predicted, dtype=float), self.least)

    def times(self, factor: float) -> Reach:
        return Reach(factor * self.start, factor * self.slope, factor * self.least)


def usual_reach(predicted: np.ndarray, size: np.ndarray, units: int) -> Reach:
    """The mean error `size` `(n,)` to be expected of a prediction; the same for all unless it clearly grows.

    A least-squares line through the errors where its slope is over two standard errors from level.
    """
    mean, middle, spread = float(size.mean()), float(predicted.mean()), float(predicted.std())
    level = Reach(mean, 0.0, mean)
    if spread <= 1e-9 * max(mean, abs(middle)) or size.std() <= 1e-9 * mean:
        return level
    correlation = float(np.corrcoef(predicted, size)[0, 1])
    if abs(correlation) * np.sqrt(units) <= CLEAR:
        return level
    slope = correlation * float(size.std()) / spread
    return Reach(mean - slope * middle, slope, LEAST * mean)


def reach_of(predictions: Predictions, row: Row, level: float = LEVEL) -> Reach:
    """How far off a prediction of a value is, at most, nine times out of ten."""
    predicted, errors, samples = _errors(predictions, row)
    return _reach(predicted, np.abs(errors), predictions.unit[samples], level, grows=_learns(row))


def _reach(predicted: np.ndarray, size: np.ndarray, unit: np.ndarray, level: float, grows: bool) -> Reach:
    units = len(np.unique(unit))
    mean = float(size.mean())
    usual = usual_reach(predicted, size, units) if grows else Reach(mean, 0.0, mean)
    if usual.least <= 0:  # no error anywhere
        return usual
    return usual.times(bound(size / usual(predicted), units, level))


def _learns(row: Row) -> bool:
    """Whether predictions differ for a reason: those of the baseline differ only by the fold."""
    return row.family != "baseline"


def conformal(predictions: Predictions, row: Row, temperature: float | None) -> dict[str, Any]:
    """What report.json says of sets or intervals, each sample judged by a threshold from others."""
    if temperature is None:
        return _intervals(predictions, row)
    values, samples, possible_at = _strange_truths(predictions, row, temperature)
    unit, part = predictions.unit[samples], parts(predictions.unit)[samples]
    inside = np.zeros(possible_at.shape, dtype=bool)
    for p in np.unique(part):
        here = part == p
        threshold = 1.0 if here.all() else _of_truths(values[~here], unit[~here])
        inside[here] = possible_at[here] <= threshold + 1e-9
    size, nothing = inside.sum(axis=1), unknown(inside)
    holds = inside[np.arange(len(samples)), predictions.y[samples]]
    return {
        "level": LEVEL,
        "covered": float((holds | nothing).mean()),
        "holds_truth": float(holds.mean()),
        "mean_size": float(size.mean()),
        "share_single": float((size == 1).mean()),
        "share_several": float(((size > 1) & ~nothing).mean()),
        "share_unknown": float(nothing.mean()),
        "threshold": _of_truths(values, unit),
        "often": _often(inside[~nothing & (size > 1)], len(samples)),
    }


def _often(inside: np.ndarray, of: int, most: int = 5) -> list[dict[str, Any]]:
    """The sets of several classes that come most often: class codes, and the share of all samples."""
    counts = Counter(tuple(np.flatnonzero(line).tolist()) for line in inside)
    ranked = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:most]
    return [{"classes": list(codes), "share": n / of} for codes, n in ranked]


def _intervals(predictions: Predictions, row: Row) -> dict[str, Any]:
    """Widths as they are told, coverage by reaches that were found on other samples."""
    predicted, errors, samples = _errors(predictions, row)
    unit, part = predictions.unit[samples], parts(predictions.unit)[samples]
    far, inside = np.abs(errors), np.zeros((len(LEVELS), len(errors)), dtype=bool)
    for p in np.unique(part):
        here = part == p
        if here.all():
            continue
        for i, level in enumerate(LEVELS):
            reach = _reach(predicted[~here], far[~here], unit[~here], level, _learns(row))
            inside[i, here] = far[here] <= reach(predicted[here])
    y = predictions.y[predictions.covered]
    spread = float(np.quantile(y, (1 + LEVEL) / 2) - np.quantile(y, (1 - LEVEL) / 2))
    own = reach_of(predictions, row)
    half = float(np.median(own(predicted)))
    ends = own(np.quantile(predicted, [0.05, 0.95]))
    held = inside[LEVELS.index(LEVEL)]
    return {
        "level": LEVEL,
        "covered": float(held.mean()),
        "half_width": half,
        "width": 2 * half,
        "grows": own.slope != 0,
        "half_width_small": float(ends[0]),
        "half_width_large": float(ends[1]),
        "spread": spread,
        "half_off": float(np.median(far)),
        "levels": [
            {"level": level, "covered": float(line.mean())}
            for level, line in zip(LEVELS, inside, strict=True)
        ],
        "thirds": _thirds(predicted, far, held),
    }


def _thirds(predicted: np.ndarray, far: np.ndarray, inside: np.ndarray) -> list[dict[str, Any]]:
    """The smallest, the middle and the largest predictions: their range, half of the errors, share inside.

    Empty where the predictions hardly differ.
    """
    third = np.searchsorted(np.quantile(predicted, [1 / 3, 2 / 3]), predicted)
    if len(np.unique(third)) < 3:
        return []
    return [
        {
            "from": float(predicted[third == k].min()),
            "to": float(predicted[third == k].max()),
            "n": int((third == k).sum()),
            "half_off": float(np.median(far[third == k])),
            "covered": float(inside[third == k].mean()),
        }
        for k in range(3)
    ]


def _strange_truths(
    predictions: Predictions, row: Row, temperature: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each held-out sample of each repeat: how strange its truth is, its position, all its classes."""
    assert row.oof is not None
    held = [(oof, np.flatnonzero(np.isfinite(oof[:, 0]))) for oof in row.oof]
    samples = np.concatenate([rows for _, rows in held])
    strange = strangeness(warmed(np.concatenate([oof[rows] for oof, rows in held]), temperature))
    return strange[np.arange(len(samples)), predictions.y[samples]], samples, strange


def _of_truths(values: np.ndarray, unit: np.ndarray) -> float:
    """The threshold; all classes are possible (1) where there are too few samples for the level."""
    units = len(np.unique(unit))
    return 1.0 if np.ceil((units + 1) * LEVEL) > units else bound(values, units)


def _errors(predictions: Predictions, row: Row) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of every held-out sample of every repeat: what was predicted, the truth minus that, its position."""
    assert row.oof is not None
    held = [(oof, np.flatnonzero(np.isfinite(oof))) for oof in row.oof]
    samples = np.concatenate([rows for _, rows in held])
    predicted = np.concatenate([oof[rows] for oof, rows in held])
    return predicted, predictions.y[samples] - predicted, samples
