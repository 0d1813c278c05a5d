"""A model that works on new data: one or more fitted candidates, and how to read what they are given."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from handful.data.load import load_new
from handful.errors import DataError
from handful.strategies.candidate import scores

# Columns of predictions; a class of the same name has " (class)" behind it.
COLUMNS = ("id", "prediction", "confidence", "problem")


@dataclass
class Model:
    """The chosen candidate, or the members of an average, fitted on all data.

    `members` are (name, fitted estimator); their scores are averaged. `classes` are the labels as they came
    (None for regression). `origin` says how the training data was read, so that new data is read alike.
    `residuals` are the lower and upper quantile of the out-of-fold errors, for regression intervals.
    """

    name: str
    members: list[tuple[str, Any]]
    task: str
    modality: str
    classes: np.ndarray | None
    origin: dict[str, Any] = field(default_factory=dict)
    residuals: tuple[float, float] | None = None

    def scores(self, X: Any) -> np.ndarray:
        """Of X as a Dataset holds it: `(n, K)` probabilities, or `(n,)` values."""
        n_classes = None if self.classes is None else len(self.classes)
        return np.mean([scores(estimator, X, n_classes) for _, estimator in self.members], axis=0)

    def predict(self, X: Any) -> np.ndarray:
        """Labels, or values, `(n,)`.

        X : a path (a picture, a folder of pictures, a table), an array, a DataFrame.
        Raises DataError where a sample cannot be read; `predict_frame` goes on without it.
        """
        found = self.scores(self._read_all(X))
        return found if self.classes is None else self.classes[found.argmax(axis=1)]

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probabilities `(n, K)` in the order of `classes`; for classification only."""
        if self.classes is None:
            raise AttributeError("predict_proba is for classification; this model predicts a number.")
        return self.scores(self._read_all(X))

    def predict_frame(self, X: Any) -> pd.DataFrame:
        """What `handful predict` writes: one row a sample, in the order of the input.

        Columns `id, prediction, confidence` and one a class; for regression `id, prediction, low, high`. A
        sample that cannot be read keeps its row, empty, and then a last column `problem` gives the reason.
        """
        read, ids, problems = load_new(X, self.origin)
        good = [i for i in ids if i not in problems]
        found = self.scores(read) if good else np.zeros((0, 0 if self.classes is None else len(self.classes)))
        frame = self._frame(found).set_axis(good).reindex(ids)
        frame.insert(0, "id", list(ids))
        if problems:
            frame["problem"] = [problems.get(i, "") for i in ids]
        return frame.reset_index(drop=True)

    def _frame(self, found: np.ndarray) -> pd.DataFrame:
        if self.classes is None:
            low, high = self.residuals or (np.nan, np.nan)
            found = found.reshape(-1)
            return pd.DataFrame({"prediction": found, "low": found + low, "high": found + high})
        best = found.argmax(axis=1) if len(found) else np.zeros(0, dtype=int)
        frame = pd.DataFrame(
            {"prediction": self.classes[best], "confidence": found[np.arange(len(best)), best]}
        )
        names = [f"{c} (class)" if str(c) in COLUMNS else str(c) for c in self.classes]
        return frame.join(pd.DataFrame(found, columns=names))

    def _read_all(self, X: Any) -> Any:
        read, _, problems = load_new(X, self.origin)
        if problems:
            name, reason = next(iter(problems.items()))
            more = f" and {len(problems) - 1} more" if len(problems) > 1 else ""
            raise DataError(
                f"{name}{more} cannot be read: {reason}. Use predict_frame to go on without them."
            )
        return read
