from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics

from handful.data.load import load
from handful.errors import SettingsError
from handful.scoring import choose_metric, default_metric, get_metric
from handful.settings import Settings

RANDOM = np.random.default_rng(0)
Y2, Y3 = RANDOM.integers(0, 2, 80), RANDOM.integers(0, 3, 80)
P2 = RANDOM.dirichlet([1, 1], 80).round(2)  # rounded, so that there are ties
P3 = RANDOM.dirichlet([1, 1, 1], 80)
YR, PR = RANDOM.normal(5, 2, 80), RANDOM.normal(5, 2, 80)
W = RANDOM.integers(0, 4, (6, 80)).astype(float)

RARER = int(np.bincount(Y2).argmin()) if np.bincount(Y2)[0] != np.bincount(Y2)[1] else 1
REFERENCE = {
    ("accuracy", 2): lambda y, p, w: metrics.accuracy_score(y, p.argmax(1), sample_weight=w),
    ("accuracy", 3): lambda y, p, w: metrics.accuracy_score(y, p.argmax(1), sample_weight=w),
    ("balanced_accuracy", 3): lambda y, p, w: metrics.balanced_accuracy_score(
        y, p.argmax(1), sample_weight=w
    ),
    ("log_loss", 3): lambda y, p, w: metrics.log_loss(
        y, (p + 0.02) / 1.06, sample_weight=w, labels=[0, 1, 2]
    ),
    ("roc_auc", 2): lambda y, p, w: metrics.roc_auc_score(y, p[:, 1], sample_weight=w),
    ("roc_auc", 3): lambda y, p, w: np.mean(
        [metrics.roc_auc_score(y == k, p[:, k], sample_weight=w) for k in range(3)]
    ),
    ("f1", 2): lambda y, p, w: metrics.f1_score(y, p.argmax(1), sample_weight=w, pos_label=RARER),
    ("f1", 3): lambda y, p, w: metrics.f1_score(y, p.argmax(1), sample_weight=w, average="macro"),
    ("rmse", 0): lambda y, p, w: metrics.root_mean_squared_error(y, p, sample_weight=w),
    ("mae", 0): lambda y, p, w: metrics.mean_absolute_error(y, p, sample_weight=w),
    ("r2", 0): lambda y, p, w: metrics.r2_score(y, p, sample_weight=w),
}


@pytest.mark.parametrize(("name", "K"), REFERENCE)
def test_metric_equals_scikit_learn_for_every_row_of_weights(name: str, K: int) -> None:
    y, p = {0: (YR, PR), 2: (Y2, P2), 3: (Y3, P3)}[K]
    task = "classification" if K else "regression"
    ours = get_metric(name, task, y, np.arange(K) if K else None)(y, p, W)
    theirs = [REFERENCE[name, K](y, p, w) for w in W]
    np.testing.assert_allclose(ours, theirs, atol=1e-9)


def test_unknown_metric_names_the_nearest() -> None:
    with pytest.raises(SettingsError, match="Did you mean 'accuracy'"):
        get_metric("acuracy", "classification", Y2, np.arange(2))


def test_recall_alone_is_refused_with_what_to_take_instead() -> None:
    with pytest.raises(SettingsError, match="balanced_accuracy or f1, which ask for both"):
        get_metric("minority recall", "classification", Y2, np.arange(2))


def test_metric_of_the_other_task_is_refused() -> None:
    with pytest.raises(SettingsError, match="belongs to the other kind of problem"):
        get_metric("rmse", "classification", Y2, np.arange(2))


def test_default_metric_is_balanced_where_classes_are_unequal() -> None:
    assert default_metric("classification", np.repeat([0, 1], [31, 10]), np.arange(2)) == "balanced_accuracy"
    assert default_metric("classification", np.repeat([0, 1], [30, 10]), np.arange(2)) == "accuracy"
    assert default_metric("regression", YR, None) == "r2"


def test_the_rarer_class_is_that_of_the_samples_that_scores_count() -> None:
    names = ["shoe"] * 8 + ["bag"] * 6 + ["bag"] * 4  # the last four are copies
    dataset = load((np.arange(18.0)[:, None], names), Settings())
    dataset.meta["copy"] = np.arange(18) >= 14
    assert "'bag'" in choose_metric(dataset, Settings(metric="f1")).words


def test_f1_of_two_classes_is_that_of_the_rarer_and_says_so() -> None:
    y = np.repeat([0, 1], [5, 20])
    metric = get_metric("f1", "classification", y, np.array(["ill", "well"]))
    assert "'ill'" in metric.words
    assert metric.value(y, np.tile([0.0, 1.0], (25, 1))) == 0
