"""A person's own held-out set, scored once by the model that is served."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from handful.data import store
from handful.data.load import load_test
from handful.model.model import Model
from handful.protocol.run import Run


@dataclass(frozen=True)
class HeldOutScore:
    """The score on `n` samples, of which `seen_in_training` are also among those learned from."""

    metric: str
    value: float
    n: int
    seen_in_training: int


def score_test(run: Run, model: Model) -> HeldOutScore | None:
    """The score of the run's model on `settings.test`; None where none was given.

    Raises DataError where the set cannot be read in the way of the training data.
    """
    if run.settings.test is None:
        return None
    with tempfile.TemporaryDirectory(prefix="handful-") as folder:
        X, y, _, _ = load_test(Path(run.settings.test), model.origin, model.classes, Path(folder))
        value = run.metric.value(y, model.scores(X))
        known = np.isin(store.sample_digests(X), store.sample_digests(run.dataset.X))
    return HeldOutScore(run.metric.name, value, len(y), int(known.sum()))
