from __future__ import annotations

import json
from pathlib import Path

import pytest

from handful.backbones.text_folder import Recipe, dimension, read_recipe, weights


def folder(path: Path, pooling: dict, modules: list[str], **more: dict) -> Path:
    """The settings of a sentence-transformers folder, without its weights."""
    paths = ["", *(f"{i}_{name}" for i, name in enumerate(modules[1:], start=1))]
    listed = [
        {"idx": i, "path": p, "type": f"sentence_transformers.models.{m}"}
        for i, (m, p) in enumerate(zip(modules, paths, strict=True))
    ]
    files = {
        "modules": listed,
        "1_Pooling/config": pooling,
        "config": {"max_position_embeddings": 512, "hidden_size": 8},
        "tokenizer": {},
        **more,
    }
    for name, content in files.items():
        file = path / f"{name}.json"
        file.parent.mkdir(exist_ok=True)
        file.write_text(json.dumps(content))
    return path


PLAIN = ["Transformer", "Pooling", "Normalize"]


def test_a_plain_encoder_has_a_recipe(tmp_path: Path) -> None:
    settings = {"sentence_bert_config": {"max_seq_length": 256, "do_lower_case": False}}
    old = folder(
        tmp_path, {"pooling_mode_mean_tokens": True, "pooling_mode_cls_token": False}, PLAIN, **settings
    )
    assert read_recipe(old) == Recipe(256, "mean", True, "")


def test_the_newer_settings_are_read_too(tmp_path: Path) -> None:
    settings = {
        "tokenizer_config": {"model_max_length": 10**30},
        "config_sentence_transformers": {"prompts": {"query": "query: "}, "default_prompt_name": "query"},
    }
    new = folder(tmp_path, {"embedding_dimension": 8, "pooling_mode": "cls"}, PLAIN[:2], **settings)
    assert read_recipe(new) == Recipe(512, "cls", False, "query: ")
    assert dimension(new) == 8


@pytest.mark.parametrize(
    ("pooling", "modules", "more"),
    [
        ({"pooling_mode": "max"}, PLAIN, {}),
        ({"pooling_mode": ["mean", "cls"]}, PLAIN, {}),
        ({"pooling_mode": "mean", "include_prompt": False}, PLAIN, {}),
        ({"pooling_mode": "mean"}, [*PLAIN[:2], "Dense"], {}),
        ({"pooling_mode": "mean"}, PLAIN, {"sentence_bert_config": {"do_lower_case": True}}),
    ],
)
def test_what_is_more_than_plain_has_none(
    tmp_path: Path, pooling: dict, modules: list[str], more: dict
) -> None:
    assert read_recipe(folder(tmp_path, pooling, modules, **more)) is None


def test_two_poolings_make_longer_vectors(tmp_path: Path) -> None:
    both = {"word_embedding_dimension": 8, "pooling_mode_mean_tokens": True, "pooling_mode_max_tokens": True}
    assert dimension(folder(tmp_path, both, PLAIN)) == 16


def test_copies_of_the_weights_for_other_engines_do_not_count(tmp_path: Path) -> None:
    for name in ("model.safetensors", "pytorch_model.bin", "openvino/model.bin", "onnx/other.safetensors"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert weights(tmp_path) == [tmp_path / "model.safetensors"]
