"""Autoencoder features of a table: its columns squeezed into a few numbers, learned without labels."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.utils.validation import check_is_fitted

from handful.data.columns import only_plain
from handful.data.dataset import Dataset
from handful.nets.likelihood import probabilities, usual
from handful.nets.train import Recipe
from handful.settings import Settings
from handful.strategies.candidate import Candidate
from handful.strategies.chain import Chain
from handful.strategies.classic import PENALTIES
from handful.strategies.codec import RowCodec
from handful.strategies.heads import LogisticHead, RidgeHead, SVMHead, SVRHead
from handful.strategies.inner import validation_part
from handful.strategies.stage import Learned, remembered
from handful.strategies.tables import TableEncoder

RECIPE = Recipe(batch=32, lr=3e-3, weight_decay=0.01, smoothing=0.0, balance=0.0, clip=5.0, patience=30)
STEPS = 1000  # of the optimiser, about
KEPT = 0.9  # share of the variance for which there are as many codes as principal components
FEWEST, MOST = 2, 32  # codes


class TableAutoencoderFeatures(TransformerMixin, BaseEstimator):
    """A DataFrame of float64 and object columns as the codes of an autoencoder (see `handful.nets.rows`).

    Texts and pictures are no part of the codes, and stand beside them with the columns.

    After `fit`: `n_codes_`, `weights_`, `history_` (numbers an epoch: the loss of each kind of column),
    `epochs_`.

    Parameters
    ----------
    swapped : share of the fields that have another row's value while the network learns to tell the row as it
        was (denoising); 0: a plain autoencoder
    beside : whether the columns themselves stand behind the codes, as `TableEncoder` gives them
    n_codes : None: as many as it takes principal components for 90 % of the variance, from 2 to 32
    use_unlabelled : whether rows without labels are learned from
    epochs : exactly so many where too few rows are left to validate, at most so many otherwise; None: the
        usual number
    """

    def __init__(
        self,
        swapped: float = 0.2,
        beside: bool = False,
        n_codes: int | None = None,
        use_unlabelled: bool = False,
        epochs: int | None = None,
        random_state: int = 0,
    ) -> None:
        self.swapped = swapped
        self.beside = beside
        self.n_codes = n_codes
        self.use_unlabelled = use_unlabelled
        self.epochs = epochs
        self.random_state = random_state

    def fit(
        self, X: pd.DataFrame, y: Any = None, groups: np.ndarray | None = None, unlabelled: Any = None
    ) -> TableAutoencoderFeatures:
        """X `(n, …)`, groups `(n,)` or None, unlabelled `(m, …)` like X or None; y is not looked at."""
        own, more = only_plain(X), None
        if self.use_unlabelled and unlabelled is not None:
            more = only_plain(unlabelled)
        rows = own if more is None else pd.concat([own, more[list(own.columns)]], ignore_index=True)
        self.codec_ = RowCodec().fit(rows)
        trained = clone(self).set_params(beside=False)  # what stands beside the codes changes nothing in them
        self.weights_, told = remembered(
            trained, lambda: self._learn(rows, len(X), groups), own, groups, more
        )
        self.plan_, self.history_, self.epochs_ = told["plan"], told["history"], told["epochs"]
        self.n_codes_ = self.plan_["latent"]
        codes = self.encode(X)
        self.mean_, self.scale_ = codes.mean(axis=0), np.maximum(codes.std(axis=0), 1e-6)
        self.encoder_ = TableEncoder(scale=True).fit(X) if self.beside else None
        return self

    def _learn(self, X: pd.DataFrame, labelled: int, groups: np.ndarray | None) -> Learned:
        """X: the labelled rows, `labelled` of them, and after them those without labels."""
        from handful.nets.device import device
        from handful.nets.rows import epochs_for, make_rows, row_inputs, row_loss, width_for
        from handful.nets.train import train

        layout, Z = self.codec_.layout_, self.codec_.encode(X)
        one = np.zeros(len(Z), dtype=int)
        alone = np.arange(labelled, len(Z)) + (0 if groups is None else 1 + int(np.max(groups)))
        units = None if groups is None else np.concatenate([groups, alone])
        epochs = epochs_for(len(Z), RECIPE.batch, STEPS) if self.epochs is None else self.epochs
        plan = {
            "d": Z.shape[1],
            "latent": _codes(Z) if self.n_codes is None else self.n_codes,
            "numbers": len(layout.numbers),
            "width": width_for(len(Z)),
            "variational": False,
        }
        trained = train(
            lambda: make_rows(**plan, usual=usual(layout, Z, one, 1)),
            row_inputs(Z, np.zeros((len(Z), 0)), layout, self.swapped, device()),
            Z,
            replace(RECIPE, epochs=epochs),
            seed=self.random_state,
            held=validation_part(one.astype(float), units, self.random_state, classes=False),
            loss=row_loss(layout, plan["latent"], variational=False),
            device=device(),
        )
        return trained.weights, {"plan": plan, "history": trained.history, "epochs": trained.epochs}

    def _network(self) -> Any:
        from handful.nets.rows import make_rows
        from handful.nets.train import from_arrays

        check_is_fitted(self, "weights_")
        return from_arrays(lambda: make_rows(**self.plan_), self.weights_)

    def encode(self, X: pd.DataFrame) -> np.ndarray:
        """The codes `(n, n_codes_)`."""
        import torch

        with torch.inference_mode():
            codes, _ = self._network().encode(torch.as_tensor(self.codec_.encode(X).astype(np.float32)))
        return codes.numpy().astype(float)

    def transform(self, X: pd.DataFrame) -> np.ndarray:
        """The codes, standardised, and behind them the columns where they are wanted: `(n, d)`."""
        codes = (self.encode(X) - self.mean_) / self.scale_
        return codes if self.encoder_ is None else np.hstack([codes, self.encoder_.transform(X)])

    def reconstruct(self, X: pd.DataFrame) -> pd.DataFrame:
        """The rows as the network tells them from their codes: the most probable ones."""
        import torch

        codes = torch.as_tensor(self.encode(X).astype(np.float32))
        with torch.inference_mode():
            told, _ = self._network().decode(codes, torch.zeros(len(X), 0))
        return self.codec_.decode(probabilities(self.codec_.layout_, told.numpy()))


def _codes(Z: np.ndarray) -> int:
    """As many as it takes principal components for most of the variance of Z `(n, d)`."""
    values = np.linalg.svd(Z - Z.mean(axis=0), compute_uv=False) ** 2
    enough = 1 + int(np.searchsorted(np.cumsum(values), KEPT * values.sum()))
    return int(np.clip(enough, FEWEST, MOST))


TECHNIQUE = "autoencoder features"


def on_tables(dataset: Dataset, settings: Settings) -> list[Candidate]:
    """From `standard` on: codes beside the columns for two heads, and where there are rows without labels,
    the same with these. In `thorough` also the codes alone, and without swapped values.

    About a second and a half a fit on 100 rows, two and a half on 500 (one core); heads share it.
    """
    if settings.effort == "quick" or dataset.modality != "table" or only_plain(dataset.X).empty:
        return []
    beside = "the columns and autoencoder features of them"
    ways = [("autoencoder", beside, TableAutoencoderFeatures(beside=True))]
    if settings.effort == "thorough":
        plain = TableAutoencoderFeatures(swapped=0.0, beside=True)
        ways += [
            ("codes", "autoencoder features of the columns", TableAutoencoderFeatures()),
            ("plain autoencoder", f"{beside} (nothing swapped)", plain),
        ]
    found = [
        _candidate(f"{kind} {head}", f"{words} + {label}", features, model, head, TECHNIQUE, cost)
        for kind, words, features in ways
        for head, label, model, cost in _heads(dataset.task)
    ]
    if dataset.unlabelled is not None:
        found += [
            _candidate(
                f"autoencoder {head} with unlabelled",
                f"{beside}, learned from unlabelled rows too, + {label}",
                TableAutoencoderFeatures(beside=True, use_unlabelled=True),
                model,
                f"autoencoder {head}",
                "unlabelled data: autoencoder",
                cost,
            )
            for head, label, model, cost in _heads(dataset.task)
        ]
    return found


def _heads(task: str) -> list[tuple[str, str, Any, int]]:
    """Those of `handful.strategies.classic`, so that each has its base there."""
    if task == "classification":
        return [
            ("logistic", "logistic regression", LogisticHead(Cs=PENALTIES), 46),
            ("svm", "support vector machine", SVMHead(), 48),
        ]
    return [
        ("ridge", "ridge regression", RidgeHead(), 46),
        ("svr", "support vector regression", SVRHead(), 48),
    ]


def _candidate(
    name: str, label: str, features: Any, head: Any, base: str, technique: str, cost: int
) -> Candidate:
    chain = Chain([features], head)
    return Candidate(name, label, "autoencoder", chain, cost, base, technique, deep=True)
