"""What more examples would bring: for report.json, and for `handful plan`."""

from __future__ import annotations

from typing import Any

import numpy as np

from handful.errors import SettingsError
from handful.evidence.bootstrap import Bootstrap, draw
from handful.evidence.learning_curve import curves, labels_needed, learning_curve, next_targets
from handful.evidence.predictions import Predictions, collect_curve
from handful.evidence.selection import Interval, expected
from handful.protocol.run import Run
from handful.scoring import Metric


def add_growth(
    summary: dict[str, Any],
    predictions: Predictions,
    thinned: list[Predictions],
    bootstrap: Bootstrap,
    told: Interval,
) -> None:
    """`learning_curve` and `labels_needed`; where there are no points, None and the reason."""
    if not thinned:
        why = "no candidate learned from smaller parts of the examples"
        summary |= {"learning_curve": None, "labels_needed": None}
        summary["reasons"] |= {"learning_curve": why, "labels_needed": why}
        return
    found = curves(predictions, thinned, bootstrap, told)
    needed = [labels_needed(found[0], target) for target in next_targets(found[0])]
    summary |= {"learning_curve": learning_curve(found), "labels_needed": {"targets": needed}}


def plan(run: Run, predictions: Predictions, target: float | None = None) -> dict[str, Any]:
    """How many more examples reach the target, or the next round score; see `labels_needed`.

    Raises SettingsError for a score that the metric cannot have.
    """
    if target is not None:
        check_target(target, predictions.metric)
    bootstrap = draw(predictions.unit, predictions.covered, seed=run.settings.seed)
    thinned = collect_curve(run)
    chosen = curves(predictions, thinned, bootstrap, expected(predictions, bootstrap, thinned))[0]
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
