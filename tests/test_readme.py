"""The README's Python runs as it stands, block after block, on some of its rows and with small forests.

The first block is a run with everything that is tried on a table; the later ones look at other ways to call.
"""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest
import sklearn.datasets

from tests.conftest import QUICKEST, shorter_classic

whole_wine = sklearn.datasets.load_wine
README = Path(__file__).parents[1] / "README.md"


def some_wine(**options: bool) -> tuple[pd.DataFrame, pd.Series]:
    """A third of the rows, of every class."""
    X, y = whole_wine(**options)
    return X.iloc[::3], y.iloc[::3]


def test_python_blocks_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sklearn.datasets, "load_wine", some_wine)
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert len(blocks) >= 2
    names: dict = {}
    for block in blocks:
        with shorter_classic(None if block is blocks[0] else QUICKEST):
            exec(compile(block, "README.md", "exec"), names)
    said = capsys.readouterr().out
    assert "Expect" in said
    assert (tmp_path / "runs" / "wine" / "report.html").exists()


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README.read_text(encoding="utf-8")):
        assert (README.parent / target).exists(), target
