"""The README's Python runs as it stands, block after block: the first with all that is tried on a table."""

from __future__ import annotations

import re
from contextlib import nullcontext
from pathlib import Path

import pytest

from tests.conftest import QUICKEST, shorter_classic

README = Path(__file__).parents[1] / "README.md"


def test_python_blocks_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert len(blocks) >= 2
    names: dict = {}
    for block in blocks:
        with nullcontext() if block is blocks[0] else shorter_classic(QUICKEST):
            exec(compile(block, "README.md", "exec"), names)
    said = capsys.readouterr().out
    assert "Expect" in said
    assert (tmp_path / "runs" / "wine" / "report.html").exists()


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README.read_text(encoding="utf-8")):
        assert (README.parent / target).exists(), target
