"""Controls: models that see only what should not matter, and so must not predict the label.

They are asked after the comparison and can never be chosen. What lies beside the content (`image size`,
`file type`, `file size`, `exif`, `file name`, `row order`) is read from `Dataset.meta`; what is part of the
content but should not decide alone (`border pixels`, `mean colour`, `text length`, `missingness`,
`punctuation and capitals`) from X. Each is a small tree, which finds thresholds and categories; for border,
colour and punctuation a small forest; for the order the nearest rows vote: that finds files sorted by class.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import Ridge
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from handful.data.columns import absent
from handful.data.dataset import Dataset, Images
from handful.data.texts import words
from handful.strategies.candidate import Candidate
from handful.strategies.chain import Chain, Stateless
from handful.strategies.pixels import PerImage

BEYOND = "file size beyond the content"

_BUCKETS = 24
_FOLDERS = "the files are sorted into class folders, so they have no order of their own"
_SORTED = "the rows are sorted by the target, so their order says nothing beyond that"
_NOT_FILES = {"image": "the pictures did not come as files", "text": "the texts did not come as files"}


def controls(dataset: Dataset) -> tuple[list[Candidate], dict[str, str]]:
    """The controls that this data allows, and for each of the others the reason why there is none."""
    tests: dict[str, Callable[[Dataset], list[Candidate] | str]] = {"row order": _order}
    if dataset.modality == "image":
        tests |= {
            "image size": _beside("image size", ["width", "height"], "the width and height of the picture"),
            "file type": _beside("file type", ["format", "mode"], "the file type and colour mode"),
            "file size": _file_size,
            "exif": _beside("exif", ["exif", "camera"], "the EXIF data (camera, software)"),
            "file name": _file_name,
            "border pixels": _within("border pixels", Border(), "the outermost pixels of the picture"),
            "mean colour": _within("mean colour", MeanColour(), "the mean colour of the picture"),
        }
    if dataset.modality == "text":
        tests |= {
            "file size": _file_size,
            "file name": _file_name,
            "text length": _length,
            "punctuation and capitals": _punctuation,
        }
    if dataset.modality == "table":
        tests["missingness"] = _missingness
    found, absent = [], {}
    for name, test in tests.items():
        made = test(dataset)
        if isinstance(made, str):
            absent[name] = made
        else:
            found += made
    return found, absent


# --- what each of them looks at


class Beside(Stateless):
    """Numbers from the columns of `Dataset.meta`, each row by itself.

    Words become numbers by a hash, so that nothing is learned from other rows: a tree cuts out the value
    that it needs. In file names the first and the last word count, and all of them in buckets.

    Parameters
    ----------
    attribute : "image size", "file type", "exif" or "file name"
    without : words left out of file names, in lower case: the names of the classes, which say nothing new
    numbers : whether the numbers in file names count
    """

    def __init__(self, attribute: str, without: tuple[str, ...] = (), numbers: bool = True) -> None:
        self.attribute = attribute
        self.without = without
        self.numbers = numbers

    def transform(self, X: pd.DataFrame) -> np.ndarray:
        """`(n, d)` float64."""
        if self.attribute == "image size":
            width, height = X["width"].to_numpy(float), X["height"].to_numpy(float)
            return np.column_stack([width, height, width * height, width / height])
        if self.attribute == "file type":
            return np.column_stack([_hashed(X["format"]), _hashed(X["mode"])])
        if self.attribute == "exif":
            return np.column_stack([X["exif"].to_numpy(float), _hashed(X["camera"])])
        names = [_without(str(name), self.without) for name in X["name"]]
        shapes = np.array([_shape_of(name) if self.numbers else [] for name in names], dtype=float)
        words = [re.findall(r"[^\W\d_]+", name) for name in names]
        ends = [_hashed([w[i] if w else None for w in words]) for i in (0, -1)]
        return np.column_stack([shapes, *ends, _counts(words)])


class UnexplainedSize(TransformerMixin, BaseEstimator):
    """What a file is larger or smaller than its picture makes it: other compression, padding, metadata.

    A busy picture makes a large file, and classes may honestly differ in that. So the logarithm of the file
    size is regressed on what the content needs (packed in one same way, without loss and as JPEG) and on the
    number of pixels; the residual is left. Ridge regression on squares and products, fitted on the training
    part.
    """

    def fit(self, X: pd.DataFrame, y: Any = None) -> UnexplainedSize:
        content = self._content(X)
        self.mean_, self.scale_ = content.mean(axis=0), content.std(axis=0) + 1e-9
        self.ridge_ = Ridge(alpha=0.1).fit(self._terms(content), np.log(X["bytes"].to_numpy(float)))
        return self

    def transform(self, X: pd.DataFrame) -> np.ndarray:
        """`(n, 1)`"""
        size = np.log(X["bytes"].to_numpy(float))
        return (size - self.ridge_.predict(self._terms(self._content(X))))[:, None]

    def _content(self, X: pd.DataFrame) -> np.ndarray:
        area = X["width"].to_numpy(float) * X["height"].to_numpy(float)
        return np.log(np.column_stack([X["packed"].to_numpy(float), X["jpeg"].to_numpy(float), area]))

    def _terms(self, content: np.ndarray) -> np.ndarray:
        z = np.clip((content - self.mean_) / self.scale_, -4, 4)
        return np.column_stack([z, z**2, z[:, [0]] * z[:, 1:]])


class LogBytes(Stateless):
    """The logarithm of the file size."""

    def transform(self, X: pd.DataFrame) -> np.ndarray:
        """`(n, 1)`"""
        return np.log(X["bytes"].to_numpy(float))[:, None]


class Overhead(Stateless):
    """What a text's file holds beyond the text: another encoding, line ends, a byte-order mark, blanks."""

    def transform(self, X: pd.DataFrame) -> np.ndarray:
        """`(n, 1)`"""
        return np.log(X["bytes"].to_numpy(float) / X["packed"].to_numpy(float))[:, None]


class Position(Stateless):
    """The place in the input."""

    def transform(self, X: pd.DataFrame) -> np.ndarray:
        """`(n, 1)`"""
        return X["order"].to_numpy(float)[:, None]


class Gaps(Stateless):
    """Which values of a row of a table are missing, and how many."""

    def transform(self, X: pd.DataFrame) -> np.ndarray:
        """`(n, columns + 1)`"""
        gaps = absent(X).astype(float)
        return np.column_stack([gaps, gaps.sum(axis=1)])


class Border(PerImage):
    """The outermost pixels, 1/32 of the side wide, in eight pieces a side.

    Of each piece the mean grey, what red and blue lie above green, and the darkest and brightest grey: a
    single marked pixel shows, and so does a frame.
    """

    def _level(self) -> str:
        return "border1"

    def _describe(self, pixels: np.ndarray) -> np.ndarray:
        wide = max(1, pixels.shape[0] // 32)
        sides = [pixels[:wide], pixels[-wide:], pixels[:, :wide], pixels[:, -wide:]]
        numbers = []
        for side, axis in zip(sides, (1, 1, 0, 0), strict=True):
            for piece in np.array_split(side, 8, axis=axis):
                grey = piece.mean(axis=2)
                red, green, blue = piece.mean(axis=(0, 1))
                numbers.append([grey.mean(), red - green, blue - green, grey.min(), grey.max()])
        return np.concatenate(numbers)


class MeanColour(PerImage):
    """The mean of each of the three channels, and their differences: a tint shows at any brightness."""

    def _level(self) -> str:
        return "meancolour"

    def _describe(self, pixels: np.ndarray) -> np.ndarray:
        red, green, blue = pixels.mean(axis=(0, 1))
        return np.array([red, green, blue, red - green, green - blue, blue - red])


class Length(Stateless):
    """How long a text is: the logarithms of its characters and words, and its lines."""

    def transform(self, X: Any) -> np.ndarray:
        """Texts `(n,)` to `(n, 3)`."""
        numbers = [[np.log1p(len(text)), np.log1p(words(text)), text.count("\n")] for text in X]
        return np.array(numbers, dtype=float).reshape(-1, 3)


class Punctuation(Stateless):
    """How a text is written, whatever it says: marks, capitals and digits among its characters.

    Shares of the characters, so that its length is left out as far as may be; and how it begins and ends.
    """

    MARKS = ".,;:!?'\"()[]-/&%$#@*_"

    def transform(self, X: Any) -> np.ndarray:
        """Texts `(n,)` to `(n, 27)`."""
        return np.array([self._describe(text) for text in X], dtype=float).reshape(-1, len(self.MARKS) + 6)

    def _describe(self, text: str) -> list[float]:
        n, parts = len(text), text.split()
        found = [text.count(mark) / n for mark in self.MARKS]
        found.append(sum(c.isupper() for c in text) / n)
        found.append(sum(c.isdigit() for c in text) / n)
        found.append(sum(not c.isalnum() and not c.isspace() and c not in self.MARKS for c in text) / n)
        found.append(sum(part.isupper() and len(part) > 1 for part in parts) / len(parts))
        return [*found, float(text[0].isupper()), float(text[-1] in ".!?…")]


# --- which of them there are


def _tree(dataset: Dataset) -> Any:
    """Two leaves a class and some to spare: finds thresholds and categories, in a millisecond."""
    leaves = 8 if dataset.classes is None else 4 + 2 * len(dataset.classes)
    kind = DecisionTreeClassifier if dataset.task == "classification" else DecisionTreeRegressor
    return kind(max_leaf_nodes=leaves, min_samples_leaf=3, random_state=0)


def _leaf(dataset: Dataset) -> int:
    """The least samples of a leaf for a noisy number: a quarter of the smallest class, within 3…8."""
    smallest = len(dataset) // 4 if dataset.classes is None else int(np.bincount(dataset.y).min())
    return int(np.clip(smallest // 4, 3, 8))


def _forest(dataset: Dataset) -> Any:
    """For many weak columns. Few trees: a control must be cheap, and only gross effects matter."""
    kind = RandomForestClassifier if dataset.task == "classification" else RandomForestRegressor
    return kind(20, min_samples_leaf=2, max_features=0.34, random_state=0)


def _control(name: str, features: Any, head: Any, sees: str, view: str = "meta") -> list[Candidate]:
    label = f"control: sees only {sees}"
    return [Candidate(name, label, "shortcut", Chain([features], head), cost=0, view=view)]


def _beside(name: str, columns: list[str], sees: str) -> Callable[[Dataset], list[Candidate] | str]:
    def make(dataset: Dataset) -> list[Candidate] | str:
        reason = _not_varied(dataset, columns)
        return reason or _control(name, Beside(name), _tree(dataset), sees)

    return make


def _within(name: str, features: PerImage, sees: str) -> Callable[[Dataset], list[Candidate] | str]:
    def make(dataset: Dataset) -> list[Candidate] | str:
        if not isinstance(dataset.X, Images) or not np.ptp(features.transform(dataset.X), axis=0).any():
            return "it is the same in every picture"
        return _control(name, features, _forest(dataset), sees, view="X")

    return make


def _file_size(dataset: Dataset) -> list[Candidate] | str:
    reason = _not_varied(dataset, ["bytes"])
    if reason:
        return reason
    smooth = _tree(dataset).set_params(min_samples_leaf=_leaf(dataset))
    found = _control("file size", LogBytes(), smooth, "the size of the file")
    if {"packed", "jpeg", "width", "height"} <= set(dataset.meta.columns):
        sees = "how much larger the file is than its picture makes it"
        found += _control(BEYOND, UnexplainedSize(), smooth, sees)
    elif dataset.modality == "text" and _not_varied(dataset, ["packed"]) is None:
        found += _control(BEYOND, Overhead(), smooth, "how much larger the file is than its text")
    return found


def _file_name(dataset: Dataset) -> list[Candidate] | str:
    reason = _not_varied(dataset, ["name"])
    if reason:
        return reason
    folders = dataset.origin.get("input") == "folder"
    words = [] if dataset.classes is None else [_plain(str(c)) for c in dataset.classes]
    without = tuple(sorted({w for w in words if len(re.findall(r"[^\W\d_]", w)) >= 3}, key=len, reverse=True))
    features = Beside("file name", without, numbers=not (folders and _counted(dataset)))
    if not np.ptp(features.transform(dataset.meta), axis=0).any():
        return "the names only count the files of each folder, or repeat the class"
    return _control("file name", features, _tree(dataset), "the name of the file")


def _order(dataset: Dataset) -> list[Candidate] | str:
    if dataset.origin.get("input") == "folder":
        return _FOLDERS
    reason = _not_varied(dataset, ["order"])
    if reason:
        return reason
    runs = 1 + int((np.diff(dataset.y[np.argsort(dataset.meta["order"].to_numpy())]) != 0).sum())
    if dataset.task == "classification" and runs == len(np.unique(dataset.y)):
        return _SORTED
    kind = KNeighborsClassifier if dataset.task == "classification" else KNeighborsRegressor
    return _control("row order", Position(), kind(5), "the place in the file")


def _length(dataset: Dataset) -> list[Candidate] | str:
    if not np.ptp(Length().transform(dataset.X), axis=0).any():
        return "it is the same in all of them"
    smooth = _tree(dataset).set_params(min_samples_leaf=_leaf(dataset))
    return _control("text length", Length(), smooth, "how long the text is", view="X")


def _punctuation(dataset: Dataset) -> list[Candidate] | str:
    if not np.ptp(Punctuation().transform(dataset.X), axis=0).any():
        return "it is the same in all of them"
    name = "punctuation and capitals"
    return _control(name, Punctuation(), _forest(dataset), "marks, capitals and digits", view="X")


def _missingness(dataset: Dataset) -> list[Candidate] | str:
    gaps = absent(dataset.X)
    if not gaps.any():
        return "no value is missing"
    if not np.ptp(gaps.astype(int), axis=0).any():
        return "the same values are missing in every row"
    return _control("missingness", Gaps(), _tree(dataset), "which values are missing", view="X")


def _not_varied(dataset: Dataset, columns: list[str]) -> str | None:
    """Why nothing can be learned from these columns of meta; None where something could."""
    known = [c for c in columns if c in dataset.meta.columns]
    if not known:
        return _NOT_FILES.get(dataset.modality, "it is not known")
    if all(dataset.meta[c].nunique(dropna=False) < 2 for c in known):
        return "it is the same in all of them"
    return None


def _counted(dataset: Dataset) -> bool:
    """Whether the numbers in the file names merely count the files of each folder.

    A few files may share a number, as those of one patient do. Such numbers tell the class where one count
    goes on through all folders, or where folders are of different sizes; that is how the files were written
    down and not what they are.
    """
    numbers: dict[str, list[int]] = defaultdict(list)
    for path, name in zip(dataset.ids, dataset.meta["name"], strict=True):
        last = re.findall(r"\d+", _stem(str(name)))[-1:]
        if not last:
            return False
        numbers[str(path).rpartition("/")[0]].append(int(last[0]))
    return all(
        len(set(found)) >= 0.3 * len(found) and max(found) - min(found) < 2 * len(set(found))
        for found in numbers.values()
    )


def _stem(name: str) -> str:
    head, dot, _ = name.rpartition(".")
    return head if dot else name


def _plain(name: str) -> str:
    return re.sub(r"[\s_\-]+", " ", name).strip().lower()


def _without(name: str, words: tuple[str, ...]) -> str:
    """A file name without its suffix, in lower case, and without these words."""
    text = _plain(_stem(name))
    for word in words:
        text = re.sub(rf"(?<![^\W\d_]){re.escape(word)}(?![^\W\d_])", " ", text)
    return " ".join(text.split())


def _shape_of(name: str) -> list[float]:
    """The first and last number, how many digits, and the length."""
    numbers = re.findall(r"\d+", name) or ["-1"]
    digits = sum(map(len, numbers)) if numbers[0] != "-1" else 0
    return [min(float(numbers[0][:15]), 1e15), min(float(numbers[-1][:15]), 1e15), digits, len(name)]


def _hash(word: object) -> int:
    """0 for a missing word, else a number below 2**24, which a tree's float32 holds exactly."""
    if not isinstance(word, str):
        return 0
    return int.from_bytes(hashlib.blake2b(word.encode("utf-8", "replace"), digest_size=3).digest(), "big")


def _hashed(words: Iterable[object]) -> np.ndarray:
    return np.array([_hash(word) for word in words], dtype=float)


def _counts(words: list[list[str]]) -> np.ndarray:
    """`(n, _BUCKETS)`: how many words of each row fall into each bucket."""
    out = np.zeros((len(words), _BUCKETS))
    for i, row in enumerate(words):
        for word in row:
            out[i, _hash(word) % _BUCKETS] += 1
    return out
