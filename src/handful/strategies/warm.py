"""What is a function of one sample alone is computed before the cells start, once."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone

from handful.backbones.engine import on_device
from handful.data.dataset import Dataset
from handful.data.texts import as_array
from handful.data.views import PLAIN
from handful.settings import Settings
from handful.strategies.ablation import LeftOut
from handful.strategies.candidate import Candidate
from handful.strategies.chain import Chain, learns_from_unlabelled
from handful.strategies.contrastive import ContrastiveClassifier
from handful.strategies.embedding import Embedding, TextEmbedding, Together
from handful.strategies.finetune import FineTunedClassifier, FineTunedRegressor
from handful.strategies.more_texts import MoreTexts
from handful.strategies.named import NamedClasses
from handful.strategies.pixels import PerImage
from handful.strategies.squeezed import content
from handful.strategies.synthesis import plain
from handful.strategies.tables import TableEncoder
from handful.strategies.views import Views
from handful.workers import usable_cores, workers

CHUNK = 32
UNLABELLED = ", without labels"  # behind the name of a kind of features of what has none
TUNED = FineTunedClassifier, FineTunedRegressor, ContrastiveClassifier
Tuned = FineTunedClassifier | FineTunedRegressor | ContrastiveClassifier
KEPT = Embedding, TextEmbedding, PerImage
Step = Embedding | TextEmbedding | PerImage | Tuned
SETTLED = 2.0  # seconds after which the pace says something


class _TooLong(Exception):
    """The features would not be ready in time, but only after so many `seconds` more."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


def warm(
    dataset: Dataset,
    candidates: Sequence[Candidate],
    settings: Settings,
    tell: Callable[[str, int, int], None] | None = None,
    most: Callable[[bool], float] | None = None,
    first: Collection[str] = (),
) -> list[Candidate]:
    """Fill the cache with the embeddings and descriptors that the candidates will ask for.

    `tell(what, done, total)` hears how far it is. What the candidates named by `first` need comes first.
    `most(others)` is how many seconds the next kind of features may take, which only `others` than those
    need; what would take longer is given up, and the candidates that need it are returned. Where all would,
    the quickest kind is computed nevertheless: something must be tried.
    """
    asked = {c.name: _asked(c.estimator, dataset) for c in candidates}
    work = {kind: about for wanted in asked.values() for kind, about in wanted.items()}
    soon = {kind for name, wanted in asked.items() if name in first for kind in wanted}
    ready: set[str] = set()
    late: dict[str, float] = {}
    # What is unlabelled comes last: fewer candidates need it.
    order = sorted(work, key=lambda kind: (kind not in soon, kind.endswith(UNLABELLED), _turn(work[kind][0])))
    for kind in order:
        if all(wanted.keys() & late.keys() for wanted in asked.values() if kind in wanted):
            continue  # who needs it waits in vain for something else
        try:
            _prepare(kind, *work[kind], settings, tell, None if most is None else most(kind not in soon))
            ready.add(kind)
        except _TooLong as error:
            late[kind] = error.seconds
    if late and not ready:
        quickest = min(late, key=lambda kind: late[kind])
        _prepare(quickest, *work[quickest], settings, tell, None)
        ready.add(quickest)
    return [c for c in candidates if not asked[c.name].keys() <= ready]


def _asked(estimator: Any, dataset: Dataset) -> dict[str, tuple[Step, Any]]:
    """What is to be computed for an estimator, by kind: of labelled samples, of others, of what is made."""
    look = _in_columns if dataset.modality == "table" else _in_samples
    asked = look(estimator, dataset.X)
    if dataset.unlabelled is not None and learns_from_unlabelled(estimator):
        more = look(estimator, dataset.unlabelled)
        asked |= {f"{kind}{UNLABELLED}": about for kind, about in more.items()}
    if isinstance(estimator, MoreTexts):
        # In a fold each text may show more of its copies than here; those are computed when they are needed.
        copies = look(estimator, estimator.made(dataset.X)[0])
        asked |= {f"{kind}, {estimator.way}": about for kind, about in copies.items()}
    if isinstance(estimator, (NamedClasses, ContrastiveClassifier)) and estimator.names:
        names = look(estimator, as_array(list(estimator.names)))
        asked |= {f"{kind}, names of classes": about for kind, about in names.items()}
    return asked


def _in_samples(estimator: Any, X: Any) -> dict[str, tuple[Step, Any]]:
    return {_kind(step): (step, X) for step in _needs(estimator)}


def _in_columns(estimator: Any, X: pd.DataFrame) -> dict[str, tuple[Step, Any]]:
    """The texts and pictures of a table's columns, which its encoders look at."""
    found: dict[str, tuple[Step, Any]] = {}
    estimator = plain(estimator)
    for step in estimator.features if isinstance(estimator, Chain) else []:
        if isinstance(step, LeftOut):
            X = step.transform(X)
        for look, name in step.looks(X) if isinstance(step, TableEncoder) else []:
            found[f"{_kind(look)} ({name})"] = look, content(X[[name]])
    return found


def _turn(step: Step) -> tuple[int, bool]:
    """Networks first, plain pictures before views of them, and last what only fine-tuning asks for."""
    if isinstance(step, TUNED):
        return 2, False
    return int(isinstance(step, PerImage)), getattr(step, "view", PLAIN) != PLAIN


def _needs(estimator: Any) -> list[Step]:
    """What looks at the samples themselves; at pictures once for each view."""
    estimator = plain(estimator)
    if isinstance(estimator, TUNED):
        return [estimator] if estimator.depth is not None else []
    if not isinstance(estimator, Chain) or not estimator.features:
        return []
    first = estimator.features[0]
    if isinstance(first, Together):
        return [part for part in first.parts if isinstance(part, KEPT)]
    if not isinstance(first, KEPT):
        return []
    if not isinstance(estimator, Views):
        return [first]
    views = dict.fromkeys((PLAIN, *estimator.views, *estimator.averaged))
    return [clone(first).set_params(view=view) for view in views]


def _kind(step: Step) -> str:
    """What is computed at once: all levels of a backbone for one view, one description, or a frozen front."""
    if isinstance(step, ContrastiveClassifier):
        return f"{step.backbone} front {step.depth}"
    if isinstance(step, TUNED):
        return f"{step.backbone} front {step.level} {step.depth} {step.size} {step.views}"
    if isinstance(step, PerImage):
        return repr(step)
    if isinstance(step, TextEmbedding):
        return step.backbone
    return step.backbone if step.view == PLAIN else f"{step.backbone}, {step.view}"


def _prepare(
    kind: str,
    step: Step,
    X: Any,
    settings: Settings,
    tell: Callable[[str, int, int], None] | None,
    most: float | None,
) -> None:
    """Compute one kind of features; _TooLong where that would take more than `most` seconds."""
    if isinstance(step, PerImage):
        _describe(X, step, settings.jobs_here, _watched("describing pictures", tell, most))
        return
    if isinstance(step, TUNED):
        with on_device(settings.device):
            step.warm(X, _watched(f"preparing to fine-tune {step.backbone}", tell, most))
        return
    watched = _watched(f"embedding with {kind}", tell, most)
    if isinstance(step, TextEmbedding):
        step.warm(X, settings.device, watched)
        return
    from handful import backbones

    backbones.warm(X, step.backbone, device=settings.device, seen=step.view, progress=watched)


def _watched(
    what: str, tell: Callable[[str, int, int], None] | None, most: float | None
) -> Callable[[int, int], None]:
    """Hears of the progress, passes it on, and raises _TooLong where it goes too slowly.

    The pace is taken from the first call on: before it, engines and workers are started.
    """
    start = time.monotonic()
    seen: list[tuple[float, int]] = []

    def progress(done: int, total: int) -> None:
        now = time.monotonic()
        seen.append((now, done))
        since, fresh = now - seen[0][0], done - seen[0][1]
        if most is not None and fresh > 0 and since > SETTLED:
            rest = (total - done) * since / fresh
            if now - start + rest > most:
                raise _TooLong(rest)
        if tell:
            tell(what, done, total)

    return progress


def _describe(images: Any, step: PerImage, jobs: int | None, progress: Callable[[int, int], None]) -> None:
    from joblib import Parallel, delayed

    rows = step.missing(images)
    chunks = [images[rows[i : i + CHUNK]] for i in range(0, len(rows), CHUNK)]
    jobs = min(jobs or usable_cores(), len(chunks))
    if jobs <= 1:
        for done, some in enumerate(chunks, start=1):
            step.transform(some)
            progress(done, len(chunks))
        return
    with workers(jobs):
        work = Parallel(return_as="generator_unordered", batch_size=1)
        for done, _ in enumerate(work(delayed(_transform)(step, some) for some in chunks), start=1):
            progress(done, len(chunks))


def _transform(step: Any, images: Any) -> int:
    return int(np.size(step.transform(images)))
