import io

import numpy as np
import pytest
from PIL import Image

from handful.audit.near import close_hashes, near_duplicates, perceptual_hashes
from handful.data.dataset import Images
from tests.audit.data import clothes, small_embedding


@pytest.fixture(scope="module")
def photographs():
    return clothes()[0]


def _jpeg(pixels):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=60)
    return np.asarray(Image.open(file).convert("RGB"))


def _smaller(pixels):
    side = len(pixels)
    small = Image.fromarray(pixels).resize((side * 3 // 4, side * 3 // 4))
    return np.asarray(small.resize((side, side)))


CHANGES = {"jpeg": _jpeg, "smaller": _smaller, "darker": lambda p: (p * 0.9).astype(np.uint8)}


@pytest.mark.parametrize("change", CHANGES)
def test_changed_copies_keep_their_hash_within_a_few_bits(photographs, change):
    changed = Images.from_array(np.stack([CHANGES[change](p) for p in photographs]))
    before = perceptual_hashes(Images.from_array(np.stack(photographs)))
    assert np.quantile(np.bitwise_count(before ^ perceptual_hashes(changed)), 0.9) <= 6


def test_different_photographs_differ_in_many_bits(photographs):
    hashes = perceptual_hashes(Images.from_array(np.stack(photographs)))
    i, j = np.triu_indices(len(hashes), 1)
    assert np.median(np.bitwise_count(hashes[i] ^ hashes[j])) > 20


def test_flat_pictures_share_one_hash():
    flat = np.stack([np.full((40, 40, 3), grey, np.uint8) for grey in (10, 130, 250)])
    assert len(set(perceptual_hashes(Images.from_array(flat)))) == 1


def test_close_hashes_finds_all_pairs_within_the_limit(monkeypatch):
    monkeypatch.setattr("handful.audit.near.PAIRS_AT_ONCE", 100)  # several blocks
    rng = np.random.default_rng(0)
    hashes = rng.integers(0, 2**64, 40, dtype=np.uint64)
    hashes[33] = hashes[2] ^ np.uint64(0b1011)
    hashes[39] = hashes[38]
    pairs, bits = close_hashes(hashes, 4)
    assert pairs.tolist() == [[2, 33], [38, 39]]
    assert bits.tolist() == [3, 0]


def test_a_jpeg_copy_is_found_and_only_lookalikes_are_embedded(photographs):
    embedded = []

    def embed(images):
        embedded.append(len(images))
        return small_embedding(images)

    images = Images.from_array(np.stack([*photographs, _jpeg(photographs[20])]))
    found = near_duplicates(images, embed, 10)
    assert [20, 60] in [cluster.tolist() for cluster in found.clusters]
    assert sum(embedded) < 20


def test_the_embedding_can_refuse_what_the_hash_has_paired(photographs):
    images = Images.from_array(np.stack([*photographs, _jpeg(photographs[20])]))
    found = near_duplicates(images, lambda images: np.eye(len(images)), 10)
    assert found.clusters == []
    assert len(found.pairs) == 0


def test_likeness_is_not_chained():
    picture = clothes()[0][0].astype(int)
    images = Images.from_array(np.stack([picture, picture + 1, picture + 2]).clip(0, 255).astype(np.uint8))
    angles = np.radians([0, 30, 60])  # cosines .87 to the neighbour, .50 between the ends
    found = near_duplicates(images, lambda _: np.column_stack([np.cos(angles), np.sin(angles)]), 10)
    assert sorted(map(tuple, found.pairs.tolist())) == [(0, 1), (1, 2)]
    assert [len(cluster) for cluster in found.clusters] == [2]
