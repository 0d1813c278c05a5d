"""New codes where an autoencoder has seen codes: sampling by the geometry of its latent space.

With few examples the codes do not fill the prior, and what is drawn from it falls between them. The metric

    G(z) = sum_i diag(1 / s_i²) exp(-|z - mu_i|² / rho²) + floor * I

is large around the codes mu_i of the training examples and vanishes away from them; s_i are the standard
deviations that the encoder gives them. New codes are drawn from the density sqrt(det G(z)), uniform in that
geometry, by Hamiltonian Monte Carlo from the training codes.

Chadebec & Allassonnière, "Data augmentation with variational autoencoders and manifold sampling", 2021, and
Chadebec, Thibeau-Sutre, Burgos & Allassonnière, "Data augmentation in high dimensional low sample size
setting using a geometry-based variational autoencoder", TPAMI 2022, learn such a metric with the autoencoder;
that it can be read off one trained as usual is in Chadebec & Allassonnière, "A geometric perspective on
variational autoencoders", NeurIPS 2022, whose metric this is, with the distance of the former. Plain NumPy.
"""

from __future__ import annotations

import numpy as np
from sklearn.metrics.pairwise import euclidean_distances

FLOOR = 1e-3  # the metric far from all codes
LEAPS, TRAJECTORIES = 8, 12


def manifold_codes(
    mu: np.ndarray,
    std: np.ndarray,
    m: int,
    random: np.random.Generator,
    *,
    spread: float = 1.0,
    usual: float = 1.0,
) -> np.ndarray:
    """m new codes `(m, latent)` among the codes `mu` `(n, latent)` with standard deviations `std`.

    spread : times the radius rho of a code, which is the largest distance of one to its nearest neighbour
    usual : that radius where there is no neighbour
    """
    rho = spread * (radius(mu) or usual)
    precision = std**-2.0
    z = mu[random.integers(len(mu), size=m)]
    # Around a lone code the density is normal with this standard deviation.
    step = 0.5 * rho / np.sqrt(mu.shape[1])
    for _ in range(TRAJECTORIES):
        z = _trajectory(z, mu, precision, rho, step * random.uniform(0.6, 1.2), random)
    return z


def radius(mu: np.ndarray) -> float:
    """The largest distance of a code `(n, latent)` to its nearest neighbour; 0 for a single one."""
    if len(mu) < 2:
        return 0.0
    between = euclidean_distances(mu)
    np.fill_diagonal(between, np.inf)
    return float(between.min(axis=1).max())


def log_density(
    z: np.ndarray, mu: np.ndarray, precision: np.ndarray, rho: float
) -> tuple[np.ndarray, np.ndarray]:
    """log sqrt(det G) `(m,)` at z `(m, latent)`, and its gradient `(m, latent)`."""
    near = np.exp(-euclidean_distances(z, mu, squared=True) / rho**2)  # (m, n)
    G = near @ precision + FLOOR  # (m, latent), the diagonal
    pull = near * ((1 / G) @ precision.T)  # (m, n)
    gradient = (pull @ mu - pull.sum(axis=1, keepdims=True) * z) / rho**2
    return 0.5 * np.log(G).sum(axis=1), gradient


def _trajectory(
    z: np.ndarray,
    mu: np.ndarray,
    precision: np.ndarray,
    rho: float,
    step: float,
    random: np.random.Generator,
) -> np.ndarray:
    """Each code moved along a path of `LEAPS` leapfrog steps, or left where the path is not accepted."""
    momentum = random.standard_normal(z.shape)
    before, slope = log_density(z, mu, precision, rho)
    energy = before - 0.5 * (momentum**2).sum(axis=1)
    moved = z
    for _ in range(LEAPS):
        momentum = momentum + 0.5 * step * slope
        moved = moved + step * momentum
        after, slope = log_density(moved, mu, precision, rho)
        momentum = momentum + 0.5 * step * slope
    accepted = np.log(random.random(len(z))) < after - 0.5 * (momentum**2).sum(axis=1) - energy
    return np.where(accepted[:, None], moved, z)
