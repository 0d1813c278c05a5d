"""Copies of a text that differ a little from it: words dropped or swapped, typing errors, sentences left out.

A copy is a function of the text, the way and its number alone, the same on every machine: so it can be made
again wherever it is needed, and what is computed of it is kept like that of any text.

Wei & Zou, "EDA: easy data augmentation techniques for boosting performance on text classification tasks",
EMNLP 2019 (its random deletion and swap); Belinkov & Bisk, "Synthetic and natural noise both break neural
machine translation", ICLR 2018 (typing errors).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable

import numpy as np

from handful.data.texts import UNSPACED

WORDS = 0.15  # share of the words that are dropped, swapped or misspelt, about
SENTENCES = 0.3  # share of the sentences that are left out, about

# A word with the space behind it; in scripts that are written without spaces, a character.
_WORD = re.compile(rf"[{UNSPACED}]\s*|[^\s{UNSPACED}]+\s*|^\s+")
_SENTENCE = re.compile(r"[^.!?\n\u3002\uff01\uff1f]*[.!?\n\u3002\uff01\uff1f]*\s*")


def copy_of(text: str, way: str, number: int) -> str:
    """The copy with this number; the text itself where there is nothing that the way could change.

    >>> copy_of("The printer on the second floor is broken again", "words dropped", 5)
    'The printer on the floor is broken again'
    """
    name = hashlib.sha256(f"{way}\n{number}\n{text}".encode("utf-8", "surrogatepass")).digest()
    return WAYS[way](text, np.random.default_rng(int.from_bytes(name[:8], "big"))).strip() or text


def _with_words_dropped(text: str, random: np.random.Generator) -> str:
    words = _WORD.findall(text)
    stay = random.random(len(words)) >= WORDS
    return "".join(w for w, s in zip(words, stay, strict=True) if s)


def _with_words_swapped(text: str, random: np.random.Generator) -> str:
    words = _WORD.findall(text)
    for i in np.flatnonzero(random.random(max(0, len(words) - 1)) < WORDS):
        words[i : i + 2] = _swapped(words[i], words[i + 1])
    return "".join(words)


def _swapped(one: str, other: str) -> tuple[str, str]:
    """Two words that change places, the white space staying where it is."""
    return (
        other.rstrip() + one[len(one.rstrip()) :],
        one.rstrip() + other[len(other.rstrip()) :],
    )


def _with_typos(text: str, random: np.random.Generator) -> str:
    words = _WORD.findall(text)
    for i in np.flatnonzero(random.random(len(words)) < WORDS):
        words[i] = _misspelt(words[i], random)
    return "".join(words)


def _misspelt(word: str, random: np.random.Generator) -> str:
    """Two neighbouring letters swapped, a letter left out, or one typed twice; the first letter stays."""
    n = len(word.rstrip())
    if n < 4:
        return word
    i, kind = int(random.integers(1, n - 1)), int(random.integers(3))
    if kind == 0:
        return word[:i] + word[i + 1] + word[i] + word[i + 2 :]
    return word[:i] + word[i + 1 :] if kind == 1 else word[: i + 1] + word[i:]


def _with_sentences_dropped(text: str, random: np.random.Generator) -> str:
    sentences = [s for s in _SENTENCE.findall(text) if s]
    stay = random.random(len(sentences)) >= SENTENCES
    return "".join(s for s, there in zip(sentences, stay, strict=True) if there)


def _with_all(text: str, random: np.random.Generator) -> str:
    for change in (_with_sentences_dropped, _with_words_dropped, _with_words_swapped, _with_typos):
        text = change(text, random).strip() or text
    return text


WAYS: dict[str, Callable[[str, np.random.Generator], str]] = {
    "words dropped": _with_words_dropped,
    "words swapped": _with_words_swapped,
    "typos": _with_typos,
    "sentences dropped": _with_sentences_dropped,
    "all of it": _with_all,
}
