"""What came in, as a `Dataset`; and new data, read in the same way."""

from __future__ import annotations

import os
import warnings
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from handful.data.dataset import Dataset, Finding, Images
from handful.data.groups import group_codes
from handful.data.images import Progress, array_to_images, packed_sizes, read_images
from handful.data.infer import infer_schema
from handful.data.names import count, listed
from handful.data.picture_column import with_pictures
from handful.data.provenance import file_of, mixed_with, sources, sources_of_files, with_copies
from handful.data.schema import TableSchema
from handful.data.source import TASKS, How, Source, made_up, open_source
from handful.data.targets import check_classes, encode, read_target
from handful.data.texts import EMPTY, as_array, clean, read_texts
from handful.data.values import decimal_mark
from handful.errors import DataError, SettingsError
from handful.settings import Settings

_DAMAGED_SHOWN = 10


def load(
    data: Any, settings: Settings, folder: Path | None = None, progress: Progress | None = None
) -> Dataset:
    """The data set behind `data`: a path, a DataFrame, `(X, y)` or `(X, y, groups)`.

    The pixels of image files are written to `folder/pixels.npy` (kept in memory where it is None). What was
    noticed is in `Dataset.findings`; what is needed to read new data alike, in `Dataset.origin`. DataError
    where nothing can be learned from the data as it is.

    >>> from handful.settings import Settings
    >>> dataset = load(([[0.1, 2], [0.3, 1], [5, 3], [6, 2]], ["a", "a", "b", "b"]), Settings())
    >>> dataset.modality, dataset.task, dataset.classes.tolist(), dataset.y.tolist()
    ('table', 'classification', ['a', 'b'], [0, 0, 1, 1])
    """
    if settings.task not in TASKS:
        raise SettingsError(f"--task {settings.task!r} is not one of {', '.join(TASKS)}.")
    source = open_source(data, How(settings.modality, settings.target, settings.groups, said=_said(data)))
    if source.kind == "folder" and settings.target is not None:
        raise SettingsError(
            f"--target {settings.target!r} names a column of a table, but {str(data)!r} is a folder, where "
            "each folder in it is a class. Leave --target out, or give the table that lists the files."
        )
    ids = np.array(source.ids)
    target = read_target(
        source.labels,
        ids,
        name=source.target,
        task=_task(source, settings),
        drop_classes=settings.drop_classes,
        parse=source.parse_labels,
        data=_said(data),
        decimal=_decimal(source),
    )
    X, meta, rows, problems, origin, findings = _content(
        source, np.flatnonzero(target.keep), folder, settings.jobs_here, progress
    )
    y = target.y[np.isin(np.flatnonzero(target.keep), rows)]
    if target.classes is not None:
        _check_classes_survive(y, target.classes, problems)
        what = {"image": "image", "text": "text"}.get(source.modality, "row")
        check_classes(y, target.classes, what, len(problems))
    dataset = Dataset(
        X=X,
        y=y,
        ids=ids[rows],
        meta=meta,
        task=target.task,
        modality=source.modality,
        classes=target.classes,
        origin={
            **origin,
            "name": _said(data),
            "target": source.target,
            "task": target.task,
            "target_style": target.style,
            "groups": settings.groups,
            **({"dropped_classes": list(settings.drop_classes)} if settings.drop_classes else {}),
        },
        findings=[*source.findings, *target.findings, *findings],
        kept=_kept(source, rows),
    )
    dataset.findings += _damaged_findings(problems, len(y), source)
    groups = None if source.groups is None else [source.groups[i] for i in rows]
    if source.copy_of is not None:
        copy_of = [source.copy_of[i] for i in rows]
        dataset.meta["copy"] = [origin is not None for origin in copy_of]
        if source.frame is not None and isinstance(data, (str, os.PathLike)):
            dataset.meta["mixed_with"] = mixed_with(Path(data), dataset.ids.tolist())
            _check_in_order(dataset, copy_of)
        dataset.findings += _copies_findings(dataset)
        groups = with_copies(groups, dataset.ids.tolist(), copy_of)
    if groups is not None:
        dataset.groups, more = group_codes(groups, dataset.ids.tolist())
        dataset.findings += more if source.groups is not None else []
    return dataset


def _decimal(source: Source) -> str:
    """The decimal mark of a table, its target included where that is of the same file; "" where unsure."""
    columns = [] if source.frame is None else [source.frame[name] for name in source.frame]
    return decimal_mark([*columns, pd.Series(source.labels)] if source.parse_labels else columns)


def _kept(source: Source, rows: np.ndarray) -> np.ndarray:
    """Which of the samples that were given are these rows of the source, `(N,)`."""
    kept = np.ones(len(source.ids), dtype=bool) if source.kept is None else source.kept.copy()
    kept[kept] = np.isin(np.arange(len(source.ids)), rows)
    return kept


def _said(data: Any) -> str | None:
    """How the person named the data; None for arrays."""
    return Path(data).name if isinstance(data, (str, Path)) else None


def load_new(
    data: Any,
    origin: dict[str, Any],
    out: Path | None = None,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> tuple[Any, np.ndarray, dict[str, str]]:
    """New data, read as `Dataset.origin` says: `(X, ids, problems)`.

    `ids` names every sample in the order of the input. `problems` maps the ids of damaged ones to their
    reason; X has a row for each of the others, in the same order. A text that is empty is one of those: it
    can be answered. A target in the data is ignored. What was odd about a table's values, and which files of
    a folder were passed over, is raised as a UserWarning.
    """
    source = open_source(data, _how(origin, labelled=False))
    every = np.arange(len(source.ids))
    X, _, good, problems, findings = _content_like(source, every, origin, out, jobs, progress)
    empty = [i for i in every if problems.get(source.ids[i]) == EMPTY]
    if empty:
        texts = dict(zip(good, X, strict=True)) | dict.fromkeys(empty, "")
        X = as_array([texts[i] for i in sorted(texts)])
        problems = {name: reason for name, reason in problems.items() if reason != EMPTY}
    _warn([finding for finding in source.findings if finding.kind == "skipped files"] + findings)
    return X, np.array(source.ids), problems


def load_unlabelled(
    data: Any,
    origin: dict[str, Any],
    most: int,
    seed: int,
    out: Path | None = None,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> tuple[Any, np.ndarray, list[Finding]]:
    """Samples without labels to learn from, read as `Dataset.origin` says: `(X, ids, findings)`.

    A target in the data is ignored, and so are class folders. What `handful augment` and `handful synthesize`
    made is left out.
    Of more than `most` samples so many are drawn, by the seed, before anything is decoded. The pixels of
    files go to `out/pixels.npy`. DataError where no sample can be read.
    """
    try:
        source = open_source(data, _how(origin, labelled=False))
        original = np.array([of is None for of in _copied(data, source)], dtype=bool)
        own = np.flatnonzero(original & ~made_up(source, data))
        drawn = own
        if len(own) > most:
            drawn = np.sort(np.random.default_rng([seed, 31]).choice(own, most, replace=False))
        X, _, rows, problems, findings = _content_like(source, drawn, origin, out, jobs, progress)
    except DataError as error:
        what = {"image": "pictures", "text": "texts"}.get(origin["modality"], "rows of a table")
        raise DataError(f"the unlabelled data must be {what}, like the labelled data: {error}") from None
    if not len(rows):
        raise DataError(f"none of the unlabelled samples can be read: {_reasons(problems)}.")
    noticed = [*source.findings, *findings, *_damaged_findings(problems, len(rows), source)]
    told = [replace(f, message=f"Unlabelled data: {f.message}") for f in noticed]
    if len(own) < len(source.ids):
        message = (
            f"{len(source.ids) - len(own):,} unlabelled samples were made from others by 'handful augment' "
            "or 'handful synthesize' and are not learned from: they may be made of labelled samples that a "
            "model is tested on."
        )
        told.append(Finding("unlabelled data", "note", message))
    if len(drawn) < len(own):
        message = (
            f"Of {len(own):,} unlabelled samples {most:,} were drawn by chance and are learned from: "
            "so many are enough, and all would take long."
        )
        told.append(Finding("unlabelled data", "note", message))
    return X, np.array(source.ids)[rows], told


def _copied(data: Any, source: Source) -> list[str | None]:
    """What each sample was made from by `handful augment`; None for an original."""
    known = sources(Path(data), source.ids) if isinstance(data, (str, os.PathLike)) else None
    if known is None and source.paths is not None:
        known = sources_of_files(source.paths, source.ids)
    return known or [None] * len(source.ids)


def load_test(
    data: Any,
    origin: dict[str, Any],
    classes: np.ndarray | None,
    out: Path | None = None,
    jobs: int | None = None,
) -> tuple[Any, np.ndarray, np.ndarray, list[Finding]]:
    """Labelled data to score a model on: `(X, y, ids, findings)`, without damaged and unlabelled samples.

    `y` is coded in `classes` (None for regression), `origin` is that of the data the model was fitted on.
    """
    source = open_source(data, _how(origin, labelled=True))
    keep, y = _encoded(source, origin, classes)
    copied = np.array([one is not None for one in source.copy_of or [None] * len(keep)])
    labelled, y = np.flatnonzero(keep & ~copied), y[~copied[keep]]
    X, _, rows, problems, findings = _content_like(source, labelled, origin, out, jobs, None)
    y = y[np.isin(labelled, rows)]
    _check_some_left(rows, problems)
    findings += _damaged_findings(problems, len(y), source)
    if copied.any():
        message = f"Left out {count(int(copied.sum()), 'sample')} that 'handful augment' made of others."
        findings.append(Finding("augmented copies", "warning", message))
    if not keep.all():
        missing = [source.ids[i] for i in np.flatnonzero(~keep)]
        dropped = origin.get("dropped_classes")
        without = f"a label, or of {listed(dropped)}, which was left out" if dropped else "a label"
        message = f"Left out {count(len(missing), 'test sample')} without {without}: {listed(missing)}."
        findings.append(Finding("missing target", "warning", message, missing))
    return X, y, np.array(source.ids)[rows], findings


def check_test(data: Any, origin: dict[str, Any], classes: np.ndarray | None) -> None:
    """What can be said of test data before anything is fitted; DataError as `load_test` would raise it.

    Texts are read, pictures are not: that takes long.
    """
    try:
        source = open_source(data, _how(origin, labelled=True))
        _check_modality(source, origin)
        keep, _ = _encoded(source, origin, classes)
        if source.frame is not None:
            schema = TableSchema.from_json(origin["schema"])
            schema.apply(_renamed(source, schema, origin), [])
    except DataError as error:
        raise DataError(f"the test data must be like the labelled data: {error}") from None
    if not keep.any():
        raise DataError("the test data holds no sample with a label.")
    if source.modality == "text":
        _, _, rows, problems = _read_texts(source, np.flatnonzero(keep))
        _check_some_left(rows, problems)


def _check_some_left(rows: np.ndarray, problems: dict[str, str]) -> None:
    if not len(rows):
        why = f": {_reasons(problems)}" if problems else ""
        raise DataError(f"the test data holds no sample with a label that can be read{why}.")


def _encoded(
    source: Source, origin: dict[str, Any], classes: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """(mask of rows with a label, y of those), read like the labels of the data the model was fitted on."""
    style, dropped = origin.get("target_style", ""), origin.get("dropped_classes", ())
    return encode(source.labels, source.target, origin["task"], classes, style, dropped)


def _check_modality(source: Source, origin: dict[str, Any]) -> None:
    if source.modality != origin["modality"]:
        raise DataError(
            f"the model was fitted on the modality {origin['modality']!r}, but the new data is read as "
            f"{source.modality!r}. Give data like that which it was fitted on."
        )


def _task(source: Source, settings: Settings) -> str:
    """Folders are classes, also where their names are numbers."""
    if source.kind == "folder" and settings.task == "auto":
        return "classification"
    return settings.task


def _content(
    source: Source, rows: np.ndarray, folder: Path | None, jobs: int | None, progress: Progress | None
) -> tuple[Any, pd.DataFrame, np.ndarray, dict[str, str], dict[str, Any], list[Finding]]:
    """(X, meta, rows that could be read, problems by id, origin, findings) of a labelled source."""
    origin: dict[str, Any] = {"modality": source.modality, "input": source.kind}
    if source.frame is not None:
        frame = source.frame.iloc[rows]
        numbers = source.kind == "array" and all(map(pd.api.types.is_numeric_dtype, frame.dtypes))
        schema, findings = infer_schema(
            frame, source.target, keep_all=numbers, pictures=source.pictures, decimal=_decimal(source)
        )
        X = schema.apply(frame, findings, rows)
        X, sizes, damaged = with_pictures(X, schema.of_kind("picture"), {}, folder, jobs, progress)
        origin |= {"schema": schema.to_json(), **({"sizes": sizes} if sizes else {})}
        return X, pd.DataFrame({"order": rows}), rows, {}, origin, findings + damaged
    if source.modality == "text":
        texts, meta, good, problems = _read_texts(source, rows)
        if not len(good):
            raise DataError(f"none of the {len(rows)} texts can be read: {_reasons(problems)}.")
        return texts, meta, good, problems, {**origin, "text_column": source.text_column}, []
    X, meta, good, problems = _read_pictures(source, rows, None, folder, jobs, progress)
    if not len(good):
        raise DataError(
            f"none of the {len(rows)} images can be read: {_reasons(problems)}. Are these image files?"
        )
    if source.paths is not None:
        meta = meta.join(packed_sizes(X, jobs))
    return X, meta, good, problems, {**origin, "size": X.size, "path_column": source.path_column}, []


def _content_like(
    source: Source,
    rows: np.ndarray,
    origin: dict[str, Any],
    out: Path | None,
    jobs: int | None,
    progress: Progress | None,
) -> tuple[Any, pd.DataFrame | None, np.ndarray, dict[str, str], list[Finding]]:
    """(X, meta, rows that could be read, problems by id, findings), read as `origin` says."""
    findings: list[Finding] = []
    _check_modality(source, origin)
    if source.frame is not None:
        schema = TableSchema.from_json(origin["schema"])
        X = schema.apply(_renamed(source, schema, origin).iloc[rows], findings, rows)
        X, _, damaged = with_pictures(
            X, schema.of_kind("picture"), origin.get("sizes", {}), out, jobs, progress
        )
        return X, None, rows, {}, findings + damaged
    if source.modality == "text":
        return *_read_texts(source, rows), findings
    X, meta, good, problems = _read_pictures(source, rows, origin["size"], out, jobs, progress)
    return X, meta, good, problems, findings


def _renamed(source: Source, schema: TableSchema, origin: dict[str, Any]) -> pd.DataFrame:
    """Where the new data or the old is an array, without names, columns go by place: they get the old names.

    A table that has the names an array was given (x0, x1, ...) goes by them.
    """
    frame = source.frame
    assert frame is not None
    known = set(frame.columns) >= {column.name for column in schema.columns}
    if source.kind != "array" and (known or origin["input"] != "array"):
        return frame
    if frame.shape[1] != len(schema.inputs):
        raise DataError(
            f"X has {frame.shape[1]} features, but the model was fitted on {len(schema.inputs)}: "
            f"{listed(schema.inputs, 20)}."
        )
    return frame.set_axis(list(schema.inputs), axis=1)


def _read_pictures(
    source: Source,
    rows: np.ndarray,
    size: int | None,
    folder: Path | None,
    jobs: int | None,
    progress: Progress | None,
) -> tuple[Images, pd.DataFrame, np.ndarray, dict[str, str]]:
    """(images, meta, rows that decoded, problems by id)."""
    if source.pixels is not None:
        return array_to_images(source.pixels[rows], size), pd.DataFrame({"order": rows}), rows, {}
    assert source.paths is not None
    paths = [source.paths[i] for i in rows]
    images, meta, problems = read_images(paths, size, folder, jobs, progress)
    good = np.array([i for i in rows if source.paths[i] not in problems], dtype=np.int64)
    meta["order"] = _positions(source)[good] if source.kind == "folder" else good
    by_id = {source.ids[i]: problems[source.paths[i]] for i in rows if source.paths[i] in problems}
    return images, meta, good, by_id


def _read_texts(
    source: Source, rows: np.ndarray
) -> tuple[np.ndarray, pd.DataFrame, np.ndarray, dict[str, str]]:
    """(texts, meta, rows that hold one, problems by id)."""
    if source.texts is not None:
        texts = {int(i): clean(source.texts[i] or "") for i in rows}
        good = np.array([i for i, text in texts.items() if text], dtype=np.int64)
        problems = {source.ids[i]: EMPTY for i, text in texts.items() if not text}
        return as_array([texts[int(i)] for i in good]), pd.DataFrame({"order": good}), good, problems
    assert source.paths is not None
    found, meta, bad = read_texts([source.paths[i] for i in rows])
    good = np.array([i for i in rows if source.paths[i] not in bad], dtype=np.int64)
    meta["order"] = _positions(source)[good] if source.kind == "folder" else good
    return as_array(found), meta, good, {source.ids[i]: bad[p] for i in rows if (p := source.paths[i]) in bad}


def _positions(source: Source) -> np.ndarray:
    """Each file's place within its own folder: its place in the whole listing would spell out the class."""
    seen: dict[str, int] = defaultdict(int)
    places = []
    for name in source.ids:
        parent = name.rpartition("/")[0]
        places.append(seen[parent])
        seen[parent] += 1
    return np.array(places, dtype=np.int64)


def _check_classes_survive(y: np.ndarray, classes: np.ndarray, problems: dict[str, str]) -> None:
    """DataError where every example of a class is damaged."""
    gone = np.setdiff1d(np.arange(len(classes)), y)
    if len(gone):
        name = str(classes[gone[0]])
        raise DataError(
            f"every example of the class {name!r} is damaged: {_reasons(problems)}. Replace them, or "
            f"leave the class out with --drop-class {name}."
        )


def _damaged_findings(problems: dict[str, str], n: int, source: Source) -> list[Finding]:
    if not problems:
        return []
    what = "text" if source.modality == "text" else "image"
    message = (
        f"Left out {len(problems)} of {count(len(problems) + n, what)}, which cannot be read: "
        f"{_reasons(problems)}."
    )
    kind = "empty text" if set(problems.values()) == {EMPTY} and what == "text" else "damaged file"
    return [Finding(kind, "warning", message, list(problems))]


def _copies_findings(dataset: Dataset) -> list[Finding]:
    copies = int(dataset.copies.sum())
    if not copies:
        return []
    message = (
        f"{count(copies, 'sample')} of {len(dataset)} were made from others by 'handful augment'. They are "
        f"only learned from, together with what they were made from: every score counts the "
        f"{len(dataset) - copies} originals alone."
    )
    return [Finding("augmented copies", "note", message)]


def _check_in_order(dataset: Dataset, copy_of: list[str | None]) -> None:
    """DataError where a copy of a row has another target than its original, by the numbers of the rows."""
    place = {name: i for i, name in enumerate(dataset.ids)}
    kept = np.ones(len(dataset), dtype=bool) if dataset.classes is not None else dataset.mixed_with < 0
    for i, origin in enumerate(copy_of):
        if origin in place and kept[i] and dataset.y[i] != dataset.y[place[origin]]:
            name = dataset.origin["name"]
            raise DataError(
                f"row {dataset.ids[i]} of {name!r} should be a copy of row {origin}, says "
                f"'{file_of(Path(name)).name}' beside it, but the two have different targets. Rows were "
                "moved or changed since 'handful augment' wrote them, and copies would be taken for "
                "examples. Make the table again with 'handful augment'."
            )


def _reasons(problems: dict[str, str]) -> str:
    """Damaged files by reason: 'a.png is cut off; b.png, c.png, each of which is empty'."""
    by_reason = defaultdict(list)
    for name, reason in problems.items():
        by_reason[reason].append(name)
    return "; ".join(
        f"{listed(names, _DAMAGED_SHOWN)}{', each of which' if len(names) > 1 else ''} {reason}"
        for reason, names in by_reason.items()
    )


def _how(origin: dict[str, Any], *, labelled: bool) -> How:
    how = How(modality=origin["modality"], target=origin["target"])
    how = replace(how, path_column=origin.get("path_column"), text_column=origin.get("text_column"))
    if "schema" in origin:
        how = replace(how, inputs=tuple(origin["schema"]["inputs"]))
    elif how.text_column is not None:
        how = replace(how, inputs=(how.text_column,))
    if "sizes" in origin:
        how = replace(how, pictures=tuple(origin["sizes"]))
    return replace(how, labelled=labelled, least_classes=1)


def _warn(findings: list[Finding]) -> None:
    for finding in findings:
        warnings.warn(finding.message, UserWarning, stacklevel=3)
