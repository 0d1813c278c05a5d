"""A small version of benchmarks/repeats.py."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import repeats as benchmark
from handful.protocol.run import Run
from handful.settings import Settings
from tests.conftest import shorter_classic, table


def test_what_was_known_after_fewer_repeats_is_compared_with_what_ten_tell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = table("classification", 60)
    rows = data.X.assign(target=data.classes[data.y])
    (tmp_path / "tabular" / "some").mkdir(parents=True)
    rows.to_csv(tmp_path / "tabular" / "some" / "data.csv", index=False)
    settings = Settings(metric="accuracy", budget="thorough", jobs=1, families=("classic",), seed=1)
    monkeypatch.setattr(benchmark, "is_settled", lambda p: len(p.splits) == 20)
    with shorter_classic(("lda", "tree")):
        found = benchmark.one(tmp_path / "store", "some", tmp_path, settings, 30)
        assert benchmark.one(tmp_path / "none", "some", tmp_path, settings, 40) is None
    assert found is not None and found["ends"] == 4 and 0 < found["fits"] < 1 and found["moved"] >= 0
    run = Run.open(tmp_path / "store")
    assert len(benchmark.after(run, 4).splits) == 20 and len(run.splits) == 50
