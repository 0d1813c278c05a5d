"""The catalogue: one file a technique, each offering `candidates(dataset, settings)`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from handful.backbones import used
from handful.data.dataset import Dataset, Finding
from handful.data.names import did_you_mean
from handful.errors import SettingsError
from handful.settings import FROM, Settings
from handful.strategies import (
    ablation,
    augmentation,
    autoencoder,
    balance,
    baseline,
    class_names,
    classic,
    finetune,
    networks,
    prior,
    sentiment,
    synthesis,
    transfer,
    unlabelled,
)
from handful.strategies.candidate import Candidate
from handful.strategies.start import started

CATALOGUE = {
    "baseline": baseline,
    "classic": classic,
    "transfer": transfer,
    "sentiment": sentiment,
    "ablation": ablation,
    "augmentation": augmentation,
    "synthesis": synthesis,
    "network": networks,
    "prior": prior,
    "autoencoder": autoencoder,
    "finetune": finetune,
    "names": class_names,
    "unlabelled": unlabelled,
    "balance": balance,
}
# Families that add a technique to a candidate of another family, and say nothing without it.
ADDING = ("augmentation", "synthesis", "autoencoder", "unlabelled", "balance", "names", "sentiment")


def propose(dataset: Dataset, settings: Settings, own: Sequence[tuple[str, Any]] = ()) -> list[Candidate]:
    """What to try on this data: the baseline always, the families asked for, and people's own estimators.

    `own` is a list of (name, scikit-learn estimator). Raises SettingsError for an unknown family, a name
    used twice, or something that is not an estimator.
    """
    if settings.families is not None:
        check_families(settings.families)
    _check_backbones(dataset, settings)
    found = [
        candidate
        for family, module in CATALOGUE.items()
        if settings.families is None or family in settings.families or family == "baseline"
        for candidate in module.candidates(dataset, settings)
    ]
    found += _missing_bases(found, dataset, settings)
    found += started(found, settings)
    found += [_own(name, estimator) for name, estimator in own]
    names = [c.name for c in found]
    twice = sorted({name for name in names if names.count(name) > 1 or name == "average"})
    if twice:
        raise SettingsError(f"candidates: the name {twice[0]!r} is used already; give yours another name.")
    if len(found) == 1:
        raise SettingsError(
            f"none of the families {', '.join(settings.families or ())} has a candidate for "
            f"{dataset.modality} {dataset.task}{_why_none(dataset, settings)}; "
            f"{_where_there_are_some(dataset, settings)}leave --families out to try all of "
            f"{', '.join(CATALOGUE)}."
        )
    return found


def tried_first(candidates: Sequence[Candidate], dataset: Dataset, settings: Settings) -> set[str]:
    """Names of what comes first where time is short: what `quick` would try, and people's own."""
    quick = replace(settings, budget="quick")
    known = {c.name for module in CATALOGUE.values() for c in module.candidates(dataset, quick)}
    return {c.name for c in candidates if c.name in known or c.family == "yours"}


def _where_there_are_some(dataset: Dataset, settings: Settings) -> str:
    """The budget from which on these families have something to try, as advice; "" where none is."""
    asked = [CATALOGUE[family] for family in settings.families or () if family in CATALOGUE]
    efforts = list(reversed(FROM))  # quick first
    for effort in efforts[efforts.index(settings.effort) + 1 :]:
        if any(module.candidates(dataset, replace(settings, budget=effort)) for module in asked):
            return f"--budget {effort} has some; or "
    return ""


def notes(dataset: Dataset, settings: Settings, candidates: Sequence[Candidate]) -> list[Finding]:
    """What the families have to say: what was not tried and why, and how many learn from unlabelled data."""
    able = [module for module in CATALOGUE.values() if hasattr(module, "notes") and module is not unlabelled]
    found = [finding for module in able for finding in module.notes(dataset, settings)]
    return found + unlabelled.notes(dataset, candidates)


def _why_none(dataset: Dataset, settings: Settings) -> str:
    """What is missing, for somebody who asked for frozen features of texts, or networks for tables, alone."""
    missing = transfer.notes(dataset, settings)
    return f" ({missing[0].message.rstrip('.')})" if missing else _why_no_prior(dataset, settings)


def _why_no_prior(dataset: Dataset, settings: Settings) -> str:
    """For somebody who asked for networks for tables alone."""
    if "prior" not in (settings.families or ()) or dataset.modality != "table":
        return ""
    told = [f.message for f in dataset.findings if any(item in prior.PACKAGES for item in f.items)]
    return f" ({' '.join(told) or 'pip install tabpfn, or tabicl, brings one'})"


def _missing_bases(found: list[Candidate], dataset: Dataset, settings: Settings) -> list[Candidate]:
    """What is needed to compare with, where its own family was not asked for."""
    bases = {c.base for c in found if c.base is not None and (c.family in ADDING or c.lacks)}
    wanted = bases - {c.name for c in found}
    if not wanted:
        return []
    others = [module for family, module in CATALOGUE.items() if family not in (settings.families or ())]
    return [c for module in others for c in module.candidates(dataset, settings) if c.name in wanted]


def _check_backbones(dataset: Dataset, settings: Settings) -> None:
    """SettingsError where the backbones that were asked for cannot read such data."""
    reads = {"image": ("pictures", "texts"), "text": ("texts", "pictures")}
    if settings.backbones and dataset.modality in reads and not used(settings, dataset.modality):
        here, there = reads[dataset.modality]
        raise SettingsError(
            f"--backbones {','.join(settings.backbones)}: made for {there}, but this data is {here}. Name "
            f"one for {here} (see 'handful backbones'), or leave --backbones out."
        )


def check_families(families: Sequence[str]) -> None:
    """SettingsError where a family is unknown, or none is named."""
    unknown = sorted(set(families) - set(CATALOGUE) - {"yours"})
    if unknown:
        raise SettingsError(
            f"--families: {unknown[0]!r} is unknown.{did_you_mean(unknown[0], CATALOGUE)} "
            f"There are {', '.join(CATALOGUE)}."
        )
    if not families:
        raise SettingsError(f"--families: name at least one of {', '.join(CATALOGUE)}.")


def check_own(own: Any) -> None:
    """SettingsError where people's own are no list of pairs of a name and an estimator."""
    pairs = isinstance(own, (list, tuple)) and all(isinstance(o, (list, tuple)) and len(o) == 2 for o in own)
    if not pairs or not all(isinstance(name, str) for name, _ in own):
        raise SettingsError(
            "candidates: a list of (name, estimator) is needed, such as "
            f"[('forest', RandomForestClassifier())], but this is {own!r}."
        )


def _own(name: str, estimator: Any) -> Candidate:
    if not all(hasattr(estimator, method) for method in ("fit", "predict", "get_params")):
        raise SettingsError(
            f"candidates: {name!r} is a {type(estimator).__name__}, but a scikit-learn estimator "
            "(an object with fit, predict and get_params) is needed."
        )
    return Candidate(name, name, "yours", estimator)
