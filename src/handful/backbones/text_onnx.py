"""A plain text encoder from its ONNX file: on ONNX Runtime in float32, or on OpenVINO.

One batch of texts of one length a thread. Every text is padded as if it were alone, so its vector does not
depend on what is encoded beside it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np

from handful.backbones.engine import answers, import_openvino, one_thread_session
from handful.backbones.text_folder import Recipe
from handful.backbones.text_loading import load_tokenizer
from handful.backbones.text_registry import TextBackbone, files

Rows = tuple[np.ndarray, np.ndarray]  # positions (m,), vectors (m, d)

# Word pieces in one call of the network. MiniLM takes, in CPU ms a text of 8 / 24 / 64 / 256 pieces: alone
# 3.2 / 5.5 / 14 / 49, 384 pieces together 1.4 / 4.0 / 11 / 49, and 2048 together 1.4 / 4.1 / 12 / 57.
BATCH_TOKENS = 384
PADDED_TO = 8  # a multiple of so many


@dataclass
class WordPieces:
    """How texts become what the network takes: `ids` and `mask` (m, t) int64."""

    tokenizer: Any
    prefix: str
    max_tokens: int

    @classmethod
    def of(cls, backbone: TextBackbone, recipe: Recipe) -> WordPieces:
        path = files(backbone, with_weights=False) / "tokenizer.json"
        tokenizer = load_tokenizer(path, recipe.max_tokens)
        return cls(tokenizer, backbone.prefix or recipe.prefix, recipe.max_tokens)

    def batches(self, texts: Sequence[str]) -> Iterator[tuple[np.ndarray, dict[str, np.ndarray]]]:
        """Positions `(m,)` of texts that are encoded together, and their pieces; the longest first."""
        pieces = [self.tokenizer.encode(self.prefix + text).ids for text in texts]
        lengths = [min(-(-len(p) // PADDED_TO) * PADDED_TO, self.max_tokens) for p in pieces]
        for rows in batches(lengths):
            ids = np.zeros((len(rows), lengths[rows[0]]), np.int64)
            mask = np.zeros_like(ids)
            for i, row in enumerate(rows):
                ids[i, : len(pieces[row])] = pieces[row]
                mask[i, : len(pieces[row])] = 1
            yield rows, {"ids": ids, "mask": mask}


def batches(lengths: Sequence[int]) -> list[np.ndarray]:
    """Positions of one length each, the longest first, at most BATCH_TOKENS together."""
    order = np.argsort([-length for length in lengths], kind="stable")
    found = []
    for length, same in groupby(order, key=lambda i: lengths[i]):
        rows, most = np.array(list(same)), max(1, BATCH_TOKENS // max(1, length))
        found += [rows[first : first + most] for first in range(0, len(rows), most)]
    return found


@dataclass
class OnnxTexts:
    """On ONNX Runtime."""

    session: Any
    pieces: WordPieces
    threads: int

    @classmethod
    def load(cls, backbone: TextBackbone, recipe: Recipe, content: bytes, threads: int) -> OnnxTexts:
        return cls(one_thread_session(content), WordPieces.of(backbone, recipe), threads)

    def run(self, texts: Sequence[str]) -> Iterator[Rows]:
        with ThreadPoolExecutor(self.threads) as pool:
            yield from pool.map(
                lambda batch: (batch[0], self.session.run(None, batch[1])[0]), self.pieces.batches(texts)
            )


@dataclass
class OpenVinoTexts:
    """On OpenVINO, in float32 or bfloat16."""

    queue: Any
    pieces: WordPieces

    @classmethod
    def load(
        cls, backbone: TextBackbone, recipe: Recipe, content: bytes, threads: int, hint: str
    ) -> OpenVinoTexts:
        openvino = import_openvino()
        core = openvino.Core()
        about = {
            "INFERENCE_PRECISION_HINT": hint,
            "NUM_STREAMS": threads,
            "INFERENCE_NUM_THREADS": threads,
        }
        compiled = core.compile_model(core.read_model(content), "CPU", about)
        return cls(openvino.AsyncInferQueue(compiled, threads), WordPieces.of(backbone, recipe))

    def run(self, texts: Sequence[str]) -> Iterator[Rows]:
        for rows, (vectors,) in answers(self.queue, self.pieces.batches(texts)):
            yield rows, vectors
