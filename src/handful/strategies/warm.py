"""What is a function of one sample alone is computed before the cells start, once."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from handful.data.dataset import Dataset, Images
from handful.settings import Settings
from handful.strategies.candidate import Candidate
from handful.strategies.chain import Chain
from handful.strategies.pixels import PerImage
from handful.strategies.transfer import Embedding

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
    needs = {c.name: c.estimator.features[0] for c in candidates if isinstance(c.estimator, Chain)}
    late: list[Any] = []
    for backbone in dict.fromkeys(step.backbone for step in needs.values() if isinstance(step, Embedding)):
        from handful import backbones

        progress = _watched(f"embedding with {backbone}", tell, most)
        try:
            backbones.warm(dataset.X, backbone, device=settings.device, progress=progress)
        except _TooLong:
            late.append(backbone)
    describers = {repr(step): step for step in needs.values() if isinstance(step, PerImage)}
    if describers:
        progress = _watched("describing pictures", tell, most)
        try:
            _describe(dataset.X, list(describers.values()), settings.jobs, progress)
        except _TooLong:
            late += [repr(step) for step, missing in _undone(dataset.X, list(describers.values())) if missing]
    return [
        c
        for c in candidates
        if c.name in needs and getattr(needs[c.name], "backbone", repr(needs[c.name])) in late
    ]


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


def _undone(images: Images, steps: list[PerImage]) -> list[tuple[PerImage, int]]:
    return [(step, len(step.missing(images))) for step in steps]


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
