import pandas as pd

from handful.audit import findings_text
from handful.data.dataset import Finding
from tests.audit.data import table


def _dataset(*findings):
    dataset = table(pd.DataFrame({"x": range(6)}), ["a", "b"] * 3, groups=[0, 0, 1, 1, 2, 3])
    dataset.findings.extend(findings)
    return dataset


def test_the_worst_comes_first():
    text = findings_text(
        _dataset(
            Finding("imbalance", "note", "Some are more."),
            Finding("leak", "alarm", "One knows."),
            Finding("copies", "warning", "Two are one."),
        )
    )
    assert text.index("ALARM: leak") < text.index("WARNING: copies") < text.index("NOTE: imbalance")
    assert text.endswith("In all: 1 alarm, 1 warning, 1 note.\n")


def test_the_first_line_says_what_the_data_is():
    assert findings_text(_dataset()).splitlines()[0] == "6 rows in 2 classes, 4 groups"


def test_long_lists_are_cut_at_ten_with_the_count():
    text = findings_text(_dataset(Finding("copies", "warning", "Many.", [f"{i}.png" for i in range(25)])))
    assert "- 9.png" in text
    assert "10.png" not in text
    assert "... and 15 more" in text


def test_an_item_that_the_message_names_is_not_repeated():
    text = findings_text(_dataset(Finding("leak", "alarm", "Column 'x' knows.", ["x"])))
    assert "- x" not in text


def test_nothing_found_is_said():
    assert "Nothing was found" in findings_text(_dataset())
