"""What handful raises. Each error says what was expected, what came, where, and what to do next."""

from __future__ import annotations


class HandfulError(Exception):
    """Base of every error that handful raises on purpose."""


class DataError(HandfulError, ValueError):
    """The data cannot be used as it is; the message names the file, class or column and what to do."""


class SettingsError(HandfulError, ValueError):
    """An option, or a combination of options, is wrong."""


class RunError(HandfulError, RuntimeError):
    """A run folder cannot be used as asked: it holds another run, is unfinished, or is damaged."""


class MissingExtraError(HandfulError, ImportError):
    """An optional package is not installed; the message gives the install line."""

    def __init__(self, package: str, extra: str, purpose: str) -> None:
        super().__init__(
            f"{purpose} needs the package {package!r}, which is not installed. "
            f'Install it with: pip install "handful[{extra}]"'
        )
