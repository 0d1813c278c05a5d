"""Tables as matrices: encoding that learns its means, medians and categories inside the training fold."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, OrdinalEncoder, StandardScaler
from sklearn.utils.validation import check_is_fitted

from handful.backbones import levels, used
from handful.data.columns import CATEGORY, NUMBER, PICTURE, TEXTS, columns_of
from handful.settings import Settings
from handful.strategies.embedding import Embedding, TextEmbedding
from handful.strategies.lexicon import Sentiment
from handful.strategies.pixels import Descriptor
from handful.strategies.squeezed import Squeezed
from handful.strategies.tfidf import TfIdf

MISSING = "(missing)"
COUNTED, DESCRIBED = "tfidf", "descriptor"  # texts and pictures without a pretrained network


class TableEncoder(TransformerMixin, BaseEstimator):
    """A DataFrame of numbers, categories, texts and pictures (`handful.data.columns`) as a float matrix.

    Behind the columns of numbers come those of categories, then a block of few numbers for each column of
    texts and of pictures (see `Squeezed`), then the sentiment of texts where it is asked for.

    Parameters
    ----------
    scale : bool
        True, for methods that compare columns: numbers are standardised, with the median where missing and a
        column that says so; categories are one-hot (those seen once share a column). False, for trees:
        numbers as they are, missing included; categories as whole numbers.
    texts : str
        "tfidf", or a pretrained encoder such as "minilm".
    pictures : str
        "descriptor" (shape, colour and texture), or a pretrained network such as "lite0".
    level : str
        Which part of that network.
    sentiment : bool
        Whether the sentiment of the words stands beside each column of texts.
    """

    def __init__(
        self,
        scale: bool = True,
        texts: str = COUNTED,
        pictures: str = DESCRIBED,
        level: str = "block5",
        sentiment: bool = False,
    ) -> None:
        self.scale = scale
        self.texts = texts
        self.pictures = pictures
        self.level = level
        self.sentiment = sentiment

    def fit(self, X: pd.DataFrame, y: Any = None) -> TableEncoder:
        self.numeric_, self.categorical_ = columns_of(X, NUMBER), columns_of(X, CATEGORY)
        texts = columns_of(X, TEXTS)
        if self.scale:
            imputer = SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)
            numbers = make_pipeline(imputer, StandardScaler())
            categories = OneHotEncoder(
                min_frequency=2, handle_unknown="infrequent_if_exist", sparse_output=False, dtype=np.float64
            )
        else:
            numbers = FunctionTransformer()
            categories = OrdinalEncoder(
                handle_unknown="use_encoded_value", unknown_value=-1, dtype=np.float64
            )
        parts = [(numbers, self.numeric_), (categories, self.categorical_)]
        for name in columns_of(X, TEXTS, PICTURE):
            parts.append((Squeezed(self._of_texts() if name in texts else self._of_pictures()), [name]))
        if self.sentiment:
            parts += [
                (Squeezed(make_pipeline(Sentiment(), StandardScaler())), [name]) for name in sorted(texts)
            ]
        # By hand: a ColumnTransformer takes four times as long, and on few rows that is most of a fit.
        self.parts_ = [(part.fit(self._seen(X, names)), names) for part, names in parts if names]
        return self

    def transform(self, X: pd.DataFrame) -> np.ndarray:
        """`(n, d)` float64."""
        check_is_fitted(self, "parts_")
        blocks = [
            np.empty((len(X), 0)),
            *(part.transform(self._seen(X, names)) for part, names in self.parts_),
        ]
        return np.hstack(blocks)

    def _seen(self, X: pd.DataFrame, names: list[str]) -> Any:
        """These columns as their part takes them: numbers or words as a matrix, others as a frame."""
        if names == self.numeric_:
            return X[names].to_numpy(np.float64, na_value=np.nan)
        if names == self.categorical_:
            words = X[names].to_numpy(object)
            return np.where(pd.isna(words), MISSING, words)
        return X[names]

    def looks(self, X: pd.DataFrame) -> list[tuple[Any, str]]:
        """What looks at a sample alone, through a network or not, with the column that it looks at."""
        found: list[tuple[Any, str]] = []
        if self.texts != COUNTED:
            found += [(self._of_texts(), name) for name in columns_of(X, TEXTS)]
        look = self._of_pictures() if self.pictures == DESCRIBED else self._of_pictures()[0]
        return found + [(look, name) for name in columns_of(X, PICTURE)]

    def _of_texts(self) -> Any:
        if self.texts == COUNTED:
            return TfIdf()
        return TextEmbedding(self.texts)

    def _of_pictures(self) -> Any:
        if self.pictures == DESCRIBED:
            return Descriptor()
        return make_pipeline(Embedding(self.pictures, self.level), StandardScaler())


def frozen(X: pd.DataFrame, settings: Settings) -> dict[str, Any]:
    """The arguments of a `TableEncoder` that looks at texts and pictures through pretrained networks.

    Empty where the table has neither, or no network for them is at hand. They are settled when candidates are
    proposed, so that a candidate's key says what it looks through.
    """
    found: dict[str, str] = {}
    of_texts = text_backbone(settings) if columns_of(X, TEXTS) else None
    if of_texts is not None:
        found["texts"] = of_texts
    if columns_of(X, PICTURE):
        named = _first(settings, "image") or "lite0"
        blocks = [level for level in levels(named) if level.startswith("block")]
        found |= {"pictures": named, "level": blocks[-2] if len(blocks) > 1 else "last"}
    return found


def text_backbone(settings: Settings) -> str | None:
    """The encoder of texts that is asked for, or at hand."""
    return _first(settings, "text")


def _first(settings: Settings, modality: str) -> str | None:
    """The first backbone of this kind; where others alone were named, the first that is at hand."""
    at_hand = used(replace(settings, backbones=()), modality)
    return next(iter((*used(settings, modality), *at_hand)), None)


def looks_through_network(looking: dict[str, str]) -> bool:
    """Whether these arguments name a network: word vectors that are only looked up are none."""
    from handful.backbones.texts import get_text

    return "pictures" in looking or ("texts" in looking and get_text(looking["texts"]).kind != "static")
