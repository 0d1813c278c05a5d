"""Autoencoders learn, each in its way, and their codes begin with what matters most."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.datasets import load_digits

from handful.nets.autoencoder import (
    SIZES,
    VARIANTS,
    batches,
    decoded,
    encoded,
    make_autoencoder,
    neighbours,
    reconstruction,
)
from handful.nets.train import Recipe, Trained, from_arrays, train

DIGITS = np.kron(load_digits().images[:300, None] / 16, np.ones((1, 1, 4, 4))).astype(np.float32)
LEARN, OTHERS = DIGITS[:200], DIGITS[200:]  # (n, 1, 32, 32)
RECIPE = Recipe(epochs=4, batch=32, lr=3e-3)


def make() -> object:
    return make_autoencoder(1, width=8, pictures=LEARN)


def trained(variant: str, epochs: int) -> Trained:
    rows = LEARN.reshape(len(LEARN), -1)
    recipe = replace(RECIPE, epochs=epochs)
    return train(make, batches(LEARN, variant), rows, recipe, seed=0, loss=reconstruction(LEARN))


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_loss_falls_below_that_of_the_mean_picture(variant: str) -> None:
    losses = [h["train_loss"] for h in trained(variant, 4).history]
    assert losses[-1] < 0.97 * losses[0] and losses[-1] < 1


def test_new_pictures_come_out_better_the_more_of_the_code_is_used() -> None:
    module = from_arrays(make, trained("plain", 15).weights)
    codes = encoded(module, OTHERS)
    missed = []
    for size in SIZES:
        part = np.where(np.arange(codes.shape[1]) < size, codes, 0).astype(np.float32)
        error = ((decoded(module, part) - OTHERS.reshape(len(OTHERS), -1)) ** 2).mean()
        missed.append(error / LEARN.var(axis=0).mean())
    assert codes.shape == (100, 64)
    assert missed[-1] < 0.7  # of what the mean picture misses
    assert missed[0] > missed[2] > missed[-1] - 0.02


def test_it_begins_with_the_mean_picture_as_its_answer() -> None:
    out = decoded(make(), np.zeros((1, 64), dtype=np.float32))
    np.testing.assert_allclose(out[0], LEARN.mean(axis=0).ravel().clip(0.02, 0.98), atol=1e-4)


def test_colour_and_other_sides_go_through() -> None:
    module = make_autoencoder(3, 16, size=64, width=4)
    codes = encoded(module, np.zeros((2, 3, 64, 64), dtype=np.float32))
    assert codes.shape == (2, 16) and decoded(module, codes).shape == (2, 3 * 64 * 64)


def test_neighbours_are_near_to_each_other_and_few_pictures_have_none() -> None:
    assert neighbours(DIGITS[:99]) is None
    near = neighbours(DIGITS)
    assert near is not None and near.shape == (300, 3)
    for i, js in enumerate(near):
        assert all(i in near[j] for j in js)
    y = load_digits().target[:300]
    assert (y[near] == y[:, None]).mean() > 0.9


def test_masks_hide_about_half_and_nothing_changes_the_pictures_themselves() -> None:
    before = LEARN.copy()
    ones = np.concatenate([np.zeros((8, 1, 32, 32)), np.ones((8, 1, 32, 32))]).astype(np.float32)
    batch = batches(ones, "masked")(np.arange(16), np.random.default_rng(0)).numpy()
    assert 0.35 < (batch == 0.5).mean() < 0.65
    for variant in VARIANTS:
        seen = batches(LEARN, variant)
        seen(np.arange(5), np.random.default_rng(0))
        np.testing.assert_array_equal(seen(np.arange(5), None).numpy(), before[:5])
