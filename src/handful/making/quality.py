"""The card of generated examples: what they are worth, in figures and in plain words."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from handful.data.names import count, listed
from handful.evidence.comparison import Difference
from handful.evidence.generated import Likeness
from handful.scoring import Metric, per_cent
from handful.strategies.customs import Customs

# From which share of copies on a generator is said to repeat its examples.
REPEATS = 0.5


@dataclass(frozen=True)
class Made:
    """Generated samples X `(m, …)` with `labels` `(m,)`, and the position of the nearest real one of each.

    `judged` is what customs said of all that were made up, `passed` `(m,)` of these.
    """

    X: Any
    labels: np.ndarray
    nearest: np.ndarray
    judged: Customs
    passed: np.ndarray
    likeness: Likeness | None


@dataclass(frozen=True)
class Compared:
    """A generator on the folds: the score of the best model with its examples, and of the same without."""

    generator: str
    label: str
    model: str | None = None
    with_it: float | None = None
    without: float | None = None
    gain: Difference | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Quality:
    """All that is known of what a generator makes up.

    `gain` is that of the ledger: the model with generated examples against the same without, on the same
    folds, corrected for the choice among models and generators. `only` is the score of the model that learned
    from generated examples alone, as many as real ones, and `only_less` how much that is more than `real`.
    """

    generator: str
    label: str
    model: str
    metric: Metric
    gain: Difference
    real: float | None
    only: float | None
    only_less: Difference | None
    n: int
    folds: int
    per_class: int
    tried_per_class: int
    classes: list[str]
    made: Made
    compared: list[Compared]
    seed: int

    @property
    def lacking(self) -> dict[str, int]:
        """How many of each class are missing because too few passed customs."""
        passed = np.bincount(self.made.labels[self.made.passed], minlength=len(self.classes))
        return {
            c: self.per_class - int(p)
            for c, p in zip(self.classes, passed, strict=True)
            if p < self.per_class
        }

    @property
    def copies(self) -> float:
        """The share of copies among all that was made up."""
        return float(self.made.judged.copy.mean())

    @property
    def worth(self) -> str:
        """ "better", "worse" or "cannot tell", by the interval of the gain."""
        low, high = self.gain.interval()
        return "better" if low > 0 else "worse" if high < 0 else "cannot tell"

    @property
    def helps(self) -> bool:
        return self.worth == "better" and self.copies < REPEATS and not self.lacking

    @property
    def verdict(self) -> str:
        """One or two sentences: whether they help, and why not."""
        if self.copies >= REPEATS:
            return (
                f"These generated examples do not help: {per_cent(self.copies)} % of what the generator "
                f"{self.generator!r} makes up are copies of real examples."
            )
        told = f"{self._points(self.gain.value)} ({self._interval(self.gain)})"
        if self.worth == "worse":
            return f"These generated examples do harm: {self._model_with_them} changes by {told}."
        if self.worth == "cannot tell":
            return (
                f"It cannot be shown that these generated examples help: {self._model_with_them} changes "
                f"by {told}, which can be luck."
            )
        if self.lacking:
            some = listed(f"{c} ({n})" for c, n in self.lacking.items())
            return (
                f"Too few of the generated examples can be used: after customs some are missing of {some}. "
                "Ask for fewer with --per-class."
            )
        return f"These generated examples help: {self._model_with_them} changes by {told}."

    @property
    def _model_with_them(self) -> str:
        return f"the {self.metric.label} of a model that learns from them too"

    def lines(self) -> list[str]:
        """The card in plain words, the verdict first."""
        found = [self.verdict]
        if self.only is not None and self.real is not None and self.only_less is not None:
            found.append(
                f"Trained on generated examples alone, the model ({self.model}) reaches "
                f"{self._score(self.only)} on real examples that the generator has not met; trained on as "
                f"many real ones, {self._score(self.real)} (difference {self._points(self.only_less.value)}, "
                f"{self._interval(self.only_less)})."
            )
        found += [self._customs(), *self._likeness()]
        if self.tried_per_class < self.per_class:
            found.append(
                f"The gain was measured with {self.tried_per_class} generated examples of each class, not "
                f"{self.per_class}: with more it would take too long."
            )
        return found

    def _customs(self) -> str:
        judged = self.made.judged
        n = len(judged.copy)
        back = int((~judged.enters).sum())
        told = (
            f"Customs: {count(n, 'example')} were made up and {back} turned back: "
            f"{int(judged.copy.sum())} copies of a real example, {int(judged.disagrees.sum())} that models "
            f"take for another class, {int(judged.far.sum())} far from all real ones."
        )
        loose = int((~self.made.passed).sum())
        return told + (f" {loose} of these were written all the same (--anyway)." if loose else "")

    def _likeness(self) -> list[str]:
        like = self.made.likeness
        if like is None:
            return []
        found = [
            f"Coverage: {per_cent(like.coverage)} % of the real examples have a generated one nearby; of "
            f"fresh real examples {per_cent(like.coverage_if_real)} % would. Density: {like.density:.2f}, "
            f"where fresh real examples have 1 ({_crowd(like.density)})."
        ]
        if like.variety is not None:
            found.append(
                f"Variety: two generated examples of a class differ {like.variety:.2f} times as much as two "
                f"real ones ({_varied(like.variety)})."
            )
        return found

    def _score(self, value: float) -> str:
        return f"{per_cent(value, 1)} %" if self.metric.percent else f"{value:.3f}"

    def _points(self, value: float) -> str:
        return f"{100 * value:+.1f} points" if self.metric.percent else f"{value:+.3f}"

    def _interval(self, gain: Difference) -> str:
        low, high = (100 * v if self.metric.percent else v for v in gain.interval())
        return (
            f"95 % interval {low:+.1f} to {high:+.1f}"
            if self.metric.percent
            else f"95 % interval {low:+.3f} to {high:+.3f}"
        )

    def to_json(self) -> dict[str, Any]:
        """Plain values; what is not known is None, with the reason in `reasons`."""
        judged, like = self.made.judged, self.made.likeness
        reasons = {}
        if like is None:
            reasons["likeness"] = "no class has two real examples and a generated one"
        if self.only is None:
            reasons["train_on_generated"] = "the model could not be fitted on generated examples alone"
        return {
            "verdict": self.verdict,
            "helps": self.helps,
            "worth": self.worth,
            "generator": self.generator,
            "label": self.label,
            "seed": self.seed,
            "learned_from": self.n,
            "classes": self.classes,
            "per_class": self.per_class,
            "tried_per_class": self.tried_per_class,
            "metric": self.metric.name,
            "folds": self.folds,
            "model": self.model,
            "gain": _gain(self.gain),
            "train_on_real": self.real,
            "train_on_generated": self.only,
            "train_on_generated_less_real": None if self.only_less is None else _gain(self.only_less),
            "customs": {
                "made": len(judged.copy),
                "copies": int(judged.copy.sum()),
                "other_class": int(judged.disagrees.sum()),
                "far": int(judged.far.sum()),
                "entered": int(judged.enters.sum()),
            },
            "written": len(self.made.labels),
            "written_without_passing": int((~self.made.passed).sum()),
            "lacking": self.lacking,
            "likeness": None if like is None else asdict(like),
            "compared": [
                {
                    "generator": c.generator,
                    "label": c.label,
                    "model": c.model,
                    "with": c.with_it,
                    "without": c.without,
                    "gain": None if c.gain is None else _gain(c.gain),
                    "reason": c.reason,
                }
                for c in self.compared
            ],
            "reasons": reasons,
        }

    def markdown(self, shown: list[tuple[pd.Series, pd.Series]]) -> str:
        """The card to read; `shown` are generated rows, each with its nearest real one."""
        verdict, *rest = self.lines()
        parts = [f"**{verdict}**", "# Quality of generated examples", *(f"- {line}" for line in rest)]
        parts.append(
            f"Made by the generator `{self.generator}` ({self.label}), which learned from {self.n} real "
            f"examples; seed {self.seed}. Scores are {self.metric.label} on {self.folds} folds: the "
            "generator learned from the training part of each alone, and only real examples are scored on."
        )
        parts.append("## Generators compared")
        parts.append(
            "A gain is told by examples that had no say in which model was taken; the two scores beside it "
            "are of all examples, so that their difference may be another."
        )
        head = ["generator", "model", "without", "with", "gain", "95 % interval"]
        parts.append(_table(head, [self._compared_cells(c) for c in self.compared]))
        if shown:
            parts.append("## Generated rows, each above the nearest real one")
            head = ["", *map(str, shown[0][0].index)]
            rows = []
            for new, old in shown:
                rows += [["generated", *map(_cell, new)], ["real", *map(_cell, old)]]
            parts.append(_table(head, rows))
        parts.append(
            "Generated examples hold nothing that the real ones do not: they can only make it easier to "
            "learn. Never score a model on them; `handful fit` leaves them out."
        )
        return "\n\n".join(parts).replace("\n\n- ", "\n- ") + "\n"

    def _compared_cells(self, c: Compared) -> list[str]:
        if c.gain is None or c.with_it is None or c.without is None:
            return [c.generator, c.reason or "", "", "", "", ""]
        low, high = c.gain.interval()
        scores = [self._score(c.without), self._score(c.with_it), self._points(c.gain.value)]
        return [c.generator, c.model or "", *scores, f"{self._points(low)} to {self._points(high)}"]


def _gain(gain: Difference) -> dict[str, float]:
    low, high = gain.interval()
    return {"value": gain.value, "low": low, "high": high, "level": 0.95}


def _crowd(density: float) -> str:
    if density < 0.5:
        return "most lie where few real ones do"
    return "they crowd where real ones are densest" if density > 1.5 else "they lie where real ones do"


def _varied(variety: float) -> str:
    if variety < 0.8:
        return "less varied"
    return "more varied" if variety > 1.25 else "about as varied"


def _cell(value: Any) -> str:
    return "" if value is None or value != value else str(value).replace("|", "\\|")


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
