"""From texts as people have them to a Dataset: cleaned alike, each kept or left out with its reason."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from handful.data.dataset import Dataset
from handful.data.load import check_test, load, load_new, load_test, load_unlabelled
from handful.data.texts import clean, read_texts, words
from handful.errors import DataError
from handful.settings import Settings

GOOD = ["a fine film", "a warm and fine film", "fine songs, fine film", "the film is fine"]
BAD = ["a dull film", "a dull and long film", "dull songs, long film", "the film is dull"]


def kinds(dataset: Dataset) -> list[str]:
    return [finding.kind for finding in dataset.findings]


def reviews(folder: Path, suffix: str = ".txt") -> Path:
    """A folder per class with a file a text: `good/0.txt` and so on."""
    for name, texts in (("good", GOOD), ("bad", BAD)):
        (folder / name).mkdir(parents=True)
        for i, text in enumerate(texts):
            (folder / name / f"{i}{suffix}").write_text(text, encoding="utf-8")
    return folder


def frame(**more: list) -> pd.DataFrame:
    return pd.DataFrame({"text": GOOD + BAD, "label": ["good"] * 4 + ["bad"] * 4, **more})


# --- cleaning


def test_equal_words_are_equal_strings_however_they_were_typed():
    composed, apart = "caf\u00e9", unicodedata.normalize("NFD", "caf\u00e9")
    assert composed != apart and clean(composed) == clean(apart)
    assert clean("zero\u200bwidth \ufeffmark soft\u00adhyphen") == "zerowidth mark softhyphen"
    assert clean("a\u00a0b\t c") == "a b c"


def test_lines_stay_lines_and_blank_ones_go():
    assert clean("one \r\n\r\n two\rthree\n\n\n") == "one\ntwo\nthree"


def test_references_of_html_become_their_characters_once():
    assert clean("&quot;R&amp;D&quot; isn&#039;t &lt;b&gt;") == '"R&D" isn\'t <b>'
    assert clean("AT&T, Q&A and a&b") == "AT&T, Q&A and a&b"  # none of these is a reference


def test_case_and_the_joiners_of_persian_stay():
    assert clean("NOT Not not") == "NOT Not not"
    assert clean("می\u200cخواهم") == "می\u200cخواهم"


def test_half_an_emoji_is_left_out():
    assert clean("broken \ud83d again \U0001f600") == "broken again \U0001f600"


def test_words_are_counted_where_nothing_parts_them():
    assert words("") == 0
    assert words("ฉันรักภาพยนตร์") >= 5  # Thai
    assert words("映画はとても良かった") == 5
    assert words("안녕 세상") == 2  # Korean has spaces


# --- folders of files


def test_a_folder_of_text_files_a_class_becomes_a_dataset(tmp_path):
    folder = reviews(tmp_path / "reviews")
    (folder / "README.md").write_text("Where these come from.")
    dataset = load(folder, Settings())
    assert (dataset.modality, dataset.task, dataset.classes.tolist()) == (
        "text",
        "classification",
        ["bad", "good"],
    )
    assert dataset.X.tolist() == BAD + GOOD and dataset.X.dtype == object
    assert dataset.ids.tolist()[:2] == ["bad/0.txt", "bad/1.txt"]
    assert dataset.meta["order"].tolist() == [0, 1, 2, 3] * 2
    assert dataset.meta["bytes"].tolist() == [len(t) for t in BAD + GOOD]
    assert dataset.meta["name"].tolist() == [f"{i}.txt" for i in range(4)] * 2
    assert kinds(dataset) == []  # what a README says is no news


def test_notes_beside_pictures_do_not_make_them_texts(tmp_path):
    folder = reviews(tmp_path / "mixed")
    for name in ("good", "bad"):
        for i in range(2):
            pixels = np.random.default_rng(i).integers(0, 255, (8, 8, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{i}.png")
    assert load(folder, Settings()).modality == "image"
    assert load(folder, Settings(modality="text")).X.tolist() == BAD + GOOD


def test_files_that_are_no_text_are_left_out_with_the_reason(tmp_path):
    folder = reviews(tmp_path / "reviews")
    (folder / "good" / "blank.txt").write_text(" \n\ufeff\n")
    (folder / "good" / "latin.txt").write_bytes("très bien".encode("latin-1"))
    (folder / "bad" / "binary.txt").write_bytes(b"PK\0\3")
    (folder / "bad" / "half.txt").write_bytes(b"\xff\xfea")
    (folder / "bad" / "utf16.txt").write_text("a dull thing", encoding="utf-16")
    dataset = load(folder, Settings())
    assert len(dataset) == 9 and "a dull thing" in dataset.X
    (finding,) = dataset.findings
    assert (finding.kind, finding.severity) == ("damaged file", "warning")
    assert sorted(finding.items) == [
        "bad/binary.txt",
        "bad/half.txt",
        "good/blank.txt",
        "good/latin.txt",
    ]
    for reason in ("is empty", "zero bytes", "iconv -f WINDOWS-1252 -t UTF-8", "UTF-16 but is damaged"):
        assert reason in finding.message


def test_a_class_of_empty_files_only_is_refused(tmp_path):
    folder = reviews(tmp_path / "reviews")
    for path in (folder / "bad").iterdir():
        path.write_text("")
    with pytest.raises(DataError, match=r"every example of the class 'bad' is damaged.*is empty"):
        load(folder, Settings())


def test_text_files_without_class_folders_say_what_to_do(tmp_path):
    (tmp_path / "1.txt").write_text("a fine film")
    with pytest.raises(DataError, match=r"class is unknown\. Put each class into a folder of its own"):
        load(tmp_path, Settings())


def test_groups_come_from_a_pattern_on_file_names(tmp_path):
    folder = reviews(tmp_path / "reviews")
    dataset = load(folder, Settings(groups=r"(\d)\.txt"))
    assert dataset.groups.tolist() == [0, 1, 2, 3] * 2


# --- tables


def test_a_table_with_an_id_a_text_and_a_label_is_read_as_texts(tmp_path):
    frame(id=list(range(101, 109))).to_csv(tmp_path / "reviews.csv", index=False)
    dataset = load(tmp_path / "reviews.csv", Settings())
    assert dataset.modality == "text" and dataset.X.tolist() == GOOD + BAD
    assert dataset.ids.tolist() == [str(i) for i in range(8)]
    assert dataset.meta["order"].tolist() == list(range(8))
    assert dataset.origin["text_column"] == "text"
    assert [f.items for f in dataset.findings if f.kind == "unused column"] == [["id"]]


def test_line_breaks_in_quotes_belong_to_the_text(tmp_path):
    (tmp_path / "t.csv").write_text(
        'text,label\n"a fine film,\nreally ""fine""",good\na fine song,good\n"a dull\r\n\r\nfilm",bad\n'
        "a dull song,bad\n"
    )
    dataset = load(tmp_path / "t.csv", Settings())
    assert dataset.X[0] == 'a fine film,\nreally "fine"' and dataset.X[2] == "a dull\nfilm"


def test_halves_of_an_emoji_in_json_lines_are_left_out_everywhere(tmp_path):
    lines = [json.dumps({"te\ud83dxt": text, "label": "\ud83d fine"}) for text in GOOD]
    lines += [json.dumps({"te\ud83dxt": f"{text} \ud83d", "label": "dull"}) for text in BAD]
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    dataset = load(tmp_path / "a.jsonl", Settings(target="label"))
    assert dataset.X.tolist() == GOOD + BAD and dataset.classes.tolist() == ["dull", "fine"]
    assert dataset.origin["text_column"] == "text"


def test_json_lines_may_lack_keys_and_hold_blank_lines(tmp_path):
    lines = [f'{{"label": "good", "text": "{t}"}}' for t in GOOD] + [
        f'{{"text": "{t}", "label": "bad"}}' for t in BAD
    ]
    (tmp_path / "t.jsonl").write_text("\n\n".join([*lines, '{"text": "nobody labelled this"}']) + "\n")
    dataset = load(tmp_path / "t.jsonl", Settings())
    assert dataset.X.tolist() == GOOD + BAD
    assert [f.items for f in dataset.findings if f.kind == "missing target"] == [["8"]]


@pytest.mark.parametrize(
    "line, said",
    [
        ('{"text": "a"', "line 2 of .* is not JSON"),
        ('["a", "b"]', "line 2 of .* is a JSON list; expected is one object a line"),
        ('{"text": {"body": "a"}, "label": "b"}', "line 2 of .*: 'text' holds a JSON object"),
        ('{"text": ["a"], "label": "b"}', "line 2 of .*: 'text' holds a JSON list"),
    ],
)
def test_a_wrong_line_of_json_is_named(tmp_path, line, said):
    (tmp_path / "t.jsonl").write_text('{"text": "a fine film", "label": "good"}\n' + line + "\n")
    with pytest.raises(DataError, match=said):
        load(tmp_path / "t.jsonl", Settings())


@pytest.mark.parametrize("more", [{}, {"team": ["red", "blue", "red"]}])
def test_a_number_among_texts_is_one_of_them(tmp_path, more):
    tickets = [*(f"the printer on floor {i} does not print" for i in range(20)), 404]
    rows = [
        {"ticket": ticket, "label": "ab"[i % 2], **{name: values[i % 3] for name, values in more.items()}}
        for i, ticket in enumerate(tickets)
    ]
    (tmp_path / "t.jsonl").write_text("\n".join(map(json.dumps, rows)))
    dataset = load(tmp_path / "t.jsonl", Settings())
    assert dataset.modality == ("table" if more else "text")
    texts = dataset.X["ticket"] if more else dataset.X
    assert list(texts) == [*tickets[:-1], "404"]


def test_names_of_two_words_beside_other_columns_stay_a_table(tmp_path):
    people = [f"{a} {b}" for a in ("Ann", "Bob", "Eve", "Jim") for b in ("Hill", "Wood", "Reed")]
    rows = pd.DataFrame(
        {"name": people, "age": range(30, 42), "town": ["Rome", "Oslo", "Bern"] * 4, "y": ["a", "b"] * 6}
    )
    assert load(rows.assign(name=people), Settings(target="y")).modality == "table"


def test_categories_that_recur_are_a_table_however_long_their_names():
    rows = pd.DataFrame({"answer": ["I do not agree at all", "I fully agree with it"] * 10, "y": [0, 1] * 10})
    assert load(rows, Settings(target="y", task="classification")).modality == "table"


def test_texts_beside_other_columns_are_a_table_unless_texts_are_asked_for():
    rows = frame(stars=[5.0, 4.5, 4.0, 3.5, 1.0, 1.5, 2.0, 2.5])
    assert load(rows, Settings(target="label")).modality == "table"
    dataset = load(rows, Settings(target="label", modality="text"))
    assert dataset.X.tolist() == GOOD + BAD
    assert "the other columns are not: stars" in dataset.findings[0].message


def test_of_two_columns_of_texts_the_longer_is_read():
    rows = frame(title=[text.split()[-1] + f" {i}" for i, text in enumerate(GOOD + BAD)])
    assert load(rows, Settings(target="label", modality="text")).origin["text_column"] == "text"


def test_a_table_without_texts_is_refused_as_texts():
    rows = pd.DataFrame({"x": range(8), "y": ["a", "b"] * 4})
    with pytest.raises(DataError, match="no column of x holds texts"):
        load(rows, Settings(target="y", modality="text"))


def test_short_answers_that_recur_are_texts_where_texts_are_asked_for():
    rows = pd.DataFrame({"room": ["1", "2"] * 8, "said": ["very good", "not good"] * 8, "y": ["a", "b"] * 8})
    dataset = load(rows, Settings(target="y", modality="text"))
    assert dataset.origin["text_column"] == "said" and len(dataset) == 16
    with pytest.raises(DataError, match="no column of room holds texts"):
        load(rows[["room", "y"]], Settings(target="y", modality="text"))


def test_groups_come_from_a_column():
    dataset = load(frame(author=list("ppqqrrss")), Settings(target="label", groups="author"))
    assert dataset.modality == "text" and dataset.groups.tolist() == [0, 0, 1, 1, 2, 2, 3, 3]


# --- lists of strings


def test_a_list_of_strings_with_nothing_in_some_of_them():
    dataset = load(([*GOOD, None, *BAD, "  "], [1] * 5 + [0] * 5), Settings())
    assert dataset.X.tolist() == GOOD + BAD and dataset.y.tolist() == [1] * 4 + [0] * 4
    assert [(f.kind, f.items) for f in dataset.findings][-1] == ("empty text", ["4", "9"])


@pytest.mark.parametrize("gap", [float("nan"), pd.NA, None])
def test_what_is_missing_among_strings_is_an_empty_text(gap):
    for texts in (GOOD + [gap] + BAD, np.array(GOOD + [gap] + BAD, dtype=object), (*GOOD, gap, *BAD)):
        dataset = load((texts, [1] * 5 + [0] * 4), Settings())
        assert dataset.X.tolist() == GOOD + BAD and dataset.findings[-1].items == ["4"]
    X, _, problems = load_new([gap], dataset.origin)
    assert X.tolist() == [""] and problems == {}


def test_a_number_among_many_strings_is_a_text():
    texts = [f"{text} {i}" for i in range(2) for text in GOOD + BAD]
    dataset = load(([*texts, 404], [1, 0] * 8 + [1]), Settings())
    assert dataset.X.tolist() == [*texts, "404"]


def test_a_list_of_names_of_pictures_is_no_list_of_texts(tmp_path):
    paths = [str(tmp_path / f"{i}.png") for i in range(4)]
    with pytest.raises(DataError, match="none of the 4 images can be read"):
        load((paths, ["a", "a", "b", "b"]), Settings())


def test_values_can_be_predicted_from_texts():
    dataset = load((GOOD + BAD, [5.0, 4.6, 4.1, 4.3, 1.0, 1.2, 1.9, 2.5]), Settings())
    assert (dataset.modality, dataset.task, dataset.classes) == ("text", "regression", None)


# --- new data, test data, data without labels


def test_new_texts_are_read_from_whatever_holds_them(tmp_path):
    origin = load(frame(), Settings(target="label")).origin
    folder = reviews(tmp_path / "new")
    (folder / "bad" / "0.txt").write_text("")
    pd.DataFrame({"n": [1, 2], "text": ["a fine&nbsp;film", ""]}).to_csv(tmp_path / "new.csv", index=False)
    X, ids, problems = load_new(tmp_path / "new.csv", origin)
    assert (X.tolist(), ids.tolist(), problems) == (["a fine film", ""], ["0", "1"], {})
    (folder / "bad" / "1.txt").write_bytes(b"\0")
    X, ids, problems = load_new(folder, origin)
    assert X.tolist() == ["", *BAD[2:], *GOOD] and len(ids) == 8 and list(problems) == ["bad/1.txt"]
    X, ids, problems = load_new(folder / "good" / "1.txt", origin)
    assert (X.tolist(), ids.tolist(), problems) == ([GOOD[1]], ["1.txt"], {})
    X, ids, problems = load_new(["one", None, "two"], origin)
    assert (X.tolist(), problems) == (["one", "", "two"], {})
    X, _, _ = load_new(pd.Series(["one", "two"]), origin)
    assert X.tolist() == ["one", "two"]


def test_the_column_of_texts_may_go_by_another_name_where_it_is_the_only_one(tmp_path):
    origin = load(frame(), Settings(target="label")).origin
    assert load_new(pd.DataFrame({"review": ["a", "b"]}), origin)[0].tolist() == ["a", "b"]
    with pytest.raises(DataError, match="no column 'text', whose texts the model was fitted on"):
        load_new(pd.DataFrame({"review": ["a"], "stars": [1]}), origin)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_table_saved_as_txt_is_no_single_text(tmp_path, encoding):
    frame().to_csv(tmp_path / "old.txt", sep="\t", index=False, encoding=encoding)
    origin = load(tmp_path / "old.txt", Settings(target="label")).origin
    assert load_new(tmp_path / "old.txt", origin)[0].tolist() == GOOD + BAD
    assert len(load_unlabelled(tmp_path / "old.txt", origin, most=10, seed=1)[0]) == 8
    (tmp_path / "one.txt").write_text("a text on films,\nlong and fine", encoding=encoding)
    assert len(load_new(tmp_path / "one.txt", load(frame(), Settings(target="label")).origin)[0]) == 1
    (tmp_path / "bad.txt").write_text("text\tlabel\na fine film\n", encoding=encoding)
    with pytest.raises(DataError, match=r"line 2 of .* has 1 fields"):
        load_new(tmp_path / "bad.txt", origin)


def test_texts_may_be_called_like_the_target():
    texts = pd.DataFrame({"y": GOOD + BAD})
    old = load((texts, ["good"] * 4 + ["bad"] * 4), Settings())
    assert old.modality == "text" and load_new(texts, old.origin)[0].tolist() == GOOD + BAD


def test_numbers_are_refused_where_texts_were_learned_from():
    origin = load(frame(), Settings(target="label")).origin
    with pytest.raises(DataError, match="read as table, but text is expected"):
        load_new(np.zeros((3, 2)), origin)


@pytest.mark.parametrize("text", ["the printer is broken", "the printer is broken / no paper " * 20])
def test_a_text_where_a_path_is_meant_is_told_where_to_stand(text):
    origin = load(frame(), Settings(target="label")).origin
    with pytest.raises(DataError, match=r"does not exist.* a text itself is given in a list: \[text\]"):
        load_new(text, origin)


def test_test_data_is_read_like_the_rest(tmp_path):
    data = load(frame(), Settings(target="label"))
    test = pd.DataFrame({"label": ["bad", "good", None], "text": ["so dull", "", "fine"]})
    test.to_csv(tmp_path / "test.csv", index=False)
    check_test(tmp_path / "test.csv", data.origin, data.classes)
    X, y, ids, findings = load_test(tmp_path / "test.csv", data.origin, data.classes)
    assert (X.tolist(), y.tolist(), ids.tolist()) == (["so dull"], [0], ["0"])
    assert sorted(f.kind for f in findings) == ["empty text", "missing target"]


def test_test_data_of_another_form_is_told_from_the_labelled_data(tmp_path):
    data = load(frame(), Settings(target="label"))
    frame().rename(columns={"label": "kind"}).to_csv(tmp_path / "test.csv", index=False)
    with pytest.raises(DataError, match="test data must be like the labelled data: there is no"):
        check_test(tmp_path / "test.csv", data.origin, data.classes)


def test_texts_without_labels_are_drawn_by_the_seed(tmp_path):
    origin = load(frame(), Settings(target="label")).origin
    more = [f"another film, number {i}" for i in range(30)]
    X, ids, findings = load_unlabelled([*more, ""], origin, most=10, seed=1)
    assert len(X) == len(ids) and set(X) <= set(more) and "10 were drawn by chance" in findings[-1].message
    again = load_unlabelled([*more, ""], origin, most=10, seed=1)
    assert again[0].tolist() == X.tolist()
    with pytest.raises(DataError, match="unlabelled data must be texts"):
        load_unlabelled(np.zeros((5, 3)), origin, most=10, seed=1)


def test_a_file_that_may_not_be_read_is_a_problem_and_no_end(tmp_path):
    texts, meta, problems = read_texts([str(tmp_path / "none.txt")])
    assert texts == [] and len(meta) == 0
    assert problems == {str(tmp_path / "none.txt"): "cannot be read (No such file or directory)"}


@pytest.mark.parametrize("read", [check_test, load_test])
def test_test_data_of_which_no_text_can_be_read_is_refused_with_files_and_reasons(read, tmp_path):
    data = load(frame(), Settings(target="label"))
    pd.DataFrame({"label": ["bad", "good"], "text": ["", " "]}).to_csv(tmp_path / "empty.csv", index=False)
    with pytest.raises(
        DataError, match="no sample with a label that can be read: 0, 1, each of which is empty"
    ):
        read(tmp_path / "empty.csv", data.origin, data.classes)
    for name in ("bad/1.txt", "good/2.txt"):
        (tmp_path / "train" / name).parent.mkdir(parents=True)
        (tmp_path / "test" / name).parent.mkdir(parents=True)
        for i in range(2):
            (tmp_path / "train" / name).with_name(f"{i}.txt").write_text(f"a fílm, number {i}", "utf-8")
        (tmp_path / "test" / name).write_text("a fílm", "latin-1")
    data = load(tmp_path / "train", Settings())
    with pytest.raises(DataError, match=r"can be read: bad/1\.txt, good/2\.txt, each of which is not UTF-8"):
        read(tmp_path / "test", data.origin, data.classes)
