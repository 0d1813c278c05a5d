"""What is found inside of candidates: codes, what is redrawn from them, made-up examples and their fate."""

from __future__ import annotations

import json

import numpy as np
from sklearn.linear_model import LinearRegression, LogisticRegression

from handful.report.inside import COPY, ENTERED, look_inside
from handful.strategies.chain import Chain
from handful.strategies.tables import TableEncoder
from tests.conftest import table
from tests.report import standins


def test_codes_are_measured_on_samples_that_were_not_learned_from() -> None:
    line, maker = standins.inside_pictures().networks
    assert (line["candidate"], line["latent"], line["told_class"]) == ("codes", 6, False)
    assert 0.5 < line["kept"] < 0.95 and line["nearest_alike"] > 0.8
    assert round(line["nearest_alike_by_chance"], 9) == 0.2
    assert (maker["told_class"], maker["active"], maker["collapsed"]) == (True, 3, False)
    assert maker["nearest_alike"] is None  # it is told the class, so that its codes need not show it


def test_held_out_samples_of_every_class_are_redrawn() -> None:
    line = standins.inside_pictures().networks[0]
    assert [pair["class"] for pair in line["redrawn"][:5]] == [f"digit {k}" for k in range(5)]
    data, split = standins.digits(), standins.run_of(standins.digits(), [])[0].splits[0]
    assert {pair["id"] for pair in line["redrawn"]} <= set(data.ids[split.test])
    real, made = line["redrawn"][0]["real"].astype(float), line["redrawn"][0]["made"].astype(float)
    assert 0 < np.abs(real - made).mean() < np.abs(real - real.mean()).mean()


def test_a_path_begins_and_ends_with_the_reconstructions_of_two_classes() -> None:
    paths = standins.inside_pictures().networks[0]["paths"]
    assert len(paths) == 2 and all(len(path["pictures"]) == 7 for path in paths)
    assert paths[0]["from"] != paths[0]["to"] and paths[0]["pictures"][0].shape == (32, 32, 3)


def test_copies_are_stopped_and_the_counts_add_up() -> None:
    drawn, copied, cloud = standins.inside_pictures().generators
    assert copied["made"] == 40 and copied["copies"] == 40 and copied["entered"] == 0
    for line in (drawn, cloud):
        parts = [line[k] for k in ("entered", "copies", "other_class", "far")]
        assert sum(parts) == line["examined"] and line["entered"] > 0
    assert drawn["made"] == 80 and drawn["examined"] == 64  # a class has as many as another
    assert [shelf["examined"] for shelf in drawn["classes"]] == [13, 13, 13, 13, 12]
    assert cloud["classes"] == []  # lists of numbers have no picture


def test_a_copy_is_shown_beside_what_it_is_a_copy_of() -> None:
    pairs = standins.inside_pictures().generators[1]["classes"][0]["pairs"]
    for pair in pairs:
        assert pair["fate"] == COPY and pair["class"] == pair["of"] == "digit 0"
        np.testing.assert_array_equal(pair["real"], pair["made"])


def test_the_facts_are_json_without_pictures() -> None:
    facts = standins.inside_pictures().facts()
    assert json.loads(json.dumps(facts)) == facts
    assert facts["generated"][0]["entered"] == standins.inside_pictures().generators[0]["entered"]


def test_rows_are_mapped_and_shown_beside_their_nearest() -> None:
    found = standins.inside_rows()
    assert found.reasons == {}
    assert len(found.networks[0]["map"]["xy"]) == 60 and found.networks[0]["redrawn"] is None
    pair = found.generators[0]["classes"][0]["pairs"][0]
    assert list(pair["made"]) == list(pair["real"]) == ["x0", "x1", "x2", "x3", "kind"]


def test_measured_values_colour_the_map_by_thirds() -> None:
    data = table("regression")
    chain = Chain([TableEncoder(), standins.Codes(2)], LinearRegression())
    run, predictions = standins.run_of(data, [standins.candidate("c", "autoencoder features", chain)])
    standins.fit_first(run)
    line = look_inside(run, predictions).networks[0]
    names, counts = np.unique(line["map"]["label"], return_counts=True)
    assert list(names) == ["highest third", "lowest third", "middle third"] and counts.min() >= 18
    assert line["nearest_alike"] is None and line["paths"] == []


def test_what_is_not_kept_or_fails_is_a_reason_and_no_error() -> None:
    class Broken(standins.Codes):
        def encode(self, X: object) -> np.ndarray:
            raise RuntimeError("no code today")

    data = standins.digits(per_class=5, classes=2)
    lost = standins.candidate("l", "autoencoder features", Chain([standins.Codes(3)], LogisticRegression()))
    run, predictions = standins.run_of(data, [lost])
    found = look_inside(run, predictions)
    assert found.facts() == {"autoencoder": None, "generated": None}
    assert "not kept on this machine" in found.reasons["autoencoder"]
    assert "no candidate of this kind" in found.reasons["generated"]
    broken = standins.candidate("b", "autoencoder features", Chain([Broken(3)], LogisticRegression()))
    run, predictions = standins.run_of(data, [broken])
    Broken(3).set_params(
        random_state=run.candidates[0].fresh(run.splits[0].seed).features[0].random_state
    ).fit(data.X[run.splits[0].train])
    assert "RuntimeError: no code today" in look_inside(run, predictions).reasons["autoencoder"]


def test_without_such_candidates_nothing_is_done() -> None:
    run, predictions = standins.run_of(standins.digits(per_class=5, classes=2), [])
    assert look_inside(run, predictions).networks == []
    assert ENTERED == "entered"
