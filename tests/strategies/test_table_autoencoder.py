"""Codes of rows: learned without labels, from rows without labels too, and shared by the heads."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import skops.io

from handful.model.save import TRUSTED
from handful.protocol.evaluate import fit_and_predict
from handful.protocol.splits import compare_splits
from handful.settings import Settings
from handful.strategies import table_autoencoder
from handful.strategies.candidate import Candidate
from handful.strategies.table_autoencoder import TableAutoencoderFeatures, on_tables
from handful.strategies.tables import TableEncoder
from tests.conftest import table


def fitted(X: pd.DataFrame, **arguments: object) -> TableAutoencoderFeatures:
    return TableAutoencoderFeatures(epochs=80, **arguments).fit(X)  # type: ignore[arg-type]


def test_rows_come_back_from_fewer_numbers_better_than_the_usual_row() -> None:
    X = table("classification", n=150).X
    found = fitted(X, n_codes=2)
    back = found.reconstruct(X)
    assert found.transform(X).shape == (150, 2)
    assert list(back.columns) == list(X.columns) and (back.dtypes == X.dtypes).all()
    for name in ("x0", "x2", "x3"):
        assert ((back[name] - X[name]) ** 2).mean() < 0.35 * X[name].var()
    there = X["kind"].notna()
    assert (back["kind"] == X["kind"])[there].mean() > 0.75
    assert {"train_numbers", "train_categories"} <= set(found.history_[0])
    assert found.history_[-1]["train_loss"] < found.history_[0]["train_loss"] - 1


def test_as_many_codes_as_most_of_the_variance_takes_components() -> None:
    random = np.random.default_rng(0)
    hidden = random.normal(size=(60, 3))
    wide = hidden @ random.normal(size=(3, 20)) + 0.01 * random.normal(size=(60, 20))
    X = pd.DataFrame(wide, columns=[f"x{i}" for i in range(20)])
    assert TableAutoencoderFeatures(epochs=1).fit(X).n_codes_ == 3
    alike = pd.DataFrame({"a": [1.0, 2.0] * 10, "b": [1.0, 2.0] * 10})
    assert TableAutoencoderFeatures(epochs=1).fit(alike).n_codes_ == 2


def test_the_columns_stand_behind_standardised_codes() -> None:
    X = table("classification").X
    Z = fitted(X, beside=True, n_codes=3).transform(X)
    np.testing.assert_allclose(Z[:, :3].mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(Z[:, :3].std(axis=0), 1, atol=1e-6)
    np.testing.assert_array_equal(Z[:, 3:], TableEncoder().fit(X).transform(X))


def test_rows_without_labels_are_learned_from_where_that_is_wanted() -> None:
    X = table("classification", n=150).X
    few, more = X.iloc[::10].reset_index(drop=True), X.iloc[1::2].reset_index(drop=True)

    def off(unlabelled: pd.DataFrame | None, use: bool) -> float:
        found = TableAutoencoderFeatures(n_codes=2, use_unlabelled=use, epochs=60)
        back = found.fit(few, None, None, unlabelled).reconstruct(X)
        return float(((back[["x0", "x2", "x3"]] - X[["x0", "x2", "x3"]]) ** 2).mean().mean())

    assert off(more, True) < off(None, True) == off(more, False)


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_candidates_share_one_training_and_name_their_base(
    task: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = table(task)
    assert on_tables(dataset, Settings(budget="quick")) == []
    found = on_tables(dataset, Settings(budget="standard"))
    heads = ["logistic", "svm"] if task == "classification" else ["ridge", "svr"]
    assert [c.base for c in found] == heads
    calls: list[int] = []
    learn = TableAutoencoderFeatures._learn
    monkeypatch.setattr(
        table_autoencoder.TableAutoencoderFeatures,
        "_learn",
        lambda self, *given: calls.append(1) or learn(self, *given),
    )
    split = compare_splits(dataset, Settings())[0]
    for candidate in found:
        result = fit_and_predict(
            shortened(candidate, 7), split, dataset, 3 if dataset.classes is not None else None
        )
        assert result.error is None
    assert len(calls) == 1


def shortened(candidate: Candidate, epochs: int) -> Candidate:
    return replace(candidate, estimator=candidate.estimator.set_params(features0__epochs=epochs))


def test_with_unlabelled_rows_each_has_a_candidate_more_compared_with_the_one_without() -> None:
    dataset = replace(table("classification"), unlabelled=table("classification", n=90).X)
    found = {c.name: c for c in on_tables(dataset, Settings(budget="standard"))}
    more = [c for c in found.values() if c.technique == "unlabelled data: autoencoder"]
    assert len(more) == 2
    for candidate in more:
        base = found[str(candidate.base)]
        changed = candidate.estimator.get_params()["features0__use_unlabelled"]
        assert changed and not base.estimator.get_params()["features0__use_unlabelled"]


def test_survives_saving_without_pickle() -> None:
    X = table("classification").X
    found = fitted(X, beside=True)
    stored = skops.io.dumps(found)
    types = skops.io.get_untrusted_types(data=stored)
    assert all(t.startswith(TRUSTED) for t in types)
    np.testing.assert_array_equal(skops.io.loads(stored, trusted=types).transform(X), found.transform(X))
