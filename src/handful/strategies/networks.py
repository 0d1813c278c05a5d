"""Small networks from scratch: what deep learning reaches here without anything learned elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from handful.data.dataset import Dataset
from handful.nets.augment import POLICIES
from handful.nets.train import Inputs, Recipe
from handful.settings import Settings
from handful.strategies.candidate import Candidate
from handful.strategies.chain import Chain
from handful.strategies.log_target import with_log
from handful.strategies.network import Classifier, Network, Regressor
from handful.strategies.pixels import Pixels
from handful.strategies.tables import TableEncoder, frozen
from handful.strategies.text_network import BagHead, BagValueHead, Pieces

if TYPE_CHECKING:
    import torch

FAR = 5.0  # standard deviations at which a column of a table is cut off: a network would follow an outlier

# Chosen on the tables that benchmarks/tables.py names as tuned on and does not report.
ON_TABLES = Recipe(batch=32, lr=4e-3, weight_decay=0.02, smoothing=0.1, balance=0.0)
# A few steps an epoch on few pictures: a short patience would end the training before the average of the
# weights has caught up with them.
ON_IMAGES = Recipe(batch=32, lr=1e-2, weight_decay=0.05, smoothing=0.1, patience=20)


class _OnTable(Network):
    """See `handful.nets.mlp`."""

    RECIPE = ON_TABLES

    def _usual_epochs(self, n: int) -> int:
        from handful.nets.mlp import epochs_for

        return epochs_for(n)

    def _plan(self, Z: np.ndarray) -> dict[str, Any]:
        from handful.nets.mlp import plan_for

        return plan_for(_cut(Z), self.size)

    def _make(self, plan: dict[str, Any], d_out: int) -> torch.nn.Module:
        from handful.nets.mlp import make_mlp

        return make_mlp(d_out=d_out, **plan)

    def _inputs(self, Z: np.ndarray, device: str) -> Inputs:
        import torch

        whole = torch.from_numpy(_cut(Z)).to(device)
        return lambda rows, random: whole[torch.from_numpy(rows).to(device)]


def _cut(Z: np.ndarray) -> np.ndarray:
    return np.clip(np.asarray(Z, dtype=np.float32), -FAR, FAR)


class MLPHead(_OnTable, Classifier):
    """A perceptron for classes, on standardised columns."""


class MLPValueHead(_OnTable, Regressor):
    """A perceptron for a measured value, on standardised columns."""


class OnPictures(Network):
    """See `handful.nets.convnet`; Z holds pictures `(n, S * S * 3)` in 0…1, as `Pixels` gives them.

    Parameters
    ----------
    augment : a policy of `handful.nets.augment` that changes each batch; not one that mixes targets
    """

    RECIPE = ON_IMAGES

    def __init__(
        self, size: float = 1.0, augment: str = "none", epochs: int | None = None, random_state: int = 0
    ) -> None:
        super().__init__(size, epochs, random_state)
        self.augment = augment

    def _usual_epochs(self, n: int) -> int:
        from handful.nets.convnet import epochs_for

        return epochs_for(n)

    def _plan(self, Z: np.ndarray) -> dict[str, Any]:
        from handful.nets.convnet import width_for

        pictures = as_pictures(Z)
        grey = is_grey(pictures)
        seen = pictures[:, :1] if grey else pictures
        return {
            "channels": 1 if grey else 3,
            "size": int(pictures.shape[-1]),
            "width": width_for(len(Z), self.size),
            "mean": seen.mean(axis=(0, 2, 3)),
            "std": np.maximum(seen.std(axis=(0, 2, 3)), 1e-3),
        }

    def _make(self, plan: dict[str, Any], d_out: int) -> torch.nn.Module:
        from handful.nets.convnet import make_convnet

        return make_convnet(d_out=d_out, **plan)

    def _inputs(self, Z: np.ndarray, device: str) -> Inputs:
        import torch

        from handful.nets.augment import augmented

        pictures = torch.from_numpy(as_pictures(Z)).to(device)
        if self.plan_["channels"] == 1:
            pictures = pictures.mean(dim=1, keepdim=True)

        def batch(rows: np.ndarray, random: np.random.Generator | None) -> torch.Tensor:
            x = pictures[torch.from_numpy(rows).to(device)]
            return x if random is None else augmented(x, self.augment, random)

        return batch


def as_pictures(Z: np.ndarray) -> np.ndarray:
    """`(n, S * S * 3)`, as `Pixels` gives them, to `(n, 3, S, S)` float32."""
    Z = np.asarray(Z, dtype=np.float32)
    side = round((Z.shape[1] / 3) ** 0.5)
    return np.ascontiguousarray(Z.reshape(len(Z), side, side, 3).transpose(0, 3, 1, 2))


def is_grey(pictures: np.ndarray) -> bool:
    """Whether all channels of `(n, 3, S, S)` are the same."""
    return bool((pictures == pictures[:, :1]).all())


class ConvNetHead(OnPictures, Classifier):
    """A small convolutional network for classes."""


class ConvNetValueHead(OnPictures, Regressor):
    """A small convolutional network for a measured value."""


WIDTH = "network width"
QUICK = 1000, 200  # rows and columns up to which a perceptron trains in about a second
# what stands behind the name, and behind the label; how wide against the usual network, which comes first
SIZES = (("", "", 1.0), (" narrow", ", a quarter as wide", 0.25), (" wide", ", twice as wide", 2.0))

ALTERED = ("shifts", "light")


def candidates(dataset: Dataset, settings: Settings) -> list[Candidate]:
    """On tables a perceptron; on pictures, from `standard` on, a convolutional network, plain and on altered
    copies; on texts, from `standard` on, a bag of words. From `standard` on also narrower, and where the
    budget is `thorough` wider: the capacity curve.

    About half a second a fit on 200 rows, about 14 seconds on 500 pictures, two on 64 texts (one busy core).
    In `quick` only on tables that are small enough for that.
    """
    if settings.effort == "quick" and not (dataset.modality == "table" and _is_small(dataset)):
        return []
    sizes = SIZES[: {"quick": 1, "standard": 2, "thorough": 3}[settings.effort]]
    if dataset.modality == "table":
        encoder = TableEncoder(scale=True, **frozen(dataset.X, settings))
        return with_log(_on_tables(dataset.task, sizes, encoder), dataset, ("mlp",))
    if dataset.modality == "image":
        return _on_images(dataset.task, sizes)
    if dataset.modality == "text":
        return _on_texts(dataset.task, sizes)
    return []


def _is_small(dataset: Dataset) -> bool:
    return all(have <= most for have, most in zip(dataset.X.shape, QUICK, strict=True))


def _on_tables(task: str, sizes: Sequence[tuple[str, str, float]], encoder: TableEncoder) -> list[Candidate]:
    kind = MLPHead if task == "classification" else MLPValueHead
    label = "small neural network"
    return [
        _network("mlp", name, f"{label}{words}", Chain([encoder], kind(size)), WIDTH)
        for name, words, size in sizes
    ]


def _on_images(task: str, sizes: Sequence[tuple[str, str, float]]) -> list[Candidate]:
    kind = ConvNetHead if task == "classification" else ConvNetValueHead
    label = "small convolutional network"
    return [
        _network("cnn", name, f"{label}{words}", Chain([Pixels()], kind(size)), WIDTH)
        for name, words, size in sizes
    ] + [
        _network(
            "cnn",
            f" {policy}",
            f"{label}, augmented: {POLICIES[policy].label}",
            Chain([Pixels()], kind(augment=policy)),
            f"augmentation: {POLICIES[policy].label}",
        )
        for policy in ALTERED[: len(sizes) - 1]
    ]


def _on_texts(task: str, sizes: Sequence[tuple[str, str, float]]) -> list[Candidate]:
    kind = BagHead if task == "classification" else BagValueHead
    label = "small network on words and their pieces (fastText)"
    return [
        _network("bag", name, f"{label}{words}", Chain([Pieces()], kind(size)), WIDTH)
        for name, words, size in sizes
    ]


def _network(root: str, rest: str, label: str, estimator: Any, technique: str) -> Candidate:
    """The usual network `root`, or one that differs from it by `technique`."""
    return Candidate(
        f"{root}{rest}",
        label,
        "network",
        estimator,
        cost=45 if root == "mlp" else 55,
        base=root if rest else None,
        technique=technique if rest else None,
        deep=True,
    )
