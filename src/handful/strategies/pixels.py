"""Images as matrices without a pretrained network: hand-made descriptors, and the pixels themselves."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from handful.backbones.cache import missing, through
from handful.data.dataset import Images
from handful.data.views import PLAIN, view
from handful.strategies.chain import Stateless

DESCRIPTOR_VERSION = "descriptor-1"  # part of the cache's key: change it whenever the numbers change


class PerImage(Stateless, ABC):
    """A pure function of one image, computed once and cached: `_level` names it, `_describe` is it.

    `view` is the fixed view of the image that is described, one of `handful.data.views.VIEWS`.
    """

    view: str = PLAIN

    def transform(self, X: Any) -> np.ndarray:
        """`Images` or `(n, S, S, 3)` uint8 to `(n, d)` float32."""
        images = X if isinstance(X, Images) else Images.from_array(np.asarray(X))
        level = self._key(images)
        return through(DESCRIPTOR_VERSION, images, [level], lambda some: {level: self._compute(some)})[level]

    def missing(self, images: Images) -> np.ndarray:
        """Positions of the images that `transform` would have to compute."""
        return missing(DESCRIPTOR_VERSION, images, [self._key(images)])

    def _key(self, images: Images) -> str:
        """With the size that the pictures were loaded at, which goes by all of them: digests do not tell."""
        key = f"{self._level()} at {images.size}"
        return key if self.view == PLAIN else f"{key} {self.view}"

    @abstractmethod
    def _level(self) -> str:
        """The part of the cache's key that says what is computed, arguments included."""

    def _compute(self, images: Images) -> np.ndarray:
        seen = (view(images[i], self.view) for i in range(len(images)))
        return np.stack([self._describe(pixels) for pixels in seen]).astype(np.float32)

    @abstractmethod
    def _describe(self, pixels: np.ndarray) -> np.ndarray:
        """One picture `(S, S, 3)` uint8 to `(d,)`."""


class Descriptor(PerImage):
    """Shape, colour and texture of an image: what was used before networks, and still often wins.

    Histograms of oriented gradients of the grey picture at `size` pixels (Dalal & Triggs 2005), a joint
    histogram of hue, saturation and value, and uniform local binary patterns (Ojala et al. 2002).
    """

    def __init__(self, size: int = 64, view: str = PLAIN) -> None:
        self.size = size
        self.view = view

    def _level(self) -> str:
        return f"hog{self.size}"

    def _describe(self, pixels: np.ndarray) -> np.ndarray:
        from skimage.feature import hog, local_binary_pattern

        small = resized(pixels, self.size)
        grey = _grey(small)
        shape = hog(grey, orientations=9, pixels_per_cell=(8, 8), cells_per_block=(2, 2), feature_vector=True)
        patterns = local_binary_pattern((grey * 255).astype(np.uint8), P=8, R=1, method="uniform")
        texture = [
            np.bincount(quarter.astype(int).ravel(), minlength=10) / quarter.size
            for half in np.array_split(patterns, 2, axis=0)
            for quarter in np.array_split(half, 2, axis=1)
        ]
        return np.concatenate([shape, np.sqrt(_colours(small)), np.sqrt(np.concatenate(texture))])


class Pixels(PerImage):
    """The picture itself, shrunk: `size` x `size`, three channels, in 0…1."""

    def __init__(self, size: int = 32, view: str = PLAIN) -> None:
        self.size = size
        self.view = view

    def _level(self) -> str:
        return f"pixels{self.size}"

    def _describe(self, pixels: np.ndarray) -> np.ndarray:
        return resized(pixels, self.size).ravel() / 255.0


def resized(pixels: np.ndarray, size: int) -> np.ndarray:
    from PIL import Image

    if pixels.shape[0] == size:
        return pixels
    how = Image.Resampling.BOX if pixels.shape[0] > size else Image.Resampling.BICUBIC
    return np.asarray(Image.fromarray(pixels).resize((size, size), how))


def _grey(pixels: np.ndarray) -> np.ndarray:
    return pixels @ np.array([0.299, 0.587, 0.114]) / 255.0


def _colours(pixels: np.ndarray) -> np.ndarray:
    """Shares of the picture in 6 x 3 x 3 bins of hue, saturation and value."""
    from PIL import Image

    hsv = np.asarray(Image.fromarray(pixels).convert("HSV")).reshape(-1, 3).astype(int)
    bins = (hsv[:, 0] * 6 // 256) * 9 + (hsv[:, 1] * 3 // 256) * 3 + hsv[:, 2] * 3 // 256
    return np.bincount(bins, minlength=54) / len(bins)
