"""A run as a plain dict: the content of report.json, a pure function of what is stored."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from handful.data.dataset import Dataset, Finding
from handful.evidence.bootstrap import Bootstrap, draw
from handful.evidence.calibration import calibrate, calibration
from handful.evidence.comparison import above_guess, tie_group
from handful.evidence.conformal import conformal
from handful.evidence.controls import controls, leak_premium
from handful.evidence.ensemble import best, select
from handful.evidence.leaderboard import leaderboard, number
from handful.evidence.ledger import ledger
from handful.evidence.luck import luck
from handful.evidence.overfitting import overfitting
from handful.evidence.predictions import Predictions, Row, collect_curve, collect_follow_up
from handful.evidence.selection import LEVEL, expected
from handful.evidence.signal import signal
from handful.evidence.training import capacity
from handful.evidence.verdict import verdict
from handful.model.held_out import HeldOutScore
from handful.protocol.plan import FEWEST_IN_GROUPS, share_in_groups
from handful.protocol.run import Run
from handful.protocol.splits import on_both_sides
from handful.report import words
from handful.report.budget import budget_part
from handful.report.classes import classes_part
from handful.report.growth import add_growth
from handful.report.inside import Inside
from handful.report.labels import add_labels
from handful.report.ledger import ledger_part
from handful.report.luck import luck_part
from handful.report.ties import tie_part
from handful.report.verdict import verdict_part
from handful.scoring import Metric
from handful.strategies import shortcut
from handful.strategies.prior import worth_installing

# With fewer examples in a class, benchmarks/RESULTS.md shows intervals that cover a little too seldom.
FEW_A_CLASS = 5
NOT_LOOKED = "what networks had learned was not looked at"


def summarise(
    run: Run, predictions: Predictions, test: HeldOutScore | None = None, inside: Inside | None = None
) -> dict[str, Any]:
    """report.json. Evidence that is absent is None, with a reason under `reasons`."""
    chosen = select(predictions)
    bootstrap = draw(predictions.unit, predictions.covered, seed=run.settings.seed)
    curve = collect_curve(run)
    told = expected(predictions, bootstrap, curve)
    reasons: dict[str, str] = {}
    summary: dict[str, Any] = {
        "handful": run.versions["handful"],
        "dataset": _dataset(run),
        "audit": [asdict(finding) for finding in run.dataset.findings],
        "protocol": _protocol(run),
        "budget": budget_part(run),
        "metric_info": _metric_info(predictions.metric),
        "expected": {
            "metric": predictions.metric.name,
            "value": number(told.value),
            "low": number(told.low),
            "high": number(told.high),
            "level": LEVEL,
            "how": how(run.dataset, guess=chosen.family == "baseline"),
        },
        "winner": best(predictions).name,
        "chosen": chosen.name,
        "leaderboard": leaderboard(predictions),
        "classes": _classes(run, predictions, chosen),
        "test": _test(test, told.low, told.high),
        "failures": predictions.causes,
        "seconds": round(sum(r.seconds for r in predictions.rows if r.members is None), 1),
        "versions": run.versions,
        "command": _command(run),
        "reasons": reasons,
    }
    if summary["classes"] is None:
        reasons["classes"] = "the target is a number"
    if test is None:
        reasons["test"] = "no test set was given (--test PATH)"
    summary |= (inside or Inside()).facts()
    reasons.update({"autoencoder": NOT_LOOKED, "generated": NOT_LOOKED} if inside is None else inside.reasons)
    for names, piece in (
        (["ledger"], lambda: add_ledger(summary, predictions, bootstrap)),
        (
            ["overfitting", "capacity"],
            lambda: add_gaps(summary, predictions, bootstrap, run.dataset.modality),
        ),
        (["calibration", "conformal"], lambda: add_certainty(summary, predictions, chosen)),
        (
            ["learning_curve", "labels_needed"],
            lambda: add_growth(summary, predictions, curve, bootstrap, told),
        ),
        (
            ["verdict", "tie_group", "tie", "luck"],
            lambda: judge(summary, predictions, curve, bootstrap, run.settings.seed),
        ),
        ([], lambda: add_advice(summary, run)),
        (["labels", "mergeable"], lambda: add_labels(summary, run, predictions, chosen)),
        (["controls", "controls_absent", "leak_premium"], lambda: add_controls(summary, run, predictions)),
    ):
        _guarded(summary, names, piece)
    return summary


def _guarded(summary: dict[str, Any], names: list[str], piece: Callable[[], None]) -> None:
    """Let a piece of evidence fill in its names; where it fails, they are None and the rest goes on."""
    try:
        piece()
    except Exception as error:
        why = f"it could not be computed ({type(error).__name__}: {error})"
        for name in names:
            if summary.get(name) is None:
                summary[name] = None
                summary["reasons"].setdefault(name, why)


def add_ledger(summary: dict[str, Any], predictions: Predictions, bootstrap: Bootstrap) -> None:
    """`ledger`."""
    lines = ledger(predictions, bootstrap)
    summary["ledger"] = ledger_part(lines, words.metric_of(summary), words.noun(summary)) or None
    if not lines:
        summary["reasons"]["ledger"] = "no technique was tried on top of something else"


def add_gaps(summary: dict[str, Any], predictions: Predictions, bootstrap: Bootstrap, modality: str) -> None:
    """`overfitting`, and `capacity` where networks of several widths were tried."""
    summary["overfitting"] = overfitting(predictions, summary["leaderboard"], bootstrap, modality)
    summary["capacity"] = capacity(predictions, summary["leaderboard"])
    if summary["capacity"] is None:
        summary["reasons"]["capacity"] = "no network was tried in several widths; a larger budget does"


def add_certainty(summary: dict[str, Any], predictions: Predictions, chosen: Row) -> None:
    """`calibration` and `conformal`."""
    calibrated = calibrate(predictions, chosen)
    temperature = None if calibrated is None else calibrated.temperature
    guess = chosen.family == "baseline"
    summary["calibration"] = None if calibrated is None or guess else calibration(calibrated)
    if calibrated is None:
        summary["reasons"]["calibration"] = "the target is a number, which has no probabilities to calibrate"
    elif guess:
        summary["reasons"]["calibration"] = "a guess is as sure of one example as of another"
    summary["conformal"] = conformal(predictions, chosen, temperature)


def judge(
    summary: dict[str, Any],
    predictions: Predictions,
    curve: list[Predictions],
    bootstrap: Bootstrap,
    seed: int,
) -> None:
    """Add the verdict, the ties and the luck meter."""
    chosen = predictions.row(summary["chosen"])
    metric, many = words.metric_of(summary), words.noun(summary)
    half = next((part for part in curve if part.splits[0].purpose == "curve50"), None)
    learned = signal(predictions, chosen, seed)
    found = verdict(predictions, bootstrap, learned, half)
    summary["verdict"] = verdict_part(found, predictions, metric, many)
    # One wild error can hide how bad a candidate is: what is no better than a guess is no fair choice.
    guess = chosen.family == "baseline"
    names = tie_group(predictions, above_guess(predictions) if learned.found or guess else None, seed=seed)
    summary["tie_group"] = names or None
    summary["tie"] = tie_part(predictions, names, chosen, many)
    scored = luck(predictions, chosen, seed)
    summary["luck"] = None if scored is None else luck_part(scored, metric)
    if not names:
        summary["reasons"]["tie_group"] = (
            "no candidate is better than a guess"
            if any(row.family != "baseline" for row in predictions.sound)
            else "no candidate but the baseline could be examined"
        )
    if summary["tie"] is None:
        summary["reasons"]["tie"] = "no other candidate is as good as the best"
    if scored is None:
        summary["reasons"]["luck"] = f"{metric.label} has no value on a fifth of so few {many}"


# From where on a score leaves little to gain.
GOOD_ENOUGH = {"accuracy": 0.98, "balanced_accuracy": 0.98, "roc_auc": 0.99, "f1": 0.98, "r2": 0.98}


def add_advice(summary: dict[str, Any], run: Run) -> None:
    """A note in `audit` on what would be worth installing, where something was learned and more is left."""
    advice = worth_installing(run.dataset, run.settings)
    learned, told = (summary.get("verdict") or {}).get("learned") or {}, summary["expected"]
    enough = GOOD_ENOUGH.get(told["metric"])
    if advice is None or not learned.get("found") or told["value"] is None:
        return
    if enough is None or told["value"] < enough:
        summary["audit"].append(asdict(Finding("worth installing", "note", advice)))


def add_controls(summary: dict[str, Any], run: Run, predictions: Predictions) -> None:
    """`controls`, `controls_absent` (what this data does not allow, with the reason), `leak_premium`."""
    shortcuts, permuted, torn = (collect_follow_up(run, p) for p in ("shortcut", "permuted", "ungrouped"))
    _, absent = shortcut.controls(run.dataset)
    for asked in (shortcuts, permuted):
        absent |= {r.name: r.failed for r in (asked.rows if asked else []) if r.failed}
    found = controls(predictions, shortcuts, permuted, run.settings.seed)
    summary["controls"] = found or None
    summary["controls_absent"] = [{"name": name, "reason": why} for name, why in absent.items()]
    summary["leak_premium"] = None if torn is None else leak_premium(predictions, torn, run.settings.seed)
    if not found:
        summary["reasons"]["controls"] = "this run did not ask the controls, or all of them failed"
    if summary["leak_premium"] is None:
        summary["reasons"]["leak_premium"] = _no_premium(run)


def _no_premium(run: Run) -> str:
    if run.dataset.groups is None:
        return "there are no groups that random splits could tear apart"
    if share_in_groups(run.dataset) < FEWEST_IN_GROUPS:
        return f"fewer than {FEWEST_IN_GROUPS:.0%} of the samples share a group with another"
    if run.splits[0].own:
        return (
            "you divided the data yourself, and our random splits differ from yours in more than the groups"
        )
    return "no candidate was fitted on random splits in this run"


def how(dataset: Dataset, guess: bool = False) -> str:
    """How the expected score was made, and where its interval is known to be too narrow."""
    if guess:
        return "This is the cross-validated score of guessing: nothing was chosen, so nothing is corrected."
    proportions = "" if dataset.classes is None else "the class proportions of the sample and for "
    made = (
        f"Bootstrap bias-corrected cross-validation (Tsamardinos et al. 2018), corrected for {proportions}"
        "learning from all examples in the end."
    )
    if dataset.classes is not None and np.bincount(dataset.y[~dataset.copies]).min() < FEW_A_CLASS:
        return (
            f"{made} A class here has fewer than {FEW_A_CLASS} examples: in our simulations with ten such "
            "classes the interval held the true score in 91 to 94 of 100 cases, not in 95."
        )
    return made


def _dataset(run: Run) -> dict[str, Any]:
    dataset, own = run.dataset, ~run.dataset.copies
    about: dict[str, Any] = {
        "name": dataset.origin.get("name") or "your data",
        "modality": dataset.modality,
        "task": dataset.task,
        "n": int(own.sum()),
        "copies": int((~own).sum()),
        "classes": None,
        "class_counts": None,
        "groups": None if dataset.groups is None else len(np.unique(dataset.groups)),
        "unlabelled": None if dataset.unlabelled is None else len(dataset.unlabelled),
        "digest": run.digest,
        "target": dataset.origin.get("target"),
    }
    if dataset.classes is not None:
        counts = np.bincount(dataset.y[own], minlength=len(dataset.classes))
        about["classes"] = [str(c) for c in dataset.classes]
        about["class_counts"] = {str(c): int(k) for c, k in zip(dataset.classes, counts, strict=True)}
    return about


def _protocol(run: Run) -> dict[str, Any]:
    splits = run.splits
    repeats = 1 + max(s.repeat for s in splits)
    folds = sum(s.repeat == 0 for s in splits)
    torn = len(on_both_sides(run.dataset, splits))
    grouped = run.dataset.groups is not None and not torn
    kept = " Samples of one group are never on both sides." if grouped else ""
    if torn:
        kept = f" Of {words.plural(torn, 'group')}, members were on both sides."
    return {
        "folds": folds,
        "repeats": repeats,
        "metric": run.metric.name,
        "grouped": grouped,
        "seed": run.settings.seed,
        "budget": run.settings.budget,
        "own_splits": len(splits) if splits[0].own else None,
        "description": (_divided_by_hand(run) if splits[0].own else _divided(folds, repeats)) + kept,
    }


def _divided(folds: int, repeats: int) -> str:
    times = "once" if repeats == 1 else f"{repeats} times, each time divided anew"
    return (
        f"The examples were divided into {folds} parts, {times}. Every candidate learned from all parts "
        "but one and was scored on that one, which it had never seen; so each example was predicted by "
        "models that did not know it."
    )


def _divided_by_hand(run: Run) -> str:
    held = len(np.unique(np.concatenate([s.test for s in run.splits])))
    n = int((~run.dataset.copies).sum())
    who = "each example was predicted by models that did not know it"
    if held < n:
        who = f"{held:,} of the {n:,} examples were predicted by models that did not know them"
    return (
        f"You divided the data yourself, into a training and a test part, {len(run.splits)} times. Each time "
        "every candidate learned from the training part and was scored on the test part, which it had never "
        f"seen. So {who}."
    )


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


def _classes(run: Run, predictions: Predictions, chosen: Row) -> list[dict[str, Any]] | None:
    names = run.dataset.classes
    many = words.NOUNS.get(run.dataset.modality, ("example", "examples"))[1]
    return None if names is None else classes_part(predictions, chosen, [str(c) for c in names], many)


def _test(test: HeldOutScore | None, low: float, high: float) -> dict[str, Any] | None:
    if test is None:
        return None
    inside = None if test.value is None else bool(low <= test.value <= high)
    return {**asdict(test), "inside": inside}


def _command(run: Run) -> str:
    s = run.settings
    name = run.dataset.origin.get("name") or "DATA"
    options = [
        f"--{option} {shlex.quote(str(value))}"
        for option, value in (
            ("target", s.target),
            ("groups", s.groups),
            ("unlabelled", None if s.unlabelled is None else Path(s.unlabelled).name),
            ("task", None if s.task == "auto" else s.task),
            ("modality", None if s.modality == "auto" else s.modality),
            ("metric", s.metric),
            ("budget", s.budget),
            ("families", ",".join(s.families) if s.families else None),
            ("backbones", ",".join(s.backbones) or None),
            ("start-from", None if s.start_from is None else Path(s.start_from).name),
            ("test", None if s.test is None else Path(s.test).name),
            ("seed", s.seed),
        )
        if value is not None
    ]
    options += [f"--drop-class {shlex.quote(name)}" for name in s.drop_classes]
    options += ["--allow-download"] if s.allow_download else []
    options += [f"# from Python, with your own {words.listed(run.by_hand)}"] if run.by_hand else []
    return " ".join(["handful fit", shlex.quote(name), *options])
