"""The covariance of few samples of many features, shrunk to a multiple of the identity; never d x d."""

from __future__ import annotations

import numpy as np
from scipy.linalg import lstsq, solve

Spread = tuple[np.ndarray, float]  # (n, d) and a number: the covariance A'A + number² I


def shrunk(residuals: np.ndarray) -> Spread:
    """The covariance of centred rows `(n, d)`, shrunk by so much as expects the least squared error.

    Ledoit & Wolf, "A well-conditioned estimator for large-dimensional covariance matrices", 2004.
    """
    n, d = residuals.shape
    scale = float((residuals**2).sum() / (n * d))
    share = _share(residuals, scale) if min(n, d) > 1 and scale > 0 else 0.0
    return residuals * np.sqrt((1 - share) / n), float(np.sqrt(share * scale))


def _share(residuals: np.ndarray, scale: float) -> float:
    """That of scikit-learn's `ledoit_wolf_shrinkage`, from products of rows where features are more."""
    n, d = residuals.shape
    squares = ((residuals @ residuals.T if n < d else residuals.T @ residuals) ** 2).sum() / n**2
    noise = ((residuals**2).sum(axis=1) ** 2).sum() / n**2 - squares / n
    distance = squares - d * scale**2
    return float(np.clip(noise / distance, 0.0, 1.0)) if distance > 0 else 0.0


def over(V: np.ndarray, rows: np.ndarray, diagonal: np.ndarray) -> np.ndarray:
    """V `(m, d)` times the inverse of rows'rows + diag(diagonal), rows `(n, d)`; pseudo-inverse for d <= n.

    With more features than rows by products of rows only (Woodbury).
    """
    n, d = rows.shape
    if d <= n:
        return lstsq(rows.T @ rows + np.diag(diagonal), V.T)[0].T
    scaled = rows / diagonal
    return V / diagonal - solve(np.eye(n) + scaled @ rows.T, scaled @ V.T, assume_a="pos").T @ scaled
