from __future__ import annotations

import pytest

from handful.report import headline, words


def summary_of(metric: str, value: float, low: float | None, high: float | None, **more: object) -> dict:
    return {
        "expected": {"metric": metric, "value": value, "low": low, "high": high},
        "dataset": {"modality": "image"},
    } | more


def a_guess(metric: str, score: float, **more: object) -> dict:
    row = {"name": "mean", "label": "Always the mean", "family": "baseline", "score": score}
    return summary_of(metric, score, score - 0.2, score + 0.01, leaderboard=[row]) | more


@pytest.mark.parametrize(
    "metric, value, low, high, sentence",
    [
        (
            "accuracy",
            0.873,
            0.834,
            0.906,
            "Out of 100 new pictures, expect about 87 right, between 83 and 91.",
        ),
        (
            "accuracy",
            0.997,
            0.981,
            0.9994,
            "Out of 1,000 new pictures, expect about 997 right, between 981 and 999.",
        ),
        ("accuracy", 0.873, None, None, "Out of 100 new pictures, expect about 87 right."),
        (
            "accuracy",
            0.9997,
            0.9981,
            0.99996,
            "Out of 10,000 new pictures, expect about 9,997 right, between 9,981 and more than 9,999.",
        ),
        ("accuracy", 0.9999999, None, None, "Out of 10,000 new pictures, expect more than 9,999 right."),
        (
            "balanced_accuracy",
            0.873,
            0.002,
            0.998,
            "Out of 100 new pictures, as many of each class, expect about 87 right, between fewer than 1 and "
            "more than 99.",
        ),
        ("accuracy", 1.0, 0.9, 1.0, "Out of 100 new pictures, expect about 100 right, between 90 and 100."),
        (
            "balanced_accuracy",
            0.7,
            0.6,
            0.8,
            "Out of 100 new pictures, as many of each class, expect about 70 right, between 60 and 80.",
        ),
        (
            "roc_auc",
            0.9,
            0.8,
            0.95,
            "Given one new picture of each of two classes, expect it to tell which is which "
            "about 90 times out of 100, between 80 and 95.",
        ),
        (
            "mae",
            12.3,
            10.0,
            14.0,
            "On new pictures, expect to be off by about 12.3 on average, between 10.0 and 14.0.",
        ),
        (
            "log_loss",
            0.31,
            0.2,
            0.4,
            "On new pictures, expect a log loss of about 0.310, between 0.200 and 0.400. That is how badly "
            "the stated probabilities are surprised by the truth; 0 is perfect.",
        ),
    ],
)
def test_each_metric_has_its_plain_sentence(
    metric: str, value: float, low: float, high: float, sentence: str
) -> None:
    summary = summary_of(metric, value, low, high)
    assert headline.expectation(summary, words.metric_of(summary)) == sentence


@pytest.mark.parametrize(
    "value, low, high, sentence",
    [
        (0.31, 0.2, 0.4, "explain about 31% of the differences in the target, between 20% and 40%."),
        (
            0.31,
            -0.2,
            0.4,
            "explain about 31% of the differences in the target, 40% at the most; it may also do worse than "
            "always answering with the mean.",
        ),
        (
            -0.06,
            -0.3,
            0.1,
            "explain none of the differences in the target: always answering with the mean does better. At "
            "the most it explains 10% of them.",
        ),
        (
            -0.06,
            -0.3,
            -0.01,
            "explain none of the differences in the target: always answering with the mean does better.",
        ),
        (
            0.0,
            None,
            None,
            "explain none of the differences in the target: always answering with the mean does as well.",
        ),
        (
            0.9997,
            0.99,
            0.99999,
            "explain about 99.97% of the differences in the target, between 99% and 99.999%.",
        ),
    ],
)
def test_nobody_explains_less_than_nothing(
    value: float, low: float | None, high: float | None, sentence: str
) -> None:
    summary = summary_of("r2", value, low, high)
    told = headline.expectation(summary, words.metric_of(summary))
    assert told == f"On new pictures, expect it to {sentence}"


def test_a_guess_that_serves_answers_the_same_for_all_and_is_compared_with_nothing() -> None:
    summary = a_guess("r2", -0.06, chosen="mean", verdict={"deep_learning": "nothing to learn"})
    metric = words.metric_of(summary)
    assert headline.expectation(summary, metric) == (
        "On new pictures, expect it to explain none of the differences in the target: it answers the same "
        "for all of them."
    )
    assert headline.comparison(summary, metric) == (
        "This is a guess that does not look at the picture: no candidate was shown to do better."
    )


def test_a_guess_beside_a_model_explains_nothing() -> None:
    summary = a_guess("r2", -0.06, chosen="model")
    summary["expected"] |= {"value": 0.5, "low": 0.4, "high": 0.6}
    assert headline.comparison(summary, words.metric_of(summary)) == (
        "A guess that does not look at the picture (always the mean) explains nothing (R² −0.060)."
    )


def test_a_test_set_on_which_the_mean_does_better_is_told_so() -> None:
    summary = summary_of("r2", 0.5, 0.4, 0.6, test={"n": 20, "value": -0.2, "inside": True})
    assert headline.own_test(summary, words.metric_of(summary)) == (
        "On your own test set of 20 pictures it reached an R² of −0.200 (always answering with their mean "
        "does better), inside the interval that was promised."
    )


def test_an_unknown_metric_is_named_as_it_is() -> None:
    summary = summary_of("mean_pinball", 0.5, 0.4, 0.6)
    assert "a mean pinball of about 0.500" in str(headline.expectation(summary, words.metric_of(summary)))
