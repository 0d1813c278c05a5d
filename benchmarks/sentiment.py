"""What the sentiment of the words brings to a sentence encoder: texts, few of a class.

    python benchmarks/sentiment.py [--data ../shared/data/text] [--sets rotten_tomatoes,bbc_news]
                                   [--sizes 2,4,8,16,64] [--draws 10] [--first-seed 0] [--pool 1000]

Of each data set up to `--pool` texts are taken; of these so many of each class are drawn to learn from, and
500 of the others are the test. "Without" is the accuracy of logistic regression on the vectors of `minilm`;
beside it, in points more or less with the standard error over draws, the same on the same draws with the
sentiment of the words counting half as much, as much and twice as much as the vector, with it alone, with the
names of the classes, and with both (half as much). How much it counts was chosen on draws of rotten_tomatoes
with seeds from 700 on, before these. No folds and no choosing here: that is benchmarks/text.py. Prints
Markdown.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from class_names import TESTED, gained, options, pooled
from handful.backbones.texts import get_text
from handful.strategies.chain import Chain
from handful.strategies.embedding import BlockScaler, TextEmbedding, Together
from handful.strategies.heads import LogisticHead
from handful.strategies.lexicon import SCORES, Sentiment
from handful.strategies.named import NamedClasses, spoken
from handful.strategies.sentiment import COUNTS
from machine import heading
from text import drawn

BACKBONE = "minilm"
WITHOUT, NAMES = "without", "names"


def ways(names: tuple[str, ...]) -> dict[str, Any]:
    """What is compared, unfitted, by its name in the table."""
    encoder, words = TextEmbedding(BACKBONE), Sentiment()
    widths = [get_text(BACKBONE).dimension, len(SCORES)]
    beside = {c: [Together([encoder, words]), BlockScaler(widths, [1.0, c])] for c in (0.5, 1.0, 2.0)}
    return {
        WITHOUT: Chain([encoder], LogisticHead()),
        **{f"sentiment x {c:g}": Chain(features, LogisticHead()) for c, features in beside.items()},
        "sentiment alone": Chain([words, StandardScaler()], LogisticHead()),
        NAMES: NamedClasses([encoder], LogisticHead(), names),
        "sentiment and names": NamedClasses(beside[COUNTS], LogisticHead(), names),
    }


def measured(folder: Path, size: int, seeds: range, pool: int) -> dict[str, list[float]]:
    """For each way the accuracy of each draw."""
    texts, labels = pooled(folder, pool)
    classes, codes = np.unique(labels, return_inverse=True)
    found: dict[str, list[float]] = {}
    for seed in seeds:
        train, test = drawn(labels, size, seed, TESTED)
        for way, model in ways(tuple(spoken(name) for name in classes)).items():
            said = model.fit(texts[train], codes[train]).predict(texts[test])
            found.setdefault(way, []).append(float((said == codes[test]).mean()))
    return found


def line(name: str, size: int, found: dict[str, list[float]]) -> str:
    gains = [gained(found[way], found[WITHOUT]) for way in found if way != WITHOUT]
    return f"| {name} | {size} | {100 * np.mean(found[WITHOUT]):.1f} | {' | '.join(gains)} |"


def main() -> None:
    chosen, sizes, seeds = options(__doc__)
    print(heading(__file__), flush=True)
    print(f"| data | a class | {' | '.join(ways(()))} |")
    print("|" + "---|" * (len(ways(())) + 2))
    for name in chosen.sets.split(","):
        for size in sizes:
            print(line(name, size, measured(chosen.data / name, size, seeds, chosen.pool)), flush=True)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as cache, threadpool_limits(1):  # not the cache of whoever runs this
        os.environ["HANDFUL_CACHE"] = cache
        main()
