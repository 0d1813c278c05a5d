"""A model that works on new data: one or more fitted candidates, and how to read what they are given."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from handful.data.load import load_new
from handful.errors import DataError
from handful.evidence.calibration import warmed
from handful.evidence.conformal import UNKNOWN, Reach, in_words
from handful.model.unlike import Either, NewWords, Unlike
from handful.strategies.candidate import scores

# Columns of predictions; a class of the same name has " (class)" behind it.
COLUMNS = ("id", "prediction", "confidence", "possible", "unlike_training", "problem")


@dataclass
class Model:
    """The chosen candidate, or the members of an average, fitted on all data.

    `members` are (name, fitted estimator); their scores are averaged. `classes` are the labels as they came
    (None for regression). `origin` says how the training data was read, so that new data is read alike.
    `reach` is how far the ends of its 90 % interval lie from a predicted value. `temperature` makes
    probabilities of scores, and `threshold` the sets that hold the truth nine times out of ten (None: as they
    are, no sets). `unlike` flags what is unlike the training data. `offsets`, one a class, are there where
    classes are named for a metric that wants other than the likeliest (`handful.evidence.calibration`).
    """

    name: str
    members: list[tuple[str, Any]]
    task: str
    modality: str
    classes: np.ndarray | None
    origin: dict[str, Any] = field(default_factory=dict)
    reach: Reach | None = None
    temperature: float | None = None
    threshold: float | None = None
    unlike: Unlike | NewWords | Either | None = None
    offsets: list[float] | None = None

    def scores(self, X: Any) -> np.ndarray:
        """Of X as a Dataset holds it: `(n, K)` rows whose argmax is predicted, or `(n,)` values."""
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
        """Calibrated probabilities `(n, K)` in the order of `classes`; for classification only.

        With balanced accuracy, F1 or costs as the metric `predict` names rare or dear classes more often than
        they are likeliest here.
        """
        if self.classes is None:
            raise AttributeError("predict_proba is for classification; this model predicts a number.")
        return self.calibrated(self.scores(self._read_all(X)))

    def predict_frame(self, X: Any) -> pd.DataFrame:
        """What `handful predict` writes: one row a sample, in the order of the input.

        Columns `id, prediction, confidence`, one a class, and `possible`: the classes among which the truth
        is nine times out of ten on data of the same kind (`cat`, `cat or dog`, `I do not know`). For
        regression `id, prediction, low, high`: the truth lies between low and high nine times out of ten.
        Then `unlike_training`: whether the sample is unlike all that the model was trained on, so that none
        of this can be relied on; empty where that is not known. A sample that cannot be read keeps its row,
        empty, and then a last column `problem` gives the reason.
        """
        read, ids, problems = load_new(X, self.origin)
        good = [place for place, i in enumerate(ids) if i not in problems]
        found = self.scores(read) if good else np.zeros((0, 0 if self.classes is None else len(self.classes)))
        frame = self._frame(found)
        flags = self._flags(read) if good else None
        if flags is not None and "possible" in frame and self.threshold is not None:
            frame.loc[flags, "possible"] = UNKNOWN
        frame["unlike_training"] = flags
        if problems and self.classes is not None:  # beside an empty cell the label 1 would become 1.0
            frame["prediction"] = frame["prediction"].astype(object)
        frame = frame.set_axis(good).reindex(range(len(ids)))
        frame.insert(0, "id", list(ids))
        if problems:
            frame["problem"] = [problems.get(i, "") for i in ids]
        return frame

    def _frame(self, found: np.ndarray) -> pd.DataFrame:
        if self.classes is None:
            found = found.reshape(-1)
            far = np.full(len(found), np.nan) if self.reach is None else self.reach(found)
            return pd.DataFrame({"prediction": found, "low": found - far, "high": found + far})
        best = found.argmax(axis=1) if len(found) else np.zeros(0, dtype=int)
        level = found if self.temperature is None else warmed(found, self.temperature)
        found = self.calibrated(found)
        frame = pd.DataFrame(
            {"prediction": self.classes[best], "confidence": found[np.arange(len(best)), best]}
        )
        names = [f"{c} (class)" if str(c) in COLUMNS else str(c) for c in self.classes]
        frame = frame.join(pd.DataFrame(found, columns=names))
        frame["possible"] = (
            in_words(level, self.threshold, self.classes) if self.threshold is not None else None
        )
        return frame

    def calibrated(self, found: np.ndarray) -> np.ndarray:
        """Probabilities `(n, K)` of scores `(n, K)`."""
        if self.temperature is None:
            return found
        return warmed(found, self.temperature, None if self.offsets is None else np.array(self.offsets))

    def _flags(self, read: Any) -> np.ndarray | None:
        if self.unlike is None:
            return None
        try:
            return self.unlike.distance(read) > 1
        except Exception:  # the flag is beside the prediction, which must not fail for it
            return None

    def _read_all(self, X: Any) -> Any:
        read, _, problems = load_new(X, self.origin)
        if problems:
            name, reason = next(iter(problems.items()))
            more = f" Nor can {len(problems) - 1} more." if len(problems) > 1 else ""
            raise DataError(
                f"{name} cannot be read: it {reason}.{more} "
                "Use predict_frame to go on without what is damaged."
            )
        return read
