"""One self-contained page from the content of report.json: no network, no file beside it."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from handful.report import words
from handful.report.sections import SECTIONS, Content

if TYPE_CHECKING:
    from jinja2 import Environment


def render(summary: dict[str, Any], extras: dict[str, Any] | None = None) -> str:
    """The report as HTML.

    Parameters
    ----------
    summary : dict
        The content of report.json. A part that is missing or None is left out, or says why (`reasons`).
    extras : dict, optional
        What report.json does not hold: `confusion`, `mistakes`, `scatter`, `map`, `pictures`, `examples`.
        Pictures are arrays `(H, W, 3)` uint8; those of `ledger_pictures`, a list for each technique, may be
        data URIs.
    """
    from markupsafe import Markup

    summary = words.clean(summary)
    content = Content(summary, words.clean(extras or {}), words.metric_of(summary))
    parts = [(section, section.build(content)) for section in SECTIONS]
    script, style = package_text("page.js").strip(), package_text("style.css")
    return (
        _environment()
        .get_template("page.html")
        .render(
            sections=[
                {"id": s.id, "title": s.title, "template": s.template, "view": view}
                for s, view in parts
                if view is not None
            ],
            title=(summary.get("dataset") or {}).get("name") or "report",
            what=words.what_the_data_is(summary),
            version=summary.get("handful"),
            style=Markup(style),
            script=Markup(script),
            script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii"),
        )
    )


@cache
def _environment() -> Environment:
    """One for the process: the templates are compiled once."""
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    environment = Environment(
        loader=FunctionLoader(package_text),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"capital": words.capital, "plural": words.plural}
    return environment


def package_text(name: str) -> str:
    """A template, style sheet or script that lies beside this module."""
    return files("handful.report").joinpath(name).read_text(encoding="utf-8")
