"""Groups come from a column, a file or the file names."""

from __future__ import annotations

import pandas as pd
import pytest

from handful.data.groups import column_groups, group_codes, named_groups
from handful.errors import DataError

IDS = ["a/p1_x.png", "a/p2_x.png", "b/p1_y.png", "b/other.png"]


def test_a_column_gives_names_and_none_where_it_is_missing():
    assert column_groups(pd.Series([1.0, None, 2.0])) == ["1", None, "2"]
    assert column_groups(pd.Series(["p", "", "NA", " p "])) == ["p", None, None, "p"]


def test_a_pattern_takes_the_first_bracket_of_the_file_name():
    assert named_groups(r"(p\d)_", IDS) == ["p1", "p2", "p1", None]
    assert named_groups(r"p\d", IDS) == ["p1", "p2", "p1", None]


def test_a_pattern_with_a_slash_sees_the_path():
    assert named_groups(r"^(\w+)/", IDS) == ["a", "a", "b", "b"]


def test_a_file_names_the_groups(tmp_path):
    path = tmp_path / "g.csv"
    path.write_text("Group,ID\nred,a/p1_x.png\n7,./b/p1_y.png\nred,a\\p2_x.png\n")
    assert named_groups(str(path), IDS) == ["red", "red", "7", None]


def test_samples_without_a_group_are_alone_with_a_warning():
    codes, findings = group_codes(["r", None, "r", None], IDS)
    assert codes.tolist() == [0, 1, 0, 2]
    assert findings[0].severity == "warning" and findings[0].items == [IDS[1], IDS[3]]


def test_a_group_named_like_an_id_is_not_that_sample_alone():
    assert group_codes(["x", None], ["y", "x"])[0].tolist() == [0, 1]


def test_one_group_for_all_is_refused():
    with pytest.raises(DataError, match=r"all samples are in one group"):
        group_codes(["r", "r"], ["0", "1"])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "id,group\na/p1_z.png,1\n",
            r"'a/p1_z.png' \(row 0\), which is not in the data. Did you mean 'a/p1_x",
        ),
        ("name,group\nx,1\n", "needs the columns 'id' and 'group', but has: name, group"),
        ("id,group\na/p1_x.png,1\na/p1_x.png,2\n", "puts 'a/p1_x.png' into two groups, '1' and '2'"),
    ],
)
def test_a_wrong_groups_file_is_refused(tmp_path, content, message):
    path = tmp_path / "g.csv"
    path.write_text(content)
    with pytest.raises(DataError, match=message):
        named_groups(str(path), IDS)


@pytest.mark.parametrize(
    ("option", "columns", "message"),
    [
        (r"(z\d)_", (), r"--groups '\(z\\d\)_' fits no file name; they look like 'p1_x.png'"),
        ("(p", (), "no regular expression either"),
        ("nowhere/groups.csv", (), "does not exist"),
        ("patiant", ("patient", "age"), "neither a column nor a file. Did you mean 'patient'"),
    ],
)
def test_an_option_that_fits_nothing_is_refused(option, columns, message):
    with pytest.raises(DataError, match=message):
        named_groups(option, IDS, columns)
