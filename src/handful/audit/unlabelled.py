"""Samples without labels: what may be learned from them, once those that something is tested on are out."""

from __future__ import annotations

import warnings
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from handful.audit.coincidence import coincidence
from handful.data.dataset import Dataset, Finding
from handful.data.images import Progress
from handful.data.load import load_new, load_unlabelled
from handful.data.store import sample_digests
from handful.errors import DataError
from handful.settings import Settings

MOST = 5000  # samples that are learned from


def with_unlabelled(
    dataset: Dataset,
    data: Any,
    settings: Settings,
    folder: Path | None = None,
    progress: Progress | None = None,
) -> Dataset:
    """The same data with the samples of `data` (a path, an array, a DataFrame) as `unlabelled`.

    Left out, with a finding, is what is also among the labelled samples, which are held out in turn, and what
    is in the test set: a model that is tested on a sample must not have learned from it, labels or not. Of
    more than MOST samples so many are drawn. Pixels go to `folder/unlabelled`. DataError where nothing is
    left.
    """
    out = None if folder is None else folder / "unlabelled"
    X, ids, findings = load_unlabelled(
        data, dataset.origin, MOST, settings.seed, out, settings.jobs_here, progress
    )
    own = sample_digests(X)
    by_chance = isinstance(dataset.X, pd.DataFrame) and not coincidence(dataset.X).improbable
    known = also_in(own, sample_digests(dataset.X), by_chance)
    findings += _left_out(ids[known], "among the labelled samples, which every model is tested on in turn")
    if settings.test is not None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what is odd about the test set is said when it is scored
            test = load_new(Path(settings.test), dataset.origin, jobs=settings.jobs_here)[0]
        tested = also_in(own, sample_digests(test), by_chance) & ~known
        findings += _left_out(ids[tested], "in the test set")
        known |= tested
    if known.all():
        raise DataError(
            "every unlabelled sample is also among the labelled samples or in the test set, so there is "
            "nothing more to learn from. Give other data, or leave --unlabelled out."
        )
    rest = np.flatnonzero(~known)
    kept = X.iloc[rest].reset_index(drop=True) if isinstance(X, pd.DataFrame) else X[rest]
    return replace(dataset, unlabelled=kept, findings=[*dataset.findings, *findings])


def also_in(digests: np.ndarray, others: np.ndarray, by_chance: bool) -> np.ndarray:
    """Which samples `(n,)` have a digest that occurs in `others`.

    `by_chance`: equal rows are common here, and no more of them are meant than there are in `others`.

    >>> also_in(np.array([7, 7, 3]), np.array([7, 1]), by_chance=True)
    array([ True, False, False])
    """
    if not by_chance:
        return np.isin(digests, others)
    left = Counter(others.tolist())
    found = np.zeros(len(digests), dtype=bool)
    for i, one in enumerate(digests.tolist()):
        found[i] = left[one] > 0
        left[one] -= 1
    return found


def _left_out(ids: np.ndarray, where: str) -> list[Finding]:
    if not len(ids):
        return []
    who = f"{len(ids):,} unlabelled samples are" if len(ids) > 1 else "1 unlabelled sample is"
    message = (
        f"{who} also {where}: not learned from, because a model must not be tested on what it "
        "has seen, not even without its label."
    )
    return [Finding("unlabelled data", "note", message, [str(i) for i in ids])]
