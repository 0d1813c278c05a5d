"""Image files to pixels: decoded once, in parallel, into one array.

Every picture becomes `(S, S, 3)` uint8: the EXIF orientation is applied, transparency lies on white, and
the whole picture is squashed to a square, so that nothing at its border is lost.
"""

from __future__ import annotations

import io
import math
import os
import stat
import warnings
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image, UnidentifiedImageError

from handful.data.dataset import Images, pixel_digest
from handful.data.names import printable
from handful.errors import DataError, RunError
from handful.workers import usable_cores

SIZE_LIMITS = (32, 224)
# A JPEG is decoded at 1/2, 1/4 or 1/8 of its scale as long as both sides keep this many pixels: twice the
# largest S, so that the resize still averages. It must not depend on S, or the digest would.
DRAFT_SIDE = 448
# Under 1 GB while it is decoded. Pillow itself only stops at 179 million.
MAX_PIXELS = 64_000_000
# Pictures over this are decoded one at a time, or sixteen threads would hold many GB.
_LARGE_PIXELS = 16_000_000
_one_at_a_time = Lock()

META_COLUMNS = [
    "bytes",
    "format",
    "mode",
    "width",
    "height",
    "name",
    "order",
    "exif",
    "camera",
]

_TURN = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_ORIENTATION = 0x0112
_CAMERA = (0x010F, 0x0110, 0x0131)  # maker, model, software
_SIXTEEN_TO_EIGHT = np.round(np.arange(65536) / 257).astype(np.uint8)

Progress = Callable[[int, int], None]


class _Unreadable(Exception):
    """Why one file cannot be used, in words that follow its name."""


def decode(path: str | os.PathLike[str], size: int) -> np.ndarray:
    """One picture as `(size, size, 3)` uint8; DataError where the file does not decode."""
    try:
        with _quiet():
            return _decode(path, size)[0]
    except _Unreadable as error:
        raise DataError(f"{str(path)!r} {error}. Replace the file or take it away.") from None


def read_images(
    paths: Sequence[str],
    size: int | None = None,
    out: Path | None = None,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> tuple[Images, pd.DataFrame, dict[str, str]]:
    """All pictures at `paths`, their meta data, and why the damaged ones are not among them.

    Returns `(images, meta, problems)`: `images` and `meta` have one row for each file that decodes, in the
    order of `paths`; `problems` maps each other path to its reason. `size` is S (None: `choose_size`).
    The pixels go to `out/pixels.npy`, or stay in memory where `out` is None. The digests are of the
    decoded pixels before they are resized, so they depend on the file alone.
    """
    with _quiet(), _threads(jobs or usable_cores()) as pool:
        if size is None:
            size = choose_size(list(pool.map(_header_size, paths)))
        pixels = _empty_pixels((len(paths), size, size, 3), out)

        def read(i: int) -> tuple[str, dict[str, Any]] | str:
            try:
                pixels[i], digest, facts = _decode(paths[i], size)
            except _Unreadable as error:
                return str(error)
            return digest, facts

        results = []
        for i, result in enumerate(pool.map(read, range(len(paths)))):
            results.append(result)
            if progress is not None:
                progress(i + 1, len(paths))

    good = [i for i, result in enumerate(results) if not isinstance(result, str)]
    problems = {paths[i]: result for i, result in enumerate(results) if isinstance(result, str)}
    digests = np.array([results[i][0] for i in good], dtype="<U32")
    rows = [{"name": printable(os.path.basename(paths[i])), "order": i, **results[i][1]} for i in good]  # type: ignore[dict-item]
    meta = pd.DataFrame(rows, columns=META_COLUMNS)
    for column in ("format", "mode", "name", "camera"):
        meta[column] = meta[column].astype(object)
    kept = [os.path.abspath(paths[i]) for i in good]
    return Images(_finish_pixels(pixels, good, out), digests, kept), meta, problems


def choose_size(sides: Sequence[tuple[int, int] | None]) -> int:
    """S for a data set: the 95th percentile of the longer sides, within 32…224 pixels.

    `sides` are (width, height), None for a file without a readable header.
    """
    longer = [max(side) for side in sides if side is not None]
    if not longer:
        return SIZE_LIMITS[0]
    return int(np.clip(np.percentile(longer, 95, method="nearest"), *SIZE_LIMITS))


def array_to_images(X: np.ndarray, size: int | None = None) -> Images:
    """Images from an array `(n, H, W)` or `(n, H, W, C)` with 1, 3 or 4 channels.

    uint8 (or whole numbers within 0…255), uint16 over its whole range, or floats within 0…1; anything else
    is a DataError. A fourth channel is opacity, laid on white.
    """
    X = np.asarray(X)
    channels = X.shape[3] if X.ndim == 4 else 1
    if X.ndim not in (3, 4) or channels not in (1, 3, 4) or 0 in X.shape[1:]:
        hint = ""
        if X.ndim == 4 and X.shape[1] in (1, 3, 4):
            hint = " The channels seem to come first: use X.transpose(0, 2, 3, 1)."
        raise DataError(
            "an array of images has the shape (n, height, width) or (n, height, width, channels) with "
            f"1, 3 or 4 channels, but this one has {X.shape}.{hint}"
        )
    X = _array_to_bytes(X)
    size = choose_size([(X.shape[2], X.shape[1])]) if size is None else size
    pixels = np.empty((len(X), size, size, 3), dtype=np.uint8)
    digests = []
    for i, picture in enumerate(X):
        grey = channels == 1 and X.ndim == 4
        rgb = _to_rgb(Image.fromarray(picture[..., 0] if grey else picture))
        pixels[i] = _square(rgb, size)
        digests.append(pixel_digest(np.asarray(rgb)))
    return Images(pixels, np.array(digests, dtype="<U32"), [None] * len(X))


def _array_to_bytes(X: np.ndarray) -> np.ndarray:
    """The same pictures as uint8."""
    if X.dtype == np.uint8:
        return X
    if X.dtype == bool:
        return X.astype(np.uint8) * 255
    if X.dtype == np.uint16:
        return _SIXTEEN_TO_EIGHT[X]
    if X.dtype.kind not in "iuf":
        raise DataError(f"an array of images holds numbers, but this one has the dtype {X.dtype}.")
    if not np.isfinite(X).all():
        raise DataError("the array of images holds NaN or infinite values; replace them first.")
    low, high = (X.min(), X.max()) if X.size else (0, 0)
    if X.dtype.kind == "f" and low >= 0 and high <= 1:
        return np.round(X * 255).astype(np.uint8)
    if X.dtype.kind in "iu" and low >= 0 and high <= 255:
        return X.astype(np.uint8)
    raise DataError(
        "an array of images holds uint8 (0…255), uint16 (0…65535) or floats within 0…1, but this one is "
        f"{X.dtype} with values from {low} to {high}. Scale it first, or give it as a table "
        "(two dimensions) if it does not hold pictures."
    )


def _decode(path: str | os.PathLike[str], size: int) -> tuple[np.ndarray, str, dict[str, Any]]:
    """(the picture as `(size, size, 3)` uint8, the digest before resizing, what is known beside it)."""
    try:
        status = os.stat(path)
        _check_file(status)
        with open(path, "rb") as file, Image.open(file) as picture:
            facts: dict[str, Any] = {
                "bytes": status.st_size,
                "format": picture.format,
                "mode": picture.mode,
                "width": picture.width,
                "height": picture.height,
            }
            picture.draft(None, (DRAFT_SIDE, DRAFT_SIDE))
            if picture.width * picture.height > MAX_PIXELS:
                raise _Unreadable(_too_large(picture.width, picture.height))
            large = picture.width * picture.height > _LARGE_PIXELS
            with _one_at_a_time if large else nullcontext():
                picture.load()
                # After load: Pillow has turned a TIFF by then, and removed its tag.
                facts["exif"], facts["camera"], orientation = _exif(picture)
                rgb = _to_rgb(picture)
                if orientation in _TURN:
                    rgb = rgb.transpose(_TURN[orientation])
                if (rgb.width < rgb.height) != (facts["width"] < facts["height"]):  # as it is shown
                    facts["width"], facts["height"] = facts["height"], facts["width"]
                return _square(rgb, size), pixel_digest(np.asarray(rgb)), facts
    except _Unreadable:
        raise
    except Exception as error:  # a damaged file can raise nearly anything inside a decoder
        raise _Unreadable(_reason(error, path)) from None


def _header_size(path: str) -> tuple[int, int] | None:
    """(width, height) from the header alone, None where there is none."""
    try:
        _check_file(os.stat(path))
        with open(path, "rb") as file, Image.open(file) as picture:
            return picture.size
    except Exception:  # as in _decode, which will give the reason
        return None


def _check_file(status: os.stat_result) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise _Unreadable("is a folder, not a file")
    if not stat.S_ISREG(status.st_mode):
        raise _Unreadable("is not a regular file")  # reading from a pipe would wait for ever
    if status.st_size == 0:
        raise _Unreadable("is empty (0 bytes)")


def _reason(error: Exception, path: str | os.PathLike[str]) -> str:
    """Why a file does not decode; without addresses or times, so that it is the same in every run."""
    if isinstance(error, FileNotFoundError):
        return "does not exist"
    if isinstance(error, PermissionError):
        return "may not be read (permission denied)"
    if isinstance(error, Image.DecompressionBombError):
        return _too_large(None, None)
    if isinstance(error, UnidentifiedImageError):
        return f"is not an image{_looks_like(path)}"
    text = str(error)
    if "truncated" in text.lower() or isinstance(error, EOFError):
        return "is cut off (truncated)"
    if isinstance(error, MemoryError):
        return "does not fit into memory"
    return f"does not decode ({type(error).__name__}: {text[:100]})" if text else "does not decode"


def _looks_like(path: str | os.PathLike[str]) -> str:
    with open(path, "rb") as file:
        head = file.read(256)
    try:
        head[:-4].decode("utf-8") if len(head) == 256 else head.decode("utf-8")
    except UnicodeDecodeError:
        return " of a kind that can be read, or its header is damaged"
    return " but text" if b"\0" not in head else " of a kind that can be read, or its header is damaged"


def _too_large(width: int | None, height: int | None) -> str:
    what = f"has {width} x {height} pixels" if width else "says that it is huge (a decompression bomb?)"
    return f"{what}: more than {MAX_PIXELS // 1_000_000} million pixels are not decoded; shrink the picture"


def _exif(picture: Image.Image) -> tuple[int, str | None, int]:
    """(number of EXIF tags, camera or software, orientation); a damaged block does not lose the picture."""
    try:
        tags = picture.getexif()
        camera = " ".join(str(tags[tag]).strip("\0 ") for tag in _CAMERA if tag in tags)
        return len(tags), printable(camera)[:200] or None, int(tags.get(_ORIENTATION, 1))
    except Exception:  # damaged metadata
        return 0, None, 1


def packed_sizes(images: Images, jobs: int | None = None) -> pd.DataFrame:
    """How large its content makes any file of a picture: bytes without loss (`packed`), and as JPEG (`jpeg`).

    Only asked of pictures to learn from: it takes up to 2 ms each.
    """
    with _threads(jobs or usable_cores()) as pool:
        sizes = list(pool.map(lambda i: _packed(images[i]), range(len(images))))
    return pd.DataFrame(sizes, columns=["packed", "jpeg"])


def _packed(square: np.ndarray) -> tuple[int, int]:
    buffer = io.BytesIO()
    Image.fromarray(square).save(buffer, "JPEG", quality=75)
    return len(zlib.compress(np.diff(square, axis=1).tobytes(), 1)), buffer.tell()


def _to_rgb(picture: Image.Image) -> Image.Image:
    """Any mode as RGB; deep greys over the whole range of their mode, transparency on white."""
    if picture.mode in ("I;16", "I;16L", "I;16B", "I;16N"):
        grey = np.asarray(picture)
        return Image.fromarray(_SIXTEEN_TO_EIGHT[grey.astype(np.uint16, copy=False)]).convert("RGB")
    if picture.mode in ("I", "F"):
        return Image.fromarray(_deep_to_bytes(picture)).convert("RGB")
    transparent = "A" in picture.mode or "a" in picture.mode or "transparency" in picture.info
    if transparent and picture.mode != "LAB":
        if picture.mode in ("La", "RGBa"):
            picture = picture.convert("LA" if picture.mode == "La" else "RGBA")
        picture = picture.convert("RGBA")
        white = Image.new("RGB", picture.size, (255, 255, 255))
        white.paste(picture, mask=picture)
        return white
    return picture if picture.mode == "RGB" else picture.convert("RGB")


def _deep_to_bytes(picture: Image.Image) -> np.ndarray:
    """A 32-bit grey picture (whole numbers or floats) as uint8.

    Neither mode says which range was meant. Signed 16-bit TIFFs use theirs; else values within 0…1
    (floats), 0…255 (floats) or 0…65535 (whole numbers) use that range, and all others the picture's own.
    """
    grey = np.asarray(picture, dtype=np.float32)
    finite = np.isfinite(grey)
    low, high = (float(grey[finite].min()), float(grey[finite].max())) if finite.any() else (0.0, 0.0)
    tags = getattr(picture, "tag_v2", {})
    if picture.mode == "I" and tags.get(339) in (2, (2,)) and tags.get(258) in (16, (16,)):
        bottom, top = -32768.0, 32767.0
    elif low >= 0 and high <= 1 and picture.mode == "F":
        bottom, top = 0.0, 1.0
    elif low >= 0 and high <= 255 and picture.mode == "F":
        bottom, top = 0.0, 255.0
    elif low >= 0 and high <= 65535 and picture.mode == "I":
        bottom, top = 0.0, 65535.0
    else:
        bottom, top = low, max(high, low + 1e-30)
    scaled = np.nan_to_num((grey - bottom) * (255.0 / (top - bottom)), nan=0.0, posinf=255.0, neginf=0.0)
    return np.clip(np.round(scaled), 0, 255).astype(np.uint8)


def _square(rgb: Image.Image, size: int) -> np.ndarray:
    """The whole picture squashed to `(size, size, 3)` uint8."""
    if rgb.size == (size, size):
        return np.asarray(rgb)
    # Pillow widens both filters when it shrinks, so neither aliases.
    how = Image.Resampling.LANCZOS if max(rgb.size) > size else Image.Resampling.BICUBIC
    return np.asarray(rgb.resize((size, size), how, reducing_gap=3.0))


def _empty_pixels(shape: tuple[int, ...], out: Path | None) -> np.ndarray:
    if out is None or shape[0] == 0:
        return np.zeros(shape, dtype=np.uint8)
    out.mkdir(parents=True, exist_ok=True)
    return create_pixels(out / "pixels.part.npy", shape)


def create_pixels(path: Path, shape: tuple[int, ...]) -> np.memmap:
    """A new array file of zeros, uint8, open for writing; RunError where the disk is full."""
    try:
        pixels = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=shape)
        # The file is sparse so far. Written through the map, a full disk would kill the process.
        if hasattr(os, "posix_fallocate"):
            with open(path, "r+b") as file:
                os.posix_fallocate(file.fileno(), 0, os.path.getsize(path))
    except OSError as error:
        path.unlink(missing_ok=True)
        raise RunError(
            f"{math.prod(shape) / 1e6:.0f} MB for the pixels cannot be written to {str(path.parent)!r}: "
            f"{error.strerror}. Make room, or choose another folder with --out."
        ) from None
    return pixels


def _finish_pixels(pixels: np.ndarray, good: list[int], out: Path | None) -> np.ndarray:
    """The rows that decoded, under their final name."""
    if not isinstance(pixels, np.memmap) or out is None:
        return pixels if len(good) == len(pixels) else pixels[good]
    part = out / "pixels.part.npy"
    if 0 < len(good) < len(pixels):
        whole, part = part, out / "pixels.kept.npy"
        kept = create_pixels(part, (len(good), *pixels.shape[1:]))
        for row, i in enumerate(good):
            kept[row] = pixels[i]
        pixels = kept
        whole.unlink()
    pixels.flush()
    if not good:
        part.unlink()
        return np.zeros((0, *pixels.shape[1:]), dtype=np.uint8)
    os.replace(part, out / "pixels.npy")
    return np.load(out / "pixels.npy", mmap_mode="r", allow_pickle=False)


@contextmanager
def _threads(n: int) -> Iterator[ThreadPoolExecutor]:
    """Threads (the decoders release the GIL) that stop at once on Ctrl-C, and not after the last file."""
    pool = ThreadPoolExecutor(n)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def _quiet() -> Iterator[None]:
    """Without Pillow's warnings on odd files: what matters is said in `problems`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
