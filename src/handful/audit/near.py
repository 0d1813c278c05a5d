"""Near-duplicate images: paired by a perceptual hash, confirmed by their embeddings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from handful.audit.groups import connected
from handful.data.dataset import Images

Embed = Callable[[Images], np.ndarray]

THUMBNAIL = 32
PAIRS_AT_ONCE = 4_000_000

# A pair is near-duplicate if its hashes differ in b <= MOST_BITS of 64 bits and the cosine similarity of its
# embeddings is at least LEAST_COSINE + b * COSINE_PER_BIT: the less the hashes agree, the more the
# embeddings must. Neither is enough alone: solar cells share their layout, so hashes agree by nature, and
# a network notices JPEG's noise, so that the embedding of a re-encoded copy may fall to a cosine of 0.8.
# The numbers were chosen by benchmarks/near_duplicates.py, which prints recall on planted copies and the
# natural pairs found; see MEASURED there. They lean to recall: a pair joined for nothing costs next to
# nothing (two samples share a fold), a missed one lets a model meet its test picture in training.
MOST_BITS = 6
LEAST_COSINE = 0.75
COSINE_PER_BIT = 0.025


@dataclass(frozen=True)
class NearDuplicates:
    """What was found, as positions in the samples that were given.

    `clusters` are sets of at least two samples that are all alike (complete linkage); `pairs` `(m, 2)` are
    all confirmed pairs; `crowds` are components too large to be copies of one sample.
    """

    clusters: list[np.ndarray]
    pairs: np.ndarray
    crowds: list[np.ndarray]


def near_duplicates(images: Images, embed: Embed, largest: int) -> NearDuplicates:
    """Pictures that look the same but are not equal; only those that the hash has paired are embedded.

    A component of more than `largest` pictures is a crowd: pictures that are alike by nature.
    """
    hashes = perceptual_hashes(images)
    pairs, bits = close_hashes(hashes, MOST_BITS)
    if len(pairs) == 0:
        return NearDuplicates([], pairs, [])
    paired, where = np.unique(pairs, return_inverse=True)
    embeddings = _unit_rows(embed(images[paired]))
    where = where.reshape(pairs.shape)
    cosine = np.einsum("md,md->m", embeddings[where[:, 0]], embeddings[where[:, 1]])
    confirmed = cosine >= LEAST_COSINE + COSINE_PER_BIT * bits
    return gathered(len(images), pairs[confirmed], cosine[confirmed], largest)


def gathered(n: int, pairs: np.ndarray, likeness: np.ndarray, largest: int) -> NearDuplicates:
    """Confirmed pairs `(m, 2)` of n samples, and how alike each is `(m,)` from 0.5 to 1, as clusters."""
    clusters: list[np.ndarray] = []
    crowds: list[np.ndarray] = []
    for members, inside in _components(n, pairs):
        if len(members) > largest:
            crowds.append(members)
        else:
            clusters += _complete_linkage(members, pairs[inside], likeness[inside])
    return NearDuplicates(clusters, pairs, crowds)


def perceptual_hashes(images: Images) -> np.ndarray:
    """64 bits for each picture, `(n,)` uint64; pictures that look alike differ in few bits.

    The grey picture is shrunk to 32 x 32 and taken to the frequency domain; each bit says whether one of
    the 8 x 8 lowest frequencies lies over their median. Light, contrast and fine detail hardly matter.

    References
    ----------
    Zauner, "Implementation and benchmarking of perceptual image hash functions", 2010.
    """
    from scipy.fft import dctn

    if len(images) == 0:
        return np.empty(0, np.uint64)
    small = np.stack([_grey_thumbnail(images[i]) for i in range(len(images))])  # (n, 32, 32)
    low = dctn(small, axes=(1, 2), norm="ortho")[:, :8, :8].reshape(len(small), 64)
    # Of a flat picture only rounding noise is left; rounded, all flat pictures have one hash.
    low = np.round(low, 3)
    bits = low > np.median(low[:, 1:], axis=1, keepdims=True)
    return np.packbits(bits, axis=1).view(np.uint64).ravel()


def _grey_thumbnail(pixels: np.ndarray) -> np.ndarray:
    from PIL import Image

    side = (THUMBNAIL, THUMBNAIL)
    return np.asarray(Image.fromarray(pixels).convert("L").resize(side, Image.Resampling.BOX), np.float32)


def close_hashes(hashes: np.ndarray, limit: int) -> tuple[np.ndarray, np.ndarray]:
    """All pairs i < j whose hashes differ in at most `limit` bits: the pairs `(m, 2)` and the bits `(m,)`."""
    n = len(hashes)
    rows_at_once = max(1, PAIRS_AT_ONCE // max(n, 1))
    pairs = [np.empty((0, 2), np.int64)]
    bits = [np.empty(0, np.uint8)]
    for start in range(0, n, rows_at_once):
        block = hashes[start : start + rows_at_once]
        differing = np.bitwise_count(block[:, None] ^ hashes[None, start:])
        i, j = np.nonzero(np.triu(differing <= limit, 1))
        pairs.append(np.column_stack([i, j]) + start)
        bits.append(differing[i, j])
    return np.concatenate(pairs), np.concatenate(bits)


def _unit_rows(embeddings: np.ndarray) -> np.ndarray:
    norms = np.linalg.norm(embeddings, axis=1, keepdims=True)
    return embeddings / np.where(norms == 0, 1, norms)


def _components(n: int, pairs: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """The connected components that hold a pair: members, and a mask of the pairs inside."""
    label = connected(n, pairs)
    found = np.unique(label[pairs[:, 0]])
    return [(np.flatnonzero(label == one), label[pairs[:, 0]] == one) for one in found]


def _complete_linkage(members: np.ndarray, pairs: np.ndarray, likeness: np.ndarray) -> list[np.ndarray]:
    """Clusters of at least two in which every pair is confirmed, so that likeness is never chained."""
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform

    distance = np.ones((len(members), len(members)))  # 1: not confirmed
    i, j = np.searchsorted(members, pairs).T
    distance[i, j] = distance[j, i] = np.clip(1 - likeness, 0, 0.5)
    np.fill_diagonal(distance, 0)
    label = fcluster(linkage(squareform(distance), "complete"), 0.75, "distance")
    clusters = [members[label == one] for one in np.unique(label)]
    return [cluster for cluster in clusters if len(cluster) > 1]
