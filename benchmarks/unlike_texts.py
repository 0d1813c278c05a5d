"""Which texts are flagged as unlike the training data: `unlike_texts.py FILE ...` (CSV, with a column text).

A few texts of one file are known; told are the shares that are flagged of fresh texts of the same file (about
1 % is promised), of the other files, and of letters drawn by chance. "words" is the share of new words;
"minilm", where its weights are installed, the distance of frozen features.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from handful.backbones.texts import default_text_backbone, embed_texts
from handful.data.texts import as_array, clean
from handful.model.new_words import NewWords
from handful.model.unlike import Unlike
from handful.strategies.chain import Stateless
from machine import heading

FRESH = 130


class Frozen(Stateless):
    """Frozen features of the default backbone."""

    def transform(self, X: Any) -> np.ndarray:
        return embed_texts(X)


def chance_letters(random: np.random.Generator, n: int = 50) -> np.ndarray:
    return as_array(["".join(random.choice(list("abcdefghijklmnopqrstuvwxyz     "), 200)) for _ in range(n)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--known", type=int, nargs="+", default=[80, 300])
    options = parser.parse_args()
    print(heading(__file__))
    texts = {f.parent.name: as_array([clean(str(t)) for t in pd.read_csv(f)["text"]]) for f in options.files}
    random = np.random.default_rng(0)
    ways: dict[str, Any] = {"words": NewWords()}
    if default_text_backbone() is not None:
        ways["minilm"] = Unlike(Frozen(), unit_length=True)
    for name, own in texts.items():
        for known in options.known:
            order = random.permutation(len(own))
            fresh = own[order[known : known + FRESH]]
            others = {other: X[:100] for other, X in texts.items() if other != name}
            others["letters"] = chance_letters(random)
            for way, flag in ways.items():
                flag.fit(own[order[:known]], np.arange(known))
                shares = {other: float((flag.distance(X) > 1).mean()) for other, X in others.items()}
                told = ", ".join(f"{other} {share:.2f}" for other, share in shares.items())
                print(
                    f"{name}, {known} known, {way}: fresh {(flag.distance(fresh) > 1).mean():.3f}; {told}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
