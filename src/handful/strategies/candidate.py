"""A candidate: an unfitted estimator with a name, a family, and a specification in plain JSON."""

from __future__ import annotations

import hashlib
import importlib
import inspect
import json
import re
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, clone

from handful.errors import RunError

# A run file may only name classes of these packages: opening somebody's run must not import anything else.
REBUILDABLE = ("handful.", "sklearn.", "imblearn.")


@dataclass(frozen=True)
class Candidate:
    """One way to learn from the data.

    `name` is short and unique in a run, `label` the same in plain words, `family` one of the catalogue's
    (or "yours"). `cost` is a static rank of the effort to predict (0 cheapest) that breaks ties, so that a
    report is the same wherever it ran. `technique` is what it adds to the candidate named `base`, which is
    the same but for that: the ledger tells what it brought. Where it `lacks` the technique, `base` has it: so
    several columns or parts can be taken from one whole. `view` is what it looks at: "X", or "meta" for a
    control that may see only what lies beside the content.
    """

    name: str
    label: str
    family: str
    estimator: Any
    cost: int = 50
    base: str | None = None
    technique: str | None = None
    deep: bool = False
    view: str = "X"
    lacks: bool = False

    @cached_property
    def spec(self) -> Any:
        return spec(self.estimator)

    @cached_property
    def key(self) -> str:
        """A file name: readable, and the same for the same arguments on every machine."""
        text = json.dumps([self.view, self.spec], sort_keys=True)
        slug = re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-")[:60]
        return f"{slug}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"

    def fresh(self, seed: int) -> Any:
        """A clone with every `random_state` set from `seed`.

        A generator of made-up samples draws from a sequence of its own: candidates that share it share its
        training, and the rest of the estimator draws what it draws without it.
        """
        estimator = clone(self.estimator)
        states = sorted(p for p in estimator.get_params() if p.split("__")[-1] == "random_state")
        own = [p for p in states if p.startswith("generator__")]
        rest = [p for p in states if p not in own]
        for names, sequence in ((own, [seed, 37]), (rest, seed)):
            draws = np.random.SeedSequence(sequence).generate_state(len(names)).tolist()
            estimator.set_params(**dict(zip(names, draws, strict=True)))
        return estimator

    def plus(
        self,
        technique: str,
        name: str,
        label: str,
        estimator: Any,
        family: str | None = None,
        cost: int = 0,
    ) -> Candidate:
        """This candidate with one technique more, compared with itself without.

        `name` and `label` go behind its own, and `cost` is what the technique adds; the family stays unless
        another is given.
        """
        return replace(
            self,
            name=f"{self.name}{name}",
            label=f"{self.label}, {label}",
            family=family or self.family,
            estimator=estimator,
            cost=self.cost + cost,
            base=self.name,
            technique=technique,
        )

    @cached_property
    def trains_network(self) -> bool:
        """Whether `fit` trains a network, for so many epochs, or runs one: on a GPU where there is one."""
        if getattr(self.estimator, "RUNS_NETWORK", False):
            return True
        return any(p.split("__")[-1] == "epochs" for p in self.estimator.get_params())

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "label": self.label,
            "family": self.family,
            "cost": self.cost,
            "base": self.base,
            "technique": self.technique,
            "deep": self.deep,
            "view": self.view,
            "lacks": self.lacks,
            "key": self.key,
            "spec": self.spec,
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Candidate:
        """The inverse of `to_json`; with a `Lost` estimator where only its author can build it."""
        names = ("name", "label", "family", "cost", "base", "technique", "deep", "view")
        known: dict[str, Any] = {k: values[k] for k in names} | {"lacks": values.get("lacks", False)}
        try:
            estimator = build(values["spec"])
        except RunError as error:
            estimator = Lost(values["spec"], str(error))
        return cls(estimator=estimator, **known)


@dataclass(frozen=True)
class Lost:
    """In the place of an estimator that cannot be rebuilt: enough to report on its results, not to fit it."""

    spec: Any
    reason: str


def spec(value: Any) -> Any:
    """An estimator's class and arguments (or any argument) as plain JSON."""
    if isinstance(value, Lost):
        return value.spec
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, (float, np.floating)):
        return float(value) if np.isfinite(value) else {"float": repr(float(value))}
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, list):
        return [spec(v) for v in value]
    if isinstance(value, tuple):
        return {"tuple": [spec(v) for v in value]}
    if isinstance(value, dict):
        return {"dict": [[spec(k), spec(v)] for k, v in value.items()]}
    if isinstance(value, np.ndarray):
        return {"array": value.tolist(), "dtype": value.dtype.str}
    if hasattr(value, "get_params") and not inspect.isclass(value):
        params = value.get_params(deep=False)
        return {"class": _qualified(type(value)), "params": {k: spec(params[k]) for k in sorted(params)}}
    if inspect.isclass(value) or inspect.isroutine(value):
        return {"name": _qualified(value)}
    return {"opaque": _qualified(type(value))}


def build(value: Any) -> Any:
    """The inverse of `spec`.

    Raises RunError where something in it cannot be rebuilt: a person's own class or function must be passed
    to `fit` again.
    """
    if isinstance(value, list):
        return [build(v) for v in value]
    if not isinstance(value, dict):
        return value
    if "float" in value:
        return float(value["float"])
    if "tuple" in value:
        return tuple(build(v) for v in value["tuple"])
    if "dict" in value:
        return {build(k): build(v) for k, v in value["dict"]}
    if "array" in value:
        return np.array(value["array"], dtype=value["dtype"])
    if "class" in value:
        params = {k: build(v) for k, v in value["params"].items()}
        return _imported(value["class"])(**params)
    raise RunError(
        f"this run has a candidate with {value.get('name') or value.get('opaque')!r} in it, which cannot be "
        "rebuilt from the run's file. Call handful.fit again from Python with the same data and candidates, "
        "and another out=."
    )


def _qualified(thing: Any) -> str:
    return f"{thing.__module__}.{thing.__qualname__}"


def _imported(qualified: str) -> Any:
    if not qualified.startswith(REBUILDABLE):
        raise RunError(
            f"this run has a candidate of the class {qualified!r}, which a run file may not import. "
            "Call handful.fit again from Python with the same data and candidates, and another out=."
        )
    module, _, name = qualified.rpartition(".")
    found = getattr(importlib.import_module(module), name, None)
    if not (inspect.isclass(found) and issubclass(found, BaseEstimator)):
        raise RunError(
            f"this run has a candidate of the class {qualified!r}, which is not an estimator here."
        )
    return found


def accepts(function: Any, argument: str) -> bool:
    """Whether a call may pass `argument` by name."""
    return argument in inspect.signature(function).parameters


def scores(estimator: Any, X: Any, n_classes: int | None) -> np.ndarray:
    """What a fitted estimator says of X, in the form that is stored.

    Classification: `(n, K)` rows of probabilities, whose argmax is the estimator's prediction; columns of
    classes that it never saw are 0. Regression (`n_classes` None): `(n,)` values.
    """
    if n_classes is None:
        return np.asarray(estimator.predict(X), dtype=float).reshape(len(X))
    seen = np.asarray(estimator.classes_, dtype=int)
    out = np.zeros((len(X), n_classes))
    if hasattr(estimator, "predict_proba"):
        out[:, seen] = estimator.predict_proba(X)
    elif hasattr(estimator, "decision_function"):
        out[:, seen] = margins_to_scores(np.asarray(estimator.decision_function(X), dtype=float))
    else:
        out[np.arange(len(X)), np.asarray(estimator.predict(X), dtype=int)] = 1.0
    return out


def margins_to_scores(margins: np.ndarray) -> np.ndarray:
    """Decision values, `(n,)` for two classes or `(n, K)`, to rows that sum to 1 in the same order."""
    from handful.scoring import softmax

    return softmax(np.column_stack([-margins / 2, margins / 2]) if margins.ndim == 1 else margins)


def count_parameters(estimator: Any) -> int | None:
    """Numbers learned by a fitted estimator (coefficients, tree nodes, stored samples), None if unknown."""
    if hasattr(estimator, "n_parameters_"):
        return int(estimator.n_parameters_)
    if hasattr(estimator, "_predictors"):  # histogram gradient boosting keeps its trees here
        return int(sum(tree.nodes.size for stage in estimator._predictors for tree in stage))
    if hasattr(estimator, "estimators_"):  # before `estimator_`, which in a forest is only the template
        return sum(count_parameters(e) or 0 for e in np.ravel(estimator.estimators_))
    for part in ("head_", "estimator_", "best_estimator_", "regressor_"):
        if hasattr(estimator, part):
            return count_parameters(getattr(estimator, part))
    if hasattr(estimator, "tree_"):
        return int(estimator.tree_.node_count)
    if hasattr(estimator, "theta_"):
        return int(estimator.theta_.size + estimator.var_.size)
    if hasattr(estimator, "n_samples_fit_"):
        return int(estimator.n_samples_fit_ * estimator.n_features_in_)
    if hasattr(estimator, "coef_") and hasattr(estimator, "intercept_"):
        return int(np.size(estimator.coef_) + np.size(estimator.intercept_))
    return None
