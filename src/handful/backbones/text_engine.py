"""The text engine: texts in, vectors out, each a function of its text alone.

On the CPU a plain encoder runs on ONNX Runtime in float32, one batch of texts of similar length a thread, and
its word pieces come from the `tokenizers` library alone: importing transformers takes seconds. What is no
plain encoder, and everything on a GPU, runs through sentence-transformers. Static word vectors are looked up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from handful.backbones.engine import choose, usable_cores
from handful.backbones.text_folder import Recipe, prefix, read_recipe
from handful.backbones.text_registry import TEXT_EXTRA, TextBackbone, files
from handful.errors import MissingExtraError

Progress = Callable[[int, int], None]  # (done, total)
Rows = tuple[np.ndarray, np.ndarray]  # positions (m,), vectors (m, d)

# Word pieces in one call of the network: more bring nothing, and leave the caches of a core.
BATCH_TOKENS = 512


class Runtime(Protocol):
    """What an engine runs on: yields the vectors of all texts, piece by piece, in any order."""

    def run(self, texts: Sequence[str]) -> Iterator[Rows]: ...


class TextEngine:
    """A text encoder made ready.

    Parameters
    ----------
    backbone : TextBackbone
    device : "auto", "cpu" or "cuda"
    threads : int, optional
        CPU threads; all that this process may use by default.
    """

    def __init__(self, backbone: TextBackbone, device: str = "auto", threads: int | None = None) -> None:
        self.backbone = backbone
        self._runtime = _runtime(backbone, choose(device), threads or usable_cores())

    def encode(self, texts: Sequence[str], progress: Progress | None = None) -> np.ndarray:
        """The vectors `(n, d)` float32 of n texts. `progress` is called in this thread."""
        out = np.empty((len(texts), self.backbone.dimension), np.float32)
        done = 0
        for rows, vectors in self._runtime.run(texts):
            out[rows] = vectors
            done += len(rows)
            if progress:
                progress(done, len(texts))
        return out


def _runtime(backbone: TextBackbone, kind: str, threads: int) -> Runtime:
    if backbone.kind == "static":
        return _Static.load(backbone)
    folder = files(backbone)
    recipe = read_recipe(folder)
    if kind in ("cuda", "torch") or recipe is None:
        return _SentenceTransformers.load(backbone, "cuda" if kind == "cuda" else "cpu")
    return _Onnx.load(backbone, recipe, threads)


@dataclass
class _Onnx:
    session: Any
    tokenizer: Any
    prefix: str
    threads: int

    @classmethod
    def load(cls, backbone: TextBackbone, recipe: Recipe, threads: int) -> _Onnx:
        from handful.backbones.text_export import onnx_model

        tokenizer = load_tokenizer(files(backbone) / "tokenizer.json", recipe.max_tokens)
        content = onnx_model(backbone, recipe)
        import onnxruntime

        options = onnxruntime.SessionOptions()
        # One thread a batch and a batch a thread: nothing to wait for inside, so nothing to spin for.
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        return cls(session, tokenizer, backbone.prefix or recipe.prefix, threads)

    def run(self, texts: Sequence[str]) -> Iterator[Rows]:
        pieces = [self.tokenizer.encode(self.prefix + text).ids for text in texts]
        with ThreadPoolExecutor(self.threads) as pool:
            yield from pool.map(lambda rows: (rows, self._encode([pieces[i] for i in rows])), batches(pieces))

    def _encode(self, pieces: list[list[int]]) -> np.ndarray:
        longest = max(len(p) for p in pieces)
        ids = np.zeros((len(pieces), longest), np.int64)
        mask = np.zeros_like(ids)
        for i, p in enumerate(pieces):
            ids[i, : len(p)] = p
            mask[i, : len(p)] = 1
        return self.session.run(None, {"ids": ids, "mask": mask})[0]


def batches(pieces: Sequence[Sequence[int]]) -> list[np.ndarray]:
    """Positions of texts of similar length, the longest first, at most BATCH_TOKENS word pieces together."""
    order = np.argsort([-len(p) for p in pieces], kind="stable")
    found, start = [], 0
    while start < len(order):
        size = max(1, BATCH_TOKENS // len(pieces[order[start]]))
        found.append(order[start : start + size])
        start += size
    return found


@dataclass
class _Static:
    """The mean of stored vectors of word pieces, at length 1; a text without any is 0."""

    vectors: np.ndarray  # (vocabulary, d)
    tokenizer: Any

    @classmethod
    def load(cls, backbone: TextBackbone) -> _Static:
        from safetensors.numpy import load_file

        folder = files(backbone)
        vectors = load_file(folder / "weights" / "l2_supercat_256.safetensors")["embedding.weight"]
        tokenizer = load_tokenizer(folder / "tokenizers" / "l2_supercat_tokenizer_config.json", None)
        return cls(vectors.astype(np.float32), tokenizer)

    def run(self, texts: Sequence[str]) -> Iterator[Rows]:
        for row, text in enumerate(texts):
            ids = self.tokenizer.encode(text, add_special_tokens=False).ids
            mean = self.vectors[ids].mean(0) if ids else np.zeros(self.vectors.shape[1], np.float32)
            yield np.array([row]), mean[None] / max(float(np.linalg.norm(mean)), 1e-12)


@dataclass
class _SentenceTransformers:
    model: Any
    prefix: str
    batch: int

    @classmethod
    def load(cls, backbone: TextBackbone, device: str) -> _SentenceTransformers:
        folder = files(backbone)
        model = load_sentence_transformer(folder, device)
        if device == "cuda":
            model.half()
        return cls(model, backbone.prefix or prefix(folder), batch=256 if device == "cuda" else 32)

    def run(self, texts: Sequence[str]) -> Iterator[Rows]:
        order = np.argsort([-len(text) for text in texts], kind="stable")
        for first in range(0, len(order), self.batch):
            rows = order[first : first + self.batch]
            some = [texts[i] for i in rows]
            yield (
                rows,
                self.model.encode(
                    some, batch_size=self.batch, prompt=self.prefix, show_progress_bar=False
                ).astype(np.float32),
            )


def load_sentence_transformer(folder: Path, device: str) -> Any:
    """The model of a folder, which is all that is read: nothing is asked of the hub, no code of it is run."""
    if find_spec("sentence_transformers") is None:
        raise MissingExtraError("sentence-transformers", TEXT_EXTRA, f"the text encoder in {folder}")
    from handful.backbones.torchvision_guard import ensure_torchvision

    ensure_torchvision()  # transformers imports it
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(
        str(folder.absolute()), device=device, local_files_only=True, trust_remote_code=False
    ).eval()


def load_tokenizer(path: Path, max_tokens: int | None) -> Any:
    """The word pieces of a `tokenizer.json`, cut at `max_tokens` and never padded."""
    if find_spec("tokenizers") is None:
        raise MissingExtraError("tokenizers", TEXT_EXTRA, "splitting texts into word pieces")
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    if max_tokens:
        tokenizer.enable_truncation(max_tokens)
    return tokenizer
