"""A person's own held-out set, scored once by the model that is served."""

from __future__ import annotations

import os
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from handful.data import store
from handful.data.load import load_test
from handful.errors import DataError
from handful.evidence.leaderboard import number
from handful.evidence.predictions import Predictions, Row
from handful.evidence.selection import SHARES, around, errors
from handful.model.model import Model
from handful.model.start import seen_before
from handful.protocol.run import Run
from handful.protocol.splits import Split
from handful.scoring import Metric

DRAWS, CELLS = 200, 20_000_000  # of as many samples as the test set has; fewer of very large sets


@dataclass(frozen=True)
class HeldOutScore:
    """The score on `n` samples, of which `seen_in_training` are also among those learned from.

    `value` is None where there is no score, and `reason` says why. Where the set could not be read, `n` and
    `seen_in_training` are None too. `noticed` tells of what was left out of it or could not be read.
    Between `low` and `high` lies what the model is worth on such samples in 95 of 100 cases.
    """

    metric: str
    value: float | None
    n: int | None
    seen_in_training: int | None
    reason: str | None = None
    noticed: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None


def score_test(run: Run, model: Model) -> HeldOutScore | None:
    """The score of the run's model on `settings.test`; None where none was given.

    A set that cannot be read in the way of the training data, or on which the model fails, has no score: it
    ends no finished comparison.
    """
    if run.settings.test is None:
        return None
    test = Path(run.settings.test)
    try:
        return _score(run, model, test)
    except DataError as error:
        named = str(error).replace(f"{test.parent}{os.sep}", "")  # a report is handed on, a folder is not
        return HeldOutScore(run.metric.name, None, None, None, named)
    except Exception as error:  # a person's own estimator may meet what it never met on the folds
        first = str(error).strip().split("\n")[0]
        why = f"the model failed on it with {type(error).__name__}: {first}"
        return HeldOutScore(run.metric.name, None, None, None, why)


def score_told(summary: dict[str, Any]) -> HeldOutScore | None:
    """The score that a report.json holds; None where the set could not be read."""
    told: dict[str, Any] = summary.get("test") or {}
    if told.get("n") is None:
        return None
    kept = {name: value for name, value in told.items() if name != "inside"}
    return HeldOutScore(**kept | {"noticed": tuple(kept.get("noticed", ()))})


def _score(run: Run, model: Model, test: Path) -> HeldOutScore:
    with tempfile.TemporaryDirectory(prefix="handful-") as folder:
        X, y, _, findings = load_test(test, model.origin, model.classes, Path(folder))
        scores = model.scores(X)
        known = np.isin(store.sample_digests(X), store.sample_digests(run.dataset.X))
        if run.settings.start_from is not None:
            known |= np.isin(X.digests, list(seen_before(run.folder)))
    metric, n = run.metric, len(y)

    def scored(weights: np.ndarray) -> np.ndarray:
        if metric.name != "log_loss":
            return metric(y, scores, weights)
        served = model.calibrated(scores)  # its doubt is in it already
        return weights @ -np.log(served[np.arange(n), y]) / weights.sum(axis=1)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # that there is no value is said by `reason`
        value = number(scored(np.ones((1, n)))[0])
        if value is None:
            low, high = None, None
        elif metric.name in SHARES or metric.costs is not None:
            low, high = (number(end) for end in interval(metric, y, scores, value))
        else:
            times = min(DRAWS, max(20, CELLS // n))
            drawn = np.random.default_rng(run.settings.seed).multinomial(n, np.full(n, 1 / n), size=times)
            ends = np.nanquantile(scored(drawn.astype(float)), [0.025, 0.975])
            low, high = number(ends[0]), number(ends[1])
    reason = _why_undefined(metric.label, y, model.classes) if value is None else None
    noticed = tuple(finding.message for finding in findings if finding.severity != "note")
    return HeldOutScore(metric.name, value, n, int(known.sum()), reason, noticed, low, high)


def interval(metric: Metric, y: np.ndarray, scores: np.ndarray, value: float) -> tuple[float, float]:
    """The 95 % interval of a share or a cost, as cross-validation has it, for a model fixed beforehand.

    y `(n,)` and scores `(n, K)` of the test set, every sample by itself; value is their score.
    """
    n = len(y)
    row = Row("model", "model", "classic", 0, oof=scores[None])
    once = Split(0, 0, train=np.arange(0), test=np.arange(n), seed=0)
    predictions = Predictions(y, np.arange(n), metric, [once], [row], [])
    found = around(predictions, value, value, float(errors(predictions, [row])[0]), row=row)
    return found.low, found.high


def _why_undefined(label: str, y: np.ndarray, classes: np.ndarray | None) -> str:
    if (y != y[0]).any():
        return f"{label} has no finite value on the test set"
    only = f"value {y[0]:.6g}" if classes is None else f"class {str(classes[y[0]])!r}"
    return f"the test set holds only the {only}, for which {label} is not defined"
