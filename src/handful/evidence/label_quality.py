"""Labels and values that look wrong, from predictions by models that had not seen them.

As in confident learning (Northcutt, Jiang & Chuang, "Confident learning: estimating uncertainty in dataset
labels", JAIR 70, 2021) a label is judged by the out-of-fold probability that it gets. What is too little is
not a threshold: each model's probabilities q are sharpened or flattened by one exponent, and a share `noise`
of labels is allowed that were drawn blindly from all K classes, so that the given labels are most likely:

    p(given) = (1 - noise) q(given) + noise / K

(the label noise of Larsen et al., "Design of robust neural network classifiers", 1998). The posterior that a
label was drawn blindly ranks it, and flags it where it is over one half. A label is flagged, too, where
another class is twenty times as likely: mistakes between classes that resemble each other are not blind.
Examples that are only hard, which q explains, are left alone; the thresholds of confident learning flag many
of them (benchmarks/label_errors.py).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from handful.evidence.predictions import Predictions, Row

FEWEST = 20  # examples below which nothing is said
FLAGGED = 0.5  # posterior above which a label is flagged
SURELY = 20.0  # times that another class must be as likely for the same
MOST_OF_A_CLASS = 0.5  # a class of which more would be flagged was not learned, and its labels are not judged
USUAL_ERRORS = 5.0  # a value further than this many usual errors from its prediction is flagged
SHARPNESS = np.exp(np.arange(-1.5, 3.01, 0.125))  # exponents tried
# What the noise must add to the log-likelihood to be believed: one for one parameter (Akaike 1974).
GAIN = 1.0
_TINY = 1e-6


@dataclass(frozen=True)
class Suspicion:
    """Positions that look wrong, most suspicious first, with what the models say instead.

    `suggested` holds codes of classes, or values; `strength` the posterior that the label is blind, or by
    how many usual errors the value is off. `judged` counts the samples that were looked at.
    """

    flagged: np.ndarray
    suggested: np.ndarray
    strength: np.ndarray
    judged: int


def suspicion(predictions: Predictions, chosen: Row) -> Suspicion | str:
    """What looks wrong; or, in words, why it cannot be said."""
    judges = judges_of(predictions, chosen)
    if not judges:
        return "nothing was learned from this data that could judge its labels"
    judged = predictions.covered
    if len(judged) < FEWEST:
        return f"with fewer than {FEWEST} examples, labels that look wrong cannot be told from hard ones"
    scores = [np.nanmean(row.oof[:, judged], axis=0) for row in judges if row.oof is not None]
    if scores[0].ndim == 1:
        order, suggested, strength = odd_values(np.mean(scores, axis=0), predictions.y[judged])
    else:
        order, suggested, strength = odd_labels(scores, predictions.y[judged])
    return Suspicion(judged[order], suggested, strength, len(judged))


def judges_of(predictions: Predictions, chosen: Row) -> list[Row]:
    """The chosen row's members, or itself.

    The baseline can judge values, which may lie far from the mean, but not labels. What decides for rare or
    dear classes judges as it would without that: else whatever resembles these would look wrong.
    """
    by_name = {row.name: row for row in predictions.rows}
    names = [by_name[name] for name in chosen.members or [chosen.name]]
    plain = [by_name.get(r.base or "", r) if r.family == "balance" else r for r in names]
    rows = [r for r in {r.name: r for r in plain}.values() if r.oof is not None]
    return [r for r in rows if r.family != "baseline" or r.oof is None or r.oof.ndim == 2]


def odd_labels(scores: list[np.ndarray], y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Positions flagged, most suspicious first, the class suggested for each, and the posterior.

    scores : out-of-fold probabilities `(n, K)` of each model; y `(n,)` the labels given.
    """
    judged = [blind(s, y) for s in scores]
    q, posterior = (np.mean(part, axis=0) for part in zip(*judged, strict=True))
    given = q[np.arange(len(y)), y].copy()
    q[np.arange(len(y)), y] = -1
    wrong = (posterior > FLAGGED) | (q.max(axis=1) > SURELY * given)
    wrong &= np.array([wrong[y == k].mean() <= MOST_OF_A_CLASS for k in range(q.shape[1])])[y]
    order = np.flatnonzero(wrong)
    order = order[np.argsort(-posterior[order], kind="stable")]
    return order, q[order].argmax(axis=1), posterior[order]


def blind(scores: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """One model's probabilities q `(n, K)`, sharpened, and the posterior `(n,)` that a label is blind."""
    n, K = scores.shape
    logs = np.log(np.clip(scores, _TINY, None))
    logs -= logs.max(axis=1, keepdims=True)
    given = []
    for power in SHARPNESS:
        given.append(np.exp(power * logs[np.arange(n), y]) / np.exp(power * logs).sum(axis=1))
    q_given = np.array(given)  # (exponents, n)
    noise = np.full((len(SHARPNESS), 1), 0.02)
    for _ in range(60):  # expectation-maximisation of the noise, for every exponent at once
        posterior = (noise / K) / ((1 - noise) * q_given + noise / K)
        noise = posterior.mean(axis=1, keepdims=True)
    likely = np.log((1 - noise) * q_given + noise / K).sum(axis=1)
    without = np.log(np.maximum(q_given, _TINY)).sum(axis=1)
    if likely.max() - without.max() < GAIN:
        likely, posterior = without, np.zeros_like(posterior)
    best = int(likely.argmax())
    q = np.exp(SHARPNESS[best] * logs)
    return q / q.sum(axis=1, keepdims=True), posterior[best]


def odd_values(predicted: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Positions flagged, the furthest off first, their predictions, and how many usual errors they are off.

    The usual error is 1.48 times the median distance (for normal errors: their standard deviation) among the
    tenth of all samples, and at least 20, whose predictions are nearest in rank: large values may err more.
    """
    error = y - predicted
    size = np.abs(error - np.median(error))
    off = size / np.maximum(usual_error(predicted, size), np.finfo(float).tiny)
    order = np.flatnonzero(off > USUAL_ERRORS)
    order = order[np.argsort(-off[order], kind="stable")]
    return order, predicted[order], off[order]


def usual_error(predicted: np.ndarray, size: np.ndarray) -> np.ndarray:
    """What is usual `(n,)` around each prediction; nowhere under a third of what is usual over all."""
    n = len(size)
    width = min(n, max(20, n // 10))
    order = np.argsort(predicted, kind="stable")
    medians = np.median(np.lib.stride_tricks.sliding_window_view(size[order], width), axis=1)
    local = np.empty(n)
    local[order] = medians[np.clip(np.arange(n) - width // 2, 0, n - width)]
    return 1.4826 * np.maximum(local, np.median(size) / 3)
