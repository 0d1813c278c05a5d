"""An autoencoder for small pictures: what of a picture can be said in a few numbers, learned without labels.

The trunk of `handful.nets.blocks`, a linear layer to the code, a linear layer back, and the crown:

    (b, channels, S, S) -> (b, 4 * width, 4, 4) -> (b, latent) -> (b, 4 * width, 4, 4) -> (b, channels, S, S)

Its codes are ordered: in training each picture is to be told from the first 4, 8, 16, 32 or all of its
numbers, drawn anew in each step, so that the first numbers say what matters most (nested dropout; Rippel,
Gelbart & Adams, "Learning ordered representations with nested dropout", ICML 2014). One training serves every
size of code.

What a variant changes is the picture that goes in (`VARIANTS`); what is to come out is the picture as it was.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.neighbors import NearestNeighbors

from handful.nets.augment import augmented
from handful.nets.train import PREDICTED_AT_ONCE

if TYPE_CHECKING:
    import torch

    from handful.nets.train import Inputs, Loss

Change = Callable[["torch.Tensor", np.random.Generator], "torch.Tensor"]

SIZES = (4, 8, 16, 32, 64)  # of a code; the last is the whole one
STEPS, FEWEST_EPOCHS, MOST_EPOCHS = 16_000, 20, 100
NOISE = 0.3  # standard deviation of what is added, in the range 0…1 of pixels
HIDDEN, PATCHES = 0.5, 8  # share of the PATCHES x PATCHES squares of a picture that are hidden
# One neighbour for so many pictures, and how many at most: with few pictures the nearest is another thing.
A_NEIGHBOUR, MOST_NEIGHBOURS = 100, 10
RECONSTRUCTION = "reconstruction"


def epochs_for(n: int) -> int:
    """Passes over n pictures: about as many steps for each n, so that a fit stays affordable.

    >>> epochs_for(50), epochs_for(400), epochs_for(1050)
    (100, 40, 20)
    """
    return int(np.clip(STEPS // n, FEWEST_EPOCHS, MOST_EPOCHS))


def make_autoencoder(
    channels: int,
    latent: int = SIZES[-1],
    *,
    size: int = 32,
    width: int = 16,
    pictures: np.ndarray | None = None,
) -> torch.nn.Module:
    """The network: pictures `(b, channels, size, size)` in 0…1 to the same in rows `(b, channels * size²)`.

    size : a multiple of 16
    pictures : `(n, channels, size, size)` to learn from; it begins with their mean as its answer, and looks
        at them with their brightness and contrast taken out; both travel with the weights

    Beside `forward` it has `encode`, pictures to codes `(b, latent)`, and `decode`, the way back.
    """
    import torch
    from torch import Tensor, nn

    from handful.nets.blocks import LAST, Crown, Trunk

    back = max(2, width // 2)  # a weaker way back: the code has to do the work, and it is the dearer half
    d_in, d_out = 4 * width * LAST**2, 4 * back * LAST**2
    mean, std = (None, None) if pictures is None else brightness(pictures)
    usual = np.full((channels, size, size), 0.5) if pictures is None else pictures.mean(axis=0)
    lengths = torch.tensor([k for k in SIZES if k < latent] + [latent])

    class Autoencoder(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.trunk = Trunk(channels, size, width, mean, std)
            self.to_code = nn.Linear(d_in, latent)
            self.from_code = nn.Linear(latent, d_out)
            self.crown = Crown(channels, size, back)
            nn.init.zeros_(self.crown.last.weight)
            if self.crown.last.bias is not None:
                nn.init.zeros_(self.crown.last.bias)
            self.usual = nn.Parameter(torch.logit(torch.as_tensor(usual).float(), eps=0.02))

        def encode(self, x: Tensor) -> Tensor:
            x = x.contiguous(memory_format=torch.channels_last)  # a quarter less time on a processor
            return self.to_code(self.trunk(x).flatten(1))  # (b, latent)

        def decode(self, z: Tensor) -> Tensor:
            h = self.from_code(z).unflatten(1, (-1, LAST, LAST))  # (b, 4 * back, 4, 4)
            return torch.sigmoid(self.crown(h) + self.usual).flatten(1)  # (b, channels * size²)

        def forward(self, x: Tensor) -> Tensor:
            z = self.encode(x)
            if self.training:
                k = lengths.to(z.device)[torch.randint(len(lengths), (len(z), 1), device=z.device)]
                z = z * (torch.arange(latent, device=z.device) < k)  # the first k numbers of each
            return self.decode(z)

    made: Any = Autoencoder()
    return made.to(memory_format=torch.channels_last)


def brightness(pictures: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation `(channels,)` of pictures `(n, channels, S, S)`."""
    return pictures.mean(axis=(0, 2, 3)), np.maximum(pictures.std(axis=(0, 2, 3)), 1e-3)


def reconstruction(pictures: np.ndarray) -> Loss:
    """The loss of pictures in rows: squared error, as a share of what the mean of `pictures` misses.

    1 is no better than to answer every picture with their mean, 0 is perfect.
    """
    missed = max(float(pictures.var(axis=0).mean()), 1e-6)
    return lambda output, targets, progress: {RECONSTRUCTION: ((output - targets) ** 2).mean() / missed}


def encoded(module: torch.nn.Module, pictures: np.ndarray, device: str = "cpu") -> np.ndarray:
    """The codes `(n, latent)` of pictures `(n, channels, size, size)` in 0…1."""
    encode: Any = module.encode
    return _asked(module, encode, pictures, device)


def decoded(module: torch.nn.Module, codes: np.ndarray, device: str = "cpu") -> np.ndarray:
    """Pictures in rows `(n, channels * size²)` in 0…1, from codes `(n, latent)`."""
    decode: Any = module.decode
    return _asked(module, decode, codes, device)


def _asked(module: torch.nn.Module, ask: Callable, given: np.ndarray, device: str) -> np.ndarray:
    import torch

    module.to(device).eval()
    pieces = np.array_split(given, max(1, -(-len(given) // PREDICTED_AT_ONCE)))
    with torch.inference_mode():
        return np.concatenate([ask(torch.from_numpy(piece).to(device)).cpu().numpy() for piece in pieces])


# --- what goes in, in training


@dataclass(frozen=True)
class Variant:
    """What an autoencoder is given in the place of a picture while it learns.

    `words` are for people. `change` alters a batch `(b, channels, S, S)` in 0…1; `steps` is the longest walk
    from a picture to a neighbour, to a neighbour of that one, and so on, at whose end the picture given is.
    """

    words: str
    change: Change
    steps: int = 0


def batches(pictures: np.ndarray, variant: str, device: str = "cpu") -> Inputs:
    """Rows of `pictures` `(n, channels, S, S)` to what the network is given; see `Variant`.

    KeyError for an unknown variant.
    """
    import torch

    how, whole = VARIANTS[variant], torch.from_numpy(pictures).to(device)
    near = neighbours(pictures) if how.steps else None

    def batch(rows: np.ndarray, random: np.random.Generator | None) -> torch.Tensor:
        if random is None:
            return whole[torch.from_numpy(rows).to(device)]
        if near is not None:
            rows = _walked(rows, near, how.steps, random)
        return how.change(whole[torch.from_numpy(rows).to(device)], random)

    return batch


def neighbours(pictures: np.ndarray) -> np.ndarray | None:
    """Similar pictures of each, `(n, k)`: each is among the k nearest of the other; some are repeated.

    k is one for each `A_NEIGHBOUR` pictures; None with fewer. A picture that has none is its own neighbour.
    """
    n = len(pictures)
    k = min(n // A_NEIGHBOUR, MOST_NEIGHBOURS)
    if k < 1:
        return None
    nearest = NearestNeighbors(n_neighbors=k).fit(pictures.reshape(n, -1))
    close = nearest.kneighbors_graph().toarray() > 0  # (n, n)
    close &= close.T
    np.fill_diagonal(close, ~close.any(axis=1))
    return np.stack([np.resize(np.flatnonzero(row), k) for row in close])


def _walked(rows: np.ndarray, near: np.ndarray, steps: int, random: np.random.Generator) -> np.ndarray:
    length = random.integers(0, steps + 1, len(rows))
    for step in range(steps):
        onward = near[rows, random.integers(0, near.shape[1], len(rows))]
        rows = np.where(length > step, onward, rows)
    return rows


def _plain(batch: torch.Tensor, random: np.random.Generator) -> torch.Tensor:
    return batch


def _noisy(batch: torch.Tensor, random: np.random.Generator) -> torch.Tensor:
    """Noise of up to `NOISE` on every pixel (Vincent et al., "Extracting and composing robust features with
    denoising autoencoders", ICML 2008)."""
    import torch

    level = torch.from_numpy(random.uniform(0, NOISE, (len(batch), 1, 1, 1))).to(batch)
    grain = torch.from_numpy(random.standard_normal(tuple(batch.shape), dtype=np.float32)).to(batch)
    return batch + level * grain


def _masked(batch: torch.Tensor, random: np.random.Generator) -> torch.Tensor:
    """Squares hidden behind the mean colour (He et al., "Masked autoencoders are scalable vision learners",
    CVPR 2022)."""
    import torch

    shown = torch.from_numpy(random.random((len(batch), 1, PATCHES, PATCHES)) >= HIDDEN)
    side = batch.shape[-1] // PATCHES
    shown = shown.to(batch.device).repeat_interleave(side, 2).repeat_interleave(side, 3)  # (b, 1, S, S)
    return torch.where(shown, batch, batch.mean(dim=(0, 2, 3), keepdim=True))


def _moved(batch: torch.Tensor, random: np.random.Generator) -> torch.Tensor:
    """Moved, turned and zoomed a little: the code has to say what is there, and not where."""
    return augmented(batch, "moves", random)


# To give a picture's neighbour is the generalised autoencoder of Wang, Huang, Wang & Wang (CVPR workshops
# 2014), a walk to it the diffusion of Coifman & Lafon, "Diffusion maps" (2006).
VARIANTS: dict[str, Variant] = {
    "plain": Variant("from the picture itself", _plain),
    "denoising": Variant("from a noisy picture", _noisy),
    "masked": Variant("from a picture with parts hidden", _masked),
    "moved": Variant("from the picture moved and turned a little", _moved),
    "neighbours": Variant("from a similar picture, moved and turned a little", _moved, steps=6),
}
