"""From your own related data: the network that an earlier run fine-tuned, as one more backbone.

What the earlier run learned from is written beside the weights: a picture that it had seen would look easier
here than new pictures are, so that the same pictures may not be in both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sklearn.base import clone

from handful.errors import SettingsError
from handful.files import read_json, write_json
from handful.settings import Settings
from handful.strategies.candidate import Candidate
from handful.strategies.transfer import ON_PIXELS

FOLDER = "start"  # in the new run's folder


@dataclass(frozen=True)
class Start:
    """A fine-tuned network: `name` is the earlier run's, `backbone` the registry's name of its weights,
    `original` the backbone that they were fine-tuned from, `candidate` what was fine-tuned, `unchanged` the
    levels that lie before what was trained.
    """

    name: str
    backbone: str
    original: str
    candidate: str
    unchanged: list[str]

    @property
    def technique(self) -> str:
        return f"start from {self.name}"


def store(start: Start, folder: Path) -> None:
    write_json(folder / FOLDER / "start.json", asdict(start))


def read(settings: Settings) -> Start | None:
    """What this run starts from; None where it starts from nothing of one's own."""
    if settings.start_from is None or settings.out is None:
        return None
    return Start(**read_json(Path(settings.out) / FOLDER / "start.json"))


def started(found: Sequence[Candidate], settings: Settings) -> list[Candidate]:
    """For each linear or kernel head and each fine-tuning on the original backbone, the same from the start.

    Raises SettingsError where there is none, since nothing could be compared.
    """
    start = read(settings)
    if start is None:
        return []
    again = [_from(start, c) for c in found if _repeats(c, start)]
    if not again:
        raise SettingsError(
            f"--start-from: the run {start.name!r} fine-tuned the backbone {start.original!r}, which is not "
            "compared here. Add it to --backbones, and leave the families transfer or finetune in."
        )
    return again


def _repeats(candidate: Candidate, start: Start) -> bool:
    simple = candidate.family == "transfer" and candidate.name.split()[-1] in ON_PIXELS
    if not simple and candidate.family != "finetune":
        return False
    levels = set(_named(candidate.estimator, "level").values())
    return start.original in _named(candidate.estimator, "backbone").values() and not levels & set(
        start.unchanged
    )


def _from(start: Start, candidate: Candidate) -> Candidate:
    changed = {
        k: start.backbone for k, v in _named(candidate.estimator, "backbone").items() if v == start.original
    }
    estimator = clone(candidate.estimator).set_params(**changed)
    label = f"started from the network of the run {start.name}"
    return candidate.plus(start.technique, f" from {start.name}", label, estimator)


def _named(estimator: Any, argument: str) -> dict[str, Any]:
    """The estimator's and its steps' arguments of this name."""
    if not hasattr(estimator, "get_params"):
        return {}
    return {k: v for k, v in estimator.get_params().items() if k.split("__")[-1] == argument}
