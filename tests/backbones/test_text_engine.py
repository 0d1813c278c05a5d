from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from handful.backbones import text_engine, text_export
from handful.backbones.text_engine import TextEngine, numbers
from handful.backbones.text_folder import Recipe
from handful.backbones.text_loading import load_sentence_transformer
from handful.backbones.text_onnx import BATCH_TOKENS, batches
from handful.backbones.text_registry import get_text
from handful.errors import SettingsError

from .conftest import text_folder

SOME = ["yes, a film", "", "no!", "a much longer one that is cut at the model's own maximum, " * 3, "Yes"]


def test_batches_hold_every_text_once_and_are_of_one_length() -> None:
    lengths = np.random.default_rng(0).integers(1, 33, 300) * 8
    found = batches(list(lengths))
    assert sorted(np.concatenate(found)) == list(range(300))
    for rows in found:
        assert len(set(lengths[rows])) == 1
        assert len(rows) == 1 or len(rows) * lengths[rows[0]] <= BATCH_TOKENS
    assert len(found) < 200  # short ones go together


def test_there_is_no_batch_without_texts() -> None:
    assert batches([]) == []


def test_a_vector_does_not_depend_on_what_is_encoded_beside_it(tiny_text: Path) -> None:
    engine = TextEngine(get_text(str(tiny_text)), "cpu")
    alone = np.concatenate([engine.encode([text]) for text in SOME])
    np.testing.assert_allclose(engine.encode(SOME), alone, atol=1e-6)


def test_openvino_has_the_same_vectors_and_in_bfloat16_nearly(tiny_text: Path) -> None:
    pytest.importorskip("openvino")
    backbone = get_text(str(tiny_text))
    exact = TextEngine(backbone, "cpu", engine="onnxruntime").encode(SOME)
    np.testing.assert_allclose(TextEngine(backbone, "cpu", engine="openvino").encode(SOME), exact, atol=1e-5)
    engine = TextEngine(backbone, "cpu", engine="openvino-bf16")
    near = engine.encode(SOME)
    cosine = (near * exact).sum(1) / (np.linalg.norm(near, axis=1) * np.linalg.norm(exact, axis=1))
    assert cosine.min() > 0.99
    np.testing.assert_array_equal(near, np.concatenate([engine.encode([text]) for text in SOME]))


def test_vectors_are_kept_by_the_precision_they_were_made_in(tiny_text: Path) -> None:
    backbone = get_text(str(tiny_text))
    kinds = ("onnxruntime", "torch", "openvino", "openvino-bf16", "cuda")
    assert [numbers(backbone, k) for k in kinds] == [*["float32"] * 3, "bfloat16", "float16"]


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_a_plain_encoder_runs_on_onnx_runtime_with_its_own_vectors(pooling: str, tmp_path: Path) -> None:
    folder = text_folder(tmp_path / pooling, pooling=pooling, prompt="it is. ")
    engine = TextEngine(get_text(str(folder)), "cpu", engine="onnxruntime")
    assert isinstance(engine._runtime, text_engine.OnnxTexts)
    plain = load_sentence_transformer(folder, "cpu")
    np.testing.assert_allclose(engine.encode(SOME), plain.encode(SOME), atol=1e-5)


def test_what_is_more_than_a_plain_encoder_runs_through_sentence_transformers(tmp_path: Path) -> None:
    folder = text_folder(tmp_path / "dense", width=7, prompt="it is. ")
    backbone = get_text(str(folder))
    assert backbone.dimension == 7
    engine = TextEngine(backbone, "cpu")
    plain = load_sentence_transformer(folder, "cpu")
    np.testing.assert_allclose(engine.encode(SOME), plain.encode(SOME), atol=1e-5)


def test_on_request_a_plain_encoder_runs_on_torch_with_the_same_vectors(tiny_text: Path) -> None:
    backbone = get_text(str(tiny_text))
    engine = TextEngine(backbone, "cpu", engine="torch")
    assert isinstance(engine._runtime, text_engine._SentenceTransformers)
    np.testing.assert_allclose(engine.encode(SOME), TextEngine(backbone, "cpu").encode(SOME), atol=1e-5)


def test_an_encoder_whose_vectors_would_differ_is_left_to_sentence_transformers(
    tiny_text: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export = text_export.export

    def wrong(model, recipe):
        return export(model, Recipe(24, "cls", False, ""))

    monkeypatch.setattr(text_export, "export", wrong)
    backbone = get_text(str(tiny_text))
    with pytest.warns(UserWarning, match=r"cannot run on ONNX Runtime .*differ.* more slowly"):
        engine = TextEngine(backbone, "cpu")
    plain = load_sentence_transformer(tiny_text, "cpu")
    np.testing.assert_allclose(engine.encode(SOME), plain.encode(SOME), atol=1e-5)

    def tried_again(*_: object) -> None:
        raise AssertionError("found out once already")

    monkeypatch.setattr(text_export, "_checked", tried_again)
    assert isinstance(TextEngine(backbone, "cpu")._runtime, text_engine._SentenceTransformers)


def test_a_gpu_that_is_not_there_is_said(tiny_text: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("handful.backbones.engine.cuda_available", lambda: False)
    with pytest.raises(SettingsError, match="cuda"):
        TextEngine(get_text(str(tiny_text)), "cuda")
