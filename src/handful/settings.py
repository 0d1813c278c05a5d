"""Every option of the command line, as one dataclass."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

# How often the folds are drawn anew.
BUDGET_REPEATS = {"quick": 1, "standard": 3, "thorough": 10}
# From which duration on, in seconds, a budget given as a duration tries what the named one tries.
FROM = {"thorough": 1800.0, "standard": 90.0, "quick": 0.0}
_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}


def duration(budget: str) -> float | None:
    """Seconds of a budget such as `90s`, `20m` or `1.5h`; None where it is not a duration above 0.

    >>> duration("20m"), duration("quick")
    (1200.0, None)
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smh])", budget)
    seconds = float(found[1]) * _UNITS[found[2]] if found else 0.0
    return seconds or None


def several(names: str | Sequence[str]) -> tuple[str, ...]:
    """The names; of one string those between its commas, as on the command line.

    >>> several("lite0, lite1"), several(["lite0"])
    (('lite0', 'lite1'), ('lite0',))
    """
    if isinstance(names, str):
        return tuple(part.strip() for part in names.split(",") if part.strip())
    return tuple(names)


@dataclass(frozen=True)
class Settings:
    """The options of `fit`; plain values only, so that a run can store and repeat them.

    `data` is the path as given (None when arrays were passed in). `groups` is a column name, a file
    `id,group`, or a regular expression on file names. `backbones`: none named means those that come with
    handful (see `handful.backbones.used`). `start_from` is an earlier run's folder. `allow_download`:
    networks for tables may fetch their weights. `backend` says whose workers fit the cells, and
    `address` where a cluster's scheduler is (see `protocol.cluster`); `jobs` counts them (None: all there
    are). `rest` is a duration for what was left when a run went on; what is tried stays that of `budget`.
    """

    data: str | None = None
    target: str | None = None
    groups: str | None = None
    test: str | None = None
    unlabelled: str | None = None
    task: str = "auto"
    modality: str = "auto"
    metric: str | None = None
    budget: str = "quick"
    families: tuple[str, ...] | None = None
    backbones: tuple[str, ...] = ()
    start_from: str | None = None
    allow_download: bool = False
    drop_classes: tuple[str, ...] = ()
    device: str = "auto"
    backend: str = "loky"
    address: str | None = None
    jobs: int | None = None
    rest: str | None = None
    seed: int = 0
    out: str | None = None

    @property
    def effort(self) -> str:
        """Which of quick, standard and thorough decides what is tried."""
        seconds = duration(self.budget)
        return self.budget if seconds is None else next(k for k, start in FROM.items() if seconds >= start)

    @property
    def limit(self) -> float | None:
        """Seconds that the whole command may take, or its rest; None where the budget is a name."""
        return duration(self.rest or self.budget)

    @property
    def repeats(self) -> int:
        """How often the folds are drawn anew, at most: a duration goes on for as long as it lasts."""
        return BUDGET_REPEATS["thorough" if duration(self.budget) else self.effort]

    @property
    def jobs_here(self) -> int | None:
        """Worker processes of this machine for what no cluster takes over; None: all cores."""
        return self.jobs if self.backend == "loky" else None

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Settings:
        """The inverse of `to_json`; unknown keys are left out, so that older runs still open."""
        known = {f.name for f in fields(cls)}
        given: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
        return cls(**{k: v for k, v in given.items() if k in known})
