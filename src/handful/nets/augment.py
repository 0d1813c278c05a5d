"""Policies of image augmentation: what they do, when they are safe, and how they change pictures.

A policy changes a batch of pictures at random, each picture in its own way, for networks; and it has fixed
views (`handful.data.views`), for models that cannot learn from a new picture at every step. No policy is
taken on trust: the folds decide. What is said here of when it is safe is a guide for reading what they found.
All randomness comes from a NumPy generator, and numbers are drawn on the CPU: the same on every device.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from handful.data.views import VIEWS, view

if TYPE_CHECKING:
    import torch

Change = Callable[["torch.Tensor", np.random.Generator], "torch.Tensor"]
Mix = Callable[["torch.Tensor", "torch.Tensor", np.random.Generator], "tuple[torch.Tensor, torch.Tensor]"]


@dataclass(frozen=True)
class Policy:
    """A way to make more pictures of those one has.

    `label` and `words` are for people; `safe` and `unsafe` say for what data. `change` alters a batch
    `(b, 3, S, S)` in 0…1, `mix` a batch with its targets `(b, K)`; `views` are its fixed views.
    """

    label: str
    words: str
    safe: str
    unsafe: str
    change: Change | None = None
    mix: Mix | None = None
    views: tuple[str, ...] = ()


def augmented(batch: torch.Tensor, policy: str, random: np.random.Generator) -> torch.Tensor:
    """The batch `(b, 3, S, S)` float in 0…1, each picture changed in its own way; the input is not touched.

    Policies that mix targets (`mixed`) leave it as it is. KeyError for an unknown policy.
    """
    change = POLICIES[policy].change
    return batch if change is None else change(batch, random)


def mixed(
    batch: torch.Tensor, targets: torch.Tensor, policy: str, random: np.random.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """The batch and its targets `(b, K)` (or values) mixed pair by pair; as they are under other policies."""
    mix = POLICIES[policy].mix
    return (batch, targets) if mix is None else mix(batch, targets, random)


def copies(picture: np.ndarray, policy: str, seeds: list[int]) -> list[np.ndarray]:
    """A changed copy of one picture `(S, S, 3)` uint8 for each seed; the same for the same seed."""
    import torch

    start = torch.from_numpy(np.array(picture)).permute(2, 0, 1)[None].float() / 255  # (1, 3, S, S)
    made = [augmented(start, policy, np.random.default_rng(seed)) for seed in seeds]
    return [_bytes(one[0]) for one in made]


def examples(
    picture: np.ndarray, technique: str, n: int = 4, seed: int = 0, other: np.ndarray | None = None
) -> list[tuple[str, np.ndarray]]:
    """Up to n (caption, picture `(S, S, 3)` uint8) that show what a technique does to a picture.

    `technique` is a policy, its label, a candidate's technique ("augmentation: flips") or a fixed view.
    Policies with fixed views show those; mixing needs `other`, a second picture of the same shape. Empty
    where there is nothing to show, such as for augmentation of tables.
    """
    import torch

    name = technique.removeprefix("augmentation: ")
    if name in VIEWS:
        return [(name, view(picture, name))][:n]
    policy = POLICIES.get(name) or next((p for p in POLICIES.values() if p.label == name), None)
    if policy is None:
        return []
    if policy.views:
        some = np.unique(np.linspace(0, len(policy.views) - 1, n).round().astype(int))  # of every kind
        return [(policy.views[i], view(picture, policy.views[i])) for i in some]
    if policy.mix is not None:
        if other is None or other.shape != picture.shape:
            return []
        pair = torch.from_numpy(np.stack([picture, other])).permute(0, 3, 1, 2).float() / 255
        drawn = [policy.mix(pair, torch.eye(2), np.random.default_rng([seed, i])) for i in range(n)]
        return [(f"{100 * float(t[0, 0]):.0f} % of it", _bytes(b[0])) for b, t in drawn]
    key = next(k for k, p in POLICIES.items() if p is policy)
    seeds = [seed + i for i in range(n if policy.change else 0)]
    return [(f"copy {i + 1}", one) for i, one in enumerate(copies(picture, key, seeds))]


def _bytes(picture: torch.Tensor) -> np.ndarray:
    """One `(3, S, S)` in 0…1 as `(S, S, 3)` uint8."""
    return (picture.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).cpu().numpy()


# --- where things are: one resampling, each picture with its own matrix


def _placed(
    batch: torch.Tensor,
    degrees: np.ndarray | float = 0.0,
    zoom: np.ndarray | float = 1.0,
    x: np.ndarray | float = 0.0,
    y: np.ndarray | float = 0.0,
    mirrored: np.ndarray | bool = False,
) -> torch.Tensor:
    """Turned, enlarged and mirrored about the middle, then moved by shares of the side; border carried on."""
    import torch
    from torch.nn.functional import affine_grid, grid_sample

    b = len(batch)
    angle = np.deg2rad(np.broadcast_to(degrees, b).astype(float))
    scale = 1 / np.broadcast_to(zoom, b).astype(float)
    side = np.where(np.broadcast_to(mirrored, b), -1.0, 1.0)
    across, down = (2 * np.broadcast_to(shift, b).astype(float) for shift in (x, y))
    cos, sin = np.cos(angle) * scale, np.sin(angle) * scale
    # From a place in the result back to the place in the picture: moved back, then turned back.
    rows = np.array([[side * cos, -side * sin], [sin, cos]])  # (2, 2, b)
    offset = -np.einsum("ijb,jb->ib", rows, np.array([across, down]))
    matrix = np.concatenate([rows, offset[:, None]], axis=1).transpose(2, 0, 1)  # (b, 2, 3)
    theta = torch.from_numpy(np.ascontiguousarray(matrix)).to(batch)
    grid = affine_grid(theta, list(batch.shape), align_corners=False)
    return grid_sample(batch, grid, padding_mode="border", align_corners=False)


def _shifts(batch: torch.Tensor, random: np.random.Generator) -> torch.Tensor:
    x, y = random.uniform(-1 / 10, 1 / 10, (2, len(batch)))
    return _placed(batch, x=x, y=y)


def _flips(batch: torch.Tensor, random: np.random.Generator) -> torch.Tensor:
    return _placed(batch, mirrored=random.random(len(batch)) < 0.5)


def _moves(batch: torch.Tensor, random: np.random.Generator) -> torch.Tensor:
    degrees, zoom = random.uniform(-12, 12, len(batch)), np.exp(random.uniform(-0.15, 0.15, len(batch)))
    x, y = random.uniform(-1 / 12, 1 / 12, (2, len(batch)))
    return _placed(batch, degrees, zoom, x, y)


def _light(batch: torch.Tensor, random: np.random.Generator) -> torch.Tensor:
    zoom = random.uniform(1, 1.3, len(batch))
    x, y = random.uniform(-1, 1, (2, len(batch))) * (zoom - 1) / 2  # never beyond the border
    return _placed(batch, 0.0, zoom, x, y, random.random(len(batch)) < 0.5)


def _geometric(batch: torch.Tensor, random: np.random.Generator) -> torch.Tensor:
    degrees, zoom = random.uniform(0, 360, len(batch)), random.uniform(1, 1.2, len(batch))
    return _placed(batch, degrees, zoom, mirrored=random.random(len(batch)) < 0.5)


# --- how things look


def _photometric(batch: torch.Tensor, random: np.random.Generator) -> torch.Tensor:
    """Brightness, contrast, saturation and tint."""
    import torch

    def each(low: float, high: float, channels: int = 1) -> torch.Tensor:
        return torch.from_numpy(random.uniform(low, high, (len(batch), channels, 1, 1))).to(batch)

    out = batch * each(0.75, 1.25)
    middle = out.mean(dim=(1, 2, 3), keepdim=True)
    out = middle + (out - middle) * each(0.75, 1.25)
    grey = out.mean(dim=1, keepdim=True)
    out = grey + (out - grey) * each(0.6, 1.4)
    return (out * each(0.95, 1.05, 3)).clamp(0, 1)


def _noise(batch: torch.Tensor, random: np.random.Generator) -> torch.Tensor:
    """Blurred a little, or not, and a little noise on it."""
    import torch
    from torch.nn.functional import conv2d, pad

    size = batch.shape[-1]
    reach = max(1, round(size / 32))
    taps = torch.exp(-0.5 * (torch.arange(-2 * reach, 2 * reach + 1) / reach) ** 2).to(batch)
    taps = (taps / taps.sum()).expand(batch.shape[1], 1, -1)
    wide = pad(batch, [min(2 * reach, size - 1)] * 4, mode="replicate")
    soft = conv2d(conv2d(wide, taps[:, :, None], groups=len(taps)), taps[..., None], groups=len(taps))
    share = torch.from_numpy(random.uniform(0, 1, (len(batch), 1, 1, 1))).to(batch)
    level = torch.from_numpy(random.uniform(0, 0.08, (len(batch), 1, 1, 1))).to(batch)
    grain = torch.from_numpy(random.standard_normal(tuple(batch.shape))).to(batch)
    return (batch + share * (soft - batch) + level * grain).clamp(0, 1)


def _trivial(batch: torch.Tensor, random: np.random.Generator) -> torch.Tensor:
    """TrivialAugment: one change of a list, of any strength (Müller & Hutter, ICCV 2021)."""
    import torch

    from handful.backbones.torchvision_guard import ensure_torchvision

    ensure_torchvision()
    from torchvision.transforms import v2

    change = v2.TrivialAugmentWide()
    whole = (batch * 255).round().to(torch.uint8)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(random.integers(2**31)))
        out = torch.stack([change(picture) for picture in whole])
    return out.to(batch) / 255


def _erasing(batch: torch.Tensor, random: np.random.Generator) -> torch.Tensor:
    """A rectangle of 2 to 25 % of the picture in its mean colour (Zhong et al., AAAI 2020)."""
    out, size = batch.clone(), batch.shape[-1]
    for i in range(len(batch)):
        area, shape = random.uniform(0.02, 0.25), np.exp(random.uniform(-0.7, 0.7))
        h, w = (int(np.clip(round(size * np.sqrt(area * f)), 1, size)) for f in (shape, 1 / shape))
        top, left = random.integers(0, size - h + 1), random.integers(0, size - w + 1)
        out[i, :, top : top + h, left : left + w] = batch[i].mean(dim=(1, 2))[:, None, None]
    return out


# --- two pictures in one


def _mixup(
    batch: torch.Tensor, targets: torch.Tensor, random: np.random.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """Zhang et al., "mixup: beyond empirical risk minimization", ICLR 2018, alpha = 0.2."""
    share = random.beta(0.2, 0.2)
    order = np.roll(np.arange(len(batch)), random.integers(1, max(2, len(batch))))
    return share * batch + (1 - share) * batch[order], share * targets + (1 - share) * targets[order]


def _cutmix(
    batch: torch.Tensor, targets: torch.Tensor, random: np.random.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """A rectangle of another picture, targets in proportion to its area (Yun et al., ICCV 2019)."""
    size = batch.shape[-1]
    order = np.roll(np.arange(len(batch)), random.integers(1, max(2, len(batch))))
    side = round(size * np.sqrt(random.uniform(0, 1)))
    top, left = random.integers(0, size - side + 1, 2)
    out = batch.clone()
    where = (..., slice(top, top + side), slice(left, left + side))
    out[where] = batch[order][where]
    share = 1 - side * side / (size * size)
    return out, share * targets + (1 - share) * targets[order]


# --- the table

_SHIFTS = ("left", "right", "up", "down")
_MOVES = (*_SHIFTS, "rotate +10", "rotate -10", "nearer", "farther")
_CROPS = ("flip", "nearer", "upper left", "upper right", "lower left", "lower right")
_ORIENTATIONS = ("flip", "rotate 180", "upside down", "rotate 90", "rotate 270", "transpose", "transverse")

POLICIES: dict[str, Policy] = {
    "none": Policy("none", "The pictures as they are.", "always", "never"),
    "shifts": Policy(
        "shifts",
        "Moved a little to every side.",
        "wherever a little to the left is still the same thing: nearly everywhere",
        "where the place in the frame is what counts",
        _shifts,
        views=_SHIFTS,
    ),
    "moves": Policy(
        "shifts, turns and zoom",
        "Moved a little, turned by up to about ten degrees, seen from a little nearer or farther.",
        "digits, letters, things photographed by hand",
        "measured pictures in which size or a small angle is what counts",
        _moves,
        views=_MOVES,
    ),
    "flips": Policy(
        "flips",
        "Mirrored left to right.",
        "animals, clothes, scenes, cells: what is the same thing in a mirror",
        "letters and digits, left and right organs, screws, anything with a handedness",
        _flips,
        views=("flip",),
    ),
    "light": Policy(
        "flips and crops",
        "Mirrored left to right, and cut out a little closer: the usual choice for photographs.",
        "photographs of things",
        "letters and digits, and where what counts may lie at the border",
        _light,
        views=_CROPS,
    ),
    "geometric": Policy(
        "any orientation",
        "Turned to any side and mirrored.",
        "seen from above or through a microscope: cells, leaves, solar cells, satellite pictures",
        "whatever has an up and a down: 6 and 9, text, faces, scenes",
        _geometric,
        views=_ORIENTATIONS,
    ),
    "photometric": Policy(
        "light and colour",
        "Brighter or darker, more or less contrast and colour, a slight tint.",
        "photographs under changing light",
        "where colour is the evidence: stains, ripeness, rashes, colour charts",
        _photometric,
    ),
    "noise": Policy(
        "noise and blur",
        "A little out of focus, and a little grain.",
        "pictures of different cameras, or of changing sharpness",
        "where fine texture is the evidence: cracks, weaves, pores",
        _noise,
    ),
    "trivial": Policy(
        "TrivialAugment",
        "One change a picture out of fourteen (turned, sheared, moved, colours, contrast), of any strength.",
        "photographs, with a network that is trained for long",
        "small networks and few epochs; where orientation or colour is the evidence",
        _trivial,
    ),
    "mixup": Policy(
        "mixup",
        "Two pictures laid over each other, and their labels mixed in the same share.",
        "networks that become too sure of themselves on few examples",
        "small details in few pixels, which fade",
        mix=_mixup,
    ),
    "cutmix": Policy(
        "CutMix",
        "A rectangle of another picture laid into it, and labels mixed by area.",
        "textures and scenes, of which any part tells the class",
        "where one small part tells the class and may be covered",
        mix=_cutmix,
    ),
    "erasing": Policy(
        "random erasing",
        "A rectangle of it covered.",
        "things that may be partly hidden",
        "where one small part tells the class and may be covered",
        _erasing,
    ),
}
