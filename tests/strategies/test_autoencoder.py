"""Codes learned without labels: shared, saved without torch, open to unlabelled pictures only when asked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

import handful.nets.train
from handful.data.load import load
from handful.model.save import TRUSTED
from handful.settings import Settings
from handful.strategies.autoencoder import (
    AutoencoderFeatures,
    PrincipalFeatures,
    StartedConvNetHead,
    StartedConvNetValueHead,
    candidates,
    size_for,
)
from handful.strategies.chain import Chain
from handful.strategies.heads import RidgeHead, SVMHead
from handful.strategies.pixels import Pixels
from tests.conftest import pictures, table

STANDARD, THOROUGH = Settings(budget="standard"), Settings(budget="thorough")


def digits(n: int) -> tuple[np.ndarray, np.ndarray]:
    data = load_digits()
    return Pixels().transform(load((data.images[:n] / 16, data.target[:n]), Settings()).X), data.target[:n]


def stripes(per_class: int = 8) -> tuple[np.ndarray, np.ndarray]:
    data = pictures(per_class=per_class)
    return Pixels().transform(data.X), data.y


def test_pictures_come_back_from_their_codes_and_columns_keep_their_size() -> None:
    Z, _ = digits(200)
    fitted = AutoencoderFeatures("plain", epochs=30).fit(Z[:150])
    missed = ((fitted.reconstruct(Z[150:]) - Z[150:]) ** 2).mean() / Z[:150].var(axis=0).mean()
    little = ((fitted.reconstruct(Z[150:], 4) - Z[150:]) ** 2).mean() / Z[:150].var(axis=0).mean()
    assert missed < 0.8 and missed < little
    codes = fitted.transform(Z[:150])
    assert codes.shape == (150, fitted.size_) and 8 <= fitted.size_ <= 64 and 0 < fitted.used_ <= 64
    np.testing.assert_allclose((codes.std(axis=0) ** 2).mean(), 1, rtol=1e-3)
    assert codes[:, :4].std() > 1.2 * codes[:, -8:].std()
    assert fitted.plan_["channels"] == 1 and len(fitted.history_) == 30


def test_simple_pictures_get_a_shorter_code_than_rich_ones() -> None:
    random = np.random.default_rng(0)
    simple = random.normal(size=(100, 3)) @ random.normal(size=(3, 300))
    rich = random.normal(size=(100, 300))
    assert size_for(simple, 64) == 8 and size_for(rich, 64) == 64 and size_for(rich[:20], 64) < 20


@pytest.mark.parametrize("features", [AutoencoderFeatures(epochs=2), PrincipalFeatures(8)])
def test_unlabelled_pictures_join_only_where_they_are_asked_for(features: object) -> None:
    Z, _ = stripes()
    few, more = Z[::2], Z[1::2]
    alone = features.fit(few).transform(Z)
    np.testing.assert_array_equal(features.fit(few, unlabelled=more).transform(Z), alone)
    features.set_params(use_unlabelled=True)
    assert not np.allclose(features.fit(few, unlabelled=more).transform(Z), alone, atol=1e-3)


def test_candidates_share_one_training(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HANDFUL_CACHE", str(tmp_path))
    asked = []
    original = handful.nets.train.train
    monkeypatch.setattr(handful.nets.train, "train", lambda *a, **k: asked.append(1) or original(*a, **k))
    data = replace(pictures(per_class=4), unlabelled=pictures(per_class=6).X)
    found = {c.name: c for c in candidates(data, STANDARD)}
    for name in ("ae logistic", "ae svm", "ae knn"):
        found[name].fresh(3).set_params(features1__epochs=1).fit(data.X, data.y, unlabelled=data.unlabelled)
    assert len(asked) == 1
    start = found["cnn pretrained"].fresh(3).set_params(head__autoencoder__epochs=1, head__epochs=1)
    start.fit(data.X, data.y, unlabelled=data.unlabelled)
    assert len(asked) == 2  # only the network's own


def test_a_network_starts_from_the_encoder_and_learns_on() -> None:
    Z, y = stripes(14)
    head = StartedConvNetHead(AutoencoderFeatures(epochs=3), epochs=12)
    head._encoder = head.autoencoder.fit(Z)
    module = head._make(head._plan(Z), 3)
    start = head._encoder.weights_["trunk.stem.weight"]
    np.testing.assert_array_equal(module.trunk.stem.weight.detach().numpy(), start)
    train = np.arange(len(Z)) % 14 < 10
    fitted = StartedConvNetHead(AutoencoderFeatures(epochs=3), epochs=40).fit(Z[train], y[train])
    assert (fitted.predict(Z[~train]) == y[~train]).mean() > 0.8
    assert not np.allclose(fitted.weights_["trunk.stem.weight"], start) and not hasattr(fitted, "_encoder")


def test_it_is_saved_without_torch_and_predicts_the_same(tmp_path: Path) -> None:
    import skops.io

    data = pictures("regression", per_class=4)
    for i, estimator in enumerate(
        (
            Chain([Pixels(), AutoencoderFeatures(epochs=1)], RidgeHead()),
            Chain([Pixels()], StartedConvNetValueHead(AutoencoderFeatures(epochs=1), epochs=1)),
        )
    ):
        fitted = estimator.fit(data.X, data.y)
        skops.io.dump(fitted, tmp_path / f"{i}.skops")
        types = skops.io.get_untrusted_types(file=tmp_path / f"{i}.skops")
        assert all(t.startswith(TRUSTED) for t in types), types
        again = skops.io.load(tmp_path / f"{i}.skops", trusted=types)
        np.testing.assert_array_equal(again.predict(data.X), fitted.predict(data.X))


def test_what_is_offered_depends_on_budget_and_unlabelled_data() -> None:
    data = pictures(per_class=2)
    more = replace(data, unlabelled=data.X)
    assert candidates(more, Settings()) == []
    rows = candidates(table("classification"), STANDARD)
    assert [c.name for c in rows] == ["autoencoder logistic", "autoencoder svm"]
    plain = [c.name for c in candidates(data, STANDARD)]
    assert plain == ["ae logistic", "ae svm", "ae knn", "pca logistic", "pca svm", "pca knn"]
    assert [c.name for c in candidates(data, THOROUGH)] == [*plain, "cnn pretrained"]
    with_more = {c.name: c for c in candidates(more, STANDARD)}
    for name in (*plain, "cnn pretrained"):
        assert with_more[f"{name} unlabelled"].base == name
        assert with_more[f"{name} unlabelled"].technique.startswith("unlabelled data: ")


def test_unlabelled_digits_help_a_support_vector_machine_with_few_labels() -> None:
    Z, y = digits(800)
    few = np.concatenate([np.flatnonzero(y == k)[:4] for k in range(10)])
    right = []
    for use in (False, True):
        features = AutoencoderFeatures(epochs=12, use_unlabelled=use)
        codes = features.fit(Z[few], unlabelled=Z[200:600]).transform(Z)
        right.append((SVMHead().fit(codes[few], y[few]).predict(codes[600:]) == y[600:]).mean())
    assert right[1] > right[0] and right[1] > 0.7
