from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from handful.backbones import text_engine, texts
from handful.backbones.engine import choose
from handful.backbones.text_loading import load_sentence_transformer
from handful.backbones.text_registry import text_backbones
from handful.backbones.texts import dimension, embed_texts, text_digest, warm_texts

from .conftest import cosine

SOME = [
    "A fine film.",
    "",
    "The dollar has hit its highest level against the euro in almost three months. " * 30,
    "Ünïcödé, 漢字 and\tUPPER case",
    "My mood swings are very mild, and I lost weight.",
]
HERE = [b.name for b, here in text_backbones() if here and b.source.kind == "package"]


@pytest.fixture(params=["minilm", "wordllama"])
def backbone(request: pytest.FixtureRequest) -> str:
    if request.param not in HERE:
        pytest.skip(f"the package of the text backbone {request.param} is not installed")
    return request.param


def test_vectors_have_the_registered_length(backbone: str) -> None:
    vectors = embed_texts(SOME, backbone)
    assert vectors.shape == (len(SOME), dimension(backbone)) and vectors.dtype == np.float32
    lengths = np.linalg.norm(vectors, axis=1)
    np.testing.assert_allclose(lengths[[0, 2, 3, 4]], 1, atol=1e-5)


def test_a_missing_text_has_the_vector_of_the_empty_one(backbone: str) -> None:
    vectors = embed_texts(np.array([None, "", float("nan"), "word"], object), backbone)
    assert np.isfinite(vectors).all()
    np.testing.assert_array_equal(vectors[[0, 2]], vectors[[1, 1]])
    assert not np.array_equal(vectors[3], vectors[1])


def test_a_vector_does_not_depend_on_the_other_texts(backbone: str) -> None:
    together = embed_texts(SOME, backbone)
    engine = texts._engine(texts.get_text(backbone), choose("auto"))
    for row, text in enumerate(SOME):
        np.testing.assert_allclose(engine.encode([text])[0], together[row], atol=1e-5)


def test_no_texts_are_no_vectors(backbone: str) -> None:
    assert embed_texts([], backbone).shape == (0, dimension(backbone))


def test_stored_vectors_are_found_without_an_engine(
    tiny_text: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = embed_texts(["yes", "no"], str(tiny_text))

    def no_engine(*_: object) -> None:
        raise AssertionError("an engine was asked for")

    monkeypatch.setattr(texts, "_engine", no_engine)
    np.testing.assert_array_equal(embed_texts(["no", "yes", "no"], str(tiny_text)), first[[1, 0, 1]])


def test_progress_counts_each_text_once(tiny_text: Path, own_cache: Path, monkeypatch) -> None:
    monkeypatch.setattr(texts, "_CHUNK", 3)
    heard: list[tuple[int, int]] = []
    warm_texts(["a", "b", "c", "d", "e", "a"], str(tiny_text), progress=lambda *at: heard.append(at))
    assert heard[-1] == (5, 5) and all(total == 5 for _, total in heard)
    assert [done for done, _ in heard] == sorted(done for done, _ in heard)


def test_a_text_that_cannot_be_encoded_has_a_vector(tiny_text: Path) -> None:
    assert np.isfinite(embed_texts(["half a pair: \ud83d"], str(tiny_text))).all()


def test_digests_are_of_the_text_alone() -> None:
    assert text_digest("yes") == text_digest("yes") != text_digest("yes ")
    assert len(text_digest("ä")) == 32 and int(text_digest("ä"), 16)


def test_minilm_gives_the_vectors_of_sentence_transformers() -> None:
    if "minilm" not in HERE:
        pytest.skip("the package of the text backbone minilm is not installed")
    folder = texts.get_text("minilm")
    plain = load_sentence_transformer(text_engine.files(folder), "cpu")
    assert cosine(embed_texts(SOME, "minilm"), plain.encode(SOME)) > 0.99999


def test_wordllama_gives_the_vectors_of_its_package() -> None:
    if "wordllama" not in HERE:
        pytest.skip("the package of the text backbone wordllama is not installed")
    wordllama = pytest.importorskip("wordllama")
    folder = Path(wordllama.__file__).parent
    plain = wordllama.WordLlama.load(disable_download=True, cache_dir=folder)
    some = [text for text in SOME if text]
    np.testing.assert_allclose(embed_texts(some, "wordllama"), plain.embed(some, norm=True), atol=1e-6)
