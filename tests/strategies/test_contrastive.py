"""Contrastive fine-tuning trains what lies behind the cut only, from pairs, and keeps plain arrays."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import skops.io

from handful.backbones.text_cut import TextCutError, cut_text, load, pack, states
from handful.backbones.text_registry import get_text
from handful.data.dataset import Dataset
from handful.data.texts import as_array
from handful.errors import HandfulError
from handful.protocol.evaluate import fit_and_predict
from handful.protocol.splits import Split
from handful.settings import Settings
from handful.strategies import contrastive
from handful.strategies.candidate import build, count_parameters, spec
from handful.strategies.contrastive import ContrastiveClassifier, candidates, epochs_for
from handful.strategies.finetune import candidates as of_the_family

pytest.importorskip("transformers")

WORDS = {"lamp": "bright bulb dark light", "door": "open shut hinge key", "tap": "water leak drip pipe"}
FILLING = ["the", "a", "is", "my", "in", "it", "was", "and", "very", "please", "again", "today"]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A random BERT of two blocks and 32 dimensions, in the folder that sentence-transformers would save."""
    import torch

    from handful.backbones.torchvision_guard import ensure_torchvision

    ensure_torchvision()
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import BertConfig, BertModel

    folder = tmp_path_factory.mktemp("tiny")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *FILLING, *" ".join(WORDS.values()).split()]
    vocabulary = {word: i for i, word in enumerate(words)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    about = {"tokenizer_class": "PreTrainedTokenizerFast", "unk_token": "[UNK]", "pad_token": "[PAD]"}
    (folder / "tokenizer_config.json").write_text(json.dumps(about))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = BertModel(
            BertConfig(
                vocab_size=len(words),
                hidden_size=32,
                num_hidden_layers=2,
                num_attention_heads=2,
                intermediate_size=64,
                max_position_embeddings=80,
            ),
            add_pooling_layer=True,
        )
    model.save_pretrained(folder)
    kinds = [("Transformer", ""), ("Pooling", "1_Pooling"), ("Normalize", "2_Normalize")]
    modules = [
        {"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for i, (kind, path) in enumerate(kinds)
    ]
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 70}))
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text(
        json.dumps({"word_embedding_dimension": 32, "pooling_mode_mean_tokens": True})
    )
    return str(folder)


def complaints(per_class: int = 8, seed: int = 0) -> Dataset:
    """What is broken, said in a few words among many that say nothing."""
    random = np.random.default_rng(seed)
    texts, y = [], []
    for k, own in enumerate(WORDS.values()):
        for _ in range(per_class):
            said = [*random.choice(own.split(), 2), *random.choice(FILLING, random.integers(2, 9))]
            texts.append(" ".join(random.permutation(said)))
            y.append(k)
    n = len(y)
    ids = np.arange(n).astype(str)
    about = pd.DataFrame(index=range(n))
    return Dataset(as_array(texts), np.array(y), ids, about, "classification", "text", np.array([*WORDS]))


def tuned(tiny: str, **changed: object) -> ContrastiveClassifier:
    return ContrastiveClassifier(**{"backbone": tiny, "depth": 1, "epochs": 6, "lr": 1e-2, **changed})


def test_learns_from_pairs_and_writes_down_how(tiny: str) -> None:
    data, new = complaints(), complaints(seed=1)
    fitted = tuned(tiny).fit(data.X, data.y)
    losses = [h["train_loss"] for h in fitted.history_]
    assert len(losses) == 6 and losses[-1] < 0.7 * losses[0]
    assert (fitted.predict(new.X) == new.y).mean() > 0.8
    np.testing.assert_allclose(fitted.predict_proba(new.X).sum(axis=1), 1)


def test_only_the_last_blocks_are_trained_and_kept(tiny: str) -> None:
    data = complaints()
    encoder = load(get_text(tiny))
    before = [{k: v.clone() for k, v in block.state_dict().items()} for block in encoder.blocks]
    fitted = tuned(tiny).fit(data.X, data.y)
    assert {k.split(".")[1] for k in fitted.weights_} == {"0"}  # one block, the second of the encoder
    for block, was in zip(encoder.blocks, before, strict=True):
        assert all((v == was[k]).all() for k, v in block.state_dict().items())
    name = "output.dense.weight"
    assert not np.array_equal(fitted.weights_[f"blocks.0.{name}"], before[1][name])
    assert fitted.n_parameters_ == sum(v.numel() for v in before[1].values()) + 2 * 3 * 33


def test_what_lies_in_front_of_the_cut_is_a_function_of_one_text(tiny: str) -> None:
    data = complaints()
    together = states(data.X, cut_text(get_text(tiny), 1))
    longer = as_array([*data.X[:2], "the tap is " * 30])
    alone = states(longer, cut_text(get_text(tiny), 1))
    np.testing.assert_array_equal(together[1], alone[1])
    assert [len(x) for x in alone] == [len(data.X[0].split()) + 2, len(data.X[1].split()) + 2, 70]


def test_an_untrained_tail_gives_the_vectors_of_the_whole_encoder(tiny: str) -> None:
    import torch

    from handful.backbones.texts import embed_texts

    data = complaints(per_class=2)
    for depth in (0, 1, 2, 9):
        cut = cut_text(get_text(tiny), depth)
        with torch.inference_mode():
            found = cut.tail().eval()(pack(states(data.X, cut))).numpy()
        np.testing.assert_allclose(found, embed_texts(data.X, tiny, device="cpu"), atol=2e-3)


def test_the_same_seed_gives_the_same_and_nothing_held_out_is_seen(tiny: str) -> None:
    data = complaints()
    train = np.arange(len(data)) % 4 > 0
    first = tuned(tiny, epochs=2, random_state=3).fit(data.X[train], data.y[train])
    other = data.X.copy()
    other[~train] = "something quite different " * 9
    again = tuned(tiny, epochs=2, random_state=3).fit(other[train], data.y[train])
    np.testing.assert_array_equal(first.predict_proba(data.X), again.predict_proba(data.X))
    few = data.X[~train][:1]
    np.testing.assert_allclose(
        first.predict_proba(few), first.predict_proba(data.X[~train])[:1], rtol=1e-5, atol=1e-6
    )


def test_copes_with_two_texts_a_class_a_missing_class_and_an_empty_text(tiny: str) -> None:
    data = complaints()
    data.X[0] = ""
    (candidate,) = candidates(data, Settings(budget="standard", backbones=(tiny,)))
    assert spec(build(candidate.spec)) == candidate.spec
    train = np.array([0, 1, 8, 9])
    result = fit_and_predict(candidate, Split(0, 0, train, np.arange(10, 24), seed=1), data, 3)
    assert result.error is None, result.error["traceback"]
    assert (result.test[:, 2] == 0).all()


def test_is_saved_without_pickle_and_refuses_other_weights(tiny: str, tmp_path: Path) -> None:
    data = complaints(per_class=4)
    fitted = tuned(tiny, epochs=1).fit(data.X, data.y)
    skops.io.dump(fitted, tmp_path / "model.skops")
    types = skops.io.get_untrusted_types(file=tmp_path / "model.skops")
    assert all(t.startswith(("handful.", "numpy.")) for t in types)
    for again in (
        skops.io.load(tmp_path / "model.skops", trusted=types),
        pickle.loads(pickle.dumps(fitted)),
    ):
        np.testing.assert_array_equal(again.predict_proba(data.X), fitted.predict_proba(data.X))
    assert count_parameters(fitted) == fitted.n_parameters_
    fitted.identity_ = "another"
    with pytest.raises(HandfulError, match="fine-tuned from other weights of"):
        fitted.predict(data.X)


def test_is_offered_for_classes_of_texts_and_in_quick_where_it_takes_a_minute(
    tiny: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = complaints()
    quick = Settings(backbones=(tiny,))
    (one,) = of_the_family(data, quick)
    assert (one.family, one.base) == ("finetune", f"{tiny} logistic")
    assert one.technique == "contrastive fine-tuning"
    monkeypatch.setattr(contrastive, "MOST_SECONDS", 0.01)
    assert candidates(data, quick) == []
    assert len(candidates(data, Settings(budget="standard", backbones=(tiny,)))) == 1
    monkeypatch.setattr(contrastive, "MOST_BYTES", 1000)
    assert candidates(data, Settings(budget="standard", backbones=(tiny,))) == []


def test_with_many_texts_it_goes_over_them_less_often() -> None:
    found = [epochs_for(n) for n in (10, 100, 400, 10_000)]
    assert found == sorted(found, reverse=True) and found[-1] == 2


def test_an_encoder_that_is_no_chain_is_used_frozen_and_that_is_said(
    tiny: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_chain(*_: object) -> None:
        raise TextCutError("the text backbone 'x' is used with frozen vectors only.")

    monkeypatch.setattr("handful.backbones.text_cut.cut_text", no_chain)
    settings = Settings(budget="standard", backbones=(tiny,))
    assert candidates(complaints(), settings) == []
    (note,) = contrastive.notes(complaints(), settings)
    assert note.kind == "not tried" and "frozen vectors only" in note.message
