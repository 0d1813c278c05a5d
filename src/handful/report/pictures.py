"""Small pictures inside the page: arrays become data URIs."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np

# Below this side a picture is shown with hard pixels: smoothing would invent detail that the model never saw.
SMALL = 64


def thumbnail(pixels: Any, side: int = 112) -> str | None:
    """A picture `(H, W, 3)` or `(H, W)` uint8 as a data URI of at most `side` pixels; None for no picture.

    PNG or JPEG, whichever is the smaller: drawings and tiny pictures compress best without loss.
    """
    if pixels is None:
        return None
    from PIL import Image

    image = Image.fromarray(np.ascontiguousarray(pixels, dtype=np.uint8)).convert("RGB")
    if max(image.size) > side:
        image.thumbnail((side, side), Image.Resampling.LANCZOS)
    png, jpeg = io.BytesIO(), io.BytesIO()
    image.save(png, "PNG", optimize=True)
    image.save(jpeg, "JPEG", quality=82, optimize=True)
    kind, data = min(("png", png.getvalue()), ("jpeg", jpeg.getvalue()), key=lambda pair: len(pair[1]))
    return f"data:image/{kind};base64,{base64.b64encode(data).decode('ascii')}"


def is_small(pixels: Any) -> bool:
    """Whether a picture has so few pixels that they should be shown as they are."""
    return pixels is not None and max(np.shape(pixels)[:2]) < SMALL
