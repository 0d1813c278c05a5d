"""What language texts are in, as far as it decides what is tried on them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from handful.data.texts import WORD

# Small words of English that are rare in other languages written in the same letters, which have "in", "me",
# "no", "was", "to" and "are" too. Of running English they are 15 to 20 in 100 words, of terse notes 3 to 5.
SMALL_WORDS = re.compile(
    "the|and|of|with|from|this|that|its?|your?|their|they|not|cannot|please|which|would|should|been|were|have|"
    "there|what|when|after|again|because|only|who|how"
)
ENGLISH = 0.025  # share of them in all words from which on texts count as English
LOOKED_AT = 100  # texts at most, from everywhere in the data: it is asked several times a run

_WORD = re.compile(WORD)


def english(texts: Sequence[str]) -> bool:
    """Whether the texts, taken together, look like English.

    >>> english(["the printer is broken again"]), english(["der Drucker ist schon wieder kaputt"])
    (True, False)
    """
    step = max(1, -(-len(texts) // LOOKED_AT))
    found = [word for text in texts[::step] for word in _WORD.findall(text.lower())]
    return bool(found) and sum(bool(SMALL_WORDS.fullmatch(word)) for word in found) >= ENGLISH * len(found)
