"""Rows are told better than the usual row, from a code of a few numbers."""

from __future__ import annotations

import numpy as np
import torch

from handful.nets.likelihood import CATEGORY, NUMBER, Layout, probabilities, usual
from handful.nets.rows import make_rows, row_inputs, row_loss
from handful.nets.train import Recipe, Trained, from_arrays, train
from handful.nets.vae import active_units

LAYOUT = Layout(((NUMBER, 1), (NUMBER, 1), (NUMBER, 1), (CATEGORY, 2)))
RECIPE = Recipe(epochs=40, batch=32, lr=8e-3, weight_decay=0.0, clip=5.0)


def rows(n: int = 200) -> np.ndarray:
    """One hidden number behind all columns."""
    random = np.random.default_rng(0)
    hidden = random.normal(size=n)
    numbers = np.column_stack([hidden, -hidden, hidden]) + random.normal(0, 0.2, (n, 3))
    return np.column_stack([numbers, np.eye(2)[(hidden > 0).astype(int)]])


def plan(variational: bool) -> dict:
    return {"d": 5, "latent": 2, "numbers": 3, "width": 16, "variational": variational}


def trained(variational: bool, beta: float = 1.0, swapped: float = 0.0) -> Trained:
    Z = rows()
    start = usual(LAYOUT, Z, np.zeros(len(Z), dtype=int), 1)
    return train(
        lambda: make_rows(**plan(variational), usual=start),
        row_inputs(Z, np.zeros((len(Z), 0)), LAYOUT, swapped, "cpu"),
        Z,
        RECIPE,
        seed=0,
        held=np.arange(0, 200, 5),
        loss=row_loss(LAYOUT, 2, variational=variational, beta=beta),
    )


def means(found: Trained, variational: bool) -> np.ndarray:
    module = from_arrays(lambda: make_rows(**plan(variational)), found.weights)
    return module.encode(torch.as_tensor(rows(), dtype=torch.float32))[0].detach().numpy()


def test_every_term_of_an_autoencoder_falls_and_its_rows_come_back() -> None:
    found = trained(variational=False, swapped=0.2)
    first, last = found.history[0], found.history[-1]
    for term in ("val_numbers", "val_categories"):
        assert last[term] < first[term] - 0.2
    assert "val_kl" not in last
    module = from_arrays(lambda: make_rows(**plan(False)), found.weights)
    codes = torch.as_tensor(means(found, False))
    told = probabilities(LAYOUT, module.decode(codes, torch.zeros(200, 0))[0].detach().numpy())
    Z = rows()
    assert ((told[:, :3] - Z[:, :3]) ** 2).mean() < 0.1 * Z[:, :3].var()
    assert (told[:, 4].round() == Z[:, 4]).mean() > 0.95


def test_a_vae_tells_its_reconstruction_and_its_kl_and_uses_its_code() -> None:
    found = trained(variational=True)
    last = found.history[-1]
    assert last["val_numbers"] + last["val_categories"] + last["val_kl"] == last["val_loss"]
    assert last["val_loss"] < found.history[0]["val_loss"] - 1
    assert last["val_kl"] > 0.5 and active_units(means(found, True)) >= 1


def test_a_posterior_collapse_is_seen_in_the_active_units() -> None:
    assert active_units(means(trained(variational=True, beta=100.0), True)) == 0


def test_swapped_values_come_from_the_same_field_of_other_rows_and_only_in_training() -> None:
    Z = np.column_stack(
        [np.arange(50.0), np.arange(50.0) + 100, np.arange(50.0) + 200, np.eye(2)[[0, 1] * 25]]
    )
    inputs = row_inputs(Z, np.ones((50, 1)), LAYOUT, 0.3, "cpu")
    at = np.arange(50)
    plain, altered = inputs(at, None).numpy(), inputs(at, np.random.default_rng(0)).numpy()
    np.testing.assert_array_equal(plain, np.column_stack([Z, np.ones(50)]))
    assert 0.15 < (altered[:, :3] != plain[:, :3]).mean() < 0.4
    for j in range(3):
        assert set(altered[:, j]) <= set(plain[:, j])
    assert (altered[:, 3:5].sum(axis=1) == 1).all()  # a category moves as a whole
