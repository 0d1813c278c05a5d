"""Where networks are trained and asked: a matter of the machine and of `--device`, so no candidate names it.

A candidate's key and a saved model are the same with and without a GPU. Whoever fits (a cell, the refit)
says `with on_device(settings.device)`; whatever trains asks `device()`.
"""

from __future__ import annotations

from handful.backbones.engine import choose


def device() -> str:
    """ "cpu" or "cuda"; SettingsError where cuda was asked for and torch sees no GPU."""
    return "cuda" if choose() == "cuda" else "cpu"
