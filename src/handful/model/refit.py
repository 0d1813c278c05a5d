"""The chosen candidate on all data."""

from __future__ import annotations

import warnings

import numpy as np
from threadpoolctl import threadpool_limits

from handful.backbones.engine import on_device
from handful.evidence.calibration import calibrate
from handful.evidence.conformal import reach_of, set_threshold
from handful.evidence.predictions import Predictions, Row
from handful.model.model import Model
from handful.model.unlike import Either, NewWords, Unlike, unlike
from handful.protocol.evaluate import has_gpu, visible
from handful.protocol.run import Run, opened
from handful.protocol.splits import units
from handful.strategies.candidate import Candidate
from handful.workers import usable_cores, workers


def refit(run: Run, predictions: Predictions, row: Row) -> Model:
    """Fit the row's candidate, or each member of a derived row, on all samples."""
    names = row.members or [row.name]
    by_name = {c.name: c for c in run.candidates}
    fitted = _fit_all(run, [by_name[name] for name in names])
    dataset = run.dataset
    model = Model(
        row.name,
        list(zip(names, fitted, strict=True)),
        dataset.task,
        dataset.modality,
        dataset.classes,
        dataset.origin,
        unlike=_unlike(run, fitted),
    )
    calibration = calibrate(predictions, row)
    if calibration is None:
        model.reach = reach_of(predictions, row)
    else:
        model.temperature = calibration.temperature
        model.offsets = None if calibration.offsets is None else calibration.offsets.tolist()
        model.threshold = set_threshold(predictions, row, calibration.temperature)
    return model


def _unlike(run: Run, fitted: list) -> Unlike | NewWords | Either | None:
    """The flag for inputs unlike the training data; no failure of it may stop a run."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return unlike(run.dataset.X, units(run.dataset), run.dataset.modality, fitted)
    except Exception:
        return None


def _fit_all(run: Run, candidates: list[Candidate]) -> list:
    """Fitted clones in the order of `candidates`; networks one after another where they share a GPU."""
    on_gpu = [c for c in candidates if c.trains_network] if has_gpu(run) else []
    fitted = {c.name: fit_on_all(run, c) for c in on_gpu}
    others = [c for c in candidates if c.name not in fitted]
    fitted |= zip((c.name for c in others), _on_workers(run, others), strict=True)
    return [fitted[c.name] for c in candidates]


def _on_workers(run: Run, candidates: list[Candidate]) -> list:
    jobs = min(run.settings.jobs_here or usable_cores(), len(candidates))
    if jobs <= 1:
        return [fit_on_all(run, c) for c in candidates]
    from joblib import Parallel, delayed

    with workers(jobs):
        return Parallel(batch_size=1)(
            delayed(_work)(str(run.folder.absolute()), run.identity, c) for c in candidates
        )


def _work(folder: str, identity: str, candidate: Candidate) -> object:
    return fit_on_all(opened(folder, identity), candidate)


def fit_on_all(run: Run, candidate: Candidate) -> object:
    """A fitted clone; the run's seed, so that every refit is the same."""
    dataset = run.dataset
    estimator = candidate.fresh(run.settings.seed)
    with threadpool_limits(1), warnings.catch_warnings(), on_device(run.settings.device):
        warnings.simplefilter("ignore")
        estimator.fit(dataset.X, dataset.y, **visible(dataset, np.arange(len(dataset)), estimator))
    return estimator
