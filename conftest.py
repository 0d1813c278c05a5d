"""For the examples in docstrings: a folder `tmp` of their own, and a cache that is not the machine's."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

os.environ["HANDFUL_CACHE"] = tempfile.mkdtemp(prefix="handful-test-cache-")


@pytest.fixture(autouse=True)
def _doctest_folder(doctest_namespace: dict, tmp_path: Path) -> None:
    doctest_namespace["tmp"] = tmp_path


@pytest.fixture(autouse=True)
def _quick_examples(request: pytest.FixtureRequest) -> Iterator[None]:
    """Whole runs in docstrings read as they should, and compare two candidates."""
    if request.node.path.name not in ("fit.py", "estimator.py"):
        yield
        return
    from tests.conftest import QUICKEST, shorter_classic

    with shorter_classic(QUICKEST):
        yield
