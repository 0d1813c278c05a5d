"""The names of the classes as examples of them: on texts the cheapest that there are.

What to call a class is the first thing that its author said of it, and an encoder of texts understands it
(label semantics: Chang et al., "Importance of semantic representation: dataless classification", AAAI 2008).
"""

from __future__ import annotations

from typing import Any

from sklearn.base import clone

from handful.backbones import used
from handful.data.dataset import Dataset
from handful.settings import Settings
from handful.strategies import classic, contrastive, sentiment, transfer
from handful.strategies.candidate import Candidate
from handful.strategies.chain import Chain
from handful.strategies.named import NamedClasses, spoken, telling

TECHNIQUE = "names of classes"
ON_WORDS = ("tfidf logistic", "sentiment logistic")
ON_SENTENCES = ("logistic", "svm", "centroid", "logistic, sentiment")


def candidates(dataset: Dataset, settings: Settings) -> list[Candidate]:
    """For classes of texts whose names are words: on counts of words, on their sentiment and on each encoder.

    From `standard` on also with contrastive fine-tuning, which takes minutes.
    """
    if dataset.modality != "text" or dataset.classes is None or not telling(list(dataset.classes)):
        return []
    names = tuple(spoken(name) for name in dataset.classes)
    modules = classic, transfer, sentiment, contrastive
    known = {c.name: c for module in modules for c in module.candidates(dataset, settings)}
    heads = ON_SENTENCES if settings.effort == "quick" else (*ON_SENTENCES, "contrastive")
    wanted = [*ON_WORDS, *(f"{backbone} {head}" for backbone in used(settings, "text") for head in heads)]
    return [knowing(names, known[name]) for name in wanted if name in known]


def knowing(names: tuple[str, ...], base: Candidate) -> Candidate:
    """The candidate `base` on texts, learning from the names of the classes too."""
    estimator = base.estimator
    if isinstance(estimator, Chain):
        named: Any = NamedClasses(estimator.features, estimator.head, names)
    else:
        named = clone(estimator).set_params(names=names)
    return base.plus(TECHNIQUE, ", names", "learned from the names of the classes too", named, "names", 1)
