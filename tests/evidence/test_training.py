"""Loss curves are averages of what the splits wrote down; capacity is told by paired differences."""

from __future__ import annotations

import numpy as np
import pytest

from handful.evidence.leaderboard import leaderboard
from handful.evidence.predictions import Predictions
from handful.evidence.training import capacity, loss_curve
from handful.strategies.networks import WIDTH
from tests.evidence.drawn import constant, held_out, right


def history(losses: list[float]) -> list[dict[str, float]]:
    return [
        {"epoch": float(i), "train_loss": 1 / i, "val_loss": v, "val_score": 1 - v}
        for i, v in enumerate(losses, start=1)
    ]


def test_the_curve_is_the_average_of_the_splits_that_got_so_far() -> None:
    found = loss_curve([history([0.8, 0.4, 0.6]), history([0.6, 0.5, 0.4, 0.5]), history([0.7, 0.6])])
    assert found["epoch"] == [1, 2, 3] and found["splits"] == 3  # fewer than half have a fourth
    assert found["val_loss"] == pytest.approx([0.7, 0.5, 0.5])
    assert found["val_score"] == pytest.approx([0.3, 0.5, 0.5])
    assert found["train_loss"] == pytest.approx([1, 0.5, 1 / 3], abs=1e-4)
    assert (found["kept"], found["kept_low"], found["kept_high"]) == (2, 2, 3)
    assert "lowest after 2 passes over the data (2 to 3 in single fits)" in found["words"]


def test_a_loss_that_still_fell_at_the_end_is_told() -> None:
    found = loss_curve([history([0.8, 0.6, 0.4])] * 3)
    assert found["still_falling"] == 3 and "a longer training might bring" in found["words"]


def test_without_validation_the_number_was_fixed() -> None:
    plain = [{"epoch": float(i), "train_loss": 1 / i} for i in range(1, 6)]
    found = loss_curve([plain, plain])
    assert found["val_loss"] is None and found["kept"] == 5
    assert "fixed number of 5 passes" in found["words"]
    assert loss_curve([]) is None


def test_the_terms_of_a_loss_have_courses_of_their_own() -> None:
    split = [
        {"epoch": float(e), "train_loss": 5.0 / e, "train_reconstruction": 4.0 / e, "train_kl": 1.0 / e}
        for e in (1, 2, 4)
    ]
    found = loss_curve([split, split])
    assert found["terms"] == ["reconstruction", "kl"]
    assert found["train_reconstruction"] == [4.0, 2.0, 1.0] and found["train_kl"] == [1.0, 0.5, 0.25]
    assert found["val_kl"] is None
    assert loss_curve([history([0.8, 0.4])])["terms"] == []


def test_a_long_course_is_thinned() -> None:
    found = loss_curve([history(list(np.linspace(1, 0.1, 500)))])
    assert len(found["epoch"]) == 100 and found["epoch"][-1] == 500


def sized(shares: dict[str, float], n: int = 200) -> Predictions:
    """A usual network, a narrow and a wide one, right in the given shares; and a baseline."""
    y = np.arange(n) % 2
    known = {name: right(y, np.arange(n) % 100 < 100 * share) for name, share in shares.items()}
    found = held_out({"baseline": constant(y), **known}, y, deep=list(shares))
    for row, parameters in zip(found.rows[1:], (400, 100, 1600), strict=False):
        row.parameters = parameters
        row.train = [np.eye(2)[y[s.train]] for s in found.splits]
        if row.name != "usual":
            row.base, row.technique = "usual", WIDTH
    return found


def test_networks_of_several_widths_are_a_curve() -> None:
    predictions = sized({"usual": 0.8, "narrow": 0.6, "wide": 0.81})
    (found,) = capacity(predictions, leaderboard(predictions))
    assert found["name"] == "usual"
    assert [p["parameters"] for p in found["points"]] == [100, 400, 1600]
    assert [p["per_example"] for p in found["points"]] == pytest.approx([100 / 160, 400 / 160, 10])
    assert [p["score"] for p in found["points"]] == pytest.approx([0.6, 0.8, 0.81])
    assert found["words"] == (
        "The widest has 16 times the trained numbers of the narrowest, and is surely better on new examples."
    )


def test_a_difference_within_the_noise_is_none() -> None:
    predictions = sized({"usual": 0.8, "narrow": 0.8, "wide": 0.81})
    (found,) = capacity(predictions, leaderboard(predictions))
    assert "no difference on new examples that this data can show" in found["words"]


def test_one_width_alone_is_no_curve() -> None:
    predictions = sized({"usual": 0.8})
    assert capacity(predictions, leaderboard(predictions)) is None
