from __future__ import annotations

from pathlib import Path

import pytest
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline

from handful.model.own_weights import packed, unpacked


class Encoder(BaseEstimator):
    """Anything that names a backbone."""

    def __init__(self, backbone: str = "minilm") -> None:
        self.backbone = backbone


@pytest.fixture
def text_encoder(tmp_path: Path) -> Path:
    folder = tmp_path / "encoders" / "mine"
    for name in ("config.json", "1_Pooling/config.json", "onnx/model.onnx"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    return folder


@pytest.mark.parametrize("prefix", ["", "st="])
def test_the_folder_of_a_text_encoder_travels_with_the_model(
    prefix: str, text_encoder: Path, tmp_path: Path
) -> None:
    model = tmp_path / "model"
    model.mkdir()
    estimator = Pipeline(
        [("text", Encoder(f"{prefix}{text_encoder}")), ("again", Encoder(str(text_encoder)))]
    )
    stored = packed(estimator, model)
    assert stored[0].backbone == stored[1].backbone == "st=mine"
    assert estimator[0].backbone == f"{prefix}{text_encoder}"
    moved = model.rename(tmp_path / "elsewhere")
    assert unpacked(stored, moved)[0].backbone == f"st={moved / 'mine'}"
    assert (moved / "mine" / "1_Pooling" / "config.json").read_text() == "1_Pooling/config.json"
    assert not (moved / "mine" / "onnx").exists()


def test_two_folders_of_one_name_stay_two(text_encoder: Path, tmp_path: Path) -> None:
    other = tmp_path / "others" / "mine"
    other.mkdir(parents=True)
    (other / "config.json").write_text("another")
    model = tmp_path / "model"
    model.mkdir()
    stored = packed([Encoder(str(text_encoder)), Encoder(str(other))], model)
    assert [part.backbone for part in stored] == ["st=mine", "st=mine-2"]
    assert (model / "mine-2" / "config.json").read_text() == "another"


@pytest.mark.parametrize("name", ["minilm", "lite0", "sentence-transformers/all-mpnet-base-v2", "st:a/b"])
def test_a_name_is_no_folder(name: str, tmp_path: Path) -> None:
    estimator = Encoder(name)
    assert packed(estimator, tmp_path) is estimator
    assert list(tmp_path.iterdir()) == []
