"""What score to expect of the chosen: never its own cross-validated score.

The best of many cross-validated scores is too good: somebody had to be lucky. Bootstrap bias-corrected
cross-validation repeats the choice on resampled out-of-fold predictions and scores each choice on the
samples that it did not see; it needs no further fit. What is served has also learned from more examples than
any fold saw; what that brings is read off the learning curve.

Tsamardinos, Greasidou & Borboudakis, "Bootstrapping the out-of-sample predictions for efficient and accurate
cross-validation", Machine Learning 107, 2018.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import t as student

from handful.evidence.bootstrap import Bootstrap
from handful.evidence.contributions import contributions, standard_error
from handful.evidence.cost_interval import reach as cost_reach
from handful.evidence.ensemble import out_of_bag, select
from handful.evidence.laws import LEAST, laws, points
from handful.evidence.predictions import Predictions, Row
from handful.evidence.shares import ROUNDING, auc_worth, effective_n, reach, wilson
from handful.scoring import REGRESSION, Metric, sample_cost

LEVEL = 0.95
# Choosing, and the luck of the training set, make the score of the chosen vary more than that of a model
# fixed beforehand; measured on 480 draws of the pools of benchmarks/coverage.py, other than those it reports.
SELECTION_FACTOR = 1.28
# That of R² and of errors of values, in which a few large ones weigh much: on 540 draws of nine cells, tables
# and made-up values, intervals with 1.28 held in 92.6 %, with this in 95.4 %.
VALUES_FACTOR = 1.8
PROPORTIONS = 100  # draws of class proportions
# Metrics that are shares of 1, for which Wilson's interval is made.
SHARES = ("accuracy", "balanced_accuracy", "roc_auc", "f1")
_TINY = 1e-9


@dataclass(frozen=True)
class Interval:
    value: float
    low: float
    high: float


def followed(predictions: Predictions) -> list[str]:
    """Those that further questions are asked of: what is served, the best deep and the best other one."""
    chosen = select(predictions)
    leaders = [best_single(predictions, deep) for deep in (True, False)]
    names = [*(chosen.members or [chosen.name]), *(row.name for row in leaders if row is not None)]
    return list(dict.fromkeys(names))


def best_single(predictions: Predictions, deep: bool) -> Row | None:
    """The candidate with the best score among those with a neural network, or among the others."""
    rows = [r for r in predictions.sound if r.members is None and r.family != "baseline" and r.deep == deep]
    gain = predictions.metric.gain
    return max(rows, key=lambda r: float(gain(predictions.score(r)[0])), default=None)


def expected(predictions: Predictions, bootstrap: Bootstrap, curve: Sequence[Predictions] = ()) -> Interval:
    """The score of the chosen model on new data, with a 95 % interval.

    The value is the mean, over the draws, of the out-of-bag score of each draw's choice, less what folds with
    the sample's own class proportions flatter, and what learning from all examples adds. `curve` has the
    followed candidates on smaller training parts, a size each. A guess learns nothing, so what it scored is
    what it will score, whatever the draws would have chosen.
    """
    metric, chosen = predictions.metric, select(predictions)
    own, error = float(predictions.score(chosen)[0]), float(errors(predictions, [chosen])[0])
    if chosen.family == "baseline":
        return around(predictions, own, own, error, _factor(metric), row=chosen)
    left_out = out_of_bag(predictions, bootstrap)
    fair = float(np.nanmean(left_out))
    if metric.name == "r2":  # on few samples the variance in its denominator makes its mean too low
        fair = unstretched(metric, float(np.nanmean(stretched(metric, left_out, LEAST))))
    gain, doubt = refit_gain(predictions, bootstrap, curve)
    value = fair - flattery(predictions, bootstrap) + float(metric.gain(gain))
    value = unstretched(metric, float(stretched(metric, value, least_error(predictions))))  # what is possible
    return around(predictions, value, own, error, _factor(metric), doubt, chosen)


def _factor(metric: Metric) -> float:
    return VALUES_FACTOR if metric.name in REGRESSION else SELECTION_FACTOR


def refit_gain(
    predictions: Predictions, bootstrap: Bootstrap, curve: Sequence[Predictions]
) -> tuple[float, float]:
    """What the chosen gains by learning from all examples instead of a training part, and its doubt.

    Read off the laws of its learning curve, in the metric's unit, more is better; 0 without a curve.
    """
    chosen = select(predictions)
    seen = points(predictions, curve, chosen, bootstrap)
    if len(seen.sizes) < 2 or chosen.family == "baseline":
        return 0.0, 0.0
    guess = float(predictions.score(predictions.baseline())[0])
    family = laws(seen, predictions.metric, guess, predictions.examples)
    full = predictions.learned_from
    return -family.mean_gain(full), family.doubt(full)


def flattery(predictions: Predictions, bootstrap: Bootstrap) -> float:
    """How much too good accuracy, or a mean cost, looks because folds have the sample's class proportions.

    A class that is common among the examples by chance is preferred by the models, and is as common among
    the held-out examples, but not in new data. With one more draw of proportions q from the sample's p, a
    model that had learned from q has scores in proportion to q / p; what it finds of each class (or what that
    costs), weighed with q - p, is the flattery; of costs it is below 0. None where all classes have the same
    number of examples: that is no chance.
    """
    y, row = predictions.y, select(predictions)
    costs = predictions.metric.costs
    judged = predictions.metric.name in ("accuracy", "cost")
    counts = np.bincount(y) if judged else np.ones(1)
    if row.oof is None or counts.min() == counts.max() or row.family == "baseline":
        return 0.0
    parts = [predictions.row(name).oof for name in row.members or [row.name]]
    scores = np.array([oof[0] for oof in parts if oof is not None])  # (members, n, K)
    held = np.flatnonzero(np.isfinite(scores[0, :, 0]))
    scores, truth = scores[:, held], np.eye(scores.shape[2])[y[held]]
    p = truth.mean(axis=0)
    found = []
    for weights in bootstrap.weights[:PROPORTIONS, held]:
        q = weights @ truth / weights.sum()
        shifted = scores * (q / np.maximum(p, _TINY))
        shifted /= shifted.sum(axis=2, keepdims=True) + _TINY
        shifted = shifted.mean(axis=0)
        paid = shifted.argmax(axis=1) == y[held] if costs is None else sample_cost(y[held], shifted, costs)
        of_class = paid @ truth / np.maximum(truth.sum(axis=0), 1)
        found.append((q - p) @ of_class)
    return float(np.mean(found))


def least_error(predictions: Predictions) -> float:
    """The smallest error that is told, in the metric's unit: what is less is rounding."""
    values = predictions.y[predictions.covered]
    unit = float(values.std()) if predictions.metric.name in ("rmse", "mae") else 1.0
    return max(LEAST * unit, float(np.finfo(float).tiny))


def stretched(metric: Metric, score: np.ndarray | float, least: float) -> np.ndarray:
    """A score on a scale without an end, where more is better; shares of 1 and costs stay on theirs.

    Errors become minus their logarithm, R² that of the part that is not explained: on this scale a learning
    curve is additive, and an interval cannot leave what is possible. Errors count as `least` at least.
    """
    score = np.asarray(score, dtype=float)
    if metric.name in SHARES:
        return score
    if metric.name == "cost":
        return -score
    return -np.log(np.maximum(1 - score if metric.name == "r2" else score, least))


def unstretched(metric: Metric, score: float) -> float:
    """The inverse of `stretched`; shares are kept between 0 and 1, costs from 0 on."""
    if metric.name in SHARES:
        return min(1.0, max(0.0, score))
    if metric.name == "cost":
        return max(0.0, -score)
    with np.errstate(over="ignore"):
        return float(1 - np.exp(-score)) if metric.name == "r2" else float(np.exp(-score))


def errors(predictions: Predictions, rows: Sequence[Row]) -> np.ndarray:
    """Standard errors `(C,)` of the rows' scores, from sample to sample, groups whole."""
    held = predictions.covered
    return standard_error(contributions(predictions, rows)[:, held], predictions.unit[held])


def around(
    predictions: Predictions,
    value: float,
    own: float,
    error: float,
    factor: float = 1.0,
    doubt: float = 0.0,
    row: Row | None = None,
) -> Interval:
    """The 95 % interval of a score to expect, `value`, made from a row's `own` score with its standard error.

    `factor` widens the error's variance, and `doubt` is the standard error of what led from one score to the
    other. Wilson's interval for shares of 1, with as many examples as the error says that they are worth, and
    for ROC-AUC no more than the classes' sizes say; for errors and R² it is made on the stretched scale, for
    costs from what each class cost with `row`, and for balanced accuracy also from what was found of each
    class.
    """
    metric, held = predictions.metric, predictions.covered
    n = len(np.unique(predictions.unit[held]))
    if metric.name in SHARES:
        assert row is not None
        unit, share = predictions.unit[held], contributions(predictions, [row])[0, held]
        worth = effective_n(share, unit)
        if metric.name == "f1" and error <= ROUNDING:
            worth = _of_each_class(predictions).min()
        if metric.name == "roc_auc":
            worth = min(worth, auc_worth(own, _of_each_class(predictions)))
        worth /= factor
        spread = value * (1 - value)
        worth = spread / (spread / worth + doubt**2) if spread > 0 else worth
        low, high = wilson(value, worth, quantile(n))
        if metric.name == "balanced_accuracy":
            below, above = _by_class(predictions, row, value - own, factor)
            low = min(low, value - float(np.hypot(below, quantile(n) * doubt)))
            high = max(high, value + float(np.hypot(above, quantile(n) * doubt)))
        return Interval(value, max(0.0, low), min(high, 1.0))
    if metric.costs is not None:
        assert row is not None
        paid = -contributions(predictions, [row])[0, held]
        below, above = cost_reach(
            paid, predictions.y[held], predictions.unit[held], metric.costs, quantile(n), factor
        )
        doubt = quantile(n) * doubt
        low, high = value - float(np.hypot(below, doubt)), value + float(np.hypot(above, doubt))
        return Interval(value, max(0.0, low), min(high, float(np.max(metric.costs))))
    least = least_error(predictions)
    slope = 1 / max(1 - own if metric.name == "r2" else own, least)
    far = quantile(n) * slope * float(np.hypot(np.sqrt(factor) * error, doubt))
    middle = float(stretched(metric, value, least))
    worse, better = (unstretched(metric, middle + side * far) for side in (-1, 1))
    if middle >= -np.log(2 * least):  # what is rounding may be nothing at all
        better = 1.0 if metric.name == "r2" else 0.0
    return Interval(value, min(worse, better), max(worse, better))


def _by_class(predictions: Predictions, row: Row, moved: float, factor: float) -> tuple[float, float]:
    """How far balanced accuracy may lie below and above, from the share that was found of each class.

    A few examples of a rare class can all be found by luck, and then the spread among all examples knows of
    no doubt about that class. So each class has Wilson's interval with as many examples as it has, and the
    distances are added in quadrature (MOVER: see `handful.evidence.cost_interval`). `moved` is how far the
    score to expect lies from the row's own.
    """
    assert row.oof is not None
    held = predictions.covered
    y, unit, scores = predictions.y[held], predictions.unit[held], row.oof[:, held]
    seen = np.isfinite(scores[..., 0])  # (R, n)
    found = ((scores.argmax(axis=2) == y) & seen).sum(axis=0) / seen.sum(axis=0)
    z, there = quantile(len(np.unique(unit))), np.unique(y)
    each = np.array([reach(found[y == k], unit[y == k], z, factor, moved) for k in there])  # (K, 2)
    below, above = np.linalg.norm(each, axis=0) / len(there)
    return float(below), float(above)


def _of_each_class(predictions: Predictions) -> np.ndarray:
    """Independent samples or groups of each class that is there `(K,)`."""
    y, unit = predictions.y[predictions.covered], predictions.unit[predictions.covered]
    return np.array([len(np.unique(unit[y == k])) for k in np.unique(y)])


def quantile(n: int) -> float:
    """How many standard errors the interval reaches to each side, for n independent samples or groups."""
    return float(student.ppf((1 + LEVEL) / 2, max(1, n - 1)))
