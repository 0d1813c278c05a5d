"""What the page shows beside report.json: confusion, mistakes, pictures, a map."""

from __future__ import annotations

from typing import Any

import numpy as np

from handful.data.columns import PICTURE, columns_of
from handful.data.texts import as_array
from handful.data.texts import words as words_of
from handful.evidence.calibration import calibrate, warmed
from handful.evidence.conformal import reach_of
from handful.evidence.ensemble import select
from handful.evidence.predictions import Predictions, Row
from handful.nets.augment import examples
from handful.protocol.run import Run
from handful.report.content import value_text
from handful.report.inside import Inside
from handful.report.labels import PICTURED
from handful.report.learned import generated_pictures
from handful.report.speaking import speaking
from handful.report.summary import first_predictions
from handful.strategies.candidate import Candidate
from handful.strategies.tfidf import TfIdf

MOST_MISTAKES = 12
MOST_PICTURES = 48
MOST_ON_MAP = 1500
COPIES = 2  # of a text that are shown
FEWEST_WORDS = 12  # of a text whose copies are shown
ON_MAP = 50  # dimensions of counted words that are laid out
SHELVES, ON_A_SHELF = 6, 4  # of pictures with a measured value, from small to large


def gather(
    run: Run, predictions: Predictions, summary: dict[str, Any], inside: Inside | None = None
) -> dict[str, Any]:
    """The pictures and matrices of the page; a part that does not apply is None."""
    chosen = select(predictions)
    image = run.dataset.modality == "image"
    inside = inside or Inside()
    return {
        "confusion": _confusion(run, chosen),
        "mistakes": _mistakes(run, predictions, chosen),
        "labels": _suspicious(run, summary),
        "scatter": _scatter(run, predictions, chosen),
        "map": _map(run, predictions, chosen) if run.dataset.modality in ("image", "text") else None,
        "pictures": _audit_pictures(run) if image else {},
        "examples": _examples(run) if image else None,
        "words": speaking(run.dataset),
        "ledger_texts": _altered(run) if run.dataset.modality == "text" else {},
        "ledger_pictures": _augmented(run) | generated_pictures(inside.generators) if image else {},
        "inside": {"networks": inside.networks, "generators": inside.generators},
    }


def _confusion(run: Run, row: Row) -> dict[str, Any] | None:
    classes = run.dataset.classes
    if classes is None:
        return None
    held, scores = first_predictions(run, row)
    counts = np.zeros((len(classes), len(classes)), dtype=int)
    np.add.at(counts, (run.dataset.y[held], scores.argmax(axis=1)), 1)
    return {"classes": [str(c) for c in classes], "counts": counts.tolist()}


def _mistakes(run: Run, predictions: Predictions, row: Row) -> list[dict[str, Any]]:
    """The surest wrong predictions, or the largest errors."""
    dataset = run.dataset
    held, scores = first_predictions(run, row)
    if dataset.classes is None:
        error = np.abs(scores - dataset.y[held])
        order = np.argsort(-error, kind="stable")[:MOST_MISTAKES]
        return [_mistake(run, held[i], float(dataset.y[held[i]]), float(scores[i]), None) for i in order]
    predicted, calibration = scores.argmax(axis=1), calibrate(predictions, row)
    p = warmed(scores, 1.0) if calibration is None else calibration.probabilities(scores)
    sure = p[np.arange(len(p)), predicted]
    wrong = np.flatnonzero(predicted != dataset.y[held])
    order = wrong[np.argsort(-sure[wrong], kind="stable")][:MOST_MISTAKES]
    names = [str(c) for c in dataset.classes]
    return [
        _mistake(run, held[i], names[dataset.y[held[i]]], names[predicted[i]], float(sure[i])) for i in order
    ]


def _mistake(run: Run, i: int, true: Any, predicted: Any, confidence: float | None) -> dict[str, Any]:
    return _example(run, i) | {"true": true, "predicted": predicted, "confidence": confidence}


def _example(run: Run, i: int) -> dict[str, Any]:
    """The content of one sample, for the eye."""
    dataset = run.dataset
    picture, row = dataset.X[int(i)] if dataset.modality == "image" else None, None
    if dataset.modality == "table":
        row = dataset.X.iloc[int(i)].to_dict()
        seen = [row.pop(name) for name in columns_of(dataset.X, PICTURE)]  # the first of them is shown
        picture = next((one.pixels for one in seen if one is not None), None)
    text = dataset.X[int(i)] if dataset.modality == "text" else None
    return {"id": str(dataset.ids[i]), "picture": picture, "row": row, "text": text}


def _suspicious(run: Run, summary: dict[str, Any]) -> list[dict[str, Any]] | None:
    """The samples whose labels look wrong, as report.json names them."""
    if summary["labels"] is None:
        return None
    position = _positions(run)
    return [_example(run, position[line["id"]]) for line in summary["labels"]["flagged"][:PICTURED]]


def _positions(run: Run) -> dict[str, int]:
    return {str(name): i for i, name in enumerate(run.dataset.ids)}


def _scatter(run: Run, predictions: Predictions, row: Row) -> dict[str, Any] | None:
    if run.dataset.classes is not None:
        return None
    held, predicted = first_predictions(run, row)
    far = reach_of(predictions, row)(predicted)
    return {
        "true": run.dataset.y[held].tolist(),
        "predicted": predicted.tolist(),
        "low": (predicted - far).tolist(),
        "high": (predicted + far).tolist(),
    }


def _map(run: Run, predictions: Predictions, row: Row) -> dict[str, Any] | None:
    """Samples in two dimensions by t-SNE of frozen features (van der Maaten & Hinton 2008).

    `label` and `predicted` are names of classes, or values; of values `outside` says whether the truth lies
    outside of the interval.
    """
    dataset = run.dataset
    if (
        len(dataset) < 10
        or (run.settings.limit is not None and run.used > run.settings.limit)  # late already
    ):
        return None
    frozen = [c for c in run.candidates if c.family == "transfer" and _ready(run, c.name)]
    if not frozen and dataset.modality == "image":
        return None
    from sklearn.manifold import TSNE

    held, scores = first_predictions(run, row)
    if len(held) > MOST_ON_MAP:
        keep = np.sort(np.random.default_rng(0).choice(len(held), MOST_ON_MAP, replace=False))
        held, scores = held[keep], scores[keep]
    features, seen = _features(run, dataset.X[held], frozen)
    features = (features - features.mean(axis=0)) / (features.std() or 1.0)
    tsne = TSNE(perplexity=min(30.0, (len(held) - 1) / 3), init="pca", random_state=0)
    found = {
        "xy": tsne.fit_transform(features).tolist(),
        "id": dataset.ids[held].tolist(),
        "pictures": None,
        "texts": dataset.X[held].tolist() if dataset.modality == "text" else None,
        "seen": seen,
    }
    truth = dataset.y[held]
    if dataset.classes is None:
        outside = np.abs(truth - scores) > reach_of(predictions, row)(scores)
        return found | {
            "label": truth.tolist(),
            "predicted": scores.tolist(),
            "outside": outside.tolist(),
        }
    names = [str(c) for c in dataset.classes]
    return found | {
        "label": [names[k] for k in truth],
        "predicted": [names[k] for k in scores.argmax(axis=1)],
    }


def _features(run: Run, X: Any, frozen: list[Candidate]) -> tuple[np.ndarray, str]:
    """Where samples lie, `(n, d)`, and by what: a network's frozen features; of texts without one, words."""
    if run.dataset.modality == "image":
        from handful.backbones import embed, used

        return embed(X, used(run.settings)[0]), "network"
    named = [getattr(step, "backbone", None) for c in frozen for step in getattr(c.estimator, "features", [])]
    backbone = next((name for name in named if name), None)
    if backbone is None:
        return TfIdf(most=ON_MAP).fit(X).transform(X), "words"
    from handful.backbones.texts import embed_texts

    return embed_texts(X, backbone), "network"


def _ready(run: Run, name: str) -> bool:
    """Whether a candidate's features were computed: under a limit there may have been no time for them."""
    stop = run.stopped.get(name)
    return stop is None or stop.splits > 0


def _audit_pictures(run: Run) -> dict[str, np.ndarray]:
    """Pictures of the samples that the audit names, as far as there is room."""
    position = _positions(run)
    named = [item for finding in run.dataset.findings for item in finding.items[:12] if item in position]
    return {item: run.dataset.X[position[item]] for item in list(dict.fromkeys(named))[:MOST_PICTURES]}


def _augmented(run: Run) -> dict[str, list[np.ndarray]]:
    """For each technique that can be shown two pictures of the data, each followed by what became of it."""
    dataset = run.dataset
    own = np.flatnonzero(~dataset.copies)
    pair = dataset.X[own[0]], dataset.X[own[len(own) // 2]]
    found = {}
    for technique in dict.fromkeys(c.technique for c in run.candidates if c.technique):
        shown = [
            [picture, *(image for _, image in examples(picture, technique, 5, other=other))]
            for picture, other in (pair, pair[::-1])
        ]
        if len(shown[0]) > 1:
            found[technique] = [image for row in shown for image in row]
    return found


def _altered(run: Run) -> dict[str, list[str]]:
    """For each technique that alters texts a text of the data, and what became of it."""
    texts = [text for text in run.dataset.X if words_of(text) >= FEWEST_WORDS] or list(run.dataset.X)
    shortest = as_array([min(texts, key=len)])
    found: dict[str, list[str]] = {}
    for candidate in run.candidates:
        if candidate.technique and hasattr(candidate.estimator, "made"):  # see strategies.augmentation
            copies, _ = candidate.estimator.made(shortest)
            if len(copies):
                found.setdefault(candidate.technique, [shortest[0], *copies[:COPIES]])
    return found


def _examples(run: Run) -> dict[str, list[np.ndarray]]:
    """Pictures of each class; of a measured value, pictures around its tenths from small to large."""
    dataset = run.dataset
    if dataset.classes is None:
        order = np.argsort(dataset.y, kind="stable")
        found = {}
        for share in np.linspace(0, 1, SHELVES).tolist():
            first = round(share * max(0, len(order) - ON_A_SHELF))
            some = order[first : first + ON_A_SHELF]
            low, high = (value_text(float(dataset.y[i]), True) for i in (some[0], some[-1]))
            found[low if low == high else f"{low} to {high}"] = [dataset.X[int(i)] for i in some]
        return found
    return {
        str(name): [dataset.X[int(i)] for i in np.flatnonzero(dataset.y == k)[:4]]
        for k, name in enumerate(dataset.classes[:24])
    }
