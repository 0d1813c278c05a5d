"""What is a function of one sample alone is computed before the cells start, once."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from handful.data.dataset import Dataset, Images
from handful.nets.device import on_device
from handful.settings import Settings
from handful.strategies.candidate import Candidate
from handful.strategies.chain import Chain
from handful.strategies.pixels import PerImage
from handful.strategies.transfer import Embedding

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
    first = [c.estimator.features[0] for c in candidates if isinstance(c.estimator, Chain)]
    for backbone in dict.fromkeys(step.backbone for step in first if isinstance(step, Embedding)):
        from handful import backbones

        def progress(done: int, total: int, name: str = backbone) -> None:
            if tell:
                tell(f"embedding with {name}", done, total)

        backbones.warm(dataset.X, backbone, device=settings.device, progress=progress)
    _warm_fronts(dataset.X, candidates, settings, tell)
    describers = {repr(step): step for step in first if isinstance(step, PerImage)}
    if describers:
        _describe(dataset.X, list(describers.values()), settings.jobs, tell)


def _warm_fronts(
    images: Images,
    candidates: Sequence[Candidate],
    settings: Settings,
    tell: Callable[[str, int, int], None] | None,
) -> None:
    """The activations of the frozen fronts that fine-tuning starts from."""
    fronts = {repr(c.estimator): c.estimator for c in candidates if hasattr(c.estimator, "warm")}
    for tuned in fronts.values():

        def progress(done: int, total: int, name: str = tuned.backbone) -> None:
            if tell:
                tell(f"preparing to fine-tune {name}", done, total)

        with on_device(settings.device):
            tuned.warm(images, progress)


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
