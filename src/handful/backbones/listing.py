"""What `handful backbones` shows: a table for each kind of data, with what is here and what can be had.

Another kind of data adds its table to `TABLES`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from handful.backbones.curated import CURATED
from handful.backbones.priors import PACKAGES, Package, Weights, installed, weights
from handful.backbones.registry import INSTALL, available, on_this_machine
from handful.backbones.text_loading import TEXT_EXTRA
from handful.backbones.text_registry import text_backbones

WIDTH = 12  # of the column that says where a network is


@dataclass(frozen=True)
class Line:
    """A network: `state` is "embedded" (came by pip), "downloaded", "download" (on first use) or "install".

    `megabytes` of weights, `size` pixels of input, `dim` features of its last level, `how` a command where
    one is needed first.
    """

    name: str
    state: str
    megabytes: int
    size: int | None
    dim: int | None
    licence: str
    good_at: str
    how: str = ""


# Megabytes of what comes by pip, and what it is good at.
BY_PIP = {
    "lite0": (19, "a start: quick, and comes with handful"),
    "lite1": (22, "as lite0, a little larger"),
    "lite2": (25, "as lite0, larger still"),
    "mobilenet_v2": (14, "as lite0, older"),
}


def for_pictures() -> list[Line]:
    """The short names that `--backbones` takes."""
    lines = []
    for b, here in available():
        megabytes, good_at = BY_PIP[b.name]
        state, how = ("embedded", "") if here else ("install", INSTALL[b.name])
        dim = dict(b.levels)["last"]
        lines.append(Line(b.name, state, megabytes, b.size, dim, b.licence, good_at, how))
    for c in CURATED.values():
        state = "downloaded" if on_this_machine(c.name) else "download"
        lines.append(Line(c.name, state, c.megabytes, c.size, c.dim, c.licence, c.good_at))
    return lines


def for_tables() -> list[Line]:
    """Networks that need no name: they are tried where they are installed and their weights are here."""
    return [_for_tables(about, task, w) for about in PACKAGES.values() for task, w in about.weights.items()]


def _for_tables(about: Package, task: str, wanted: Weights) -> Line:
    here, state = weights(about.name, task) is not None, "install"
    if installed(about.name):
        state = "downloaded" if here else "download"
    good_at = f"{task}, up to {about.most_rows:,} rows (1,000 without a GPU)"
    how = "" if state != "install" else f"pip install {about.name}"
    return Line(about.name, state, wanted.megabytes, None, None, about.licence, good_at, how)


def for_texts() -> list[Line]:
    """The encoders of texts with a short name, which `--backbones` takes too."""
    lines = []
    for b, here in text_backbones():
        by_pip = b.source.kind == "package"
        state = ("embedded" if by_pip else "downloaded") if here else "install" if by_pip else "download"
        how = f'pip install "handful[{TEXT_EXTRA}]"' if state == "install" else ""
        good_at = f"texts in {b.languages}" + (", read without their order" if b.kind == "static" else "")
        lines.append(Line(b.name, state, b.size_mb, None, b.dimension, b.licence, good_at, how))
    return lines


TABLES: dict[str, Callable[[], list[Line]]] = {
    "For pictures": for_pictures,
    "For texts": for_texts,
    "For tables": for_tables,
}
AFTER = """\
embedded: came by pip. downloaded: on this machine already. download: will be fetched from the Hugging
Face hub when it is named in --backbones, for tables with --allow-download, and kept. Any other name of
timm is downloaded in the same way, and ARCHITECTURE=FILE takes your own weights. NAME@PIXELS
(lite0@320) gives a network pictures of another size than its own: on larger ones it sees finer things.
For texts, st:OWNER/NAME is any model of sentence-transformers on the hub, and a path the folder of one
that you have. Of several names each is tried, and all of them together."""


def listing() -> str:
    """All tables as text."""
    parts = []
    for title, lines in TABLES.items():
        parts.append(f"{title}:\n" + "\n".join(_row(line) for line in lines()))
    return "\n\n".join([*parts, AFTER])


def _row(line: Line) -> str:
    size = f"{line.size} px" if line.size else ""
    features = f"{line.dim:>5} features" if line.dim else ""
    what = f"{line.megabytes:>4} MB  {size:>6}  {features:14}"
    text = f"  {line.name:20} {line.state:{WIDTH}} {what}  {line.licence}\n{'':23}{line.good_at}"
    return f"{text}; needs: {line.how}" if line.how else text
