"""Groups: samples that must stand on one side of every fold, and whether each class has enough of them."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from handful.data.dataset import Dataset, Finding
from handful.errors import DataError


def connected(n: int, pairs: np.ndarray) -> np.ndarray:
    """Label of the connected component of each of n samples, `(n,)`; `pairs` `(m, 2)` are the edges.

    >>> connected(4, np.array([[0, 2]])).tolist()
    [0, 1, 0, 2]
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    pairs = np.asarray(pairs, np.int64).reshape(-1, 2)
    edges = coo_array((np.ones(len(pairs), bool), (pairs[:, 0], pairs[:, 1])), shape=(n, n))
    return connected_components(edges, directed=False)[1].astype(np.int64)


def unite(groups: np.ndarray | None, sets: Iterable[np.ndarray], n: int) -> np.ndarray | None:
    """The person's groups and sets of duplicates as one partition, codes `(n,)`; None if all stand alone.

    What shares a group or a set, directly or through others, shares the result.
    """
    edges = [np.column_stack([one[:-1], one[1:]]) for one in sets]
    if groups is not None:
        order = np.argsort(groups, kind="stable")
        same = groups[order][:-1] == groups[order][1:]
        edges.append(np.column_stack([order[:-1][same], order[1:][same]]))
    label = connected(n, np.concatenate(edges)) if edges else np.arange(n)
    alone = len(np.unique(label)) == n
    return None if alone and groups is None else label


def groups_per_class(dataset: Dataset) -> np.ndarray:
    """How many groups each class appears in, `(classes,)`; a sample without a group is one of its own."""
    assert dataset.classes is not None
    groups = np.arange(len(dataset)) if dataset.groups is None else dataset.groups
    pairs = np.unique(np.column_stack([dataset.y, groups]), axis=0)
    return np.bincount(pairs[:, 0], minlength=len(dataset.classes))


def check_enough_groups(dataset: Dataset, folds: int) -> list[Finding]:
    """A warning where fewer than `folds` folds are possible; DataError where not even two are."""
    if dataset.task != "classification":
        return _check_enough_groups_regression(dataset, folds)
    assert dataset.classes is not None
    counts = groups_per_class(dataset)
    samples = np.bincount(dataset.y, minlength=len(dataset.classes))
    names = [str(name) for name in dataset.classes]
    for name, count, size in zip(names, counts, samples, strict=True):
        if count < 2:
            raise DataError(_too_few(name, int(count), int(size)))
    short = [k for k in range(len(names)) if counts[k] < folds]
    if not short:
        return []
    possible = int(counts.min())
    unit = "examples" if dataset.groups is None else "groups of examples"
    listed = ", ".join(f"{names[k]} ({counts[k]})" for k in short[:10])
    more = f" and {len(short) - 10} more" if len(short) > 10 else ""
    message = (
        f"Cross-validation runs with {possible} folds instead of {folds}, because every class must appear in "
        f"every fold and these have too few {unit}: {listed}{more}. More examples of them make every score "
        f"steadier."
    )
    return [Finding("class smaller than the folds", "warning", message, [names[k] for k in short])]


def _too_few(name: str, groups: int, samples: int) -> str:
    remedy = f"Add examples, merge the class with another, or leave it out with --drop-class {name!r}."
    if samples == groups:
        count = f"{samples} example" if samples == 1 else f"{samples} examples"
        return f"Class {name!r} has {count}, but cross-validation needs at least 2 in every class. {remedy}"
    return (
        f"All {samples} examples of class {name!r} are in one group (the groups that you gave, and copies of "
        f"one sample, stay together), but cross-validation needs at least 2 groups in every class, one to "
        f"learn from and one to test on. {remedy}"
    )


def _check_enough_groups_regression(dataset: Dataset, folds: int) -> list[Finding]:
    count = len(dataset) if dataset.groups is None else len(np.unique(dataset.groups))
    if count < 2:
        raise DataError(
            f"All {len(dataset)} samples are in one group (the groups that you gave, and copies of one "
            f"sample, stay together), but cross-validation needs at least 2 groups. Add samples of other "
            f"groups, or leave --groups out if samples do not belong together."
        )
    if count >= folds:
        return []
    message = (
        f"Cross-validation runs with {count} folds instead of {folds}, because there are {count} groups. "
        f"More groups make every score steadier."
    )
    return [Finding("few groups", "warning", message, [])]
