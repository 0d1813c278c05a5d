"""New codes lie where codes are."""

from __future__ import annotations

import numpy as np

from handful.nets.manifold import log_density, manifold_codes, radius


def test_the_gradient_is_that_of_the_density() -> None:
    random = np.random.default_rng(0)
    mu, precision = random.normal(size=(6, 3)), random.uniform(0.5, 4, (6, 3))
    z, small = random.normal(size=(4, 3)), 1e-6
    _, gradient = log_density(z, mu, precision, 1.3)
    for d in range(3):
        apart = small * np.eye(3)[d]
        up, down = (log_density(z + sign * apart, mu, precision, 1.3)[0] for sign in (1, -1))
        np.testing.assert_allclose((up - down) / (2 * small), gradient[:, d], rtol=1e-4, atol=1e-8)


def test_the_density_is_the_root_of_the_metrics_determinant() -> None:
    mu, std = np.zeros((1, 2)), np.array([[0.5, 0.1]])
    found, _ = log_density(np.zeros((1, 2)), mu, std**-2, 1.0)
    np.testing.assert_allclose(found, np.log((1 / 0.5) * (1 / 0.1)), rtol=1e-4)


def test_around_a_lone_code_new_ones_are_normal() -> None:
    mu, std, d = np.full((1, 4), 3.0), np.full((1, 4), 0.01), 4
    found = manifold_codes(mu, std, 4000, np.random.default_rng(0), usual=2.0)
    np.testing.assert_allclose(found.mean(axis=0), 3.0, atol=0.1)
    np.testing.assert_allclose(found.std(axis=0), 2.0 / np.sqrt(d), rtol=0.06)


def test_new_codes_follow_a_ring_that_the_prior_does_not_know() -> None:
    random = np.random.default_rng(0)
    angle = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    ring = 3 * np.column_stack([np.cos(angle), np.sin(angle)])
    found = manifold_codes(ring, np.full(ring.shape, 0.1), 300, random)
    distance = np.hypot(*found.T)
    assert np.quantile(np.abs(distance - 3), 0.95) < 1.5
    near = np.abs(found[:, None] - ring).max(axis=2).argmin(axis=1)
    assert len(set(near)) > 35, "they come from all around the ring"
    again = manifold_codes(ring, np.full(ring.shape, 0.1), 300, np.random.default_rng(0))
    np.testing.assert_array_equal(
        manifold_codes(ring, np.full(ring.shape, 0.1), 300, np.random.default_rng(0)), again
    )


def test_the_radius_is_the_loneliest_codes_distance_to_its_neighbour() -> None:
    assert radius(np.array([[0.0], [1.0], [4.0]])) == 3
    assert radius(np.array([[7.0]])) == 0
