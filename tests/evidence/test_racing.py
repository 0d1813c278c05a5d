from __future__ import annotations

import numpy as np

from handful.evidence.racing import behind
from tests.evidence.drawn import constant, held_out, right


def test_who_is_surely_behind_is_named_and_the_best_of_each_kind_is_not() -> None:
    random = np.random.default_rng(0)
    y = random.integers(0, 2, 100)
    better, close, worse = (right(y, random.random(100) < p) for p in (0.95, 0.92, 0.55))
    oofs = {"baseline": constant(y), "better": better, "close": close, "worse": worse, "network": worse}
    assert behind(held_out(oofs, y, deep=["network"])) == ["worse"]
    assert behind(held_out({**oofs, "other": close}, y, deep=["network", "other"])) == ["worse", "network"]


def test_equals_are_seldom_stopped() -> None:
    stopped = 0
    for seed in range(100):
        random = np.random.default_rng(seed)
        y = random.integers(0, 2, 60)
        equal = {f"c{i}": right(y, random.random(60) < 0.75) for i in range(12)}
        stopped += "c0" in behind(held_out({"baseline": constant(y), **equal}, y))
    assert stopped <= 2  # c0 is as good as the best


def test_values_are_raced_too() -> None:
    random = np.random.default_rng(1)
    y = random.normal(size=80)
    oofs = {
        "baseline": np.zeros(80),
        "near": y + random.normal(0, 0.3, 80),
        "far": y + random.normal(0, 2.0, 80),
    }
    assert behind(held_out(oofs, y, metric="rmse")) == ["far"]


def test_one_alone_is_not_behind() -> None:
    y = np.arange(20) % 2
    assert behind(held_out({"baseline": constant(y), "only": right(y, y == 0)}, y)) == []
