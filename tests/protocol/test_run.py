from __future__ import annotations

from pathlib import Path

import pytest

from handful.protocol.run import Run
from handful.settings import Settings


def test_a_folder_that_cannot_be_claimed_is_left_as_it_was(tmp_path: Path) -> None:
    with pytest.raises(TypeError):
        Run.claim(Settings(metric=object(), out=str(tmp_path / "runs" / "run")))  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())
