"""What the cells left behind, as arrays: everything that a person is told is a function of this."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from handful.data.dataset import Dataset
from handful.protocol.run import Cell, FoldResult, Run, Stop
from handful.protocol.splits import Split, labels_of, units
from handful.scoring import Metric
from handful.strategies.candidate import Candidate


@dataclass
class Row:
    """One candidate, or something derived from candidates, on all splits.

    `oof` `(R, n, K)` (regression `(R, n)`) holds the out-of-fold scores of each repeat, NaN where a sample
    was not held out. `train` has the scores on each split's training part. `members` names what a derived
    row is made of when it serves; None for a plain candidate. `failed` is the reason why there are no scores.
    `technique` is what it adds to the row named `base`, or what that one has and it `lacks`. `history` has,
    for each split, what a network wrote down of each epoch of its training. A candidate that was `stopped`
    early ("behind" or "time") after `splits_done` splits has no `oof`, but `partial`: the same, NaN for all
    that it was not asked.
    """

    name: str
    label: str
    family: str
    cost: int
    deep: bool = False
    oof: np.ndarray | None = None
    train: list[np.ndarray] = field(default_factory=list)
    seconds: float = 0.0
    parameters: int | None = None
    members: list[str] | None = None
    failed: str | None = None
    base: str | None = None
    technique: str | None = None
    lacks: bool = False
    history: list[list[dict[str, float]]] = field(default_factory=list)
    told: list[dict[str, float]] = field(default_factory=list)
    stopped: str | None = None
    splits_done: int | None = None
    partial: np.ndarray | None = None


@dataclass
class Predictions:
    """The rows of a run, on the same splits, with the truth; `copies` `(n,)` are made from other samples."""

    y: np.ndarray
    unit: np.ndarray
    metric: Metric
    splits: list[Split]
    rows: list[Row]
    causes: list[dict]
    copies: np.ndarray | None = None

    @property
    def sound(self) -> list[Row]:
        """The rows that have scores on every split, in the order in which ties are broken."""
        return sorted((r for r in self.rows if r.oof is not None), key=lambda r: (r.cost, r.name))

    def row(self, name: str) -> Row:
        return next(r for r in self.rows if r.name == name)

    def baseline(self) -> Row:
        return next(r for r in self.rows if r.family == "baseline")

    @property
    def covered(self) -> np.ndarray:
        """Positions of the samples that were held out at least once."""
        return np.unique(np.concatenate([s.test for s in self.splits]))

    @property
    def examples(self) -> int:
        """How many there are to learn from in the end, held out or not; copies of them are not counted."""
        return len(self.y) if self.copies is None else int((~self.copies).sum())

    @property
    def learned_from(self) -> float:
        """How many examples a training part of the first repeat has; copies of them are not counted."""
        copied = np.zeros(len(self.y), dtype=bool) if self.copies is None else self.copies
        return float(np.mean([(~copied[s.train]).sum() for s in self.splits if s.repeat == 0]))

    def up_to(self, repeats: int) -> Predictions:
        """What was known after the first `repeats`: who was stopped at their end, or later, has scores."""
        splits = [s for s in self.splits if s.repeat < repeats]
        held = self.covered

        def scored(row: Row) -> Row:
            oof = row.partial if row.oof is None else row.oof
            if oof is None or whole_repeats(oof, held) < repeats:
                return row
            return replace(row, oof=oof[:repeats], train=row.train[: len(splits)], stopped=None)

        return replace(self, splits=splits, rows=[scored(row) for row in self.rows])

    def score(self, row: Row, weights: np.ndarray | None = None) -> np.ndarray:
        """The metric on the pooled out-of-fold scores of a repeat, averaged over repeats: `(B,)`.

        weights `(B, n)` over samples; None for the plain score. NaN for a row without scores.
        """
        if row.oof is None:
            return np.full(1 if weights is None else len(weights), np.nan)
        return np.mean(self.each_repeat(row, weights), axis=0)

    def each_repeat(self, row: Row, weights: np.ndarray | None = None) -> np.ndarray:
        """The metric on the pooled out-of-fold scores of each repeat, `(R, B)`, of a row that has scores."""
        weights = np.ones((1, len(self.y))) if weights is None else weights
        assert row.oof is not None
        per_repeat = []
        for oof in row.oof:
            held = np.flatnonzero(np.isfinite(oof.reshape(len(oof), -1)[:, 0]))
            if not len(held):  # a repeat that a candidate stopped early has not seen
                continue
            some = weights if len(held) == len(oof) else weights[:, held]
            per_repeat.append(self.metric(self.y[held], oof[held], some))
        return np.array(per_repeat)

    def train_score(self, row: Row) -> float | None:
        """The metric on what was trained on, averaged over splits."""
        if row.oof is None:
            return None
        values = [self.metric.value(self.y[s.train], t) for s, t in zip(self.splits, row.train, strict=True)]
        return float(np.mean(values))


def collect(run: Run) -> Predictions:
    """Every result of the comparison; a candidate with a failed or missing cell has no scores."""
    return gather(run, run.cells())


def collect_follow_up(run: Run, purpose: str) -> Predictions | None:
    """The results of one follow-up question, such as "curve75"; None where it was not asked."""
    cells = [c for c in run.follow_up_cells() or [] if c.split.purpose == purpose]
    return gather(run, cells) if cells else None


def collect_curve(run: Run) -> list[Predictions]:
    """What is known of smaller training parts, a `Predictions` a size, smallest first."""
    sizes: dict[str, list[Cell]] = {}
    for cell in run.follow_up_cells() or []:
        if cell.split.purpose.startswith("curve"):
            sizes.setdefault(cell.split.purpose, []).append(cell)
    return [gather(run, cells) for cells in sizes.values()]


def gather(run: Run, cells: Sequence[Cell]) -> Predictions:
    """The stored results of cells that pair every candidate with the same splits."""
    found = [(cell, run.read(cell)) for cell in cells]
    return tabulate(run.dataset, run.metric, found, run.stopped)


def tabulate(
    dataset: Dataset,
    metric: Metric,
    found: Sequence[tuple[Cell, FoldResult | None]],
    stopped: Mapping[str, Stop] | None = None,
) -> Predictions:
    """Cells and their results, None where one has not run, as rows of candidates.

    `stopped` says, by name, which candidates were stopped early on purpose. The truth is that of the first
    split: cells with permuted labels belong to one repeat.
    """
    results: dict[str, list[FoldResult | None]] = {}
    for cell, result in found:
        results.setdefault(cell.candidate.name, []).append(result)
    candidates = {cell.candidate.name: cell.candidate for cell, _ in found}
    splits = list({cell.split.name: cell.split for cell, _ in found}.values())
    stops = stopped or {}
    rows = [
        _row(candidate, results[name], splits, len(dataset), stops.get(name))
        for name, candidate in candidates.items()
    ]
    y = labels_of(dataset, splits[0])
    return Predictions(y, units(dataset), metric, splits, rows, _causes(results), dataset.copies)


def _row(
    candidate: Candidate, results: list[FoldResult | None], splits: list[Split], n: int, stop: Stop | None
) -> Row:
    row = Row(
        candidate.name,
        candidate.label,
        candidate.family,
        candidate.cost,
        candidate.deep,
        base=candidate.base,
        technique=candidate.technique,
        lacks=candidate.lacks,
    )
    done = [r for r in results if r is not None]
    errors = [r.error for r in done if r.error]
    row.seconds = sum(r.seconds for r in done)
    if errors:
        row.failed = (
            f"{len(errors)} of {len(results)} fits failed: {errors[0]['type']}: {_first_line(errors[0])}"
        )
        return row
    if stop is not None and stop.splits < len(results):
        return _stopped(row, stop, results[: stop.splits], splits, n)
    if len(done) < len(results):
        row.failed = f"stopped after {len(done)} of {len(results)} fits"
        return row
    tests = [r.test for r in done if r.test is not None]
    row.oof = place(tests, splits, n)
    if candidate.family == "baseline" and row.oof.ndim == 3:
        row.oof = one_guess(row.oof)
    row.train = [r.train for r in done if r.train is not None]
    row.history = [r.history for r in done if r.history is not None]
    row.told = [r.told for r in done if r.told is not None]
    known = [r.parameters for r in done if r.parameters is not None]
    row.parameters = int(np.mean(known)) if known else None
    return row


def _stopped(row: Row, stop: Stop, results: list[FoldResult | None], splits: list[Split], n: int) -> Row:
    """A row that cannot be chosen, with what is known of it."""
    known = [
        (r.test, s) for r, s in zip(results, splits, strict=False) if r is not None and r.test is not None
    ]
    row.stopped, row.splits_done = stop.why, len(known)
    if known:
        row.partial = place([test for test, _ in known], [split for _, split in known], n)
    return row


def whole_repeats(oof: np.ndarray, held: np.ndarray) -> int:
    """In how many repeats, from the first on, all samples `held` have scores."""
    missing = np.isnan(oof[:, held]).reshape(len(oof), -1).any(axis=1)
    return int(missing.argmax()) if missing.any() else len(oof)


def place(tests: list[np.ndarray], splits: list[Split], n: int) -> np.ndarray:
    """Scores of test parts put where the samples stand: `(R, n, …)`, NaN elsewhere."""
    repeats = 1 + max(s.repeat for s in splits)
    out = np.full((repeats, n, *tests[0].shape[1:]), np.nan)
    for split, scores in zip(splits, tests, strict=True):
        out[split.repeat, split.test] = scores
    return out


def one_guess(oof: np.ndarray) -> np.ndarray:
    """The mean of the folds' guesses `(R, n, K)` in the place of each, repeat by repeat.

    A class that is common in a fold is rare in what is left to learn from, so the guesses of folds name it
    where it is not: pooled, they are right 17 times of 100 with five classes of 12 examples, and rank two
    classes backwards. On new data one guess is made for all.
    """
    return np.where(np.isnan(oof), np.nan, np.nanmean(oof, axis=1, keepdims=True))


def _first_line(error: dict[str, str]) -> str:
    lines = error["message"].strip().splitlines()
    return lines[0][:200] if lines else "no message"


def _causes(results: dict[str, list[FoldResult | None]]) -> list[dict]:
    """Failed fits grouped by what went wrong: `cause`, `candidates`, `count`."""
    counts: Counter[str] = Counter()
    names: dict[str, list[str]] = {}
    for name, cells in results.items():
        for result in cells:
            if result is not None and result.error:
                cause = f"{result.error['type']}: {_first_line(result.error)}"
                counts[cause] += 1
                names.setdefault(cause, [])
                if name not in names[cause]:
                    names[cause].append(name)
    return [{"cause": c, "candidates": names[c], "count": k} for c, k in counts.most_common()]
