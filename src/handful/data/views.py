"""Fixed views: a picture mirrored, turned, moved or seen from nearer, under a name.

A view is a pure function of one picture, so its features can be computed once and cached beside those of the
picture itself. What the picture does not show (beyond its border) is the border carried on. Lengths are
shares of the side, so a view is the same at every resolution.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image

PLAIN = "plain"
View = Callable[[np.ndarray], np.ndarray]


def view(pixels: np.ndarray, name: str = PLAIN) -> np.ndarray:
    """One picture `(S, S, 3)` uint8 as the view called `name` shows it, the same shape; KeyError if unknown.

    >>> view(np.arange(12, dtype=np.uint8).reshape(2, 2, 3), "flip")[0, :, 0].tolist()
    [3, 0]
    """
    return np.ascontiguousarray(VIEWS[name](pixels))


def turned(
    pixels: np.ndarray, degrees: float = 0.0, zoom: float = 1.0, x: float = 0.0, y: float = 0.0
) -> np.ndarray:
    """The content turned counter-clockwise, enlarged about the middle, then moved right and down.

    `x` and `y` are shares of the side; negative ones move left and up.
    """
    size = pixels.shape[0]
    # As far as a corner reaches when it is turned.
    pad = 1 + int(np.ceil(size * (0.75 / min(zoom, 1.0) - 0.5 + max(abs(x), abs(y)))))
    padded = np.pad(pixels, ((pad, pad), (pad, pad), (0, 0)), mode="edge")
    angle = np.deg2rad(degrees)
    cos, sin = np.cos(angle) / zoom, np.sin(angle) / zoom
    middle, centre = size / 2, size / 2 + pad
    # Pillow asks where each pixel of the result comes from: moved back, turned back, shrunk.
    u, v = middle + x * size, middle + y * size
    matrix = (cos, -sin, centre - cos * u + sin * v, sin, cos, centre - sin * u - cos * v)
    picture = Image.fromarray(padded)
    return np.asarray(
        picture.transform((size, size), Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR)
    )


def _moved(x: float, y: float) -> View:
    return lambda pixels: turned(pixels, x=x, y=y)


def _turned(degrees: float) -> View:
    return lambda pixels: turned(pixels, degrees)


def _crop(x: float, y: float, zoom: float = 8 / 7) -> View:
    """Seven eighths of the side, from a corner, enlarged to the whole; x and y are -1, 0 or 1."""
    free = (zoom - 1) / 2
    return lambda pixels: turned(pixels, zoom=zoom, x=-x * free, y=-y * free)


VIEWS: dict[str, View] = {
    PLAIN: lambda pixels: pixels,
    "flip": lambda pixels: pixels[:, ::-1],
    "upside down": lambda pixels: pixels[::-1],
    "rotate 90": lambda pixels: np.rot90(pixels),
    "rotate 180": lambda pixels: np.rot90(pixels, 2),
    "rotate 270": lambda pixels: np.rot90(pixels, 3),
    "transpose": lambda pixels: pixels.transpose(1, 0, 2),
    "transverse": lambda pixels: np.rot90(pixels, 2).transpose(1, 0, 2),
    "left": _moved(-1 / 16, 0),
    "right": _moved(1 / 16, 0),
    "up": _moved(0, -1 / 16),
    "down": _moved(0, 1 / 16),
    "rotate +10": _turned(10),
    "rotate -10": _turned(-10),
    "nearer": _crop(0, 0),
    "farther": lambda pixels: turned(pixels, zoom=7 / 8),
    "upper left": _crop(-1, -1),
    "upper right": _crop(1, -1),
    "lower left": _crop(-1, 1),
    "lower right": _crop(1, 1),
}
