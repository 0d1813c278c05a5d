"""What would spoil the evaluation: duplicates, leaks, classes too small; and the groups that follow."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from handful.audit.classes import check_classes
from handful.audit.duplicates import find_duplicates
from handful.audit.groups import check_enough_groups, groups_per_class, unite
from handful.audit.leaks import check_columns
from handful.audit.listing import findings_text
from handful.audit.near import Embed
from handful.audit.reading import check_reading
from handful.audit.telling import check_words
from handful.data.dataset import Dataset, Images

__all__ = ["audit", "findings_text"]


def audit(dataset: Dataset, *, embed: Embed | None = None, folds: int = 5, by_hand: bool = False) -> Dataset:
    """The same data with findings added, and duplicates united with the person's groups.

    Parameters
    ----------
    embed : from `Images` to `(n, d)`, called only for pictures that look alike; default: the default
        backbone.
    folds : the folds that cross-validation is to have.
    by_hand : whether somebody divides the data otherwise, so that nothing is told of those folds.

    Raises
    ------
    DataError
        If a class has fewer than two groups, so that it cannot stand on both sides of a fold.
    """
    sets, findings = find_duplicates(dataset, embed or _default_embed)
    groups = unite(dataset.groups, sets, len(dataset))
    audited = replace(dataset, groups=groups)
    findings += check_enough_groups(audited, 2 if by_hand else folds)
    findings += check_classes(audited)
    findings += check_columns(audited, _possible_folds(audited, folds))
    findings += [*check_words(audited), *check_reading(audited)]
    return replace(audited, findings=[*dataset.findings, *findings])


def _default_embed(images: Images) -> np.ndarray:
    from handful.backbones import embed

    return embed(images)


def _possible_folds(dataset: Dataset, folds: int) -> int:
    if dataset.task == "classification":
        return min(folds, int(groups_per_class(dataset).min()))
    return min(folds, len(dataset) if dataset.groups is None else len(np.unique(dataset.groups)))
