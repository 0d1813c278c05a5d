"""Augmentation: a candidate, its base, that learned from more than the examples as they are.

Which policy fits is not believed but tried: a flip helps shoes and ruins digits, and the folds say so.
"""

from __future__ import annotations

from dataclasses import replace

from handful.data.dataset import Dataset
from handful.nets.augment import POLICIES
from handful.settings import Settings
from handful.strategies import classic, transfer
from handful.strategies.candidate import Candidate
from handful.strategies.views import Views

# Rows that a head learns from, at most: its time grows with their square.
MOST_ROWS = {"quick": 1200, "standard": 2500, "thorough": 4000}
# Pictures up to which quick tries it.
MOST_QUICK = 500
# Views to be embedded by a network, at most: a hundredth of a second each.
MOST_EMBEDDED = {"quick": 0, "standard": 6000, "thorough": 40000}
# Of models without a network: the candidate, and the policies tried on it.
PLAIN_MODELS = ("thumbnail svm", "hog svm", "thumbnail svr", "hog svr")
ON_PLAIN = {
    "quick": ("shifts", "moves", "flips"),
    "standard": ("shifts", "moves", "flips", "geometric"),
    "thorough": ("shifts", "moves", "flips", "light", "geometric"),
}
ON_FROZEN = {
    "quick": (),
    "standard": ("flips", "moves", "geometric"),
    "thorough": ("flips", "moves", "geometric", "light"),
}


def candidates(dataset: Dataset, settings: Settings) -> list[Candidate]:
    """SVMs on pictures and their fixed views; features of networks from standard on."""
    if dataset.modality != "image":
        return []
    effort, n = settings.effort, len(dataset)
    most = MOST_ROWS[effort]
    if 2 * n > most or (effort == "quick" and n > MOST_QUICK):
        return []
    known = {c.name: c for c in classic.candidates(dataset, settings)}
    found = [
        on_views(known[name], policy, most)
        for name in PLAIN_MODELS
        if name in known
        for policy in ON_PLAIN[effort]
    ]
    if effort != "quick":
        found += [averaged(c) for c in found if c.name.startswith("hog") and c.name.endswith("moves")]
        found += _on_frozen(dataset, settings, most)
    return found


def on_views(base: Candidate, policy: str, most: int) -> Candidate:
    """The candidate `base`, a chain, learning from the fixed views of a policy too."""
    chain, about = base.estimator, POLICIES[policy]
    return replace(
        base,
        name=f"{base.name}, {policy}",
        label=f"{base.label}, learned from {about.label} too",
        family="augmentation",
        estimator=Views(chain.features, chain.head, about.views, most=most),
        cost=base.cost + 3,
        base=base.name,
        technique=f"augmentation: {about.label}",
    )


def averaged(base: Candidate) -> Candidate:
    """The candidate `base`, which learned from views, averaging its predictions over the views too."""
    chain = base.estimator
    return replace(
        base,
        name=f"{base.name}, averaged",
        label=f"{base.label}, predicting the average over these views",
        estimator=Views(chain.features, chain.head, chain.views, averaged=chain.views, most=chain.most),
        cost=base.cost + 20,
        base=base.name,
        technique="test-time averaging",
    )


def _on_frozen(dataset: Dataset, settings: Settings, most: int) -> list[Candidate]:
    """The first backbone at its last block but one, and averaging over the views of one policy."""
    allowed, n = MOST_EMBEDDED[settings.effort], len(dataset)
    backbone = settings.backbones[0]
    frozen = [
        c
        for c in transfer.candidates(dataset, settings)
        if c.estimator.features[0].backbone == backbone and c.name in _frozen_names(backbone)
    ]
    found: list[Candidate] = []
    embedded: set[str] = set()
    for policy in ON_FROZEN[settings.effort]:
        if n * len(embedded | set(POLICIES[policy].views)) > allowed:
            continue
        embedded |= set(POLICIES[policy].views)
        learned = [on_views(base, policy, most) for base in frozen]
        found += learned
        if policy == "moves":
            found += [averaged(c) for c in learned]
    return found


def _frozen_names(backbone: str) -> set[str]:
    from handful.backbones import levels

    names = list(levels(backbone))
    level = names[-2] if len(names) > 1 else names[0]
    return {f"{backbone} {level} svm", f"{backbone} {level} svr"}
