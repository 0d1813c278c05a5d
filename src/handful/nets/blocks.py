"""What the networks for pictures are built of. Imports torch: import it where a network is made.

Three stages of one residual block each (He et al., "Deep residual learning for image recognition", 2016) on
16, 8 and 4 pixels a side. The picture is folded to 16 pixels a side first (every 2 x 2 or 4 x 4 pixels become
channels; Shi et al. 2016, the other way round), so nothing is lost and the expensive layers are cheap.
`Crown` goes the way back.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

FOLDED = 16  # pixels a side that the first stage sees
LAST = 4  # and the last one


class Block(nn.Module):
    """Two convolutions beside a way around them."""

    def __init__(self, n_in: int, n_out: int, stride: int = 1) -> None:
        super().__init__()
        self.first = nn.Conv2d(n_in, n_out, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(n_out)
        self.second = nn.Conv2d(n_out, n_out, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(n_out)
        nn.init.zeros_(self.norm2.weight)  # a block begins as the way around it (Goyal et al. 2017)
        self.around: nn.Module = nn.Identity()
        if stride != 1 or n_in != n_out:
            pool = nn.AvgPool2d(stride) if stride > 1 else nn.Identity()
            self.around = nn.Sequential(pool, nn.Conv2d(n_in, n_out, 1, bias=False), nn.BatchNorm2d(n_out))

    def forward(self, x: Tensor) -> Tensor:
        z = torch.relu(self.norm1(self.first(x)))
        return torch.relu(self.norm2(self.second(z)) + self.around(x))


class Trunk(nn.Module):
    """Pictures `(b, channels, size, size)` in 0…1 to `(b, 4 * width, 4, 4)`.

    size : a multiple of 16
    mean, std : `(channels,)` of the training part; they travel with the weights
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        channels: int,
        size: int,
        width: int,
        mean: np.ndarray | None = None,
        std: np.ndarray | None = None,
    ) -> None:
        super().__init__()
        for name, value, start in (("mean", mean, 0.0), ("std", std, 1.0)):
            given = torch.full((channels,), start) if value is None else torch.as_tensor(value).float()
            self.register_buffer(name, given.reshape(channels, 1, 1))
        self.fold = nn.PixelUnshuffle(size // FOLDED)
        self.stem = nn.Conv2d(channels * (size // FOLDED) ** 2, width, 3, 1, 1, bias=False)
        self.norm = nn.BatchNorm2d(width)
        self.stages = nn.Sequential(
            Block(width, width), Block(width, 2 * width, 2), Block(2 * width, 4 * width, 2)
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.fold((x - self.mean) / self.std)  # (b, channels * fold², 16, 16)
        x = torch.relu(self.norm(self.stem(x)))  # (b, width, 16, 16)
        return self.stages(x)  # (b, 4 * width, 4, 4)


class Crown(nn.Module):
    """The way back: `(b, 4 * width, 4, 4)` to pictures `(b, channels, size, size)` of logits."""

    def __init__(self, channels: int, size: int, width: int) -> None:
        super().__init__()
        fold = size // FOLDED
        self.stages = nn.Sequential(
            Block(4 * width, 2 * width),
            nn.Upsample(scale_factor=2),
            Block(2 * width, width),
            nn.Upsample(scale_factor=2),
            Block(width, width),
        )
        self.last = nn.Conv2d(width, channels * fold**2, 3, 1, 1)
        self.unfold = nn.PixelShuffle(fold)

    def forward(self, h: Tensor) -> Tensor:
        return self.unfold(self.last(self.stages(h)))  # (b, channels, size, size)
