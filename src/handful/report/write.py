"""report.json and report.html, written into the run."""

from __future__ import annotations

from typing import Any

from handful.backbones.engine import on_device
from handful.evidence.predictions import Predictions
from handful.files import whole, write_json
from handful.model.held_out import HeldOutScore
from handful.protocol.run import Run
from handful.report.extras import gather
from handful.report.inside import look_inside
from handful.report.page import render
from handful.report.summary import summarise


def write_report(run: Run, predictions: Predictions, test: HeldOutScore | None = None) -> dict[str, Any]:
    """Write both files and return the content of report.json."""
    with on_device(run.settings.device):
        inside = look_inside(run, predictions)
        summary = summarise(run, predictions, test, inside)
        with whole(run.folder / "report.html") as temporary:
            page = render(summary, gather(run, predictions, summary, inside))
            temporary.write_text(page, encoding="utf-8")
    write_json(run.folder / "report.json", summary)  # last: a run with a report.json is finished
    return summary
