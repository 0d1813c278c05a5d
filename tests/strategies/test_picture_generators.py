"""Made-up pictures are of their class, of the form of the real ones, and what goes wrong is said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.svm import SVC

from handful.data.dataset import Images
from handful.data.images import array_to_images
from handful.nets.picture_vae import STEPS
from handful.strategies.picture_generators import SAMPLERS, PictureVAE
from tests.conftest import pictures

LEARNED = slice(0, 100)


@pytest.fixture(scope="module", autouse=True)
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Trainings are kept in a folder of their own."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HANDFUL_CACHE", str(folder))
        yield folder


@pytest.fixture(scope="module")
def digits() -> tuple[Images, np.ndarray]:
    """300 digits, 30 of each in turn."""
    bunch = load_digits()
    order = np.concatenate([np.flatnonzero(bunch.target == k)[:30] for k in range(10)])
    order = order.reshape(10, 30).T.ravel()
    return array_to_images(bunch.images[order] / 16), bunch.target[order]


@pytest.fixture(scope="module")
def fitted(kept: Path, digits: tuple[Images, np.ndarray]) -> PictureVAE:
    X, y = digits
    return PictureVAE(epochs=60, random_state=1).fit(X[LEARNED], y[LEARNED])


def recognised(X: np.ndarray, labels: np.ndarray, digits: tuple[Images, np.ndarray]) -> float:
    real, y = digits
    judge = SVC(C=10).fit(_flat(np.asarray(real)), y)
    return float((judge.predict(_flat(X)) == labels).mean())


def _flat(pixels: np.ndarray) -> np.ndarray:
    return pixels[..., 0].reshape(len(pixels), -1) / 255


def test_both_terms_of_the_loss_are_told_and_fall(fitted: PictureVAE) -> None:
    terms = {name: [h[name] for h in fitted.history_] for name in ("train_reconstruction", "train_kl")}
    first, *_, last = fitted.history_
    assert last["train_loss"] < first["train_loss"] - 20
    assert terms["train_reconstruction"][-1] < terms["train_reconstruction"][0] - 20
    warm = fitted.history_[len(fitted.history_) // 3]  # from here on the KL counts in full
    assert last["train_loss"] < warm["train_loss"] - 5 and terms["train_kl"][-1] > 1
    assert not fitted.collapsed_ and fitted.warning_ is None and fitted.n_latent_active_ > 4


@pytest.mark.parametrize("sampler", ["posterior", "riemannian"])
def test_made_up_digits_are_recognised(
    sampler: str, fitted: PictureVAE, digits: tuple[Images, np.ndarray]
) -> None:
    wanted = np.random.default_rng(0).permutation(np.repeat(np.arange(10), 12))
    made = (
        clone(fitted).set_params(sampler=sampler).fit(digits[0][LEARNED], digits[1][LEARNED]).sample(wanted)
    )
    assert made.shape == (120, 32, 32, 3) and made.dtype == np.uint8
    assert (made == made[..., :1]).all(), "grey stays grey"
    assert recognised(made, wanted, digits) > 0.8
    assert len(np.unique(made.reshape(120, -1), axis=0)) == 120, "no two are the same"


def test_samplers_share_one_training(
    fitted: PictureVAE, digits: tuple[Images, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PictureVAE, "_learned", lambda *_: pytest.fail("it was trained again"))
    for sampler in SAMPLERS:
        other = (
            clone(fitted).set_params(sampler=sampler, spread=0.5).fit(digits[0][LEARNED], digits[1][LEARNED])
        )
        np.testing.assert_array_equal(other.codes_, fitted.codes_)
        wanted = np.array([3, 3, 8])
        np.testing.assert_array_equal(other.sample(wanted), other.sample(wanted))
        assert (other.sample(wanted, seed=7) != other.sample(wanted)).any()


def test_reconstructions_are_like_the_pictures_also_new_ones(
    fitted: PictureVAE, digits: tuple[Images, np.ndarray]
) -> None:
    X, y = digits
    for rows, most in ((LEARNED, 0.15), (slice(100, 200), 0.7)):
        real = np.asarray(X[rows]).astype(float)
        lost = ((fitted.reconstruct(X[rows], y[rows]) - real) ** 2).mean()
        assert lost < most * ((real - real.mean(axis=0)) ** 2).mean()
    assert fitted.encode(X[LEARNED]).shape == (100, 16)
    np.testing.assert_allclose(fitted.encode(X[LEARNED], y[LEARNED]), fitted.codes_, atol=1e-4)


def test_a_line_between_two_classes_begins_at_one_and_ends_at_the_other(
    fitted: PictureVAE, digits: tuple[Images, np.ndarray]
) -> None:
    X, y = digits
    line = fitted.interpolate(X[0], X[1], labels=(y[0], y[1]), steps=5)
    ends = fitted.reconstruct(X[:2], y[:2])
    assert line.shape == (5, 32, 32, 3)
    np.testing.assert_allclose(line[[0, -1]].astype(int), ends, atol=1)
    assert fitted.interpolate(X[0], X[1], steps=3).shape == (3, 32, 32, 3)


def test_a_collapse_is_noticed_and_said(digits: tuple[Images, np.ndarray]) -> None:
    X, y = digits[0][:40], digits[1][:40]
    with_weight = PictureVAE(beta=1e6, epochs=20).fit(X, y)
    assert with_weight.collapsed_ and with_weight.n_latent_active_ == 0
    assert "collapsed" in with_weight.warning_
    said = [h["train_kl"] for h in with_weight.history_]
    assert said[-1] < 0.1 * max(said), "the other term of the loss falls where it is what counts"
    same = with_weight.sample(np.array([4, 4, 4])).astype(int)
    assert np.abs(same - same[0]).max() < 30, "all of a class are the same"


def test_few_pictures_do_not_mean_few_steps(
    digits: tuple[Images, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict = {}

    def instead(make, inputs, targets, recipe, **rest):  # type: ignore[no-untyped-def]
        from handful.nets.train import Trained, to_arrays

        asked["epochs"] = recipe.epochs
        return Trained(to_arrays(make()), recipe.epochs)

    monkeypatch.setattr("handful.nets.train.train", instead)
    few = PictureVAE(random_state=5).fit(digits[0][:20], digits[1][:20])
    assert asked["epochs"] == few.steps_ == STEPS, "a batch holds all twenty"


def test_colours_any_labels_and_a_class_of_one() -> None:
    data = pictures(per_class=6, size=40)
    rows = np.r_[0:13]  # six, six, and a single one
    y = np.array(["a", "b", "c"], dtype=object)[data.y[rows]]
    for arguments in ({"sampler": "riemannian"}, {"conditional": False}):
        model = PictureVAE(epochs=2, latent=4, **arguments).fit(data.X[rows], y)
        made = model.sample(np.array(["c", "a"], dtype=object))
        assert made.shape == (2, 40, 40, 3) and made.dtype == np.uint8
    assert (made[..., 0] != made[..., 2]).any()
    with pytest.raises(ValueError, match="'d' is none of the classes learned from, which are a, b, c"):
        PictureVAE(epochs=2).fit(data.X[rows], y).sample(np.array(["d"], dtype=object))
    with pytest.raises(ValueError, match="not told the class"):
        PictureVAE(conditional=False, sampler="prior").fit(data.X[rows], y)
    with pytest.raises(ValueError, match="sampler is one of prior, posterior, riemannian"):
        PictureVAE(sampler="gauss").fit(data.X[rows], y)
