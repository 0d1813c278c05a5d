"""Texts at 8, 16 and 64 a class: counts of words, frozen vectors, contrastive fine-tuning, the chosen model.

    python benchmarks/text.py [--data ../shared/data/text] [--sets rotten_tomatoes,bbc_news]
                              [--sizes 8,16,64] [--seeds 3] [--tested 1000] [--budget quick | --alone]
                              [--store FILE]

So many texts of each class are drawn to learn from (at most half of a class), up to `--tested` of the rest
are the test. "TF-IDF" and "frozen" are the candidates of the families `classic` and `transfer` that are best
on the folds of the run itself, fitted on all that was drawn; "contrastive" is the one that `standard` offers,
whether `--budget` tries it or not; "chosen" is the model of `handful fit` with this budget, which knows
nothing of the test. Told is what its report expects, with the interval, which holds where the accuracy
of the test lies inside, its own sampling error allowed for. CPU seconds are of a fit and the
predictions, for "chosen" of the whole run, in one process. The recipe of the contrastive candidate was chosen
on drug_review_condition and on draws of rotten_tomatoes with seeds from 500 on, so drug_review_condition is
no fresh judge of it.

With `--alone` there is no run, which takes minutes on long texts: TF-IDF with logistic regression, and of the
contrastive candidate the head on the vectors before training (its base), the one on those after it, and their
average, which is what it predicts.

Promised: the chosen model within 1 point of the best of the three on average, and at 8 a class 0.59 on
rotten_tomatoes and 0.94 on bbc_news. Each draw is stored when it is done: a stopped script goes on where it
was. Exit status 1 where a promise is not kept.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

import handful
from coverage import covers
from handful.data.dataset import Dataset
from handful.data.load import load
from handful.data.texts import as_array, clean
from handful.evidence.predictions import Predictions
from handful.protocol.run import Run
from handful.settings import Settings
from handful.strategies import propose
from handful.strategies.candidate import Candidate
from handful.strategies.contrastive import candidates
from machine import heading

SETS = ("rotten_tomatoes", "bbc_news", "drug_review_condition")
SIZES = (8, 16, 64)
MOST_TESTED = 1000
NEAR = 1.0  # points below the best of the three
PROMISED = {("rotten_tomatoes", 8): 0.59, ("bbc_news", 8): 0.94}
THREE = {"TF-IDF": "classic", "frozen": "transfer", "contrastive": "finetune"}


def opened(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Cleaned texts and labels of `data.csv`; each text once, so that none is in both parts of a draw."""
    table = pd.read_csv(folder / "data.csv").dropna()
    table["text"] = [clean(str(text)) for text in table["text"]]
    table = table[table["text"] != ""].drop_duplicates("text")
    return as_array(table["text"].tolist()), table["label"].astype(str).to_numpy()


def drawn(
    labels: np.ndarray, per_class: int, seed: int, tested: int = MOST_TESTED
) -> tuple[np.ndarray, np.ndarray]:
    """Positions to learn from and to test on."""
    random = np.random.default_rng(seed)
    train = []
    for label in np.unique(labels):
        members = random.permutation(np.flatnonzero(labels == label))
        train.append(members[: min(per_class, len(members) // 2)])
    rest = random.permutation(np.setdiff1d(np.arange(len(labels)), np.concatenate(train)))
    return random.permutation(np.concatenate(train)), rest[:tested]


def measured(
    texts: np.ndarray, labels: np.ndarray, train: np.ndarray, test: np.ndarray, budget: str, seed: int
) -> dict[str, Any]:
    """Of one draw the accuracy of each of `THREE` and of the chosen model, CPU seconds, and what was told."""
    start = time.process_time()
    with tempfile.TemporaryDirectory() as folder, threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        run = handful.fit(
            (texts[train].tolist(), labels[train]),
            modality="text",
            metric="accuracy",
            budget=budget,
            seed=seed,
            jobs=1,
            out=Path(folder) / "run",
        )
        right = float((np.asarray(run.model.predict(texts[test].tolist())) == labels[test]).mean())
        cpu, told = time.process_time() - start, run.summary
        row = next(r for r in told["leaderboard"] if r["name"] == told["chosen"])
        found: dict[str, Any] = {
            "n": len(train),
            "tested": len(test),
            "told": told["expected"],
            "chosen": {"name": row["name"], "members": row["members"], "accuracy": right, "cpu": cpu},
        }
        inside, predictions = Run.open(run.folder), run.predictions()
        for who, family in THREE.items():
            candidate = _best(inside, predictions, family)
            if who == "contrastive":
                candidate = candidates(inside.dataset, Settings(budget="standard"))[0]
            if candidate is not None:
                found[who] = alone(candidate, inside.dataset, texts[test], labels[test], seed)
        return found


def _best(run: Run, predictions: Predictions, family: str) -> Candidate | None:
    """Of a family the candidate with the best score on the folds."""
    sound = {row.name: float(predictions.score(row)[0]) for row in predictions.sound if row.family == family}
    if not sound:
        return None
    name = max(sound, key=lambda name: sound[name])
    return next(c for c in run.candidates if c.name == name)


def alone(
    candidate: Candidate, dataset: Dataset, texts: np.ndarray, labels: np.ndarray, seed: int
) -> dict[str, Any]:
    """A candidate fitted on all of the data set, and how often it is right on other texts."""
    assert dataset.classes is not None
    start = time.process_time()
    fitted = candidate.fresh(seed).fit(dataset.X, dataset.y)
    right = dataset.classes[np.asarray(fitted.predict(texts), dtype=int)] == labels
    return {
        "name": candidate.name,
        "accuracy": float(right.mean()),
        "cpu": time.process_time() - start,
    }


def taken_apart(
    texts: np.ndarray, labels: np.ndarray, train: np.ndarray, test: np.ndarray, seed: int
) -> dict[str, Any]:
    """Of one draw, without a run: how TF-IDF does, and the two heads of the contrastive candidate."""
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset = load((texts[train].tolist(), labels[train]), Settings(modality="text"))
        assert dataset.classes is not None
        family = Settings(families=("classic",))
        words = next(c for c in propose(dataset, family) if c.name == "tfidf logistic")
        found: dict[str, Any] = {"n": len(train), "tested": len(test)}
        found["TF-IDF"] = alone(words, dataset, texts[test], labels[test], seed)
        start = time.process_time()
        fitted = candidates(dataset, Settings(budget="standard"))[0].fresh(seed).fit(dataset.X, dataset.y)
        cpu = time.process_time() - start
        before, after = fitted.each_proba(texts[test])
        for who, p in (("before", before), ("after", after), ("average", (before + after) / 2)):
            right = float((dataset.classes[p.argmax(axis=1)] == labels[test]).mean())
            chances = p[np.arange(len(test)), np.searchsorted(dataset.classes, labels[test])]
            loss = float(-np.log(np.clip(chances, 1e-12, None)).mean())
            found[who] = {"accuracy": right, "log_loss": loss, "cpu": cpu}
    return found


def tell_apart(found: dict[tuple[str, int], list[dict[str, Any]]]) -> None:
    """The table of `--alone`."""
    heads = ("before", "after", "average")
    print(
        f"| data | a class | n | draws | TF-IDF | {' | '.join(heads)} | average over before, points ", end=""
    )
    print(f"| log-loss {' | log-loss '.join(heads)} | CPU s a fit |\n|" + "---|" * 13)
    for (name, size), draws in found.items():
        means = [f"{_mean(draws, who, 'accuracy'):.3f}" for who in ("TF-IDF", *heads)]
        losses = [f"{_mean(draws, who, 'log_loss'):.2f}" for who in heads]
        print(
            f"| {name} | {size} | {draws[0]['n']} | {len(draws)} | {' | '.join(means)} "
            f"| {_gain(draws, 'average', 'before')} | {' | '.join(losses)} "
            f"| {_mean(draws, 'average', 'cpu'):.1f} |"
        )


def tell(found: dict[tuple[str, int], list[dict[str, Any]]]) -> list[str]:
    """The tables; the promises that are not kept."""
    names = [*THREE, "chosen"]
    print(f"| data | a class | n | draws | {' | '.join(names)} | told (mean, mean interval) | told holds |")
    print("|" + "---|" * (len(names) + 6))
    below, missed = [], []
    for (name, size), draws in found.items():
        means = {who: _mean(draws, who, "accuracy") for who in names}
        best = np.nanmax([means[who] for who in THREE])
        below.append(100 * (best - means["chosen"]))
        marks = ["**" if who in THREE and means[who] == best else "" for who in names]
        cells = [f"{m}{_shown(means[who], '.3f')}{m}" for who, m in zip(names, marks, strict=True)]
        told = [np.mean([d["told"][k] for d in draws]) for k in ("value", "low", "high")]
        holds = sum(
            covers([d["told"][k] for k in ("value", "low", "high")], d["chosen"]["accuracy"], d["tested"])
            for d in draws
        )
        print(
            f"| {name} | {size} | {draws[0]['n']} | {len(draws)} | {' | '.join(cells)} "
            f"| {told[0]:.3f} ({told[1]:.3f}–{told[2]:.3f}) | {holds} of {len(draws)} |"
        )
        least = PROMISED.get((name, size))
        if least is not None and means["chosen"] < least:
            missed.append(f"{name} at {size} a class: {means['chosen']:.3f} delivered, {least:g} promised")
    print(f"\n| data | a class | contrastive over frozen, points | CPU s: {' | CPU s: '.join(names)} |")
    print("|" + "---|" * (len(names) + 3))
    for (name, size), draws in found.items():
        seconds = [_shown(_mean(draws, who, "cpu"), ".1f") for who in names]
        print(f"| {name} | {size} | {_gain(draws)} | {' | '.join(seconds)} |")
    print("\n| data | a class | the chosen one in each draw |\n|---|---|---|")
    for (name, size), draws in found.items():
        chosen = [" + ".join(d["chosen"]["members"] or [d["chosen"]["name"]]) for d in draws]
        print(f"| {name} | {size} | {'; '.join(chosen)} |")
    if below:
        mean = float(np.mean(below))
        side = "below" if mean > 0 else "above"
        print(f"\nThe chosen model is {abs(mean):.1f} points {side} the best of the three on average.")
        missed += [f"{mean:.1f} points below the best of the three"] if mean > NEAR else []
    print("\n".join(f"Missed: {line}." for line in missed))
    return missed


def _mean(draws: list[dict[str, Any]], who: str, what: str) -> float:
    values = [d[who][what] for d in draws if who in d]
    return float(np.mean(values)) if values else float("nan")


def _shown(value: float, form: str) -> str:
    return "" if np.isnan(value) else format(value, form)


def _gain(draws: list[dict[str, Any]], who: str = "contrastive", over: str = "frozen") -> str:
    """Mean paired difference of two, in points, and its standard error over draws."""
    pairs = [(d[who], d[over]) for d in draws if who in d and over in d]
    if not pairs:
        return ""
    apart = np.array([100 * (a["accuracy"] - b["accuracy"]) for a, b in pairs])
    if len(apart) == 1:
        return f"{apart[0]:+.1f}"
    return f"{apart.mean():+.1f} ± {apart.std(ddof=1) / np.sqrt(len(apart)):.1f}"


def remembered(store: Path | None, key: str, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """A line of the store; made, and added to it, the first time."""
    lines = store.read_text().splitlines() if store is not None and store.exists() else []
    stored = {line["key"]: line["draw"] for line in map(json.loads, lines)}
    if key not in stored:
        stored[key] = make()
        if store is not None:
            with store.open("a") as file:
                file.write(json.dumps({"key": key, "draw": stored[key]}) + "\n")
    return stored[key]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/text"))
    parser.add_argument("--sets", default=",".join(SETS))
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--tested", type=int, default=MOST_TESTED)
    parser.add_argument("--budget", default="quick")
    parser.add_argument("--alone", action="store_true", help="fits of their own, and no run")
    parser.add_argument("--store", type=Path)
    arguments = parser.parse_args()
    found: dict[tuple[str, int], list[dict[str, Any]]] = {}
    whole = {name: opened(arguments.data / name) for name in arguments.sets.split(",")}
    what = "alone" if arguments.alone else arguments.budget
    for seed in range(arguments.seeds):
        for size in map(int, arguments.sizes.split(",")):
            for name, (texts, labels) in whole.items():
                train, test = drawn(labels, size, seed, arguments.tested)

                def make(parts: Any = (texts, labels, train, test), seed: int = seed) -> dict[str, Any]:
                    return taken_apart(*parts, seed) if arguments.alone else measured(*parts, what, seed)

                key = f"{name} {size} {seed} {arguments.tested} {what}"
                found.setdefault((name, size), []).append(remembered(arguments.store, key, make))
                print(key, file=sys.stderr, flush=True)
    if arguments.alone:
        print(heading(__file__))
        tell_apart(found)
        return 0
    print(heading(__file__))
    return 1 if tell(found) else 0


if __name__ == "__main__":
    sys.exit(main())
