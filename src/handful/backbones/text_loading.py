"""What a text encoder's folder holds, made ready: the model as it was saved, and its word pieces."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from handful.errors import MissingExtraError

TEXT_EXTRA = "text"


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
