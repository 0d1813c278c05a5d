"""A text encoder with its pooling as an ONNX file, made once and kept under the weights' checksum."""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from handful.backbones.export import kept_as, stem_of
from handful.backbones.text_folder import Recipe
from handful.backbones.text_loading import load_sentence_transformer
from handful.backbones.text_onnx import OnnxTexts
from handful.backbones.text_registry import TextBackbone, files

if TYPE_CHECKING:
    import torch

_OPSET = 17


# What a tokenizer may stumble over, and texts longer than any limit: here our own path must give the vectors
# that sentence-transformers gives.
PROBES = (
    "",
    "A short sentence, with a comma.",
    "  UPPER case\tand\nodd   spaces ",
    "Ünïcödé, 漢字 and an emoji 🙂",
    "It isn't <mask> [SEP] e-mail@example.org 3.14159",
    "the same words again and again " * 200,
)
LEAST_COSINE = 0.9999


def onnx_model(backbone: TextBackbone, recipe: Recipe) -> bytes:
    """The serialised network: `ids` and `mask` (b, t) int64 -> `vectors` (b, d) float32.

    Empty where this network cannot be had so: it does not convert, or gives other vectors than
    sentence-transformers does. That is found out once, and kept as the file would be.
    """
    from importlib.metadata import version

    made_by = f"{backbone.identity} {recipe} {_OPSET} {version('torch')} {version('transformers')}"
    return kept_as(stem_of("text", made_by), lambda: _checked(backbone, recipe))


def _checked(backbone: TextBackbone, recipe: Recipe) -> bytes:
    model = load_sentence_transformer(files(backbone), "cpu")
    wanted = model.encode(list(PROBES), prompt=backbone.prefix or recipe.prefix, show_progress_bar=False)
    try:
        content = export(model, recipe)
        ours = OnnxTexts.load(backbone, recipe, content, threads=1)
        found = np.empty_like(wanted)
        for rows, vectors in ours.run(PROBES):
            found[rows] = vectors
        cosine = _cosine(found, wanted)
        reason = f"its vectors would differ, cosine {cosine:.5f}"
    except Exception as error:  # a network that cannot be converted says so in many ways
        cosine, reason = 0.0, f"{type(error).__name__}: {error}".splitlines()[0]
    if cosine >= LEAST_COSINE:
        return content
    warnings.warn(
        f"the text backbone {backbone.name!r} cannot run on ONNX Runtime ({reason}), so "
        "sentence-transformers runs it on torch: the same vectors, more slowly.",
        stacklevel=2,
    )
    return b""


def _cosine(a: np.ndarray, b: np.ndarray) -> float:
    """The smallest between rows of the same number; 0 where something is not finite."""
    cosines = (a * b).sum(1) / (np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1))
    return float(np.nan_to_num(cosines).min())


def export(sentence_transformer: Any, recipe: Recipe) -> bytes:
    """Convert its transformer, with pooling and normalisation, by torch's tracing exporter."""
    import torch

    model = sentence_transformer[0].auto_model
    model.set_attn_implementation("eager")  # plain products, which the exporter knows
    ids = torch.tensor([[5, 6, 7, 8], [5, 6, 7, 0]])
    mask = torch.tensor([[1, 1, 1, 1], [1, 1, 1, 0]])
    buffer = io.BytesIO()
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")  # tracing says of each test in the code that it becomes a constant
        torch.onnx.export(
            _pooled(model, recipe).eval(),
            (ids, mask),
            buffer,  # type: ignore[arg-type]  # the tracing exporter takes a file object
            dynamo=False,
            opset_version=_OPSET,
            input_names=["ids", "mask"],
            output_names=["vectors"],
            dynamic_axes={"ids": {0: "b", 1: "t"}, "mask": {0: "b", 1: "t"}, "vectors": {0: "b"}},
        )
    return buffer.getvalue()


def _pooled(model: torch.nn.Module, recipe: Recipe) -> torch.nn.Module:
    import torch

    class Pooled(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
            states = self.model(input_ids=ids, attention_mask=mask).last_hidden_state  # (b, t, d)
            if recipe.pooling == "cls":
                vectors = states[:, 0]  # (b, d)
            else:
                weights = mask.unsqueeze(-1).to(states.dtype)  # (b, t, 1)
                vectors = (states * weights).sum(1) / weights.sum(1)  # (b, d)
            return torch.nn.functional.normalize(vectors, dim=1) if recipe.normalised else vectors

    return Pooled()
