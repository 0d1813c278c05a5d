from __future__ import annotations

from pathlib import Path

import pytest

from handful.protocol.evaluate import processes
from handful.protocol.run import Run
from handful.settings import Settings
from tests.protocol.made import made_run, majority


def test_a_folder_that_cannot_be_claimed_is_left_as_it_was(tmp_path: Path) -> None:
    with pytest.raises(TypeError):
        Run.claim(Settings(metric=object(), out=str(tmp_path / "runs" / "run")))  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())


def test_there_are_no_more_workers_than_this_process_may_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "1")  # a limit that may be set anywhere, unlike a container's
    assert processes(made_run(tmp_path / "usual", [majority()], "quick", jobs=None), 99) == 1
    assert processes(made_run(tmp_path / "asked", [majority()], "quick", jobs=2), 99) == 2
