"""From probabilities to scores whose argmax is the answer that is expected to cost least."""

from __future__ import annotations

import numpy as np

from handful.costs import Costs


def decided(p: np.ndarray, costs: Costs | np.ndarray) -> np.ndarray:
    """Rows `(…, K)` of probabilities as rows that sum to 1, of which the largest is the cheapest answer.

    costs `(K, K)`, true classes by predicted ones. Where all mistakes about a class cost the same, as always
    with two classes, it is the probability times that cost: what the probabilities would be, were the classes
    as frequent as they are dear. Else it is what each answer saves of the dearest mistake. Equal costs leave
    the probabilities as they are.

    >>> decided(np.array([0.9, 0.1]), ((0, 1), (9, 0)))
    array([0.5, 0.5])
    """
    matrix = np.array(costs, dtype=float)
    of_class = matrix.max(axis=1)
    if (matrix == of_class[:, None] * (1 - np.eye(len(matrix)))).all():
        found = p * of_class
    else:
        found = p @ (matrix.max() - matrix)
    total = found.sum(axis=-1, keepdims=True)
    return np.where(total > 0, found / np.where(total > 0, total, 1), 1 / len(matrix))
