import numpy as np
import pandas as pd

from handful.audit.classes import check_classes
from tests.audit.data import table


def _dataset(labels, task="classification"):
    return table(pd.DataFrame({"x": np.arange(len(labels))}), labels, task=task)


def test_classes_under_ten_are_a_warning_that_names_them_smallest_first():
    [found] = check_classes(_dataset(["a"] * 12 + ["b"] * 9 + ["c"] * 5))
    assert (found.kind, found.severity, found.items) == ("small class", "warning", ["c", "b"])
    assert "c (5), b (9)" in found.message


def test_over_three_to_one_is_a_note_on_imbalance():
    [found] = check_classes(_dataset(["a"] * 31 + ["b"] * 10))
    assert (found.kind, found.severity, found.items) == ("class imbalance", "note", ["a", "b"])


def test_three_to_one_is_not_yet_imbalance():
    assert check_classes(_dataset(["a"] * 30 + ["b"] * 10)) == []


def test_regression_has_no_classes_to_check():
    assert check_classes(_dataset([1.0, 2.0, 2.0], task="regression")) == []
