"""Weights, pictures and cache folders for the tests of backbones."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from handful.backbones.torchvision_guard import ensure_torchvision


@pytest.fixture(scope="session")
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache folder for all tests that do not damage it, so that networks are exported once."""
    return tmp_path_factory.mktemp("handful-cache")


@pytest.fixture(autouse=True)
def _cache_of_the_tests(shared_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No test touches the cache of the person who runs it, nor is led by their environment."""
    monkeypatch.setenv("HANDFUL_CACHE", str(shared_cache))
    monkeypatch.delenv("HANDFUL_ENGINE", raising=False)
    yield


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder for one test."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("HANDFUL_CACHE", str(folder))
    return folder


def pictures(n: int, size: int, seed: int = 0) -> np.ndarray:
    """Smooth coloured blobs (n, size, size, 3) uint8: nearer to photographs than noise is."""
    rng = np.random.default_rng(seed)
    grid = np.linspace(0, 1, size)
    out = np.empty((n, size, size, 3))
    for picture in out:
        for channel in range(3):
            x, y, width = rng.uniform(0.1, 0.9, 3)
            blob = np.exp(-((grid[:, None] - y) ** 2 + (grid[None, :] - x) ** 2) / (0.3 * width) ** 2)
            picture[..., channel] = 255 * blob
    return out.round().astype(np.uint8)


@pytest.fixture(scope="session")
def resnet18_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Untrained weights of timm's resnet18 with a classifier of 7 classes, as a safetensors file."""
    return _untrained("resnet18", tmp_path_factory.mktemp("weights") / "resnet18.safetensors")


@pytest.fixture(scope="session")
def vit_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Untrained weights of timm's smallest vision transformer."""
    return _untrained("test_vit", tmp_path_factory.mktemp("weights") / "vit.safetensors")


def _untrained(architecture: str, path: Path) -> Path:
    import torch
    from safetensors.torch import save_file

    from handful.backbones.torchvision_guard import import_timm

    torch.manual_seed(0)
    model = import_timm().create_model(architecture, pretrained=False, num_classes=7)
    save_file(model.state_dict(), path)
    return path


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    """The smallest cosine between rows of the same number."""
    a, b = a.astype(np.float64), b.astype(np.float64)
    norms = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return float(((a * b).sum(1) / norms).min())


def text_folder(path: Path, *, pooling: str = "mean", width: int | None = None, prompt: str = "") -> Path:
    """A tiny untrained BERT as sentence-transformers saves it, its vectors not normalised.

    With a `width`, a layer after the pooling makes the vectors so long: no plain encoder any more.
    """
    if find_spec("sentence_transformers") is None:
        pytest.skip("the extra handful[text] is not installed")
    ensure_torchvision()
    import torch
    from sentence_transformers import SentenceTransformer, models
    from transformers import BertConfig, BertModel, BertTokenizerFast

    path.mkdir(parents=True)
    letters = "abcdefghijklmnopqrstuvwxyz.,!"
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{c}" for c in letters)]
    (path / "vocab.txt").write_text("\n".join(words))
    torch.manual_seed(0)
    about = BertConfig(
        vocab_size=len(words),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=24,
    )
    BertModel(about).save_pretrained(path)
    BertTokenizerFast(str(path / "vocab.txt"), model_max_length=24).save_pretrained(path)
    parts = [models.Transformer(str(path)), models.Pooling(16, pooling)]
    if width:
        parts.append(models.Dense(16, width))
    prompts = {"prompts": {"it": prompt}, "default_prompt_name": "it"} if prompt else {}
    SentenceTransformer(modules=parts, device="cpu", **prompts).save(str(path))
    return path


@pytest.fixture(scope="session")
def tiny_text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A plain encoder: tiny, untrained, mean pooling."""
    return text_folder(tmp_path_factory.mktemp("texts") / "tiny")
