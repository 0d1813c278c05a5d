from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from handful.backbones import text_engine, text_export
from handful.backbones.text_engine import BATCH_TOKENS, LEAST_FILLED, TextEngine, batches
from handful.backbones.text_registry import get_text
from handful.errors import SettingsError

from .conftest import text_folder

SOME = ["yes, a film", "", "no!", "a much longer one that is cut at the model's own maximum, " * 3, "Yes"]


def test_batches_hold_every_text_once_and_are_filled() -> None:
    lengths = np.random.default_rng(0).integers(2, 257, 300)
    pieces = [[1] * n for n in lengths]
    found = batches(pieces)
    assert sorted(np.concatenate(found)) == list(range(300))
    for rows in found:
        longest = lengths[rows].max()
        assert len(rows) == 1 or len(rows) * longest <= BATCH_TOKENS
        assert lengths[rows].min() >= LEAST_FILLED * longest


def test_there_is_no_batch_without_texts() -> None:
    assert batches([]) == []


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_a_plain_encoder_runs_on_onnx_runtime_with_its_own_vectors(pooling: str, tmp_path: Path) -> None:
    folder = text_folder(tmp_path / pooling, pooling=pooling, prompt="it is. ")
    engine = TextEngine(get_text(str(folder)), "cpu")
    assert isinstance(engine._runtime, text_engine.OnnxTexts)
    plain = text_engine.load_sentence_transformer(folder, "cpu")
    np.testing.assert_allclose(engine.encode(SOME), plain.encode(SOME), atol=1e-5)


def test_what_is_more_than_a_plain_encoder_runs_through_sentence_transformers(tmp_path: Path) -> None:
    folder = text_folder(tmp_path / "dense", width=7, prompt="it is. ")
    backbone = get_text(str(folder))
    assert backbone.dimension == 7
    engine = TextEngine(backbone, "cpu")
    plain = text_engine.load_sentence_transformer(folder, "cpu")
    np.testing.assert_allclose(engine.encode(SOME), plain.encode(SOME), atol=1e-5)


def test_on_request_a_plain_encoder_runs_on_torch_with_the_same_vectors(tiny_text: Path) -> None:
    backbone = get_text(str(tiny_text))
    engine = TextEngine(backbone, "cpu", engine="torch")
    assert not isinstance(engine._runtime, text_engine.OnnxTexts)
    np.testing.assert_allclose(engine.encode(SOME), TextEngine(backbone, "cpu").encode(SOME), atol=1e-5)


def test_an_encoder_whose_vectors_would_differ_is_left_to_sentence_transformers(
    tiny_text: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export = text_export.export

    def wrong(model, recipe):
        return export(model, text_engine.Recipe(24, "cls", False, ""))

    monkeypatch.setattr(text_export, "export", wrong)
    backbone = get_text(str(tiny_text))
    with pytest.warns(UserWarning, match=r"cannot run on ONNX Runtime .*differ.* more slowly"):
        engine = TextEngine(backbone, "cpu")
    plain = text_engine.load_sentence_transformer(tiny_text, "cpu")
    np.testing.assert_allclose(engine.encode(SOME), plain.encode(SOME), atol=1e-5)

    def tried_again(*_: object) -> None:
        raise AssertionError("found out once already")

    monkeypatch.setattr(text_export, "_checked", tried_again)
    assert not isinstance(TextEngine(backbone, "cpu")._runtime, text_engine.OnnxTexts)


def test_a_gpu_that_is_not_there_is_said(tiny_text: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("handful.backbones.engine.cuda_available", lambda: False)
    with pytest.raises(SettingsError, match="cuda"):
        TextEngine(get_text(str(tiny_text)), "cuda")
