"""The training loop learns, stops where validation says so, and repeats under its seed."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from handful.nets.train import Recipe, TrainingError, from_arrays, outputs, train

QUICK = Recipe(epochs=30, batch=16, lr=0.02)


def spirals(n: int = 90, noise: float = 0.05) -> tuple[torch.Tensor, np.ndarray]:
    """Three arms in the plane, which no line divides."""
    random = np.random.default_rng(0)
    y = np.arange(n) % 3
    r = np.sqrt(random.random(n))
    angle = 2 * r + 2 * np.pi * y / 3
    X = np.column_stack([r * np.cos(angle), r * np.sin(angle)]) + random.normal(0, noise, (n, 2))
    return torch.as_tensor(X, dtype=torch.float32), y


def small() -> torch.nn.Module:
    return torch.nn.Sequential(torch.nn.Linear(2, 24), torch.nn.ReLU(), torch.nn.Linear(24, 3))


def fitted(recipe: Recipe = QUICK, seed: int = 0, held: np.ndarray | None = None):
    X, y = spirals()
    return train(small, lambda rows, random: X[rows], y, recipe, seed=seed, n_classes=3, held=held)


def test_learns_what_no_line_can_divide() -> None:
    X, y = spirals()
    module = from_arrays(small, fitted().weights)
    found = outputs(module, lambda rows, random: X[rows], np.arange(len(y)))
    assert (found.argmax(1).numpy() == y).mean() > 0.9


def test_repeats_under_its_seed_and_leaves_the_callers_generator_alone() -> None:
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    first, again, other = fitted(), fitted(), fitted(seed=1)
    assert torch.equal(before, torch.random.get_rng_state())
    for name, weights in first.weights.items():
        np.testing.assert_array_equal(weights, again.weights[name])
    assert any((first.weights[k] != other.weights[k]).any() for k in first.weights)


def test_learns_on_one_thread_and_leaves_the_callers_threads_alone() -> None:
    before, seen = torch.get_num_threads(), []
    torch.set_num_threads(2)
    try:
        X, y = spirals()

        def inputs(rows: np.ndarray, random: np.random.Generator | None) -> torch.Tensor:
            seen.append(torch.get_num_threads())
            return X[rows]

        train(small, inputs, y, Recipe(epochs=1), seed=0, n_classes=3)
        assert set(seen) == {1} and torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_validation_chooses_the_number_of_epochs() -> None:
    found = fitted(Recipe(epochs=60, batch=16, lr=0.02, patience=5), held=np.arange(0, 90, 5))
    losses = [h["val_loss"] for h in found.history]
    assert found.epochs == 1 + int(np.argmin(losses))
    assert len(losses) == 60 or len(losses) == found.epochs + 5
    assert found.history[-1]["train_loss"] < found.history[0]["train_loss"]


def test_held_samples_choose_but_do_not_teach_before_the_end() -> None:
    X, y = spirals()
    held = np.arange(0, 90, 5)
    seen: list[np.ndarray] = []

    def inputs(rows: np.ndarray, random: np.random.Generator | None) -> torch.Tensor:
        if random is not None:
            seen.append(rows)
        return X[rows]

    found = train(small, inputs, y, Recipe(epochs=3, batch=16), seed=0, n_classes=3, held=held)
    first_training = np.concatenate(seen[: 3 * round(72 / 16)])
    assert np.intersect1d(first_training, held).size == 0
    assert len(found.history) == 3


def test_numbers_are_predicted_too() -> None:
    X, _ = spirals()
    y = (X[:, 0] ** 2 - X[:, 1]).numpy()
    make = lambda: torch.nn.Sequential(torch.nn.Linear(2, 24), torch.nn.ReLU(), torch.nn.Linear(24, 1))  # noqa: E731
    recipe = Recipe(epochs=60, batch=16, lr=0.02)
    found = train(make, lambda rows, random: X[rows], y, recipe, seed=0)
    told = outputs(from_arrays(make, found.weights), lambda rows, random: X[rows], np.arange(len(y)))
    assert np.mean((told[:, 0].numpy() - y) ** 2) < 0.1 * y.var()


def test_a_pull_towards_the_start_keeps_the_weights_near_it() -> None:
    def moved(strength: float) -> float:
        torch.manual_seed(0)
        start = {k: v.numpy().copy() for k, v in small().state_dict().items()}
        found = fitted(Recipe(epochs=10, batch=16, lr=0.02, towards_start=strength))
        return sum(float(((found.weights[k] - start[k]) ** 2).sum()) for k in start)

    assert moved(1.0) < 0.5 * moved(0.0)


def test_a_loss_that_is_not_finite_is_said() -> None:
    X, y = spirals()
    with pytest.raises(TrainingError, match="loss became nan in epoch 1"):
        train(small, lambda rows, random: X[rows] * float("nan"), y, QUICK, seed=0, n_classes=3)
