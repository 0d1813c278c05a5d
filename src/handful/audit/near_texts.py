"""Near-duplicate texts: those that share most of their runs of words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from handful.audit.near import NearDuplicates, gathered
from handful.data.texts import WORD

# A pair is near-duplicate if the runs of RUN words that both hold are at least LEAST_SHARED of those of the
# shorter text: so a reply that quotes another text whole is found, and a template with another name in it.
# A few words may well occur in any longer text: where one has fewer than FEW_RUNS, it is half of all runs of
# both. Runs weigh by their rarity: phrases of the trade say little. The numbers were chosen by
# benchmarks/near_duplicate_texts.py, which prints recall on planted copies and the natural pairs found; see
# MEASURED there. As for pictures they lean to recall.
RUN = 2
LEAST_SHARED = 0.5
FEW_RUNS = 8
# A run that more than this share of the texts hold is a signature or a form, and no sign of copying.
MOST_COMMON = 0.5
_AT_ONCE = 4_000_000  # numbers in one block of the likeness of all with all


def near_duplicate_texts(texts: Sequence[str], largest: int) -> NearDuplicates:
    """Texts that share most of their words in the same order; a component of more than `largest` is a crowd.

    References
    ----------
    Broder, "On the resemblance and containment of documents", 1997.
    """
    pairs, shared = shared_runs(texts)
    alike = shared >= LEAST_SHARED
    return gathered(len(texts), pairs[alike], shared[alike], largest)


def shared_runs(texts: Sequence[str], least: float = 0.3) -> tuple[np.ndarray, np.ndarray]:
    """All pairs i < j `(m, 2)` that share at least `least` of the shorter's runs, and that share `(m,)`."""
    weighted, counts = _weighted(texts)
    n = len(texts)
    size = np.asarray(weighted.sum(axis=1)).ravel()
    present = (weighted > 0).astype(float)
    pairs, shared = [np.empty((0, 2), np.int64)], [np.empty(0)]
    rows_at_once = max(1, _AT_ONCE // max(n, 1))
    for start in range(0, n, rows_at_once):
        both = (weighted[start : start + rows_at_once] @ present.T).tocoo()
        i, j = both.row + start, both.col
        few = np.minimum(counts[i], counts[j]) < FEW_RUNS
        of = np.where(few, size[i] + size[j] - both.data, np.minimum(size[i], size[j]))
        share = np.divide(both.data, of, out=np.zeros(len(of)), where=of > 0)
        keep = (i < j) & (share >= least)
        pairs.append(np.column_stack([i[keep], j[keep]]))
        shared.append(share[keep])
    return np.concatenate(pairs), np.concatenate(shared)


def _weighted(texts: Sequence[str]) -> tuple[Any, np.ndarray]:
    """The runs of each text, weighed by rarity, `(n, runs)` in sparse rows; and how many it has, `(n,)`."""
    from scipy.sparse import csr_matrix
    from sklearn.feature_extraction.text import CountVectorizer

    try:
        held = CountVectorizer(analyzer=runs, binary=True, dtype=float).fit_transform(texts)
    except ValueError:  # nothing but punctuation
        return csr_matrix((len(texts), 1)), np.zeros(len(texts))
    texts_with = np.asarray(held.sum(axis=0)).ravel()
    # What two texts share counts as what one holds alone, or a pair of copies would testify against itself.
    rarity = np.log1p(len(texts) / np.maximum(texts_with, 2))
    rarity[texts_with > max(MOST_COMMON * len(texts), 2)] = 0
    weighted = csr_matrix(held.multiply(rarity))
    weighted.eliminate_zeros()
    return weighted, np.diff(weighted.indptr)


def runs(text: str) -> list[str]:
    """The runs of `RUN` words of a text, a shorter one whole; without case and punctuation.

    >>> runs("Hello there, you!"), runs("Thanks."), runs("打印机")
    (['hello there', 'there you'], ['thanks'], ['打 印', '印 机'])
    """
    found = re.findall(WORD, text.lower())
    if len(found) <= RUN:
        return [" ".join(found)] if found else []
    return [" ".join(found[i : i + RUN]) for i in range(len(found) - RUN + 1)]
