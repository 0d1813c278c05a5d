"""Plain words and aligned numbers for the report: metrics, nouns, families, durations, sentences."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from handful.scoring import per_cent, places

MISSING = "–"

# What a report needs to know of a metric when `metric_info` is not in the summary.
# name: (label, higher is better, shown in per cent, what it means)
METRICS: dict[str, tuple[str, bool, bool, str]] = {
    "accuracy": ("accuracy", True, True, "the share of predictions that are right"),
    "balanced_accuracy": (
        "balanced accuracy",
        True,
        True,
        "the share of predictions that are right, taken in each class and averaged, "
        "so that a rare class counts as much as a common one",
    ),
    "roc_auc": (
        "ROC-AUC",
        True,
        False,
        "how often an example of a class is ranked above one that is not of it; 0.5 is chance, 1 is perfect",
    ),
    "f1": (
        "F1 score",
        True,
        False,
        "one number for two wishes: to find all examples of a class, and to be right when naming it; "
        "1 is perfect",
    ),
    "log_loss": (
        "log loss",
        False,
        False,
        "how badly the stated probabilities are surprised by the truth; 0 is perfect",
    ),
    "cost": (
        "mean cost",
        False,
        False,
        "what the mistakes cost, averaged over all examples; a right answer costs nothing",
    ),
    "rmse": (
        "root mean squared error",
        False,
        False,
        "the typical size of an error, large errors counting more, in the units of the target",
    ),
    "mae": ("mean absolute error", False, False, "the average size of an error, in the units of the target"),
    "r2": (
        "R²",
        True,
        False,
        "the part of the differences between examples that is explained; 0 is the mean alone, 1 is perfect",
    ),
}

# What a family of candidates is called, and what it does.
FAMILIES: dict[str, tuple[str, str]] = {
    "baseline": ("No learning at all", "a guess that does not look at the example; every model must beat it"),
    "classic": ("Traditional models", "no neural network"),
    "transfer": ("Pretrained network, frozen", "a network trained elsewhere describes each example"),
    "sentiment": ("Sentiment of the words", "a list tells how positive or negative people find each word"),
    "network": ("Small networks from scratch", "a neural network that knows nothing but your examples"),
    "finetune": ("Pretrained network, fine-tuned", "a network trained elsewhere, trained further here"),
    "augmentation": ("Augmented examples", "trained on altered copies as well"),
    "autoencoder": ("Autoencoder features", "features learned without labels"),
    "synthesis": ("Generated examples", "trained on made-up examples as well"),
    "names": ("Names of the classes", "learned from what the classes are called as well"),
    "balance": ("Unequal classes or costs", "weighs them in learning, or decides for the metric"),
    "unlabelled": ("Unlabelled examples too", "learned from examples without labels as well"),
    "prior": ("Networks for small tables", "a network that has seen many small data sets"),
    "ensemble": ("Several models together", "their answers are averaged"),
    "shortcut": ("Shortcut controls", "sees only what should not matter; never chosen"),
    "user": ("Your own", "brought along by you"),
}

# Numbers under SMALL that need more decimals than MOST_PLACES are written with a power of ten.
SMALL, MOST_PLACES = 1e-4, 6

NOUNS = {"image": ("picture", "pictures"), "table": ("row", "rows"), "text": ("text", "texts")}

# Control characters and bidirectional overrides could rewrite a terminal line or break the page.
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


@dataclass(frozen=True)
class Metric:
    """How the scores of a run are named and written.

    `decimals` applies to metrics that are not per cent: one number for the whole page, so that columns align.
    """

    name: str
    label: str
    higher_is_better: bool = True
    percent: bool = False
    words: str = ""
    decimals: int = 3

    def show(self, value: float | None, decimals: int | None = None) -> str:
        """A score as people read it: `87.3%`, `0.493`, `2,310`; a dash where there is none.

        >>> Metric("accuracy", "accuracy", percent=True).show(0.873)
        '87.3%'
        >>> Metric("rmse", "RMSE", decimals=1).show(54.31)
        '54.3'
        """
        if value is None:
            return MISSING
        if self.percent:
            decimals = 1 if decimals is None else decimals
            return f"{per_cent(value, decimals) if 0 < value < 1 else _fixed(100 * value, decimals)}%"
        if decimals is None:  # a hopeless candidate's -58.2 among scores of 0.481
            decimals = min(self.decimals, 1) if abs(value) >= 10 else self.decimals
        if self.name in METRICS:  # of others nobody knows what is perfect
            decimals = places(value, 1.0 if self.higher_is_better else 0.0, decimals, MOST_PLACES)
        return _fixed(value, decimals)

    def span(self, low: float | None, high: float | None) -> str:
        """An interval, `83.4–91.2%`; a dash where an end is missing.

        >>> Metric("accuracy", "accuracy", percent=True).span(0.834, 0.912)
        '83.4–91.2%'
        """
        if low is None or high is None:
            return MISSING
        first = self.show(low).removesuffix("%") if self.percent else self.show(low)
        last = self.show(high)
        joint = " to " if low < 0 or high < 0 or "e" in first + last else "–"
        return f"{first}{joint}{last}"

    def difference(self, value: float | None) -> str:
        """A difference of two scores: `11.8 points`, or the bare number."""
        if value is None:
            return MISSING
        if self.percent:
            return f"{_fixed(100 * value, 1)} points"
        return _fixed(value, min(self.decimals, 1) if abs(value) >= 10 else self.decimals)

    def size(self, gain: float) -> str:
        """A difference with the metric's name: `2.3 points of accuracy`, `0.023 (R²)`."""
        of = f" of {self.label}" if self.percent else f" ({self.label})"
        return self.difference(gain) + of

    def better(self, a: float, b: float) -> bool:
        """Whether score `a` is better than `b`."""
        return a > b if self.higher_is_better else a < b


def _fixed(value: float, decimals: int) -> str:
    """A number with so many decimals; a small one that needs more than six with its power of ten.

    >>> _fixed(4.6e-8, 10), _fixed(0.25, 3), _fixed(0.0, 3)
    ('4.60e-8', '0.250', '0.000')
    """
    if decimals > MOST_PLACES and 0 < abs(value) < SMALL:
        places = max(0, decimals + math.floor(math.log10(abs(value))))
        mantissa, power = f"{value:.{places}e}".split("e")
        text = f"{mantissa}e{int(power)}"
        return text.replace("-", "\N{MINUS SIGN}", 1) if value < 0 else text
    text = f"{value:,.{min(decimals, MOST_PLACES + 3)}f}"
    if float(text.replace(",", "")) == 0:  # no "-0.0"
        text = text.removeprefix("-")
    return text.replace("-", "\N{MINUS SIGN}")


def metric_of(summary: dict[str, Any]) -> Metric:
    """The metric of a summary: its `metric_info` where given, what is known of its name otherwise."""
    expected, protocol = summary.get("expected") or {}, summary.get("protocol") or {}
    info = summary.get("metric_info") or {}
    name = str(info.get("name") or expected.get("metric") or protocol.get("metric") or "score")
    label, higher, percent, words = METRICS.get(name, (name.replace("_", " "), True, False, ""))
    scores = [row.get("score") for row in summary.get("leaderboard") or []]
    return Metric(
        name,
        str(info.get("label") or label),
        bool(info.get("higher_is_better", higher)),
        bool(info.get("percent", percent)),
        str(info.get("words") or words),
        decimals_for([expected.get("value"), *scores]),
    )


def decimals_for(values: Iterable[float | None]) -> int:
    """Decimals that leave about three significant digits to the median of the values.

    >>> decimals_for([0.49, 0.31]), decimals_for([54.3, 61.0]), decimals_for([2310.0])
    (3, 1, 0)
    >>> decimals_for([0.00102])
    5
    """
    sizes = [abs(v) for v in values if v is not None and v != 0]
    if not sizes:
        return 3
    magnitude = math.floor(math.log10(float(np.median(sizes))))
    return min(max(2 - magnitude, 0), 3) if magnitude >= -2 else 2 - magnitude


def clean(value: Any) -> Any:
    """Plain Python values that can be printed: not-a-number and infinity become None, unprintable
    characters a replacement mark, arrays lists. Pictures (uint8 arrays) are left as they are.

    >>> clean({"a": [float("nan"), 1.5], "b": "x\\x1b[31m"})
    {'a': [None, 1.5], 'b': 'x\ufffd[31m'}
    """
    if isinstance(value, dict):
        return {clean(key): clean(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [clean(item) for item in value]
    if isinstance(value, np.ndarray) and value.dtype != np.uint8:
        return clean(value.tolist())
    if value is pd.NaT or value is pd.NA:
        return None
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, str):
        return _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", value)
    return value


def shorten(text: Any, length: int) -> str:
    """At most `length` characters, the middle left out: both ends of a file name tell something.

    >>> shorten("a very long name indeed", 11)
    'a ver…ndeed'
    """
    text = " ".join(str(text).split())
    if len(text) <= length:
        return text
    head = length // 2
    return f"{text[:head]}…{text[len(text) - (length - head - 1) :]}"


def plural(count: int, one: str, many: str | None = None) -> str:
    """`1 row`, `1,200 rows`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def about(examples: int | None, many: str, there: int = 0) -> str:
    """A number of examples to two digits; None means more than anybody would count.

    Of those that are `there` it is known that they do not do.

    >>> about(1234, "rows"), about(None, "pictures"), about(71, "rows", there=100)
    ('about 1,200 rows', 'more than 100,000 pictures', 'more than 100 rows')
    """
    if examples is None:
        return f"more than 100,000 {many}"
    if examples <= there:
        return f"more than {there:,} {many}"
    step = 10 ** max(0, len(str(examples)) - 2)
    return f"about {round(examples / step) * step:,} {many}"


def article(label: str) -> str:
    """A metric's name with its article, as it is spoken.

    >>> article("accuracy"), article("F1"), article("log-loss")
    ('an accuracy', 'an F1', 'a log-loss')
    """
    spoken = label[:1].lower() in "aeiou" or label[:2] in ("F1", "R²", "RM", "RO")
    return f"{'an' if spoken else 'a'} {label}"


def listed(words: list[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else ""


def duration(seconds: float | None) -> str:
    """A time as a person says it.

    >>> duration(0.04), duration(42.3), duration(192), duration(7300)
    ('under 0.1 s', '42 s', '3 min 12 s', '2 h 1 min')
    """
    if seconds is None:
        return MISSING
    if seconds < 0.1:
        return "under 0.1 s"
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def odds(level: float | None) -> str | None:
    """0.95 as `19 out of 20`."""
    if level is None or not 0 < level < 1:
        return None
    return {0.9: "9 out of 10", 0.95: "19 out of 20", 0.8: "8 out of 10", 0.5: "half"}.get(
        round(level, 3), f"{round(100 * level)} out of 100"
    )


def family_label(family: str | None) -> str:
    """What a family is called."""
    return FAMILIES.get(family or "", (str(family or "other").replace("_", " "), ""))[0]


def noun(summary: dict[str, Any], count: int = 2) -> str:
    """What one example, or several, of this data set is called."""
    modality = (summary.get("dataset") or {}).get("modality")
    return NOUNS.get(modality or "", ("example", "examples"))[0 if count == 1 else 1]


def what_the_data_is(summary: dict[str, Any]) -> str:
    """`300 pictures in 10 classes`."""
    dataset = summary.get("dataset") or {}
    parts = []
    if dataset.get("n") is not None:
        parts.append(f"{dataset['n']:,} {noun(summary, dataset['n'])}")
    if dataset.get("copies"):
        parts.append(f"and {plural(dataset['copies'], 'altered copy', 'altered copies')} of them")
    if dataset.get("classes"):
        parts.append(f"in {plural(len(dataset['classes']), 'class', 'classes')}")
    elif dataset.get("task") == "regression":
        parts.append("with a measured value")
    if dataset.get("unlabelled"):
        parts.append(f"and {dataset['unlabelled']:,} without labels")
    return " ".join(parts)


def row_of(summary: dict[str, Any], name: str | None) -> dict[str, Any] | None:
    """The line of the leaderboard that has this name."""
    rows = summary.get("leaderboard") or []
    return next((row for row in rows if name is not None and row.get("name") == name), None)


def label_of(summary: dict[str, Any], name: str | None) -> str:
    """A candidate in plain words; its key where it has none."""
    row = row_of(summary, name) or {}
    return str(row.get("label") or name or MISSING)


def guess_serves(summary: dict[str, Any]) -> bool:
    """Whether what is refitted and served learns nothing from the examples."""
    return (row_of(summary, chosen_of(summary)) or {}).get("family") == "baseline"


def nothing_learned(summary: dict[str, Any]) -> bool:
    """Whether nothing that was tried is better than luck."""
    return (summary.get("verdict") or {}).get("deep_learning") == "nothing to learn"


def chosen_of(summary: dict[str, Any]) -> str | None:
    """The key of what is refitted and served."""
    return summary.get("chosen") or summary.get("winner")


def sound_rows(summary: dict[str, Any], metric: Metric) -> list[dict[str, Any]]:
    """The candidates that have a score, best first."""
    rows = [r for r in summary.get("leaderboard") or [] if r.get("score") is not None and not r.get("failed")]
    return sorted(rows, key=lambda r: -r["score"] if metric.higher_is_better else r["score"])


def baseline_row(summary: dict[str, Any], metric: Metric) -> dict[str, Any] | None:
    """The best candidate that learns nothing from the examples."""
    return next((r for r in sound_rows(summary, metric) if r.get("family") == "baseline"), None)


def alarms(summary: dict[str, Any]) -> list[str]:
    """What must be said before anything else: controls that predict the target, then alarms of the audit."""
    controls = [c for c in summary.get("controls") or [] if c.get("flagged")]
    audit = [f for f in summary.get("audit") or [] if f.get("severity") == "alarm"]
    return [str(line.get("message")) for line in controls + audit]


def certainty(share: float) -> str:
    """How sure a model says that it is; what it states is not worth more digits.

    >>> certainty(0.874), certainty(0.9999997)
    ('87%', 'more than 99%')
    """
    return "more than 99%" if round(100 * share) == 100 else f"{100 * share:.0f}%"


def capital(text: str) -> str:
    """The first letter large, the others as they are."""
    return text[:1].upper() + text[1:]


def within(label: str) -> str:
    """A label inside a sentence: its first letter small, unless it is a name or an abbreviation.

    >>> within("Always the mean"), within("EfficientNet-Lite0"), within("HOG")
    ('always the mean', 'EfficientNet-Lite0', 'HOG')
    """
    first, _, _ = label.partition(" ")
    return label[:1].lower() + label[1:] if first[1:].islower() else label
