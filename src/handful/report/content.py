"""What a report is made of, and what its sections share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from handful.report import figures, words
from handful.report.pictures import is_small, thumbnail

SHOWN = 12  # lines of a long list that are shown unfolded
LINES = 8  # of a text that are shown unfolded
UNFOLDED = 3000  # and its characters that can be unfolded
HEAT_MAP = 20  # classes up to which a confusion matrix is drawn whole

View = dict[str, Any]


@dataclass(frozen=True)
class Content:
    """What a report is made of: the content of report.json (cleaned), the metric, and the extras."""

    summary: View
    extras: View
    metric: words.Metric

    @property
    def dataset(self) -> View:
        return self.summary.get("dataset") or {}

    @property
    def rows(self) -> list[View]:
        """The candidates with a score, best first."""
        return words.sound_rows(self.summary, self.metric)

    @property
    def chosen(self) -> str | None:
        return words.chosen_of(self.summary)

    @property
    def possible(self) -> tuple[float, float] | None:
        """The range that a score can have, for figures: 0 to 1 for shares."""
        return (0.0, 1.0) if self.metric.percent or self.metric.name in ("roc_auc", "f1") else None

    @property
    def reference(self) -> float | None:
        """The score of guessing."""
        row = words.baseline_row(self.summary, self.metric)
        return row["score"] if row else None

    def reason(self, key: str) -> str | None:
        return (self.summary.get("reasons") or {}).get(key)

    def tick(self, domain: figures.Domain) -> figures.Format:
        """How the numbers of an axis are written: no more decimals than the step needs."""
        places = figures.ticks(domain)
        step = places[1] - places[0] if len(places) > 1 else domain[1] - domain[0]
        step = 100 * step if self.metric.percent else step
        decimals = max(0, -int(np.floor(np.log10(step) + 1e-9))) if step else 0
        return lambda value: self.metric.show(value, decimals)


def label(row: View | None) -> str:
    row = row or {}
    return str(row.get("label") or row.get("name") or words.MISSING)


def sample(id_: Any, about: View) -> View:
    """One example: its name, its picture, the columns of its row (`row`, the rest in `more`), its text.

    `about` holds `picture`, `row` and `text`, of which one is there. A long text is `text` and `text_more`.
    """
    cells, (text, rest) = table_cells(about.get("row")), beginning(about.get("text"))
    beside = {"row": cells[:8], "more": cells[8:60], "text": text, "text_more": rest}
    return {**card(called(id_), about.get("picture"), 144), **beside}


def called(id_: Any) -> str:
    """A file goes by its name, a row of a table by its number."""
    return f"row {id_}" if str(id_).isdigit() else str(id_)


def beginning(text: str | None, length: int = 280) -> tuple[str | None, str | None]:
    """A text cut behind a word into what is shown and what can be unfolded, None where nothing is left.

    >>> beginning("one two three", 9), beginning("short"), beginning(None)
    (('one two', 'three'), ('short', None), (None, None))
    """
    if text is None or len(text) <= length:
        return text, None
    lines = text[:length].split("\n")
    if len(lines) > LINES:
        shown = "\n".join(lines[:LINES])
    else:
        shown = text[:length].rpartition(" ")[0] or text[:length]
    rest = text[len(shown) : UNFOLDED].strip()
    return shown, rest + (" …" if len(text) > UNFOLDED else "")


def table_cells(row: View | None) -> list[tuple[str, str]]:
    """The columns of a table's row with their values, as they are written on a card."""
    return [(str(name), _cell(value)) for name, value in (row or {}).items()]


def value_text(value: Any, quantity: bool) -> str:
    """A class, or a measured quantity, as it is written on a card."""
    if isinstance(value, float) and quantity:
        return words.Metric("", "", decimals=words.decimals_for([value])).show(value)
    return words.MISSING if value is None else str(value)


def _cell(value: Any) -> str:
    """A value of a table's row, in words of bearable length."""
    if value is None:
        return "missing"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.0f}"  # 2023 may be a year
    if isinstance(value, float):
        return f"{value:,.6g}"
    return words.shorten(value, 300)


def card(name: str, pixels: Any, side: int) -> View:
    """A picture with its name."""
    return {"id": name, "picture": thumbnail(pixels, side), "small": is_small(pixels)}
