"""What must fail: models that see only what should not matter, and models that learn from shuffled labels.

**Chance.** A control's stored predictions are scored against B = 200 permutations of the labels, whole groups
moving together. The mean of these scores, or the score of the run's baseline where that is better, is chance:
what a label-blind guess gets under the same metric.

**p.** How far the score lies above the mean of the permutations, in standard deviations, one-sided and read
from the normal distribution. The standard deviation is that of the permutations times the square root of 2:
permuting labels against fixed predictions forgets that the same labels made the predictions. Where these are
S y with a zero diagonal, the variance of y'S y is |S|² + tr(S S), at most twice the |S|² of the permutations;
nearest neighbours, which vote for each other, come close to that. So p is a little too large rather than too
small.

**What raises the alarm.** Holm's procedure (1979) over all controls of a report at the level 0.01, and an
effect of at least 15 % of the way from chance to perfect (5 % for shuffled labels, 30 % for unexplained
file size). Beyond that:
- What lies *beside the content* (image size, file type, exif, file name, row order), and shuffled labels,
  raise the alarm by themselves.
- What is *part of the content* (border pixels, mean colour, length and punctuation of a text, missing values)
  may honestly go with the label: of clothes the border alone tells half. It is an alarm only where it goes
  90 % of the way from chance that the chosen model goes; else the two are "associated".
- *File size* is both: busy pictures make large files. The size itself is judged as part of the content; what
  the content does not explain of it (`strategies.shortcut.UnexplainedSize`) is a control of its own, raises
  the alarm by itself, and is then reported as `file size`.

Holm, "A simple sequentially rejective multiple test procedure", Scand. J. Statist. 6, 1979. Ojala & Garriga,
"Permutation tests for studying classifier performance", JMLR 11, 2010. On shortcuts: Geirhos et al.,
"Shortcut learning in deep neural networks", Nature Machine Intelligence 2, 2020.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import norm

from handful.evidence.bootstrap import draw
from handful.evidence.ensemble import select
from handful.evidence.laws import scale_of
from handful.evidence.leaderboard import number
from handful.evidence.predictions import Predictions, Row
from handful.evidence.selection import LEVEL
from handful.scoring import REGRESSION, Metric, per_cent
from handful.strategies.shortcut import BEYOND

ALPHA = 0.01
LEAST_EFFECT = 0.15
AS_WELL = 0.9
PERMUTATIONS = 200
PERMUTED = "permuted labels"
# Nobody can honestly learn shuffled labels; but what the content leaves unexplained of a file's size is known
# only roughly, and reached 0.09 on untouched pictures.
OTHER_LEAST_EFFECT = {PERMUTED: 0.05, BEYOND: 0.3}
# Part of the content, or due to it.
WITHIN = (
    "border pixels",
    "mean colour",
    "missingness",
    "file size",
    "text length",
    "punctuation and capitals",
)


@dataclass(frozen=True)
class Trial:
    """One control: its score, chance, p, and the part of the way from chance to perfect that it goes."""

    name: str
    score: float
    chance: float
    p: float
    effect: float


def controls(
    predictions: Predictions, shortcuts: Predictions | None, permuted: Predictions | None, seed: int = 0
) -> list[dict[str, Any]]:
    """One dict a control: `name`, `score`, `chance`, `p`, `effect`, `flagged`, `kind`, `message`.

    `kind` is "alarm", "associated" or "clear"; `flagged` says whether it is an alarm. Those flagged come
    first, then by effect. `predictions` are those of the comparison, the others of follow-up cells.
    """
    baseline = _first_repeat(predictions, predictions.baseline())
    blind = float(predictions.score(baseline)[0])
    trials = {r.name: trial(shortcuts, r, blind, seed) for r in shortcuts.sound} if shortcuts else {}
    if permuted is not None and permuted.sound:
        trials[PERMUTED] = _worst([trial(permuted, r, blind, seed) for r in permuted.sound])
    rejected = holm({name: t.p for name, t in trials.items()}, ALPHA)
    chosen = _first_repeat(predictions, select(predictions))
    best = effect(predictions.metric, float(predictions.score(chosen)[0]), blind)
    kinds = {name: _kind(t, rejected[name], best) for name, t in trials.items()}
    if BEYOND in trials:  # one line for both: what was found, or the size itself
        if kinds[BEYOND] == "alarm":
            trials["file size"], kinds["file size"] = trials[BEYOND], "alarm"
        del trials[BEYOND]
    found = []
    for name, t in trials.items():
        kind = kinds[name]
        found.append(
            {
                "name": name,
                "score": number(t.score),
                "chance": number(t.chance),
                "p": number(t.p),
                "effect": number(t.effect),
                "flagged": kind == "alarm",
                "kind": kind,
                "message": message(t, kind, predictions.metric),
            }
        )
    return sorted(found, key=lambda line: (not line["flagged"], -(line["effect"] or 0.0), line["name"]))


def trial(predictions: Predictions, row: Row, blind: float, seed: int) -> Trial:
    """A row's score against permuted labels; `blind` is the score of the baseline."""
    assert row.oof is not None
    metric, oof = predictions.metric, row.oof[0]
    held = np.flatnonzero(np.isfinite(oof.reshape(len(oof), -1)[:, 0]))
    y, scores = predictions.y[held], oof[held]
    score = metric.value(y, scores)
    random = np.random.default_rng([seed, 13])
    shuffled = np.array(
        [metric.value(y[permutation(predictions.unit[held], random)], scores) for _ in range(PERMUTATIONS)]
    )
    shuffled = shuffled[np.isfinite(shuffled)]
    if not len(shuffled) or not np.isfinite(score):
        return Trial(row.name, score, blind, 1.0, 0.0)
    mean, spread = float(shuffled.mean()), float(np.sqrt(2) * shuffled.std())
    above = float(metric.gain(score)) - float(metric.gain(mean))
    p = float(norm.sf(above / spread)) if spread > 1e-12 * scale_of(metric, mean) else 1.0
    chance = max(mean, blind, key=lambda value: float(metric.gain(value)))
    return Trial(row.name, score, chance, p, effect(metric, score, chance))


def permutation(unit: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Positions `(n,)` from which each sample takes its label.

    Each group takes the labels of another group, cut or repeated to its own size, so that what is alike in a
    group stays alike; without groups it is a plain permutation.
    """
    names, code, sizes = np.unique(unit, return_inverse=True, return_counts=True)
    if len(names) == len(unit):
        return random.permutation(len(unit))
    by_group = np.argsort(code, kind="stable")
    first = np.cumsum(sizes) - sizes
    place = np.arange(len(unit)) - first[code[by_group]]  # of each sample in its group
    source = random.permutation(len(names))[code[by_group]]
    taken = np.empty(len(unit), dtype=int)
    taken[by_group] = by_group[first[source] + place % sizes[source]]
    return taken


def effect(metric: Metric, score: float, chance: float) -> float:
    """The part of the way from chance to perfect: 0 is chance, 1 is perfect."""
    perfect = 1.0 if metric.higher_is_better else 0.0
    way = perfect - chance
    return float((score - chance) / way) if abs(way) > 1e-12 * scale_of(metric, chance) else 0.0


def holm(p: dict[str, float], alpha: float) -> dict[str, bool]:
    """Which hypotheses are rejected, with at most `alpha` probability of any false one among them.

    >>> holm({"a": 0.001, "b": 0.02, "c": 0.04}, 0.05)
    {'a': True, 'b': True, 'c': True}
    >>> holm({"a": 0.03, "b": 0.02, "c": 0.04}, 0.05)
    {'a': False, 'b': False, 'c': False}
    """
    rejected = dict.fromkeys(p, False)
    for step, name in enumerate(sorted(p, key=lambda name: p[name])):
        if p[name] > alpha / (len(p) - step):
            break
        rejected[name] = True
    return rejected


def leak_premium(grouped: Predictions, torn: Predictions, seed: int = 0) -> dict[str, Any] | None:
    """What the score gains where groups are torn apart: `value`, `low`, `high`, both scores, and words.

    The mean over the candidates in `torn` of the score on random splits minus that on grouped ones, in the
    first repeat. The 95 % interval is that of a bootstrap over groups, with both scores on the same draw; it
    does not hold how much another division into folds would change. Positive where random splits flatter.
    None where no candidate has both scores.
    """
    pairs = [(grouped.row(r.name), r) for r in torn.sound]
    pairs = [(_first_repeat(grouped, before), after) for before, after in pairs if before.oof is not None]
    if not pairs:
        return None
    metric = grouped.metric
    kept = float(np.mean([grouped.score(before)[0] for before, _ in pairs]))
    random = float(np.mean([torn.score(after)[0] for _, after in pairs]))
    weights = draw(grouped.unit, grouped.covered, 400, seed).weights
    draws = np.mean(
        [torn.score(after, weights) - grouped.score(before, weights) for before, after in pairs], axis=0
    )
    low, high = sorted(float(metric.gain(v)) for v in np.nanquantile(draws, [0.025, 0.975]))
    value = float(metric.gain(random - kept))
    return {
        "value": number(value),
        "low": number(min(low, value)),
        "high": number(max(high, value)),
        "level": LEVEL,
        "random": number(random),
        "grouped": number(kept),
        "names": [after.name for _, after in pairs],
    }


def _first_repeat(predictions: Predictions, row: Row) -> Row:
    assert row.oof is not None
    return Row(row.name, row.label, row.family, row.cost, oof=row.oof[:1])


def _worst(trials: Sequence[Trial]) -> Trial:
    """The most suspicious of several, its p corrected for having been picked (Bonferroni)."""
    worst = min(trials, key=lambda t: t.p)
    return Trial(PERMUTED, worst.score, worst.chance, min(1.0, len(trials) * worst.p), worst.effect)


def _kind(t: Trial, rejected: bool, best: float) -> str:
    """`rejected` by Holm's procedure; `best` is the effect of the chosen model."""
    if not rejected or t.effect <= 0:
        return "clear"
    alarm = t.effect >= OTHER_LEAST_EFFECT.get(t.name, LEAST_EFFECT)
    if t.name in WITHIN:
        alarm &= t.effect >= AS_WELL * best
    return "alarm" if alarm else "associated"


_SEES = {
    "image size": "the width and height of a picture",
    "file type": "the file type and colour mode",
    "file size": "the size of the file",
    BEYOND: "how large a file is, compared with what its content needs,",
    "exif": "the EXIF data (camera, software)",
    "file name": "the name of the file",
    "row order": "the place in the file",
    "border pixels": "the outermost pixels",
    "mean colour": "the mean colour",
    "text length": "the length of a text",
    "punctuation and capitals": "punctuation marks, capitals and digits",
    "missingness": "which values are missing",
}
_SQUEEZED = "Were the classes saved by different programs, or pressed together to different degrees?"
_WHY = {
    "image size": "Do the pictures of the classes come from different sources, or were they cut differently?",
    "file type": "Were the classes saved by different programs or in different ways?",
    "file size": _SQUEEZED,
    BEYOND: _SQUEEZED,
    "exif": "Were the classes taken with different cameras or edited with different software?",
    "file name": "That is harmless if somebody named the files by what they show. If the names tell of "
    "places, people or days, the classes were collected apart.",
    "row order": "That is harmless if somebody sorted the rows by the target. If they stand in the order in "
    "which they were collected, the classes were collected apart.",
    "border pixels": "Is there a frame, a mark or a background that gives the answer away?",
    "mean colour": "Do light, camera or background give the answer away?",
    "text length": "Were the classes written or cut by different people or rules?",
    "punctuation and capitals": "Do the classes come from different sources, each with a way of writing?",
    "missingness": "Was something left out, or only measured, because the outcome was known?",
}

_OF_VALUES = "the classes", "small and large values"


def message(t: Trial, kind: str, metric: Metric) -> str:
    """What a control found, in plain words."""
    reached = f"{metric.label} {_shown(t.score, metric)}, where guessing gets {_shown(t.chance, metric)}"
    values = metric.name in REGRESSION
    if t.name == PERMUTED:
        of = "values" if values else "labels"
        if kind == "clear":
            return f"With shuffled {of} there is nothing to learn, and nothing was learned ({reached})."
        return (
            f"Models that learned from shuffled {of} still predict them ({reached}). There is nothing to "
            "learn there, so examples are known from training under another name, or handful has an error: "
            "do not trust the scores of this report."
        )
    sees = _SEES.get(t.name, t.name)
    if kind == "clear":
        return f"A model that sees only {sees} is not clearly better than guessing ({reached})."
    if kind == "associated":
        return (
            f"A model that sees only {sees} predicts better than guessing ({reached}), but not so well that "
            "it would explain the result."
        )
    if t.name in WITHIN:
        found = f"A model that sees only {sees} does about as well as the chosen one ({reached})."
    else:
        found = f"A model that sees only {sees} predicts the target ({reached})."
    why = _WHY.get(t.name, "").replace(*(_OF_VALUES if values else ("", "")))
    return f"{found} {why} A model that lives on traces of that fails on new data."


def _shown(score: float, metric: Metric) -> str:
    """A score in a sentence: `87%`, `0.47`, `1,230`; two decimals of R² are enough to see a guess."""
    if metric.percent:
        return f"{per_cent(score)}%"
    if metric.name != "r2" and 0 < abs(score) < 1e-4:
        return f"{score:.2e}"
    decimals = 2 if metric.name == "r2" else max(0, 2 - int(np.floor(np.log10(max(abs(score), 1e-4)))))
    text = f"{score:,.{decimals}f}"
    return (text if float(text.replace(",", "")) else text.removeprefix("-")).replace("-", "\N{MINUS SIGN}")
