"""A network fine-tuned in an earlier run joins a new one, and never with pictures that it has seen."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import handful
from handful.backbones import embed, get
from handful.data.dataset import Dataset, Images
from handful.errors import DataError, RunError, SettingsError
from handful.fit import FitRun
from handful.model.start import check_start, take_start
from handful.protocol import budget
from handful.protocol.run import Run, Stop
from handful.settings import Settings
from handful.strategies import propose
from handful.strategies.candidate import Candidate
from tests.backbones.conftest import _untrained
from tests.conftest import pictures, table

# Of eighteen pictures, six a class.
HALVES = [(np.arange(0, 18, 2), np.arange(1, 18, 2)), (np.arange(1, 18, 2), np.arange(0, 18, 2))]


def shared(dataset: Dataset) -> tuple[np.ndarray, np.ndarray]:
    return np.asarray(dataset.X), dataset.classes[dataset.y]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("weights")
    return f"test_efficientnet={_untrained('test_efficientnet', folder / 'tiny.safetensors')}"


@pytest.fixture(scope="module")
def dogs(tiny: str, tmp_path_factory: pytest.TempPathFactory) -> FitRun:
    """A run that fine-tunes, on two splits."""
    return handful.fit(
        shared(pictures(per_class=6)),
        budget="standard",
        families=["finetune"],
        backbones=[tiny],
        cv=HALVES,
        jobs=1,
        out=tmp_path_factory.mktemp("runs") / "dogs",
    )


def others(per_class: int = 6) -> Dataset:
    """Pictures of the same kind that no earlier run has seen."""
    dataset = pictures(per_class=per_class)
    return replace(dataset, X=Images.from_array(np.ascontiguousarray(255 - np.asarray(dataset.X))))


def started(dogs: FitRun, tiny: str, folder: Path) -> tuple[Settings, list[Candidate]]:
    settings = Settings(
        budget="standard",
        families=("transfer", "finetune"),
        backbones=(tiny,),
        start_from=str(dogs.folder),
        out=str(folder),
    )
    folder.mkdir()
    take_start(settings, others())
    return settings, propose(others(), settings)


def test_its_network_is_one_more_backbone_beside_the_original(
    dogs: FitRun, tiny: str, tmp_path: Path
) -> None:
    _, found = started(dogs, tiny, tmp_path / "breeds")
    by_name = {c.name: c for c in found}
    again = by_name[f"{tiny} last logistic from dogs"]
    assert (again.base, again.technique) == (f"{tiny} last logistic", "start from dogs")
    assert again.base in by_name and f"{tiny} fine-tuned from dogs" in by_name
    assert not any("knn from" in name or "block1 logistic from" in name for name in by_name)
    assert f"{tiny} block4 svm from dogs" in by_name  # while block 1 lies in the frozen front
    backbone = again.estimator.features[0].backbone
    assert Path(backbone.partition("=")[2]).parent == tmp_path / "breeds" / "start"
    assert get(backbone).sha256 != get(tiny).sha256
    changed = embed(others().X, backbone) - embed(others().X, tiny)
    assert np.abs(changed).max() > 0


def test_a_picture_that_the_network_has_seen_is_refused(dogs: FitRun, tmp_path: Path) -> None:
    settings = Settings(start_from=str(dogs.folder), out=str(tmp_path))
    with pytest.raises(DataError, match=r"18 pictures here \(0\.png, 1\.png, 2\.png and 15 more\) are among"):
        take_start(settings, pictures(per_class=6))


def test_a_network_remembers_what_its_own_start_had_seen(dogs: FitRun, tiny: str, tmp_path: Path) -> None:
    from handful.model.start import _seen

    started(dogs, tiny, tmp_path / "breeds")
    second = Run(tmp_path / "breeds")
    second.__dict__["dataset"] = others()
    assert _seen(second) == {*others().X.digests.tolist(), *pictures(per_class=6).X.digests.tolist()}


def test_what_cannot_be_a_start_is_said(dogs: FitRun, tmp_path: Path) -> None:
    data = table("classification")
    with pytest.raises(RunError, match="is not a run"):
        check_start(tmp_path)
    with pytest.raises(SettingsError, match="is for pictures"):
        take_start(Settings(start_from=str(dogs.folder), out=str(tmp_path)), data)


def test_a_run_without_a_fine_tuned_network_is_no_start(
    dogs: FitRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("handful.model.start._tuned", lambda run: [])
    with pytest.raises(RunError, match=r"fine-tuned no network.*--budget standard"):
        handful.fit(shared(others()), start_from=dogs.folder, out=tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_run_that_had_no_time_to_fine_tune_is_no_start(dogs: FitRun, tmp_path: Path) -> None:
    shutil.copytree(dogs.folder, tmp_path / "short")
    run = Run.open(tmp_path / "short")
    run.stop({c.name: Stop("time", 0) for c in run.candidates if c.family == "finetune"})
    with pytest.raises(RunError, match=r"no time for any fine-tuning.*longer --budget"):
        take_start(Settings(start_from=str(run.folder), out=str(tmp_path)), others())


def test_a_network_that_was_stopped_early_is_a_start_all_the_same(
    dogs: FitRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from handful.evidence.predictions import collect
    from handful.model.start import _best

    tuned = next(row for row in collect(Run.open(dogs.folder)).rows if row.family == "finetune")
    early = collect(Run.open(dogs.folder))
    row = early.row(tuned.name)
    row.partial, row.oof, row.stopped = row.oof, None, "behind"
    monkeypatch.setattr("handful.model.start.collect", lambda run: early)
    candidate, network = _best(Run.open(dogs.folder))
    assert candidate.name == tuned.name and network.weights_


def test_the_original_backbone_must_be_compared_too(dogs: FitRun, tiny: str, tmp_path: Path) -> None:
    settings, _ = started(dogs, tiny, tmp_path / "breeds")
    with pytest.raises(SettingsError, match="Add it to --backbones"):
        propose(others(), replace(settings, families=("classic",)))


def test_a_model_takes_its_own_weights_along_when_it_moves(
    tiny: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(budget, "follow_up", lambda *_: [])  # what is asked after the comparison
    name, _, file = tiny.partition("=")
    weights = shutil.copyfile(file, tmp_path / "mine.safetensors")
    run = handful.fit(
        shared(others()),
        families=["transfer"],
        backbones=[f"{name}={weights}"],
        cv=HALVES,
        jobs=1,
        out=tmp_path / "run",
    )
    before = run.model.predict_proba(np.asarray(others().X))
    (tmp_path / "run" / "model").rename(tmp_path / "elsewhere")
    weights.unlink()
    after = handful.load(tmp_path / "elsewhere").predict_proba(np.asarray(others().X))
    np.testing.assert_allclose(after, before, atol=1e-6)
