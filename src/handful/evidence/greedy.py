"""A weighted average by greedy selection: is it worth more than the uniform average of the tied?

Caruana, Niculescu-Mizil, Crew & Ksikes, "Ensemble selection from libraries of models", ICML 2004: begin with
nothing, and again and again add the model, chosen before or not, that helps the average most; to overfit
less, do so in many random halves of the models, and take all of it together. What helps is judged by the
squared error of the scores (the Brier score), which is a product of matrices; in trials
accuracy itself was a worse judge.

It is examined and shown, and never served: a sixth of a point of accuracy on new data beyond the uniform
average was not worth nearly twice as many models to fit, keep and ask (benchmarks/greedy.py).
"""

from __future__ import annotations

import numpy as np

from handful.evidence.ensemble import eligible
from handful.evidence.predictions import Predictions, Row, place

NAME = "greedy"
BAGS, SHARE, STEPS = 20, 0.5, 20
LEAST = 1e-9  # differences of rounding decide nothing


def greedy_row(predictions: Predictions) -> Row | None:
    """The weighted average as a derived row, weights for each held-out fold from the other folds.

    None where there are fewer than two candidates beside the baseline, or nothing else was held out.
    """
    rows = eligible(predictions)
    if len(rows) < 3:
        return None
    left = [residuals(predictions, row) for row in rows]
    R = np.array(left)  # (C, R, n, K)
    whole = gram(R)
    tests = []
    for split in predictions.splits:
        elsewhere = whole - gram(R[:, :, split.test])
        if elsewhere.max() <= 0:
            return None
        weights = greedy_weights(elsewhere)
        scores = np.array([r.oof[split.repeat, split.test] for r in rows if r.oof is not None])
        tests.append(np.tensordot(weights, scores, 1))
    used = [row for row, weight in zip(rows, greedy_weights(whole), strict=True) if weight > 0]
    return Row(
        NAME,
        f"a weighted average of {len(used)} models",
        "ensemble",
        cost=sum(r.cost for r in used),
        oof=place(tests, predictions.splits, len(predictions.y)),
        seconds=sum(r.seconds for r in used),
        members=[r.name for r in used],
    )


def residuals(predictions: Predictions, row: Row) -> np.ndarray:
    """Scores less the truth, `(R, n, K)`, K = 1 for values; 0 where a sample was not held out."""
    assert row.oof is not None
    y = predictions.y
    truth = y[:, None] if row.oof.ndim == 2 else np.eye(row.oof.shape[2])[y]
    return np.nan_to_num(row.oof.reshape(len(row.oof), len(y), -1) - truth)


def gram(residual: np.ndarray) -> np.ndarray:
    """Products `(C, C)` of residuals `(C, …)`: the squared error of an average with weights w is wᵀGw."""
    flat = residual.reshape(len(residual), -1)
    return flat @ flat.T


def greedy_weights(
    G: np.ndarray, bags: int = BAGS, share: float = SHARE, steps: int = STEPS, seed: int = 0
) -> np.ndarray:
    """Weights `(C,)` that sum to 1, from products of residuals `(C, C)`; the same under the same seed."""
    C, random = len(G), np.random.default_rng([seed, 19])
    inside = np.zeros((bags, C), dtype=bool)
    for bag in inside:
        bag[random.permutation(C)[: max(2, round(share * C))]] = True
    counts = np.zeros((bags, C))
    scale = np.diag(G).max() or 1.0
    for step in range(steps):
        crossed = counts @ G
        error = ((crossed * counts).sum(axis=1, keepdims=True) + 2 * crossed + np.diag(G)) / (step + 1) ** 2
        error = np.where(inside, np.round(error / scale / LEAST) * LEAST, np.inf)
        counts[np.arange(bags), error.argmin(axis=1)] += 1
    return counts.sum(axis=0) / counts.sum()
