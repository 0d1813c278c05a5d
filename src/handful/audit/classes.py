"""Classes that are small or very unequal."""

from __future__ import annotations

import numpy as np

from handful.data.dataset import Dataset, Finding

FEW = 10
IMBALANCE = 3  # from here on the default metric is balanced accuracy


def check_classes(dataset: Dataset) -> list[Finding]:
    """Notes and warnings on the sizes of the classes; nothing for regression."""
    if dataset.task != "classification" or dataset.classes is None:
        return []
    sizes = np.bincount(dataset.y, minlength=len(dataset.classes))
    names = [str(name) for name in dataset.classes]
    return _small(names, sizes) + _imbalanced(names, sizes)


def _small(names: list[str], sizes: np.ndarray) -> list[Finding]:
    small = [k for k in np.argsort(sizes, kind="stable") if sizes[k] < FEW]
    if not small:
        return []
    listed = ", ".join(f"{names[k]} ({sizes[k]})" for k in small[:10])
    more = f" and {len(small) - 10} more" if len(small) > 10 else ""
    message = (
        f"Fewer than {FEW} examples: {listed}{more}. What is said about such a class rests on few cases; "
        f"each further example helps."
    )
    return [Finding("small class", "warning", message, [names[k] for k in small])]


def _imbalanced(names: list[str], sizes: np.ndarray) -> list[Finding]:
    largest, smallest = int(sizes.argmax()), int(sizes.argmin())
    if sizes[largest] <= IMBALANCE * sizes[smallest]:
        return []
    message = (
        f"The largest class, {names[largest]} ({sizes[largest]}), has more than {IMBALANCE} times as many "
        f"examples as the smallest, {names[smallest]} ({sizes[smallest]}). Accuracy would mostly speak of "
        f"the large classes; balanced accuracy gives each class the same weight."
    )
    return [Finding("class imbalance", "note", message, [names[largest], names[smallest]])]
