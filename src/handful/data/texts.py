"""Texts: the files of a folder per class, the column of a table, or a list of strings; cleaned alike."""

from __future__ import annotations

import codecs
import html
import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

# What nobody sees, and what would make two equal words different: control and zero-width characters, marks
# of direction and of byte order. The joiners of Persian and Indic scripts (U+200C, U+200D) mean something.
# Halves of an emoji that was cut through, which JSON can hold, are no character in any encoding.
_CONTROL = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"
_HALVES = r"\ud800-\udfff"
_UNSEEN = re.compile(rf"[{_CONTROL}{_HALVES}\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060\ufeff]")
_SPACES = re.compile(r"[^\S\n]+")
_LINES = re.compile(r"\s*\n\s*")
# Scripts that are written without spaces; a word has about two of their characters.
UNSPACED = r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff"  # inside [] of a pattern
_UNSPACED = re.compile(rf"[{UNSPACED}]")
# A word; of a script without spaces each character, as its words cannot be told apart without a dictionary.
WORD = rf"[{UNSPACED}]|[^\W_{UNSPACED}]+"
EMPTY = "is empty"


def clean(text: str) -> str:
    """The text in one Unicode form (NFC), without what cannot be seen, white space as spaces and line ends.

    In every language alike: nothing is put into lower case, no word is left out. HTML's character references,
    which come with texts that were copied from the web, are the characters that they stand for.

    >>> clean(" It&#039;s\\u200b  fine \\n\\n thanks ")
    "It's fine\\nthanks"
    """
    text = unicodedata.normalize("NFC", html.unescape(text))
    text = _UNSEEN.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    return _LINES.sub("\n", _SPACES.sub(" ", text)).strip()


def words(text: str) -> float:
    """About how many words a text has, also where they are not parted by spaces.

    >>> words("the printer is broken"), words("打印机坏了，请帮忙")
    (4.0, 4.0)
    """
    unspaced = len(_UNSPACED.findall(text))
    return max(float(len(text.split())), unspaced / 2)


def read_texts(paths: Sequence[str]) -> tuple[list[str], pd.DataFrame, dict[str, str]]:
    """(texts, meta, problems by path) of text files; those with a problem are left out of the first two."""
    texts, about, problems = [], [], {}
    for path in paths:
        try:
            raw = Path(path).read_bytes()
            text = clean(_decoded(raw))
        except OSError as error:
            problems[path] = f"cannot be read ({error.strerror})"
        except ValueError as error:
            problems[path] = str(error)
        else:
            if text:
                texts.append(text)
                about.append({"bytes": len(raw), "packed": len(text.encode()), "name": Path(path).name})
            else:
                problems[path] = EMPTY
    return texts, pd.DataFrame(about, columns=["bytes", "packed", "name"]), problems


def as_array(texts: Sequence[str]) -> np.ndarray:
    """`(n,)` of strings, as a Dataset holds texts."""
    array = np.empty(len(texts), dtype=object)
    array[:] = list(texts)
    return array


def _decoded(raw: bytes) -> str:
    """ValueError says why it is no text."""
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        try:
            return raw.decode("utf-16")
        except UnicodeDecodeError:
            raise ValueError("begins as UTF-16 but is damaged") from None
    if b"\0" in raw:
        raise ValueError("is not text (it holds zero bytes)")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError(
            "is not UTF-8, probably Windows-1252 (convert it with iconv -f WINDOWS-1252 -t UTF-8)"
        ) from None
