"""The picture autoencoder learns, its loss comes in its two terms, and draws the class it is told."""

from __future__ import annotations

import math

import numpy as np
import torch

from handful.nets.picture_vae import EVIDENCE, STEPS, PictureVAE, epochs_for, vae_loss
from handful.nets.vae import WARM, active_units, kl, kl_term


def test_shapes_go_down_to_a_code_and_back() -> None:
    for channels, size, K in ((1, 32, 0), (3, 64, 4)):
        net = PictureVAE(channels, size, width=4, latent=5, n_classes=K)
        rows = torch.rand(6, channels * size**2 + K)
        x, label = net.apart(rows)
        assert x.shape == (6, channels, size, size) and label.shape == (6, K)
        torch.testing.assert_close(torch.cat([x.flatten(1), label], dim=1), rows)
        mu, log_var = net.encode(x, label)
        assert mu.shape == log_var.shape == (6, 5)
        picture = net.decode(mu, label)
        assert picture.shape == x.shape and picture.min() >= 0 and picture.max() <= 1
        assert net(rows).shape == (6, 11)


def test_the_loss_is_that_of_a_normal_decoder_with_its_best_variance() -> None:
    error, mu, log_var = torch.tensor([[0.02], [0.04]]), torch.ones(2, 3), torch.zeros(2, 3)
    found = vae_loss()(torch.cat([error, mu, log_var], dim=1), torch.zeros(2, 1), 1.0)
    normal = torch.distributions.Normal(0, math.sqrt(0.03))
    residuals = torch.full((EVIDENCE,), math.sqrt(0.03))
    assert math.isclose(
        float(found["reconstruction"]), -float(normal.log_prob(residuals).sum()), rel_tol=1e-3
    )
    assert math.isclose(float(found["kl"]), 1.5, rel_tol=1e-6)


def test_kl_is_that_of_two_normals_warms_up_and_leaves_some_bits_free() -> None:
    mu, log_var = torch.tensor([[0.5, 0.0]]), torch.tensor([[0.3, 0.0]])
    ours = torch.distributions.Normal(mu, (0.5 * log_var).exp())
    wanted = torch.distributions.kl_divergence(ours, torch.distributions.Normal(0.0, 1.0))
    torch.testing.assert_close(kl(mu, log_var), wanted)
    whole = float(wanted.sum())
    assert math.isclose(float(kl_term(mu, log_var, WARM / 2, beta=4.0)), 2 * whole, rel_tol=1e-5)
    assert math.isclose(float(kl_term(mu, log_var, 1.0, free_bits=0.5)), 1.0, rel_tol=1e-5)


def test_a_latent_is_active_where_it_differs_between_samples() -> None:
    random = np.random.default_rng(0)
    assert active_units(random.normal(size=(100, 3)) * [1.0, 0.5, 0.01]) == 2


def test_few_pictures_are_learned_for_as_many_steps_as_many() -> None:
    steps = [epochs_for(n, 32) * max(1, round(n / 32)) for n in (2, 20, 100, 500, 1000)]
    assert all(STEPS <= s <= 1.1 * STEPS for s in steps)
