"""Which files of a folder count, and of which class they are."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from PIL import Image

from handful.data.folders import existing_folder, find_images, scan_folder
from handful.errors import DataError


def tree(folder: Path, *paths: str) -> Path:
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(b"x")
    return folder


def test_the_first_folder_is_the_class_and_the_order_is_that_of_the_path(tmp_path):
    tree(tmp_path, "dog/b.PNG", "dog/a.jpg", "cat/2024/x.webp", "cat/Z.gif", "Bird/a.tiff")
    assert find_images(tmp_path) == [
        ("Bird/a.tiff", "Bird"),
        ("cat/2024/x.webp", "cat"),
        ("cat/Z.gif", "cat"),
        ("dog/a.jpg", "dog"),
        ("dog/b.PNG", "dog"),
    ]


def test_hidden_and_other_files_are_skipped_with_one_note(tmp_path):
    tree(tmp_path, "a/1.png", "b/1.png", "a/.1.png", "a/Thumbs.db", "README", "b/notes.txt", ".git/1.png")
    scan = scan_folder(tmp_path)
    assert scan.files == ["a/1.png", "b/1.png"]
    (note,) = scan.findings()
    assert note.severity == "note" and ".db (1)" in note.message
    assert note.items == ["a/.1.png", "a/Thumbs.db", "b/notes.txt"]


def test_photos_of_a_kind_that_cannot_be_read_are_a_warning(tmp_path):
    tree(tmp_path, "a/1.png", "b/1.heic")
    assert [(f.kind, f.severity) for f in scan_folder(tmp_path).findings()] == [
        ("empty folder", "warning"),
        ("skipped files", "warning"),
    ]


def test_a_file_without_a_suffix_counts_where_it_is_an_image(tmp_path):
    tree(tmp_path, "a/1.png", "b/notes")
    Image.new("L", (4, 4)).save(tmp_path / "b" / "scan", format="PNG")
    assert scan_folder(tmp_path).files == ["a/1.png", "b/scan"]


def test_linked_folders_are_followed_but_not_in_circles(tmp_path):
    tree(tmp_path / "elsewhere", "1.png")
    tree(tmp_path / "photos", "cat/1.png")
    os.symlink(tmp_path / "elsewhere", tmp_path / "photos" / "dog")
    os.symlink(tmp_path / "photos", tmp_path / "photos" / "cat" / "again")
    assert scan_folder(tmp_path / "photos").files == ["cat/1.png", "dog/1.png"]


def test_a_folder_named_like_an_image_is_listed_as_damaged(tmp_path):
    tree(tmp_path, "a/1.png", "b/1.png")
    (tmp_path / "a" / "x.png").mkdir()
    assert ("a/x.png", "a") in find_images(tmp_path)


def test_a_missing_folder_names_the_nearest(tmp_path):
    tree(tmp_path, "photos/a/1.png")
    with pytest.raises(DataError, match=r"does not exist. Did you mean 'photos'"):
        find_images(tmp_path / "phots")
    with pytest.raises(DataError, match=r"phots' does not exist. Did you mean 'photos'"):
        find_images(tmp_path / "phots" / "a")


def test_an_empty_folder_says_what_is_expected(tmp_path):
    with pytest.raises(DataError, match=r"holds no images. Expected is a folder with one folder of images"):
        find_images(tmp_path)


def test_a_folder_without_images_says_what_is_in_it(tmp_path):
    with pytest.raises(DataError, match=r"holds no images \(only \.txt\)"):
        find_images(tree(tmp_path, "a/1.txt"))


def test_a_folder_that_holds_a_table_names_it(tmp_path):
    with pytest.raises(DataError, match=r"Or did you mean the table in it, '.*/sub/rows.CSV'\?"):
        existing_folder(tree(tmp_path, "sub/rows.CSV"))
    with pytest.raises(DataError, match=r"\(only .csv, .md\).*rows.CSV'\?"):
        find_images(tree(tmp_path, "sub/notes.md"))


def test_images_without_a_class_folder_are_named(tmp_path):
    with pytest.raises(DataError, match=r"has 1 image directly in it \(such as '1.png'\).*labels.csv"):
        find_images(tree(tmp_path, "1.png"))
    with pytest.raises(DataError, match=r"beside the folders a, b"):
        find_images(tree(tmp_path, "a/1.png", "b/1.png"))


def test_one_class_is_not_enough_and_a_wrapping_folder_is_pointed_out(tmp_path):
    with pytest.raises(DataError, match=r"holds one class, 'a', but .* at least two folders of images\.$"):
        find_images(tree(tmp_path / "x", "a/1.png"))
    with pytest.raises(DataError, match=r"did you mean .*y/photos'"):
        find_images(tree(tmp_path / "y", "photos/a/1.png", "photos/b/1.png"))


def test_train_and_test_folders_are_not_classes(tmp_path):
    tree(tmp_path, "train/a/1.png", "train/b/1.png", "test/a/1.png", "test/b/1.png")
    with pytest.raises(DataError, match=r"parts of a data set, not classes. Give one part, .*train'"):
        find_images(tmp_path)


def test_a_class_may_be_named_train(tmp_path):
    tree(tmp_path, "train/1.png", "test/1.png")
    assert {label for _, label in find_images(tmp_path)} == {"train", "test"}
