"""How well near-duplicate images are found: `near_duplicates.py FOLDER ...` (a folder per class each).

Copies of pictures drawn at random are changed as people change pictures, and the share that is found
(recall) is printed beside the pairs found among the pictures as they are (natural pairs; some of them are
true near-duplicates, so this is more than the false ones).

MEASURED with a cosine of at least 0.75 + b / 40 for b <= 6 differing bits, 100 copies a change, backbone
lite0:

                     elpv_solar_defect   fashion_mnist    tuxpaint_stamps
                     1,400 at 160 px     2,000 at 28 px   294 at 160 px
JPEG quality 60      0.91                0.85             0.98
3/4 size and back    1.00                0.82             1.00
10 % darker          1.00                1.00             1.00
10 % lighter         1.00                1.00             1.00
3 % cropped          0.89                0.12             0.98
1 pixel shifted      0.96                0.32             0.94
natural pairs        276 (2.8e-4)        47 (2.4e-5)      0

Of a picture of 28 pixels, a shift by one is a large change. The natural pairs of the solar cells looked at
were neighbours on one module, some with the same grain of the wafer: worth keeping together.
"""

from __future__ import annotations

import argparse
import io
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance

from handful.audit.near import COSINE_PER_BIT, LEAST_COSINE, MOST_BITS, close_hashes, perceptual_hashes
from handful.backbones import embed
from handful.data.dataset import Images
from handful.data.images import array_to_images
from handful.data.load import load
from handful.settings import Settings

SEED = 0


def _jpeg(picture: Image.Image) -> Image.Image:
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=60)
    return Image.open(file).convert("RGB")


def _resized(picture: Image.Image) -> Image.Image:
    small = picture.resize((picture.width * 3 // 4, picture.height * 3 // 4), Image.Resampling.LANCZOS)
    return small.resize(picture.size, Image.Resampling.BICUBIC)


def _cropped(picture: Image.Image) -> Image.Image:
    """Without 3 % of each side, back at the old size."""
    edge = max(1, round(0.015 * picture.width))
    inner = picture.crop((edge, edge, picture.width - edge, picture.height - edge))
    return inner.resize(picture.size, Image.Resampling.BICUBIC)


def _shifted(picture: Image.Image) -> Image.Image:
    pixels = np.asarray(picture)
    return Image.fromarray(np.pad(pixels, ((0, 0), (1, 0), (0, 0)), mode="edge")[:, :-1])


CHANGES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "JPEG quality 60": _jpeg,
    "3/4 size and back": _resized,
    "10 % darker": lambda picture: ImageEnhance.Brightness(picture).enhance(0.9),
    "10 % lighter": lambda picture: ImageEnhance.Brightness(picture).enhance(1.1),
    "3 % cropped": _cropped,
    "1 pixel shifted": _shifted,
}


def confirmed(bits: np.ndarray, cosine: np.ndarray) -> np.ndarray:
    return (bits <= MOST_BITS) & (cosine >= LEAST_COSINE + COSINE_PER_BIT * bits)


def unit(embeddings: np.ndarray) -> np.ndarray:
    return embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)


def recall(images: Images, paths: list[str], change: Callable[[Image.Image], Image.Image]) -> float:
    """Share of changed copies of these files (changed at their own size) that are found."""
    changed = []
    for path in paths:
        with Image.open(path) as picture:
            changed.append(np.asarray(change(picture.convert("RGB"))))
    copies = array_to_images(np.stack(changed), images.size)
    bits = np.bitwise_count(perceptual_hashes(images) ^ perceptual_hashes(copies))
    cosine = (unit(embed(images)) * unit(embed(copies))).sum(axis=1)
    return float(confirmed(bits, cosine).mean())


def natural(images: Images) -> tuple[int, float]:
    """Pairs found among the pictures as they are, exact copies aside, and the seconds for the hashes."""
    start = time.perf_counter()
    pairs, bits = close_hashes(perceptual_hashes(images), MOST_BITS)
    seconds = time.perf_counter() - start
    different = images.digests[pairs[:, 0]] != images.digests[pairs[:, 1]]
    pairs, bits = pairs[different], bits[different]
    if len(pairs) == 0:
        return 0, seconds
    paired, where = np.unique(pairs, return_inverse=True)
    embeddings = unit(embed(images[paired]))[where.reshape(pairs.shape)]
    return int(confirmed(bits, (embeddings[:, 0] * embeddings[:, 1]).sum(axis=1)).sum()), seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--copies", type=int, default=100)
    arguments = parser.parse_args()
    for folder in arguments.folders:
        images = load(str(folder), Settings()).X
        n = len(images)
        chosen = np.sort(np.random.default_rng(SEED).choice(n, min(arguments.copies, n), replace=False))
        paths = [path for path in images[chosen].paths if path is not None]
        found, seconds = natural(images)
        print(f"{folder.name}: {n} images at {images.size} px, {seconds:.1f} s for the hashes")
        print(f"  natural pairs: {found} of {n * (n - 1) // 2} ({found / (n * (n - 1) / 2):.1e})")
        for name, change in CHANGES.items():
            print(f"  {name}: recall {recall(images[chosen], paths, change):.2f}")


if __name__ == "__main__":
    main()
