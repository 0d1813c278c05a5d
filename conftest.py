"""For the examples in docstrings: a folder `tmp` of their own, and a cache that is not the machine's."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

os.environ["HANDFUL_CACHE"] = tempfile.mkdtemp(prefix="handful-test-cache-")


@pytest.fixture(autouse=True)
def _doctest_folder(doctest_namespace: dict, tmp_path: Path) -> None:
    doctest_namespace["tmp"] = tmp_path
