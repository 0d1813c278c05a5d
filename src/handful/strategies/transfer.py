"""Transfer learning without training a network: a pretrained encoder's features, and a small head on them.

With several backbones, what the others bring to the first is a line of the ledger: each of their candidates,
and those on the features of all of them together, has the same head on the first backbone as its base.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted

from handful.backbones import used
from handful.data.dataset import Dataset, Finding
from handful.data.views import PLAIN
from handful.settings import Settings
from handful.strategies.candidate import Candidate
from handful.strategies.chain import Chain, Stateless
from handful.strategies.classic import WITH_BLOCKS, heads_on_tables, knn, ridge
from handful.strategies.heads import CentroidHead, LogisticHead, ShrunkLDAHead, SVMHead, SVRHead
from handful.strategies.log_target import with_log
from handful.strategies.tables import frozen, looks_through_network

TECHNIQUE = "transfer: frozen features"
OTHERS = ("transfer: a second backbone", "transfer: further backbones")
STATIC = "static word vectors"
# Heads that are tried on the pixels themselves too: there the ledger sees what the pretrained network brings.
ON_PIXELS = ("logistic", "svm", "ridge", "svr")


class Embedding(Stateless):
    """Frozen features of a pretrained backbone.

    Nothing is fitted: an embedding is a function of one picture, so it is computed once and cached.

    Parameters
    ----------
    backbone : str
        A name that `handful backbones` lists, or a local file.
    level : str
        Which part of the network: "last", "last_max", "block5", …, "all" (see `handful.backbones.levels`).
        The middle of the network is often worth more than its end where pictures are unlike photographs.
    view : str
        The fixed view of each picture that is encoded, one of `handful.data.views.VIEWS`.
    """

    def __init__(self, backbone: str = "lite0", level: str = "last", view: str = PLAIN) -> None:
        self.backbone = backbone
        self.level = level
        self.view = view

    def transform(self, X: Any) -> np.ndarray:
        """`Images` or `(n, S, S, 3)` uint8 to `(n, d)` float32."""
        from handful.backbones import embed

        return embed(X, self.backbone, self.level, seen=self.view)


class Together(Stateless):
    """Frozen features of several backbones side by side.

    Parameters
    ----------
    parts : list of `Embedding`
    """

    def __init__(self, parts: list[Embedding]) -> None:
        self.parts = parts

    def transform(self, X: Any) -> np.ndarray:
        """`Images` or `(n, S, S, 3)` uint8 to `(n, d1 + d2 + …)` float32."""
        return np.concatenate([part.transform(X) for part in self.parts], axis=1)


class BlockScaler(TransformerMixin, BaseEstimator):
    """Standardises columns, and lets each block of them count as much as any other.

    A standardised block of d columns has a mean squared norm of d, so that the wider of two backbones would
    decide every distance. Each block is divided by its own norm and multiplied by one number, so that all
    together have the norm that standardised columns have: heads need no other penalties.

    Parameters
    ----------
    widths : list of int
        How many columns each block has, in their order.
    """

    def __init__(self, widths: list[int]) -> None:
        self.widths = widths

    def fit(self, Z: np.ndarray, y: Any = None) -> BlockScaler:
        """Z `(n, sum(widths))`."""
        self.scaler_ = StandardScaler().fit(Z)
        blocks = np.split(self.scaler_.transform(Z), np.cumsum(self.widths)[:-1], axis=1)
        norms = [float(np.sqrt((block**2).sum(axis=1).mean())) or 1.0 for block in blocks]
        usual = np.sqrt(sum(self.widths) / len(self.widths))
        self.weights_ = np.repeat(usual / np.array(norms), self.widths)  # (d,)
        return self

    def transform(self, Z: np.ndarray) -> np.ndarray:
        check_is_fitted(self, "weights_")
        return self.scaler_.transform(Z) * self.weights_


class TextEmbedding(Stateless):
    """Frozen vectors of a pretrained text encoder, or the means of static word vectors.

    Nothing is fitted: a vector is a function of one text. Encoders are trained so that only directions count,
    so every vector has the length sqrt(d): the unit variance that heads expect, and no angle is changed.

    Parameters
    ----------
    backbone : str
        A name that `handful backbones` lists, or a local folder.
    """

    def __init__(self, backbone: str = "minilm") -> None:
        self.backbone = backbone

    def transform(self, X: Any) -> np.ndarray:
        """Texts `(n,)` to `(n, d)` float32."""
        from handful.backbones.texts import embed_texts

        Z = embed_texts(X, self.backbone)
        norms = np.linalg.norm(Z, axis=1, keepdims=True)
        return Z * np.float32(np.sqrt(Z.shape[1])) / np.maximum(norms, np.float32(1e-6))

    def warm(self, X: Any, device: str, progress: Callable[[int, int], None]) -> None:
        """Compute the vectors of texts `(n,)` once, so that `transform` finds them."""
        from handful.backbones.texts import warm_texts

        warm_texts(X, self.backbone, device=device, progress=progress)


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
            for head, label, estimator, cost in _heads(dataset.task, simple=level in simple):
                same = None if backbone == first else _same_place(level, own, names[first])
                found.append(
                    Candidate(
                        f"{backbone} {level} {head}",
                        f"{_words(backbone, level)} + {label}",
                        "transfer",
                        Chain([Embedding(backbone, level), StandardScaler()], estimator),
                        cost=cost,
                        deep=True,
                        **_compared(head, first, same, len(names)),
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
        for head, label, estimator, cost in _heads(task, simple=False):
            found.append(
                Candidate(
                    f"{'+'.join(names)} {level} {head}",
                    f"{_words(' and '.join(names), level)} + {label}",
                    "transfer",
                    Chain([Together(parts), BlockScaler(widths)], estimator),
                    cost=cost + 4,
                    deep=True,
                    **_compared(head, first, level, len(names)),
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


def _compared(head: str, first: str, level: str | None, n_backbones: int) -> dict[str, Any]:
    """What a candidate is compared with: the same head on the first backbone's `level`, or on pixels."""
    if level is not None:
        return {"base": f"{first} {level} {head}", "technique": OTHERS[n_backbones > 2]}
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
        for head, label, estimator, cost in _heads(task, simple=not static)
    ]


def notes(dataset: Dataset, settings: Settings) -> list[Finding]:
    """What would have been tried on texts, had its package been installed."""
    from handful.backbones.texts import default_text_backbone

    wanted = settings.families is None or "transfer" in settings.families
    if dataset.modality != "text" or not wanted or settings.backbones or default_text_backbone():
        return []
    message = (
        "Frozen features of a pretrained sentence encoder, which on few texts are usually the best, were not "
        "tried, because no encoder is installed: pip install 'handful[text]'."
    )
    return [Finding("not tried", "note", message)]


def _heads(task: str, *, simple: bool) -> list[tuple[str, str, Any, int]]:
    if task == "regression":
        heads = [
            ("ridge", "ridge regression", ridge(), 60),
            ("svr", "support vector regression", SVRHead(), 62),
        ]
        return heads + ([("knn", "nearest neighbours", knn(task), 63)] if simple else [])
    heads = [
        ("logistic", "logistic regression", LogisticHead(), 60),
        ("svm", "support vector machine", SVMHead(), 62),
    ]
    if simple:
        heads += [
            ("centroid", "nearest class mean", CentroidHead(), 60),
            ("lda", "linear discriminant analysis (shrunk)", ShrunkLDAHead(), 61),
            ("knn", "nearest neighbours", knn(task), 63),
        ]
    return heads


def _words(backbone: str, level: str) -> str:
    where = {"last": "last layer", "last_max": "last layer, mean and max", "all": "all layers"}
    return f"frozen features of {backbone} ({where.get(level, level.replace('block', 'block '))})"
