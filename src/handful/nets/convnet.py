"""A small residual network for small pictures, sized to the number of examples.

The trunk of `handful.nets.blocks`, the mean over its 4 x 4 places, and a linear layer.

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
    from torch import Tensor, nn
    from torch.nn import functional

    from handful.nets.blocks import Trunk

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.trunk = Trunk(channels, size, width, mean, std)
            self.head = nn.Linear(4 * width, d_out)

        def forward(self, x: Tensor) -> Tensor:
            x = self.trunk(x).mean(dim=(2, 3))  # (b, 4 * width)
            return self.head(functional.dropout(x, dropout, self.training))

    return Network()
