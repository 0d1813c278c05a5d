"""Transfer learning without training a network: a pretrained encoder's features, and a small head on them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.preprocessing import StandardScaler

from handful.backbones import used
from handful.data.dataset import Dataset, Finding
from handful.data.views import PLAIN
from handful.settings import Settings
from handful.strategies.candidate import Candidate
from handful.strategies.chain import Chain, Stateless
from handful.strategies.classic import knn, ridge
from handful.strategies.heads import CentroidHead, LogisticHead, ShrunkLDAHead, SVMHead, SVRHead

TECHNIQUE = "transfer: frozen features"
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
    """For each backbone: linear and kernel heads on every level, the simple heads on two of them."""
    if dataset.modality == "text":
        return [c for backbone in used(settings, "text") for c in _on_texts(backbone, dataset.task)]
    if dataset.modality != "image":
        return []
    from handful.backbones import levels

    found = []
    for backbone in used(settings):
        names = list(levels(backbone))
        simple = names[0], names[-2] if len(names) > 1 else names[0]
        for level in names:
            for head, label, estimator, cost in _heads(dataset.task, simple=level in simple):
                found.append(
                    Candidate(
                        f"{backbone} {level} {head}",
                        f"{_words(backbone, level)} + {label}",
                        "transfer",
                        Chain([Embedding(backbone, level), StandardScaler()], estimator),
                        cost=cost,
                        base=f"pixels {head}" if head in ON_PIXELS else None,
                        technique=TECHNIQUE,
                        deep=True,
                    )
                )
    return found


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
