from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from handful.data.texts import as_array
from handful.settings import Settings
from handful.strategies import class_names, propose
from handful.strategies.heads import LogisticHead
from handful.strategies.inner import MADE_UP
from handful.strategies.named import COPIES, NamedClasses, telling
from handful.strategies.tfidf import TfIdf
from tests.conftest import texts
from tests.strategies.test_more_texts import As, Listens

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import class_names as benchmark

NAMES = ("printer", "invoice", "password")


def test_names_are_texts_of_their_classes_that_no_inner_fold_holds_out() -> None:
    X, y = as_array(["one", "two", "three"]), np.array([2, 0, 2])
    heard = NamedClasses([As()], Listens(), NAMES).fit(X, y).head_
    assert heard.Z_.tolist() == ["one", "two", "three"] + ["printer", "password"] * COPIES
    assert heard.y_.tolist() == [2, 0, 2] + [0, 2] * COPIES  # a class without a text here has no name either
    assert heard.groups_.tolist() == [0, 1, 2] + [MADE_UP] * 2 * COPIES
    heard = NamedClasses([As()], Listens(), NAMES).fit(X, y, groups=np.array([7, 7, 8])).head_
    assert heard.groups_[:3].tolist() == [7, 7, 8]


def test_a_name_is_known_without_a_text_that_says_it() -> None:
    X = as_array(
        ["it is broken again", "paper is stuck", "how much is it", "paid twice", "forgot it", "locked"]
    )
    y = np.repeat([0, 1, 2], 2)
    named = NamedClasses([TfIdf()], LogisticHead(), NAMES).fit(X, y)
    assert named.predict(as_array(["password", "invoice", "the printer"])).tolist() == [2, 1, 0]


def test_each_stands_beside_the_same_without_and_keeps_its_own_arguments() -> None:
    data = texts()
    found = {c.name: c for c in propose(data, Settings(families=("names",)))}
    more = found["tfidf logistic, names"]
    base = found[str(more.base)]
    assert base.name == "tfidf logistic" and more.technique == "names of classes" and not more.deep
    assert more.spec["params"]["features"] == base.spec["params"]["features"]
    assert more.estimator.names == tuple(data.classes)


@pytest.mark.parametrize("names", [["A", "B", "C"], ["1", "2", "3"], ["a-b", "a_b", "c c"]])
def test_names_that_say_nothing_are_not_learned_from(names: list[str]) -> None:
    assert not telling(names)
    data = replace(texts(), classes=np.array(names))
    assert class_names.candidates(data, Settings()) == []
    assert class_names.candidates(texts("regression"), Settings()) == []


def test_the_benchmark_compares_the_same_draws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = texts(per_class=12)
    rows = "".join(f"{text},{data.classes[k]}\n" for text, k in zip(data.X, data.y, strict=True))
    (tmp_path / "data.csv").write_text("text,label\n" + rows)
    monkeypatch.setattr(benchmark, "HEADS", ("tfidf logistic",))
    ((head, size), own), *others = benchmark.measured(tmp_path, [3], range(2), pool=30).items()
    assert (head, size, others) == ("tfidf logistic", 3, [])
    assert set(own) == {"0", "1", "2", "4", "8", "wrong"} and all(len(v) == 2 for v in own.values())
    said = benchmark.line("data", head, size, {**own, "0": [0.5, 0.5], "1": [0.6, 0.8]})
    assert said.startswith("| data | tfidf logistic | 3 | 50.0 | +20.0 ± 10.0 |")
