"""Words: which heads on counts of words, and what changed copies of texts bring.

    python benchmarks/text_words.py ../shared/data/text/drug_review_condition [--sizes 8,16] [--draws 4]

So many texts of each class are drawn to learn from, up to 500 of the rest are the test; accuracy is balanced
(the mean over the classes), and log-loss tells how well probabilities are meant. What `thorough` offers
without an encoder, and beside it what was left out: a Gaussian kernel and multinomial naive Bayes. These
choices were made on drug_review_condition, which is no fresh judge of them.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from handful.data.dataset import Dataset
from handful.data.load import load
from handful.settings import Settings
from handful.strategies import augmentation, classic, networks
from handful.strategies.candidate import Candidate, scores
from handful.strategies.chain import Chain
from handful.strategies.heads import SVMHead
from handful.strategies.naive_bayes import NaiveBayesHead
from handful.strategies.tfidf import TfIdf, Vocabulary
from machine import heading

TESTED = 500
SETTINGS = Settings(budget="thorough")


def drawn(dataset: Dataset, per_class: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Positions to learn from and to test on."""
    random = np.random.default_rng(seed)
    members = [random.permutation(np.flatnonzero(dataset.y == k)) for k in range(len(dataset.classes))]
    train = np.concatenate([rows[:per_class] for rows in members])
    return train, random.permutation(np.concatenate([rows[per_class:] for rows in members]))[:TESTED]


def tried(dataset: Dataset) -> list[Candidate]:
    """On counts of words: models, the network from scratch, and copies."""
    found = classic.candidates(dataset, SETTINGS)
    found += [
        Candidate("tfidf svm, Gaussian", "", "classic", Chain([TfIdf()], SVMHead())),
        Candidate("words naive bayes, multinomial", "", "classic", Chain([Vocabulary()], NaiveBayesHead())),
    ]
    found += [c for c in networks.candidates(dataset, SETTINGS) if c.name == "bag"]
    return found + [c for c in augmentation.candidates(dataset, SETTINGS) if c.base == "tfidf logistic"]


def measured(
    candidate: Candidate, dataset: Dataset, train: np.ndarray, test: np.ndarray
) -> tuple[float, float, float]:
    """Balanced accuracy in points, log-loss, and CPU seconds of the fit."""
    begun = time.process_time()
    fitted = candidate.fresh(0).fit(dataset.X[train], dataset.y[train])
    seconds = time.process_time() - begun
    p, truth = scores(fitted, dataset.X[test], len(dataset.classes)), dataset.y[test]
    right = p.argmax(axis=1) == truth
    loss = -np.log(np.clip(p[np.arange(len(test)), truth], 1e-6, None)).mean()
    return 100 * float(np.mean([right[truth == k].mean() for k in np.unique(truth)])), float(loss), seconds


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sizes", default="8,16")
    parser.add_argument("--draws", type=int, default=4)
    arguments = parser.parse_args()
    print(heading(__file__), flush=True)
    dataset = replace(load(arguments.folder / "data.csv", Settings(target="label")), groups=None)
    for size in map(int, arguments.sizes.split(",")):
        print(f"{arguments.folder.name}, {size} a class, {arguments.draws} draws; gains ± standard error\n")
        print("| candidate | balanced accuracy | gain over tfidf logistic | log-loss | CPU seconds a fit |")
        print("|---|---|---|---|---|")
        splits = [drawn(dataset, size, seed) for seed in range(arguments.draws)]
        usual = None
        train = splits[0][0]  # what is offered goes with the number of texts that are learned from
        for candidate in tried(replace(dataset, X=dataset.X[train], y=dataset.y[train])):
            with threadpool_limits(1), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                found = np.array([measured(candidate, dataset, *split) for split in splits])
            usual = found if usual is None else usual
            gains = found[:, 0] - usual[:, 0]
            error = gains.std(ddof=1) / np.sqrt(len(gains)) if len(gains) > 1 else float("nan")
            accuracy, loss, seconds = found.mean(axis=0)
            gain = f"{gains.mean():+.1f} ± {error:.1f}" if candidate.name != "tfidf logistic" else ""
            print(f"| {candidate.name} | {accuracy:.1f} | {gain} | {loss:.2f} | {seconds:.2f} |", flush=True)
        print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
