"""The text engine: texts in, vectors out, each a function of its text alone.

On the CPU a plain encoder runs on ONNX Runtime in float32, one batch of texts of similar length a thread, and
its word pieces come from the `tokenizers` library alone: importing transformers takes seconds. What is no
plain encoder runs through sentence-transformers, and so does everything on a GPU (in float16) and where
HANDFUL_ENGINE says "torch"; OpenVINO is for pictures. Static word vectors are looked up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from handful.backbones.engine import choose, precision, usable_cores
from handful.backbones.text_folder import Recipe, prefix, read_recipe
from handful.backbones.text_registry import TEXT_EXTRA, TextBackbone, files
from handful.errors import MissingExtraError

_ON_TORCH = ("cuda", "torch")

Progress = Callable[[int, int], None]  # (done, total)
Rows = tuple[np.ndarray, np.ndarray]  # positions (m,), vectors (m, d)

# Word pieces in one call of the network. MiniLM takes, in CPU ms a text of 8 / 24 / 64 / 256 pieces: alone
# 3.2 / 5.5 / 14 / 49, 384 pieces together 1.4 / 4.0 / 11 / 49, and 2048 together 1.4 / 4.1 / 12 / 57.
BATCH_TOKENS = 384
LEAST_FILLED = 0.75


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
    engine : as for pictures
    """

    def __init__(
        self, backbone: TextBackbone, device: str = "auto", threads: int | None = None, engine: str = "auto"
    ) -> None:
        self.backbone = backbone
        self._runtime = _runtime(backbone, choose(device, engine), threads or usable_cores())

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


def numbers(backbone: TextBackbone, kind: str) -> str:
    """The precision in which an engine of this kind makes the backbone's vectors."""
    return precision(kind) if backbone.kind == "transformer" and kind in _ON_TORCH else "float32"


def _runtime(backbone: TextBackbone, kind: str, threads: int) -> Runtime:
    if backbone.kind == "static":
        return _Static.load(backbone)
    recipe = read_recipe(files(backbone, with_weights=False))
    if kind not in _ON_TORCH and recipe is not None:
        from handful.backbones.text_export import onnx_model

        content = onnx_model(backbone, recipe)
        if content:
            return OnnxTexts.load(backbone, recipe, content, threads)
    return _SentenceTransformers.load(backbone, kind if kind in _ON_TORCH else "torch", threads)


@dataclass
class OnnxTexts:
    """A plain encoder on ONNX Runtime: one thread a batch and a batch a thread."""

    session: Any
    tokenizer: Any
    prefix: str
    threads: int

    @classmethod
    def load(cls, backbone: TextBackbone, recipe: Recipe, content: bytes, threads: int) -> OnnxTexts:
        folder = files(backbone, with_weights=False)
        tokenizer = load_tokenizer(folder / "tokenizer.json", recipe.max_tokens)
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1  # nothing to wait for inside, so nothing to spin for
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
    """Positions of texts that are encoded together, the longest first.

    At most BATCH_TOKENS word pieces with the padding, and none padded by more than a quarter of the longest.
    """
    order = np.argsort([-len(p) for p in pieces], kind="stable")
    found, start = [], 0
    while start < len(order):
        longest = len(pieces[order[start]])
        end = start + 1
        while end < len(order) and (end + 1 - start) * longest <= BATCH_TOKENS:
            if len(pieces[order[end]]) < LEAST_FILLED * longest:
                break
            end += 1
        found.append(order[start:end])
        start = end
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
        for first in range(0, len(texts), 256):
            some = texts[first : first + 256]
            yield np.arange(first, first + len(some)), np.stack([self._encode(text) for text in some])

    def _encode(self, text: str) -> np.ndarray:
        ids = self.tokenizer.encode(text, add_special_tokens=False).ids
        total = self.vectors[ids].sum(0)
        return total / max(float(np.linalg.norm(total)), 1e-12)


@dataclass
class _SentenceTransformers:
    model: Any
    prefix: str
    kind: str
    threads: int

    @classmethod
    def load(cls, backbone: TextBackbone, kind: str, threads: int) -> _SentenceTransformers:
        folder = files(backbone)
        model = load_sentence_transformer(folder, "cuda" if kind == "cuda" else "cpu")
        return cls(model, backbone.prefix or prefix(folder), kind, threads)

    def run(self, texts: Sequence[str]) -> Iterator[Rows]:
        import torch

        batch = 256 if self.kind == "cuda" else 32
        order = np.argsort([-len(text) for text in texts], kind="stable")
        before = torch.get_num_threads()
        torch.set_num_threads(self.threads)
        try:
            for first in range(0, len(order), batch):
                rows = order[first : first + batch]
                yield rows, self._encode([texts[i] for i in rows])
        finally:
            torch.set_num_threads(before)

    def _encode(self, texts: list[str]) -> np.ndarray:
        import torch

        with torch.autocast("cuda", dtype=torch.float16, enabled=self.kind == "cuda"):
            vectors = self.model.encode(
                texts,
                batch_size=len(texts),
                prompt=self.prefix,
                show_progress_bar=False,
                convert_to_numpy=False,
                convert_to_tensor=True,
            )
        return vectors.float().cpu().numpy()


def load_sentence_transformer(folder: Path, device: str) -> Any:
    """The model of a folder, which is all that is read: nothing is asked of the hub, no code of it is run."""
    if find_spec("sentence_transformers") is None:
        raise MissingExtraError("sentence-transformers", TEXT_EXTRA, f"the text encoder in {folder}")
    from handful.backbones.torchvision_guard import ensure_torchvision

    ensure_torchvision()  # transformers imports it
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging

    talks = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        return SentenceTransformer(
            str(folder.absolute()), device=device, local_files_only=True, trust_remote_code=False
        ).eval()
    finally:
        if talks:
            logging.enable_progress_bar()


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
