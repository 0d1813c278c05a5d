"""The text engine: texts in, vectors out, each a function of its text alone.

On the CPU a plain encoder runs from its ONNX file on ONNX Runtime in float32, and its word pieces come from
the `tokenizers` library alone: importing transformers takes seconds. What is no plain encoder runs through
sentence-transformers, and so does everything on a GPU (in float16). Another engine is taken when it is asked
for, as for pictures: "openvino" (in float32 as quick as the former), "openvino-bf16" (half the time or less,
where the processor has bfloat16; cosine to float32 above .9999), or "torch". Static word vectors are looked
up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from handful.backbones.engine import choose, precision
from handful.backbones.text_export import onnx_model
from handful.backbones.text_folder import prefix, read_recipe
from handful.backbones.text_loading import load_sentence_transformer, load_tokenizer
from handful.backbones.text_onnx import OnnxTexts, OpenVinoTexts, Rows
from handful.backbones.text_registry import TextBackbone, files
from handful.workers import usable_cores

_ON_TORCH = ("cuda", "torch")

Progress = Callable[[int, int], None]  # (done, total)


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
    return precision(kind) if backbone.kind == "transformer" else "float32"


def _runtime(backbone: TextBackbone, kind: str, threads: int) -> Runtime:
    if backbone.kind == "static":
        return _Static.load(backbone)
    recipe = read_recipe(files(backbone, with_weights=False))
    content = onnx_model(backbone, recipe) if recipe is not None and kind not in _ON_TORCH else b""
    if recipe is None or not content:
        return _SentenceTransformers.load(backbone, kind if kind in _ON_TORCH else "torch", threads)
    if kind.startswith("openvino"):
        hint = "bf16" if kind.endswith("bf16") else "f32"
        return OpenVinoTexts.load(backbone, recipe, content, threads, hint)
    return OnnxTexts.load(backbone, recipe, content, threads)


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
