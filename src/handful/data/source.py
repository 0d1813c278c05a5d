"""Where data comes in: a folder, a file, a DataFrame or arrays, brought into one shape.

A `Source` knows what was given, before anything is decoded: an id and a label for each sample, and where
its content lies. `load` reads labelled sources, `load_new` unlabelled ones.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from handful.data import provenance
from handful.data.dataset import Finding
from handful.data.folders import existing_folder, is_image_file, is_image_name, is_text_name, label_by_folder
from handful.data.groups import column_groups, named_groups
from handful.data.infer import MOSTLY, infer_schema, words_of
from handful.data.many_labels import check_one_column
from handful.data.names import count, listed, missing_path, printable
from handful.data.schema import named_columns
from handful.data.tables import TABLE_SUFFIXES, names_of, read_table
from handful.data.targets import find_target_column
from handful.data.values import is_missing, plain_values, to_category
from handful.errors import DataError, MissingExtraError, SettingsError

MODALITIES = ("auto", "image", "table", "text")
TASKS = ("auto", "classification", "regression")
# A table's one column of strings is read as texts from so many words a string on; below, they are names.
_LEAST_WORDS = 2
_PATH_NAMES = ("path", "file", "filename", "file_name", "image", "image_path", "img")


@dataclass
class Source:
    """What was given. `kind` is "folder", "path table", "paths", "pixels", "table", "array" or "texts".

    Exactly one of `paths` (image files, or text files where `of_text`), `pixels` (an array of images),
    `frame` (the features of a table, without target and groups) and `texts` (a string a sample, None where
    there is none) is set. `pictures` names the columns of `frame` that hold image files, as whole paths.
    An array is a table whose columns were given no names; here they are x0, x1, ...
    `labels` holds a value a sample, or None. `kept` says which of the samples that were given these are, as a
    mask over those; None means all.
    """

    kind: str
    ids: list[str]
    paths: list[str] | None = None
    pixels: np.ndarray | None = None
    frame: pd.DataFrame | None = None
    texts: list[str | None] | None = None
    of_text: bool = False
    labels: Any = None
    target: str = "y"
    from_file: bool = False
    groups: list[str | None] | None = None
    path_column: str | None = None
    text_column: str | None = None
    pictures: tuple[str, ...] = ()
    copy_of: list[str | None] | None = None
    findings: list[Finding] = field(default_factory=list)
    kept: np.ndarray | None = None

    @property
    def parse_labels(self) -> bool:
        """Whether labels are cells of a file, to be interpreted; folder names and arrays mean themselves."""
        return self.from_file and self.kind != "folder"

    @property
    def modality(self) -> str:
        if self.frame is not None:
            return "table"
        return "text" if self.of_text or self.texts is not None else "image"


@dataclass(frozen=True)
class How:
    """How to read what is given: options of `fit`, or those that a run has recorded.

    `said` is how the person named the data, for messages. `inputs` are the columns a model has learned from:
    where the target was given apart from them, one of them may bear its name.
    """

    modality: str = "auto"
    target: str | None = None
    groups: str | None = None
    path_column: str | None = None
    text_column: str | None = None
    pictures: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    labelled: bool = True
    least_classes: int = 2
    said: str | None = None


def open_source(data: Any, how: How) -> Source:
    """The source behind `data`; DataError or SettingsError says what is wrong with it."""
    if how.modality not in MODALITIES:
        raise SettingsError(f"--modality {how.modality!r} is not one of {', '.join(MODALITIES)}.")
    data = tuple(map(_of_pandas, data)) if isinstance(data, tuple) else _of_pandas(data)
    if isinstance(data, (str, os.PathLike)):
        source = _from_path(Path(data), how)
    elif isinstance(data, tuple):
        source = _from_arrays(data, how)
    elif isinstance(data, pd.DataFrame):
        source = _from_frame(named_columns(data), how, Path.cwd(), from_file=False)
    elif how.labelled:
        raise DataError(
            f"expected is a path, a DataFrame, (X, y) or (X, y, groups), but this is a {type(data).__name__}."
        )
    else:
        source = _from_arrays((data,), how)
    if how.labelled:
        if source.copy_of is None and source.paths is not None and not source.of_text:
            source.copy_of = provenance.sources_of_files(source.paths, source.ids)
        source = _without_generated(source, data)
    if how.modality not in ("auto", source.modality):
        raise DataError(
            f"the data is read as {source.modality}, but {how.modality} is expected (by --modality, or by "
            f"the model that was fitted on such data). {_EXPECTED[how.modality]}"
        )
    if not source.ids:
        raise DataError("there are 0 samples (0 rows); a minimum of 1 is required.")
    return source


def _of_pandas(data: Any) -> Any:
    """A table or column of another library (polars, pyarrow) as pandas has it; all else as it is."""
    if not hasattr(data, "to_pandas") or len(getattr(data, "shape", ())) > 2:  # xarray holds pictures too
        return data
    try:
        return data.to_pandas()
    except ImportError as error:
        kind = f"{type(data).__module__.partition('.')[0]} {type(data).__name__}"
        raise MissingExtraError("pyarrow", "tables", f"reading a {kind}") from error


def made_up(source: Source, data: Any) -> np.ndarray:
    """Which samples `(n,)` `handful synthesize` has written."""
    made = np.zeros(len(source.ids), dtype=bool)
    if isinstance(data, (str, os.PathLike)):
        made |= provenance.generated(Path(data), source.ids)
    if source.paths is not None and not source.of_text:
        made |= np.array([provenance.marked(path) for path in source.paths], dtype=bool)
    if source.frame is not None:
        for name in source.pictures:
            marks = [path is not None and provenance.marked(path) for path in source.frame[name]]
            made |= np.array(marks, dtype=bool)
    return made


def _without_generated(source: Source, data: Any) -> Source:
    """The source without examples that `handful synthesize` has written (see `handful.data.provenance`)."""
    made = made_up(source, data)
    if not made.any():
        return source
    keep, source.kept = np.flatnonzero(~made), ~made
    gone: set[str] = set()
    if source.kind == "folder":
        gone = set(source.labels) - {source.labels[i] for i in keep}
    if gone or not len(keep):
        what = (
            f"all examples of the class {sorted(gone)[0]!r} are" if len(keep) else "all of these examples are"
        )
        raise DataError(
            f"{what} generated, by 'handful synthesize'. No model can be tested on what is made up, and one "
            "that learned from it cannot be tested on what it was made of. Give real examples: fit generates "
            "from them by itself, inside every fold."
        )
    message = (
        f"Left out {count(int(made.sum()), 'generated example')} of {len(made)}, which 'handful synthesize' "
        "has made of all real ones: who learns from them knows of those held out, and no score on them is "
        "real. fit generates by itself, inside every fold."
    )
    source.findings.append(
        Finding("generated example", "warning", message, [source.ids[i] for i in np.flatnonzero(made)])
    )
    for name in ("ids", "paths", "texts", "groups", "copy_of", "frame", "labels"):
        values = getattr(source, name)
        if isinstance(values, (pd.DataFrame, pd.Series)):
            setattr(source, name, values.iloc[keep].reset_index(drop=True))
        elif isinstance(values, np.ndarray):
            setattr(source, name, values[keep])
        elif values is not None:
            setattr(source, name, [values[i] for i in keep])
    return source


_EXPECTED = {
    "image": "Give a folder with one folder of images per class, a table with a column of image paths, or "
    "an array (n, height, width, channels).",
    "table": "Give a CSV, Parquet or XLSX file, a DataFrame, or an array (n, features).",
    "text": "Give a table with a column of texts, a folder with one folder of .txt files per class, or a "
    "list of strings.",
}


def _from_path(path: Path, how: How) -> Source:
    if os.path.isdir(path):
        return _from_folder(path, how)
    if not os.path.exists(path):
        in_a_list = (
            " From Python, a text itself is given in a list: [text]." if how.modality == "text" else ""
        )
        raise DataError(
            f"{missing_path(path)} Give the path of a table, or of a folder of images or texts.{in_a_list}"
        )
    if is_image_file(path):
        if how.labelled:
            raise DataError(
                f"{str(path)!r} is a single image. " + _EXPECTED["image"].split(", or an array")[0] + "."
            )
        return Source("paths", [path.name], paths=[str(path)], from_file=True)
    if how.modality == "text" and not how.labelled and _is_one_text(path, how):
        return Source("paths", [path.name], paths=[str(path)], of_text=True, from_file=True)
    if how.modality == "image" and not how.labelled and path.suffix.lower() not in TABLE_SUFFIXES:
        raise DataError(
            f"{str(path)!r} is no picture that can be read, and no table of pictures. Save "
            "a picture as PNG or JPEG."
        )
    source = _from_frame(read_table(path), how, path.parent, from_file=True)
    if how.labelled:
        source.copy_of = provenance.sources(path, source.ids)
    return source


def _is_one_text(path: Path, how: How) -> bool:
    """A file named as texts are, unless it is a table: its first line names the column of texts."""
    return is_text_name(path.name) and (how.text_column is None or how.text_column not in names_of(path))


def _from_folder(folder: Path, how: How) -> Source:
    if how.modality == "table":
        raise DataError(f"{str(folder)!r} is a folder, but a table was expected. {_EXPECTED['table']}")
    scan = existing_folder(folder, how.modality)
    findings = scan.findings()
    labels: list[str] | None = None
    if how.labelled:
        labelled = label_by_folder(folder, scan, how.least_classes)
        found, labels = [path for path, _ in labelled], [printable(label) for _, label in labelled]
    else:
        found = sorted(scan.files + scan.not_files)
    ids = [printable(path) for path in found]
    return Source(
        "folder",
        ids,
        paths=[os.path.join(folder, path) for path in found],
        of_text=scan.what == "text",
        labels=labels,
        target="class",
        from_file=True,
        groups=named_groups(how.groups, ids) if how.groups else None,
        copy_of=provenance.sources(folder, ids) if how.labelled else None,
        findings=findings,
    )


def _from_frame(frame: pd.DataFrame, how: How, base: Path, *, from_file: bool) -> Source:
    columns = list(frame.columns)
    rows = [str(i) for i in range(len(frame))]
    findings: list[Finding] = []
    target = how.target
    if how.labelled:
        if target in how.inputs:
            raise DataError(
                f"the target and a column that the model learned from are both called {target!r}, so this "
                "table cannot hold both. Fit again with another name for the target, such as "
                "(X, y.rename('label')), and give the column of labels that name here."
            )
        target, findings = find_target_column(columns, how.target, how.said)
    elif target not in columns or target in how.inputs:
        target = None
    features = frame.drop(columns=[target]) if target else frame
    path_column = text_column = None
    pictures = _picture_columns(features, how, base)
    if how.modality in ("auto", "image") and not pictures:
        path_column = _find_path_column(features, how, base)
    ids, paths = rows, None
    if path_column is not None:
        ids, paths = _listed_paths(frame[path_column], base)
    groups = None
    if how.groups and how.groups in columns:
        groups = column_groups(frame[how.groups])
        features = features.drop(columns=[how.groups], errors="ignore")
    elif how.groups:
        named = [one.removesuffix(f" (row {i})") for i, one in enumerate(ids)]  # a file may stand twice
        groups = named_groups(how.groups, named, columns if path_column is None else ())
    if path_column is None and not pictures and how.modality in ("auto", "text"):
        text_column = _find_text_column(features, how)
    used = path_column or text_column
    unused = [name for name in features.columns if name != used]
    if used and unused:
        message = (
            f"The {'pictures' if path_column else 'texts'} of {used!r} are used, the other columns are not: "
            f"{listed(unused)}."
        )
        findings.append(Finding("unused column", "note", message, unused))
    if pictures and how.modality == "auto":
        message = (
            f"The pictures of {listed(map(repr, pictures))} are used beside the other columns, by frozen "
            "features. --modality image looks at the pictures alone, in all the ways there are for pictures."
        )
        findings.append(Finding("pictures beside columns", "note", message, list(pictures)))
    kind = "path table" if path_column else "texts" if text_column else "table"
    return Source(
        kind,
        ids,
        paths=paths,
        texts=_strings(frame[text_column]) if text_column else None,
        frame=None if used else _whole_paths(features, pictures, base),
        pictures=pictures,
        labels=frame[target] if target and how.labelled else None,
        target=target or "y",
        from_file=from_file,
        groups=groups,
        path_column=path_column,
        text_column=text_column,
        findings=findings,
    )


def _from_arrays(data: tuple[Any, ...], how: How) -> Source:
    if how.labelled and len(data) not in (2, 3):
        raise DataError(f"expected is (X, y) or (X, y, groups), but the tuple has {len(data)} parts.")
    source = _content_of_array(data[0], how)
    if how.labelled:
        source.labels = _checked_length(data[1], len(source.ids), "y")
        if isinstance(source.labels, pd.Series) and source.labels.name is not None:
            source.target = str(source.labels.name)
        _drop_target(source)
        if len(data) == 3 and data[2] is not None:
            source.groups = column_groups(
                pd.Series(list(_checked_length(data[2], len(source.ids), "groups")))
            )
        elif how.groups:
            columns = list(source.frame.columns) if source.frame is not None else ()
            if source.frame is not None and how.groups in columns:
                source.groups = column_groups(source.frame[how.groups])
                source.frame = source.frame.drop(columns=[how.groups])
            else:
                source.groups = named_groups(how.groups, source.ids, columns)
    return source


def _drop_target(source: Source) -> None:
    """A column of X that is y, by its name and all its values, is no feature; one of the same name may be."""
    frame, name = source.frame, source.target
    if frame is None or name not in frame.columns or getattr(source.labels, "ndim", 1) != 1:
        return
    column, labels = (
        pd.Series(plain_values(pd.Series(values)), dtype=object) for values in (frame[name], source.labels)
    )
    if not column.equals(labels):
        return
    source.frame = frame.drop(columns=[name])
    message = f"The column {name!r} of X is the target, so it is not learned from."
    source.findings.append(Finding("target", "note", message, [name]))


def _content_of_array(X: Any, how: How) -> Source:
    if isinstance(X, pd.DataFrame):
        return _content_of_frame(named_columns(X), how)
    if hasattr(X, "toarray") or type(X).__module__.startswith("scipy.sparse"):
        raise DataError("sparse input is not read; make it dense first, with X.toarray().")
    if isinstance(X, pd.Series) or are_strings(X, how.modality == "text"):
        return _content_of_strings(list(X), how)
    try:
        array = np.asarray(X)
    except ValueError as error:
        raise DataError(f"X has rows of different lengths ({error}); make every row as long.") from None
    rows = [str(i) for i in range(len(array))] if array.ndim else []
    if array.dtype.kind == "c":
        raise DataError("Complex data not supported: X holds complex numbers. Split them into real columns.")
    if array.ndim in (3, 4) and how.modality != "table":
        return Source("pixels", rows, pixels=array)
    if array.ndim != 2:
        hint = " Reshape your data with X.reshape(-1, 1) if it has one feature." if array.ndim == 1 else ""
        raise DataError(
            f"X has the shape {array.shape}; expected is a table (n, features), so Expected 2D array, or "
            f"images (n, height, width) or (n, height, width, channels).{hint}"
        )
    if array.shape[1] == 0:
        raise DataError(
            f"Found array with 0 feature(s) (shape={array.shape}) while a minimum of 1 is required."
        )
    names = [f"x{i}" for i in range(array.shape[1])]
    columns = {name: pd.Series(array[:, i]) for i, name in enumerate(names)}
    return Source("array", rows, frame=pd.DataFrame(columns, index=pd.RangeIndex(len(array))))


def _content_of_frame(X: pd.DataFrame, how: How) -> Source:
    rows = [str(i) for i in range(len(X))]
    pictures = _picture_columns(X, how, Path.cwd())
    column = _find_text_column(X, how) if how.modality in ("auto", "text") and not pictures else None
    if column is None:
        return Source("table", rows, frame=_whole_paths(X, pictures, Path.cwd()), pictures=pictures)
    return Source("texts", rows, texts=_strings(X[column]), text_column=column)


def _content_of_strings(strings: list[Any], how: How) -> Source:
    """A list of strings is a list of image files, or of texts."""
    names = [str(one) for one in strings if isinstance(one, (str, os.PathLike))]
    if how.modality != "text" and names and all(is_image_name(name) for name in names):
        return Source("paths", _unique_ids([str(one) for one in strings]), paths=[str(s) for s in strings])
    rows = [str(i) for i in range(len(strings))]
    return Source("texts", rows, texts=_strings(pd.Series(strings, dtype=object)))


def _find_text_column(features: pd.DataFrame, how: How) -> str | None:
    """The column whose texts are all that a row says; with --modality text, DataError where there is none.

    Without it, only where no other column is worth reading: a text among other columns is part of a table.
    """
    if how.text_column is not None:
        if how.text_column not in features.columns and features.shape[1] != 1:
            raise DataError(
                f"the table has no column {how.text_column!r}, whose texts the model was fitted on. Its "
                f"columns are: {listed(features.columns, 20)}. Add or rename the column."
            )
        return how.text_column if how.text_column in features.columns else features.columns[0]
    lengths = {name: words_of(features[name]) for name in features.columns}
    if how.modality == "text" and not any(lengths.values()):  # so the person says, and short answers recur
        lengths = {name: words_of(features[name], recurring=True) for name in features.columns}
    longest = max(lengths, key=lambda name: lengths[name], default=None)
    if how.modality == "text":
        if longest is None or lengths[longest] == 0:
            raise DataError(
                f"--modality text: no column of {listed(features.columns)} holds texts. {_EXPECTED['text']}"
            )
        return longest
    if longest is None or lengths[longest] < _LEAST_WORDS:
        return None
    try:
        infer_schema(features.drop(columns=[longest]))
    except DataError:  # nothing else to learn from
        return longest
    return None


def _strings(column: pd.Series) -> list[str | None]:
    return [None if value is None else to_category(value) for value in plain_values(column)]


def _find_path_column(frame: pd.DataFrame, how: How, base: Path) -> str | None:
    """The column whose values are image files; with --modality image, DataError where there is none."""
    if how.path_column is not None and how.path_column in frame.columns:
        return how.path_column
    found = [name for name in frame.columns if _is_path_column(frame[name], base)]
    if found:
        usual = [name for name in found if name.casefold() in _PATH_NAMES]
        return (usual or found)[0]
    if how.modality == "image" or how.path_column is not None:
        raise DataError(
            "the table has no column of image files"
            + (f" (it was called {how.path_column!r})" if how.path_column else "")
            + f": no column of {listed(frame.columns)} holds names such as 'a.png' of files that exist, "
            f"absolute or relative to {str(base)!r}."
        )
    return None


def _picture_columns(features: pd.DataFrame, how: How, base: Path) -> tuple[str, ...]:
    """The columns of image files that stand beside others worth reading; none where pictures are all."""
    if how.pictures or how.modality != "auto":
        return tuple(name for name in how.pictures if name in features.columns)
    found = [name for name in features.columns if _is_path_column(features[name], base)]
    if not found:
        return ()
    try:
        infer_schema(
            features.drop(columns=[*found, *([how.groups] if how.groups in features.columns else [])])
        )
    except DataError:  # nothing else to learn from
        return ()
    return tuple(found)


def _whole_paths(features: pd.DataFrame, pictures: Sequence[str], base: Path) -> pd.DataFrame:
    """The table with the files of these columns as whole paths, None where a row has none."""
    whole = {}
    for name in pictures:
        values = [
            None if v in (None, "") else str(_place(base, str(v))) for v in plain_values(features[name])
        ]
        whole[name] = pd.Series(values, dtype=object, index=features.index)
    return features.assign(**whole) if whole else features


def _is_path_column(column: pd.Series, base: Path) -> bool:
    """Nearly every value ends as image files do, and at least one file is there; others cannot be read."""
    if pd.api.types.is_numeric_dtype(column.dtype):
        return False
    names = [v for v in plain_values(column) if v not in (None, "")]
    of_images = [v for v in names if isinstance(v, str) and is_image_name(v)]
    if not names or len(of_images) < MOSTLY * len(names):
        return False
    return any(os.path.isfile(_place(base, name)) for name in of_images)


def _place(base: Path, name: str) -> Path:
    """Where a file of a table is; names that Windows wrote have backslashes between folders."""
    as_written = base / name
    return base / name.replace("\\", "/") if "\\" in name and not as_written.exists() else as_written


def _listed_paths(column: pd.Series, base: Path) -> tuple[list[str], list[str]]:
    """(ids, paths) of a column of file names; a row without one gets a name that does not exist."""
    names = [v if v not in (None, "") else f"row {i}" for i, v in enumerate(plain_values(column))]
    return _unique_ids([str(name) for name in names]), [str(_place(base, str(name))) for name in names]


def _unique_ids(names: Sequence[str]) -> list[str]:
    """The names; where one occurs again, with its row."""
    ids = [printable(name).replace("\\", "/").removeprefix("./") for name in names]
    counts = Counter(ids)
    return [name if counts[name] == 1 else f"{name} (row {i})" for i, name in enumerate(ids)]


def are_strings(X: Any, nothing: bool = False) -> bool:
    """Whether X is a list, an array or a Series of strings, with numbers or nothing in a few of their places.

    `nothing` is the answer where all are missing.
    """
    if not isinstance(X, (list, tuple, pd.Series)) and (not isinstance(X, np.ndarray) or X.ndim != 1):
        return False
    present = [value for value in X if not is_missing(value)]
    if not present:
        return nothing and len(X) > 0
    strings = sum(isinstance(value, (str, os.PathLike)) for value in present)
    numbers = sum(isinstance(value, Real) for value in present)
    return strings >= MOSTLY * len(present) and strings + numbers == len(present)


def _checked_length(values: Any, n: int, name: str) -> Any:
    if values is None:
        raise DataError(f"{name} is None; expected is one value for each of the {n} samples of X.")
    if isinstance(values, pd.DataFrame):
        check_one_column(values, name)
        values = values.iloc[:, 0]
    if not isinstance(values, (pd.Series, np.ndarray)):
        values = list(values)
    if isinstance(values, np.ndarray) and values.ndim == 0:
        raise DataError(f"{name} is a single value; expected is one for each of the {n} samples of X.")
    if len(values) != n:
        raise DataError(
            f"{name} has {len(values)} values, but X has {n} samples; they must be of the same length."
        )
    return values
