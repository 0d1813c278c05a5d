"""A text encoder with its pooling as an ONNX file, made once and kept under the weights' checksum."""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING

from handful.backbones.export import kept_as, stem_of
from handful.backbones.text_folder import Recipe
from handful.backbones.text_registry import TextBackbone, files

if TYPE_CHECKING:
    import torch

_OPSET = 17


def onnx_model(backbone: TextBackbone, recipe: Recipe) -> bytes:
    """The serialised network: `ids` and `mask` (b, t) int64 -> `vectors` (b, d) float32."""
    from importlib.metadata import version

    made_by = f"{backbone.identity} {recipe} {_OPSET} {version('torch')} {version('transformers')}"
    return kept_as(stem_of(f"text {backbone.name}"[:40], made_by), lambda: export(backbone, recipe))


def export(backbone: TextBackbone, recipe: Recipe) -> bytes:
    """Convert with torch's tracing exporter."""
    import torch

    from handful.backbones.text_engine import load_sentence_transformer

    model = load_sentence_transformer(files(backbone), "cpu")[0].auto_model
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
