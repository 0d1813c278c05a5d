"""What candidates had learned on the first split, once more, to be looked at.

A cell keeps predictions and no model. The networks behind features and made-up examples are remembered by
their training part (`handful.strategies.stage`), so that they are found again here without any training;
where they are not kept any more, there is nothing to look at.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from handful.backbones.engine import on_device
from handful.protocol.evaluate import take, visible
from handful.protocol.run import Run
from handful.protocol.splits import Split, labels_of
from handful.strategies.candidate import Candidate, accepts
from handful.strategies.chain import Chain
from handful.strategies.stage import only_known


@dataclass(frozen=True)
class Again:
    """A part of a candidate, fitted on the training part of a split as the cell had fitted it.

    `part` is an encoder (a step with `encode`) or a generator; it looks at what the steps `before` it make
    of the samples. `steps` are all the fitted steps of the candidate's chain.
    """

    candidate: Candidate
    split: Split
    part: Any
    before: list[Any]
    steps: list[Any]

    def seen(self, X: Any) -> Any:
        """X as the part looks at it."""
        return passed(self.before, X)

    def described(self, X: Any) -> np.ndarray:
        """X `(n, …)` as the head of the chain looks at it, `(n, d)`."""
        return np.asarray(passed(self.steps, X), dtype=float)


def passed(steps: list[Any], X: Any) -> Any:
    """X after all of the fitted steps."""
    for step in steps:
        X = step.transform(X)
    return X


def encoder_of(estimator: Any) -> Any:
    """The step of a chain that gives codes (it has `encode`), as it was given; None where there is none."""
    steps = estimator.features if isinstance(estimator, Chain) else []
    return next((step for step in steps if hasattr(step, "encode")), None)


def generator_of(estimator: Any) -> Any:
    """The generator of a candidate that learns from made-up examples too; None for all others."""
    found = getattr(estimator, "generator", None)
    return found if hasattr(found, "sample") and isinstance(estimator.estimator, Chain) else None


def encoder_again(run: Run, candidate: Candidate) -> Again:
    """The encoder of a candidate that has one; raises NotKnown where its training is not kept."""
    split = run.splits[0]
    chain = candidate.fresh(split.seed)
    last = chain.features.index(encoder_of(chain))
    X, y, beside = _given(run, split, chain)
    with _looking(run):
        fitted = _steps(chain.features[: last + 1], X, y, beside)
    return Again(candidate, split, fitted[last], fitted[:last], fitted)


def generator_again(run: Run, candidate: Candidate) -> Again:
    """The generator of a candidate that has one; raises NotKnown where its training is not kept."""
    split = run.splits[0]
    estimator = candidate.fresh(split.seed)
    generator = estimator.generator
    X, y, beside = _given(run, split, estimator)
    with _looking(run):
        steps = _steps(estimator.estimator.features, X, y, beside)
        before = steps if generator.SPACE == "features" else []
        mine = {k: v for k, v in beside.items() if accepts(generator.fit, k)}
        generator.fit(passed(before, X), y, **mine)
    return Again(candidate, split, generator, before, steps)


def _given(run: Run, split: Split, estimator: Any) -> tuple[Any, np.ndarray, dict[str, Any]]:
    """What a cell would give to `fit`: X, y, and what the estimator wants beside them."""
    X, y = take(run.dataset.X, split.train), labels_of(run.dataset, split)[split.train]
    return X, y, visible(run.dataset, split.train, estimator)


def _steps(features: list[Any], X: Any, y: np.ndarray, beside: dict[str, Any]) -> list[Any]:
    """The steps of a chain, fitted as they are before its head."""
    return Chain(features, _Nothing()).fit(X, y, **beside).features_


class _Nothing(BaseEstimator):
    """A head that learns nothing."""

    def fit(self, Z: Any, y: np.ndarray) -> _Nothing:
        return self


@contextmanager
def _looking(run: Run) -> Iterator[None]:
    with only_known(), on_device(run.settings.device):
        yield
