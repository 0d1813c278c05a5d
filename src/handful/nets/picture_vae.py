"""A variational autoencoder for pictures. Imports torch: import it where a network is made.

The trunk of `handful.nets.blocks`, a code of a few numbers, and the crown back to a picture. With classes it
is conditional: the label lies beside the encoder's features and beside the code, so that the code need not
hold it and every class can be drawn from one network. Without KL it would be an autoencoder; `beta` over 1 is
a beta-VAE (see `handful.nets.vae`).

The decoder is calibrated: its pixels are normal with one variance for all, at any time the best one, the mean
squared error (Rybkin, Daniilidis & Levine, "Simple and effective VAE training with calibrated decoders",
ICML 2021). But neighbouring pixels say nearly the same: counted one by one, a thousand of them outweigh the
KL, the code of few pictures becomes a list of them, and nothing lies between its entries. So a picture counts
as `EVIDENCE` independent numbers, whatever its size, and the two terms of the loss, both in nats, balance.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn

from handful.nets.blocks import LAST, Crown, Trunk
from handful.nets.train import Loss
from handful.nets.vae import drawn, kl_term

RECONSTRUCTION, KL = "reconstruction", "kl"
# On another draw than those reported (10 a class), of the pictures drawn from the prior 23 and 25 of 100 were
# recognised as what they were drawn for with all 1,024 pixels counted, 89 and 77 with 26: digits and clothes.
EVIDENCE = 32
# The squared error that rounding to 256 grey levels already makes could be predicted at no gain.
FINEST = (1 / 255) ** 2
# Training takes this many steps whatever the number of pictures, so that few are learned as well as many,
# and many cost little more.
STEPS = 500
FEWEST_EPOCHS = 12


def epochs_for(n: int, batch: int) -> int:
    """Passes over n pictures: about `STEPS` steps, and never fewer passes than `FEWEST_EPOCHS`.

    >>> epochs_for(100, 32), epochs_for(500, 32)
    (167, 32)
    """
    return max(FEWEST_EPOCHS, math.ceil(STEPS / max(1, round(n / batch))))


class PictureVAE(nn.Module):
    """Pictures in 0…1, each with its label, as rows `(b, channels * size² + n_classes)` to
    `(b, 1 + 2 * latent)`: the mean squared error of a pixel, mu and log_var. `vae_loss` makes the loss of it.

    Parameters
    ----------
    size : a multiple of 16
    width : channels of the first and largest stage
    latent : numbers of a code
    n_classes : 0 for a network that knows no labels
    mean, std : `(channels,)` of the training part
    """

    def __init__(
        self,
        channels: int,
        size: int,
        width: int,
        latent: int,
        n_classes: int = 0,
        mean: np.ndarray | None = None,
        std: np.ndarray | None = None,
    ) -> None:
        super().__init__()
        self.shape = (channels, size, size)
        self.middle = (4 * width, LAST, LAST)
        self.trunk = Trunk(channels, size, width, mean, std)
        self.to_code = nn.Linear(math.prod(self.middle) + n_classes, 2 * latent)
        self.from_code = nn.Linear(latent + n_classes, math.prod(self.middle))
        self.norm = nn.BatchNorm2d(4 * width)
        self.crown = Crown(channels, size, width)

    def forward(self, rows: Tensor) -> Tensor:
        x, label = self.apart(rows)
        mu, log_var = self.encode(x, label)
        error = ((self.decode(drawn(mu, log_var), label) - x) ** 2).mean(dim=(1, 2, 3))  # (b,)
        return torch.cat([error[:, None], mu, log_var], dim=1)  # (b, 1 + 2 * latent)

    def apart(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Pictures `(b, channels, size, size)` and labels `(b, n_classes)` of rows."""
        pixels = math.prod(self.shape)
        return rows[:, :pixels].reshape(-1, *self.shape), rows[:, pixels:]

    def encode(self, x: Tensor, label: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log variance of the codes, each `(b, latent)`."""
        h = self.trunk(x).flatten(1)  # (b, 4 * width * 4 * 4)
        mu, log_var = self.to_code(torch.cat([h, label], dim=1)).chunk(2, dim=1)  # (b, latent) each
        return mu, log_var.clamp(-12, 6)  # exp() of a wild start would be infinite

    def decode(self, z: Tensor, label: Tensor) -> Tensor:
        """Codes `(b, latent)` with labels `(b, n_classes)` to pictures in 0…1."""
        h = self.from_code(torch.cat([z, label], dim=1)).reshape(-1, *self.middle)  # (b, 4 * width, 4, 4)
        return torch.sigmoid(self.crown(torch.relu(self.norm(h))))  # (b, channels, size, size)


def vae_loss(*, beta: float = 1.0, free_bits: float = 0.0) -> Loss:
    """The negative evidence lower bound of a picture, in nats, in its two terms."""

    def terms(output: Tensor, targets: Tensor, progress: float) -> dict[str, Tensor]:
        error, codes = output[:, 0].mean(), output[:, 1:]
        mu, log_var = codes.chunk(2, dim=1)  # (b, latent) each
        return {
            RECONSTRUCTION: 0.5 * EVIDENCE * (torch.log(2 * math.pi * (error + FINEST)) + 1),
            KL: kl_term(mu, log_var, progress, beta=beta, free_bits=free_bits),
        }

    return terms
