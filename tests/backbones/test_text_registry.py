from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest

from handful.backbones import text_registry
from handful.backbones.text_registry import (
    default_text_backbone,
    files,
    get_text,
    reads_texts,
    text_backbones,
)
from handful.errors import HandfulError, MissingExtraError, SettingsError


def test_the_listed_backbones_say_what_they_cost_and_speak() -> None:
    names = [b.name for b, _ in text_backbones()]
    assert names[:2] == ["minilm", "wordllama"] and len(set(names)) == len(names)
    for backbone, _ in text_backbones():
        assert backbone.size_mb > 0 and backbone.dimension > 0
        assert backbone.licence and backbone.languages


def test_two_listed_backbones_are_two_functions(tiny_text: Path) -> None:
    here = [b.identity for b, installed in text_backbones() if installed and b.sha256]
    assert len({*here, get_text(str(tiny_text)).identity}) == len(here) + 1


def test_the_default_is_minilm_where_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert default_text_backbone() in ("minilm", None)
    monkeypatch.setattr(text_registry, "find_spec", lambda name: None)
    assert default_text_backbone() is None


def test_a_package_that_is_missing_comes_with_its_install_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_registry, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r'minilm.*pip install "handful\[text\]"'):
        get_text("minilm")


def test_weights_that_are_not_the_expected_ones_are_not_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if default_text_backbone() is None:
        pytest.skip("the package of the text backbone minilm is not installed")
    backbone = get_text("minilm")
    shutil.copyfile(files(backbone, with_weights=False) / "tokenizer.json", tmp_path / "tokenizer.json")
    (tmp_path / "model.safetensors").write_bytes(b"something else")
    monkeypatch.setattr(text_registry, "_package_folder", lambda _: tmp_path)
    with pytest.raises(HandfulError, match=r"model\.safetensors.*SHA-256.*install the package again"):
        files(backbone)


def test_an_unknown_name_is_corrected() -> None:
    with pytest.raises(SettingsError, match=r"unknown text backbone 'minilmm'.*Did you mean 'minilm'"):
        get_text("minilmm")


def test_a_folder_that_is_not_there_is_said() -> None:
    with pytest.raises(SettingsError, match=r"folder that does not exist.*st:models/mine"):
        get_text("models/mine")
    with pytest.raises(SettingsError, match="holds no text encoder"):
        get_text("st=nowhere")


def test_a_name_tells_whether_it_reads_texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "lite0").mkdir()
    monkeypatch.chdir(tmp_path)
    assert all(
        map(reads_texts, ["minilm", "st:a/b", "st=mine", "./lite0", str(tmp_path), "BAAI/bge-small-en-v1.5"])
    )
    assert not any(map(reads_texts, ["lite0", "resnet18", "resnet18=weights.pth", "timm:resnet18"]))


def test_a_folder_is_the_same_function_wherever_it_lies(tiny_text: Path, tmp_path: Path) -> None:
    moved = shutil.copytree(tiny_text, tmp_path / "moved")
    (moved / "onnx").mkdir()
    (moved / "onnx" / "about.json").write_text("{}")
    assert get_text(str(moved)).identity == get_text(f"st={tiny_text}").identity
    (moved / "sentence_bert_config.json").write_text('{"max_seq_length": 8}')
    assert get_text(str(moved)).identity != get_text(str(tiny_text)).identity


@pytest.mark.parametrize("name", ["sentence-transformers/no-such-model", "st:none/such", "mpnet"])
def test_without_a_network_a_model_of_the_hub_is_refused_quickly_and_in_one_line(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("huggingface_hub", reason="the extra handful[text] is not installed")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    for offline, endpoint in ((True, "https://huggingface.co"), (False, "http://127.0.0.1:9")):
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", offline)
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", endpoint)
        start = time.monotonic()
        with pytest.raises(SettingsError, match="not on this machine") as caught:
            get_text(name)
        assert time.monotonic() - start < 6
        assert "\n" not in str(caught.value)
