"""Perceptrons that squeeze a row through a few numbers, its code, and tell it back: autoencoder and VAE.

A row is a vector `(d,)` with a layout (see `handful.nets.likelihood`): the encoded columns of a table, or
plain numbers such as frozen features. With labels the network is a conditional VAE, one network for all
classes; without a prior on the code it is an autoencoder. The decoder tells how a row differs from the usual
row of its class, so that it knows from the start what naive Bayes knows, also where there are too few rows to
train for long.

Vincent et al., "Extracting and composing robust features with denoising autoencoders", ICML 2008, on tables
with values swapped between rows (Yoon et al., "VIME", NeurIPS 2020); Kingma & Welling 2014 and Sohn, Lee &
Yan 2015 (see `handful.nets.vae`); Xu et al., "Modeling tabular data using conditional GAN", NeurIPS 2019
(TVAE).
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from handful.nets.likelihood import Layout, surprise
from handful.nets.train import Inputs, Loss

if TYPE_CHECKING:
    import torch

QUICKER = 10.0  # the spreads of the columns learn so many times as fast as the weights


def width_for(n: int) -> int:
    """Units of a hidden layer for n rows.

    >>> width_for(50), width_for(500)
    (64, 128)
    """
    return 64 if n <= 300 else 128


def epochs_for(n: int, batch: int, steps: int, most: int = 300) -> int:
    """Passes over n rows that make about so many steps: some hundred where rows are few.

    >>> epochs_for(20, 32, 1000), epochs_for(500, 32, 1000), epochs_for(5000, 32, 1000)
    (300, 64, 10)
    """
    return int(np.clip(steps * batch // n, 10, most))


def make_rows(
    d: int,
    latent: int,
    *,
    classes: int = 0,
    numbers: int = 0,
    width: int = 64,
    variational: bool = True,
    dropout: float = 0.0,
    usual: tuple[np.ndarray, np.ndarray] | None = None,
) -> torch.nn.Module:
    """The network.

    It has `encode(x) -> (mu, log_var)`, both `(b, latent)`, of rows x `(b, d + classes)` with their labels as
    0 and 1 behind them, and `decode(z, one) -> (told, log_sigma)` of codes and labels `(b, classes)`, see
    `handful.nets.likelihood.surprise`. Called, it gives all that the loss needs side by side, see `row_loss`.

    Parameters
    ----------
    classes : 0: there are no labels
    numbers : columns that are numbers: each has a spread of its own
    usual : of `handful.nets.likelihood.usual`, with one class where there are no labels; it travels with the
        weights
    """
    import torch
    from torch import Tensor, nn

    from handful.nets.vae import drawn

    def perceptron(*sizes: int) -> nn.Sequential:
        layers: list[nn.Module] = []
        for a, b in pairwise(sizes):
            layers += [nn.Linear(a, b), nn.LayerNorm(b), nn.SiLU(), nn.Dropout(dropout)]
        return nn.Sequential(*layers)

    class Rows(nn.Module):
        usual: Tensor
        usual_log_sigma: Tensor

        def __init__(self) -> None:
            super().__init__()
            kinds = max(1, classes)
            start = (np.zeros((kinds, d)), np.zeros((kinds, numbers))) if usual is None else usual
            self.register_buffer("usual", torch.as_tensor(start[0]).float())
            self.register_buffer("usual_log_sigma", torch.as_tensor(start[1]).float())
            self.encoder = perceptron(d + classes, width, width)
            self.code = nn.Linear(width, 2 * latent if variational else latent)
            self.decoder = perceptron(latent + classes, width, width)
            self.told = nn.Linear(width, d)
            nn.init.normal_(self.told.weight, std=0.1 * width**-0.5)  # the usual row, nearly
            nn.init.zeros_(self.told.bias)
            self.spread = nn.Parameter(torch.zeros(numbers))

        def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
            h = self.code(self.encoder(x))  # (b, 2 * latent), or (b, latent)
            return (h[:, :latent], h[:, latent:].clamp(-8, 8)) if variational else (h, torch.zeros_like(h))

        def decode(self, z: Tensor, one: Tensor) -> tuple[Tensor, Tensor]:
            ground = one if classes else torch.ones_like(z[:, :1])  # (b, max(1, classes))
            change = self.told(self.decoder(torch.cat([z, one], dim=1)))  # (b, d)
            return ground @ self.usual + change, ground @ self.usual_log_sigma + QUICKER * self.spread

        def forward(self, x: Tensor) -> Tensor:
            mu, log_var = self.encode(x)
            z = drawn(mu, log_var) if variational else mu
            return torch.cat([*self.decode(z, x[:, d:]), mu, log_var], dim=1)  # (b, d + numbers + 2 * latent)

    return Rows()


def row_loss(
    layout: Layout, latent: int, *, variational: bool = True, beta: float = 1.0, free_bits: float = 0.0
) -> Loss:
    """The terms of `surprise`, and of a VAE "kl", warmed up, with free bits; targets are rows `(b, d)`."""
    from handful.nets.vae import kl_term

    d, numbers = layout.width, len(layout.numbers)

    def loss(output: Any, rows: Any, progress: float) -> dict[str, Any]:
        told, log_sigma, mu, log_var = output.split([d, numbers, latent, latent], dim=1)
        terms = surprise(layout, told, log_sigma, rows)
        if variational:
            terms["kl"] = kl_term(mu, log_var, progress, beta=beta, free_bits=free_bits)
        return terms

    return loss


def row_inputs(Z: np.ndarray, one: np.ndarray, layout: Layout, swapped: float, device: str) -> Inputs:
    """Rows of Z `(n, d)` with their labels `(n, classes)` behind them, as batches.

    swapped : share of the fields that have another row's value when the network trains
    """
    import torch

    rows_of = torch.as_tensor(np.asarray(Z, dtype=np.float32)).to(device)
    labels = torch.as_tensor(np.asarray(one, dtype=np.float32)).to(device)
    field = layout.field

    def batch(rows: np.ndarray, random: np.random.Generator | None) -> torch.Tensor:
        at = torch.from_numpy(rows).to(device)
        x = rows_of[at]
        if random is not None and swapped:
            shape = len(rows), len(layout.fields)
            other = np.where(random.random(shape) < swapped, random.integers(0, len(Z), shape), rows[:, None])
            x = rows_of.gather(0, torch.from_numpy(other[:, field]).to(device))
        return torch.cat([x, labels[at]], dim=1)  # (b, d + classes)

    return batch
