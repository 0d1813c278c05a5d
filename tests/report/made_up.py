"""Made-up runs, as rich as real ones, for the tests of the page."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from sklearn.datasets import load_digits

from handful.report.page import render

GARMENTS = [
    "Ankle boot",
    "Bag",
    "Coat",
    "Dress",
    "Pullover",
    "Sandal",
    "Shirt",
    "Sneaker",
    "T-shirt/top",
    "Trouser",
]
ACCURACY = {
    "name": "accuracy",
    "label": "accuracy",
    "higher_is_better": True,
    "percent": True,
    "words": "the share of predictions that are right",
}


def pictures(n: int, side: int = 64) -> list[np.ndarray]:
    """n real small pictures, `(side, side, 3)` uint8: handwritten digits."""
    images = load_digits().images[:n]
    return [
        np.repeat(np.kron(16 * i[..., None], np.ones((side // 8, side // 8, 1))), 3, 2).astype("uint8")
        for i in images
    ]


def candidate(name: str, family: str, label: str, score: float | None, **more: Any) -> dict[str, Any]:
    """A line of the leaderboard."""
    row = {
        "name": name,
        "family": family,
        "label": label,
        "score": score,
        "low": None if score is None else score - 0.05,
        "high": None if score is None else min(1.0, score + 0.04),
        "train_score": None if score is None else min(1.0, score + 0.1),
        "gap": None if score is None else min(1.0, score + 0.1) - score,
        "trainable_parameters": None,
        "seconds": 3.2,
        "failed": None,
        "members": None,
    }
    return row | more


def growth(names: list[str], n: int, score: float, slope: float, doubt: str | None = None) -> dict[str, Any]:
    """`learning_curve` and `labels_needed`: so much `slope` a doubling, for each of the named candidates."""

    def place(m: float, i: int) -> dict[str, Any]:
        value = score - 0.03 * i + slope * np.log2(m / n)
        return {"n": m, "score": value, "low": value - 0.03, "high": value + 0.03}

    def ahead(m: float, i: int) -> dict[str, Any]:
        gain = abs(slope) * np.log2(m / n)
        return place(round(m), i) | {"gain": gain, "gain_low": gain - 0.02, "gain_high": gain + 0.02}

    curves = [
        {
            "roles": ["chosen"] if i == 0 else ["deep"] if i == 1 else ["traditional"],
            "name": name,
            "label": name,
            "points": [place(round(n * share), i) for share in (0.1, 0.2, 0.4, 0.6, 0.8)],
            "doubt": doubt,
            "forecasts": [] if doubt else [ahead(n * times, i) for times in (1.5, 2, 4)],
            "line": [] if doubt else [place(float(m), i) for m in np.geomspace(0.1 * n, 4 * n, 25)],
        }
        for i, name in enumerate(names)
    ]
    needed = [
        {"target": score + slope, "status": "needed", "more": n, "low": n // 2, "high": None, "reason": None}
    ]
    return {
        "learning_curve": {
            "n": n,
            "band": 0.8,
            "curves": curves,
            "classes": None,
            "classes_reason": "One class alone: cannot be told.",
        },
        "labels_needed": {"targets": needed},
    }


def ledger_line(technique: str, gain: float | None, reach: float = 0.02, **more: Any) -> dict[str, Any]:
    """A line of the ledger."""
    line = {
        "technique": technique,
        "base": "classic/pca-svm",
        "with": "transfer/lite0-2-1",
        "base_label": "Raw pixels (PCA) with support vector machine",
        "with_label": "EfficientNet-Lite0 (block 5) with support vector machine",
        "gain": gain,
        "low": None if gain is None else gain - reach,
        "high": None if gain is None else gain + reach,
        "level": 0.95,
        "worth": "unknown" if gain is None else "better" if gain > reach else "cannot tell",
        "kept": gain is not None,
        "pairs": 4,
        "seconds": 12.0,
        "reason": None,
        "words": f"What {technique} is worth, in words.",
    }
    return line | more


def image_run() -> tuple[dict[str, Any], dict[str, Any]]:
    """Ten classes of pictures, thirty candidates, one of them failed."""
    levels = ["last layer", "block 4", "block 5", "block 6", "all levels"]
    heads = ["logistic regression", "support vector machine", "nearest neighbours", "shrunk LDA"]
    rows = [
        candidate(
            f"transfer/lite0-{i}-{j}",
            "transfer",
            f"EfficientNet-Lite0 ({level}) with {head}",
            0.868 - 0.012 * abs(i - 2) - 0.019 * j,
            trainable_parameters=5770 + 3000 * i if j == 0 else None,
            seconds=2.0 + i + j,
        )
        for i, level in enumerate(levels)
        for j, head in enumerate(heads)
    ]
    rows += [
        candidate(f"classic/{key}", "classic", label, score)
        for key, label, score in [
            ("hog-svm", "Edges and colours (HOG) with support vector machine", 0.792),
            ("hog-logistic", "Edges and colours (HOG) with logistic regression", 0.779),
            ("hog-forest", "Edges and colours (HOG) with random forest", 0.741),
            ("pca-svm", "Raw pixels (PCA) with support vector machine", 0.758),
            ("pca-logistic", "Raw pixels (PCA) with logistic regression", 0.702),
            ("pca-forest", "Raw pixels (PCA) with random forest", 0.688),
        ]
    ]
    members = [
        "transfer/lite0-2-0",
        "transfer/lite0-2-1",
        "transfer/lite0-3-0",
        "transfer/lite0-1-0",
        "classic/hog-svm",
    ]
    rows.append(
        candidate(
            "ensemble/uniform",
            "ensemble",
            "Average of the 5 best models",
            0.881,
            members=members,
            train_score=0.991,
            gap=0.11,
        )
    )
    rows.append(
        candidate(
            "baseline/majority", "baseline", "Always the commonest class", 0.1, train_score=0.1, gap=0.0
        )
    )
    failed = candidate(
        "transfer/lite0-4-4", "transfer", "EfficientNet-Lite0 (all levels) with naive Bayes", None
    )
    rows.append(failed | {"failed": "MemoryError: 4.2 GB wanted"})
    rng = np.random.default_rng(0)
    counts = np.diag([29, 30, 22, 27, 23, 28, 17, 28, 25, 29]) + 0
    for true, said, n in [
        (6, 8, 7),
        (6, 4, 4),
        (2, 4, 5),
        (2, 6, 3),
        (4, 2, 5),
        (4, 6, 2),
        (8, 6, 4),
        (3, 8, 2),
        (7, 5, 1),
        (0, 7, 1),
    ]:
        counts[true, said] = n
    found = counts.diagonal() / counts.sum(1)
    named = counts.diagonal() / counts.sum(0)
    shown = pictures(300)
    mistakes = [
        {
            "id": f"Shirt/img_{i:04d}.png",
            "true": "Shirt",
            "predicted": GARMENTS[i % 9],
            "confidence": 0.99 - 0.03 * i,
            "picture": shown[i],
            "row": None,
        }
        for i in range(12)
    ]
    labels = [GARMENTS[i % 10] for i in range(300)]
    centres = rng.normal(size=(10, 2)) * 5
    xy = centres[np.arange(300) % 10] + rng.normal(size=(300, 2))
    predicted = [GARMENTS[(i * 7) % 10] if i % 9 == 0 else label for i, label in enumerate(labels)]
    summary = {
        "handful": "0.1.0",
        "dataset": {
            "modality": "image",
            "task": "classification",
            "n": 300,
            "classes": GARMENTS,
            "groups": 297,
            "digest": "5b1f0c4e9ad27730",
            "name": "fashion",
            "class_counts": {name: int(n) for name, n in zip(GARMENTS, counts.sum(1), strict=True)},
        },
        "audit": [
            {
                "kind": "duplicates",
                "severity": "warning",
                "message": "3 pairs of pictures are exact copies. Copies were made into groups, so that they "
                "never stand on both sides of a fold.",
                "items": ["Shirt/img_0003.png", "Shirt/img_0090.png", "Bag/b1.png", "Bag/b7.png"],
            },
            {
                "kind": "contradicting labels",
                "severity": "alarm",
                "message": "1 picture is there twice, under two labels: Coat and Pullover. One of the two "
                "is wrong; until it is removed, no model can be right on both.",
                "items": ["Coat/c17.png", "Pullover/p2.png"],
            },
            {
                "kind": "damaged",
                "severity": "note",
                "message": "2 files could not be read and were left out.",
                "items": ["Dress/IMG 0412.jpg", "Dress/notes.txt.png"],
            },
        ],
        "protocol": {
            "folds": 5,
            "repeats": 1,
            "metric": "accuracy",
            "grouped": True,
            "seed": 0,
            "description": "Every candidate was trained five times, each time on four fifths of the "
            "pictures, and examined on the last fifth, which it had not seen. All candidates met the same "
            "parts, and copies of a picture always stayed together.",
        },
        "metric_info": ACCURACY,
        "expected": {
            "metric": "accuracy",
            "value": 0.873,
            "low": 0.834,
            "high": 0.906,
            "level": 0.95,
            "how": "Bootstrap bias-corrected cross-validation (Tsamardinos et al. 2018) with a correction "
            "for the refit on all data.",
        },
        "winner": "ensemble/uniform",
        "chosen": "ensemble/uniform",
        "tie_group": ["ensemble/uniform", "transfer/lite0-2-0", "transfer/lite0-3-0", "transfer/lite0-1-0"],
        "leaderboard": rows,
        "ledger": [
            ledger_line("transfer: frozen features", 0.091, 0.04),
            ledger_line("ensembling", 0.012, seconds=0.0),
            ledger_line("augmentation: flips", -0.03, 0.02, kept=False, worth="worse"),
            ledger_line("fine-tuning", None, reason="the same without it was not tried"),
        ],
        "overfitting": [
            {
                "name": r["name"],
                "train_score": r["train_score"],
                "score": r["score"],
                "gap": r["gap"],
                "words": "Part of what it knows was learned by heart."
                if r["gap"] > 0.05
                else "It learned nothing by heart.",
            }
            for r in rows
            if r["score"] is not None
        ],
        "learning_curve": None,
        "labels_needed": None,
        "controls": None,
        "verdict": None,
        "test": {"metric": "accuracy", "value": 0.86, "n": 100, "inside": True},
        "classes": [
            {"class": name, "n": int(n), "recall": float(r), "precision": float(p)}
            for name, n, r, p in zip(GARMENTS, counts.sum(1), found, named, strict=True)
        ],
        "failures": [
            {"cause": "MemoryError: 4.2 GB wanted", "candidates": ["transfer/lite0-4-4"], "count": 1}
        ],
        "seconds": 74.2,
        "versions": {
            "python": "3.11.9",
            "numpy": "2.4.6",
            "scikit-learn": "1.9.1",
            "torch": "2.13.0",
            "timm": "1.0.31",
            "onnxruntime": "1.32.0",
        },
        "command": "handful fit fashion/ --budget quick --seed 0 --out runs/fashion",
        "notes": ["Pictures were decoded once, at 224 pixels."],
        "reasons": {
            "learning_curve": "Asked for with --budget standard.",
            "controls": "Asked for with --budget standard.",
        },
    }
    extras = {
        "confusion": {"classes": GARMENTS, "counts": counts.tolist()},
        "mistakes": mistakes,
        "scatter": None,
        "map": {
            "xy": xy.tolist(),
            "label": labels,
            "predicted": predicted,
            "id": [f"{c}/img_{i:04d}.png" for i, c in enumerate(labels)],
            "pictures": shown,
        },
        "pictures": {
            "Shirt/img_0003.png": shown[3],
            "Shirt/img_0090.png": shown[3],
            "Bag/b1.png": shown[5],
            "Bag/b7.png": shown[5],
            "Coat/c17.png": shown[8],
            "Pullover/p2.png": shown[8],
        },
        "examples": {name: shown[10 * i : 10 * i + 6] for i, name in enumerate(GARMENTS)},
    }
    names = ["ensemble/uniform", "transfer/lite0-2-0", "classic/hog-svm"]
    summary |= growth(names, 300, 0.868, 0.025)
    return summary, extras


def table_run() -> tuple[dict[str, Any], dict[str, Any]]:
    """A table with two classes and mixed columns; balanced accuracy; no test set, no reasons."""
    rows = [
        candidate(
            "classic/logistic",
            "classic",
            "Logistic regression",
            0.781,
            trainable_parameters=31,
            train_score=0.80,
            gap=0.019,
        ),
        candidate("classic/rbf", "classic", "Support vector machine (RBF)", 0.774),
        candidate("classic/forest", "classic", "Random forest", 0.762, train_score=1.0, gap=0.238),
        candidate("classic/tree", "classic", "Decision tree", 0.688, train_score=1.0, gap=0.312),
        candidate(
            "baseline/majority",
            "baseline",
            "Always the commonest class",
            0.5,
            train_score=0.5,
            gap=0.0,
            low=0.5,
            high=0.5,
        ),
        candidate("mine", "user", "mine", 0.75),
    ]
    row = {
        "age": 61.0,
        "sex": "f",
        "smoker": None,
        "city": "Łódź",
        "bmi": 27.4,
        "diet": "no <b>salt</b>",
        "pulse": 81.0,
        "visits": 3.0,
        "note": "came late; " * 12,
        "ward": "C",
    }
    summary = {
        "handful": "0.1.0",
        "dataset": {
            "modality": "table",
            "task": "classification",
            "n": 142,
            "classes": ["no", "yes"],
            "groups": None,
            "digest": "77aa",
            "name": "readmission.csv",
            "class_counts": {"no": 109, "yes": 33},
        },
        "audit": [],
        "protocol": {"folds": 5, "repeats": 3, "metric": "balanced_accuracy", "grouped": False, "seed": 7},
        "expected": {
            "metric": "balanced_accuracy",
            "value": 0.77,
            "low": 0.69,
            "high": 0.84,
            "level": 0.95,
            "how": None,
        },
        "winner": "classic/rbf",
        "chosen": "classic/logistic",
        "tie_group": ["classic/rbf", "classic/logistic", "classic/forest"],
        "leaderboard": rows,
        "overfitting": [
            {
                "name": r["name"],
                "train_score": r["train_score"],
                "score": r["score"],
                "gap": r["gap"],
                "words": "",
            }
            for r in rows
        ],
        "classes": [
            {"class": "no", "n": 109, "recall": 0.85, "precision": 0.92},
            {"class": "yes", "n": 33, "recall": 0.71, "precision": None},
        ],
        "failures": [],
        "seconds": 11.0,
        "versions": {"python": "3.11.9"},
        "command": "handful fit readmission.csv --target readmitted --prefer cheap",
        "notes": [],
    }
    extras = {
        "confusion": {"classes": ["no", "yes"], "counts": [[92.7, 16.3], [9.7, 23.3]]},
        "mistakes": [
            {
                "id": str(17 + i),
                "true": "yes",
                "predicted": "no",
                "confidence": 0.94 - i / 50,
                "picture": None,
                "row": row,
            }
            for i in range(5)
        ],
        "scatter": None,
        "map": None,
    }
    summary |= growth(["classic/logistic"], 142, 0.77, -0.01, doubt="the curve falls")
    return summary, extras


def regression_run() -> tuple[dict[str, Any], dict[str, Any]]:
    """A measured value; a hopeless candidate far below the others; an interval for every prediction."""
    rng = np.random.default_rng(1)
    true = rng.gamma(6, 25, 200)
    predicted = 0.55 * true + 0.45 * true.mean() + rng.normal(size=200) * 25
    rows = [
        candidate("classic/ridge", "classic", "Ridge regression", 0.481, train_score=0.52, gap=0.039),
        candidate("classic/svr", "classic", "Support vector regression", 0.493, train_score=0.58, gap=0.087),
        candidate("classic/forest", "classic", "Random forest", 0.44, train_score=0.92, gap=0.48),
        candidate(
            "classic/tree", "classic", "Decision tree", -0.21, low=-0.5, high=0.05, train_score=1.0, gap=1.21
        ),
        candidate(
            "classic/poly",
            "classic",
            "Polynomial regression",
            -58.2,
            low=-120.0,
            high=-3.0,
            train_score=1.0,
            gap=59.2,
        ),
        candidate(
            "baseline/mean",
            "baseline",
            "Always the mean",
            -0.01,
            low=-0.03,
            high=0.0,
            train_score=0.0,
            gap=0.01,
        ),
    ]
    summary = {
        "handful": "0.1.0",
        "dataset": {
            "modality": "table",
            "task": "regression",
            "n": 200,
            "classes": None,
            "groups": None,
            "digest": "d1",
            "name": "diabetes",
        },
        "audit": [
            {
                "kind": "constant column",
                "severity": "note",
                "message": "The column 'site' has one value only and was left out.",
                "items": ["site"],
            }
        ],
        "protocol": {"folds": 5, "repeats": 1, "metric": "r2", "grouped": False, "seed": 0},
        "expected": {"metric": "r2", "value": 0.487, "low": 0.38, "high": 0.57, "level": 0.95},
        "winner": "classic/svr",
        "chosen": "classic/svr",
        "tie_group": None,
        "leaderboard": rows,
        "overfitting": [
            {
                "name": r["name"],
                "train_score": r["train_score"],
                "score": r["score"],
                "gap": r["gap"],
                "words": None,
            }
            for r in rows
        ],
        "test": {"metric": "r2", "value": 0.31, "n": 60, "inside": False},
        "classes": None,
        "failures": [],
        "seconds": 4.1,
        "versions": {},
        "command": "handful fit diabetes.csv --target progression",
        "notes": [],
        "reasons": {"tie_group": "One repeat is too little to say which candidates are level."},
    }
    order = np.argsort(-np.abs(true - predicted))[:6]
    extras = {
        "confusion": None,
        "mistakes": [
            {
                "id": str(i),
                "true": float(true[i]),
                "predicted": float(predicted[i]),
                "confidence": None,
                "picture": None,
                "row": {"age": 40.0 + i, "bmi": 31.2},
            }
            for i in map(int, order)
        ],
        "scatter": {
            "true": true.tolist(),
            "predicted": predicted.tolist(),
            "low": (predicted - 62).tolist(),
            "high": (predicted + 70).tolist(),
        },
        "map": None,
    }
    summary |= growth(["classic/svr", "classic/ridge"], 200, 0.487, 0.02)
    return summary, extras


def failed_run() -> tuple[dict[str, Any], dict[str, Any]]:
    """Nearly everything failed; only the baseline has a score, and nothing can be promised."""
    summary, _ = table_run()
    cause = "ValueError: Input X contains infinity or a value too large for dtype('float64')."
    rows = [
        candidate(f"classic/c{i}", "classic", f"Candidate number {i}", None) | {"failed": cause}
        for i in range(9)
    ]
    rows.append(
        candidate(
            "baseline/majority",
            "baseline",
            "Always the commonest class",
            0.5,
            low=float("nan"),
            high=float("nan"),
        )
    )
    summary |= {
        "leaderboard": rows,
        "expected": None,
        "winner": None,
        "chosen": None,
        "tie_group": None,
        "overfitting": None,
        "classes": None,
        "failures": [{"cause": cause, "candidates": [f"classic/c{i}" for i in range(9)], "count": 9}],
        "reasons": {
            "expected": "Every candidate that learns something failed; the table holds infinite values."
        },
    }
    return summary, {"confusion": None, "mistakes": None}


def hostile_run() -> tuple[dict[str, Any], dict[str, Any]]:
    """Names with markup, quotes, emoji, control characters, broken file names and great length."""
    evil = [
        "<script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        "it's 🐸 & co",
        "a" * 120,
        "caf\udce9 \x1b[31mred\u202e",
    ]
    summary, extras = image_run()
    summary["dataset"] |= {
        "name": evil[0],
        "classes": evil,
        "class_counts": {c: 10 + i for i, c in enumerate(evil)},
        "n": 60,
    }
    summary["leaderboard"][0] |= {"label": evil[1] + "b" * 90, "family": evil[0]}
    summary |= {
        "winner": summary["leaderboard"][0]["name"],
        "chosen": summary["leaderboard"][0]["name"],
        "audit": [
            {
                "kind": evil[0],
                "severity": evil[1],
                "message": evil[1],
                "items": evil + [f"{'very-' * 20}long-{i}.png" for i in range(300)],
            }
        ],
        "command": f"handful fit '{evil[1]}' --out {'x/' * 90}",
        "notes": evil,
        "versions": {evil[0]: evil[1]},
        "failures": [{"cause": evil[0] + "c" * 300, "candidates": ["transfer/lite0-4-4"], "count": 1}],
        "classes": [{"class": c, "n": 12, "recall": 0.5, "precision": float("nan")} for c in evil],
    }
    extras |= {
        "confusion": {"classes": evil, "counts": (np.eye(5, dtype=int) * 8 + 1).tolist()},
        "mistakes": [
            {
                "id": e,
                "true": e,
                "predicted": evil[0],
                "confidence": float("nan"),
                "picture": None,
                "row": {e: e, "x": float("inf")},
            }
            for e in evil
        ],
        "examples": {e: pictures(2) for e in evil},
        "pictures": {evil[1]: pictures(1)[0]},
    }
    extras["map"] |= {
        "label": [evil[i % 5] for i in range(300)],
        "predicted": [evil[i % 5] for i in range(300)],
        "id": [evil[1]] * 300,
    }
    summary |= growth([summary["chosen"]], 60, 0.8, 0.03)
    return summary, extras


def many_classes_run() -> tuple[dict[str, Any], dict[str, Any]]:
    """Sixty classes."""
    summary, extras = image_run()
    classes = [f"Species number {i:02d}" for i in range(60)]
    counts = np.eye(60, dtype=int) * 5
    counts[3, 4] = counts[7, 8] = 3
    summary["dataset"] |= {"classes": classes, "class_counts": dict.fromkeys(classes, 5), "n": 306}
    summary["classes"] = [
        {"class": c, "n": 5, "recall": 0.6 if i in (3, 7) else 1.0, "precision": 0.9}
        for i, c in enumerate(classes)
    ]
    labels = [classes[i % 60] for i in range(300)]
    extras |= {"confusion": {"classes": classes, "counts": counts.tolist()}, "examples": {}, "mistakes": []}
    extras["map"] |= {"label": labels, "predicted": labels, "pictures": None}
    return summary, extras


def codes_run() -> tuple[dict[str, Any], dict[str, Any]]:
    """Digits on which an autoencoder and generators were tried."""
    from tests.report import standins  # they look inside of candidates, which takes a second or two

    summary, extras = image_run()
    found = standins.inside_pictures()
    summary["dataset"] |= {"classes": [str(c) for c in standins.digits().classes]}
    summary["ledger"] += [
        ledger_line("autoencoder features", -0.021),
        ledger_line("generated examples: VAE", 0.011, kept=False),
        ledger_line("generated examples: Gaussian", None, reason="it was not tried"),
    ]
    summary |= found.facts()
    inside = {"networks": found.networks, "generators": found.generators}
    return summary, extras | {"inside": inside, "map": None}


RUNS = {
    "images": image_run,
    "table": table_run,
    "regression": regression_run,
    "failed": failed_run,
    "hostile": hostile_run,
    "sixty": many_classes_run,
    "codes": codes_run,
}


@cache
def page(run: Callable[[], tuple[dict[str, Any], dict[str, Any]]]) -> str:
    """The page of one of these runs as it is, made once: its pictures take a second."""
    return render(*run())
