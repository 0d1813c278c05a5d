"""Few numbers for each picture, found without labels, and small models on them.

An autoencoder (`handful.nets.autoencoder`) is trained on the training part, and where it is asked to, on the
unlabelled pictures too. Its rival is principal components, which are as old as they are hard to beat.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.decomposition import PCA
from sklearn.utils.validation import check_is_fitted

from handful.data.dataset import Dataset
from handful.nets.train import Recipe
from handful.settings import Settings
from handful.strategies.candidate import Candidate
from handful.strategies.chain import Chain
from handful.strategies.classic import knn
from handful.strategies.heads import LogisticHead, RidgeHead, SVMHead, SVRHead
from handful.strategies.networks import (
    ON_IMAGES,
    ConvNetHead,
    ConvNetValueHead,
    OnPictures,
    as_pictures,
    is_grey,
)
from handful.strategies.pixels import Pixels
from handful.strategies.stage import remembered
from handful.strategies.table_autoencoder import on_tables

if TYPE_CHECKING:
    import torch

LATENT = 64
# The numbers of a code that are handed on: as many as it takes principal components for this share of the
# variance of the training part. On digits (5 and 20 a class, tuning draws) .99 lost nothing against all 64,
# .95 up to 2 points; a size chosen by the labels in inner folds lost a point at 5 a class by its own luck.
KEPT, FEWEST = 0.99, 8
ON_PICTURES = Recipe(batch=32, lr=3e-3, weight_decay=0.01)
MANY, BATCH = 256, 64  # from so many pictures on so large batches: quicker, and there are steps enough


class AutoencoderFeatures(TransformerMixin, BaseEstimator):
    """Pictures as the codes of an autoencoder, `(n, latent)` in the order of what they say of a picture.

    The codes are centred and divided by one number, so that they vary by 1 on average over the training part:
    the first numbers stay the largest. Columns standardised one by one were worse by 1 to 5 points. Only the
    first `size_` are handed on, as many as the training part has to say (see `size_for`).

    After `fit`: `weights_`, `plan_` (what rebuilds the module), `history_` (a dict of numbers an epoch),
    `used_` (how many of the code's numbers differ between pictures), `n_unlabelled_` (how many joined).

    Parameters
    ----------
    variant : one of `handful.nets.autoencoder.VARIANTS`
    latent : numbers in a code
    epochs : passes over the pictures; None: the usual number for so many
    use_unlabelled : whether it also learns from pictures without labels, where there are some
    """

    def __init__(
        self,
        variant: str = "neighbours",
        latent: int = LATENT,
        epochs: int | None = None,
        use_unlabelled: bool = False,
        random_state: int = 0,
    ) -> None:
        self.variant = variant
        self.latent = latent
        self.epochs = epochs
        self.use_unlabelled = use_unlabelled
        self.random_state = random_state

    def fit(
        self, X: np.ndarray, y: Any = None, groups: np.ndarray | None = None, unlabelled: Any = None
    ) -> AutoencoderFeatures:
        """X and unlabelled hold pictures `(n, S * S * 3)` in 0…1, as `Pixels` gives them."""
        Z = np.asarray(X, dtype=np.float32)
        more = (
            np.asarray(unlabelled, dtype=np.float32)
            if self.use_unlabelled and unlabelled is not None
            else None
        )
        self.weights_, told = remembered(self, lambda: self._learn(Z, more), Z, more)
        self.plan_, self.history_ = told["plan"], told["history"]
        self.n_unlabelled_ = 0 if more is None else len(more)
        self.n_parameters_ = sum(v.size for v in self.weights_.values())
        codes = self.encode(Z)
        self.mean_ = codes.mean(axis=0)
        spread = codes.std(axis=0)
        self.size_ = size_for(Z, self.latent)
        self.scale_ = float(np.sqrt((spread[: self.size_] ** 2).mean())) or 1.0
        self.used_ = int((spread > 0.01 * spread.max()).sum())
        return self

    def _learn(self, Z: np.ndarray, more: np.ndarray | None) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        from handful.nets.autoencoder import batches, epochs_for, reconstruction
        from handful.nets.convnet import width_for
        from handful.nets.device import device
        from handful.nets.train import train

        everything = Z if more is None else np.concatenate([Z, more])
        pictures = as_pictures(everything)
        if is_grey(pictures):
            pictures = np.ascontiguousarray(pictures[:, :1])
        plan = {
            "channels": pictures.shape[1],
            "latent": self.latent,
            "size": pictures.shape[-1],
            "width": width_for(len(Z)),  # that of the network which may start from it
        }
        epochs = epochs_for(len(pictures)) if self.epochs is None else self.epochs
        trained = train(
            lambda: _make(plan, pictures),
            batches(pictures, self.variant, device()),
            pictures.reshape(len(pictures), -1),
            replace(ON_PICTURES, epochs=epochs, batch=BATCH if len(pictures) >= MANY else ON_PICTURES.batch),
            seed=self.random_state,
            loss=reconstruction(pictures),
            device=device(),
        )
        return trained.weights, {"plan": plan, "history": trained.history}

    def transform(self, X: np.ndarray) -> np.ndarray:
        """Pictures `(n, S * S * 3)` to the first numbers of their codes `(n, size_)`."""
        return ((self.encode(X) - self.mean_) / self.scale_)[:, : self.size_]

    def encode(self, X: np.ndarray) -> np.ndarray:
        """Pictures `(n, S * S * 3)` to codes `(n, latent)` as the network gives them."""
        from handful.nets.autoencoder import encoded
        from handful.nets.device import device

        check_is_fitted(self, "weights_")
        pictures = as_pictures(np.asarray(X))
        if self.plan_["channels"] == 1:
            pictures = pictures.mean(axis=1, keepdims=True)
        return encoded(self._module(), pictures, device())

    def reconstruct(self, X: np.ndarray, size: int | None = None) -> np.ndarray:
        """Pictures `(n, S * S * 3)` in 0…1 as they come out again, from the code's first `size` numbers."""
        codes = self.encode(X)
        if size is not None:
            codes[:, size:] = 0
        return self.decode(codes)

    def decode(self, codes: np.ndarray) -> np.ndarray:
        """Codes `(n, latent)`, as `encode` gives them, to pictures `(n, S * S * 3)` in 0…1."""
        from handful.nets.autoencoder import decoded
        from handful.nets.device import device

        check_is_fitted(self, "weights_")
        rows = decoded(self._module(), np.asarray(codes, dtype=np.float32), device())
        channels = rows.reshape(len(rows), self.plan_["channels"], -1)
        return (
            np.broadcast_to(channels, (len(rows), 3, channels.shape[2]))
            .transpose(0, 2, 1)
            .reshape(len(rows), -1)
        )

    def _module(self) -> torch.nn.Module:
        from handful.nets.train import from_arrays

        return from_arrays(lambda: _make(self.plan_), self.weights_)


def size_for(Z: np.ndarray, most: int) -> int:
    """How many principal components of Z `(n, d)` hold nearly all of its variance; at most so many."""
    values = np.linalg.svd(Z - Z.mean(axis=0), compute_uv=False) ** 2
    enough = 1 + int(np.searchsorted(np.cumsum(values), KEPT * values.sum()))
    return min(most, max(FEWEST, enough))


def _make(plan: dict[str, Any], pictures: np.ndarray | None = None) -> torch.nn.Module:
    from handful.nets.autoencoder import make_autoencoder

    return make_autoencoder(**plan, pictures=pictures)


class PrincipalFeatures(TransformerMixin, BaseEstimator):
    """Principal components `(n, at most latent)`, not standardised: the old way to say much in few numbers.

    Parameters
    ----------
    latent : how many, where there are as many samples
    use_unlabelled : whether pictures without labels join
    """

    def __init__(self, latent: int = LATENT, use_unlabelled: bool = False) -> None:
        self.latent = latent
        self.use_unlabelled = use_unlabelled

    def fit(
        self, X: np.ndarray, y: Any = None, groups: np.ndarray | None = None, unlabelled: Any = None
    ) -> PrincipalFeatures:
        """X and unlabelled `(n, d)`."""
        Z = np.asarray(X, dtype=float)
        if self.use_unlabelled and unlabelled is not None:
            Z = np.concatenate([Z, np.asarray(unlabelled, dtype=float)])
        self.pca_ = PCA(min(size_for(Z, self.latent), *Z.shape), svd_solver="full").fit(Z)
        self.scale_ = float(np.sqrt(self.pca_.explained_variance_.mean())) or 1.0
        return self

    def transform(self, X: np.ndarray) -> np.ndarray:
        """`(n, d)` to `(n, latent)`."""
        check_is_fitted(self, "pca_")
        return self.pca_.transform(np.asarray(X, dtype=float)) / self.scale_


class _Started(OnPictures):
    """A small network whose convolutions begin as the encoder of an autoencoder, and learn on.

    Parameters
    ----------
    autoencoder : AutoencoderFeatures; None: one of its usual kind
    """

    RECIPE = replace(ON_IMAGES, lr=3e-3)  # slower than from scratch: what was learned is not to be unlearned

    def __init__(
        self,
        autoencoder: AutoencoderFeatures | None = None,
        size: float = 1.0,
        augment: str = "none",
        epochs: int | None = None,
        random_state: int = 0,
    ) -> None:
        super().__init__(size, augment, epochs, random_state)
        self.autoencoder = autoencoder

    def fit(
        self, Z: np.ndarray, y: np.ndarray, groups: np.ndarray | None = None, unlabelled: Any = None
    ) -> Any:
        """Z and unlabelled `(n, S * S * 3)`, y `(n,)` labels or values, groups `(n,)` or None."""
        learned = clone(self.autoencoder or AutoencoderFeatures()).fit(Z, y, groups, unlabelled)
        self._encoder = learned
        super().fit(Z, y, groups)
        del self._encoder
        return self

    def _plan(self, Z: np.ndarray) -> dict[str, Any]:
        kept = ("channels", "size", "width")
        return {name: self._encoder.plan_[name] for name in kept}

    def _make(self, plan: dict[str, Any], d_out: int) -> torch.nn.Module:
        module = super()._make(plan, d_out)
        if hasattr(self, "_encoder"):  # only while it is fitted: later the weights are its own
            import torch

            start = {
                name: torch.as_tensor(value)
                for name, value in self._encoder.weights_.items()
                if name.startswith("trunk.")
            }
            module.load_state_dict(start, strict=False)
        return module


class StartedConvNetHead(_Started, ConvNetHead):
    """A small convolutional network for classes that starts from an autoencoder's encoder."""


class StartedConvNetValueHead(_Started, ConvNetValueHead):
    """The same for a measured value."""


FEATURES = "autoencoder features"
COMPONENTS = "principal components"
UNLABELLED = "unlabelled data: autoencoder"
MORE_COMPONENTS = "unlabelled data: principal components"
PRETRAINING = "pretraining: autoencoder"


def candidates(dataset: Dataset, settings: Settings) -> list[Candidate]:
    """From `standard` on: on pictures codes and principal components, with the same heads on both; for tables
    see `handful.strategies.table_autoencoder`.

    Where there is unlabelled data, each once more with it, and a network that starts from the encoder;
    without, that network is for `thorough`. The heads share one training a fold.
    """
    if dataset.modality == "table":
        return on_tables(dataset, settings)
    if settings.effort == "quick" or dataset.modality != "image":
        return []
    dear = settings.effort == "thorough" or dataset.unlabelled is not None
    return _on_codes(dataset) + (_started(dataset) if dear else [])


def _on_codes(dataset: Dataset) -> list[Candidate]:
    if dataset.task == "classification":
        heads: list[tuple[str, str, Any]] = [
            ("logistic", "logistic regression", LogisticHead()),
            ("svm", "support vector machine", SVMHead()),
            ("knn", "nearest neighbours", knn(dataset.task)),
        ]
    else:
        heads = [
            ("ridge", "ridge regression", RidgeHead()),
            ("svr", "support vector regression", SVRHead()),
            ("knn", "nearest neighbours", knn(dataset.task)),
        ]
    kinds = [
        ("ae", "autoencoder's codes", AutoencoderFeatures, FEATURES, UNLABELLED, True),
        ("pca", "principal components", PrincipalFeatures, COMPONENTS, MORE_COMPONENTS, False),
    ]
    found = []
    for kind, words, features, technique, with_unlabelled, deep in kinds:
        for name, label, head in heads:
            raw = f"pixels {name}" if name != "knn" else "pca knn" if deep else None
            plain = Candidate(
                f"{kind} {name}",
                f"{words} + {label}",
                "autoencoder",
                Chain([Pixels(), features()], head),
                cost=36 if deep else 29,
                base=raw,
                technique=technique if raw else None,
                deep=deep,
            )
            found.append(plain)
            if dataset.unlabelled is not None:
                found.append(
                    replace(
                        plain,
                        name=f"{plain.name} unlabelled",
                        label=f"{words}, unlabelled pictures too + {label}",
                        estimator=Chain([Pixels(), features(use_unlabelled=True)], head),
                        base=plain.name,
                        technique=with_unlabelled,
                    )
                )
    return found


def _started(dataset: Dataset) -> list[Candidate]:
    kind = StartedConvNetHead if dataset.task == "classification" else StartedConvNetValueHead
    plain = Candidate(
        "cnn pretrained",
        "small convolutional network, started from an autoencoder",
        "autoencoder",
        Chain([Pixels()], kind(AutoencoderFeatures())),
        cost=55,
        base="cnn",
        technique=PRETRAINING,
        deep=True,
    )
    if dataset.unlabelled is None:
        return [plain]
    more = replace(
        plain,
        name="cnn pretrained unlabelled",
        label="small convolutional network, started from an autoencoder of unlabelled pictures too",
        estimator=Chain([Pixels()], kind(AutoencoderFeatures(use_unlabelled=True))),
        base="cnn pretrained",
        technique=UNLABELLED,
    )
    return [plain, more]
