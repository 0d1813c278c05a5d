from __future__ import annotations

import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import sentiment as benchmark
from handful.data.columns import TEXT
from handful.data.dataset import Dataset
from handful.data.language import english
from handful.data.texts import as_array
from handful.errors import MissingExtraError
from handful.evidence.verdict import TRADITIONAL
from handful.settings import Settings
from handful.strategies import lexicon, propose, sentiment, warm
from handful.strategies.lexicon import Sentiment
from tests.conftest import opinions, pictures
from tests.strategies.test_text_candidates import with_encoder

with_lexicon = pytest.mark.skipif(
    find_spec("vaderSentiment") is None, reason="vaderSentiment is not installed: pip install 'handful[text]'"
)
GERMAN = ["der Drucker ist schon wieder kaputt", "die Antwort war gut, danke", "das hat mir nicht gefallen"]


@with_lexicon
def test_praise_and_blame_are_told_apart_by_words_that_no_example_has() -> None:
    data = opinions()
    found = {c.name: c for c in propose(data, Settings(families=("sentiment",)))}
    model = found["sentiment logistic"].fresh(0).fit(data.X, data.y)
    fresh = as_array(["a hideous, annoying mess", "a superb and joyful evening", "it was not a pleasure"])
    assert data.classes[model.predict(fresh)].tolist() == ["blame", "praise", "blame"]


@with_lexicon
def test_scores_are_those_of_the_text_alone_and_texts_without_known_words_are_neutral() -> None:
    X = as_array(["great!", "", "xyzzy 12", "not great"])
    Z = Sentiment().transform(X)
    assert Z.dtype == np.float32 and Z.shape == (4, 4)
    assert Z[0, 3] > 0.6 and Z[3, 3] < 0
    assert Z[1, [0, 2, 3]].tolist() == Z[2, [0, 2, 3]].tolist() == [0, 0, 0]
    np.testing.assert_array_equal(Sentiment().transform(X[::-1]), Z[::-1])
    assert Sentiment().transform(X[:0]).shape == (0, 4)


@with_lexicon
@with_encoder
@pytest.mark.parametrize("task", ["classification", "regression"])
def test_it_stands_beside_the_same_head_on_an_encoder_s_vectors(task: str) -> None:
    found = {c.name: c for c in propose(opinions(task), Settings())}
    head = "logistic" if task == "classification" else "ridge"
    alone, beside = found[f"sentiment {head}"], found[f"minilm {head}, sentiment"]
    assert alone.base is None and not alone.deep and alone.family in TRADITIONAL
    assert beside.base == f"minilm {head}" and beside.deep and beside.technique == sentiment.TECHNIQUE
    assert ("minilm logistic, sentiment, names" in found) == (task == "classification")
    only = propose(opinions(task), Settings(families=("sentiment",)))
    assert f"minilm {head}" in {c.name for c in only}  # or there would be nothing to compare with


@with_lexicon
@with_encoder
def test_vectors_of_what_has_the_scores_beside_it_are_ready_before_the_cells() -> None:
    data = opinions()
    data = replace(data, X=as_array([f"{text}, nobody else says so" for text in data.X]))
    (joint,) = [c for c in propose(data, Settings()) if c.name == "minilm logistic, sentiment"]
    heard: list[str] = []
    assert warm.warm(data, [joint], Settings(), lambda what, *_: heard.append(what)) == []
    assert set(heard) == {"embedding with minilm"}


def reviews() -> Dataset:
    """A table with a column of opinions, one of them missing."""
    data = opinions()
    rows = pd.DataFrame({"x0": np.arange(len(data)) % 5, "note": pd.array(data.X, dtype=TEXT)})
    rows.loc[3, "note"] = ""
    return replace(data, X=rows, modality="table")


@with_lexicon
def test_the_texts_of_a_table_are_rated_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("handful.strategies.tables.text_backbone", lambda settings: None)
    data = reviews()
    found = {c.name: c for c in propose(data, Settings(budget="standard", families=("classic", "sentiment")))}
    assert {c.name for c in found.values() if c.family == "sentiment"} == {
        "svm, sentiment",
        "extra trees, sentiment",
    }
    rated = found["svm, sentiment"]
    assert rated.base == "svm" and rated.technique == sentiment.TECHNIQUE and not rated.deep
    fresh = data.X.assign(note=pd.array(["a hideous mess", "superb, a joy"] * 21, dtype=TEXT))
    told = rated.fresh(0).fit(data.X, data.y).predict(fresh)
    assert (data.classes[told[:2]] == ["blame", "praise"]).all()
    foreign = replace(data, X=data.X.assign(note=pd.array(GERMAN * 14, dtype=TEXT)))
    assert sentiment.candidates(foreign, Settings()) == []


def test_it_is_for_english_texts() -> None:
    assert english(opinions().X) and not english(GERMAN) and not english([]) and not english(["", "12"])
    assert english(["printer not working", "invoice paid twice, please refund", "laptop request"])
    foreign = replace(opinions(), X=as_array(GERMAN * 14))
    for data in (foreign, pictures()):
        assert sentiment.candidates(data, Settings()) == []
        assert sentiment.notes(data, Settings()) == []


def test_without_the_lexicon_a_note_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sentiment, "installed", lambda: False)
    assert sentiment.candidates(opinions(), Settings()) == []
    (note,) = sentiment.notes(opinions(), Settings())
    assert note.severity == "note" and "pip install 'handful[text]'" in note.message
    assert sentiment.notes(opinions(), Settings(families=("classic",))) == []


def test_a_model_that_needs_the_lexicon_says_so_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "vaderSentiment.vaderSentiment", None)
    lexicon._analyzer.cache_clear()
    with pytest.raises(MissingExtraError, match=r"handful\[text\]"):
        Sentiment().transform(as_array(["never rated before"]))


@with_lexicon
@with_encoder
def test_the_benchmark_compares_the_same_draws(tmp_path: Path) -> None:
    data = opinions()
    rows = "".join(f"{text} {i},{data.classes[data.y[i]]}\n" for i, text in enumerate(data.X))
    (tmp_path / "data.csv").write_text("text,label\n" + rows)
    found = benchmark.measured(tmp_path, 6, range(2), pool=40)
    assert list(found) == list(benchmark.ways(())) and all(len(v) == 2 for v in found.values())
    assert np.mean(found["sentiment alone"]) > np.mean(found["without"])
    said = benchmark.line("data", 6, {"without": [0.5, 0.5], "sentiment x 0.5": [0.6, 0.8]})
    assert said == "| data | 6 | 50.0 | +20.0 ± 10.0 |"
