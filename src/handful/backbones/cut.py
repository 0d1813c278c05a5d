"""A network cut in two: a front that stays as it is, and the rest, which can be trained.

Most timm networks are a chain of modules up to their final features. The chain is read off the network and
then checked: what it gives for a picture must be what the network itself gives, or the network is not cut.
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from handful.backbones.pooling import Levels, class_prefix, mean_max_std, pooled
from handful.backbones.registry import Backbone, load_torch
from handful.errors import SettingsError


class CutError(SettingsError):
    """The network is not a chain of modules that could be cut, or not at the size asked for."""


@dataclass(frozen=True)
class Chain:
    """A network as steps that follow each other, with the places where its levels are.

    `names` and `modules` are the steps; `ends` leads from a level's name to the number of steps before it;
    `rest` is the network without its steps, which pools and normalises the final features.
    """

    names: tuple[str, ...]
    modules: tuple[nn.Module, ...]
    ends: dict[str, int]
    rest: nn.Module
    prefix_tokens: int
    class_prefix: int


class Front(nn.Module):
    """The first steps: `(n, S, S, 3)` uint8 to `(n, d)` float32, one flat row a picture, channels last."""

    mean: Tensor
    std: Tensor

    def __init__(self, backbone: Backbone, steps: Sequence[nn.Module]) -> None:
        super().__init__()
        self.steps = nn.Sequential(*steps)
        self.register_buffer("mean", 255 * torch.tensor(backbone.mean, dtype=torch.float32).view(1, 3, 1, 1))
        self.register_buffer("std", 255 * torch.tensor(backbone.std, dtype=torch.float32).view(1, 3, 1, 1))

    def normalised(self, pixels: Tensor) -> Tensor:
        """`(n, S, S, 3)` uint8 or 0…255 to `(n, 3, S, S)`, as the first step takes it."""
        return (pixels.permute(0, 3, 1, 2).float() - self.mean) / self.std

    def forward(self, pixels: Tensor) -> Tensor:
        x = self.steps(self.normalised(pixels))
        return (x.permute(0, 2, 3, 1) if x.ndim == 4 else x).flatten(1).float()


class Tail(nn.Module):
    """The steps behind a cut, a level's pooling, and a linear head on the standardised features of the level.

    Batch normalisation keeps its statistics: a handful of pictures would only spoil them. timm finds the
    layers for its layer-wise learning rates through `group_matcher`.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, steps: Sequence[nn.Module], pool: nn.Module, n_features: int, n_out: int) -> None:
        super().__init__()
        self.steps = nn.Sequential(*steps)
        self.pool = pool
        self.register_buffer("mean", torch.zeros(n_features))
        self.register_buffer("scale", torch.ones(n_features))
        self.linear = nn.Linear(n_features, n_out)

    def features(self, x: Tensor) -> Tensor:
        """The activations at the cut to the level's features, `(n, d)` float32."""
        return self.pool(self.steps(x)).float()

    def forward(self, x: Tensor) -> Tensor:
        return self.linear((self.features(x) - self.mean) / self.scale)

    def train(self, mode: bool = True) -> Tail:
        super().train(mode)
        for module in self.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.eval()
        return self

    def group_matcher(self, coarse: bool = False) -> dict[str, Any]:
        return {"blocks": [(r"^steps\.(\d+)", None), (r"^pool", (99998,)), (r"^linear", (99999,))]}


class _Block(nn.Module):
    """Mean, maximum and standard deviation over a map, or over tokens without the class token."""

    def __init__(self, prefix_tokens: int) -> None:
        super().__init__()
        self.prefix_tokens = prefix_tokens

    def forward(self, x: Tensor) -> Tensor:
        if x.ndim == 3:
            x = x[:, self.prefix_tokens :].transpose(1, 2)[..., None]  # (n, C, T, 1)
        return mean_max_std(x)


class _Last(nn.Module):
    """What the network itself pools for its classifier, as `pooling.pooled` says."""

    def __init__(self, rest: nn.Module, class_prefix: int) -> None:
        super().__init__()
        self.rest: Any = rest
        self.class_prefix = class_prefix

    def forward(self, x: Tensor) -> Tensor:
        return pooled(self.rest, x, self.class_prefix)


class _Embed(nn.Module):
    """What a vision transformer does before its blocks: patches, positions, class token."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = copy.deepcopy(model)
        self.model.blocks = nn.Identity()
        self.model.norm = nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        model = self.model
        return model.norm_pre(model.patch_drop(model._pos_embed(model.patch_embed(x))))


@dataclass(frozen=True)
class Cut:
    """Where a network is cut: `shape` is that of one picture's activations, `(H, W, C)` or `(T, C)`."""

    backbone: Backbone
    level: str
    first: int
    size: int
    shape: tuple[int, ...]
    n_features: int

    def front(self) -> Front:
        return Front(self.backbone, chain(self.backbone).modules[: self.first])

    def tail(self, n_out: int) -> Tail:
        """A fresh copy with the pretrained weights; its linear head is torch's at random."""
        whole = chain(self.backbone)
        steps = [copy.deepcopy(m) for m in whole.modules[self.first : whole.ends[self.level]]]
        tail = Tail(steps, _pool(whole, self.level), self.n_features, n_out)
        return tail.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def restored(self, rows: Tensor) -> Tensor:
        """Flat rows of the front as its map `(n, C, H, W)`, or its tokens `(n, T, C)`."""
        x = rows.reshape(len(rows), *self.shape)
        return x.permute(0, 3, 1, 2) if len(self.shape) == 3 else x

    @property
    def width(self) -> int:
        """Numbers in one picture's row."""
        return int(torch.Size(self.shape).numel())


@lru_cache(maxsize=8)
def cut(backbone: Backbone, level: str, depth: int | None, size: int | None = None) -> Cut:
    """A cut with `depth` steps between it and the level; None: all of them, so that nothing is frozen.

    A step is a residual block, a transformer's layer, or what lies before and behind those. Raises CutError
    where the network is not a chain, has no such level in it, or does not take pictures of this size.
    """
    whole, size = chain(backbone), size or backbone.size
    if level not in whole.ends:
        raise CutError(
            f"the backbone {backbone.name!r} cannot be fine-tuned up to the level {level!r}; "
            f"it can up to {', '.join(whole.ends)}."
        )
    first = 0 if depth is None else max(0, whole.ends[level] - depth)
    front = Front(backbone, whole.modules[:first])
    pixels = _probe(size)
    tail = Tail(whole.modules[first : whole.ends[level]], _pool(whole, level), 1, 1).eval()
    try:
        with torch.inference_mode():
            x = front.steps(front.normalised(pixels))
            found = tail.features(x)
    except Exception as error:
        raise CutError(
            f"the backbone {backbone.name!r} does not take pictures of {size} px ({error}); "
            f"{backbone.size} px are its own."
        ) from error
    if size == backbone.size:
        _check(backbone, level, pixels, found)
    shape = tuple(x.permute(0, 2, 3, 1).shape[1:] if x.ndim == 4 else x.shape[1:])
    return Cut(backbone, level, first, size, shape, int(found.shape[1]))


@lru_cache(maxsize=2)
def chain(backbone: Backbone) -> Chain:
    """The network as a chain, on the CPU, in eval mode; to be copied before anything trains it."""
    model, parts = _taken_apart(backbone)
    rest = copy.deepcopy(model)
    for top in {top for top, _, _ in parts}:
        setattr(rest, top, nn.Identity())
    for name, _ in list(rest.named_parameters(recurse=False)):
        setattr(rest, name, None)  # a transformer's positions: they belong to the first step
    steps = _merged(parts)
    names = tuple(name for name, _ in steps)
    return Chain(
        names,
        tuple(module.eval() for _, module in steps),
        {**_block_ends(backbone, model, names), "last": len(steps)},
        rest.eval(),
        getattr(model, "num_prefix_tokens", 0),
        class_prefix(model),
    )


def rejoined(cut: Cut, weights: dict[str, np.ndarray]) -> dict[str, Tensor]:
    """The whole network's weights, with those of a trained tail in their places; without a classifier."""
    model, parts = _taken_apart(cut.backbone)
    steps = [module for _, module in _merged(parts)][cut.first :]

    def within(prefix: str) -> dict[str, Tensor]:
        return {
            k.removeprefix(prefix): torch.as_tensor(v) for k, v in weights.items() if k.startswith(prefix)
        }

    for i, step in enumerate(steps):
        if mine := within(f"steps.{i}."):
            step.load_state_dict(mine)
        if isinstance(step, _Embed):  # which holds copies of what lies before the blocks
            model.load_state_dict(step.model.state_dict(), strict=False)
    model.load_state_dict(within("pool.rest."), strict=False)
    return model.state_dict()


def _taken_apart(backbone: Backbone) -> tuple[Any, list[Part]]:
    model: Any = load_torch(backbone)
    model.reset_classifier(0)
    return model, _until_features(model, _parts(model), backbone)


Part = tuple[str, str, nn.Module]  # the network's own child, the module's name, the module


def _parts(model: Any) -> list[Part]:
    """The network's modules in their order, with containers opened."""
    children = list(model.named_children())
    parts: list[Part] = []
    if hasattr(model, "_pos_embed") and hasattr(model, "blocks"):
        parts.append(("patch_embed", "patch_embed", _Embed(model)))
        children = children[[name for name, _ in children].index("blocks") :]
    for top, child in children:
        parts += [(top, name, module) for name, module in _opened(top, child)]
    return parts


def _opened(name: str, module: nn.Module) -> list[tuple[str, nn.Module]]:
    if type(module) is not nn.Sequential:
        return [(name, module)]
    return [found for inner, child in module.named_children() for found in _opened(f"{name}.{inner}", child)]


def _until_features(model: Any, parts: list[Part], backbone: Backbone) -> list[Part]:
    """As many parts as give the network's final features; CutError where none do."""
    found: list[Part] = []
    with torch.inference_mode():
        x = (_probe(backbone.size).permute(0, 3, 1, 2).float() - 128) / 64
        wanted = model.forward_features(x)
        with contextlib.suppress(Exception):  # modules that are no chain fail in many ways
            for n, (_, _, module) in enumerate(parts, start=1):
                x = module(x)
                if x.shape == wanted.shape and torch.allclose(x, wanted, rtol=1e-3, atol=1e-4):
                    found = parts[:n]  # the longest: an untrained block may change nothing
    if found:
        return found
    raise CutError(
        f"the backbone {backbone.name!r} is not a chain of modules that handful could cut, so it is used "
        "with frozen features only. EfficientNets, MobileNets, ResNets, ConvNeXts and ViTs can be cut."
    )


def _merged(parts: list[Part]) -> list[tuple[str, nn.Module]]:
    """Steps: a part without a matrix in it (a norm, an activation, a pooling) goes with the one before."""
    steps: list[tuple[str, list[nn.Module]]] = []
    for _, name, module in parts:
        if steps and not any(p.ndim > 1 for p in module.parameters()):
            steps[-1][1].append(module)
        else:
            steps.append((name, [module]))
    return [(name, found[0] if len(found) == 1 else nn.Sequential(*found)) for name, found in steps]


def _block_ends(backbone: Backbone, model: Any, names: Sequence[str]) -> dict[str, int]:
    """For each `blockN` of the backbone's levels, the number of steps up to its end."""
    ends = {}
    infos = getattr(model, "feature_info", ())
    for level, _ in backbone.levels:
        if not level.startswith("block"):
            continue
        number = int(level.removeprefix("block"))
        efficient = type(model).__module__ == "timm.models.efficientnet"
        name = f"blocks.{number}" if efficient else infos[number]["module"]
        inside = [i for i, step in enumerate(names, start=1) if step == name or step.startswith(f"{name}.")]
        if inside:
            ends[level] = inside[-1]
    return ends


def _pool(whole: Chain, level: str) -> nn.Module:
    if level == "last":
        return _Last(copy.deepcopy(whole.rest), whole.class_prefix)
    return _Block(whole.prefix_tokens)


def _probe(size: int) -> Tensor:
    """One picture of noise, the same every time."""
    random = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (1, size, size, 3), dtype=torch.uint8, generator=random)


def _check(backbone: Backbone, level: str, pixels: Tensor, found: Tensor) -> None:
    """CutError where the chain's features are not those that the frozen backbone gives."""
    whole = Levels(load_torch(backbone), backbone.mean, backbone.std).eval()
    with torch.inference_mode():
        wanted = dict(zip(whole.names, whole(pixels), strict=True))[level]
    if found.shape != wanted.shape or not torch.allclose(found, wanted, rtol=1e-3, atol=1e-3):
        raise CutError(
            f"the backbone {backbone.name!r} computes its level {level!r} otherwise than step by step, so "
            "it is used with frozen features only."
        )
