"""Take the network that an earlier run fine-tuned into a new run, as a file of weights."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from handful.data import store
from handful.data.dataset import Dataset
from handful.errors import DataError, RunError, SettingsError
from handful.evidence.predictions import Row, collect
from handful.files import whole
from handful.model.refit import fit_on_all
from handful.model.save import load
from handful.protocol.run import Run
from handful.settings import Settings
from handful.strategies.candidate import Candidate
from handful.strategies.finetune import FineTunedClassifier, FineTunedRegressor
from handful.strategies.start import FOLDER, Start
from handful.strategies.start import store as store_start

SEEN = "seen.json"  # beside the weights: the digests of all pictures that they were trained on
Tuned = FineTunedClassifier | FineTunedRegressor


def check_start(folder: str | Path) -> Run:
    """The earlier run; RunError where it is none, is not finished, or tried no fine-tuning."""
    run = Run.open(folder)
    if not run.finished:
        raise RunError(
            f"--start-from: {folder} is not finished; continue it with 'handful resume {folder}' first."
        )
    if not _tuned(run):
        raise RunError(
            f"--start-from: the run {folder} fine-tuned no network. Fit its data again with "
            "--budget standard, which fine-tunes on pictures."
        )
    return run


def take_start(settings: Settings, dataset: Dataset) -> None:
    """Put the earlier run's best fine-tuned network into the new run's folder.

    Raises SettingsError where the new data is no pictures, DataError where some of them are the same as those
    that the network was trained on.
    """
    assert settings.start_from is not None and settings.out is not None
    run = check_start(settings.start_from)
    if dataset.modality != "image":
        raise SettingsError("--start-from is for pictures; leave it out for a table.")
    seen = _seen(run)
    _check_apart(dataset, seen, settings.start_from)
    candidate, fitted = _best(run)
    folder = Path(settings.out).absolute() / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    name = run.folder.absolute().name
    backbone = fitted.save_network(folder / f"{name}.safetensors")
    with whole(folder / SEEN) as temporary:
        temporary.write_text(json.dumps(sorted(seen)))
    store_start(
        Start(name, backbone, candidate.estimator.backbone, candidate.name, fitted.unchanged_levels()),
        folder.parent,
    )


def _tuned(run: Run) -> list[Candidate]:
    return [c for c in run.candidates if isinstance(c.estimator, Tuned)]


def _best(run: Run) -> tuple[Candidate, Any]:
    """The fine-tuned candidate with the best score, fitted on all of that run's data.

    Where the run's model has it as a member it is taken from there, else it is fitted once more.
    """
    predictions = collect(run)
    by_name = {c.name: c for c in _tuned(run)}
    if not any(r.name in by_name for r in predictions.sound):  # stopped early, as what is dear mostly is
        predictions = predictions.up_to(1)
    rows: Sequence[Row] = [r for r in predictions.sound if r.name in by_name]
    if not rows:
        why = "every fine-tuning failed or was stopped; its report says why."
        if any(run.stopped[name].why == "time" for name in by_name if name in run.stopped):
            why = "there was no time for any fine-tuning. Fit its data again with a longer --budget."
        raise RunError(f"--start-from: in the run {run.folder} {why}")
    gains = [float(predictions.metric.gain(predictions.score(r)[0])) for r in rows]
    name = rows[int(np.nanargmax(gains))].name
    member = dict(load(run.folder).members).get(name)
    return by_name[name], member if member is not None else fit_on_all(run, by_name[name])


def seen_before(folder: Path) -> set[str]:
    """Digests of what the network that a run starts from has learned from; none where it starts from none."""
    earlier = folder / FOLDER / SEEN
    return set(json.loads(earlier.read_text())) if earlier.exists() else set()


def _seen(run: Run) -> set[str]:
    """Digests of what the run learned from, and of what the network that it started from had."""
    return seen_before(run.folder) | set(store.sample_digests(run.dataset.X).tolist())


def _check_apart(dataset: Dataset, seen: set[str], earlier: str) -> None:
    both = [str(i) for i, d in zip(dataset.ids, dataset.X.digests.tolist(), strict=True) if d in seen]
    if both:
        some = ", ".join(both[:3]) + (f" and {len(both) - 3} more" if len(both) > 3 else "")
        raise DataError(
            f"--start-from: {len(both)} pictures here ({some}) are among those that the network of {earlier} "
            "was trained on. It knows them, so their scores would say too much. Leave them out of one of the "
            "data sets, or leave --start-from out."
        )
