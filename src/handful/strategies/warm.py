"""What is a function of one sample alone is computed before the cells start, once."""

from __future__ import annotations

import os
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


def warm(
    dataset: Dataset,
    candidates: Sequence[Candidate],
    settings: Settings,
    tell: Callable[[str, int, int], None] | None = None,
) -> None:
    """Fill the cache with the embeddings and descriptors that the candidates will ask for.

    `tell(what, done, total)` hears how far it is.
    """
    if dataset.modality != "image":
        return
    first = [step for c in candidates for step in _first(c.estimator)]
    encoders = dict.fromkeys((step.backbone, step.view) for step in first if isinstance(step, Embedding))
    for backbone, view in encoders:
        from handful import backbones

        what = f"embedding with {backbone}" + ("" if view == PLAIN else f", {view}")

        def progress(done: int, total: int, what: str = what) -> None:
            if tell:
                tell(what, done, total)

        backbones.warm(dataset.X, backbone, device=settings.device, seen=view, progress=progress)
    describers = {repr(step): step for step in first if isinstance(step, PerImage)}
    if describers:
        _describe(dataset.X, list(describers.values()), settings.jobs, tell)


def _first(estimator: Any) -> list[Any]:
    """What looks at the pictures themselves, once for each view."""
    if isinstance(estimator, Views):
        views = dict.fromkeys((PLAIN, *estimator.views, *estimator.averaged))
        return [clone(estimator.features[0]).set_params(view=view) for view in views]
    return [estimator.features[0]] if isinstance(estimator, Chain) else []


def _describe(
    images: Images, steps: list[PerImage], jobs: int | None, tell: Callable[[str, int, int], None] | None
) -> None:
    from joblib import Parallel, delayed

    todo = [(step, missing) for step in steps if len(missing := step.missing(images))]
    chunks = [(step, images[rows[i : i + CHUNK]]) for step, rows in todo for i in range(0, len(rows), CHUNK)]
    jobs = min(jobs or os.cpu_count() or 1, len(chunks))
    if jobs <= 1:
        for step, some in chunks:
            step.transform(some)
        return
    work = Parallel(n_jobs=jobs, backend="loky", return_as="generator_unordered", batch_size=1)
    for done, _ in enumerate(work(delayed(_transform)(step, some) for step, some in chunks), start=1):
        if tell:
            tell("describing pictures", done, len(chunks))


def _transform(step: Any, images: Images) -> int:
    return int(np.size(step.transform(images)))
