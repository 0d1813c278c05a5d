"""Whether anything was learned at all: does the best candidate do more than luck can?

The best of many candidates beats a guess even on labels that have nothing to do with the examples. So the
labels are shuffled against the stored predictions, very many times, and each time the best candidate is taken
again: what it reaches then is luck (the largest of many statistics: Westfall & Young, "Resampling-based
multiple testing", 1993; permutation of labels: Ojala & Garriga, JMLR 11, 2010). Nothing is fitted again, and
that leaves out one thing: two examples of which each helped to predict the other are right or wrong together,
so on noise a cross-validated score varies more than shuffled predictions do. In the extreme each pair of
examples counts twice, and the error is too small by the root of 2; `TOGETHER` is what simulations needed
(benchmarks/nothing_to_learn.py).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from handful.evidence.contributions import contributions, deviations
from handful.evidence.predictions import Predictions, Row
from handful.scoring import Metric, doubted

SHUFFLES = 1000
LEVEL = 0.95
TOGETHER = 1.25


@dataclass(frozen=True)
class Signal:
    """`lead` is how far the best candidate stands above luck, in units of its spread; `reach` how far luck
    goes in 95 of 100 cases. `gain` is what the chosen row scores beyond the baseline (more is better).
    """

    found: bool
    lead: float
    reach: float
    gain: float


def signal(predictions: Predictions, chosen: Row, seed: int = 0) -> Signal:
    """Whether the data taught anything: candidates beat luck, and the chosen one beats the baseline.

    Derived rows are left out of the comparison with luck: they are made of the candidates in it.
    """
    rows = [r for r in predictions.sound if r.family != "baseline" and r.members is None]
    gain = predictions.metric.gain
    score, floor = (float(predictions.score(r)[0]) for r in (chosen, predictions.baseline()))
    ahead = float(gain(score)) - float(gain(floor))
    if not rows or chosen.family == "baseline":
        return Signal(False, 0.0, 0.0, ahead)
    held = predictions.covered
    y = predictions.y[held]
    paid = [_paid(predictions, row)[held] for row in rows]
    if (
        paid[0].ndim == 1
    ):  # in units of their spread, so that what is called rounding does not depend on theirs
        unit = float(y.std()) or 1.0
        y, paid = (y - y.mean()) / unit, [p / unit for p in paid]
    random = np.random.default_rng([seed, 19])
    shuffles = np.array([random.permutation(len(y)) for _ in range(SHUFFLES)])
    truth, luck = _totals(paid, y, shuffles)  # (C,), (B, C)
    centre, spread = luck.mean(axis=0), luck.std(axis=0) * np.sqrt(_design(predictions, rows))
    varies = spread > 1e-12 * max(1.0, float(spread.max()))
    if not varies.any():
        return Signal(False, 0.0, 0.0, ahead)
    lead = float(((truth - centre) / np.where(varies, spread, np.inf)).max())
    widest = ((luck - centre) / np.where(varies, luck.std(axis=0), np.inf)).max(axis=1)
    reach = TOGETHER * float(np.quantile(widest, LEVEL))
    return Signal(bool(lead > reach and ahead > 0), lead, reach, ahead)


def _totals(paid: list[np.ndarray], y: np.ndarray, shuffles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What each row earns under the true labels `(C,)` and under the shuffled ones `(B, C)`."""
    if paid[0].ndim == 1:  # values: how predictions and truth go together
        table = np.array(paid)
        return table @ y, y[shuffles] @ table.T
    truth, luck = np.zeros(len(paid)), np.zeros((len(shuffles), len(paid)))
    shuffled = y[shuffles]
    for k in range(paid[0].shape[1]):
        table = np.array([p[:, k] for p in paid])
        truth += table @ (y == k)
        luck += (shuffled == k).astype(float) @ table.T
    return truth, luck


def _paid(predictions: Predictions, row: Row) -> np.ndarray:
    """What a row would earn for each sample, were its label k: `(n, K)`; for values its centred predictions.

    Averaged over repeats, 0 where a sample was not held out. The metric, up to terms that no shuffle changes.
    """
    assert row.oof is not None
    n = len(predictions.y)
    total = np.zeros(row.oof.shape[1:])
    times = np.zeros(n)
    for oof in row.oof:
        held = np.flatnonzero(np.isfinite(oof.reshape(n, -1)[:, 0]))
        total[held] += _pay(predictions.metric, predictions.y[held], oof[held])
        times[held] += 1
    return (total.T / np.maximum(times, 1)).T


def _pay(metric: Metric, y: np.ndarray, scores: np.ndarray) -> np.ndarray:
    if scores.ndim == 1:
        return scores - scores.mean()
    K = scores.shape[1]
    sizes = np.maximum(np.bincount(y, minlength=K), 1)
    if metric.name == "log_loss":
        return np.log(doubted(scores))
    if metric.name == "roc_auc":
        from scipy.stats import rankdata

        return rankdata(scores, axis=0) / (sizes * np.maximum(len(y) - sizes, 1))
    if metric.costs is not None:
        return -np.array(metric.costs)[:, scores.argmax(axis=1)].T
    named = np.eye(K)[scores.argmax(axis=1)]
    if metric.name == "balanced_accuracy":
        return named / sizes
    if metric.name == "f1":
        return named / (sizes + named.sum(axis=0))
    return named


def _design(predictions: Predictions, rows: list[Row]) -> np.ndarray:
    """How much more each row's score varies because whole groups are right or wrong together; 1 or more."""
    held = predictions.covered
    if len(np.unique(predictions.unit[held])) == len(held):
        return np.ones(len(rows))
    share = contributions(predictions, rows)[:, held]
    grouped, alone = (
        (deviations(share, unit) ** 2).sum(axis=1) for unit in (predictions.unit[held], np.arange(len(held)))
    )
    return np.maximum(1.0, grouped / np.where(alone > 0, alone, np.inf))
