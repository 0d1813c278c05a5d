"""What a report says where the data was divided by hand (`cv=`)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.model_selection import GroupKFold, KFold, ShuffleSplit, TimeSeriesSplit
from sklearn.naive_bayes import GaussianNB

import handful

y = np.random.default_rng(0).integers(0, 2, 40)
X = np.random.default_rng(1).normal(size=(40, 3)) + y[:, None]
pairs = np.arange(40) // 2


def fitted(folder: Path, data: Any, cv: Any) -> tuple[dict[str, Any], str]:
    """The report, as data and as a page."""
    own = [("bayes", GaussianNB())]
    run = handful.fit(data, families=["yours"], candidates=own, cv=cv, jobs=1, out=folder / "run")
    return run.summary, run.report().read_text(encoding="utf-8")


def test_groups_that_own_splits_tear_apart_are_an_alarm_and_nothing_vouches_for_them(tmp_path: Path) -> None:
    summary, page = fitted(tmp_path, (X, y, pairs), KFold(5))
    torn = [f for f in summary["audit"] if f["kind"] == "groups on both sides"]
    assert torn == [] and summary["protocol"]["grouped"]  # these folds end where groups end
    summary, page = fitted(tmp_path / "torn", (X, y, pairs), KFold(4, shuffle=True, random_state=0))
    (alarm,) = [f for f in summary["audit"] if f["kind"] == "groups on both sides"]
    assert alarm["severity"] == "alarm" and alarm["message"].startswith("Your own splits (cv) have ")
    assert f"have {len(alarm['items'])} of the 20 groups" in alarm["message"]
    assert not summary["protocol"]["grouped"] and summary["leak_premium"] is None
    assert "never on both sides" not in page and "never split" not in page and "form 20 groups." in page
    assert f"Of {len(alarm['items'])} groups, members were on both sides" in page


def test_copies_on_both_sides_are_counted_too(tmp_path: Path) -> None:
    twice = np.r_[np.arange(40), np.arange(6)]
    summary, page = fitted(tmp_path, (X[twice], y[twice]), KFold(46))
    (alarm,) = [f for f in summary["audit"] if f["kind"] == "groups on both sides"]
    assert "have 6 of the 6 groups" in alarm["message"] and alarm["items"][0] == "0, 40"
    assert "are kept on one side" not in page


@pytest.mark.parametrize(
    ("cv", "words"),
    [
        (ShuffleSplit(6, random_state=0), "into a training and a test part, 6 times."),
        (TimeSeriesSplit(4), "which it had never seen. So 32 of the 40 examples were predicted"),
        (GroupKFold(4), "So each example was predicted by models that did not know it. Samples of one group"),
    ],
)
def test_the_protocol_that_is_told_is_the_persons_own(cv: Any, words: str, tmp_path: Path) -> None:
    summary, page = fitted(tmp_path, (X, y, pairs), cv)
    assert "You divided the data yourself" in page and words in page
    assert "Cross-validation</dt>" not in page and "Splits of your own" in page
    assert summary["command"].endswith(" # from Python, with your own candidates and cv")


def test_no_warning_tells_of_folds_that_are_not_made(tmp_path: Path) -> None:
    few = np.where(np.arange(40) < 3, 2, y)
    summary, _ = fitted(tmp_path, (X, few), KFold(4, shuffle=True, random_state=0))
    assert "class smaller than the folds" not in {f["kind"] for f in summary["audit"]}
