from __future__ import annotations

import numpy as np
import pytest
import torch

from handful.backbones.pooling import Levels, dimensions, mean_max_std
from handful.backbones.registry import get, load_torch
from handful.backbones.torchvision_guard import import_timm

HALF = (0.5, 0.5, 0.5)


def untrained(architecture: str) -> Levels:
    torch.manual_seed(0)
    model = import_timm().create_model(architecture, pretrained=False, num_classes=0)
    return Levels(model.eval(), HALF, HALF).eval()


def noise(n: int, size: int) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(0).integers(0, 256, (n, size, size, 3), dtype=np.uint8))


def test_mean_max_std_are_those_of_numpy() -> None:
    x = np.random.default_rng(0).normal(size=(2, 3, 5, 5)).astype(np.float32)
    expected = np.concatenate([x.mean((2, 3)), x.max((2, 3)), x.std((2, 3))], axis=1)
    np.testing.assert_allclose(mean_max_std(torch.from_numpy(x)).numpy(), expected, rtol=1e-5, atol=1e-6)


def test_a_constant_channel_has_a_gradient() -> None:
    x = torch.ones(2, 3, 4, 4, requires_grad=True)
    mean_max_std(x).sum().backward()
    assert x.grad is not None and torch.isfinite(x.grad).all()


def test_half_precision_activations_do_not_overflow() -> None:
    x = torch.full((1, 1, 2, 2), 60000.0, dtype=torch.float16)
    x[0, 0, 0, 0] = -60000.0
    assert torch.isfinite(mean_max_std(x)).all()


def test_lite0_levels_have_their_dimensions() -> None:
    backbone = get("lite0")
    levels = Levels(load_torch(backbone), backbone.mean, backbone.std)
    expected = {"last": 1280, "last_max": 2560, "block3": 240, "block4": 336, "block5": 576, "block6": 960}
    assert dimensions(levels, 224) == expected


def test_the_last_level_of_lite0_is_what_its_classifier_sees() -> None:
    backbone = get("lite0")
    model = load_torch(backbone)
    pixels = noise(2, 224)
    with torch.inference_mode():
        last, last_max, *_ = Levels(model, backbone.mean, backbone.std)(pixels)
        logits = model((pixels.permute(0, 3, 1, 2) / 255 - 0.5) / 0.5)
        torch.testing.assert_close(model.classifier(last), logits, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(last_max[:, :1280], last)


def test_an_inner_level_of_lite0_is_pooled_after_its_block() -> None:
    backbone = get("lite0")
    model = load_torch(backbone)
    seen = {}
    model.blocks[4].register_forward_hook(lambda *a: seen.update(map=a[-1]))
    levels = Levels(model, backbone.mean, backbone.std)
    with torch.inference_mode():
        out = dict(zip(levels.names, levels(noise(2, 224)), strict=True))
    expected = torch.cat(
        [seen["map"].mean((2, 3)), seen["map"].amax((2, 3)), seen["map"].std((2, 3), correction=0)], 1
    )
    torch.testing.assert_close(out["block4"], expected, rtol=1e-4, atol=1e-5)


def test_resnet_offers_its_four_stages() -> None:
    levels = untrained("resnet18")
    assert dimensions(levels, 64) == {
        "last": 512,
        "last_max": 1024,
        "block1": 192,
        "block2": 384,
        "block3": 768,
        "block4": 1536,
    }


def test_the_last_level_of_a_resnet_is_its_pooled_features() -> None:
    levels = untrained("resnet18")
    pixels = noise(2, 64)
    with torch.inference_mode():
        last = levels(pixels)[0]
        expected = levels.encoder((pixels.permute(0, 3, 1, 2) / 255 - 0.5) / 0.5)
    torch.testing.assert_close(last, expected, rtol=1e-4, atol=1e-5)


def test_a_transformer_offers_layers_of_its_second_half() -> None:
    levels = untrained("vit_tiny_patch16_224")
    assert dimensions(levels, 224) == {
        "last": 384,
        "last_max": 384,
        "block6": 576,
        "block7": 576,
        "block9": 576,
        "block11": 576,
    }


@pytest.mark.parametrize("registers", [0, 2])
def test_the_last_level_of_a_transformer_is_its_class_token_and_the_mean_of_its_patches(
    registers: int,
) -> None:
    torch.manual_seed(0)
    options = {"pretrained": False, "num_classes": 0, "reg_tokens": registers}
    model = import_timm().create_model("test_vit", **options).eval()
    pixels = noise(2, 160)
    with torch.inference_mode():
        last, *_ = Levels(model, HALF, HALF)(pixels)
        tokens = model.forward_features((pixels.permute(0, 3, 1, 2) / 255 - 0.5) / 0.5)
    patches = tokens[:, 1 + registers :]
    assert patches.shape[1] == 100  # 10 x 10
    torch.testing.assert_close(last, torch.cat([tokens[:, 0], patches.mean(1)], 1), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("architecture", ["test_vit2", "test_vit3"])  # no class token; attention pools
def test_a_transformer_that_pools_otherwise_is_left_to_it(architecture: str) -> None:
    torch.manual_seed(0)
    model = import_timm().create_model(architecture, pretrained=False, num_classes=0).eval()
    pixels = noise(2, 160)
    with torch.inference_mode():
        last, *_ = Levels(model, HALF, HALF)(pixels)
        expected = model((pixels.permute(0, 3, 1, 2) / 255 - 0.5) / 0.5)
    torch.testing.assert_close(last, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("architecture", ["mobilenetv3_small_050", "convnext_atto", "efficientnet_b0"])
def test_other_networks_give_finite_levels_that_tell_pictures_apart(architecture: str) -> None:
    levels = untrained(architecture)
    with torch.inference_mode():
        for level in levels(noise(2, 64)):
            assert torch.isfinite(level).all()
            assert not torch.equal(level[0], level[1])
