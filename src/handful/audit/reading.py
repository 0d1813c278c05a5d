"""How much can be read in texts: very short ones, ones that a network cuts, several scripts."""

from __future__ import annotations

import unicodedata
from collections import Counter

import numpy as np

from handful.data.dataset import Dataset, Finding
from handful.data.names import count, listed
from handful.data.texts import words
from handful.errors import HandfulError

SHORT = 3  # words
MANY_SHORT = 0.2
MANY_LONG = 0.2  # above this share their names are no news
FEW_OF_A_SCRIPT = 5
NEARLY_ALL = 0.9  # texts of a script that are of one class


def check_reading(dataset: Dataset) -> list[Finding]:
    """Findings on what can be read in texts; nothing for other data."""
    if dataset.modality != "text":
        return []
    return [*_short(dataset), *_cut(dataset), *_scripts(dataset)]


def _short(dataset: Dataset) -> list[Finding]:
    lengths = np.array([words(text) for text in dataset.X])
    short = np.flatnonzero(lengths < SHORT)
    if not len(short):
        return []
    share = len(short) / len(dataset)
    texts = "1 text has" if len(short) == 1 else f"{len(short):,} of {len(dataset):,} texts have"
    shown = listed([f"\u201c{dataset.X[i]}\u201d" for i in short], 5)
    message = f"{texts} fewer than {SHORT} words: {shown}. Little can be read in them."
    if share > MANY_SHORT:
        message += " Is this the right column, and is the text whole?"
    severity = "warning" if share > MANY_SHORT else "note"
    return [Finding("very short text", severity, message, [str(i) for i in dataset.ids[short]])]


def _cut(dataset: Dataset) -> list[Finding]:
    """A note where texts are longer than the pretrained network on this machine reads."""
    from handful.backbones.texts import default_text_backbone

    name = default_text_backbone()
    longest = max(len(text) for text in dataset.X)
    if name is None or longest < 256:  # a word piece has a character at least
        return []
    limit, pieces = _pieces(dataset, name)
    cut = np.flatnonzero(pieces > limit)
    if not len(cut):
        return []
    who = "1 text is" if len(cut) == 1 else f"{len(cut):,} of {len(dataset):,} texts are"
    message = (
        f"{who} longer than the {limit} word pieces (about {round(limit / 1.3, -1):.0f} English words) that "
        f"the pretrained network {name} reads: it sees their beginning only. Models that count words see all."
    )
    named = cut if len(cut) <= MANY_LONG * len(dataset) else cut[:0]
    return [Finding("long text", "note", message, [str(i) for i in dataset.ids[named]])]


def _pieces(dataset: Dataset, backbone: str) -> tuple[int, np.ndarray]:
    """How many word pieces a network reads, and how many each text has, `(n,)`; zeros where it is unknown."""
    from handful.backbones.text_folder import read_recipe
    from handful.backbones.text_loading import load_tokenizer
    from handful.backbones.text_registry import files, get_text

    try:
        folder = files(get_text(backbone))
        recipe = read_recipe(folder)
        if recipe is None:
            return 0, np.zeros(len(dataset))
        tokenizer = load_tokenizer(folder / "tokenizer.json", None)
    except HandfulError:  # what is needed to read texts is said where a candidate wants to
        return 0, np.zeros(len(dataset))
    found = tokenizer.encode_batch([recipe.prefix + text for text in dataset.X])
    return recipe.max_tokens, np.array([len(one.ids) for one in found])


def _scripts(dataset: Dataset) -> list[Finding]:
    """A note where texts are in several scripts; a warning where the script nearly tells the class."""
    scripts = np.array([script(text) for text in dataset.X], dtype=object)
    sizes = {name: n for name, n in Counter(scripts).most_common() if n >= FEW_OF_A_SCRIPT and name}
    if len(sizes) < 2:
        return []
    said = listed([f"{name} ({count(n, 'text')})" for name, n in sizes.items()], 6)
    message = f"The texts are written in several scripts: {said}. Many networks read one only."
    own = [
        f"{name} stands for {dataset.classes[_most(dataset.y[scripts == name])]}"
        for name in sizes
        if dataset.classes is not None and _telling(dataset.y, scripts == name)
    ]
    if own:
        message += f" And they go with the classes: {listed(own, 6)}. Is that so in new texts?"
    return [Finding("several scripts", "warning" if own else "note", message)]


def script(text: str) -> str:
    """The script that most letters of a text are of, by its Unicode name; "" without letters.

    >>> script("Good day!"), script("добрый день"), script("打印机坏了"), script("42")
    ('Latin', 'Cyrillic', 'CJK', '')
    """
    letters = [c for c in text[:500] if c.isalpha()]
    names = Counter(unicodedata.name(c, "").split(" ")[0].split("-")[0] for c in letters)
    if not names:
        return ""
    most = names.most_common(1)[0][0]
    return most if most == "CJK" else most.capitalize()


def _most(y: np.ndarray) -> int:
    return int(np.bincount(y).argmax())


def _telling(y: np.ndarray, of_script: np.ndarray) -> bool:
    """Whether nine in ten texts of a script are of one class, and of the others not."""
    k = _most(y[of_script])
    share, others = (y[of_script] == k).mean(), (y[~of_script] == k).mean()
    return bool(share >= NEARLY_ALL and others < share / 2)
