"""Metrics, computed from stored scores.

Every metric takes a matrix of sample weights and gives one score a row of it, so that a bootstrap over
samples (or over groups) is one call: `metric(y, scores, weights)` with y `(n,)`, scores `(n, K)` for
classification or `(n,)` for regression, weights `(B, n)`, gives `(B,)`. Without weights: the plain score.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches

import numpy as np

from handful.costs import HOW, Costs, in_words, is_cost, read_costs, written
from handful.data.dataset import Dataset
from handful.errors import SettingsError
from handful.settings import Settings

# Every class gets this share of belief beside what the model says, divided among the classes: a probability
# of exactly 0 (a tree, nearest neighbours) says only that the class was not met among few examples. What is
# served has it, so log-loss counts it. 0.03, 0.06 and 0.1 did equally well on other data than that of
# benchmarks/conformal.py.
DOUBT = 0.06

# Metrics that are about decisions and weigh the classes otherwise than their numbers do: the class to name is
# not the likeliest one. Accuracy, like log-loss, is served best by probabilities as they are.
DECISIONS = ("balanced_accuracy", "f1", "cost")


@dataclass(frozen=True)
class Metric:
    """How well predictions agree with the truth.

    `percent` says that the value is a share between 0 and 1; `words` explains it to a person, with the
    averaging and the positive class where there is one. `costs` is what each mistake costs (true classes by
    predicted ones), for the metric "cost" alone, and `asked` how that is written: `key` gives it again.
    """

    name: str
    label: str
    higher_is_better: bool
    percent: bool
    words: str
    function: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
    costs: Costs | None = None
    asked: str = ""

    @property
    def key(self) -> str:
        """What `get_metric` makes this metric of."""
        return self.asked or self.name

    def __call__(self, y: np.ndarray, scores: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
        """The score for each row of `weights` `(B, n)`; NaN where it is not defined."""
        weights = np.ones((1, len(y))) if weights is None else np.atleast_2d(weights)
        with np.errstate(invalid="ignore", divide="ignore"):
            return self.function(y, scores, weights)

    def value(self, y: np.ndarray, scores: np.ndarray) -> float:
        """One plain number."""
        return float(self(y, scores)[0])

    def gain(self, score: np.ndarray | float) -> np.ndarray | float:
        """The score with its sign turned where less is better, so that more is always better."""
        return score if self.higher_is_better else -np.asarray(score)


# Shares nearer to 0 or 1 are that, but for the rounding of the machine.
_WHOLE = 1e-9


def is_whole(share: float) -> bool:
    """Whether a share is nothing or all."""
    return share < _WHOLE or share > 1 - _WHOLE


def per_cent(share: float, decimals: int = 0) -> str:
    """A share without its sign; with more decimals where it would read as 0 or 100 and is not.

    >>> per_cent(0.873), per_cent(0.996), per_cent(2999 / 3000, 1), per_cent(1.0)
    ('87', '99.6', '99.97', '100')
    """
    text = f"{100 * share:.{decimals}f}"
    while float(text) in (0, 100) and not is_whole(share):
        decimals += 1
        text = f"{100 * share:.{decimals}f}"
    return text


def places(value: float, perfect: float, decimals: int, most: int = 6) -> int:
    """So many decimals, or the few more, up to `most`, with which what is not perfect does not read so.

    >>> places(0.873, 1.0, 3), places(0.9997, 1.0, 3), places(1.0, 1.0, 3)
    (3, 4, 3)
    """
    if value == perfect:
        return decimals
    enough = (d for d in range(decimals, most + 1) if float(f"{value:.{d}f}") != perfect)
    return next(enough, decimals)


def softmax(margins: np.ndarray) -> np.ndarray:
    """Rows `(n, K)` to probabilities; the largest stays the largest."""
    powers = np.exp(margins - margins.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def _accuracy(y: np.ndarray, scores: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return weights @ (scores.argmax(axis=1) == y).astype(float) / weights.sum(axis=1)


def _balanced_accuracy(y: np.ndarray, scores: np.ndarray, weights: np.ndarray) -> np.ndarray:
    correct = (scores.argmax(axis=1) == y).astype(float)
    members = np.eye(scores.shape[1])[y]  # (n, K)
    recall = (weights * correct) @ members / (weights @ members)  # (B, K)
    return np.nanmean(recall, axis=1)


def doubted(scores: np.ndarray) -> np.ndarray:
    """Scores `(n, K)` as probabilities none of which is 0, in the same order."""
    p = scores + DOUBT / scores.shape[1]
    return p / p.sum(axis=1, keepdims=True)


def sample_log_loss(y: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """The log-loss of each sample, `(n,)`, of scores with a little `DOUBT`."""
    return -np.log(doubted(scores)[np.arange(len(y)), y])


def _log_loss(y: np.ndarray, scores: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return weights @ sample_log_loss(y, scores) / weights.sum(axis=1)


def _auc_of_class(positive: np.ndarray, score: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Share of (positive, negative) pairs in the right order; ties count half."""
    order = np.argsort(score, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(score[order]) != 0])
    p = np.add.reduceat(weights[:, order] * positive[order], starts, axis=1)
    q = np.add.reduceat(weights[:, order] * ~positive[order], starts, axis=1)
    below = np.cumsum(q, axis=1) - q / 2
    return (p * below).sum(axis=1) / (p.sum(axis=1) * q.sum(axis=1))


def _roc_auc(y: np.ndarray, scores: np.ndarray, weights: np.ndarray) -> np.ndarray:
    K = scores.shape[1]
    if K == 2:
        return _auc_of_class(y == 1, scores[:, 1], weights)
    return np.nanmean([_auc_of_class(y == k, scores[:, k], weights) for k in range(K)], axis=0)


def _f1_of_class(y: np.ndarray, predicted: np.ndarray, k: int, weights: np.ndarray) -> np.ndarray:
    hits = weights @ ((y == k) & (predicted == k)).astype(float)
    total = weights @ ((y == k).astype(float) + (predicted == k))
    return np.where(total > 0, 2 * hits / total, np.nan)


def _f1(positive: int | None) -> Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]:
    def f1(y: np.ndarray, scores: np.ndarray, weights: np.ndarray) -> np.ndarray:
        predicted = scores.argmax(axis=1)
        classes = range(scores.shape[1]) if positive is None else [positive]
        return np.nanmean([_f1_of_class(y, predicted, k, weights) for k in classes], axis=0)

    return f1


def sample_cost(y: np.ndarray, scores: np.ndarray, costs: Costs) -> np.ndarray:
    """What the prediction of each sample costs, `(n,)`."""
    return np.array(costs)[y, scores.argmax(axis=1)]


def cost_metric(costs: Costs, classes: Sequence[str]) -> Metric:
    """The mean cost of a sample."""

    def mean_cost(y: np.ndarray, scores: np.ndarray, weights: np.ndarray) -> np.ndarray:
        return weights @ sample_cost(y, scores, costs) / weights.sum(axis=1)

    words = (
        f"What the mistakes cost, averaged over all examples: {in_words(costs, classes)}. "
        "A right answer costs nothing."
    )
    return Metric("cost", "mean cost", False, False, words, mean_cost, costs, written(costs, classes))


def _mean_squared(y: np.ndarray, predicted: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return weights @ (y - predicted) ** 2 / weights.sum(axis=1)


def _rmse(y: np.ndarray, predicted: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return np.sqrt(_mean_squared(y, predicted, weights))


def _mae(y: np.ndarray, predicted: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return weights @ np.abs(y - predicted) / weights.sum(axis=1)


def _r2(y: np.ndarray, predicted: np.ndarray, weights: np.ndarray) -> np.ndarray:
    centred = y - y.mean()  # for the digits' sake: the variance below is a difference of two sums
    mean = weights @ centred / weights.sum(axis=1)
    variance = weights @ centred**2 / weights.sum(axis=1) - mean**2
    return 1 - _mean_squared(y, predicted, weights) / np.where(variance > 0, variance, np.nan)


CLASSIFICATION = ("accuracy", "balanced_accuracy", "log_loss", "roc_auc", "f1")
REGRESSION = ("r2", "rmse", "mae")


def get_metric(name: str, task: str, y: np.ndarray, classes: np.ndarray | None) -> Metric:
    """The metric called `name` for this target, which may be costs: see `handful.costs`.

    y holds codes into `classes` (classification) or values (regression). F1 in a two-class problem is that
    of the rarer class; with more classes it is the plain mean over classes (macro), as is ROC-AUC (one class
    against the rest).

    Raises SettingsError for a name that is unknown or belongs to the other task.
    """
    names = CLASSIFICATION if task == "classification" else REGRESSION
    key = name.lower().replace("-", "_").replace(" ", "_")
    if is_cost(name) and classes is not None:
        names_of = [str(c) for c in classes]
        return cost_metric(read_costs(name, names_of), names_of)
    key = "cost" if is_cost(name) else key
    if key not in names:
        other = REGRESSION if task == "classification" else (*CLASSIFICATION, "cost")
        near = get_close_matches(key, names, n=1)
        why = "belongs to the other kind of problem" if key in other else "is unknown"
        hint = f" Did you mean {near[0]!r}?" if near else ""
        if task == "classification" and any(word in key for word in ("recall", "sensitivity", "precision")):
            hint = (
                " Whoever always, or nearly never, names a class has a perfect one of these: take "
                "balanced_accuracy or f1, which ask for both. The report tells the recall of each class."
            )
        costs = f", or costs: {HOW}" if task == "classification" else ""
        raise SettingsError(
            f"metric {name!r} {why}; this is a {task} problem, and its metrics are "
            f"{', '.join(names)}{costs}.{hint}"
        )
    if key == "f1":
        return _f1_metric(y, classes)
    if key == "roc_auc" and classes is not None and len(classes) > 2:
        words = _METRICS[key].words + " With more than two classes: each against the rest, averaged."
        return replace(_METRICS[key], words=words)
    return _METRICS[key]


def choose_metric(dataset: Dataset, settings: Settings) -> Metric:
    """The metric asked for, or the task's default on the samples that scores count."""
    y = dataset.y[~dataset.copies]
    name = settings.metric or default_metric(dataset.task, y, dataset.classes)
    return get_metric(name, dataset.task, y, dataset.classes)


def default_metric(task: str, y: np.ndarray, classes: np.ndarray | None) -> str:
    """Accuracy, balanced accuracy where the largest class is over three times the smallest, or R².

    With three times as many, always saying the largest of two is right in three of four cases, and a model
    that finds nothing of the smaller class looks good. Up to there accuracy, which everybody understands,
    still speaks of all classes.
    """
    if task == "regression":
        return "r2"
    counts = np.bincount(y, minlength=0 if classes is None else len(classes))
    return "balanced_accuracy" if counts.max() > 3 * counts.min() else "accuracy"


def _f1_metric(y: np.ndarray, classes: np.ndarray | None) -> Metric:
    positive = None
    found = "How well it finds {} without naming it where it is not"
    balance = "the balance of recall and precision; 100% is perfect."
    words = f"{found.format('each class')}, averaged over the classes with equal weight: {balance}"
    if classes is not None and len(classes) == 2:
        counts = np.bincount(y, minlength=2)
        positive = 0 if counts[0] < counts[1] else 1
        words = f"{found.format(f'the class {str(classes[positive])!r} (the rarer one)')}: {balance}"
    return Metric("f1", "F1", True, True, words, _f1(positive))


_METRICS = {
    m.name: m
    for m in (
        Metric(
            "accuracy", "accuracy", True, True, "The share of examples that are predicted right.", _accuracy
        ),
        Metric(
            "balanced_accuracy",
            "balanced accuracy",
            True,
            True,
            "The share predicted right in each class, averaged: small classes count as much as large ones.",
            _balanced_accuracy,
        ),
        Metric(
            "log_loss",
            "log-loss",
            False,
            False,
            "How surprised the model is by the truth (0 is perfect): it punishes sure mistakes.",
            _log_loss,
        ),
        Metric(
            "roc_auc",
            "ROC-AUC",
            True,
            True,
            "How often an example of the class gets a higher score than one of another (0.5 is chance).",
            _roc_auc,
        ),
        Metric(
            "r2",
            "R²",
            True,
            False,
            "The share of the target's variance that is explained (0: no better than the mean, 1: perfect).",
            _r2,
        ),
        Metric(
            "rmse",
            "RMSE",
            False,
            False,
            "The typical size of an error, in the target's unit; large errors weigh more.",
            _rmse,
        ),
        Metric(
            "mae",
            "mean absolute error",
            False,
            False,
            "The average size of an error, in the target's unit.",
            _mae,
        ),
    )
}
