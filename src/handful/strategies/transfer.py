"""Transfer learning without training a network: a pretrained encoder's features, and a small head on them."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.preprocessing import StandardScaler

from handful.backbones import used
from handful.data.dataset import Dataset
from handful.data.views import PLAIN
from handful.settings import Settings
from handful.strategies.candidate import Candidate
from handful.strategies.chain import Chain, Stateless
from handful.strategies.classic import knn, ridge
from handful.strategies.heads import CentroidHead, LogisticHead, ShrunkLDAHead, SVMHead, SVRHead
from handful.strategies.log_target import with_log

TECHNIQUE = "transfer: frozen features"
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


def candidates(dataset: Dataset, settings: Settings) -> list[Candidate]:
    """For each backbone: linear and kernel heads on every level, the simple heads on two of them."""
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
        found = with_log(found, dataset, [f"{backbone} {level} svr" for level in simple])
    return found


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
