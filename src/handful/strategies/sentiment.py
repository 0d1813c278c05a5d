"""How positive or negative the words of English texts are (`lexicon`), alone and beside other features."""

from __future__ import annotations

from sklearn.base import clone
from sklearn.preprocessing import StandardScaler

from handful.backbones import used
from handful.data.columns import TEXTS, columns_of
from handful.data.dataset import Dataset, Finding
from handful.data.language import english
from handful.settings import Settings
from handful.strategies import classic, transfer
from handful.strategies.ablation import HEADS
from handful.strategies.candidate import Candidate
from handful.strategies.chain import Chain
from handful.strategies.embedding import BlockScaler, TextEmbedding, Together
from handful.strategies.lexicon import SCORES, Sentiment, installed
from handful.strategies.squeezed import content
from handful.strategies.tables import frozen

TECHNIQUE = "sentiment of the words"
# How much the four scores count beside the vector of a sentence encoder, 1 being as much: the better of 1 and
# .5 on draws of rotten_tomatoes with seeds from 700 on (benchmarks/sentiment.py).
COUNTS = 0.5


def candidates(dataset: Dataset, settings: Settings) -> list[Candidate]:
    """For English texts: a linear head on the four scores, and heads on them beside an encoder's vectors.

    On a table with texts its foremost models (two, in `quick` one), with the scores of each column of texts.
    """
    if not installed() or not _english(dataset):
        return []
    if dataset.modality == "table":
        return _on_tables(dataset, settings)
    head, label, estimator, cost = transfer.heads(dataset.task, simple=False)[0]
    alone = Candidate(
        f"sentiment {head}",
        f"{TECHNIQUE} + {label}",
        "sentiment",
        Chain([Sentiment(), StandardScaler()], estimator),
        cost=cost - 45,
    )
    return [alone] + [c for first in used(settings, "text")[:1] for c in _beside(first, dataset, settings)]


def _english(dataset: Dataset) -> bool:
    """Whether there are texts, and they look like English."""
    if dataset.modality == "table":
        columns = columns_of(dataset.X, TEXTS)
        return english([text for name in columns for text in content(dataset.X[[name]])])
    return dataset.modality == "text" and english(dataset.X)


def _on_tables(dataset: Dataset, settings: Settings) -> list[Candidate]:
    known = (transfer if frozen(dataset.X, settings) else classic).candidates(dataset, settings)
    heads = HEADS[dataset.task][: 1 if settings.effort == "quick" else None]
    return [
        base.plus(
            TECHNIQUE,
            ", sentiment",
            f"with the {TECHNIQUE}",
            Chain([clone(base.estimator.features[0]).set_params(sentiment=True)], base.estimator.head),
            "sentiment",
            1,
        )
        for head in heads
        for base in known
        if base.name.endswith(head)
    ]


def _beside(backbone: str, dataset: Dataset, settings: Settings) -> list[Candidate]:
    """The two foremost candidates on frozen vectors of a backbone, with the scores beside its vectors."""
    from handful.backbones.texts import get_text

    widths = [get_text(backbone).dimension, len(SCORES)]
    parts = [TextEmbedding(backbone), Sentiment()]
    names = [f"{backbone} {head}" for head, *_ in transfer.heads(dataset.task, simple=False)]
    bases = [c for c in transfer.candidates(dataset, settings) if c.name in names]
    return [
        base.plus(
            TECHNIQUE,
            ", sentiment",
            f"beside them the {TECHNIQUE}",
            Chain([Together(parts), BlockScaler(widths, [1.0, COUNTS])], base.estimator.head),
            "sentiment",
            1,
        )
        for base in bases
    ]


def notes(dataset: Dataset, settings: Settings) -> list[Finding]:
    """What would have been tried on English texts, had its package been installed."""
    wanted = settings.families is None or "sentiment" in settings.families
    if not wanted or installed() or not _english(dataset):
        return []
    message = (
        "The sentiment of the words, which helps where texts are opinions, was not tried, as its lexicon is "
        "not installed: pip install 'handful[text]'."
    )
    return [Finding("not tried", "note", message)]
