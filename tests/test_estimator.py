"""The scikit-learn face: its own estimator checks, with a catalogue reduced to what is quick."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_iris
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from sklearn.utils.estimator_checks import parametrize_with_checks

from handful import HandfulClassifier, HandfulRegressor
from handful.errors import DataError, SettingsError
from handful.protocol import budget

pytestmark = pytest.mark.usefixtures("few_candidates")

SMALL = {"families": ("yours",)}
ESTIMATORS = [
    HandfulClassifier(candidates=(("tree", DecisionTreeClassifier(random_state=0)),), **SMALL),
    HandfulRegressor(candidates=(("tree", DecisionTreeRegressor(random_state=0)),), **SMALL),
]


@parametrize_with_checks(ESTIMATORS)
def test_scikit_learn_accepts_it(estimator, check, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(budget, "follow_up", lambda *_: [])  # controls and the like, half of a fit's time
    check(estimator)


def test_classifier_keeps_the_labels_as_they_came() -> None:
    X, y = load_iris(return_X_y=True)
    names = np.array(["setosa", "versicolor", "virginica"])[y]
    model = HandfulClassifier(families=("classic",)).fit(X, names)
    assert model.classes_.tolist() == ["setosa", "versicolor", "virginica"]
    assert model.score(X, names) > 0.95
    assert model.summary_["expected"]["low"] < model.summary_["expected"]["value"]
    np.testing.assert_allclose(model.predict_proba(X).sum(axis=1), 1)


def test_frames_with_categories_and_gaps_are_taken() -> None:
    frame = pd.DataFrame(
        {"size": np.tile([1.0, 2.0, np.nan, 8.0], 15), "colour": np.tile(["red", None, "blue", "blue"], 15)}
    )
    y = np.tile([0, 0, 1, 1], 15) == 1
    model = HandfulClassifier(**SMALL | {"families": ("classic",)}).fit(frame, y)
    assert model.predict(frame.iloc[:4]).tolist() == [False, False, True, True]


TEXTS = [f"{words} in room {i}" for i in range(15) for words in ("no paper", "no signal")]


@pytest.mark.parametrize("as_given", [list, np.array, pd.Series, lambda t: np.array(t, dtype=object)])
def test_texts_are_taken_however_they_are_given(as_given: Callable[[list[str]], Any]) -> None:
    y = ["printer", "network"] * 15
    words = make_pipeline(TfidfVectorizer(), LogisticRegression())
    model = HandfulClassifier(candidates=(("words", words),), **SMALL)
    assert cross_val_score(model, as_given(TEXTS), y, cv=2).min() > 0.9
    model = pickle.loads(pickle.dumps(clone(model).fit(as_given(TEXTS), y)))
    assert model.predict(as_given(["no signal at all"])).tolist() == ["network"]


def test_an_empty_text_is_answered_and_fails_no_others() -> None:
    texts, y = ["", *TEXTS[1:15], None, *TEXTS[16:]], ["printer", "network"] * 15
    words = make_pipeline(TfidfVectorizer(), LogisticRegression())
    model = HandfulClassifier(candidates=(("words", words),), **SMALL)
    assert cross_val_score(model, texts, y, cv=3, error_score="raise").min() > 0.7


def test_a_matrix_may_have_gaps() -> None:
    X, y = load_iris(return_X_y=True)
    X[::7, 0] = np.nan
    model = HandfulClassifier(**ESTIMATORS[0].get_params(deep=False))
    assert cross_val_score(model, X, y, cv=2, error_score="raise").min() > 0.8


def test_frames_of_other_libraries_keep_their_names() -> None:
    class Frame:
        """As polars has them."""

        def __init__(self, frame: pd.DataFrame) -> None:
            self.frame = frame

        def to_pandas(self) -> pd.DataFrame:
            return self.frame

        def __array__(self, dtype: object = None, copy: bool | None = None) -> np.ndarray:
            return self.frame.to_numpy()

        def __len__(self) -> int:
            return len(self.frame)

    X, y = load_iris(return_X_y=True, as_frame=True)
    model = HandfulClassifier(**ESTIMATORS[0].get_params(deep=False)).fit(Frame(X), y)
    np.testing.assert_array_equal(model.predict(Frame(X.iloc[:, ::-1])), model.predict(X))


def test_the_names_of_columns_are_kept_as_scikit_learn_keeps_them() -> None:
    X, y = load_iris(return_X_y=True, as_frame=True)
    model = HandfulClassifier(**ESTIMATORS[0].get_params(deep=False)).fit(X, y)
    assert model.feature_names_in_.tolist() == list(X.columns) and model.n_features_in_ == 4
    assert not hasattr(model.fit(X.to_numpy(), y), "feature_names_in_")
    assert not hasattr(model.fit(X.set_axis([0, "a", 1, "b"], axis=1), y), "feature_names_in_")


def test_regressor_inside_cross_validation() -> None:
    X, y = load_diabetes(return_X_y=True)
    scores = cross_val_score(HandfulRegressor(families=("classic",)), X[:150], y[:150], cv=2)
    assert scores.mean() > 0.3


def test_groups_are_kept_together() -> None:
    X, y = load_iris(return_X_y=True)
    model = HandfulClassifier(**ESTIMATORS[0].get_params(deep=False)).fit(X, y, groups=np.arange(150) // 5)
    assert model.summary_["protocol"]["grouped"]


def test_a_wrong_option_is_said_at_fit() -> None:
    with pytest.raises(ValueError, match="budget 'fast' is unknown"):
        HandfulClassifier(budget="fast").fit(*load_iris(return_X_y=True))


def test_one_name_is_as_good_as_a_tuple_of_one() -> None:
    given = ESTIMATORS[0].get_params(deep=False) | {"families": "yours"}
    model = HandfulClassifier(**given).fit(*load_iris(return_X_y=True))
    assert {row["family"] for row in model.summary_["leaderboard"]} == {"baseline", "yours"}
    with pytest.raises(SettingsError, match=r"families: 'clasic' is unknown\. Did you mean 'classic'"):
        HandfulClassifier(**given | {"families": "clasic,yours"}).fit(*load_iris(return_X_y=True))


@pytest.mark.parametrize("own", [DecisionTreeClassifier(), [DecisionTreeClassifier()], {"tree": 1}, [(1, 2)]])
def test_candidates_that_are_no_pairs_are_refused_with_an_example(own: Any) -> None:
    with pytest.raises(SettingsError, match=r"a list of \(name, estimator\) is needed, such as"):
        HandfulClassifier(candidates=own).fit(*load_iris(return_X_y=True))


def test_a_sample_without_a_label_is_named() -> None:
    labels = np.array(["a", "b", "c", None], dtype=object)[load_iris().target]
    labels[7] = None
    with pytest.raises(DataError, match="1 sample without a label, the first at position 7"):
        HandfulClassifier(**SMALL).fit(load_iris().data, labels)


def test_a_list_of_pictures_is_taken() -> None:
    random = np.random.default_rng(0)
    pictures = [random.integers(0, 250, (8, 8, 3)).astype(np.uint8) // (1 + i % 2) for i in range(20)]
    flat = FunctionTransformer(flattened)
    model = HandfulClassifier(candidates=(("tree", make_pipeline(flat, DecisionTreeClassifier())),), **SMALL)
    assert model.fit(pictures, np.arange(20) % 2).predict(pictures[:3]).tolist() == [0, 1, 0]


def flattened(X: Any) -> np.ndarray:
    return np.asarray(X).reshape(len(X), -1)


def test_classes_are_sorted_as_scikit_learn_expects() -> None:
    X, y = load_iris(return_X_y=True)
    labels = np.array(["9", "10", "2"])[y]
    model = HandfulClassifier(**ESTIMATORS[0].get_params(deep=False)).fit(X, labels)
    assert model.classes_.tolist() == np.unique(labels).tolist()
    named = model.classes_[model.predict_proba(X).argmax(axis=1)]
    np.testing.assert_array_equal(named, model.predict(X))
    assert [c["class"] for c in model.summary_["classes"]] == ["2", "9", "10"]
    assert cross_val_score(model, X, labels, cv=3, scoring="roc_auc_ovr").min() > 0.9


def test_a_random_state_of_numpy_is_a_seed() -> None:
    X, y = load_iris(return_X_y=True)
    given = ESTIMATORS[0].get_params(deep=False)

    def seed(state: np.random.RandomState | np.integer) -> int:
        return HandfulClassifier(**given | {"random_state": state}).fit(X, y).summary_["protocol"]["seed"]

    assert seed(np.random.RandomState(0)) == seed(np.random.RandomState(0)) != seed(np.random.RandomState(1))
    assert seed(np.int64(3)) == 3
    with pytest.raises(ValueError, match="cannot be used to seed"):
        seed("monday")  # type: ignore[arg-type]


def test_all_cores_may_be_asked_for_as_scikit_learn_has_it() -> None:
    given = ESTIMATORS[0].get_params(deep=False)
    model = HandfulClassifier(**given | {"n_jobs": -1}).fit(*load_iris(return_X_y=True))
    assert model.summary_["expected"]["value"] > 0.9
