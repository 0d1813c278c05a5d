"""Are the probabilities as sure as they should be? A temperature, and offsets of classes, set them right.

The scores of a model are right in their order, seldom in their size: an average of many models is too modest,
a single overfitted one too sure. The temperature is fitted on out-of-fold scores, where no sample was known
to the model that scored it. Where the metric wants rare or dear classes to be named more often than they are
likeliest (`scoring.DECISIONS`), scores are those of classes in other shares, and no temperature makes
probabilities of them: there each class has an offset too. Which class is named stays what the scores say.

A few samples that are all right would call for probabilities of 1. So each truth counts as if it might be
another class, as often as in one of n + 2 (Platt, "Probabilistic outputs for support vector machines", 1999).

Guo, Pleiss, Sun & Weinberger, "On calibration of modern neural networks", ICML 2017 (the temperature);
Alexandari, Kundaje & Shrikumar, "Maximum likelihood with bias-corrected calibration is hard-to-beat at label
shift adaptation", ICML 2020 (with offsets).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import minimize, minimize_scalar

from handful.evidence.predictions import Predictions, Row
from handful.evidence.shares import wilson
from handful.scoring import DECISIONS, DOUBT, doubted, softmax

HOTTEST, COLDEST = 20.0, 0.1
PARTS = 10  # into so many parts the samples are cut, each judged by a temperature fitted on the others
MOST_REPEATS = 3  # more repeats of the same samples would cost time and tell little
Fit = Callable[[np.ndarray, np.ndarray, float], tuple[float, np.ndarray | None]]
A_BIN = 25  # samples that a bin of the reliability diagram should have
MOST_BINS = 10


@dataclass(frozen=True)
class Calibration:
    """What sets the scores right, and what it brought on samples that it was not fitted on.

    `offsets` are log-odds `(K,)` for the classes, or None. `before` and `after` are `(m, K)` out-of-fold
    scores and probabilities, `truth` `(m,)`: m samples of up to three repeats.
    """

    temperature: float
    offsets: np.ndarray | None
    before: np.ndarray
    after: np.ndarray
    truth: np.ndarray

    @property
    def method(self) -> str:
        if self.offsets is not None:
            return "temperature and offsets"
        return "none" if self.temperature == 1.0 else "temperature"

    @property
    def named(self) -> np.ndarray:
        """The class that each of the m samples is taken for."""
        return self.before.argmax(axis=1)

    def probabilities(self, scores: np.ndarray) -> np.ndarray:
        """Of other scores `(n, K)` of the same row."""
        return warmed(scores, self.temperature, self.offsets)


def calibrate(predictions: Predictions, row: Row) -> Calibration | None:
    """The temperature of a row's scores, and offsets; 1 and None where no other helps. None for regression.

    One helps where the log-loss of samples that it was not fitted on falls. Samples of one group are on the
    same side.
    """
    if row.oof is None or row.oof.ndim == 2:
        return None
    held = [(oof, np.flatnonzero(np.isfinite(oof[:, 0]))) for oof in row.oof[:MOST_REPEATS]]
    scores = np.concatenate([oof[rows] for oof, rows in held])
    samples = np.concatenate([rows for _, rows in held])
    truth, part = predictions.y[samples], parts(predictions.unit)[samples]
    doubt = 1 / (len(np.unique(predictions.unit[samples])) + 2)
    found = Calibration(1.0, None, scores, warmed(scores, 1.0), truth)
    ways: list[Fit] = [_temperature_alone]
    if predictions.metric.name in DECISIONS:
        ways.append(fit_offsets)
    for fit in ways:
        after = warmed(scores, 1.0)
        for p in np.unique(part):
            here = part == p
            if not here.all():
                after[here] = warmed(scores[here], *fit(scores[~here], truth[~here], doubt))
        if surprise(after, truth, doubt) < surprise(found.after, truth, doubt):
            temperature, offsets = fit(scores, truth, doubt)
            found = Calibration(temperature, offsets, scores, after, truth)
    return found


def warmed(scores: np.ndarray, temperature: float, offsets: np.ndarray | None = None) -> np.ndarray:
    """Probabilities `(n, K)` at a temperature: above 1 more modest, below 1 surer, in the same order.

    With `offsets` `(K,)` classes become likelier or less likely by these log-odds, in another order.
    """
    if not len(scores):
        return scores
    logs = np.log(scores + DOUBT / scores.shape[1]) / temperature
    return softmax(logs if offsets is None else logs + offsets)


def _temperature_alone(scores: np.ndarray, truth: np.ndarray, doubt: float) -> tuple[float, None]:
    return fit_temperature(scores, truth, doubt), None


def fit_temperature(scores: np.ndarray, truth: np.ndarray, doubt: float = 0.0) -> float:
    """The temperature that makes the truth least surprising; scores `(n, K)`, truth `(n,)` codes.

    `doubt` is how likely each truth is another class after all.
    """
    logs = np.log(scores + DOUBT / scores.shape[1])
    found = minimize_scalar(
        lambda log: surprise(softmax(logs * np.exp(-log)), truth, doubt),
        bounds=(np.log(COLDEST), np.log(HOTTEST)),
        method="bounded",
        options={"xatol": 1e-3},
    )
    return float(np.exp(found.x))


def fit_offsets(scores: np.ndarray, truth: np.ndarray, doubt: float = 0.0) -> tuple[float, np.ndarray]:
    """Temperature and offsets `(K,)` that make the truth least surprising; the offsets add up to 0.

    A class without an example counts as if it had half of one, so that no offset is without end.
    """
    logs, K = np.log(scores + DOUBT / scores.shape[1]), scores.shape[1]
    meant = _meant(truth, K, doubt)
    share = np.maximum(meant.mean(axis=0), 0.5 / len(truth))

    def loss(found: np.ndarray) -> tuple[float, np.ndarray]:
        p = softmax(found[0] * logs + found[1:])
        off = p.mean(axis=0) - share
        slope = ((p - meant) * logs).sum(axis=1).mean()
        return surprise(p, truth, doubt), np.append(slope, off)

    bounds = [(1 / HOTTEST, 1 / COLDEST)] + [(-10.0, 10.0)] * K
    found = minimize(loss, np.append(1.0, np.zeros(K)), jac=True, bounds=bounds, method="L-BFGS-B").x
    return float(1 / found[0]), found[1:] - found[1:].mean()


def surprise(probabilities: np.ndarray, truth: np.ndarray, doubt: float = 0.0) -> float:
    """Log-loss, where each truth is another class with the probability `doubt`."""
    meant = _meant(truth, probabilities.shape[1], doubt)
    return float(-(meant * np.log(np.maximum(probabilities, 1e-300))).sum(axis=1).mean())


def _meant(truth: np.ndarray, K: int, doubt: float) -> np.ndarray:
    """The truth as probabilities `(n, K)`."""
    return np.where(np.eye(K)[truth] > 0, 1 - doubt, doubt / max(1, K - 1))


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


def ece(probabilities: np.ndarray, truth: np.ndarray, named: np.ndarray | None = None) -> float:
    """Expected calibration error: how far, on average over bins, confidence is from the share right.

    `named` `(n,)` are the classes that are named, the likeliest unless given; confidence is in them. Bins are
    about equally full (Nixon et al. 2019); 0 is perfect, and few samples never show 0.
    """
    confidence, right = _confidence(probabilities, truth, named)
    return float(np.abs(np.bincount(bins_of(confidence), confidence - right)).sum() / len(truth))


def _confidence(
    probabilities: np.ndarray, truth: np.ndarray, named: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """(probability of the class that is named, whether it is right) of each sample."""
    named = probabilities.argmax(axis=1) if named is None else named
    return probabilities[np.arange(len(named)), named], named == truth


def ece_by_chance(confidence: np.ndarray, draws: int = 200) -> float:
    """The mean calibration error that a perfectly honest confidence `(n,)` would show on as many samples."""
    right = np.random.default_rng(0).random((draws, len(confidence))) < confidence
    members = np.eye(MOST_BINS)[bins_of(confidence)]  # (n, bins)
    return float(np.abs((confidence - right) @ members).sum(axis=1).mean() / len(confidence))


def reliability(
    probabilities: np.ndarray, truth: np.ndarray, named: np.ndarray | None = None
) -> list[dict[str, Any]]:
    """The bins of the reliability diagram: mean confidence, share that is right with its 95 % interval, n."""
    confidence, right = _confidence(probabilities, truth, named)
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
        "offsets": None if found.offsets is None else found.offsets.tolist(),
        "ece_before": ece(found.before, found.truth),
        "ece_after": ece(found.after, found.truth, found.named),
        "ece_by_chance": ece_by_chance(_confidence(found.after, found.truth, found.named)[0]),
        "log_loss_before": surprise(doubted(found.before), found.truth),
        "log_loss_after": surprise(found.after, found.truth),
        "bins": reliability(found.after, found.truth, found.named),
        "bins_before": reliability(found.before, found.truth),
    }
