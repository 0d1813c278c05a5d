from __future__ import annotations

import base64
import io

import numpy as np
from PIL import Image

from handful.report.pictures import is_small, thumbnail


def opened(uri: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2])))


def test_a_large_picture_is_reduced_and_keeps_its_shape() -> None:
    uri = thumbnail(np.zeros((400, 200, 3), np.uint8), 100)
    assert uri is not None and opened(uri).size == (50, 100)


def test_a_tiny_drawing_is_kept_exactly() -> None:
    pixels = np.zeros((28, 28, 3), np.uint8)
    pixels[7:21, 7:21] = [200, 30, 60]
    uri = thumbnail(pixels)
    assert uri is not None and uri.startswith("data:image/png")
    assert np.array_equal(np.asarray(opened(uri)), pixels)
    assert is_small(pixels)


def test_a_noisy_photograph_becomes_a_jpeg() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (112, 112, 3), dtype=np.uint8)
    uri = thumbnail(noise)
    assert uri is not None and uri.startswith("data:image/jpeg") and len(uri) < 16_000


def test_grey_pictures_and_none_are_taken() -> None:
    uri = thumbnail(np.full((10, 10), 7, np.uint8))
    assert uri is not None and opened(uri).getpixel((0, 0)) == (7, 7, 7)
    assert thumbnail(None) is None
