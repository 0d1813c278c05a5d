"""Who is held out: the same splits for every candidate."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.model_selection import PredefinedSplit, StratifiedGroupKFold, StratifiedKFold

from handful.audit.duplicates import names_of
from handful.data.dataset import Dataset, Finding
from handful.data.names import count
from handful.errors import DataError, SettingsError
from handful.settings import Settings

MOST_FOLDS = 5
MOST_STRATA = (
    10  # quantiles of a measured target that folds are even in: tenths, fewer where a fold lacks one
)


@dataclass(frozen=True)
class Split:
    """One division of the samples: `train` and `test` are positions, `seed` starts every random choice.

    `purpose` says which question it answers: "compare", or one of the follow-up questions of `plan`. Under
    `permuted` the labels are shuffled before anything else, by `labels_of`. An `own` one is a person's own.
    """

    repeat: int
    fold: int
    train: np.ndarray
    test: np.ndarray
    seed: int
    purpose: str = "compare"
    permuted: bool = False
    own: bool = False

    @property
    def name(self) -> str:
        return f"{self.purpose}-r{self.repeat:02d}-f{self.fold:02d}"


def labels_of(dataset: Dataset, split: Split) -> np.ndarray:
    """The targets `(n,)` that a split works with: the true ones, or one shuffle a repeat."""
    if not split.permuted:
        return dataset.y
    return np.random.default_rng([split.repeat, 11]).permutation(dataset.y)


def units(dataset: Dataset) -> np.ndarray:
    """What is held out together: the group of each sample, or the sample itself, as codes `(n,)`."""
    return np.arange(len(dataset)) if dataset.groups is None else np.asarray(dataset.groups)


def originals(dataset: Dataset) -> Dataset:
    """The data set without its copies, as far as splits are concerned: labels and groups; X stays whole."""
    if not dataset.copies.any():
        return dataset
    keep = ~dataset.copies
    groups = None if dataset.groups is None else dataset.groups[keep]
    meta = dataset.meta[keep].reset_index(drop=True)
    return replace(dataset, y=dataset.y[keep], ids=dataset.ids[keep], meta=meta, groups=groups)


def n_folds(dataset: Dataset, wanted: int | None = None) -> int:
    """`wanted`, or min(5, the smallest class counted in groups); DataError where that is below 2.

    SettingsError where more are wanted than that class has, or fewer than 2.
    """
    dataset = originals(dataset)
    unit = units(dataset)
    what = "example" if dataset.groups is None else "group"
    if dataset.classes is None:
        smallest, where, each = len(np.unique(unit)), "the data has", ""
        cure = "Add examples" if dataset.groups is None else "Add groups, or check what --groups names"
    else:
        counts = [len(np.unique(unit[dataset.y == k])) for k in range(len(dataset.classes))]
        smallest, each = min(counts), " in every class"
        where = f"class {str(dataset.classes[int(np.argmin(counts))])!r} has"
        cure = "Add examples, merge the class, or leave it out with --drop-class"
    if smallest < 2:
        raise DataError(
            f"{where} {smallest} {what}, but cross-validation needs at least 2{each}: one to learn "
            f"from and one to test on. {cure}."
        )
    if wanted is None:
        return min(MOST_FOLDS, smallest)
    if not 2 <= wanted <= smallest:
        raise SettingsError(
            f"cv={wanted}: from 2 to {smallest} folds are possible, because {where} {count(smallest, what)}."
        )
    return wanted


def compare_splits(dataset: Dataset, settings: Settings, cv: Any = None) -> list[Split]:
    """Repeated folds, even in classes or in quantiles of the target, grouped where there are groups.

    Or the caller's own `cv`.

    cv : None, a number of folds, a scikit-learn splitter, or an iterable of (train, test) positions in the
        data as it was given.
    """
    if cv is not None and (isinstance(cv, bool) or not isinstance(cv, Integral)):
        return _own_splits(dataset, settings, cv)
    k = n_folds(dataset, None if cv is None else int(cv))
    found = []
    for repeat in range(settings.repeats):
        for fold, (train, test) in enumerate(_folds(dataset, k, settings.seed, repeat)):
            found.append(Split(repeat, fold, train, test, _seed(settings.seed, repeat, fold)))
    return found


def torn_splits(dataset: Dataset, splits: list[Split]) -> list[Split]:
    """As many folds as `splits`, made as if there were no groups: what careless evaluation would do."""
    torn = _folds(replace(dataset, groups=None), len(splits), splits[0].seed, 0)
    pairs = zip(splits, torn, strict=True)
    return [replace(s, train=train, test=test, purpose="ungrouped") for s, (train, test) in pairs]


def _seed(seed: int, repeat: int, fold: int) -> int:
    return int(np.random.SeedSequence([seed, repeat, fold]).generate_state(1)[0] % 2**31)


def _folds(dataset: Dataset, k: int, seed: int, repeat: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Copies are in no test part, and in a training part where all that they were made from is."""
    if not dataset.copies.any():
        return _folds_of_originals(dataset, k, seed, repeat)
    own = np.flatnonzero(~dataset.copies)
    folds = []
    for train, test in _folds_of_originals(originals(dataset), k, seed, repeat):
        free = np.flatnonzero(dataset.copies & ~_made_of(dataset, own[test]))
        folds.append((np.sort(np.concatenate([own[train], free])), own[test]))
    return folds


def _made_of(dataset: Dataset, held: np.ndarray) -> np.ndarray:
    """The copies, as a mask `(n,)`, that hold something of the units of these samples."""
    unit, second = units(dataset), dataset.mixed_with
    mixed = (second >= 0) & np.isin(unit[second], unit[held])
    return dataset.copies & (np.isin(unit, unit[held]) | mixed)


def _folds_of_originals(
    dataset: Dataset, k: int, seed: int, repeat: int
) -> list[tuple[np.ndarray, np.ndarray]]:
    n, kind = len(dataset), StratifiedKFold if dataset.groups is None else StratifiedGroupKFold
    classes = dataset.task == "classification"
    strata = dataset.y if classes else value_strata(dataset.y, k)
    for attempt in range(100):
        state = _seed(seed, repeat, 1000 + attempt)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a class smaller than the folds: asked for by `larger_splits`
            folds = list(kind(k, shuffle=True, random_state=state).split(np.zeros(n), strata, dataset.groups))
        # Grouped folds are stratified as well as can be, and may put a whole class into one fold: try again.
        # A measured target can do without a tenth of its range.
        present = len(np.unique(strata)) if classes else 1
        if all(len(np.unique(strata[train])) >= present and len(test) for train, test in folds):
            return folds
    raise DataError(
        f"no {k} folds were found that keep groups whole and leave each class something to learn from. "
        "A class sits almost wholly in one group: add groups for it, or leave it out with --drop-class."
    )


def value_strata(y: np.ndarray, k: int) -> np.ndarray:
    """The quantile that each value lies in, as codes `(n,)`: tenths, or fewer with at least k values in each.

    Folds that are even in these have large and small values in proportion, so that their scores differ less
    by the luck of the division. Equal values are in one quantile.
    """
    edges = np.quantile(y, np.linspace(0, 1, int(np.clip(len(y) // k, 1, MOST_STRATA)) + 1)[1:-1])
    return np.searchsorted(np.unique(edges), y, side="right")


def larger_splits(dataset: Dataset, first: Sequence[Split], purpose: str) -> list[Split]:
    """Five folds where a small class allows the comparison only fewer: to see what more training brings.

    Not every held-out part then has every class, but every training part has. Empty where the comparison
    has five folds or the caller's own, and where no class is large enough for more.
    """
    if dataset.classes is None or first[0].own or len(first) >= MOST_FOLDS or len(first) != n_folds(dataset):
        return []
    unit = units(dataset)
    largest = max(len(np.unique(unit[dataset.y == k])) for k in range(len(dataset.classes)))
    k = min(MOST_FOLDS, largest)
    if k <= len(first):
        return []
    try:
        folds = _folds(dataset, k, first[0].seed, 0)
    except (DataError, ValueError):  # groups of a class that cannot be spread over so many folds
        return []
    return [
        Split(first[0].repeat, fold, train, test, _seed(first[0].seed, 2, fold), purpose)
        for fold, (train, test) in enumerate(folds)
    ]


def on_both_sides(dataset: Dataset, splits: Sequence[Split]) -> np.ndarray:
    """The units, as codes, of which some split has members in its training and in its test part."""
    unit = units(dataset)
    return np.unique(np.concatenate([np.intersect1d(unit[s.train], unit[s.test]) for s in splits]))


def check_groups(dataset: Dataset, splits: Sequence[Split]) -> list[Finding]:
    """An alarm where splits tear groups apart, as only a person's own do."""
    torn = on_both_sides(dataset, splits)
    if not len(torn):
        return []
    sets = count(int((np.unique(units(dataset), return_counts=True)[1] > 1).sum()), "group")
    message = (
        f"Your own splits (cv) have {len(torn)} of the {sets} (what you named as such, and copies of one "
        "example) both in a training part and in the test part that goes with it. A model can know the rest "
        "of a group by heart, so scores can be too good for new examples of other groups. Use a splitter "
        "that keeps groups whole, such as StratifiedGroupKFold, or leave cv out."
    )
    items = [names_of(dataset, np.flatnonzero(units(dataset) == one), ", ") for one in torn]
    return [Finding("groups on both sides", "alarm", message, items)]


def _own_splits(dataset: Dataset, settings: Settings, cv: Any) -> list[Split]:
    """The caller's splits; a new repeat begins where test parts would overlap."""
    n = len(dataset)
    found: list[Split] = []
    repeat, fold, seen = 0, 0, np.zeros(n, dtype=bool)
    for train, test in _own_parts(dataset, cv):
        if dataset.copies.any():  # nothing is tested on a copy, nor on what a copy was learned from
            test = test[~dataset.copies[test]]
            train = train[~_made_of(dataset, test)[train]]
        if len(train) == 0 or len(test) == 0 or np.intersect1d(train, test).size:
            raise SettingsError("cv: every split needs a training and a test part that share no sample.")
        if seen[test].any():
            repeat, fold, seen = repeat + 1, 0, np.zeros(n, dtype=bool)
        seen[test] = True
        found.append(Split(repeat, fold, train, test, _seed(settings.seed, repeat, fold), own=True))
        fold += 1
    if not found:
        raise SettingsError("cv: it gave no split.")
    held = np.unique(np.concatenate([s.test for s in found]))
    if any(np.isin(held, s.test).all() for s in found):  # the members for a fold are chosen on the others
        raise SettingsError(
            "cv: one split holds out all that is ever held out, so models cannot be chosen on other examples "
            "than those that score the choice. Give at least two splits with other test parts, or keep that "
            "part out of the data and give it as a test set, test=PATH."
        )
    return found


def _own_parts(dataset: Dataset, cv: Any) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The caller's (train, test) as positions in the data set.

    A splitter divides the samples there are. Positions are those in the data as it was given, so samples that
    were left out of it (no target, damaged) are counted, and then taken out of each part.
    """
    if isinstance(cv, str) or not (isinstance(cv, Iterable) or hasattr(cv, "split")):
        raise SettingsError(
            "cv: a number of folds, a splitter of scikit-learn or a list of (train, test) positions is "
            f"needed, but this is a {type(cv).__name__}."
        )
    kept = np.ones(len(dataset), dtype=bool) if dataset.kept is None else dataset.kept
    pairs: Iterable = cv
    if isinstance(cv, PredefinedSplit):  # a splitter by its methods, but it holds positions
        pairs = cv.split()
    elif hasattr(cv, "split"):
        pairs, kept = _divided(dataset, cv), np.ones(len(dataset), dtype=bool)
    for number, pair in enumerate(pairs, 1):
        try:
            train, test = (np.asarray(part, dtype=int) for part in pair)
        except (TypeError, ValueError) as error:
            raise SettingsError(
                f"cv: split {number} is no pair of training and test positions, such as ([0, 1, 2], [3, 4])."
            ) from error
        yield (
            _left(train, kept, f"training part of split {number}"),
            _left(test, kept, f"test part of split {number}"),
        )


def _divided(dataset: Dataset, cv: Any) -> list:
    """The (train, test) of a splitter; SettingsError where it cannot divide the data."""
    try:
        return list(cv.split(np.zeros(len(dataset)), dataset.y, dataset.groups))
    except (TypeError, ValueError) as error:
        cure = ""
        if dataset.groups is None and "groups" in str(error):
            cure = " Say what belongs together, as (X, y, groups) or groups=COLUMN."
        why = str(error).rstrip(".")
        raise SettingsError(f"cv: {type(cv).__name__} cannot divide this data: {why}.{cure}") from error


def _left(given: np.ndarray, kept: np.ndarray, part: str) -> np.ndarray:
    """The positions among the samples that were kept; SettingsError where of some none is left."""
    if given.size and (given.min() < 0 or given.max() >= len(kept)):
        raise SettingsError(
            f"cv: positions must lie in 0…{len(kept) - 1}; the data has {count(len(kept), 'sample')}."
        )
    left = given[kept[given]]
    if given.size and not left.size:
        raise SettingsError(
            f"cv: of the {count(given.size, 'sample')} in the {part} none is left: they have no target, "
            "cannot be read or were dropped. Leave that split out, or mend the data."
        )
    return (np.cumsum(kept) - 1)[left]
