"""Tiny data for every test."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from unittest.mock import patch

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_iris

from handful.data.columns import TEXT
from handful.data.dataset import Dataset, Images
from handful.data.picture_column import PictureArray
from handful.settings import Settings
from handful.strategies import classic
from handful.strategies.candidate import Candidate

# Collecting a package puts its folder on the path, and the stand-ins would pass for installed packages.
collect_ignore = ["standins"]


# Two of `classic` for each task: the rest of it, and forests above all, take most of a run's time.
QUICKEST = ("lda", "tree", "ridge", "thumbnail svm", "pixels svm", "thumbnail svr", "pixels svr")


@contextmanager
def shorter_classic(names: Collection[str] | None = None, trees: int = 10) -> Iterator[None]:
    """The `classic` family with only the candidates named, and with small forests."""
    every = classic.candidates

    def shorter(dataset: Dataset, settings: Settings) -> list[Candidate]:
        found = []
        for candidate in every(dataset, settings):
            forests = [p for p in candidate.estimator.get_params() if p.split("__")[-1] == "n_estimators"]
            smaller = clone(candidate.estimator).set_params(**dict.fromkeys(forests, trees))
            found.append(replace(candidate, estimator=smaller))
        return [c for c in found if names is None or c.name in names]

    with patch.object(classic, "candidates", shorter):
        yield


@pytest.fixture(scope="module")
def few_candidates() -> Iterator[None]:
    """For all tests of a module in which runs are looked at, and not what they compare."""
    with shorter_classic(QUICKEST):
        yield


@pytest.fixture
def settings() -> Settings:
    return Settings(jobs=1)


def table(task: str, n: int = 60) -> Dataset:
    """Some rows of iris (two numbers made a category, with gaps) or of diabetes."""
    if task == "classification":
        bunch = load_iris(as_frame=True)
        rows = np.arange(len(bunch.target)).reshape(3, 50)[:, : n // 3].ravel()
        y, classes = (
            bunch.target.to_numpy()[rows].astype(np.int64),
            np.array(["setosa", "versicolor", "virginica"]),
        )
    else:
        bunch = load_diabetes(as_frame=True)
        rows = np.arange(n)
        y, classes = bunch.target.to_numpy()[rows].astype(float), None
    X = bunch.data.iloc[rows].reset_index(drop=True).astype(float)
    X.columns = [f"x{i}" for i in range(X.shape[1])]
    wide = X["x0"].to_numpy() > X["x0"].median()
    X["kind"] = pd.Series(np.where(wide, "wide", "narrow"), dtype=object)
    X.loc[::7, "kind"] = None
    X.loc[::9, "x1"] = np.nan
    return Dataset(X, y, np.arange(n).astype(str), pd.DataFrame(index=range(n)), task, "table", classes)


def pictures(task: str = "classification", per_class: int = 10, size: int = 32) -> Dataset:
    """Stripes, in two directions and two colours, with noise: easy, and not trivial."""
    random = np.random.default_rng(0)
    kinds = [(0, (200, 60, 60)), (1, (200, 60, 60)), (0, (60, 60, 200))]
    wave = (np.arange(size) // 3) % 2
    pixels, y = [], []
    for k, (axis, colour) in enumerate(kinds):
        for _ in range(per_class):
            stripes = np.roll(wave, random.integers(6))
            plane = np.broadcast_to(stripes[:, None] if axis else stripes[None, :], (size, size))
            noisy = plane[..., None] * np.array(colour) * 0.6 + random.normal(60, 45, (size, size, 3))
            pixels.append(np.clip(noisy, 0, 255).astype(np.uint8))
            y.append(k if task == "classification" else k + random.normal(0, 0.1))
    n = len(y)
    classes = np.array(["a", "b", "c"]) if task == "classification" else None
    truth = np.array(y, dtype=np.int64 if task == "classification" else float)
    ids = np.array([f"{i}.png" for i in range(n)])
    return Dataset(
        Images.from_array(np.stack(pixels)), truth, ids, pd.DataFrame(index=range(n)), task, "image", classes
    )


def mixed(per_class: int = 8) -> Dataset:
    """Rows with a number, a category, a text and a picture, of which some are missing."""
    seen = pictures(per_class=per_class)
    random = np.random.default_rng(3)
    n = len(seen)
    told = np.array(["a red thing with bars that stand", "a red thing with bars that lie", "a blue thing"])
    texts = [f"{told[k]} and some {random.choice(['dust', 'rain', 'sand'])} on it" for k in seen.y]
    rows = np.arange(n)
    texts[1], rows[2] = "", -1
    X = pd.DataFrame(
        {
            "x0": seen.y + random.normal(0, 1.5, n),
            "kind": pd.Series(random.choice(["wide", "narrow"], n), dtype=object),
            "note": pd.Series(pd.array(texts, dtype=TEXT)),
            "photo": pd.Series(PictureArray(seen.X, rows)),
        }
    )
    return replace(seen, X=X, modality="table", ids=np.arange(n).astype(str))


WORDS = {
    "sport": "the match was won by a goal in the last minute and the team sang",
    "money": "the bank raised its rates and shares fell while profits of the firm grew",
    "cinema": "the film has a poor plot but the actors and the music are a joy",
}


def texts(task: str = "classification", per_class: int = 10) -> Dataset:
    """Sentences of words that are drawn mostly from one of three lists, some with a second sentence."""
    random = np.random.default_rng(0)
    every = " ".join(WORDS.values()).split()
    found, y = [], []
    for k, words in enumerate(map(str.split, WORDS.values())):
        for i in range(per_class):
            own, any_ = random.choice(words, 6), random.choice(every, 6)
            drawn = random.permutation(np.concatenate([own, any_]))
            found.append(" ".join(drawn[:7]) + (". " if i % 2 else " ") + " ".join(drawn[7:]))
            y.append(k if task == "classification" else k + random.normal(0, 0.1))
    X = np.empty(len(found), dtype=object)
    X[:] = found
    classes = np.array(list(WORDS)) if task == "classification" else None
    truth = np.array(y, dtype=np.int64 if task == "classification" else float)
    meta = pd.DataFrame({"order": range(len(X))})
    return Dataset(X, truth, np.arange(len(X)).astype(str), meta, task, "text", classes)


SAID = (
    ["a disaster", "awful", "not good at all", "so boring", "really bad", "terrible :(", "a waste of money"],
    ["two hours long", "here", "from Spain", "of last year", "on the table", "red", "called Alma"],
    ["a delight", "wonderful", "not bad at all", "so charming", "really good", "great :)", "worth the money"],
)


def opinions(task: str = "classification") -> Dataset:
    """English sentences that praise or blame all kinds of things, or do neither."""
    random = np.random.default_rng(0)
    things = ["the film", "this cake", "my new printer", "your answer", "the garden", "that hotel"]
    found = [(f"{random.choice(things)} is {what}", k) for k in range(3) for what in SAID[k] * 2]
    X = np.empty(len(found), dtype=object)
    X[:] = [text for text, _ in found]
    y = np.array([k if task == "classification" else k + random.normal(0, 0.1) for _, k in found])
    classes = np.array(["blame", "neither", "praise"]) if task == "classification" else None
    ids, meta = np.arange(len(X)).astype(str), pd.DataFrame({"order": range(len(X))})
    return Dataset(X, y, ids, meta, task, "text", classes)


def more_without_labels(dataset: Dataset) -> Dataset:
    """The same data, and as much again of the same kind that has no labels."""
    if isinstance(dataset.X, Images):
        return replace(dataset, unlabelled=Images.from_array(np.roll(np.asarray(dataset.X), 1, axis=1)))
    if dataset.modality == "text":
        more = np.array([f"{text} too" for text in dataset.X], dtype=object)
        return replace(dataset, unlabelled=more)
    more = dataset.X.copy()
    more["x0"] += 0.01
    return replace(dataset, unlabelled=more)


def skewed(dataset: Dataset) -> Dataset:
    """The same data, its measured target stretched to many small values and few large ones, like prices."""
    return replace(dataset, y=np.exp(4 * np.argsort(np.argsort(dataset.y)) / len(dataset.y)))


def files_of(dataset: Dataset) -> Dataset:
    """The same data, as if each picture had come from a file of its own kind."""
    random = np.random.default_rng(1)
    n = len(dataset)
    meta = pd.DataFrame({"order": np.random.default_rng(2).permutation(n)})
    if dataset.modality == "image":
        jpeg = random.integers(400, 900, n)
        meta = meta.assign(
            bytes=(jpeg * random.lognormal(0, 0.2, n)).astype(int),
            format=random.choice(["PNG", "JPEG"], n),
            mode="RGB",
            width=random.integers(200, 300, n),
            height=200,
            name=[f"{random.choice(['north', 'south'])}_{i}.jpg" for i in random.integers(0, 9999, n)],
            exif=random.integers(0, 5, n),
            camera=random.choice(np.array(["Canon", None], dtype=object), n),
            packed=jpeg * 2,
            jpeg=jpeg,
        )
    return replace(dataset, meta=meta)


@pytest.fixture(
    params=["table classification", "table regression", "image classification", "image regression"]
)
def dataset(request: pytest.FixtureRequest) -> Dataset:
    kind, task = request.param.split()
    return table(task) if kind == "table" else pictures(task)
