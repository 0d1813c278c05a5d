"""The parts of a variational autoencoder that do not depend on what it looks at.

Kingma & Welling, "Auto-encoding variational Bayes", ICLR 2014; beta of Higgins et al., "beta-VAE", ICLR 2017;
KL warm-up of Sønderby et al., "Ladder variational autoencoders", NeurIPS 2016; free bits of Kingma et al.,
"Improved variational inference with inverse autoregressive flow", NeurIPS 2016; labels beside the input and
the code of Sohn, Lee & Yan, "Learning structured output representation using deep conditional generative
models", NeurIPS 2015; active units of Burda, Grosse & Salakhutdinov, "Importance weighted autoencoders",
ICLR 2016. Imports torch: import it where a network is made.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

WARM = 0.3  # share of the training in which beta rises from 0
ACTIVE = 0.01  # variance of a latent's mean over the samples from which on it says something


def drawn(mu: Tensor, log_var: Tensor) -> Tensor:
    """A code for each sample: mu and log_var `(b, latent)` to z `(b, latent)`."""
    return mu + torch.randn_like(mu) * (0.5 * log_var).exp()  # (b, latent)


def kl(mu: Tensor, log_var: Tensor) -> Tensor:
    """How far each latent of each sample is from the prior, in nats `(b, latent)`."""
    return 0.5 * (mu**2 + log_var.exp() - 1 - log_var)


def kl_term(
    mu: Tensor, log_var: Tensor, progress: float, *, beta: float = 1.0, free_bits: float = 0.0
) -> Tensor:
    """What the loss counts of the KL, a number: warmed up, and at least `free_bits` nats for each latent."""
    per_latent = kl(mu, log_var).mean(dim=0)  # (latent,)
    return beta * min(1.0, progress / WARM) * per_latent.clamp(min=free_bits).sum()


def active_units(mu: np.ndarray) -> int:
    """Latents that differ between samples, of the means `(n, latent)`; 0 is a posterior collapse."""
    return int((mu.var(axis=0) > ACTIVE).sum())
