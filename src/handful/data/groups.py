"""Groups: which samples belong together (one patient, one device) and must share a fold."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from handful.data.dataset import Finding
from handful.data.names import count, did_you_mean, listed, missing_path
from handful.data.tables import read_table
from handful.data.values import MISSING, plain_values, to_category
from handful.errors import DataError


def column_groups(column: pd.Series) -> list[str | None]:
    """The group of each row by name, None where missing."""
    return [
        None if v is None or (isinstance(v, str) and v in MISSING) else to_category(v)
        for v in plain_values(column)
    ]


def named_groups(option: str, ids: Sequence[str], columns: Sequence[str] = ()) -> list[str | None]:
    """The group of each id, from a file `id,group` or a regular expression on file names.

    `columns` are those of the table, if there is one, for the message where the option fits nothing.
    """
    path = Path(option)
    if path.is_file():
        return _file_groups(path, ids)
    if columns:
        raise DataError(
            f"--groups {option!r} is neither a column nor a file.{did_you_mean(option, columns)} "
            f"The columns are: {listed(columns, 30)}."
        )
    as_file = path.suffix.lower() in (".csv", ".tsv", ".txt", ".xlsx", ".parquet")
    if as_file and not set("()\\") & set(option):  # r"(\d+)_.*\.txt" is a pattern on names of text files
        raise DataError(f"--groups: {missing_path(path)} Give a file with the columns id and group.")
    return _pattern_groups(option, ids)


def group_codes(groups: Sequence[str | None], ids: Sequence[str]) -> tuple[np.ndarray, list[Finding]]:
    """Codes 0…G-1 in the order of first appearance; a sample without a group is a group of its own."""
    alone = [str(i) for i, group in zip(ids, groups, strict=True) if group is None]
    keys = [("group", g) if g is not None else ("alone", str(i)) for i, g in zip(ids, groups, strict=True)]
    code = {key: i for i, key in enumerate(dict.fromkeys(keys))}
    findings = []
    if alone:
        message = (
            f"Without a group, so each a group of its own: {count(len(alone), 'sample')}: {listed(alone)}."
        )
        findings.append(Finding("missing group", "warning", message, alone))
    if len(code) == 1 and len(keys) > 1:
        raise DataError(
            "all samples are in one group, so none can be held out while others are learned from. "
            "Groups must be smaller than the data: leave out --groups, or name another column."
        )
    return np.array([code[key] for key in keys], dtype=np.int64), findings


def _file_groups(path: Path, ids: Sequence[str]) -> list[str | None]:
    frame = read_table(path)
    by_fold = {name.casefold(): name for name in frame.columns}
    if "id" not in by_fold or "group" not in by_fold:
        raise DataError(
            f"the groups file {str(path)!r} needs the columns 'id' and 'group', but has: "
            f"{listed(frame.columns)}. The ids look like {listed(map(repr, ids), 3)}."
        )
    group_of: dict[str, str | None] = {}
    known = set(ids)
    names = [_normal_id(to_category(v)) if v is not None else "" for v in plain_values(frame[by_fold["id"]])]
    for row, (name, group) in enumerate(zip(names, column_groups(frame[by_fold["group"]]), strict=True)):
        if name not in known:
            raise DataError(
                f"the groups file {str(path)!r} names {name!r} (row {row}), which is not in the data."
                f"{did_you_mean(name, known)} The ids look like {listed(map(repr, ids), 3)}."
            )
        if group_of.get(name, group) != group:
            raise DataError(
                f"the groups file {str(path)!r} puts {name!r} into two groups, {group_of[name]!r} and "
                f"{group!r}. Keep one."
            )
        group_of[name] = group
    return [group_of.get(name) for name in ids]


def _normal_id(name: str) -> str:
    return name.replace("\\", "/").removeprefix("./")


def _pattern_groups(pattern: str, ids: Sequence[str]) -> list[str | None]:
    """The first capture group, or the whole match, in the file name (in the path if the pattern has "/")."""
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise DataError(
            f"--groups '{pattern}' is not a file, and no regular expression either ({error})."
        ) from None
    names = list(ids) if "/" in pattern else [os.path.basename(name) for name in ids]
    found = [compiled.search(name) for name in names]
    groups = [None if m is None else m.group(1 if compiled.groups else 0) for m in found]
    if not any(groups):
        raise DataError(
            f"--groups '{pattern}' fits no file name; they look like {listed(map(repr, names), 3)}. "
            r"Give a regular expression with one bracket, such as '(patient\d+)_', or a file id,group."
        )
    return [group or None for group in groups]
