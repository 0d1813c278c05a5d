from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from handful.backbones import engine as engine_module
from handful.backbones import export
from handful.backbones.engine import Engine, choose, precision, resize
from handful.backbones.registry import get
from handful.errors import MissingExtraError, SettingsError
from tests.backbones.conftest import cosine, pictures


@pytest.fixture(scope="module")
def lite0() -> Engine:
    return Engine(get("lite0"), "cpu", threads=2)


@pytest.fixture
def without_openvino(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        engine_module, "find_spec", lambda name: None if name == "openvino" else find_spec(name)
    )


def test_a_new_engine_is_onnxruntime_on_a_cpu(without_openvino: None) -> None:
    assert choose("cpu") == "onnxruntime"


def test_a_new_engine_is_openvino_where_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "find_spec", lambda name: name == "openvino")
    assert choose("cpu") == "openvino"


def test_levels_have_their_dimensions_and_type(lite0: Engine) -> None:
    out = lite0.encode(pictures(3, 224))
    assert {k: v.shape for k, v in out.items()} == {k: (3, d) for k, d in get("lite0").levels}
    assert all(v.dtype == np.float32 for v in out.values())


def test_onnxruntime_agrees_with_torch_on_every_level(lite0: Engine) -> None:
    pixels = pictures(4, 224)
    ours, torchs = lite0.encode(pixels), Engine(get("lite0"), "cpu", engine="torch").encode(pixels)
    assert {k: cosine(ours[k], torchs[k]) >= 0.999999 for k in ours} == dict.fromkeys(ours, True)


@pytest.mark.parametrize("kind", ["onnxruntime", "torch"])
def test_an_embedding_does_not_depend_on_the_batch(kind: str) -> None:
    engine = Engine(get("lite0"), "cpu", threads=2, engine=kind)
    pixels = pictures(11, 160)
    together = engine.encode(pixels)
    for i in (0, 10):
        alone = engine.encode(pixels[i : i + 1])
        for level in together:
            np.testing.assert_array_equal(alone[level][0], together[level][i])


def test_threads_do_not_change_a_digit(lite0: Engine) -> None:
    pixels = pictures(4, 224)
    one, two = Engine(get("lite0"), "cpu", threads=1).encode(pixels), lite0.encode(pixels)
    for level in one:
        np.testing.assert_array_equal(one[level], two[level])


def test_nothing_in_gives_nothing_out(lite0: Engine) -> None:
    assert lite0.encode(np.empty((0, 224, 224, 3), np.uint8))["last"].shape == (0, 1280)


def test_progress_counts_to_the_total(lite0: Engine) -> None:
    seen: list[tuple[int, int]] = []
    lite0.encode(pictures(5, 64), progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 5), (2, 5), (3, 5), (4, 5), (5, 5)]


def test_pictures_of_another_size_are_resized_with_pillow(lite0: Engine) -> None:
    from PIL import Image

    small = pictures(1, 100)
    large = np.asarray(Image.fromarray(small[0]).resize((224, 224), Image.Resampling.BICUBIC))
    np.testing.assert_array_equal(lite0.encode(small)["block5"], lite0.encode(large[None])["block5"])


def test_a_picture_of_the_right_size_is_not_touched() -> None:
    picture = pictures(1, 32)[0]
    assert resize(picture, 32, "bicubic") is picture


def test_untrained_resnet_and_transformer_agree_with_torch(resnet18_file: Path, vit_file: Path) -> None:
    for name in (f"resnet18={resnet18_file}", f"test_vit={vit_file}"):
        backbone = get(name)
        pixels = pictures(2, backbone.size)
        engine = Engine(backbone, "cpu", engine="onnxruntime")
        assert type(engine._runtime).__name__ == "_OnnxRuntime"  # no falling back to torch
        ours = engine.encode(pixels)
        torchs = Engine(backbone, "cpu", engine="torch").encode(pixels)
        assert min(cosine(ours[k], torchs[k]) for k in ours) >= 0.9999


def test_the_exported_network_is_kept_and_read_again(
    vit_file: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backbone = get(f"test_vit={vit_file}")
    first = export.onnx_model(backbone)
    monkeypatch.setattr(export, "export", lambda _: pytest.fail("it is kept"))
    assert export.onnx_model(backbone) == first
    assert [p.suffix for p in (own_cache / "onnx").iterdir()] == [".onnx"]


def test_a_damaged_export_is_made_again(vit_file: Path, own_cache: Path) -> None:
    backbone = get(f"test_vit={vit_file}")
    expected = Engine(backbone, "cpu").encode(pictures(1, 160))["last"]
    (path,) = (own_cache / "onnx").iterdir()
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 255  # a weight: ONNX Runtime would not notice
    path.write_bytes(content)
    np.testing.assert_array_equal(Engine(backbone, "cpu").encode(pictures(1, 160))["last"], expected)


def test_an_export_that_cannot_be_kept_is_used(
    vit_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    backbone = get(f"test_vit={vit_file}")
    monkeypatch.setenv("HANDFUL_CACHE", str(blocked))
    assert np.isfinite(Engine(backbone, "cpu").encode(pictures(1, 160))["last"]).all()


def test_a_network_that_cannot_be_exported_runs_on_torch(
    vit_file: Path, without_openvino: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    backbone = get(f"test_vit={vit_file}")
    pixels = pictures(2, 160)
    expected = Engine(backbone, "cpu").encode(pixels)["last"]

    def refuse(_: object) -> bytes:
        raise RuntimeError("Exporting the operator 'aten::unheard_of' is not supported")

    monkeypatch.setattr(export, "onnx_model", refuse)
    with pytest.warns(UserWarning, match=r"cannot run on ONNX Runtime .*unheard_of.*torch is used"):
        engine = Engine(backbone, "cpu")
    np.testing.assert_allclose(engine.encode(pixels)["last"], expected, rtol=1e-3, atol=1e-4)


def test_the_environment_chooses_the_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HANDFUL_ENGINE", "torch")
    assert choose("cpu") == "torch"


@pytest.mark.parametrize(
    ("device", "engine", "message"),
    [("tpu", "auto", "auto, cpu or cuda, not 'tpu'"), ("cpu", "tensorrt", "not 'tensorrt'")],
)
def test_an_unknown_device_or_engine_is_refused(device: str, engine: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        choose(device, engine)


def test_cuda_without_a_gpu_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "cuda_available", lambda: False)
    with pytest.raises(SettingsError, match="torch sees no GPU here"):
        choose("cuda")


def test_auto_takes_the_gpu_where_there_is_one(
    without_openvino: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_module, "cuda_available", lambda: True)
    assert (choose("auto"), choose("cpu")) == ("cuda", "onnxruntime")


@pytest.mark.skipif(not engine_module.cuda_available(), reason="no GPU")
def test_cuda_with_mixed_precision_agrees_with_float32(lite0: Engine) -> None:
    pixels = pictures(3, 224)
    on_gpu, exact = Engine(get("lite0"), "cuda").encode(pixels), lite0.encode(pixels)
    assert min(cosine(on_gpu[k], exact[k]) for k in exact) >= 0.999


def test_vectors_of_other_precisions_are_kept_apart() -> None:
    assert precision("onnxruntime") == precision("torch") == precision("openvino") == "float32"
    assert len({precision("cuda"), precision("openvino-bf16"), precision("torch")}) == 3


def test_openvino_agrees_and_its_telemetry_is_off(lite0: Engine) -> None:
    pytest.importorskip("openvino")
    pixels = pictures(9, 160)
    ours, exact = Engine(get("lite0"), "cpu", engine="openvino").encode(pixels), lite0.encode(pixels)
    assert min(cosine(ours[k], exact[k]) for k in exact) >= 0.9999


def test_openvinos_telemetry_is_barred_before_its_import(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "openvino.py").write_text(
        "try:\n    import openvino_telemetry\n    telemetry = 'on'\n"
        "except ImportError:\n    telemetry = 'off'\n"
    )
    (tmp_path / "openvino_telemetry.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in ("openvino", "openvino_telemetry"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    assert engine_module.import_openvino().telemetry == "off"
    for name in ("openvino", "openvino_telemetry"):
        sys.modules.pop(name, None)


def test_openvino_without_its_package_is_an_error_with_the_install_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(engine_module, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"pip install \"handful\[openvino\]\""):
        engine_module.import_openvino()
