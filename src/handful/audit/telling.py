"""Words that give the class away: its name, or a phrase that stands in all of its texts and in no others."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from handful.data.dataset import Dataset, Finding
from handful.data.names import listed
from handful.data.texts import UNSPACED, WORD
from handful.scoring import per_cent

NEARLY_PERFECT = 0.99  # of the way from guessing to perfect
COMES_CLOSE = 0.9  # another word that does so well: the task may be easy
BY_CHANCE = 1e-3  # probability that any of the words would do so by accident
PHRASE = 3  # words of the longest phrase that is tried
NAMED = 0.2  # from this share of its texts on, the name of a class is worth a line
MOSTLY = 0.5  # and from this one on, a warning
NAMED_MORE = 4  # and so many times as often as in other texts
_GAP = re.compile(rf"(?<=[{UNSPACED}]) (?=[{UNSPACED}])")  # between characters of a script without spaces
_SAYS_SOMETHING = re.compile(rf"([^\W\d_].*){{3}}|([{UNSPACED}] ?){{2}}")  # not one or two letters


def check_words(dataset: Dataset) -> list[Finding]:
    """Findings on the words of texts; nothing for other data, or where values are predicted."""
    if dataset.modality != "text" or dataset.classes is None:
        return []
    return [*_class_names(dataset), *_telling_words(dataset)]


def _class_names(dataset: Dataset) -> list[Finding]:
    """A line where the name of a class stands in its own texts, and hardly in others."""
    assert dataset.classes is not None
    plain = [_plain(text) for text in dataset.X]
    told, severity = [], "note"
    for k, name in enumerate(dataset.classes):
        own = dataset.y == k
        word = _plain(str(name)).strip()
        if not _SAYS_SOMETHING.search(word):
            continue
        holds = np.array([f" {word} " in text for text in plain])
        inside, outside = int(holds[own].sum()), int(holds[~own].sum())
        share, others = inside / own.sum(), outside / max((~own).sum(), 1)
        if (
            share < NAMED
            or share < NAMED_MORE * others
            or _chance(holds, own) * len(dataset.classes) > BY_CHANCE
        ):
            continue
        if share >= COMES_CLOSE and others <= 1 - COMES_CLOSE:
            severity = "alarm"
        elif share >= MOSTLY and severity == "note":
            severity = "warning"
        told.append(f"{name} in {per_cent(share)}% of its own texts and {per_cent(others)}% of the others")
    if not told:
        return []
    message = (
        f"Names of classes stand in the texts: {'; '.join(told[:8])}. That is fair if new texts will "
        "hold them too. If the texts were found by searching for the name, or somebody wrote it in, a model "
        "learns to look for it and fails on new texts: take it out of them."
    )
    return [Finding("class name in the texts", severity, message)]


def _chance(holds: np.ndarray, own: np.ndarray) -> float:
    """Fisher's exact probability that so many or more of a class's texts hold a word that many hold."""
    from scipy.stats import hypergeom

    return float(hypergeom.sf(int(holds[own].sum()) - 1, len(own), int(holds.sum()), int(own.sum())))


def _telling_words(dataset: Dataset) -> list[Finding]:
    """An alarm for a word or phrase that stands in all texts of a class and in no other, nearly.

    Where several different ones do so, or come close, the classes may be easy to tell apart (two languages,
    two forms), so that is a note. Many words are tried: one counts only where chance would not do it among
    all of them (Bonferroni on Fisher's exact test).
    """
    assert dataset.classes is not None
    found = _perfect(dataset)
    findings = []
    for k in sorted({k for k, _, _ in found}):
        mine = [(word, way) for of, word, way in found if of == k]
        perfect = _phrases([word for word, way in mine if way >= NEARLY_PERFECT])
        if not perfect:
            continue
        others = _phrases([word for word, _ in mine])
        name = str(dataset.classes[k])
        quoted = listed([f"\u201c{_GAP.sub('', word)}\u201d" for word in perfect], 6)
        if len(others) == 1:
            message = (
                f"{quoted} stands in nearly every text of the class {name!r} and in hardly any other, and no "
                "other word comes close. Will new texts hold it before their class is known? If it is a "
                "stamp, a signature or a remark of whoever sorted them, take it out: a model that leans on "
                "it fails on new texts."
            )
            findings.append(Finding("one phrase predicts the class", "alarm", message, [name]))
        else:
            message = (
                f"Each of several words tells the class {name!r} from the others nearly without error: "
                f"{quoted}. The classes may just be easy to tell apart; make sure that new texts are written "
                "in the same way."
            )
            findings.append(Finding("one phrase predicts the class", "note", message, [name]))
    return findings


def _perfect(dataset: Dataset) -> list[tuple[int, str, float]]:
    """(class, word or phrase, part of the way from guessing to perfect) of those that go most of the way."""
    from scipy.sparse import csc_matrix
    from scipy.special import gammaln
    from sklearn.feature_extraction.text import CountVectorizer

    assert dataset.classes is not None
    vectorizer = CountVectorizer(ngram_range=(1, PHRASE), token_pattern=WORD, binary=True, min_df=2)
    try:
        held: Any = csc_matrix(vectorizer.fit_transform(dataset.X), dtype=np.int64)
    except ValueError:  # no word that two texts hold
        return []
    names = vectorizer.get_feature_names_out()
    n, texts_with = len(dataset), np.asarray(held.sum(axis=0)).ravel()
    found = []
    for k in range(len(dataset.classes)):
        own = dataset.y == k
        size = int(own.sum())
        inside = np.asarray(held[own].sum(axis=0)).ravel()
        errors = size - inside + (texts_with - inside)
        way = 1 - errors / min(size, n - size)
        # Ways to choose a class's texts among all; then each error may be any text, and any word may do it.
        log_ways = gammaln(n + 1) - gammaln(size + 1) - gammaln(n - size + 1)
        chance = errors * np.log(n) + np.log(len(names) * len(dataset.classes)) - log_ways
        good = np.flatnonzero((way >= COMES_CLOSE) & (chance < np.log(BY_CHANCE)))
        found += [(k, str(names[j]), float(way[j])) for j in good[np.argsort(-way[good], kind="stable")]]
    return found


def _phrases(found: list[str]) -> list[str]:
    """Words and phrases without those that overlap with a longer one: what is left stands by itself.

    >>> _phrases(["sent from", "from", "sent", "from my phone"])
    ['sent from my phone']
    """
    chains: list[list[str]] = []
    for phrase in sorted(found, key=lambda p: -p.count(" ")):
        parts = phrase.split()
        for chain in chains:
            joined = _joined(chain, parts)
            if joined is not None:
                chain[:] = joined
                break
        else:
            chains.append(parts)
    return [" ".join(chain) for chain in chains]


def _joined(a: list[str], b: list[str]) -> list[str] | None:
    """Two runs of words as one where one holds the other or the end of one begins the other; else None."""
    text, part = f" {' '.join(a)} ", f" {' '.join(b)} "
    if part in text:
        return a
    for k in range(min(len(a), len(b)) - 1, 0, -1):
        if a[-k:] == b[:k]:
            return a + b[k:]
        if b[-k:] == a[:k]:
            return b + a[k:]
    return None


def _plain(text: str) -> str:
    """In lower case, with one space around every word."""
    found = re.findall(WORD, text.lower())
    return f" {' '.join(found)} "
