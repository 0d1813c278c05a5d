"""The law of a learning curve: how a score grows with the number of examples.

The points of a curve are the scores of one candidate that learned from smaller parts of the training parts,
all on the same held-out examples. Through them goes a weighted inverse power law, score(m) = a - b m^-c
(Figueroa et al., "Predicting sample size required for classification performance", BMC Medical Informatics
and Decision Making 12:8, 2012). With a hundred examples the points are too noisy for its three parameters, so
a whole family of such laws is weighed instead: by how well each agrees with the points, whose noise and
common examples a bootstrap over samples tells, and by how curves usually go. What is usual was measured on
other data sets (docs/evidence.md): the next doubling brings about half of (learned so far) times (left to
learn), as in logistic growth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from handful.evidence.bootstrap import Bootstrap
from handful.evidence.predictions import Predictions, Row
from handful.scoring import REGRESSION, Metric

DRAWS = 200  # of the bootstrap: enough for the covariance of five points
# The usual curve, measured on the tuning pools of benchmarks/forecast.py and on none of its results: the gain
# of the next doubling in units of learned x left (and the spread of its logarithm), and the exponent c. Other
# metrics than accuracy were only looked at on a few pools.
USUAL_STEP, STEP_SPREAD = 0.5, 0.4
# That of costs is accuracy's where guessing is wrong every second time: derived, not measured.
USUAL_STEP_OF = {"r2": 0.25, "f1": 0.25, "rmse": 0.2, "mae": 0.2, "cost": 0.25}
USUAL_EXPONENT, EXPONENT_SPREAD = 0.25, 0.8
FAINT = 0.01  # what is called learned, at the least
LEAST = 1e-9  # of the scale of an error of values: what is less is rounding
FLAT = 0.02  # how often a curve has already come to its end
# Beyond the noise of the held-out examples a point strays because other training parts were possible (a share
# of the scale of the score), and because real curves are no exact laws: by so many usual steps a halving.
STRAY, STRAY_PER_HALVING = 0.005, 0.8
# The grid of laws: multiples of the usual step, and exponents.
_STEPS = np.concatenate([[0.0], np.geomspace(0.1, 4.0, 40)])
_EXPONENTS = np.array([0.1, 0.2, 0.3, 0.45, 0.65, 0.9, 1.2])


@dataclass(frozen=True)
class Points:
    """Scores of one row at P training sizes, smallest first, the last from the whole training parts.

    `scores` `(P,)`, and `draws` `(P, B)` for bootstrapped held-out examples, are those of the metric.
    """

    sizes: np.ndarray
    scores: np.ndarray
    draws: np.ndarray


@dataclass(frozen=True)
class Laws:
    """M inverse power laws through the (unknown) level at n examples, each with its weight; more is better.

    Law i gains `step[i]` when the n examples are doubled, with the exponent `exponent[i]`.
    """

    n: int
    step: np.ndarray
    exponent: np.ndarray
    weight: np.ndarray
    misfit: float

    def gain(self, m: float) -> np.ndarray:
        """What each law says that the score changes from n to m examples, `(M,)`."""
        return self.step * (1 - (m / self.n) ** -self.exponent) / (1 - 2.0**-self.exponent)

    def mean_gain(self, m: float) -> float:
        return float(self.weight @ self.gain(m))

    def doubt(self, m: float) -> float:
        """The standard deviation of that gain over the laws."""
        return float(np.sqrt(self.weight @ (self.gain(m) - self.mean_gain(m)) ** 2))

    def examples_for(self, gain: np.ndarray) -> np.ndarray:
        """Examples in all that each law needs for each gain `(G,)`: `(M, G)`; infinite if never."""
        step, c = self.step[:, None], self.exponent[:, None]
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            left = 1 - gain * (1 - 2.0**-c) / step
            needed = self.n * np.where(left > 0, left, 0.0) ** (-1 / c)
        return np.where(gain <= 0, self.n, needed)


def points(
    predictions: Predictions, thinned: Sequence[Predictions], row: Row, bootstrap: Bootstrap
) -> Points:
    """The row's scores at every training size: of a derived row, those of its members' mean."""
    weights = bootstrap.weights[:DRAWS]
    found: dict[float, tuple[float, np.ndarray]] = {}
    for part in [*thinned, predictions]:
        scores = _first_repeat(part, row.members or [row.name])
        if scores is None:
            continue
        held = np.flatnonzero(np.isfinite(scores.reshape(len(scores), -1)[:, 0]))
        y, scores = part.y[held], scores[held]
        found[part.learned_from] = float(part.metric(y, scores)[0]), part.metric(y, scores, weights[:, held])
    sizes = sorted(found)
    return Points(
        np.array(sizes), np.array([found[s][0] for s in sizes]), np.array([found[s][1] for s in sizes])
    )


def _first_repeat(part: Predictions, names: Sequence[str]) -> np.ndarray | None:
    """The mean of the named rows' scores in the first repeat; None where one has none."""
    oofs = [row.oof[0] for row in part.rows if row.name in names and row.oof is not None]
    return np.mean(oofs, axis=0) if len(oofs) == len(names) else None


def laws(points: Points, metric: Metric, baseline: float, n: int) -> Laws:
    """The family of inverse power laws, weighed. baseline: the score of guessing."""
    worst, scores = float(metric.gain(baseline)), np.asarray(metric.gain(points.scores))
    unit = scale_of(metric, baseline)
    scores = np.maximum(scores, worst - unit)  # what is far worse than guessing says no more than that
    draws = np.maximum(metric.gain(points.draws), worst - unit)
    draws = draws[:, np.isfinite(draws).all(axis=0)]
    perfect = 1.0 if metric.higher_is_better else 0.0
    # Of n examples that are all right half a one may yet be wrong; errors of values may be of any size.
    least = LEAST if metric.name in REGRESSION else 0.5 / n
    last = min(scores[-1], perfect - least * unit)
    scale = max(last - worst, FAINT * unit) * (perfect - last) / unit
    scale *= USUAL_STEP_OF.get(metric.name, USUAL_STEP)
    steps, exponents = (a.ravel() for a in np.meshgrid(_STEPS, _EXPONENTS, indexing="ij"))
    halvings = np.log2(points.sizes[-1] / points.sizes)
    noise = np.cov(draws) if draws.shape[1] > 1 else np.zeros((len(scores), len(scores)))
    noise = np.atleast_2d(noise) + np.diag((unit * STRAY + STRAY_PER_HALVING * scale * halvings) ** 2)
    shape = (1 - (points.sizes / n) ** -exponents[:, None]) / (1 - 2.0 ** -exponents[:, None])
    strays = scores - scale * steps[:, None] * shape  # (M, P); a law's level is whatever fits it best
    precision = np.linalg.inv(noise)
    level = strays @ precision.sum(axis=1) / precision.sum()
    strays = strays - level[:, None]
    misfit = np.einsum("mp,pq,mq->m", strays, precision, strays)
    believed = _usual(steps, exponents) - misfit / 2
    possible = scale * steps / (1 - 2.0**-exponents) <= perfect - last
    believed = np.where(possible, believed, -np.inf)
    weight = np.exp(believed - believed.max())
    return Laws(n, scale * steps, exponents, weight / weight.sum(), float(misfit[possible].min()))


def scale_of(metric: Metric, baseline: float) -> float:
    """The scale of a score: 1 for shares and R², the error of guessing for errors."""
    return 1.0 if metric.higher_is_better else abs(baseline) or 1.0


def _usual(steps: np.ndarray, exponents: np.ndarray) -> np.ndarray:
    """The logarithm of how often such a law is met; steps in multiples of the usual one."""
    away = np.log(np.where(steps > 0, steps, 1.0)) / STEP_SPREAD
    spacing = np.log(_STEPS[2] / _STEPS[1]) / STEP_SPREAD
    rising = np.log((1 - FLAT) * spacing * norm.pdf(away))
    from_usual = np.log(exponents / USUAL_EXPONENT) / EXPONENT_SPREAD
    return np.where(steps > 0, rising, np.log(FLAT)) - from_usual**2 / 2
