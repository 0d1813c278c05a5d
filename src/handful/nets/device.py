"""Where networks are trained and asked: a matter of the machine and of `--device`, so no candidate names it.

A candidate's key and a saved model are the same with and without a GPU. Whoever fits (a cell, the refit)
says `with on_device(settings.device)`; whatever trains asks `device()`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from handful.backbones.engine import choose

_asked: ContextVar[str] = ContextVar("device", default="auto")


@contextmanager
def on_device(name: str) -> Iterator[None]:
    """Inside, `device()` follows `name`: "auto" (a GPU where there is one), "cpu" or "cuda"."""
    token = _asked.set(name)
    try:
        yield
    finally:
        _asked.reset(token)


def device() -> str:
    """ "cpu" or "cuda"; SettingsError where cuda was asked for and torch sees no GPU."""
    return "cuda" if choose(_asked.get()) == "cuda" else "cpu"
