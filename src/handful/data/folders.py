"""Which files of a folder are images, or texts, and of which class."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from handful.data.dataset import Finding
from handful.data.names import count, listed, missing_path
from handful.data.tables import TABLE_SUFFIXES
from handful.errors import DataError

IMAGE_SUFFIXES = frozenset(
    [".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".jp2", ".webp", ".avif", ".bmp", ".dib", ".tif"]
    + [".tiff", ".gif", ".ppm", ".pgm", ".pbm", ".pnm", ".tga"]
)
TEXT_SUFFIXES = frozenset([".txt", ".text", ".md"])
# Pictures that Pillow does not read by itself; worth a warning, because people expect them to count.
_FOREIGN = frozenset([".heic", ".heif", ".svg", ".cr2", ".cr3", ".nef", ".arw", ".dng", ".psd", ".dcm"])
# Files about the data, which nobody expects to be read as images: no note is made of them.
_ABOUT = frozenset(["README", "LICENSE", "LICENCE", "COPYING", "SOURCE"])
# What `handful augment` and `handful synthesize` write beside the class folders.
_MADE = frozenset(["augmented.json", "contact-sheet.png", "generated.json", "quality.json", "quality.md"])
_PARTS = frozenset(["train", "training", "val", "valid", "validation", "dev", "test", "testing", "holdout"])


@dataclass
class FolderScan:
    """The images (or, where `what` is "text", the texts) below a folder.

    `files` are relative paths with "/", sorted; `skipped` the other files; `not_files` are folders that bear
    an image's name and hold none; `empty` are first-level folders without an image.
    """

    what: str = "image"
    files: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    not_files: list[str] = field(default_factory=list)
    empty: list[str] = field(default_factory=list)

    def findings(self) -> list[Finding]:
        """One note on the files that were passed over (a warning where they are pictures), one on folders."""
        findings = []
        if self.empty:
            message = f"Folders without {_a(self.what)} were skipped: {listed(self.empty)}."
            findings.append(Finding("empty folder", "warning", message, self.empty))
        if not self.skipped:
            return findings
        kinds = Counter(_kind(path) for path in self.skipped)
        foreign = sorted(set(kinds) & _FOREIGN)
        counted = listed(f"{kind} ({n})" for kind, n in sorted(kinds.items()))
        skipped = count(len(self.skipped), "file")
        message = f"Skipped {skipped} that cannot be read as {self.what}s: {counted}."
        if foreign:
            message += f" Pictures of the kind {listed(foreign)} cannot be read: save them as PNG or JPEG."
        severity = "warning" if foreign else "note"
        return [*findings, Finding("skipped files", severity, message, self.skipped)]


def is_image_name(name: str) -> bool:
    """Whether a file name ends as image files do."""
    return os.path.splitext(name)[1].lower() in IMAGE_SUFFIXES


def is_image_file(path: str | os.PathLike[str]) -> bool:
    """Whether a file is named as images are, or without a suffix begins as one."""
    return is_image_name(os.fspath(path)) or _is_unnamed_image(os.fspath(path))


def is_text_name(name: str) -> bool:
    """Whether a file name ends as text files do."""
    return os.path.splitext(name)[1].lower() in TEXT_SUFFIXES


def scan_folder(folder: Path, what: str = "image") -> FolderScan:
    """Every image (or text) below `folder`; symbolic links are followed, but not in circles."""
    scan = FolderScan(what)
    _walk(folder, "", (os.path.realpath(folder),), scan)
    # By code points of the path: the same order on every machine, whatever its locale.
    scan.files.sort()
    scan.skipped.sort()
    scan.not_files.sort()
    return scan


def find_images(folder: str | os.PathLike[str]) -> list[tuple[str, str]]:
    """The images of a folder per class, as (relative path, class), sorted by path.

    The class is the first folder on the way; deeper folders belong to it. DataError where the folder is
    missing or empty, has images but no class folders, or holds a single class.
    """
    folder = Path(folder)
    return label_by_folder(folder, existing_folder(folder, "image"))


def existing_folder(folder: Path, modality: str = "auto") -> FolderScan:
    """The scan of a folder that exists and holds an image, or without any a text; DataError otherwise.

    `modality` "image" or "text" looks for the one or the other only.
    """
    if not folder.exists():
        raise DataError(f"{missing_path(folder)} Give a folder with one folder of images per class.")
    if not folder.is_dir():
        raise DataError(f"{str(folder)!r} is a file; give a folder with one folder of images per class.")
    try:
        scan = scan_folder(folder, "text" if modality == "text" else "image")
        if modality == "auto" and not scan.files and any(is_text_name(path) for path in scan.skipped):
            scan = scan_folder(folder, "text")
    except PermissionError as error:
        raise DataError(f"{error.filename!r} may not be read; change its permissions.") from None
    if not scan.files and not scan.not_files:
        kinds = f" (only {listed(sorted({_kind(p) for p in scan.skipped}))})" if scan.skipped else ""
        texts = ", ".join(sorted(TEXT_SUFFIXES))
        ends = texts if scan.what == "text" else "PNG, JPEG, WebP, BMP, TIFF or GIF"
        raise DataError(
            f"{str(folder)!r} holds no {scan.what}s{kinds}. Expected is a folder with one folder of "
            f"{scan.what}s per class ({ends})"
            + (f", or of texts ({texts})." if modality == "auto" else ".")
            + _table_hint(folder, scan.skipped)
        )
    return scan


def _table_hint(folder: Path, skipped: list[str]) -> str:
    """What to give instead of a folder that holds a table."""
    tables = (path for path in skipped if path.lower().endswith(TABLE_SUFFIXES) and not is_text_name(path))
    table = next(tables, None)
    return "" if table is None else f" Or did you mean the table in it, {str(folder / table)!r}?"


def label_by_folder(folder: Path, scan: FolderScan, least: int = 2) -> list[tuple[str, str]]:
    """(relative path, class) of each scanned file; DataError where the folders do not name classes.

    `least` is how many classes there must be: two to learn from, one to score a model on.
    """
    loose = [path for path in scan.files if "/" not in path]
    labelled = [(path, path.split("/", 1)[0]) for path in sorted(scan.files + scan.not_files) if "/" in path]
    classes = sorted({name for _, name in labelled})
    if loose:
        where = "directly in it" if not classes else f"directly in it, beside the folders {listed(classes)}"
        raise DataError(
            f"{str(folder)!r} has {count(len(loose), scan.what)} {where} (such as {loose[0]!r}), so their "
            "class is unknown. Put each class into a folder of its own, or give a table with a column of "
            "paths and a column of labels: handful fit labels.csv --target COLUMN."
        )
    if len(classes) < least:
        inner = sorted({path.split("/")[1] for path, _ in labelled if path.count("/") > 1})
        hint = ""
        if len(inner) > 1:
            hint = f" Its folder holds {listed(inner)}: did you mean {str(folder / classes[0])!r}?"
        raise DataError(
            f"{str(folder)!r} holds one class, {classes[0]!r}, but telling classes apart needs at least two "
            f"folders of {scan.what}s.{hint}"
        )
    if least > 1:
        _check_not_parts(folder, labelled, classes)
    return labelled


def _check_not_parts(folder: Path, labelled: list[tuple[str, str]], classes: list[str]) -> None:
    """train/ and test/ with the same folders inside are parts of a data set, not classes."""
    if not all(name.lower() in _PARTS for name in classes):
        return
    inner = [{p.split("/")[1] for p, c in labelled if c == name and p.count("/") > 1} for name in classes]
    shared = set.intersection(*inner)
    if shared:
        part = next((name for name in classes if name.lower().startswith("train")), classes[0])
        raise DataError(
            f"the folders of {str(folder)!r} are {listed(classes)}, each with {listed(sorted(shared))} "
            f"inside: parts of a data set, not classes. Give one part, {str(folder / part)!r}; handful makes "
            "its own splits, and --test scores another part."
        )


def _walk(folder: Path, prefix: str, above: tuple[str, ...], scan: FolderScan) -> None:
    with os.scandir(folder) as entries:
        children = sorted(entries, key=lambda entry: entry.name)
    for entry in children:
        path = prefix + entry.name
        hidden = entry.name.startswith(".") or entry.name == "__MACOSX"
        if entry.is_dir():
            real = os.path.realpath(entry.path)
            if hidden or real in above:
                continue
            before = len(scan.files)
            _walk(Path(entry.path), path + "/", (*above, real), scan)
            if len(scan.files) > before:
                continue
            if prefix and scan.what == "image" and is_image_name(entry.name):
                scan.not_files.append(path)
            elif not prefix and not any(p.startswith(path + "/") for p in scan.not_files):
                scan.empty.append(path)
        elif path in _MADE:
            continue
        elif not hidden and _is_wanted(entry, prefix, scan.what):
            scan.files.append(path)
        elif os.path.splitext(entry.name)[0].upper() not in _ABOUT:
            scan.skipped.append(path)


def _is_wanted(entry: os.DirEntry[str], prefix: str, what: str) -> bool:
    if what == "image":
        return is_image_file(entry.path)
    # A text beside the class folders that is called README is about the data.
    about = not prefix and os.path.splitext(entry.name)[0].upper() in _ABOUT
    return is_text_name(entry.name) and not about


def _a(what: str) -> str:
    return "an image" if what == "image" else f"a {what}"


def _is_unnamed_image(path: str) -> bool:
    """A file without a suffix may still be an image: its first bytes tell."""
    if os.path.splitext(path)[1] or not os.path.isfile(path):
        return False
    from PIL import Image

    try:
        with Image.open(path):
            return True
    except Exception:  # not an image, or not readable: either way it does not claim to be one
        return False


def _kind(path: str) -> str:
    name = os.path.basename(path)
    if name.startswith("."):
        return "hidden"
    return os.path.splitext(name)[1].lower() or "without a suffix"
