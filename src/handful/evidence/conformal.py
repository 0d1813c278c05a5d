"""Sets of classes, and intervals of values, that hold the truth nine times out of ten.

How unlike the truth an out-of-fold prediction may be is learned from the samples themselves: the threshold is
the quantile that the n + 1 values of n known samples and a new one would have, so few samples give large
sets. The promise holds on average over new data of the same kind, not for each class or each kind of example
by itself, and it takes the refitted model for as good as the models of the folds, which knew a little less.

Vovk, Gammerman & Shafer, "Algorithmic learning in a random world", 2005; Sadinle, Lei & Wasserman, "Least
ambiguous set-valued classifiers with bounded error levels", JASA 2019; Lei et al., "Distribution-free
predictive inference for regression", JASA 2018; Barber et al., "Predictive inference with the jackknife+",
Annals of Statistics 2021.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from handful.evidence.calibration import parts, warmed
from handful.evidence.predictions import Predictions, Row

LEVEL = 0.9
MOST_NAMED = 5  # a set with more classes than a person can keep in mind says "I do not know"
UNKNOWN = "I do not know"


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


def error_bound(predictions: Predictions, row: Row) -> float:
    """How far off a prediction of a value is, at most, nine times out of ten."""
    errors, samples = _errors(predictions, row)
    return bound(np.abs(errors), len(np.unique(predictions.unit[samples])))


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
    errors, samples = _errors(predictions, row)
    unit, part = predictions.unit[samples], parts(predictions.unit)[samples]
    far, inside = np.abs(errors), np.zeros(len(errors), dtype=bool)
    for p in np.unique(part):
        here = part == p
        if not here.all():
            inside[here] = far[here] <= bound(far[~here], len(np.unique(unit[~here])))
    y = predictions.y[predictions.covered]
    spread = float(np.quantile(y, (1 + LEVEL) / 2) - np.quantile(y, (1 - LEVEL) / 2))
    half = bound(far, len(np.unique(unit)))
    return {
        "level": LEVEL,
        "covered": float(inside.mean()),
        "half_width": half,
        "width": 2 * half,
        "spread": spread,
    }


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


def _errors(predictions: Predictions, row: Row) -> tuple[np.ndarray, np.ndarray]:
    """True minus predicted of every held-out sample of every repeat, and its position."""
    assert row.oof is not None
    held = [(oof, np.flatnonzero(np.isfinite(oof))) for oof in row.oof]
    samples = np.concatenate([rows for _, rows in held])
    return predictions.y[samples] - np.concatenate([oof[rows] for oof, rows in held]), samples
