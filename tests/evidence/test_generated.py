"""Density, coverage and variety of generated examples."""

from __future__ import annotations

import numpy as np
import pytest

from handful.evidence.generated import coverage_if_real, density_and_coverage, likeness


def normal(n: int, seed: int, d: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((n, d))


def test_fresh_real_examples_have_density_1_and_the_coverage_that_is_foretold() -> None:
    found = [density_and_coverage(normal(40, s), normal(60, 500 + s), 5) for s in range(40)]
    density, coverage = np.mean(found, axis=0)
    assert density == pytest.approx(1, abs=0.05)
    assert coverage == pytest.approx(coverage_if_real(40, 60, 5), abs=0.01)
    assert coverage_if_real(10, 5, 1) == pytest.approx(1 - 9 / 14)


def test_one_place_alone_covers_little_and_is_dense_and_not_varied() -> None:
    real = normal(60, 0)
    crowded = 0.05 * normal(60, 1)
    found = likeness(real, np.zeros(60), crowded, np.zeros(60))
    assert found is not None and found.variety is not None
    assert found.coverage < 0.4 < 0.9 < found.coverage_if_real
    assert found.density > 1 and found.variety == pytest.approx(0.05, abs=0.01)


def test_examples_near_another_class_cover_nothing() -> None:
    y = np.repeat([0, 1], 30)
    real = normal(60, 0) + 20 * y[:, None]
    right, swapped = (likeness(real, y, normal(60, 2) + 20 * k[:, None], y) for k in (y, 1 - y))
    assert right is not None and right.coverage > 0.9
    assert swapped is not None and swapped.coverage == 0 and swapped.density == 0


def test_a_class_with_two_real_examples_has_one_neighbour_and_with_one_no_answer() -> None:
    found = likeness(np.array([[0.0], [1.0]]), np.zeros(2), np.array([[0.5]]), np.zeros(1))
    assert found is not None and found.coverage == 1 and found.variety is None
    assert found.coverage_if_real == pytest.approx(0.5)
    assert likeness(np.array([[0.0], [1.0]]), np.array([0, 1]), np.array([[0.5]]), np.zeros(1)) is None
