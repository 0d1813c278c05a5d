"""A sentence-transformers folder: what its files say of how a text becomes a vector, and their checksums."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from handful.backbones.registry import file_sha256

# What may lie in such a folder and does not count, such as copies of the weights for other engines.
ASIDE = ("onnx", "openvino", ".git", ".cache")
_SETTINGS = (".json", ".txt", ".model")
_POOLINGS = {"pooling_mode_mean_tokens": "mean", "pooling_mode_cls_token": "cls"}


@dataclass(frozen=True)
class Recipe:
    """A plain text encoder: word pieces, a transformer, one vector from its last layer.

    `max_tokens` counts word pieces with the two that mark begin and end; `pooling` is "mean" (of all pieces)
    or "cls" (the first); `prefix` is put in front of every text.
    """

    max_tokens: int
    pooling: str
    normalised: bool
    prefix: str


def read_recipe(folder: Path) -> Recipe | None:
    """How the folder's model makes a vector; None where it is more than a plain encoder."""
    modules = [(m["type"].split(".")[-1], m["path"]) for m in _json(folder / "modules.json", [])]
    kinds = [kind for kind, _ in modules]
    if kinds not in (["Transformer", "Pooling"], ["Transformer", "Pooling", "Normalize"]):
        return None
    if not (folder / "tokenizer.json").is_file() or modules[0][1]:
        return None
    about = _json(folder / "sentence_bert_config.json", {})
    pooling = _pooling(_json(folder / modules[1][1] / "config.json", {}))
    limits = [
        about.get("max_seq_length") or _json(folder / "tokenizer_config.json", {}).get("model_max_length"),
        _json(folder / "config.json", {}).get("max_position_embeddings"),
    ]
    known = [int(limit) for limit in limits if limit]
    if pooling is None or not known or about.get("do_lower_case"):
        return None
    return Recipe(min(known), pooling, "Normalize" in kinds, prefix(folder))


def prefix(folder: Path) -> str:
    """What the model wants in front of every text, by its own settings."""
    about = _json(folder / "config_sentence_transformers.json", {})
    return (about.get("prompts") or {}).get(about.get("default_prompt_name")) or ""


def dimension(folder: Path) -> int | None:
    """Length of the vectors, where the settings tell it."""
    found = _json(folder / "config.json", {}).get("hidden_size")
    for module in _json(folder / "modules.json", []):
        about = _json(folder / module["path"] / "config.json", {}) if module["path"] else {}
        kind = module["type"].split(".")[-1]
        if kind == "Pooling":
            found = about.get("embedding_dimension") or about.get("word_embedding_dimension")
            modes = about.get("pooling_mode")
            several = len(modes) if isinstance(modes, list) else 1
            found = found and found * max(several, sum(bool(about.get(k)) for k in about if "mode_" in k))
        elif "out_features" in about:
            found = about["out_features"]
        elif kind not in ("Transformer", "Normalize", "Dropout"):
            found = None
    return found


def weights(folder: Path) -> list[Path]:
    """The files with the weights; none where the folder holds no model."""
    inside = _inside(folder)
    return [p for p in inside if p.suffix == ".safetensors"] or [p for p in inside if p.suffix == ".bin"]


def _inside(folder: Path) -> list[Path]:
    return [
        p for p in sorted(folder.rglob("*")) if p.relative_to(folder).parts[0] not in ASIDE and p.is_file()
    ]


def weights_sha256(folder: Path) -> str:
    """The checksum of the weights; of several files, one over all of theirs."""
    sums = [file_sha256(path) for path in weights(folder)]
    return sums[0] if len(sums) == 1 else hashlib.sha256(" ".join(sums).encode()).hexdigest()


def settings_sha256(folder: Path) -> str:
    """One checksum over the tokenizer and all settings."""
    files = [p for p in _inside(folder) if p.suffix in _SETTINGS]
    named = [f"{p.relative_to(folder).as_posix()} {file_sha256(p)}" for p in files]
    return hashlib.sha256("\n".join(named).encode()).hexdigest()


def _pooling(about: dict[str, Any]) -> str | None:
    """ "mean" or "cls", where one of them is all that is done."""
    if not about.get("include_prompt", True):
        return None
    if "pooling_mode" in about:
        modes = about["pooling_mode"]
        modes = [modes] if isinstance(modes, str) else modes
    else:
        modes = [
            _POOLINGS.get(key, key) for key, on in about.items() if key.startswith("pooling_mode") and on
        ]
    return modes[0] if len(modes) == 1 and modes[0] in ("mean", "cls") else None


def _json(path: Path, otherwise: Any) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return otherwise
