import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_iris, load_wine

from handful.audit import audit
from handful.data.dataset import Finding
from handful.errors import DataError
from tests.audit.data import clothes, finding, kinds, pictures, small_embedding, table


def test_clean_table_has_no_findings_and_no_groups():
    wine = load_wine(as_frame=True)
    dataset = audit(table(wine.data, wine.target))
    assert dataset.findings == []
    assert dataset.groups is None


def test_iris_gets_a_note_on_equal_rows_and_no_alarm():
    iris = load_iris(as_frame=True)
    dataset = audit(table(iris.data, iris.target))
    assert kinds(dataset) == ["rows equal by chance"]
    assert dataset.groups is None


def test_findings_of_the_loader_come_first_and_are_kept():
    wine = load_wine(as_frame=True)
    loaded = table(wine.data, wine.target)
    loaded.findings.append(Finding("damaged file", "warning", "a.png is damaged", ["a.png"]))
    dataset = audit(loaded)
    assert kinds(dataset) == ["damaged file"]
    assert len(loaded.findings) == 1


def test_exact_copies_of_images_are_named_and_grouped():
    pixels, labels = clothes()
    dataset = audit(pictures([*pixels, pixels[3], pixels[3]], [*labels, labels[3], labels[3]]), embed=_never)
    assert finding(dataset, "exact duplicates").items == ["3.png = 60.png = 61.png"]
    assert dataset.groups[3] == dataset.groups[60] == dataset.groups[61]
    assert len(np.unique(dataset.groups)) == 60


def _never(images):
    raise AssertionError("nothing here looks alike, so nothing should be embedded")


def test_same_image_under_two_labels_is_named_with_both():
    pixels, labels = clothes()
    assert labels[3] == "ankle_boot"
    dataset = audit(pictures([*pixels, pixels[3]], [*labels, "bag"]), embed=small_embedding)
    assert finding(dataset, "same sample, two labels").items == ["3.png (ankle_boot), 60.png (bag)"]
    assert dataset.y[60] != dataset.y[3]


def test_a_darker_copy_under_another_label_is_a_near_duplicate_and_named():
    pixels, labels = clothes()
    darker = (pixels[10] * 0.9).astype(np.uint8)
    dataset = audit(pictures([*pixels, darker], [*labels, "trouser"]), embed=small_embedding)
    assert any("10.png ~ 60.png" in item for item in finding(dataset, "near-duplicates").items)
    assert "10.png (bag), 60.png (trouser)" in finding(dataset, "near-duplicates, two labels").items
    assert dataset.groups[10] == dataset.groups[60]


def test_altered_copies_are_not_looked_at_and_hide_no_likeness_of_what_they_were_made_from():
    pixels, labels = clothes()
    darker = (pixels[10] * 0.98).astype(np.uint8)
    made = [(pixels[10] * share).astype(np.uint8) for share in np.linspace(0.96, 0.99, 30)]
    every = pictures([*pixels, darker, *made, made[0]], [*labels, labels[10], *[labels[10]] * 31])
    every.meta["copy"] = np.arange(len(every)) > len(pixels)
    dataset = audit(every, embed=small_embedding)
    assert finding(dataset, "near-duplicates").items == ["10.png ~ 60.png"]
    assert dataset.groups[10] == dataset.groups[60]
    assert not {"exact duplicates", "many images look alike"} & set(kinds(dataset))


def test_groups_of_the_person_are_united_with_copies():
    pixels, labels = clothes(per_class=4)
    groups = np.arange(40) // 2  # pairs: copies of 0 and 7 tie (0, 1) to (6, 7)
    pixels[7] = pixels[0]
    dataset = audit(pictures(pixels, labels, groups=groups), embed=small_embedding)
    assert len(set(dataset.groups[[0, 1, 6, 7]])) == 1
    assert dataset.groups[2] != dataset.groups[0]


def test_copied_rows_of_continuous_columns_are_grouped():
    wine = load_wine(as_frame=True).frame
    frame = pd.concat([wine, wine.iloc[[5, 6, 7]]], ignore_index=True)
    dataset = audit(table(frame.drop(columns="target"), frame["target"]))
    assert finding(dataset, "exact duplicates").items == ["5 = 178", "6 = 179", "7 = 180"]
    assert dataset.groups[5] == dataset.groups[178]
    assert len(np.unique(dataset.groups)) == 178


def test_rows_of_few_values_are_a_note_with_the_ceiling_and_no_groups():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"sex": rng.choice(["m", "f"], 400), "class": rng.integers(1, 4, 400)})
    dataset = audit(table(X, rng.integers(0, 2, 400)))
    note = finding(dataset, "rows equal by chance")
    assert note.severity == "note"
    assert "400 of 400 rows" in note.message
    assert "no model can be right in more than" in note.message
    assert dataset.groups is None


def test_equal_texts_are_grouped_whatever_their_spaces():
    texts = np.array(["good film", "bad film", "good  film ", "dull", "fine", "poor"], object)
    dataset = table(pd.DataFrame({"x": range(6)}), [0, 1, 0, 1, 0, 1])
    dataset.X, dataset.modality = texts, "text"
    assert finding(audit(dataset), "exact duplicates").items == ["0 = 2: \u201cgood film\u201d"]


def test_a_class_of_copies_only_stops_with_its_name_and_a_remedy():
    pixels, labels = clothes(per_class=4)
    dataset = pictures([*pixels, pixels[0] // 2, pixels[0] // 2], [*labels, "coat 2", "coat 2"])
    with pytest.raises(DataError, match=r"All 2 examples of class 'coat 2' are in one group.*--drop-class"):
        audit(dataset, embed=lambda images: np.eye(len(images)))


def test_labels_and_content_are_never_changed():
    pixels, labels = clothes()
    dataset = pictures([*pixels, pixels[0]], [*labels, "bag"])
    before = dataset.y.copy()
    after = audit(dataset, embed=small_embedding)
    assert np.array_equal(after.y, before)
    assert after.X is dataset.X
    assert dataset.groups is None


def test_a_crowd_of_similar_images_is_reported_and_not_grouped():
    pixels, labels = clothes()
    rng = np.random.default_rng(0)
    base = pixels[0].astype(int)
    crowd = [np.clip(base + rng.integers(-3, 4, base.shape), 0, 255).astype(np.uint8) for _ in range(12)]
    dataset = audit(pictures(crowd + pixels[6:], ["ankle_boot"] * 12 + labels[6:]), embed=small_embedding)
    assert len(finding(dataset, "many images look alike").items) == 12
    assert dataset.groups is None or len(set(dataset.groups[:12])) == 12


def test_the_audit_repeats_itself():
    pixels, labels = clothes()
    first, second = (
        audit(pictures([*pixels, pixels[0]], [*labels, "bag"]), embed=small_embedding) for _ in range(2)
    )
    assert first.findings == second.findings
    assert np.array_equal(first.groups, second.groups)
