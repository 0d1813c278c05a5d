"""What a candidate had learned on the first split is found again, and nothing is trained for it."""

from __future__ import annotations

import numpy as np
import pytest

from handful.protocol.again import encoder_again, encoder_of, generator_again, generator_of
from handful.protocol.evaluate import fit_and_predict
from handful.strategies.stage import NotKnown, only_known, remembered
from tests.report import standins


def test_the_encoder_of_the_first_split_is_found_again_once_a_cell_has_trained_it() -> None:
    data = standins.digits(per_class=6, classes=3)
    run, _ = standins.run_of(data, standins.of_pictures()[:1])
    own, split = run.candidates[0], run.splits[0]
    with pytest.raises(NotKnown, match="Codes"):
        encoder_again(run, own)
    assert fit_and_predict(own, split, data, 3).error is None
    again = encoder_again(run, own)
    fitted = own.fresh(split.seed).fit(data.X[split.train], data.y[split.train]).features_[0]
    np.testing.assert_array_equal(again.part.encode(data.X), fitted.encode(data.X))
    assert again.before == [] and again.described(data.X).shape == (18, 6)


def test_a_generator_on_features_learns_what_the_chain_makes_of_the_samples() -> None:
    data = standins.digits(per_class=6, classes=3)
    run, _ = standins.run_of(data, standins.of_pictures())
    cloud = generator_again(run, run.candidates[3])
    assert cloud.before == cloud.steps and cloud.part.means_.shape == (3, 8 * 8 * 3)
    copies = generator_again(run, run.candidates[2])
    assert copies.before == [] and len(copies.steps) == 1


def test_what_a_candidate_has_inside_is_told_by_its_parts() -> None:
    codes, drawn = standins.of_pictures()[:2]
    assert encoder_of(codes.estimator) is codes.estimator.features[0]
    assert generator_of(drawn.estimator) is drawn.estimator.generator
    assert encoder_of(drawn.estimator) is None and generator_of(codes.estimator) is None


def test_inside_only_known_nothing_is_trained() -> None:
    part = standins.Codes(latent=3)
    with pytest.raises(NotKnown, match="no training of Codes"), only_known():
        remembered(part, lambda: pytest.fail("it trained"), np.arange(5))
    remembered(part, lambda: ({"a": np.ones(2)}, {}), np.arange(5))
    with only_known():
        assert remembered(part, lambda: pytest.fail("it trained"), np.arange(5))[0]["a"].sum() == 2
