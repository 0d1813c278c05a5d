"""Image files and arrays of images become (S, S, 3) uint8, and damaged files are named."""

from __future__ import annotations

import errno
import os
import struct
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from handful.data import images
from handful.data.images import array_to_images, choose_size, decode, packed_sizes, read_images
from handful.errors import DataError, RunError


def gradient(height: int = 40, width: int = 40) -> np.ndarray:
    """A smooth colour picture, so that lossy formats keep it within a few levels."""
    y, x = np.mgrid[0:height, 0:width]
    return np.stack([255 * x // width, 255 * y // height, np.full_like(x, 90)], axis=2).astype(np.uint8)


def saved(folder: Path, name: str, picture: Image.Image | np.ndarray, **options: object) -> str:
    picture = Image.fromarray(picture) if isinstance(picture, np.ndarray) else picture
    path = folder / name
    picture.save(path, **options)
    return str(path)


@pytest.mark.parametrize(
    ("name", "options", "tolerance"),
    [
        ("a.png", {}, 0),
        ("a.bmp", {}, 0),
        ("a.tiff", {}, 0),
        ("a.tif", {"compression": "tiff_lzw"}, 0),
        ("a.webp", {"lossless": True}, 0),
        ("a.jpg", {"quality": 95}, 12),
        ("a.ppm", {}, 0),
    ],
)
def test_every_format_gives_the_same_picture(tmp_path, name, options, tolerance):
    picture = gradient()
    decoded = decode(saved(tmp_path, name, picture, **options), 40)
    assert decoded.shape == (40, 40, 3) and decoded.dtype == np.uint8
    assert np.abs(decoded.astype(int) - picture).max() <= tolerance


def test_a_gif_gives_its_first_frame(tmp_path):
    red, blue = Image.new("RGB", (32, 32), "red"), Image.new("RGB", (32, 32), "blue")
    path = saved(tmp_path, "a.gif", red, save_all=True, append_images=[blue])
    assert decode(path, 32)[5, 5].tolist() == [255, 0, 0]


@pytest.mark.parametrize("mode", ["L", "1", "P", "CMYK", "YCbCr"])
def test_every_mode_becomes_rgb(tmp_path, mode):
    grey = Image.fromarray(np.repeat(np.repeat([[[0] * 3, [255] * 3]], 20, 0), 20, 1).astype(np.uint8))
    name = "a.png" if mode in ("L", "1", "P") else "a.tif"
    decoded = decode(saved(tmp_path, name, grey.convert(mode)), 40)
    assert decoded[3, 2].max() <= 3 and decoded[3, 37].min() >= 250


def test_cmyk_jpeg_has_its_colours(tmp_path):
    path = saved(tmp_path, "a.jpg", Image.new("RGB", (32, 32), (250, 10, 10)).convert("CMYK"), quality=95)
    red, green, blue = decode(path, 32)[10, 10].tolist()
    assert red > 230 and green < 40 and blue < 40


def test_sixteen_bits_are_scaled_over_their_whole_range(tmp_path):
    grey = np.linspace(0, 65535, 32 * 32).reshape(32, 32).astype(np.uint16)
    decoded = decode(saved(tmp_path, "a.png", grey), 32)
    assert np.array_equal(decoded[..., 0], np.round(grey / 257).astype(np.uint8))
    assert decoded.min() == 0 and decoded.max() == 255


def test_big_endian_sixteen_bits_are_read_alike(tmp_path):
    grey = np.linspace(0, 65535, 32 * 32).reshape(32, 32).astype(np.uint16)
    little = decode(saved(tmp_path, "a.tif", grey), 32)
    big = Image.frombytes("I;16B", (32, 32), grey.astype(">u2").tobytes())
    assert np.array_equal(decode(saved(tmp_path, "b.tif", big), 32), little)


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (0.0, 255.0), (-3.0, 7.0)])
def test_float_tiffs_are_scaled_to_their_range(tmp_path, low, high):
    grey = np.linspace(low, high, 32 * 32).reshape(32, 32).astype(np.float32)
    decoded = decode(saved(tmp_path, "a.tif", grey), 32)[..., 0]
    assert decoded[0, 0] == 0 and decoded[-1, -1] == 255 and abs(int(decoded[16, 0]) - 128) <= 1


def test_float_tiff_with_nan_is_read(tmp_path):
    grey = np.full((32, 32), 0.5, dtype=np.float32)
    grey[0, 0] = np.nan
    decoded = decode(saved(tmp_path, "a.tif", grey), 32)
    assert decoded[0, 0, 0] == 0 and decoded[9, 9, 0] == 128


def test_32_bit_grey_is_read_over_16_bits(tmp_path):
    grey = np.full((32, 32), 32896, dtype=np.int32)
    assert decode(saved(tmp_path, "a.tif", grey), 32)[0, 0].tolist() == [128] * 3


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparency_lies_on_white(tmp_path, mode):
    picture = Image.new("RGBA", (32, 32), (0, 0, 0, 0))
    picture.paste((0, 0, 0, 255), (0, 0, 16, 32))
    if mode == "P":
        picture = picture.convert("RGBA").quantize(4)
    decoded = decode(saved(tmp_path, "a.png", picture.convert(mode) if mode == "LA" else picture), 32)
    assert decoded[5, 4].tolist() == [0, 0, 0] and decoded[5, 28].tolist() == [255, 255, 255]


def test_a_transparent_colour_of_an_rgb_png_becomes_white(tmp_path):
    path = saved(tmp_path, "a.png", Image.new("RGB", (32, 32), (1, 2, 3)), transparency=(1, 2, 3))
    assert decode(path, 32)[0, 0].tolist() == [255, 255, 255]


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.tif", "a.webp"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_turns_the_picture(tmp_path, name, orientation):
    upright = Image.fromarray(gradient(32, 32))
    undo = {1: None, 2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}[orientation]
    turned = upright if undo is None else upright.transpose(Image.Transpose(undo))
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"quality": 98} if name == "a.jpg" else {"lossless": True} if name == "a.webp" else {}
    decoded = decode(saved(tmp_path, name, turned, exif=exif, **options), 32)
    assert np.abs(decoded.astype(int) - np.asarray(upright)).mean() < 3


def test_the_whole_picture_is_squashed_to_the_square(tmp_path):
    wide = np.zeros((40, 200, 3), np.uint8)
    wide[:, :100] = 255
    decoded = decode(saved(tmp_path, "a.png", wide), 50)
    assert decoded[25, 3].min() > 250 and decoded[25, 46].max() < 5


def test_shrinking_averages_fine_lines(tmp_path):
    stripes = np.zeros((256, 256, 3), np.uint8)
    stripes[:, ::2] = 255
    assert np.abs(decode(saved(tmp_path, "a.png", stripes), 32).astype(int) - 127).max() < 12


def test_a_large_jpeg_is_decoded_near_its_full_decoding(tmp_path):
    path = saved(tmp_path, "a.jpg", gradient(2000, 3000), quality=92)
    full = np.asarray(Image.open(path).resize((64, 64), Image.Resampling.LANCZOS))
    assert np.abs(decode(path, 64).astype(int) - full).mean() < 2


def png_that_claims(width: int, height: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(b"\0" * 1000))
    return b"\x89PNG\r\n\x1a\n" + header + pixels + chunk(b"IEND", b"")


def damaged_files(folder: Path) -> dict[str, str]:
    """One file of each kind of damage, with a part of the reason it must get."""
    whole = Path(saved(folder, "whole.jpg", gradient(300, 300))).read_bytes()
    (folder / "truncated.jpg").write_bytes(whole[: len(whole) // 2])
    png = Path(saved(folder, "whole.png", np.random.default_rng(0).integers(0, 255, (90, 90, 3), np.uint8)))
    (folder / "truncated.png").write_bytes(png.read_bytes()[:9000])
    (folder / "text.png").write_text("this is not a picture\n" * 40)
    (folder / "noise.png").write_bytes(bytes(range(256)))
    (folder / "empty.png").write_bytes(b"")
    (folder / "bomb.png").write_bytes(png_that_claims(60000, 60000))
    (folder / "large.png").write_bytes(png_that_claims(12000, 9000))
    (folder / "folder.png").mkdir()
    os.mkfifo(folder / "pipe.png")
    return {
        "truncated.jpg": "cut off",
        "truncated.png": "cut off",
        "text.png": "not an image but text",
        "noise.png": "not an image",
        "empty.png": "0 bytes",
        "bomb.png": "bomb",
        "large.png": "12000 x 9000 pixels",
        "folder.png": "is a folder",
        "pipe.png": "not a regular file",
        "missing.png": "does not exist",
    }


def test_damaged_files_are_named_with_their_reason_and_the_others_are_read(tmp_path):
    reasons = damaged_files(tmp_path)
    paths = [str(tmp_path / name) for name in [*reasons, "whole.jpg", "whole.png"]]
    started = time.monotonic()
    pictures, meta, problems = read_images(paths, 32, tmp_path / "out")
    assert time.monotonic() - started < 20
    assert meta["name"].tolist() == ["whole.jpg", "whole.png"] and len(pictures) == 2
    assert {os.path.basename(path) for path in problems} == set(reasons)
    for name, reason in reasons.items():
        assert reason in problems[str(tmp_path / name)]


def test_decode_names_the_damaged_file(tmp_path):
    (tmp_path / "a.png").write_bytes(b"")
    with pytest.raises(DataError, match=r"a\.png' is empty \(0 bytes\)"):
        decode(tmp_path / "a.png", 32)


def test_an_unreadable_file_is_a_problem(tmp_path, monkeypatch):
    path = saved(tmp_path, "a.png", gradient())

    def refused(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("handful.data.images.Image.open", refused)
    _, _, problems = read_images([path])
    assert problems == {path: "may not be read (permission denied)"}


def test_pixels_on_disk_are_those_in_memory(tmp_path):
    paths = [saved(tmp_path, f"{i}.png", gradient(30 + i, 40)) for i in range(5)]
    paths.insert(2, str(tmp_path / "missing.png"))
    in_memory, meta, _ = read_images(paths, 32)
    on_disk, meta_too, _ = read_images(paths, 32, tmp_path / "out", jobs=3)
    assert np.array_equal(np.asarray(in_memory), np.asarray(on_disk))
    assert meta.equals(meta_too) and in_memory.digests.tolist() == on_disk.digests.tolist()
    assert sorted(os.listdir(tmp_path / "out")) == ["pixels.npy"]
    assert np.load(tmp_path / "out" / "pixels.npy", mmap_mode="r").shape == (5, 32, 32, 3)


def test_nothing_is_written_where_every_file_is_damaged(tmp_path):
    pictures, meta, problems = read_images([str(tmp_path / "missing.png")], 32, tmp_path / "out")
    assert len(pictures) == len(meta) == 0 and len(problems) == 1
    assert os.listdir(tmp_path / "out") == []


def test_the_digest_depends_on_the_pixels_alone(tmp_path):
    paths = [
        saved(tmp_path, "a.png", gradient()),
        saved(tmp_path, "b.bmp", gradient()),
        saved(tmp_path, "c.png", 255 - gradient()),
        saved(tmp_path, "d.jpg", gradient(2000, 2000)),
    ]
    small, large = read_images(paths, 32)[0].digests, read_images(paths, 224)[0].digests
    assert small.tolist() == large.tolist()
    assert small[0] == small[1] and len(set(small)) == 3


def test_meta_tells_what_is_known_beside_the_content(tmp_path):
    exif = Image.Exif()
    exif[0x010F] = "maker"
    path = saved(tmp_path, "a.jpg", Image.fromarray(gradient(600, 900)).convert("L"), exif=exif)
    pictures, meta, _ = read_images([path])
    sizes = packed_sizes(pictures).iloc[0]
    assert 0 < sizes["packed"] < 224 * 224 * 3 and 0 < sizes["jpeg"] < 224 * 224
    assert meta.iloc[0].to_dict() == {
        "bytes": os.path.getsize(path),
        "format": "JPEG",
        "mode": "L",
        "width": 900,
        "height": 600,
        "name": "a.jpg",
        "order": 0,
        "exif": 1,
        "camera": "maker",
    }


@pytest.mark.parametrize("name", ["a.jpg", "a.tif"])
@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_a_picture_is_as_wide_and_high_as_it_is_shown(tmp_path, name, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    _, meta, _ = read_images([saved(tmp_path, name, Image.fromarray(gradient(40, 96)), exif=exif)])
    assert sorted(meta[["width", "height"]].iloc[0]) == [40, 96]
    assert (meta["width"] > meta["height"]).iloc[0] == (orientation in (1, 3))


def test_progress_is_told_for_every_file(tmp_path):
    paths = [saved(tmp_path, f"{i}.png", gradient()) for i in range(3)]
    told: list[tuple[int, int]] = []
    read_images(paths, 32, progress=lambda done, total: told.append((done, total)))
    assert told == [(1, 3), (2, 3), (3, 3)]


@pytest.mark.parametrize(
    ("sides", "size"),
    [([(8, 8)], 32), ([(100, 60)] * 9 + [None], 100), ([(4000, 3000)], 224), ([None], 32), ([], 32)],
)
def test_the_size_is_the_longer_sides_within_limits(sides, size):
    assert choose_size(sides) == size


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (np.full((2, 40, 40), 7, np.uint8), 7),
        (np.full((2, 40, 40, 1), 7, np.int64), 7),
        (np.full((2, 40, 40, 3), 0.5), 128),
        (np.full((2, 40, 40, 4), 0, np.uint8), 255),
        (np.full((2, 40, 40), 65535, np.uint16), 255),
        (np.ones((2, 40, 40), bool), 255),
    ],
)
def test_arrays_of_images_are_read_by_their_dtype(array, expected):
    pictures = array_to_images(array)
    assert pictures.shape == (2, 40, 40, 3) and (np.asarray(pictures) == expected).all()
    assert pictures.digests[0] == pictures.digests[1]


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((2, 3, 40, 40), np.uint8), r"channels seem to come first: use X.transpose\(0, 2, 3, 1\)"),
        (np.zeros((2, 40, 40, 2), np.uint8), "1, 3 or 4 channels"),
        (np.full((2, 40, 40), 300.0), "floats within 0…1"),
        (np.full((2, 40, 40), -1), "values from -1 to -1"),
        (np.full((2, 40, 40), np.nan), "NaN or infinite"),
        (np.full((2, 40, 40), "a"), "holds numbers"),
    ],
)
def test_arrays_that_are_no_images_are_refused(array, message):
    with pytest.raises(DataError, match=message):
        array_to_images(array)


def test_a_full_disk_is_told_and_leaves_nothing_behind(tmp_path, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    path = saved(tmp_path, "a.png", gradient())
    with pytest.raises(
        RunError, match=r"0 MB for the pixels cannot be written to .*: No space left on device"
    ):
        read_images([path], 32, tmp_path / "out")
    assert os.listdir(tmp_path / "out") == []


def test_an_interrupt_stops_before_the_last_file(tmp_path, monkeypatch):
    paths = [saved(tmp_path, "a.png", gradient(400, 400))] * 300
    read: list[int] = []
    real = images._square
    monkeypatch.setattr(images, "_square", lambda *args: read.append(1) or real(*args))

    def interrupt(done: int, _: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        read_images(paths, 32, jobs=1, progress=interrupt)
    assert len(read) < 100
