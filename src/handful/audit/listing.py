"""The findings as plain text, for `handful check`."""

from __future__ import annotations

import textwrap

import numpy as np

from handful.data.dataset import Dataset, Finding

SEVERITIES = ("alarm", "warning", "note")
SHOWN = 10
WIDTH = 100


def findings_text(dataset: Dataset) -> str:
    """What the data is, then every finding, the worst first; long lists of items are cut, with the count."""
    findings = sorted(dataset.findings, key=_rank)
    parts = [_headline(dataset), *(_paragraph(finding) for finding in findings)]
    return "\n\n".join([*parts, _closing(findings)]) + "\n"


def _rank(finding: Finding) -> int:
    return SEVERITIES.index(finding.severity) if finding.severity in SEVERITIES else len(SEVERITIES)


def _headline(dataset: Dataset) -> str:
    unit = {"image": "images", "table": "rows", "text": "texts"}.get(dataset.modality, "samples")
    text = f"{len(dataset)} {unit}"
    if dataset.classes is not None:
        text += f" in {len(dataset.classes)} classes"
    if dataset.groups is not None:
        text += f", {len(np.unique(dataset.groups))} groups"
    return text


def _paragraph(finding: Finding) -> str:
    head = f"{finding.severity.upper()}: {finding.kind}"
    message = textwrap.fill(finding.message, WIDTH, initial_indent="  ", subsequent_indent="  ")
    items = [f"    - {item}" for item in finding.items[:SHOWN]]
    if len(finding.items) > SHOWN:
        items.append(f"    ... and {len(finding.items) - SHOWN} more")
    # Classes and columns are mostly named in the message already.
    return "\n".join([head, message, *(items if _not_named(finding) else [])])


def _not_named(finding: Finding) -> bool:
    return any(item not in finding.message for item in finding.items)


def _closing(findings: list[Finding]) -> str:
    if not findings:
        return "Nothing was found that would spoil the evaluation."
    counts = {severity: sum(f.severity == severity for f in findings) for severity in SEVERITIES}
    said = [f"{count} {name}{'s' if count > 1 else ''}" for name, count in counts.items() if count]
    return "In all: " + ", ".join(said) + "."
