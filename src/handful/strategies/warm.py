"""What is a function of one sample alone is computed before the cells start, once."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from sklearn.base import clone

from handful.data.dataset import Dataset, Images
from handful.data.views import PLAIN
from handful.settings import Settings
from handful.strategies.candidate import Candidate
from handful.strategies.chain import Chain
from handful.strategies.pixels import PerImage
from handful.strategies.transfer import Embedding
from handful.strategies.views import Views

CHUNK = 32
SETTLED = 3.0  # seconds after which the pace says something: the first pictures wait for the engine


class _TooLong(Exception):
    """The features would not be ready in time."""


def warm(
    dataset: Dataset,
    candidates: Sequence[Candidate],
    settings: Settings,
    tell: Callable[[str, int, int], None] | None = None,
    most: Callable[[], float] | None = None,
) -> list[Candidate]:
    """Fill the cache with the embeddings and descriptors that the candidates will ask for.

    `tell(what, done, total)` hears how far it is. `most()` is how many seconds the next kind of features may
    take; what would take longer is given up, and the candidates that need it are returned.
    """
    if dataset.modality != "image":
        return []
    needs = {c.name: _first(c.estimator) for c in candidates}
    steps = {_source(step): step for found in needs.values() for step in found}
    late: set[str] = set()
    for source, step in steps.items():
        if not isinstance(step, Embedding):
            continue
        from handful import backbones

        progress = _watched(f"embedding with {source}", tell, most)
        try:
            backbones.warm(
                dataset.X, step.backbone, device=settings.device, seen=step.view, progress=progress
            )
        except _TooLong:
            late.add(source)
    describers = [step for step in steps.values() if isinstance(step, PerImage)]
    if describers:
        progress = _watched("describing pictures", tell, most)
        try:
            _describe(dataset.X, describers, settings.jobs, progress)
        except _TooLong:
            late |= {_source(step) for step in describers if len(step.missing(dataset.X))}
    return [c for c in candidates if late & {_source(step) for step in needs[c.name]}]


def _watched(
    what: str, tell: Callable[[str, int, int], None] | None, most: Callable[[], float] | None
) -> Callable[[int, int], None]:
    """Hears of the progress, passes it on, and raises _TooLong where it goes too slowly."""
    start, allowed = time.monotonic(), None if most is None else most()

    def progress(done: int, total: int) -> None:
        used = time.monotonic() - start
        if allowed is not None and used > SETTLED and used * total > allowed * max(1, done):
            raise _TooLong
        if tell:
            tell(what, done, total)

    return progress


def _first(estimator: Any) -> list[Any]:
    """What looks at the pictures themselves, once for each view."""
    if isinstance(estimator, Views):
        views = dict.fromkeys((PLAIN, *estimator.views, *estimator.averaged))
        return [clone(estimator.features[0]).set_params(view=view) for view in views]
    return [estimator.features[0]] if isinstance(estimator, Chain) else []


def _source(step: Any) -> str:
    """What is computed at once: a backbone's levels of one view, or one description."""
    if not isinstance(step, Embedding):
        return repr(step)
    return step.backbone if step.view == PLAIN else f"{step.backbone}, {step.view}"


def _describe(
    images: Images, steps: list[PerImage], jobs: int | None, progress: Callable[[int, int], None]
) -> None:
    from joblib import Parallel, delayed

    todo = [(step, missing) for step in steps if len(missing := step.missing(images))]
    chunks = [(step, images[rows[i : i + CHUNK]]) for step, rows in todo for i in range(0, len(rows), CHUNK)]
    jobs = min(jobs or os.cpu_count() or 1, len(chunks))
    if jobs <= 1:
        for done, (step, some) in enumerate(chunks, start=1):
            step.transform(some)
            progress(done, len(chunks))
        return
    work = Parallel(n_jobs=jobs, backend="loky", return_as="generator_unordered", batch_size=1)
    for done, _ in enumerate(work(delayed(_transform)(step, some) for step, some in chunks), start=1):
        progress(done, len(chunks))


def _transform(step: Any, images: Images) -> int:
    return int(np.size(step.transform(images)))
