"""Fine-tuning starts at the linear probe, trains what lies behind the cut only, and keeps plain arrays."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import skops.io
import torch
from sklearn.preprocessing import StandardScaler

from handful.backbones.cache import cache_folder
from handful.backbones.cut import chain
from handful.backbones.registry import get, load_torch
from handful.errors import HandfulError
from handful.settings import Settings
from handful.strategies import finetune
from handful.strategies.chain import Chain
from handful.strategies.embedding import Embedding
from handful.strategies.finetune import FineTunedClassifier, FineTunedRegressor, candidates
from handful.strategies.heads import LogisticHead, RidgeHead
from handful.strategies.inner import validation_part
from tests.backbones.conftest import _untrained
from tests.conftest import pictures, table


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("weights")
    return f"test_efficientnet={_untrained('test_efficientnet', folder / 'tiny.safetensors')}"


def tuned(tiny: str, **changed: object) -> FineTunedClassifier:
    return FineTunedClassifier(**{"backbone": tiny, "size": 32, "epochs": 3, "lr": 3e-3, **changed})


def test_without_a_step_it_is_the_linear_probe(tiny: str) -> None:
    data = pictures(per_class=8)
    fitted = FineTunedClassifier(backbone=tiny, epochs=1, lr=1e-12).fit(data.X, data.y)
    probe = Chain([Embedding(tiny, "last"), StandardScaler()], LogisticHead()).fit(data.X, data.y)
    np.testing.assert_allclose(fitted.predict_proba(data.X), probe.predict_proba(data.X), atol=0.02)


def test_learns_and_writes_down_how(tiny: str) -> None:
    data = pictures(per_class=12)
    learn = np.arange(len(data)) % 4 > 0
    fitted = tuned(tiny, epochs=10, lr=1e-3, depth=4, views=("plain", "left", "up")).fit(
        data.X[learn], data.y[learn]
    )
    assert (fitted.predict(data.X[~learn]) == data.y[~learn]).mean() > 0.7
    losses = [h["train_loss"] for h in fitted.history_]
    assert len(losses) == 10 and min(losses) < 0.8 * losses[0]
    assert all(isinstance(v, np.ndarray) for v in fitted.weights_.values())


def test_predictions_are_averaged_over_the_views_and_fill_no_disk(tiny: str) -> None:
    data = pictures(per_class=6)
    fitted = tuned(tiny, depth=2, views=("plain", "flip")).fit(data.X, data.y)
    new = 255 - np.asarray(data.X[np.arange(8)])
    stored = sorted(cache_folder().rglob("*.npy"))
    said, of_mirrored = (fitted._outputs(pixels) for pixels in (new, new[:, :, ::-1]))
    np.testing.assert_allclose(said, of_mirrored, atol=0.02)
    alone = [np.asarray(fitted.set_params(views=(v,))._outputs(new)) for v in ("plain", "flip")]
    np.testing.assert_allclose(said, np.mean(alone, axis=0), atol=1e-5)
    assert np.abs(alone[0] - alone[1]).max() > 0.05
    assert sorted(cache_folder().rglob("*.npy")) == stored


def test_only_what_lies_behind_the_cut_is_trained_and_kept(tiny: str) -> None:
    data = pictures(per_class=6)
    fitted = tuned(tiny, depth=1).fit(data.X, data.y)
    before = load_torch(get(tiny)).state_dict()
    assert not any("steps.1." in k for k in fitted.weights_)
    np.testing.assert_array_equal(fitted.weights_["steps.0.1.running_mean"], before["bn2.running_mean"])
    assert not np.array_equal(fitted.weights_["steps.0.0.weight"], before["conv_head.weight"])
    head = before["conv_head.weight"].numel() + 2 * len(before["bn2.weight"])
    assert fitted.n_parameters_ == head + 3 * 256 + 3


def test_validation_finds_the_number_of_epochs_with_groups_kept_whole(tiny: str) -> None:
    data = pictures(per_class=30)
    groups = np.arange(len(data)) // 2
    fitted = tuned(tiny, validate=True, epochs=4).fit(data.X, data.y, groups=groups)
    losses = [h["val_loss"] for h in fitted.history_]
    assert fitted.epochs_ == 1 + int(np.argmin(losses))


def test_what_validates_is_not_known_to_the_probe_that_begins(
    tiny: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, begun = pictures(per_class=30), []
    start = finetune.start_from_probe

    def seen(tail: object, inputs: object, rows: np.ndarray, *more: object) -> None:
        begun.append(set(rows.tolist()))
        start(tail, inputs, rows, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(finetune, "start_from_probe", seen)
    tuned(tiny, validate=True, epochs=1).fit(data.X, data.y)
    held = validation_part(data.y, None, 0, classes=True)
    assert held is not None and not begun[0] & set(held.tolist())
    assert len(begun[0]) + len(held) == len(begun[1]) == len(data.y)


def test_numbers_are_predicted_in_their_own_units(tiny: str) -> None:
    data = pictures("regression", per_class=10)
    y = 1000 + 50 * data.y
    fitted = FineTunedRegressor(backbone=tiny, size=32, epochs=5).fit(data.X, y)
    assert np.mean((fitted.predict(data.X) - y) ** 2) < 0.5 * y.var()


def test_numbers_start_from_a_probe_that_keeps_groups_whole(tiny: str) -> None:
    rows = np.repeat(np.arange(12), 4)  # each picture four times
    X, y = pictures(per_class=4).X[rows], np.random.default_rng(0).standard_normal(12)[rows]
    fitted = FineTunedRegressor(backbone=tiny, epochs=1, lr=1e-12).fit(X, y, groups=rows)
    probe = Chain([Embedding(tiny, "last"), StandardScaler()], RidgeHead()).fit(X, y, groups=rows)
    np.testing.assert_allclose(fitted.predict(X), probe.predict(X), atol=0.05)
    alone = Chain([Embedding(tiny, "last"), StandardScaler()], RidgeHead()).fit(X, y)
    assert np.abs(alone.predict(X) - fitted.predict(X)).max() > 0.1


def test_nothing_frozen_trains_from_the_pictures_themselves(tiny: str) -> None:
    data = pictures(per_class=6)
    fitted = tuned(tiny, depth=None, policy="light", epochs=2).fit(data.X, data.y)
    before = load_torch(get(tiny)).state_dict()
    assert not np.array_equal(fitted.weights_["steps.0.0.weight"], before["conv_stem.weight"])
    assert fitted.predict_proba(data.X).shape == (18, 3)


def test_is_saved_without_pickle_and_refuses_other_weights(tiny: str, tmp_path: Path) -> None:
    data = pictures(per_class=4)
    fitted = tuned(tiny, epochs=1).fit(data.X, data.y)
    skops.io.dump(fitted, tmp_path / "model.skops")
    types = skops.io.get_untrusted_types(file=tmp_path / "model.skops")
    assert all(t.startswith(("handful.", "numpy.")) for t in types)
    again = skops.io.load(tmp_path / "model.skops", trusted=types)
    np.testing.assert_array_equal(again.predict_proba(data.X), fitted.predict_proba(data.X))
    fitted.sha256_ = "0" * 64
    with pytest.raises(HandfulError, match="fine-tuned from other weights of 'test_efficientnet="):
        fitted.predict(data.X)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("depth", [2, None])
def test_a_gpu_gives_the_same_within_tolerance(tiny: str, depth: int | None) -> None:
    from handful.backbones.engine import on_device

    data = pictures(per_class=12)
    found = {}
    for name in ("cpu", "cuda"):
        with on_device(name):
            found[name] = tuned(tiny, depth=depth, epochs=4).fit(data.X, data.y).predict_proba(data.X)
    assert np.abs(found["cpu"] - found["cuda"]).mean() < 0.05


def benchmark(name: str) -> ModuleType:
    """A script of benchmarks/, which is no package."""
    path = Path(__file__).parents[2] / "benchmarks" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(path.parent))
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(path.parent))
    return module


def test_the_cached_front_trains_to_the_same_score_as_the_plain_loop(tiny: str) -> None:
    """A small version of benchmarks/finetune_speed.py."""
    found = benchmark("finetune_speed").measure(Path("nowhere"), n=40, epochs=2, rounds=1, backbone=tiny)
    assert abs(found["score"]["cached front"] - found["score"]["plain loop"]) <= 0.05
    assert found["rate"]["cached front"]["cpu"] > found["rate"]["plain loop"]["cpu"]


def test_one_look_and_several_are_asked_of_the_same_fit(tiny: str) -> None:
    """A small version of benchmarks/looks.py."""
    about = {"backbone": tiny, "size": 32, "lr": 1e-3, "depth": 4}
    once, again = (
        benchmark("looks").asked(pictures(per_class=16), views, 0, 8, **about)
        for views in (("plain",), ("plain", "flip"))
    )
    assert once[0][0] == once[1][0]  # one view is one look, in both ways
    assert all(0.4 < accuracy <= 1 and seconds > 0 for accuracy, seconds in [*once, *again])


def test_devices_are_compared_on_the_same_fit() -> None:
    """A small version of benchmarks/gpu.py, which compares the CPU with itself."""
    gpu, rows = benchmark("gpu"), table("classification")
    candidate = gpu.candidate_of(rows, "mlp", "cpu")
    candidate.estimator.set_params(head__epochs=2)
    line, apart = gpu.compared(rows, candidate, "cpu")
    assert apart == 0 and line.startswith("| mlp | 60 |") and line.count("|") == 9


def test_is_offered_from_standard_on_and_only_where_it_can_be_afforded(
    tiny: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = pictures()
    by_effort = {
        effort: candidates(dataset, Settings(budget=effort, backbones=(tiny,)))
        for effort in ("quick", "standard", "thorough")
    }
    assert [len(found) for found in by_effort.values()] == [0, 1, 4]
    (one,) = by_effort["standard"]
    assert (one.base, one.technique) == (f"{tiny} last logistic", "fine-tuning")
    a_view = 2 * len(dataset) * one.estimator._cut(get(tiny)).width
    monkeypatch.setattr(finetune, "MOST_BYTES", a_view // 2)
    (less,) = candidates(dataset, Settings(budget="standard", backbones=(tiny,)))
    assert less.estimator.depth < one.estimator.depth
    monkeypatch.setattr(finetune, "MOST_BYTES", 1000)
    assert candidates(dataset, Settings(budget="standard", backbones=(tiny,))) == []


def test_a_network_that_cannot_be_cut_is_used_frozen_and_that_is_said(
    tiny: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("handful.backbones.cut._parts", lambda model: [])
    chain.cache_clear()
    settings = Settings(budget="standard", backbones=(tiny,))
    assert candidates(pictures(), settings) == []
    (note,) = finetune.notes(pictures(), settings)
    assert note.kind == "not tried" and "frozen features only" in note.message
    chain.cache_clear()
