"""Are the probabilities as sure as they should be? One number, the temperature, sets them right.

The scores of a model are right in their order, seldom in their size: an average of many models is too modest,
a single overfitted one too sure. The temperature is fitted on out-of-fold scores, where no sample was known
to the model that scored it, and never changes which class is named.

Guo, Pleiss, Sun & Weinberger, "On calibration of modern neural networks", ICML 2017.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import minimize_scalar

from handful.evidence.predictions import Predictions, Row
from handful.evidence.selection import wilson
from handful.scoring import softmax

# Every class gets this share of belief beside what the model says, divided among the classes: a probability
# of exactly 0 (a tree, nearest neighbours) says only that the class was not met among few examples. 0.03,
# 0.06 and 0.1 did equally well on other data than that of benchmarks/conformal.py.
SPREAD = 0.06
HOTTEST, COLDEST = 20.0, 0.1
PARTS = 10  # into so many parts the samples are cut, each judged by a temperature fitted on the others
MOST_REPEATS = 3  # more repeats of the same samples would cost time and tell little
A_BIN = 25  # samples that a bin of the reliability diagram should have
MOST_BINS = 10


@dataclass(frozen=True)
class Calibration:
    """What the temperature is, and what it brought on samples that it was not fitted on.

    `before` and `after` are `(m, K)` out-of-fold probabilities, `truth` `(m,)`: m samples of up to three
    repeats.
    """

    temperature: float
    before: np.ndarray
    after: np.ndarray
    truth: np.ndarray

    @property
    def method(self) -> str:
        return "none" if self.temperature == 1.0 else "temperature"


def calibrate(predictions: Predictions, row: Row) -> Calibration | None:
    """The temperature of a row's scores; 1 where no other one helps. None for regression.

    A temperature helps where the log-loss of samples that it was not fitted on falls. Samples of one group
    are on the same side.
    """
    if row.oof is None or row.oof.ndim == 2:
        return None
    held = [(oof, np.flatnonzero(np.isfinite(oof[:, 0]))) for oof in row.oof[:MOST_REPEATS]]
    scores = np.concatenate([oof[rows] for oof, rows in held])
    samples = np.concatenate([rows for _, rows in held])
    truth, part = predictions.y[samples], parts(predictions.unit)[samples]
    plain = warmed(scores, 1.0)
    after = plain.copy()
    for p in np.unique(part):
        here = part == p
        if not here.all():
            after[here] = warmed(scores[here], fit_temperature(scores[~here], truth[~here]))
    if surprise(after, truth) >= surprise(plain, truth):
        return Calibration(1.0, scores, plain, truth)
    return Calibration(fit_temperature(scores, truth), scores, after, truth)


def warmed(scores: np.ndarray, temperature: float) -> np.ndarray:
    """Probabilities `(n, K)` at a temperature: above 1 more modest, below 1 surer, in the same order."""
    if not len(scores):
        return scores
    return softmax(np.log(scores + SPREAD / scores.shape[1]) / temperature)


def fit_temperature(scores: np.ndarray, truth: np.ndarray) -> float:
    """The temperature that makes the truth least surprising; scores `(n, K)`, truth `(n,)` codes."""
    logs = np.log(scores + SPREAD / scores.shape[1])
    found = minimize_scalar(
        lambda log: surprise(softmax(logs * np.exp(-log)), truth),
        bounds=(np.log(COLDEST), np.log(HOTTEST)),
        method="bounded",
        options={"xatol": 1e-3},
    )
    return float(np.exp(found.x))


def surprise(probabilities: np.ndarray, truth: np.ndarray) -> float:
    """Log-loss."""
    return float(-np.log(probabilities[np.arange(len(truth)), truth]).mean())


def parts(unit: np.ndarray, n: int = PARTS) -> np.ndarray:
    """A part 0…n-1 for each sample `(n,)`; samples of one unit are in the same one."""
    _, code = np.unique(unit, return_inverse=True)
    units = int(code.max()) + 1
    return (np.random.default_rng(units).permutation(units) % n)[code]


def bins_of(confidence: np.ndarray) -> np.ndarray:
    """A bin for each sample, about equally full: ten at most, fewer where there are few samples."""
    n = int(np.clip(len(confidence) // A_BIN, 1, MOST_BINS))
    edges = np.unique(np.quantile(confidence, np.linspace(0, 1, n + 1)[1:-1]))
    return np.searchsorted(edges, confidence, side="right")


def ece(probabilities: np.ndarray, truth: np.ndarray) -> float:
    """Expected calibration error: how far, on average over bins, confidence is from the share right.

    Bins are about equally full (Nixon et al. 2019); 0 is perfect, and few samples never show 0.
    """
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == truth
    return float(np.abs(np.bincount(bins_of(confidence), confidence - right)).sum() / len(truth))


def ece_by_chance(probabilities: np.ndarray, draws: int = 200) -> float:
    """The mean calibration error that perfectly honest probabilities would show on as many samples."""
    confidence = probabilities.max(axis=1)
    right = np.random.default_rng(0).random((draws, len(confidence))) < confidence
    members = np.eye(MOST_BINS)[bins_of(confidence)]  # (n, bins)
    return float(np.abs((confidence - right) @ members).sum(axis=1).mean() / len(confidence))


def reliability(probabilities: np.ndarray, truth: np.ndarray) -> list[dict[str, Any]]:
    """The bins of the reliability diagram: mean confidence, share that is right with its 95 % interval, n."""
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == truth
    where = bins_of(confidence)
    found = []
    for b in np.unique(where):
        here = where == b
        share, n = float(right[here].mean()), int(here.sum())
        low, high = wilson(share, n)
        found.append(
            {
                "confidence": float(confidence[here].mean()),
                "right": share,
                "low": low,
                "high": high,
                "n": n,
            }
        )
    return found


def calibration(found: Calibration) -> dict[str, Any]:
    """What report.json says of it."""
    return {
        "method": found.method,
        "temperature": found.temperature,
        "ece_before": ece(found.before, found.truth),
        "ece_after": ece(found.after, found.truth),
        "ece_by_chance": ece_by_chance(found.after),
        "log_loss_before": surprise(np.clip(found.before, 1e-7, None), found.truth),
        "log_loss_after": surprise(found.after, found.truth),
        "bins": reliability(found.after, found.truth),
        "bins_before": reliability(found.before, found.truth),
    }
