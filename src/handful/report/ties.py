"""The ties as a part of report.json: the cheapest of them, and what it would take to tell them apart."""

from __future__ import annotations

from typing import Any

from handful.evidence.comparison import cheapest, difference
from handful.evidence.predictions import Predictions, Row
from handful.report import words


def tie_part(predictions: Predictions, names: list[str], chosen: Row, many: str) -> dict[str, Any] | None:
    """`tie` of report.json for the names of a tie group, best first; None where it holds one alone."""
    if len(names) < 2:
        return None
    best, *rest = (predictions.row(name) for name in names)
    least = cheapest([chosen, best, *rest])  # the chosen one may be a guess, which is in no tie group
    found = []
    for row in rest:
        seen = difference(predictions, best, row)
        examples = seen.examples_to_tell()
        found.append({"name": row.name, "examples": examples, "words": words.about(examples, many, seen.n)})
    told = {line["name"]: line["words"] for line in found}
    if least.name == chosen.name:
        sentence = "The chosen one is the cheapest of them to use."
    else:
        sentence = f"The cheapest of them to use: {words.within(least.label)}."
        if least.name in told:
            sentence += f" It would take {told[least.name]} to tell it from the best."
    return {"best": best.name, "cheapest": least.name, "examples_to_tell": found, "words": sentence}
