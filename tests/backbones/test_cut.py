"""A network cut in two gives what the whole gives, and goes together again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from handful.backbones import embed, get
from handful.backbones.cut import CutError, chain, cut, rejoined
from handful.backbones.front import activations
from handful.backbones.registry import load_torch, save_weights
from handful.data.dataset import Images
from handful.nets.train import to_arrays
from tests.backbones.conftest import _untrained, pictures


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("weights")
    names = ("test_efficientnet", "test_resnet", "test_vit", "test_convnext")
    return {name: f"{name}={_untrained(name, folder / f'{name}.safetensors')}" for name in names}


@pytest.mark.parametrize("name", ["test_efficientnet", "test_resnet", "test_vit", "test_convnext"])
def test_the_rest_behind_the_front_gives_the_frozen_features(weights: dict[str, str], name: str) -> None:
    backbone = get(weights[name])
    images = Images.from_array(pictures(3, 48))
    for level in ("last", "block2"):
        found = cut(backbone, level, 2)
        assert found.first > 0
        (rows,) = activations(images, found, ["plain"])
        assert rows.dtype == np.float16 and rows.shape == (3, found.width)
        with torch.inference_mode():
            features = found.tail(2).eval().features(found.restored(torch.from_numpy(rows).float()))
        wanted = embed(images, weights[name], level)
        np.testing.assert_allclose(features.numpy(), wanted, rtol=0.02, atol=0.01 * np.abs(wanted).max())


def test_a_view_is_computed_from_the_changed_picture(weights: dict[str, str]) -> None:
    found = cut(get(weights["test_efficientnet"]), "last", 2)
    pixels = pictures(2, 48)
    flipped = np.ascontiguousarray(pixels[:, :, ::-1])
    plain, flip = activations(Images.from_array(pixels), found, ["plain", "flip"])
    (mirrored,) = activations(Images.from_array(flipped), found, ["plain"])
    np.testing.assert_array_equal(flip, mirrored)
    assert not np.array_equal(plain, flip)


@pytest.mark.parametrize("depth", [2, None])
@pytest.mark.parametrize("name", ["test_resnet", "test_vit"])
def test_a_trained_tail_goes_back_into_its_network(
    weights: dict[str, str], name: str, depth: int | None, tmp_path: Path
) -> None:
    backbone = get(weights[name])
    found = cut(backbone, "last", depth)
    tail = found.tail(2).eval()
    with torch.no_grad():
        for parameter in tail.parameters():
            parameter.mul_(1.01)
    before = load_torch(backbone).state_dict()
    after = rejoined(found, to_arrays(tail))
    assert set(after) == {k for k in before if not k.startswith(("fc.", "head."))}
    changed = {k for k in after if not torch.equal(after[k], before[k])}
    frozen = {k for k in changed if k.startswith(("conv1", "layer1", "patch_embed", "blocks.0"))}
    assert changed and bool(frozen) == (depth is None)
    again = get(save_weights(after, backbone, tmp_path / "tuned.safetensors"))
    assert (again.mean, again.std, again.size) == (backbone.mean, backbone.std, backbone.size)
    pixels = torch.from_numpy(pictures(2, backbone.size))
    whole = cut(again, "last", None)
    with torch.inference_mode():
        wanted = tail.features(found.front().eval().steps(found.front().normalised(pixels)))
        same = whole.tail(2).eval().features(whole.front().normalised(pixels))
    torch.testing.assert_close(same, wanted, rtol=1e-3, atol=1e-4)


def test_what_is_no_chain_is_said_and_used_frozen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    backbone = get(f"test_resnet={_untrained('test_resnet', tmp_path / 'other.safetensors')}")
    with pytest.raises(CutError, match="up to the level 'block9'; it can up to block1"):
        cut(backbone, "block9", 2)
    monkeypatch.setattr("handful.backbones.cut._parts", lambda model: [])
    chain.cache_clear()
    with pytest.raises(CutError, match=r"is not a chain of modules .* frozen features only"):
        chain(backbone)
    chain.cache_clear()
