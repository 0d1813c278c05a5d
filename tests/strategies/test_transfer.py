"""Frozen features of one backbone, and of several together."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.preprocessing import StandardScaler

from handful import backbones
from handful.data.dataset import Dataset
from handful.model.model import Model
from handful.model.save import load, save
from handful.model.unlike import unlike
from handful.protocol.evaluate import fit_and_predict
from handful.protocol.splits import compare_splits
from handful.settings import Settings
from handful.strategies import propose
from handful.strategies.candidate import Candidate, build, spec
from handful.strategies.embedding import BlockScaler, Embedding, Together
from handful.strategies.transfer import candidates
from handful.strategies.warm import warm
from tests.backbones.conftest import _untrained
from tests.conftest import pictures


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """Two untrained networks that take a moment: their levels are block1 to block4, and block2 to block5."""
    folder = tmp_path_factory.mktemp("weights")
    names = ("test_resnet", "test_vit")
    first, second = (f"{name}={_untrained(name, folder / f'{name}.safetensors')}" for name in names)
    return first, second


@pytest.fixture
def data() -> Dataset:
    return pictures(per_class=8)


def offered(data: Dataset, names: tuple[str, ...]) -> dict[str, Candidate]:
    return {c.name: c for c in candidates(data, Settings(backbones=names))}


def test_a_second_backbone_that_is_installed_is_used_where_there_is_time(
    monkeypatch: pytest.MonkeyPatch, data: Dataset
) -> None:
    lite0, lite1 = backbones.get("lite0"), replace(backbones.get("lite0"), name="lite1")
    monkeypatch.setattr(backbones, "available", lambda: [(lite0, True), (lite1, True)])
    longer = Settings(budget="standard")
    assert backbones.used(Settings()) == backbones.used(Settings(budget="60s")) == ("lite0",)
    assert backbones.used(longer) == backbones.used(Settings(budget="5m")) == ("lite0", "lite1")
    assert backbones.foremost(longer) == ("lite0",)  # that takes minutes
    both = replace(longer, backbones=("lite0", "lite2"))
    assert backbones.used(both) == backbones.foremost(both) == ("lite0", "lite2")
    monkeypatch.setattr(backbones, "available", lambda: [(lite0, True), (lite1, False)])
    assert backbones.used(longer) == ("lite0",)
    longest = Settings(budget="thorough")
    assert backbones.used(longest) == ("lite0", "lite0@320")
    assert backbones.foremost(longest) == ("lite0",)


def test_one_backbone_is_compared_with_pixels_only(data: Dataset) -> None:
    found = offered(data, ("lite0",)).values()
    assert {c.technique for c in found} == {"transfer: frozen features"}
    assert {c.base for c in found} == {"pixels logistic", "pixels svm", None}


def test_a_second_backbone_is_compared_with_the_same_head_on_the_first(
    data: Dataset, small: tuple[str, str]
) -> None:
    first, second = small
    found = offered(data, small)
    assert {c.technique for c in found.values() if c.name.startswith(first)} == {
        "transfer: frozen features",
        "transfer: a second backbone",  # its name is the beginning of that of both together
    }
    alone = found[f"{second} last svm"]
    assert (alone.base, alone.technique) == (f"{first} last svm", "transfer: a second backbone")
    both = found[f"{first}+{second} last svm"]
    assert (both.base, both.technique, both.deep) == (alone.base, alone.technique, True)
    assert all(c.base in found for c in found.values() if c.technique == "transfer: a second backbone")


def test_a_block_is_compared_with_the_block_as_far_from_the_end(
    data: Dataset, small: tuple[str, str]
) -> None:
    first, second = small
    ours, theirs = (
        [name for name in backbones.levels(b) if name.startswith("block")] for b in (first, second)
    )
    assert ours != theirs
    found = offered(data, small)
    assert found[f"{second} {theirs[-1]} svm"].base == f"{first} {ours[-1]} svm"
    both = found[f"{first}+{second} {ours[-2]} svm"].estimator.features[0]
    assert [part.level for part in both.parts] == [ours[-2], theirs[-2]]


def test_three_backbones_are_joined_once(data: Dataset) -> None:
    found = offered(data, ("lite0", "lite1", "lite2"))
    joined = [c for c in found.values() if "+" in c.name]
    assert {c.name.split()[0] for c in joined} == {"lite0+lite1+lite2"}
    assert {c.technique for c in joined} == {"transfer: further backbones"}


def test_a_backbone_at_two_sizes_is_compared_with_itself(data: Dataset) -> None:
    found = offered(data, ("lite0", "lite0@320"))
    larger = {name: c for name, c in found.items() if "@320" in name}
    assert {c.technique for c in larger.values()} == {"transfer: pictures at another size"}
    assert larger["lite0@320 block5 svm"].base == "lite0 block5 svm"
    assert larger["lite0+lite0@320 last logistic"].base == "lite0 last logistic"
    assert larger["lite0@320 block5 svm"].label.startswith("frozen features of lite0 at 320 px (block 5)")


def test_among_three_a_second_size_is_no_further_backbone(data: Dataset) -> None:
    found = offered(data, ("lite0", "lite2", "lite0@320"))
    assert found["lite0@320 last svm"].technique == "transfer: pictures at another size"
    assert found["lite2 last svm"].technique == "transfer: further backbones"
    assert found["lite0+lite2+lite0@320 last svm"].technique == "transfer: further backbones"


def test_the_features_of_all_stand_side_by_side(data: Dataset, small: tuple[str, str]) -> None:
    parts = [Embedding(name, "last") for name in small]
    widths = [backbones.levels(name)["last"] for name in small]
    found = Together(parts).transform(data.X)
    assert found.shape == (len(data), sum(widths))
    np.testing.assert_array_equal(found[:, : widths[0]], parts[0].transform(data.X))
    np.testing.assert_array_equal(found[:, widths[0] :], parts[1].transform(data.X))


def test_no_block_drowns_another() -> None:
    random = np.random.default_rng(0)
    Z = np.hstack([random.normal(5, 3, (40, 3)), random.normal(0, 0.01, (40, 300))])
    scaled = BlockScaler([3, 300]).fit(Z).transform(Z)
    norms = [(block**2).sum(axis=1).mean() for block in np.split(scaled, [3], axis=1)]
    assert norms == pytest.approx([303 / 2, 303 / 2])


def test_a_block_counts_as_much_as_is_said() -> None:
    Z = np.random.default_rng(0).normal(0, 5, (40, 8))
    scaled = BlockScaler([6, 2], [1.0, 0.5]).fit(Z).transform(Z)
    norms = [(block**2).sum(axis=1).mean() for block in np.split(scaled, [6], axis=1)]
    assert norms == pytest.approx([8 * 0.8, 8 * 0.2])


def test_equal_blocks_are_only_standardised() -> None:
    Z = np.random.default_rng(0).normal(2, 3, (30, 8))
    np.testing.assert_allclose(BlockScaler([4, 4]).fit(Z).transform(Z), StandardScaler().fit_transform(Z))


def test_a_block_without_variation_does_no_harm() -> None:
    Z = np.hstack([np.ones((10, 2)), np.random.default_rng(0).normal(size=(10, 2))])
    assert np.isfinite(BlockScaler([2, 2]).fit(Z).transform(Z)).all()


def test_both_together_keep_what_every_candidate_must(
    data: Dataset, small: tuple[str, str], tmp_path: Path
) -> None:
    both = offered(data, small)["+".join(small) + " last svm"]
    assert spec(build(both.spec)) == both.spec
    split = compare_splits(data, Settings())[0]
    first, again = (fit_and_predict(both, split, data, 3) for _ in range(2))
    assert first.error is None and np.array_equal(first.test, again.test)
    other = replace(data, y=np.where(np.isin(np.arange(len(data)), split.test), (data.y + 1) % 3, data.y))
    np.testing.assert_array_equal(fit_and_predict(both, split, other, 3).test, first.test)

    fitted = both.fresh(0).fit(data.X, data.y)
    flag = unlike(data.X, np.arange(len(data)), "image", [fitted])
    assert flag is not None and flag.space.backbone == small[0]
    model = Model(both.name, [(both.name, fitted)], data.task, data.modality, data.classes, {})
    saved = save(model, tmp_path / "model")
    assert len(list(saved.glob("*.safetensors"))) == 2  # the files of weights travel along
    ((_, loaded),) = load(saved).members
    np.testing.assert_allclose(loaded.predict_proba(data.X), fitted.predict_proba(data.X), atol=1e-6)


def test_features_of_both_are_computed_before_the_cells_start(
    data: Dataset, small: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HANDFUL_CACHE", str(tmp_path))
    both = offered(data, small)["+".join(small) + " last svm"]
    warm(data, [both], Settings(jobs=1))
    monkeypatch.setattr("handful.backbones._engine", lambda *_: pytest.fail("it is computed again"))
    both.fresh(0).fit(data.X, data.y)


def test_augmentation_stays_with_the_first_backbone(data: Dataset, small: tuple[str, str]) -> None:
    found = propose(data, Settings(backbones=small, budget="standard", families=("transfer", "augmentation")))
    learned = [c.base or "" for c in found if c.family == "augmentation" and c.deep]
    assert learned and all(base.startswith(f"{small[0]} ") for base in learned)
