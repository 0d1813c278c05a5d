"""A run as a plain dict: the content of report.json, a pure function of what is stored."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from handful.data.dataset import Dataset
from handful.errors import SettingsError
from handful.evidence.leaderboard import leaderboard, number
from handful.evidence.learning_curve import (
    curve_parts,
    curves,
    labels_needed,
    learning_curve,
    next_targets,
    refit_step,
)
from handful.evidence.overfitting import overfitting
from handful.evidence.predictions import Predictions, Row
from handful.evidence.selection import LEVEL, Bootstrap, Interval, draw, expected, winner
from handful.model.held_out import HeldOutScore
from handful.protocol.run import Run
from handful.scoring import Metric

# Up to so many examples a class, benchmarks/RESULTS.md shows intervals that cover too seldom.
FEW_A_CLASS = 20

LATER = {
    "tie_group": "which candidates cannot be told apart is not computed by this version",
    "ledger": "what each technique is worth is not computed by this version",
    "controls": "the controls (shortcuts, permuted labels) are not run by this version",
    "verdict": "whether deep learning is right for this data is not judged by this version",
}


def summarise(run: Run, predictions: Predictions, test: HeldOutScore | None = None) -> dict[str, Any]:
    """report.json. Evidence that is absent is None, with a reason under `reasons`."""
    chosen = winner(predictions)
    bootstrap = draw(predictions.unit, predictions.covered, seed=run.settings.seed)
    thinned = curve_parts(run)
    told = expected(predictions, bootstrap, refit_step(predictions, thinned, bootstrap))
    board = leaderboard(predictions, bootstrap)
    summary: dict[str, Any] = {
        "handful": run.versions["handful"],
        "dataset": _dataset(run),
        "audit": [asdict(finding) for finding in run.dataset.findings],
        "protocol": _protocol(run),
        "metric_info": _metric_info(predictions.metric),
        "expected": {
            "metric": predictions.metric.name,
            "value": number(told.value),
            "low": number(told.low),
            "high": number(told.high),
            "level": LEVEL,
            "how": how(run.dataset),
        },
        "winner": chosen.name,
        "chosen": chosen.name,
        "leaderboard": board,
        "overfitting": overfitting(predictions, board),
        "per_class": per_class(run, chosen),
        "test": _test(test, told.low, told.high),
        "failures": predictions.causes,
        "seconds": round(sum(r.seconds for r in predictions.rows if r.members is None), 1),
        "versions": run.versions,
        "command": _command(run),
        "reasons": dict(LATER),
    }
    summary |= {name: None for name in LATER}
    try:
        summary |= growth(summary["reasons"], predictions, thinned, bootstrap, told)
    except (ArithmeticError, ValueError) as error:  # odd scores must not cost the rest of the report
        why = f"the learning curve could not be computed ({error})"
        summary["reasons"] |= {"learning_curve": why, "labels_needed": why}
    if test is None:
        summary["reasons"]["test"] = "no test set was given (--test PATH)"
    return summary


def growth(
    reasons: dict[str, str],
    predictions: Predictions,
    thinned: list[Predictions],
    bootstrap: Bootstrap,
    told: Interval,
) -> dict[str, Any]:
    """`learning_curve` and `labels_needed`; where there are no points, None and the reason."""
    if not thinned:
        why = "no candidate learned from smaller parts of the examples"
        reasons |= {"learning_curve": why, "labels_needed": why}
        return {"learning_curve": None, "labels_needed": None}
    found = curves(predictions, thinned, bootstrap, told)
    needed = [labels_needed(found[0], target) for target in next_targets(found[0])]
    return {"learning_curve": learning_curve(found), "labels_needed": {"targets": needed}}


def plan(run: Run, predictions: Predictions, target: float | None = None) -> dict[str, Any]:
    """How many more examples reach the target, or the next round score; see `labels_needed`.

    Raises SettingsError for a score that the metric cannot have.
    """
    if target is not None:
        check_target(target, predictions.metric)
    bootstrap = draw(predictions.unit, predictions.covered, seed=run.settings.seed)
    thinned = curve_parts(run)
    told = expected(predictions, bootstrap, refit_step(predictions, thinned, bootstrap))
    chosen = curves(predictions, thinned, bootstrap, told)[0]
    ahead = [target] if target is not None else next_targets(chosen)
    return labels_needed(chosen, ahead[0] if ahead else 1.0)


def check_target(target: float, metric: Metric) -> None:
    """SettingsError where no score of this metric can be the target."""
    if metric.percent and not 0 < target <= 1:
        hint = f" Did you mean {target / 100:g}?" if 1 < target <= 100 else ""
        raise SettingsError(f"--target-score {target:g}: {metric.label} lies between 0 and 1.{hint}")
    if metric.higher_is_better and not target <= 1:
        raise SettingsError(f"--target-score {target:g}: {metric.label} is 1 at the most.")
    if not metric.higher_is_better and not 0 < target < np.inf:
        raise SettingsError(f"--target-score {target:g}: {metric.label} is a number above 0.")
    if not np.isfinite(target):
        raise SettingsError(f"--target-score {target}: a number is needed.")


def how(dataset: Dataset) -> str:
    """How the expected score was made, and where its interval is known to be too narrow."""
    made = (
        "Bootstrap bias-corrected cross-validation (Tsamardinos et al. 2018), corrected for learning from "
        "all examples in the end."
    )
    if dataset.classes is not None and np.bincount(dataset.y).min() <= FEW_A_CLASS:
        return (
            f"{made} A class here has {FEW_A_CLASS} examples or fewer: in our simulations such intervals "
            "were too narrow and held the true score only in 79 to 95 of 100 cases."
        )
    return made


def _dataset(run: Run) -> dict[str, Any]:
    dataset = run.dataset
    about: dict[str, Any] = {
        "name": dataset.origin.get("name") or "your data",
        "modality": dataset.modality,
        "task": dataset.task,
        "n": len(dataset),
        "classes": None,
        "class_counts": None,
        "groups": None if dataset.groups is None else len(np.unique(dataset.groups)),
        "digest": run.digest,
        "target": dataset.origin.get("target"),
    }
    if dataset.classes is not None:
        counts = np.bincount(dataset.y, minlength=len(dataset.classes))
        about["classes"] = [str(c) for c in dataset.classes]
        about["class_counts"] = {str(c): int(k) for c, k in zip(dataset.classes, counts, strict=True)}
    return about


def _protocol(run: Run) -> dict[str, Any]:
    splits = run.splits
    repeats = 1 + max(s.repeat for s in splits)
    folds = sum(s.repeat == 0 for s in splits)
    grouped = run.dataset.groups is not None
    times = "once" if repeats == 1 else f"{repeats} times, each time divided anew"
    kept = " Samples of one group are never on both sides." if grouped else ""
    return {
        "folds": folds,
        "repeats": repeats,
        "metric": run.metric.name,
        "grouped": grouped,
        "seed": run.settings.seed,
        "budget": run.settings.budget,
        "description": (
            f"The examples were divided into {folds} parts, {times}. Every candidate learned from all parts "
            "but one and was scored on that one, which it had never seen; so each example was predicted by "
            f"models that did not know it.{kept}"
        ),
    }


def _metric_info(metric: Metric) -> dict[str, Any]:
    return {
        "name": metric.name,
        "label": metric.label,
        "higher_is_better": metric.higher_is_better,
        "percent": metric.percent,
        "words": metric.words,
    }


def first_predictions(run: Run, row: Row) -> tuple[np.ndarray, np.ndarray]:
    """Positions that the first repeat held out, and the row's scores there: each sample predicted once."""
    assert row.oof is not None
    first = row.oof[0]
    held = np.flatnonzero(np.isfinite(first.reshape(len(first), -1)[:, 0]))
    return held, first[held]


def per_class(run: Run, row: Row) -> list[dict[str, Any]] | None:
    """Recall and precision of each class in the first repeat; None for regression."""
    classes = run.dataset.classes
    if classes is None:
        return None
    held, scores = first_predictions(run, row)
    truth, predicted = run.dataset.y[held], scores.argmax(axis=1)
    lines = []
    for k, name in enumerate(classes):
        hits = int(((truth == k) & (predicted == k)).sum())
        there, said = int((truth == k).sum()), int((predicted == k).sum())
        lines.append(
            {
                "class": str(name),
                "n": there,
                "recall": hits / there if there else None,
                "precision": hits / said if said else None,
            }
        )
    return lines


def _test(test: HeldOutScore | None, low: float, high: float) -> dict[str, Any] | None:
    if test is None:
        return None
    return {**asdict(test), "inside": bool(low <= test.value <= high)}


def _command(run: Run) -> str:
    s = run.settings
    name = run.dataset.origin.get("name") or "DATA"
    options = [
        f"--{option} {value}"
        for option, value in (
            ("target", s.target),
            ("groups", s.groups),
            ("task", None if s.task == "auto" else s.task),
            ("modality", None if s.modality == "auto" else s.modality),
            ("metric", s.metric),
            ("budget", s.budget),
            ("families", ",".join(s.families) if s.families else None),
            ("backbones", None if s.backbones == ("lite0",) else ",".join(s.backbones)),
            ("seed", s.seed),
        )
        if value is not None
    ]
    return " ".join(["handful fit", name, *options])
