from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pytest

from handful.backbones import cache
from handful.backbones.cache import cache_folder, missing, through
from handful.data.dataset import Images


class Counter:
    """A function of one sample (its mean and its first pixel) that counts what it is asked for."""

    def __init__(self) -> None:
        self.calls = 0
        self.samples = 0

    def __call__(self, images: Images) -> dict[str, np.ndarray]:
        self.calls += 1
        self.samples += len(images)
        pixels = np.asarray(images).astype(np.float32)
        return {"mean": pixels.mean((1, 2)), "first": pixels[:, 0, 0]}


def some_images(n: int, seed: int = 0) -> Images:
    return Images.from_array(np.random.default_rng(seed).integers(0, 256, (n, 4, 4, 3), dtype=np.uint8))


def forget_what_is_open() -> None:
    """As a new process would see it."""
    cache._shelves.clear()


def segments(folder: Path) -> list[Path]:
    return sorted(folder.glob("vectors/*/segment-*"))


def test_rows_come_in_the_order_of_the_input(own_cache: Path) -> None:
    images = some_images(10)
    through("f", images[[7, 2]], ["mean"], Counter())
    found = through("f", images[::-1], ["mean", "first"], Counter())
    expected = Counter()(images[::-1])
    np.testing.assert_array_equal(found["mean"], expected["mean"])
    np.testing.assert_array_equal(found["first"], expected["first"])


def test_only_missing_samples_are_computed(own_cache: Path) -> None:
    images, compute = some_images(10), Counter()
    through("f", images[:6], ["mean"], compute)
    through("f", images, ["mean"], compute)
    through("f", images, ["first"], compute)
    assert (compute.calls, compute.samples) == (2, 10)


def test_a_digest_that_comes_twice_is_computed_once(own_cache: Path) -> None:
    images, compute = some_images(3), Counter()
    found = through("f", images[[0, 1, 0, 1, 1]], ["mean"], compute)
    assert compute.samples == 2
    np.testing.assert_array_equal(found["mean"][0], found["mean"][2])


def test_missing_names_each_digest_once(own_cache: Path) -> None:
    images = some_images(4)
    through("f", images[[1]], ["mean"], Counter())
    assert missing("f", images[[1, 0, 0, 3, 1]], ["mean"]).tolist() == [1, 3]


def test_vectors_survive_the_process(own_cache: Path) -> None:
    images = some_images(5)
    first = through("f", images, ["mean"], Counter())["mean"]
    forget_what_is_open()
    compute = Counter()
    np.testing.assert_array_equal(through("f", images, ["mean"], compute)["mean"], first)
    assert compute.calls == 0


def test_functions_do_not_share_vectors(own_cache: Path) -> None:
    images, compute = some_images(5), Counter()
    through("f", images, ["mean"], compute)
    through("g", images, ["mean"], compute)
    assert compute.samples == 10


def test_keys_that_look_alike_as_file_names_are_kept_apart(own_cache: Path) -> None:
    images, compute = some_images(5), Counter()
    through("f/1", images, ["mean"], compute)
    through("f-1", images, ["mean"], compute)
    assert compute.samples == 10


def test_what_another_process_writes_is_seen_without_reopening(own_cache: Path) -> None:
    images = some_images(6)
    through("f", images[:2], ["mean"], Counter())
    context = multiprocessing.get_context("spawn")
    other = context.Process(target=_write, args=(str(own_cache), 6))
    other.start()
    other.join()
    compute = Counter()
    through("f", images, ["mean"], compute)
    assert compute.calls == 0


def _write(folder: str, n: int) -> None:
    os.environ["HANDFUL_CACHE"] = folder
    through("f", some_images(n), ["mean"], Counter())


def test_two_processes_may_write_at_once(own_cache: Path) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_write, args=(str(own_cache), n)) for n in (40, 60)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [w.exitcode for w in writers] == [0, 0]
    images, compute = some_images(60), Counter()
    found = through("f", images, ["mean"], compute)
    assert compute.calls == 0
    np.testing.assert_array_equal(found["mean"], Counter()(images)["mean"])


def test_a_kill_while_writing_leaves_nothing_wrong(own_cache: Path) -> None:
    code = (
        "import numpy as np\n"
        "from handful.backbones.cache import through\n"
        "from handful.data.dataset import Images\n"
        "rng = np.random.default_rng(0)\n"
        "while True:\n"
        "    images = Images.from_array(rng.integers(0, 256, (20, 4, 4, 3), dtype=np.uint8))\n"
        "    def f(x):\n"
        "        return {'mean': np.asarray(x).astype(np.float32).mean((1, 2)).repeat(2000, axis=1)}\n"
        "    through('f', images, ['mean'], f)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code])
    try:
        while len(segments(own_cache)) < 3:
            assert process.poll() is None
            time.sleep(0.01)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    rng = np.random.default_rng(0)
    images = Images.from_array(rng.integers(0, 256, (20, 4, 4, 3), dtype=np.uint8))

    def never(_: Images) -> dict[str, np.ndarray]:
        raise AssertionError("it is stored")

    expected = np.asarray(images).astype(np.float32).mean((1, 2)).repeat(2000, axis=1)
    np.testing.assert_array_equal(through("f", images, ["mean"], never)["mean"], expected)


@pytest.mark.parametrize("damage", ["cut the matrix", "change a byte", "cut the index", "lose the index"])
def test_a_damaged_segment_is_removed_and_computed_again(own_cache: Path, damage: str) -> None:
    images = some_images(8)
    expected = through("f", images, ["mean"], Counter())["mean"]
    forget_what_is_open()
    (segment,) = segments(own_cache)
    matrix, index = segment / "0.npy", segment / "index.json"
    if damage == "cut the matrix":
        matrix.write_bytes(matrix.read_bytes()[:-8])
    elif damage == "change a byte":
        content = bytearray(matrix.read_bytes())
        content[-5] ^= 1
        matrix.write_bytes(content)
    elif damage == "cut the index":
        index.write_text(index.read_text()[:-20])
    else:
        index.unlink()
    compute = Counter()
    np.testing.assert_array_equal(through("f", images, ["mean"], compute)["mean"], expected)
    assert compute.samples == 8
    assert segment not in segments(own_cache)


def test_what_a_killed_writer_left_is_swept_after_a_day(own_cache: Path) -> None:
    through("f", some_images(2), ["mean"], Counter())
    (segment,) = segments(own_cache)
    old, new = segment.with_name("writing-old"), segment.with_name("writing-new")
    old.mkdir()
    new.mkdir()
    os.utime(old, (time.time() - 90000,) * 2)
    through("f", some_images(3, seed=1), ["mean"], Counter())
    assert (old.exists(), new.exists()) == (False, True)


def test_a_folder_that_cannot_be_written_costs_one_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = tmp_path / "a file, not a folder"
    blocked.write_text("")
    monkeypatch.setenv("HANDFUL_CACHE", str(blocked))
    images, compute = some_images(5), Counter()
    with pytest.warns(UserWarning, match="cannot be written.*HANDFUL_CACHE"):
        found = through("f", images, ["mean"], compute)
    np.testing.assert_array_equal(found["mean"], Counter()(images)["mean"])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        through("f", images, ["mean"], compute)  # from memory
        through("g", images, ["mean"], compute)  # computed, without a second warning
    assert compute.samples == 10


def test_a_disk_that_fills_up_while_writing_leaves_no_part_behind(
    own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    with pytest.warns(UserWarning, match="No space left on device"):
        through("f", some_images(5), ["mean"], Counter())
    assert list(own_cache.glob("vectors/*/*")) == []


def test_a_small_look_up_is_quick(own_cache: Path) -> None:
    images = some_images(300)

    def wide(x: Images) -> dict[str, np.ndarray]:
        return {"wide": np.zeros((len(x), 1280), np.float32)}

    through("f", images, ["wide"], wide)
    took = []
    for _ in range(20):
        start = time.perf_counter()
        through("f", images, ["wide"], wide)
        took.append(time.perf_counter() - start)
    assert min(took) < 0.002


def test_the_environment_chooses_the_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HANDFUL_CACHE", "/somewhere/else")
    assert cache_folder() == Path("/somewhere/else")


def test_the_folder_is_the_users_cache_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HANDFUL_CACHE")
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", "/home/someone/.cache")
    assert cache_folder() == Path("/home/someone/.cache/handful")


def test_images_without_digests_are_computed_each_time_and_not_stored(own_cache: Path) -> None:
    images = some_images(4)
    both, compute = images.joined(np.asarray(some_images(3, seed=1))), Counter()
    assert missing("f", both, ["mean"]).tolist() == [0, 1, 2, 3]
    for _ in range(2):
        found = through("f", both[[5, 0, 6, 3]], ["mean", "first"], compute)
        expected = Counter()(both[[5, 0, 6, 3]])
        np.testing.assert_array_equal(found["mean"], expected["mean"])
        np.testing.assert_array_equal(found["first"], expected["first"])
    assert compute.samples == 2 + 2 + 2
    through("f", both[4:], ["mean"], compute)
    assert sum(len(np.load(s / "0.npy")) for s in segments(own_cache)) == 2
    assert missing("f", both, ["mean"]).tolist() == [1, 2]
