"""A training is done once for the same estimator and samples, by whichever process comes first."""

from __future__ import annotations

import multiprocessing
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator

from handful.strategies import stage
from handful.strategies.stage import Learned, remembered
from tests.conftest import pictures


class Net(BaseEstimator):
    def __init__(self, latent_dim: int = 2, random_state: int = 0) -> None:
        self.latent_dim = latent_dim
        self.random_state = random_state


class Training:
    """Counts how often it was asked for."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> Learned:
        self.count += 1
        return {"weight": np.full((2, 3), self.count, np.float32)}, {"epochs": self.count, "why": "é"}


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HANDFUL_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "stages"


def given() -> list[Any]:
    """A training part in each form, with labels, and nothing unlabelled."""
    frame = pd.DataFrame({"x": [1.0, np.nan, 3.0], "kind": pd.Series(["a", None, "b"], dtype=object)})
    return [pictures().X[:3], frame, np.arange(6.0).reshape(3, 2), np.array(["a", "b", "a"], object), None]


def test_the_same_is_learned_once() -> None:
    learn = Training()
    weights, told = remembered(Net(), learn, *given())
    again, told_again = remembered(Net(), learn, *given())
    assert learn.count == 1
    np.testing.assert_array_equal(weights["weight"], again["weight"])
    assert again["weight"].dtype == np.float32 and told == told_again == {"epochs": 1, "why": "é"}


def test_whatever_it_depends_on_is_another_name() -> None:
    learn, same = Training(), given()
    remembered(Net(), learn, *same)
    frame = same[1].assign(kind=pd.Series(["a", "b", None], dtype=object))
    others = [
        (Net(latent_dim=3), same),
        (Net(random_state=1), same),
        (Net(), [same[0][::-1], *same[1:]]),
        (Net(), [same[0], frame, *same[2:]]),
        (Net(), [same[0], same[1].rename(columns={"x": "y"}), *same[2:]]),
        (Net(), [*same[:2], same[2] + 1e-9, *same[3:]]),
        (Net(), [*same[:2], same[2].astype(np.float32), *same[3:]]),
        (Net(), [*same[:3], np.array(["a", "b", "b"], object), None]),
        (Net(), [*same[:4], same[2]]),
    ]
    for estimator, parts in others:
        remembered(estimator, learn, *parts)
    assert learn.count == 1 + len(others)


def test_pictures_without_digests_are_told_apart_by_their_content() -> None:
    learn, images = Training(), pictures().X[:3]
    made = np.zeros((2, 32, 32, 3), np.uint8)
    remembered(Net(), learn, images.joined(made))
    remembered(Net(), learn, images.joined(made))
    assert learn.count == 1
    remembered(Net(), learn, images.joined(made + 1))
    assert learn.count == 2


def test_a_damaged_file_is_learned_again(own_cache: Path) -> None:
    learn = Training()
    remembered(Net(), learn, np.arange(3))
    (file,) = own_cache.glob("*.npz")
    whole = file.read_bytes()
    for damage in (b"", whole[: len(whole) // 2], b"x" * len(whole), whole[:60] + b"\xff\xff" + whole[62:]):
        file.write_bytes(damage)
        before = learn.count
        assert remembered(Net(), learn, np.arange(3))[1]["epochs"] in (before, before + 1)
        assert remembered(Net(), learn, np.arange(3))[1]["epochs"] == learn.count
    assert learn.count >= 4


def _slowly(log: str) -> None:
    def learn() -> Learned:
        with open(log, "a") as file:
            file.write("learned\n")
        time.sleep(0.5)
        return {"weight": np.ones(3)}, {}

    assert remembered(Net(), learn, np.arange(3))[0]["weight"].tolist() == [1, 1, 1]


def test_two_processes_that_want_the_same_wait_for_each_other(tmp_path: Path) -> None:
    start = multiprocessing.get_context("fork")
    both = [start.Process(target=_slowly, args=(str(tmp_path / "log"),)) for _ in range(2)]
    for process in both:
        process.start()
    for process in both:
        process.join(30)
    assert [p.exitcode for p in both] == [0, 0]
    assert (tmp_path / "log").read_text() == "learned\n"


def test_where_nothing_can_be_written_it_is_learned_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("HANDFUL_CACHE", str(tmp_path / "file"))
    learn = Training()
    remembered(Net(), learn, np.arange(3))
    assert remembered(Net(), learn, np.arange(3))[1]["epochs"] == 2


def test_the_oldest_go_where_there_are_too_many(own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage, "MOST_BYTES", 2500)
    learn = Training()
    for i in range(5):
        remembered(Net(random_state=i), learn, np.arange(3))
        time.sleep(0.02)
    assert 1 <= len(list(own_cache.glob("*.npz"))) <= 4
    remembered(Net(random_state=4), learn, np.arange(3))
    assert learn.count == 5
