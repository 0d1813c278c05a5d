"""Augmentation: a candidate, its base, that learned from more than the examples as they are.

Which policy fits is not believed but tried: a flip helps shoes and ruins digits, and the folds say so.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import numpy as np

from handful.backbones import used
from handful.data.dataset import Dataset, Finding
from handful.nets.augment import POLICIES
from handful.settings import Settings
from handful.strategies import classic, transfer
from handful.strategies.candidate import Candidate
from handful.strategies.more_texts import LABELS, MoreTexts
from handful.strategies.rows import WAYS, MoreRows
from handful.strategies.views import Views

# Rows that a head learns from, at most: its time grows with their square.
MOST_ROWS = {"quick": 1200, "standard": 3000, "thorough": 4000}
# Pictures up to which models without a network try all policies; with more, those of ON_MANY.
MOST_PICTURES = 500
# Views to be embedded by a network, at most: a hundredth of a second each.
MOST_EMBEDDED = {"quick": 0, "standard": 6000, "thorough": 40000}
# Of models without a network: the candidate, and the policies tried on it.
PLAIN_MODELS = ("thumbnail svm", "hog svm", "thumbnail svr", "hog svr")
ON_PLAIN = {
    "quick": ("shifts", "moves", "flips"),
    "standard": ("shifts", "moves", "flips", "geometric"),
    "thorough": ("shifts", "moves", "flips", "light", "geometric"),
}
ON_MANY = {"quick": (), "standard": ("moves",), "thorough": ("moves", "flips")}
ON_FROZEN = {
    "quick": (),
    "standard": ("flips", "moves", "geometric"),
    "thorough": ("flips", "moves", "geometric", "light"),
}
# On tables: few, each on a model that may gain from it (benchmarks/more_rows.py); the last of SMOTE in quick.
ON_TABLES = [
    ("svm", "noise"),
    ("svm", "mixup"),
    ("extra trees", "mixup"),
    ("svr", "noise"),
    ("svr", "mixup"),
]
# On texts: ways to change a copy (handful.data.text_copies), for models of words and for an encoder. None
# gained accuracy in trials, and the last two of thorough lost 2 to 4 points (benchmarks/text_words.py).
COPIES = 2
ON_WORDS = {
    "quick": ("words dropped",),
    "standard": ("words dropped", "words swapped", "typos"),
    "thorough": ("words dropped", "words swapped", "typos", "sentences dropped", "all of it"),
}
ON_SENTENCES = {
    "quick": (),
    "standard": ("words dropped",),
    "thorough": ("words dropped", "words swapped", "typos", "sentences dropped", "all of it"),
}
SMOTE_ON = [("svm", "smote"), ("logistic", "smote")]


def candidates(dataset: Dataset, settings: Settings) -> list[Candidate]:
    """On pictures SVMs and fixed views, on texts changed copies, from standard on also networks' features; on
    tables more rows.
    """
    if dataset.modality == "table":
        return _on_tables(dataset, settings)
    if dataset.modality == "text":
        return _on_texts(dataset, settings)
    if dataset.modality != "image":
        return []
    return _on_images(dataset, settings)


def _on_images(dataset: Dataset, settings: Settings) -> list[Candidate]:
    effort, n = settings.effort, len(dataset)
    most = MOST_ROWS[effort]
    if 2 * n > most:
        return []
    policies = ON_PLAIN[effort] if n <= MOST_PICTURES else ON_MANY[effort]
    known = {c.name: c for c in classic.candidates(dataset, settings)}
    found = [
        on_views(known[name], policy, most) for name in PLAIN_MODELS if name in known for policy in policies
    ]
    if effort != "quick":
        found += [averaged(c) for c in found if c.name.startswith("hog") and c.name.endswith("moves")]
        found += _on_frozen(dataset, settings, most)
    return found


def notes(dataset: Dataset, settings: Settings) -> list[Finding]:
    """What would have been tried, had its package been installed."""
    wanted = settings.families is None or "augmentation" in settings.families
    if not wanted or not _smote_wanted(dataset, settings) or find_spec("imblearn"):
        return []
    message = (
        "SMOTE, which makes up examples of the rarer classes, was not tried, because imbalanced-learn is not "
        "installed: pip install 'handful[tables]'."
    )
    return [Finding("not tried", "note", message)]


def on_views(base: Candidate, policy: str, most: int) -> Candidate:
    """The candidate `base`, a chain, learning from the fixed views of a policy too."""
    chain, about = base.estimator, POLICIES[policy]
    views = Views(chain.features, chain.head, about.views, most=most)
    return _learning_from(base, policy, about.label, views, 3)


def _on_tables(dataset: Dataset, settings: Settings) -> list[Candidate]:
    if 3 * len(dataset) > MOST_ROWS[settings.effort]:
        return []
    pairs = [] if settings.effort == "quick" else list(ON_TABLES)
    if _smote_wanted(dataset, settings) and find_spec("imblearn"):
        pairs += SMOTE_ON[-1:] if settings.effort == "quick" else SMOTE_ON
    known = {c.name: c for c in classic.candidates(dataset, settings)}
    return [with_more_rows(known[name], way) for name, way in pairs if name in known]


def with_more_rows(base: Candidate, way: str) -> Candidate:
    """The candidate `base`, a chain on a table, learning from rows made of its training rows too."""
    chain = base.estimator
    return _learning_from(base, way, WAYS[way], MoreRows(chain.features, chain.head, way), 1)


def _smote_wanted(dataset: Dataset, settings: Settings) -> bool:
    """Whether a class of the table is so much rarer than another that it may be worth filling up.

    In quick from where on balanced accuracy is the measure.
    """
    if dataset.modality != "table" or dataset.task != "classification":
        return False
    counts = np.bincount(dataset.y)
    return bool(counts.max() > (3 if settings.effort == "quick" else 1.5) * counts.min())


def _on_texts(dataset: Dataset, settings: Settings) -> list[Candidate]:
    most, n = MOST_ROWS[settings.effort], len(dataset)
    if 2 * n > most:
        return []
    known = {c.name: c for c in classic.candidates(dataset, settings)}
    tried = [(name, way) for name in ("tfidf logistic", "tfidf ridge") for way in ON_WORDS[settings.effort]]
    ways = ON_SENTENCES[settings.effort]
    encoders = [name for name in used(settings, "text") if name != "wordllama"]
    if encoders and ways and len(ways) * COPIES * n <= MOST_EMBEDDED[settings.effort]:
        known |= {c.name: c for c in transfer.candidates(dataset, settings)}
        tried += [(f"{encoders[0]} {head}", way) for head in ("logistic", "ridge") for way in ways]
    return [with_more_texts(known[name], way, most) for name, way in tried if name in known]


def with_more_texts(base: Candidate, way: str, most: int) -> Candidate:
    """The candidate `base`, a chain on texts, learning from changed copies of its training texts too."""
    chain = base.estimator
    copies = MoreTexts(chain.features, chain.head, way, COPIES, most)
    return _learning_from(base, way, LABELS[way], copies, 3)


def _learning_from(base: Candidate, name: str, words: str, estimator: Any, cost: int) -> Candidate:
    label = f"learned from {words} too"
    return base.plus(f"augmentation: {words}", f", {name}", label, estimator, "augmentation", cost)


def averaged(base: Candidate) -> Candidate:
    """The candidate `base`, which learned from views, averaging its predictions over the views too."""
    chain = base.estimator
    views = Views(chain.features, chain.head, chain.views, averaged=chain.views, most=chain.most)
    label = "predicting the average over these views"
    return base.plus("test-time averaging", ", averaged", label, views, cost=20)


def _on_frozen(dataset: Dataset, settings: Settings, most: int) -> list[Candidate]:
    """The first backbone at its last two blocks, and averaging over mirrored or turned views."""
    allowed, n = MOST_EMBEDDED[settings.effort], len(dataset)
    backbone = used(settings)[0]
    frozen = [c for c in transfer.candidates(dataset, settings) if c.name in _frozen_names(backbone)]
    found: list[Candidate] = []
    embedded: set[str] = set()
    for policy in ON_FROZEN[settings.effort]:
        if n * len(embedded | set(POLICIES[policy].views)) > allowed:
            continue
        embedded |= set(POLICIES[policy].views)
        learned = [on_views(base, policy, most) for base in frozen]
        found += learned
        if policy == "flips" or (policy == "geometric" and settings.effort == "thorough"):
            found += [averaged(c) for c in learned]
    return found


def _frozen_names(backbone: str) -> set[str]:
    from handful.backbones import levels

    names = list(levels(backbone))
    last = names[-3:-1] if len(names) > 2 else names[:1]
    return {f"{backbone} {level} {head}" for level in last for head in ("svm", "svr")}
