"""One encoder for numbers, categories, texts and pictures."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from handful.data.columns import TEXT
from handful.data.dataset import Dataset, Images
from handful.data.picture_column import PictureArray
from handful.settings import Settings
from handful.strategies import tables
from handful.strategies.embedding import TextEmbedding
from handful.strategies.pixels import Descriptor
from handful.strategies.squeezed import Squeezed
from handful.strategies.tables import TableEncoder, frozen
from handful.strategies.tfidf import TfIdf
from tests.conftest import mixed, table


@pytest.fixture
def dataset() -> Dataset:
    return mixed()


def notes(*texts: str) -> pd.DataFrame:
    return pd.DataFrame({"note": pd.Series(pd.array(list(texts), dtype=TEXT))})


def test_blocks_stand_behind_numbers_and_categories(dataset: Dataset) -> None:
    X = dataset.X
    Z = TableEncoder().fit(X).transform(X)
    plain = TableEncoder().fit(X[["x0", "kind"]])
    np.testing.assert_array_equal(Z[:, :3], plain.transform(X))
    note = Squeezed(TfIdf()).fit(X[["note"]]).transform(X[["note"]])
    photo = Squeezed(Descriptor()).fit(X[["photo"]]).transform(X[["photo"]])
    np.testing.assert_allclose(Z[:, 3:], np.hstack([note, photo]))


def test_a_block_is_on_the_scale_of_one_number(dataset: Dataset) -> None:
    note = dataset.X[["note"]]
    Z = Squeezed(TfIdf(), most=4).fit(note).transform(note)
    assert Z.shape[1] == 5  # and whether there is a text
    spread = Z[(note["note"] != "").to_numpy(), :4].var(axis=0, ddof=1)
    assert spread[0] == pytest.approx(1) and (np.diff(spread) <= 1e-12).all()


def test_where_nothing_is_the_block_is_zero_and_says_so(dataset: Dataset) -> None:
    X = dataset.X
    for name, features, gap in (("note", TfIdf(), 1), ("photo", Descriptor(), 2)):
        Z = Squeezed(features).fit(X[[name]]).transform(X[[name]])
        assert (Z[gap, :-1] == 0).all() and np.flatnonzero(Z[:, -1]).tolist() == [gap]
    whole = Squeezed(TfIdf()).fit(notes("one text", "another one", "a third"))
    assert (whole.transform(notes("", "one text"))[0] == 0).all()  # a gap that training had none of


@pytest.mark.parametrize("texts", [("", "", ""), ("only one", "", "")])
def test_columns_with_hardly_any_text_are_encoded(texts: tuple[str, ...]) -> None:
    encoder = TableEncoder().fit(notes(*texts))
    Z = encoder.transform(notes("something new", ""))
    assert Z.shape == (2, 1) and Z[:, 0].tolist() == [0, 1]


def test_a_table_without_texts_and_pictures_is_encoded_as_ever() -> None:
    X = table("classification").X
    assert frozen(X, Settings()) == {}
    assert TableEncoder(scale=False).fit(X).transform(X).shape == X.shape


def test_what_texts_and_pictures_are_looked_at_through_is_settled_when_candidates_are_proposed(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictured = {"pictures": "lite0", "level": "block5"}
    monkeypatch.setattr(tables, "text_backbone", lambda settings: None)
    assert frozen(dataset.X, Settings()) == pictured
    monkeypatch.undo()
    assert frozen(dataset.X, Settings(backbones=("wordllama",))) == {"texts": "wordllama", **pictured}


def test_sentences_of_one_meaning_are_near_each_other() -> None:
    pytest.importorskip("wordllama")
    Z = TextEmbedding("wordllama").transform(["a cat sat down", "the cats are sitting", "stock prices fell"])
    Z /= np.linalg.norm(Z, axis=1, keepdims=True)
    assert Z[0] @ Z[1] > Z[0] @ Z[2] + 0.2


def test_pictures_that_were_never_seen_are_encoded(dataset: Dataset) -> None:
    encoder = TableEncoder().fit(dataset.X)
    other = Images.from_array(np.full((2, 32, 32, 3), 7, np.uint8))
    new = dataset.X.iloc[:2].assign(photo=pd.Series(PictureArray(other)))
    Z = encoder.transform(new)
    assert np.isfinite(Z).all() and not np.array_equal(Z, encoder.transform(dataset.X.iloc[:2]))
