"""The short list says of each network what timm says of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from handful.backbones import embed, registry
from handful.backbones.curated import CURATED
from handful.backbones.cut import cut
from handful.backbones.pooling import Levels
from handful.backbones.registry import available, get, load_torch
from handful.backbones.torchvision_guard import import_timm
from handful.errors import SettingsError
from tests.backbones.conftest import pictures


@pytest.mark.parametrize("name", CURATED)
def test_timm_has_weights_of_this_name_under_this_licence_for_this_input(name: str) -> None:
    timm, about = import_timm(), CURATED[name]
    assert timm.models.is_model_pretrained(about.architecture)
    config = timm.models.get_pretrained_cfg(about.architecture)
    assert config.hf_hub_id == f"timm/{about.architecture}"  # where `handful backbones` looks for a download
    assert about.licence.lower().startswith(config.license.split("-")[0])
    assert about.size == config.input_size[-1] or config.fixed_input_size


@pytest.mark.parametrize("name", ["mobilenetv4_small", "dinov2_small", "dinov3_small"])
def test_size_and_features_are_those_of_the_network(name: str) -> None:
    timm, about = import_timm(), CURATED[name]
    config = timm.models.get_pretrained_cfg(about.architecture)
    sized = {"img_size": about.size} if config.fixed_input_size else {}
    with torch.device("meta"), torch.inference_mode():  # shapes, without numbers
        model = timm.create_model(about.architecture, pretrained=False, **sized)
        levels = Levels(model, config.mean, config.std).eval()
        last, *_ = levels(torch.zeros(1, about.size, about.size, 3, dtype=torch.uint8))
    assert last.shape == (1, about.dim)
    weights = sum(p.numel() for p in model.parameters()) * 4 / 1e6
    assert about.megabytes == pytest.approx(weights, abs=2)


def test_no_short_name_is_taken_twice() -> None:
    assert not set(CURATED) & {b.name for b, _ in available()}


def test_an_installed_machine_without_a_network_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, own_cache: Path, tmp_path: Path
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(
        SettingsError, match=r"'dinov2_small' is not on this machine.*without one, use a backbone that comes"
    ) as raised:
        get("dinov2_small")
    assert "\n" not in str(raised.value)


def test_a_transformer_works_at_the_curated_size_from_a_local_file(
    vit_file: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    about = replace(CURATED["dinov2_small"], name="tiny", architecture="test_vit", size=96)
    monkeypatch.setitem(registry.CURATED, "tiny", about)
    name = f"test_vit={vit_file}"
    backbone = get(name)
    assert backbone.size == 96
    model = load_torch(backbone)
    assert model.patch_embed.grid_size == (6, 6)  # type: ignore[union-attr]
    last = embed(pictures(2, 64), name, "last")
    assert last.shape == (2, 128)  # class token and mean patch
    tail = cut(backbone, "last", 1).tail(2)  # which must give the same, or it is not cut
    assert tail.linear.in_features == 128
    own = import_timm().create_model("test_vit", num_classes=7)
    assert own.pos_embed.shape[1] == 101  # 10 x 10 patches and the class token, which stays as it was
    from safetensors.torch import load_file

    torch.testing.assert_close(model.pos_embed[:, 0], load_file(vit_file)["pos_embed"][:, 0])  # type: ignore[index]
