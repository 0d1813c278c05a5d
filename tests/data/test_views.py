from __future__ import annotations

import numpy as np
import pytest

from handful.data.views import PLAIN, VIEWS, turned, view

GRADIENT = np.add.outer(np.arange(32) * 2, np.arange(32) * 5)[..., None].repeat(3, axis=2).astype(np.uint8)


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_has_the_shape_of_the_picture_and_is_always_the_same(name: str) -> None:
    seen = view(GRADIENT, name)
    assert seen.shape == GRADIENT.shape and seen.dtype == np.uint8
    np.testing.assert_array_equal(seen, view(GRADIENT.copy(), name))
    assert (name == PLAIN) == np.array_equal(seen, GRADIENT)


def test_left_moves_the_content_left_by_a_sixteenth_and_carries_the_border_on() -> None:
    seen = view(GRADIENT, "left")
    np.testing.assert_array_equal(seen[:, :-2], GRADIENT[:, 2:])
    np.testing.assert_array_equal(seen[:, -1], GRADIENT[:, -1])
    np.testing.assert_array_equal(view(GRADIENT, "down")[2:], GRADIENT[:-2])


def test_a_quarter_turn_in_small_steps_is_the_quarter_turn() -> None:
    np.testing.assert_allclose(
        turned(GRADIENT, 90).astype(int), view(GRADIENT, "rotate 90").astype(int), atol=1
    )


def test_a_corner_shows_that_corner() -> None:
    seen = view(GRADIENT, "lower right")
    assert seen[0, 0, 0] > GRADIENT[2, 2, 0]
    assert abs(int(seen[-1, -1, 0]) - int(GRADIENT[-1, -1, 0])) <= 3


def test_the_seven_orientations_are_different_and_all_there_are() -> None:
    names = ("flip", "upside down", "rotate 90", "rotate 180", "rotate 270", "transpose", "transverse")
    assert len({view(GRADIENT, name).tobytes() for name in (PLAIN, *names)}) == 8
