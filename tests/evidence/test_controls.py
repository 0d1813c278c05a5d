from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from handful.evidence.controls import controls, effect, leak_premium, permutation, trial
from handful.evidence.predictions import Predictions
from handful.scoring import get_metric
from tests.evidence.test_selection import made, right


def compared(y: np.ndarray, chosen: float = 0.9, metric: str = "accuracy") -> Predictions:
    """A comparison in which the chosen model is right in a share of the samples."""
    i = np.arange(len(y))
    if metric == "r2":
        return made({"baseline": np.zeros(len(y)), "model": y * chosen}, y, metric=metric)
    return made({"baseline": right(y, y == 0), "model": right(y, i % 100 < 100 * chosen)}, y)


def shares(**hits: float) -> tuple[np.ndarray, Predictions]:
    """Controls that are right in a share of 200 samples of two classes."""
    random = np.random.default_rng(0)
    y = np.arange(200) % 2
    names = {name.replace("_", " "): right(y, random.permutation(200) < 200 * h) for name, h in hits.items()}
    return y, made(names, y)


def kinds(y: np.ndarray, found: Predictions, chosen: float = 0.9) -> dict[str, str]:
    return {c["name"]: c["kind"] for c in controls(compared(y, chosen), found, None)}


def test_what_lies_beside_the_content_raises_the_alarm_by_itself() -> None:
    y, found = shares(file_name=0.75, image_size=0.5, exif=0.52)
    assert kinds(y, found) == {"file name": "alarm", "image size": "clear", "exif": "clear"}
    first = controls(compared(y), found, None)[0]
    assert first["flagged"] and first["score"] == 0.75 and first["chance"] == pytest.approx(0.5, abs=0.02)
    assert "75%" in first["message"] and "guessing gets 50%" in first["message"]


def test_part_of_the_content_is_an_alarm_only_where_it_does_as_well_as_the_chosen_model() -> None:
    y, found = shares(border_pixels=0.75, mean_colour=0.75)
    assert set(kinds(y, found, chosen=0.9).values()) == {"associated"}
    assert set(kinds(y, found, chosen=0.75).values()) == {"alarm"}
    assert not any(c["flagged"] for c in controls(compared(y), found, None))


def test_a_sure_but_small_effect_is_no_alarm() -> None:
    random = np.random.default_rng(0)
    y = np.arange(4000) % 2
    found = made({"file name": right(y, random.permutation(4000) < 4000 * 0.56)}, y)
    assert kinds(y, found) == {"file name": "associated"}


def test_file_size_is_an_alarm_where_the_content_does_not_explain_it() -> None:
    y, found = shares(file_size=0.7, file_size_beyond_the_content=0.5)
    assert kinds(y, found) == {"file size": "associated"}
    y, found = shares(file_size=0.7, file_size_beyond_the_content=0.8)
    (line,) = controls(compared(y), found, None)
    assert line["name"] == "file size" and line["flagged"] and line["score"] == 0.8


def test_shuffled_labels_that_are_learned_are_an_alarm() -> None:
    y, found = shares(forest=0.65, svm=0.5)
    (line,) = controls(compared(y), None, found)
    assert line["name"] == "permuted labels" and line["flagged"]
    assert "do not trust the scores" in line["message"]
    y, found = shares(forest=0.49, svm=0.52)
    (line,) = controls(compared(y), None, found)
    assert line["kind"] == "clear" and "nothing was learned" in line["message"]


def test_regression_has_chance_near_nothing_explained() -> None:
    random = np.random.default_rng(0)
    y = random.normal(size=120)
    found = made(
        {"row order": 0.8 * y + random.normal(0, 0.3, 120), "missingness": random.normal(size=120)},
        y,
        metric="r2",
    )
    order, gaps = controls(compared(y, metric="r2"), found, None)
    assert order["flagged"] and order["chance"] == pytest.approx(0, abs=0.05)
    assert gaps["kind"] == "clear" and gaps["score"] < 0


def test_labels_of_a_group_move_together() -> None:
    unit = np.repeat(np.arange(20), 3)
    y = unit % 2  # constant in each group
    random = np.random.default_rng(0)
    for _ in range(20):
        moved = y[permutation(unit, random)]
        assert sorted(moved) == sorted(y)
        assert (moved.reshape(20, 3) == moved[::3, None]).all()
    assert sorted(permutation(np.arange(9), random)) == list(range(9))
    uneven = np.array([0, 0, 0, 1, 2, 2])
    for _ in range(20):
        taken = uneven[permutation(uneven, random)]
        assert len(set(taken[:3])) == len(set(taken[4:])) == 1
        assert len({taken[0], taken[3], taken[4]}) == 3


def test_whole_groups_that_are_right_by_luck_are_no_proof() -> None:
    unit = np.repeat(np.arange(12), 10)
    y = (np.arange(120) // 10) % 2
    oof = right(y, unit % 12 < 9)  # nine of twelve groups
    alone, grouped = (made({"file name": oof}, y, u) for u in (None, unit))
    by_sample, by_group = (trial(p, p.rows[0], 0.5, 0).p for p in (alone, grouped))
    assert by_sample < 1e-4 and by_group > 0.05


def test_effect_is_the_part_of_the_way_to_perfect() -> None:
    y = np.arange(10) % 2
    accuracy = get_metric("accuracy", "classification", y, np.arange(2))
    assert effect(accuracy, 0.75, 0.5) == pytest.approx(0.5)
    loss = get_metric("log_loss", "classification", y, np.arange(2))
    assert effect(loss, 0.35, 0.7) == pytest.approx(0.5)


def test_leak_premium_is_what_random_splits_add() -> None:
    y = np.arange(200) % 2
    i = np.arange(200)
    unit = i // 4
    grouped = made({"baseline": right(y, y == 0), "model": right(y, i % 10 < 7)}, y, unit)
    torn = made({"model": right(y, i % 10 < 9)}, y, unit)
    premium = leak_premium(grouped, torn)
    assert premium["value"] == pytest.approx(0.2) and premium["names"] == ["model"]
    assert 0.1 < premium["low"] < 0.2 < premium["high"] < 0.3
    assert premium["random"] == pytest.approx(0.9) and premium["grouped"] == pytest.approx(0.7)


@pytest.fixture(scope="module")
def benchmark() -> ModuleType:
    """benchmarks/controls.py, whose data sets are tried here in small."""
    path = Path(__file__).parents[2] / "benchmarks" / "controls.py"
    sys.path.insert(0, str(path.parent))
    spec = importlib.util.spec_from_file_location("benchmark_of_controls", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    sys.path.remove(str(path.parent))
    return module


@pytest.mark.parametrize(
    ("what", "names"),
    [
        ("bytes", {"file size"}),
        ("beside", {"image size", "file name"}),
        ("border", {"border pixels"}),
        ("tint", {"mean colour"}),
    ],
)
def test_planted_shortcuts_of_pictures_raise_the_alarm(benchmark: ModuleType, what: str, names: set) -> None:
    found = benchmark.report(benchmark.planted_pictures(what, 60, 300000), 0, shuffled=False)
    flagged = {c["name"] for c in found if c["flagged"]}
    # The border of two kinds of clothes may tell as much as a weak model knows.
    assert names <= flagged <= names | {"border pixels"}


@pytest.mark.parametrize("what", ["sorted", "trend"])
def test_sorted_rows_raise_the_alarm(benchmark: ModuleType, what: str) -> None:
    found = benchmark.report(benchmark.planted_table(what, 60, 300000), 0)
    assert [c["name"] for c in found if c["flagged"]] == ["row order"]


@pytest.mark.parametrize("modality", ["image", "table"])
@pytest.mark.parametrize("variant", ["two", "measured", "grouped"])
def test_no_alarm_where_nothing_was_planted(benchmark: ModuleType, modality: str, variant: str) -> None:
    dataset, metric = benchmark.null(modality, variant, 300000)
    found = benchmark.report(dataset, 0, metric)
    assert len(found) == (9 if modality == "image" else 3)
    assert not any(c["flagged"] for c in found)
