"""The chosen candidate on all data."""

from __future__ import annotations

import warnings

import numpy as np
from threadpoolctl import threadpool_limits

from handful.evidence.predictions import Predictions, Row
from handful.model.model import Model
from handful.protocol.evaluate import visible
from handful.protocol.run import Run, opened
from handful.strategies.candidate import Candidate


def refit(run: Run, predictions: Predictions, row: Row) -> Model:
    """Fit the row's candidate, or each member of a derived row, on all samples."""
    names = row.members or [row.name]
    by_name = {c.name: c for c in run.candidates}
    fitted = _fit_all(run, [by_name[name] for name in names])
    dataset = run.dataset
    return Model(
        row.name,
        list(zip(names, fitted, strict=True)),
        dataset.task,
        dataset.modality,
        dataset.classes,
        dataset.origin,
        residual_quantiles(predictions, row) if dataset.task == "regression" else None,
    )


def residual_quantiles(predictions: Predictions, row: Row, level: float = 0.95) -> tuple[float, float]:
    """Errors between which `level` of new samples should fall, from the out-of-fold predictions.

    The quantiles are those of n + 1 values, as in split-conformal prediction (Lei et al. 2018), so that few
    samples give wide intervals.
    """
    assert row.oof is not None
    errors = np.sort((predictions.y - np.nanmean(row.oof, axis=0))[predictions.covered])
    n, tail = len(errors), (1 - level) / 2
    low = int(np.floor((n + 1) * tail)) - 1
    return float(errors[max(0, low)]), float(errors[min(n - 1, n - 1 - low)])


def _fit_all(run: Run, candidates: list[Candidate]) -> list:
    jobs = min(run.settings.jobs or -1, len(candidates)) if run.settings.jobs != 1 else 1
    if len(candidates) == 1 or jobs == 1:
        return [fit_on_all(run, c) for c in candidates]
    from joblib import Parallel, delayed, parallel_config

    with parallel_config("loky", n_jobs=jobs, inner_max_num_threads=1):
        return Parallel(batch_size=1)(delayed(_work)(str(run.folder), run.identity, c) for c in candidates)


def _work(folder: str, identity: str, candidate: Candidate) -> object:
    return fit_on_all(opened(folder, identity), candidate)


def fit_on_all(run: Run, candidate: Candidate) -> object:
    """A fitted clone; the run's seed, so that every refit is the same."""
    dataset = run.dataset
    estimator = candidate.fresh(run.settings.seed)
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        estimator.fit(dataset.X, dataset.y, **visible(dataset, np.arange(len(dataset)), estimator))
    return estimator
