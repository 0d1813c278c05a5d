"""A text encoder cut in two: a front that stays as it is, and its last blocks, which can be trained.

What the front makes of a text never changes and is a function of that text alone, so it is computed once and
kept in half precision, as for pictures (`front`); an epoch of training then costs the last blocks only.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from handful.backbones.cache import missing, through
from handful.backbones.engine import choose
from handful.backbones.text_folder import Recipe, read_recipe
from handful.backbones.text_loading import TEXT_EXTRA, load_tokenizer
from handful.backbones.text_registry import TextBackbone, files
from handful.backbones.texts import Texts
from handful.errors import MissingExtraError, SettingsError

if TYPE_CHECKING:
    import torch

Progress = Callable[[int, int], None]  # (done, total)

_STEP = 32  # texts are stored padded to a multiple of so many word pieces
_CHUNK = 64  # texts that reach the disk together
_LARGEST = float(np.finfo(np.float16).max)
_PROBE = "Handful learns from a few examples."


class TextCutError(SettingsError):
    """The encoder is no chain of blocks that could be cut."""


@dataclass(frozen=True)
class TextCut:
    """Where an encoder is cut: the first `first` of its `n_blocks` blocks stay as they are."""

    backbone: TextBackbone
    first: int
    n_blocks: int
    max_tokens: int

    def tail(self) -> torch.nn.Module:
        """A fresh copy of the other blocks with their pretrained weights, see `tail_of`."""
        encoder = load(self.backbone)
        return tail_of(encoder.blocks[self.first :], encoder.recipe.pooling)

    @property
    def key(self) -> str:
        return f"{self.backbone.identity} front of {self.first} blocks"


@dataclass(frozen=True)
class Encoder:
    """An encoder's parts: word pieces, what makes vectors of them, and blocks that follow each other."""

    recipe: Recipe
    tokenizer: Any
    embeddings: Any
    blocks: tuple[Any, ...]

    def pieces(self, text: str) -> list[int]:
        return self.tokenizer.encode(self.recipe.prefix + text).ids


@lru_cache(maxsize=16)
def cut_text(backbone: TextBackbone, depth: int) -> TextCut:
    """A cut with `depth` blocks behind it, all that there are at most.

    Raises TextCutError where the encoder is no chain of blocks; MissingExtraError without transformers.
    """
    encoder = load(backbone)
    n = len(encoder.blocks)
    return TextCut(backbone, max(0, n - depth), n, encoder.recipe.max_tokens)


def states(
    texts: Sequence[Any] | np.ndarray, cut: TextCut, *, device: str = "auto", progress: Progress | None = None
) -> list[np.ndarray]:
    """For each text the vectors of its word pieces at the cut, `(t, d)` float16.

    One text is computed at a time and without padding: what comes out is the same, bit for bit, whatever
    else is computed with it.
    """
    named = Texts.of(texts)
    lengths = warm_states(texts, cut, device=device, progress=progress)
    out: list[np.ndarray] = [np.empty(0)] * len(named)
    for size in np.unique(_padded(lengths)):
        rows = np.flatnonzero(_padded(lengths) == size)
        found = through(_key(cut, size), named[rows], [_LEVEL], _compute(cut, size, device))[_LEVEL]
        for i, row in zip(rows, found, strict=True):
            out[i] = np.array(row.reshape(size, -1)[: lengths[i]])
    return out


def warm_states(
    texts: Sequence[Any] | np.ndarray, cut: TextCut, *, device: str = "auto", progress: Progress | None = None
) -> np.ndarray:
    """Compute and store what `states` will ask for; the texts' numbers of word pieces `(n,)`."""
    named, encoder = Texts.of(texts), load(cut.backbone)
    lengths = np.array([len(encoder.pieces(text)) for text in named.texts], dtype=int)
    work = []
    for size in np.unique(_padded(lengths)):
        rows = np.flatnonzero(_padded(lengths) == size)
        todo = rows[missing(_key(cut, size), named[rows], [_LEVEL])]
        work += [(size, todo[i : i + _CHUNK]) for i in range(0, len(todo), _CHUNK)]
    total, done = sum(len(rows) for _, rows in work), 0
    for size, rows in work:
        through(_key(cut, size), named[rows], [_LEVEL], _compute(cut, size, device))
        done += len(rows)
        if progress:
            progress(done, total)
    return lengths


_LEVEL = "pieces"


def _padded(lengths: np.ndarray) -> np.ndarray:
    return -(-lengths // _STEP) * _STEP


def _key(cut: TextCut, size: int) -> str:
    return f"{cut.key}, {size} pieces"


def _compute(cut: TextCut, size: int, device: str) -> Callable[[Texts], dict[str, np.ndarray]]:
    def compute(some: Texts) -> dict[str, np.ndarray]:
        found = list(_front(cut, some.texts, "cuda" if choose(device) == "cuda" else "cpu"))
        out = np.zeros((len(found), size, found[0].shape[1]), np.float16)
        for row, x in zip(out, found, strict=True):
            row[: len(x)] = np.clip(x, -_LARGEST, _LARGEST)
        return {_LEVEL: out.reshape(len(found), -1)}

    return compute


def _front(cut: TextCut, texts: Sequence[str] | np.ndarray, where: str) -> Iterator[np.ndarray]:
    """`(t, d)` float32 for each text."""
    import torch

    encoder = load(cut.backbone)
    parts = [part.to(where) for part in (encoder.embeddings, *encoder.blocks[: cut.first])]
    try:
        with torch.inference_mode():
            for text in texts:
                x = parts[0](torch.tensor([encoder.pieces(text)], device=where))  # (1, t, d)
                for block in parts[1:]:
                    x = _states(block(x))
                yield x[0].float().cpu().numpy()
    finally:
        for part in parts:
            part.to("cpu")


def tail_of(blocks: Sequence[torch.nn.Module], pooling: str) -> torch.nn.Module:
    """Copies of the blocks, and the pooling: batches of `pack` to vectors of length 1, `(b, d)`."""
    from torch import nn

    class Tail(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.blocks = nn.ModuleList(copy.deepcopy(block) for block in blocks)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x, there = x[..., :-1], x[..., -1:]  # (b, t, d), (b, t, 1)
            for block in self.blocks:
                x = _states(block(x, there[:, None, None, :, 0] > 0))
            vectors = x[:, 0] if pooling == "cls" else (x * there).sum(1) / there.sum(1)  # (b, d)
            return nn.functional.normalize(vectors.float(), dim=1)

    return Tail()


def pack(found: Sequence[np.ndarray]) -> torch.Tensor:
    """States of b texts as one batch, `(b, t, d + 1)` float32: padded, the last column 1 where a piece is."""
    import torch

    longest = max(len(x) for x in found)
    batch = np.zeros((len(found), longest, found[0].shape[1] + 1), np.float32)
    for row, x in zip(batch, found, strict=True):
        row[: len(x), :-1] = x
        row[: len(x), -1] = 1
    return torch.from_numpy(batch)


def _states(found: Any) -> Any:
    """A block's output: a tensor, or a tuple that begins with it."""
    return found[0] if isinstance(found, tuple) else found


@lru_cache(maxsize=2)
def load(backbone: TextBackbone) -> Encoder:
    """The encoder's parts on the CPU, in eval mode; to be copied before anything trains them.

    Raises TextCutError where they are no chain: what they give for a text is compared with what the whole
    network gives.
    """
    if backbone.kind != "transformer":
        raise TextCutError(f"the text backbone {backbone.name!r} has no layers that could be trained on.")
    folder = files(backbone)
    recipe = read_recipe(folder)
    if recipe is None:
        raise TextCutError(_no_chain(backbone))
    model = _transformer(folder)
    tokenizer = load_tokenizer(folder / "tokenizer.json", recipe.max_tokens)
    blocks = tuple(getattr(getattr(model, "encoder", None), "layer", ()))
    if backbone.prefix:
        recipe = Recipe(recipe.max_tokens, recipe.pooling, recipe.normalised, backbone.prefix)
    encoder = Encoder(recipe, tokenizer, getattr(model, "embeddings", None), blocks)
    _check(encoder, model, backbone)
    return encoder


def _check(encoder: Encoder, model: Any, backbone: TextBackbone) -> None:
    import torch

    ids = torch.tensor([encoder.pieces(_PROBE)])
    with torch.inference_mode():
        wanted = model(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state
        try:
            x = encoder.embeddings(ids)
            for block in encoder.blocks:
                x = _states(block(x))
        except Exception as error:  # modules that are no chain fail in many ways
            raise TextCutError(_no_chain(backbone)) from error
    if not encoder.blocks or x.shape != wanted.shape or not torch.allclose(x, wanted, rtol=1e-3, atol=1e-3):
        raise TextCutError(_no_chain(backbone))


def _no_chain(backbone: TextBackbone) -> str:
    return (
        f"the text backbone {backbone.name!r} is not a chain of blocks that handful could cut, so it is used "
        "with frozen vectors only. BERT, RoBERTa and what is built like them can be cut."
    )


def _transformer(folder: Path) -> Any:
    if find_spec("transformers") is None:
        raise MissingExtraError("transformers", TEXT_EXTRA, "fine-tuning a text encoder")
    from handful.backbones.torchvision_guard import ensure_torchvision

    ensure_torchvision()  # transformers imports it
    from transformers import AutoModel

    with _quietly():
        return AutoModel.from_pretrained(
            str(folder), local_files_only=True, trust_remote_code=False, attn_implementation="sdpa"
        ).eval()


@contextmanager
def _quietly() -> Iterator[None]:
    """Without transformers' progress bar, and its report of weights (a pooler's) that are not in the file."""
    from transformers.utils import logging

    shown, level = logging.is_progress_bar_enabled(), logging.get_verbosity()
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if shown:
            logging.enable_progress_bar()
