"""Samples with the same content, exactly or nearly: what belongs in one group, and what to tell."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from handful.audit.coincidence import coincidence, column_codes
from handful.audit.near import Embed, near_duplicates
from handful.audit.near_texts import near_duplicate_texts
from handful.data.dataset import Dataset, Finding, Images
from handful.scoring import per_cent

# A component of near-duplicates over this share of the data is no set of copies but pictures that are alike
# by nature (X-rays, empty frames); a small data set may still hold a burst of ten.
CROWD = 0.05
BURST = 10
BEGINNING = 70  # characters of a text that are quoted
_ALIKE = {
    "image": "images look nearly the same as another, as re-saved, resized or cropped copies do, or pictures "
    "of one series",
    "text": "texts share most of their words, in the same order, with another: versions of one text, a form "
    "with other names in it, or a reply with what it answers",
}
_SERIES = ("images", "frames of one film, one patient")


def find_duplicates(dataset: Dataset, embed: Embed) -> tuple[list[np.ndarray], list[Finding]]:
    """The sets of samples that belong in one group, and what to tell about them.

    Copies that `handful augment` made belong to what they were made from already, and are not looked at.
    """
    codes, own = content_codes(dataset), np.flatnonzero(~dataset.copies)
    sets = [own[one] for one in sets_of_equals(codes[own])]
    if isinstance(dataset.X, pd.DataFrame):
        return _equal_rows(dataset, sets)
    findings = _equal_content(dataset, sets)
    near_sets, near_findings = _near(dataset, codes, embed)
    return sets + near_sets, findings + near_findings


def _equal_content(dataset: Dataset, sets: list[np.ndarray]) -> list[Finding]:
    if not sets:
        return []
    unit = {"image": "image", "table": "row", "text": "text"}[dataset.modality]
    copies = sum(len(one) - 1 for one in sets)
    count = f"{copies} {unit}s are exact copies" if copies > 1 else f"1 {unit} is an exact copy"
    message = (
        f"{count} of another. Copies belong on one side of every fold, where our folds keep them, so that no "
        f"model is tested on what it has learned by heart."
    )
    copied = Finding("exact duplicates", "warning", message, [names_of(dataset, one) for one in sets])
    so = "At most one of them can be right"
    return [copied, *_two_labels(dataset, sets, "same sample, two labels", "The same", so)]


def _two_labels(dataset: Dataset, sets: list[np.ndarray], kind: str, likeness: str, so: str) -> list[Finding]:
    """A warning for samples of one content under different labels; `likeness` and `so` open its sentences."""
    disagreeing = [one for one in sets if labels_disagree(dataset.y, one)]
    if not disagreeing:
        return []
    unit = {"image": "image", "table": "row", "text": "text"}[dataset.modality]
    label = "label" if dataset.task == "classification" else "value"
    times = f"in {len(disagreeing)} cases" if len(disagreeing) > 1 else "in one case"
    message = (
        f"{likeness} {unit} stands under different {label}s {times}. {so}: look at "
        f"them, and correct or remove what is wrong. Nothing was changed."
    )
    items = [names_with_labels(dataset, one) for one in disagreeing]
    return [Finding(kind, "warning", message, items)]


def _equal_rows(dataset: Dataset, sets: list[np.ndarray]) -> tuple[list[np.ndarray], list[Finding]]:
    """Rows that are copies become groups; rows that are equal by chance are a note."""
    if not sets:
        return [], []
    if coincidence(dataset.X).improbable:
        return sets, _equal_content(dataset, sets)
    equal = sum(len(one) for one in sets)
    message = (
        f"{equal} of {len(dataset)} rows are equal to another in every column. With these columns that "
        f"happens by chance (few columns, or columns with few values), so the rows are taken for different "
        f"cases and are not kept together. If they are copies, name the cases with --groups."
    )
    message += _ceiling(dataset, sets)
    return [], [Finding("rows equal by chance", "note", message, [names_of(dataset, one) for one in sets])]


def _ceiling(dataset: Dataset, sets: list[np.ndarray]) -> str:
    """What equal rows with different labels cost any model, as a sentence; empty where they agree."""
    if dataset.task != "classification":
        return ""
    lost = sum(len(one) - int(np.bincount(dataset.y[one]).max()) for one in sets)
    if lost == 0:
        return ""
    return (
        f" Some of them have different labels, so on this data no model can be right in more than "
        f"{per_cent(1 - lost / len(dataset), 1)}% of the rows."
    )


def _near(dataset: Dataset, codes: np.ndarray, embed: Embed) -> tuple[list[np.ndarray], list[Finding]]:
    """Sets of near-duplicate images or texts; of exact copies only the first is looked at."""
    own = np.flatnonzero(~dataset.copies)
    first = own[np.sort(np.unique(codes[own], return_index=True)[1])]
    largest = max(BURST, int(CROWD * len(own)))
    if isinstance(dataset.X, Images):
        found = near_duplicates(dataset.X[first], embed, largest)
    else:
        found = near_duplicate_texts(dataset.X[first], largest)
    sets = sorted((first[cluster] for cluster in found.clusters), key=lambda one: int(one[0]))
    findings = []
    if sets:
        alike = sum(len(one) for one in sets)
        message = (
            f"{alike} {_ALIKE[dataset.modality]}. They belong on one side of every fold, where our folds "
            "keep them."
        )
        items = [names_of(dataset, one, " ~ ") for one in sets]
        findings.append(Finding("near-duplicates", "warning", message, items))
        if dataset.task == "classification":  # measured values may well differ a little
            so = "They may differ in what counts, or a label is wrong"
            findings += _two_labels(dataset, sets, "near-duplicates, two labels", "Nearly the same", so)
    for crowd in found.crowds:
        findings.append(_crowd(dataset, first[crowd]))
    return sets, findings


def _crowd(dataset: Dataset, members: np.ndarray) -> Finding:
    what, such = ("texts", "one form, one author") if dataset.modality == "text" else _SERIES
    message = (
        f"{len(members)} {what} look so much alike that they cannot be told from near-duplicates. So many "
        f"are more likely alike by nature than copies, so they are not kept together. If they do belong "
        f"together ({such}), say so with --groups."
    )
    return Finding(f"many {what} look alike", "warning", message, [str(one) for one in dataset.ids[members]])


def content_codes(dataset: Dataset) -> np.ndarray:
    """A code for each sample's content, `(n,)`: equal codes, equal content.

    Images are compared by their decoded pixels, texts by their words, rows by all feature columns, where
    missing equals missing.
    """
    if isinstance(dataset.X, Images):
        return pd.factorize(dataset.X.digests)[0]
    if isinstance(dataset.X, pd.DataFrame):
        return np.unique(column_codes(dataset.X), axis=0, return_inverse=True)[1].reshape(-1)
    return pd.factorize(np.array([" ".join(str(text).split()) for text in dataset.X], object))[0]


def sets_of_equals(codes: np.ndarray) -> list[np.ndarray]:
    """The positions that share a code with others, one array a code, in order of appearance."""
    order = np.argsort(codes, kind="stable")
    borders = np.flatnonzero(np.diff(codes[order])) + 1
    sets = [positions for positions in np.split(order, borders) if len(positions) > 1]
    return sorted(sets, key=lambda positions: int(positions[0]))


def labels_disagree(y: np.ndarray, positions: np.ndarray) -> bool:
    """Whether samples of one content have different labels (or measured values)."""
    return len(np.unique(y[positions])) > 1


def names_of(dataset: Dataset, positions: Any, joined_by: str = " = ") -> str:
    """The ids of a set of samples as one line, the first six by name."""
    ids = [str(one) for one in dataset.ids[np.asarray(positions)]]
    more = f" and {len(ids) - 6} more" if len(ids) > 6 else ""
    return joined_by.join(ids[:6]) + more + _beginning(dataset, positions)


def names_with_labels(dataset: Dataset, positions: Any) -> str:
    """As `names_of`, each with its label; one of each label comes first, so that none is cut."""
    positions = np.asarray(positions)
    one_each = np.sort(np.unique(dataset.y[positions], return_index=True)[1])
    positions = np.concatenate([positions[one_each], np.delete(positions, one_each)])
    labels = dataset.y if dataset.classes is None else dataset.classes[dataset.y]
    lines = [f"{dataset.ids[i]} ({labels[i]})" for i in positions[:6]]
    more = f" and {len(positions) - 6} more" if len(positions) > 6 else ""
    return ", ".join(lines) + more + _beginning(dataset, positions)


def _beginning(dataset: Dataset, positions: Any) -> str:
    """How the first of some texts begins: the number of a row would say nothing. Empty for other samples."""
    if dataset.modality != "text":
        return ""
    text = " ".join(dataset.X[int(positions[0])].split())
    if len(text) > BEGINNING:
        text = text[: BEGINNING - 1].rstrip() + "\u2026"
    return f": \u201c{text}\u201d"
