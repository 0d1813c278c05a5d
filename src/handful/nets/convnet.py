"""A small residual network for small pictures, sized to the number of examples.

Three stages of one residual block each (He et al., "Deep residual learning for image recognition", 2016) on
16, 8 and 4 pixels a side. The picture is folded to 16 pixels a side first (every 2 x 2 or 4 x 4 pixels become
channels; Shi et al. 2016, the other way round), so nothing is lost and the expensive layers are cheap.

The width goes with the number of training examples `n` (see `width_for`); parameters are for three channels
and ten classes:

    n              width   parameters   a quarter as wide
    up to 150      16      79,338       5,538
    up to 600      24      176,218      11,878
    more           32      311,242      20,602

Trained for `epochs_for(n)` passes at most: 50 for 240 pictures and fewer, 30 for 400, 12 from 1,000 on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch

FOLDED = 16  # pixels a side that the first stage sees
WIDTHS = ((150, 16), (600, 24))
WIDEST = 32


def width_for(n: int, scale: float = 1.0) -> int:
    """Channels of the first stage for n training examples, times `scale`.

    >>> width_for(100), width_for(500), width_for(500, scale=0.25)
    (16, 24, 6)
    """
    return max(2, round(scale * next((width for most, width in WIDTHS if n <= most), WIDEST)))


def epochs_for(n: int) -> int:
    """Passes over n training pictures: about as many steps for each n, so that a fit stays affordable.

    >>> epochs_for(100), epochs_for(400), epochs_for(1400)
    (50, 30, 12)
    """
    return int(np.clip(12_000 // n, 12, 50))


def make_convnet(
    channels: int,
    d_out: int,
    *,
    size: int = 32,
    width: int = 12,
    dropout: float = 0.2,
    mean: np.ndarray | None = None,
    std: np.ndarray | None = None,
) -> torch.nn.Module:
    """The network: pictures `(b, channels, size, size)` in 0…1 to `(b, d_out)`.

    size : a multiple of 16
    mean, std : `(channels,)` of the training part; they travel with the weights
    """
    import torch
    from torch import Tensor, nn
    from torch.nn import functional

    class Block(nn.Module):
        """Two convolutions beside a way around them."""

        def __init__(self, n_in: int, n_out: int, stride: int) -> None:
            super().__init__()
            self.first = nn.Conv2d(n_in, n_out, 3, stride, 1, bias=False)
            self.norm1 = nn.BatchNorm2d(n_out)
            self.second = nn.Conv2d(n_out, n_out, 3, 1, 1, bias=False)
            self.norm2 = nn.BatchNorm2d(n_out)
            nn.init.zeros_(self.norm2.weight)  # a block begins as the way around it (Goyal et al. 2017)
            self.around: nn.Module = nn.Identity()
            if stride != 1 or n_in != n_out:
                pool = nn.AvgPool2d(stride) if stride > 1 else nn.Identity()
                self.around = nn.Sequential(
                    pool, nn.Conv2d(n_in, n_out, 1, bias=False), nn.BatchNorm2d(n_out)
                )

        def forward(self, x: Tensor) -> Tensor:
            z = torch.relu(self.norm1(self.first(x)))
            return torch.relu(self.norm2(self.second(z)) + self.around(x))

    class Network(nn.Module):
        mean: Tensor
        std: Tensor

        def __init__(self) -> None:
            super().__init__()
            for name, value, start in (("mean", mean, 0.0), ("std", std, 1.0)):
                given = torch.full((channels,), start) if value is None else torch.as_tensor(value).float()
                self.register_buffer(name, given.reshape(channels, 1, 1))
            self.fold = nn.PixelUnshuffle(size // FOLDED)
            self.stem = nn.Conv2d(channels * (size // FOLDED) ** 2, width, 3, 1, 1, bias=False)
            self.norm = nn.BatchNorm2d(width)
            self.stages = nn.Sequential(
                Block(width, width, 1), Block(width, 2 * width, 2), Block(2 * width, 4 * width, 2)
            )
            self.head = nn.Linear(4 * width, d_out)

        def forward(self, x: Tensor) -> Tensor:
            x = self.fold((x - self.mean) / self.std)  # (b, channels * fold², 16, 16)
            x = torch.relu(self.norm(self.stem(x)))  # (b, width, 16, 16)
            x = self.stages(x).mean(dim=(2, 3))  # (b, 4 * width)
            return self.head(functional.dropout(x, dropout, self.training))

    return Network()
