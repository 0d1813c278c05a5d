"""The perceptron for tables: members that are trained alone and told together, columns in pieces."""

from __future__ import annotations

from functools import partial

import numpy as np
import torch

from handful.nets.mlp import make_mlp, plan_for, quantile_edges
from handful.nets.train import Recipe, count_trainable, from_arrays, outputs, train


def test_parameters_are_those_of_the_table_in_the_docstring() -> None:
    plans = {n: plan_for(np.random.default_rng(0).normal(size=(n, 10))) for n in (300, 1000, 1001)}
    counts = {n: count_trainable(partial(make_mlp, d_out=3, **plan)) for n, plan in plans.items()}
    assert counts == {300: 7096, 1000: 14_776, 1001: 36_280}


def test_members_are_apart_in_training_and_averaged_when_it_serves() -> None:
    torch.manual_seed(0)
    network = make_mlp(4, 3, members=5, dropout=0.0, edges=quantile_edges(np.eye(4), 8))
    x = torch.randn(6, 4)
    apart = network(x)
    assert apart.shape == (6, 5, 3)
    told = network.eval()(x)
    torch.testing.assert_close(told.exp(), apart.softmax(dim=2).mean(dim=1))
    value = make_mlp(4, 1, members=5, dropout=0.0)
    torch.testing.assert_close(value(x).mean(dim=1), value.eval()(x))


def test_a_column_bends_at_its_quantiles() -> None:
    """A step in one column, which no line follows."""
    Z = np.linspace(-2, 2, 120)[:, None].astype(np.float32)
    y = (np.abs(Z[:, 0]) < 1).astype(int)
    plan = plan_for(Z)
    assert plan["edges"].shape == (1, 9) and np.isclose(plan["edges"][0, 4], 0, atol=0.02)
    x = torch.from_numpy(Z)
    found = train(
        lambda: make_mlp(d_out=2, **plan),
        lambda rows, random: x[rows],
        y,
        Recipe(epochs=30, lr=0.01),
        seed=0,
        n_classes=2,
    )
    told = outputs(
        from_arrays(lambda: make_mlp(d_out=2, **plan), found.weights), lambda r, random: x[r], np.arange(120)
    )
    assert (told.argmax(1).numpy() == y).mean() > 0.95


def test_many_columns_get_fewer_numbers_each() -> None:
    assert [plan_for(np.zeros((50, d)))["embedding"] for d in (3, 64, 128, 750)] == [8, 8, 4, 1]
