"""What autoencoders and generators had learned: codes, reconstructions, made-up examples beside real ones.

Everything here is of the first split. Networks come from where their training is remembered
(`handful.protocol.again`); nothing is trained for a report, so that a part may be absent.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics.pairwise import euclidean_distances

from handful.data.columns import only_plain
from handful.data.dataset import Images
from handful.evidence.leaderboard import number
from handful.evidence.predictions import Predictions
from handful.evidence.training import loss_curve
from handful.protocol.again import Again, encoder_again, encoder_of, generator_again, generator_of
from handful.protocol.evaluate import take
from handful.protocol.run import Run
from handful.strategies.candidate import Candidate, accepts, spec
from handful.strategies.customs import examine
from handful.strategies.stage import NotKnown
from handful.strategies.synthesis import wanted_labels

View = dict[str, Any]

GENERATORS = 4  # whose made-up examples are counted
PICTURED = 2  # and of which they are shown
CLASSES = 8  # shown of each
OF_A_CLASS = 4  # made-up examples that are shown of each class
STOPPED = 12  # more that were stopped
REDRAWN = 10  # samples shown beside their reconstruction
MAPPED = 200  # codes on the map, for t-SNE and for the size of the page
MEASURED = 200  # samples by which the reconstruction is measured
EXAMINED = 64  # made-up pictures that are described once more, which takes a while
STEPS = 7  # from one class to another
PICTURED_KEYS = ("redrawn", "map", "paths", "losses", "classes", "stopped")  # for the page alone

ENTERED, COPY, OTHER, FAR = "entered", "copy", "other class", "far outside"


@dataclass
class Inside:
    """`networks` and `generators`: a dict each, of plain facts and of pictures or rows for the page. Where a
    list is empty, `reasons` says why, under "autoencoder" or "generated".
    """

    networks: list[View] = field(default_factory=list)
    generators: list[View] = field(default_factory=list)
    reasons: dict[str, str] = field(default_factory=dict)

    def facts(self) -> dict[str, list[View] | None]:
        """`autoencoder` and `generated` of report.json."""
        return {
            "autoencoder": [_facts(line) for line in self.networks] or None,
            "generated": [_facts(line) for line in self.generators] or None,
        }


def _facts(line: View) -> View:
    return {k: v for k, v in line.items() if k not in PICTURED_KEYS}


def look_inside(run: Run, predictions: Predictions) -> Inside:
    """What can be shown without training anything, of the best candidates. A failure becomes a reason."""
    ranked = _ranked(run, predictions)
    encoders, no_encoder = _all_again(run, ranked, encoder_of, encoder_again, most=1)
    makers, no_maker = _all_again(run, ranked, generator_of, generator_again, most=GENERATORS)
    found = Inside(reasons={"autoencoder": no_encoder, "generated": no_maker})
    vae = sorted((a for a in makers if hasattr(a.part, "encode")), key=lambda a: a.part.SPACE != "X")
    for again in [*encoders, *vae[:1]]:
        _tried(found, "autoencoder", partial(_network, run, predictions, again))
    pictured = [a for a in makers if a.part.SPACE == "X"][:PICTURED]
    for again in makers:
        told = _told(predictions, again.candidate.name)
        _tried(found, "generated", partial(_generator, run, again, told, again in pictured))
    for name, lines in (("autoencoder", found.networks), ("generated", found.generators)):
        if lines:
            found.reasons.pop(name)
    return found


def _told(predictions: Predictions, name: str) -> list[dict[str, float]]:
    """What a candidate counted in each of its trainings; nothing where it was not compared."""
    return next((row.told for row in predictions.rows if row.name == name), [])


def _tried(found: Inside, name: str, make: Callable[[], View]) -> None:
    lines = found.networks if name == "autoencoder" else found.generators
    try:
        lines.append(make())
    except Exception as error:
        found.reasons[name] = f"it could not be looked at ({type(error).__name__}: {error})"


def _ranked(run: Run, predictions: Predictions) -> list[Candidate]:
    """The best first, and those with customs before those without; what was not compared comes last."""
    gains = {r.name: float(predictions.metric.gain(predictions.score(r)[0])) for r in predictions.sound}

    def rank(candidate: Candidate) -> tuple[bool, float]:
        return not getattr(candidate.estimator, "customs", True), -gains.get(candidate.name, -np.inf)

    return sorted(run.candidates, key=rank)


def _all_again(
    run: Run,
    ranked: Sequence[Candidate],
    part_of: Callable[[Any], Any],
    again: Callable[[Run, Candidate], Again],
    most: int,
) -> tuple[list[Again], str]:
    """The different parts of this kind, each of the best candidate that has it; why there are no others."""
    parts = [(c, part_of(c.estimator)) for c in ranked]
    distinct: dict[str, Candidate] = {}
    for candidate, part in parts:
        if part is not None:
            distinct.setdefault(json.dumps(spec(part), sort_keys=True), candidate)
    if not distinct:
        return [], "no candidate of this kind was tried in this run"
    if run.settings.limit is not None and run.used > run.settings.limit:
        return [], "the time was used up"
    found: list[Again] = []
    why = "what it learned is not kept on this machine any more"
    for candidate in distinct.values():
        if len(found) == most:
            break
        try:
            found.append(again(run, candidate))
        except NotKnown:
            continue
        except Exception as error:
            why = f"it could not be looked at ({type(error).__name__}: {error})"
    return found, why


# --- a network that gives codes


def _network(run: Run, predictions: Predictions, again: Again) -> View:
    dataset, part, split = run.dataset, again.part, again.split
    told = _label_argument(part.encode) is not None and bool(getattr(part, "conditional", True))
    rows = np.concatenate([split.train, split.test])
    some = np.asarray(_asked(part.encode, again.seen(take(dataset.X, rows)), dataset.y[rows]), dtype=float)
    codes = np.full((len(dataset), some.shape[1]), np.nan)
    codes[rows] = some
    collapsed = getattr(part, "collapsed_", None)
    active = getattr(part, "n_latent_active_", getattr(part, "used_", None))
    alike, chance = (None, None) if told else _alike(run, again, codes)
    return {
        "candidate": again.candidate.name,
        "label": again.candidate.label,
        "technique": again.candidate.technique,
        "told_class": told,
        "latent": int(codes.shape[1]),
        "active": None if active is None else int(active),
        "collapsed": None if collapsed is None else bool(collapsed),
        "kept": _or_none(lambda: _kept(run, again)),
        "nearest_alike": alike,
        "nearest_alike_by_chance": chance,
        "redrawn": _or_none(lambda: _redrawn(run, again)),
        "map": _or_none(lambda: _map(run, again, codes)),
        "paths": _or_none(lambda: _paths(run, again, codes)) or [],
        "losses": _losses(predictions, again),
    }


def _asked(method: Any, X: Any, labels: np.ndarray) -> Any:
    """What a part says of X, told the labels where it wants them."""
    name = _label_argument(method)
    return method(X) if name is None else method(X, **{name: labels})


def _label_argument(method: Any) -> str | None:
    """How a part wants to be told the labels; None where it wants none."""
    return next((name for name in ("labels", "y") if accepts(method, name)), None)


def _as_pictures(drawn: Any) -> np.ndarray | None:
    """Pictures `(n, S, S, 3)` uint8, also of rows `(n, S * S * 3)` in 0…1; None of anything else."""
    drawn = np.asarray(drawn)
    if drawn.ndim == 2:
        side = round((drawn.shape[1] / 3) ** 0.5)
        if side * side * 3 != drawn.shape[1]:
            return None
        drawn = np.round(255 * np.clip(drawn.reshape(-1, side, side, 3), 0, 1))
    return drawn.astype(np.uint8) if drawn.ndim == 4 else None


def _or_none(piece: Callable[[], Any]) -> Any:
    """A picture that cannot be drawn is left out; no report ends over it."""
    try:
        return piece()
    except Exception:
        return None


def _alike(run: Run, again: Again, codes: np.ndarray) -> tuple[float | None, float | None]:
    """Share of held-out samples whose nearest code of the training part is of their class, and by chance."""
    dataset, split = run.dataset, again.split
    if dataset.classes is None:
        return None, None
    near = euclidean_distances(codes[split.test], codes[split.train]).argmin(axis=1)
    same = dataset.y[split.train][near] == dataset.y[split.test]
    shares = [
        np.bincount(dataset.y[part], minlength=len(dataset.classes)) / len(part)
        for part in (split.train, split.test)
    ]
    return number(float(same.mean())), number(float(shares[0] @ shares[1]))


def _kept(run: Run, again: Again) -> float | None:
    """How much of what differs between held-out pictures their reconstruction keeps: 1 is all of it."""
    if run.dataset.modality != "image":
        return None
    rows = again.split.test[:MEASURED]
    X = take(run.dataset.X, rows)
    drawn = _as_pictures(_asked(again.part.reconstruct, again.seen(X), run.dataset.y[rows]))
    if drawn is None:
        return None
    learned = again.split.train[:MEASURED]
    real, usual = (_at_size(take(run.dataset.X, some), drawn.shape[1]) for some in (rows, learned))
    spread = float(((real - usual.mean(axis=0)) ** 2).sum())
    return number(1 - float(((real - drawn.astype(float)) ** 2).sum()) / spread) if spread else None


def _at_size(images: Any, side: int) -> np.ndarray:
    """Pictures as `(n, side, side, 3)` float."""
    from PIL import Image

    pixels = np.asarray(images)
    if pixels.shape[1] != side:
        small = (Image.fromarray(p).resize((side, side), Image.Resampling.BOX) for p in pixels)
        pixels = np.stack([np.asarray(picture) for picture in small])
    return pixels.astype(float)


def _redrawn(run: Run, again: Again) -> list[View] | None:
    """Held-out samples of every class, and what the network makes of their codes."""
    if not hasattr(again.part, "reconstruct"):
        return None
    rows = _of_each_class(run, again.split.test)[:REDRAWN]
    seen = again.seen(take(run.dataset.X, rows))
    drawn = _asked(again.part.reconstruct, seen, run.dataset.y[rows])
    if isinstance(drawn, pd.DataFrame):
        return [_pair(run, i, drawn.iloc[k].to_dict()) for k, i in enumerate(rows[:4])]
    pictures = _as_pictures(drawn) if run.dataset.modality == "image" else None
    return None if pictures is None else [_pair(run, i, pictures[k]) for k, i in enumerate(rows)]


def _pair(run: Run, i: int, other: Any) -> View:
    """A real sample beside another one: what is made of it, or what it is near to."""
    dataset = run.dataset
    image = dataset.modality == "image"
    return {
        "class": None if dataset.classes is None else str(dataset.classes[dataset.y[i]]),
        "id": str(dataset.ids[i]),
        "real": dataset.X[int(i)] if image else only_plain(dataset.X).iloc[int(i)].to_dict(),
        "made": other,
    }


def _of_each_class(run: Run, rows: np.ndarray) -> np.ndarray:
    """The rows in an order in which the classes take turns."""
    y = run.dataset.y[rows] if run.dataset.classes is not None else np.zeros(len(rows), dtype=int)
    turn = np.empty(len(rows), dtype=int)
    for k in np.unique(y):
        turn[y == k] = np.arange((y == k).sum())
    return rows[np.lexsort((y, turn))]


def _map(run: Run, again: Again, codes: np.ndarray) -> View | None:
    """Codes in two dimensions: as they are, or by t-SNE (van der Maaten & Hinton 2008)."""
    dataset = run.dataset
    rows = np.flatnonzero(np.isfinite(codes[:, 0]))
    if len(rows) < 10:
        return None
    if len(rows) > MAPPED:
        rows = np.sort(np.random.default_rng(0).choice(rows, MAPPED, replace=False))
    xy = codes[rows]
    if xy.shape[1] > 2:
        from sklearn.manifold import TSNE

        scaled = (xy - xy.mean(axis=0)) / (xy.std() or 1.0)
        xy = TSNE(perplexity=min(30.0, (len(rows) - 1) / 3), init="pca", random_state=0).fit_transform(scaled)
    elif xy.shape[1] == 1:
        xy = np.column_stack([xy, np.zeros(len(xy))])
    return {
        "xy": np.asarray(xy, dtype=float).tolist(),
        "label": _names(run)[rows].tolist(),
        "id": [str(i) for i in dataset.ids[rows]],
        "held_out": np.isin(rows, again.split.test).tolist(),
        "pictures": [dataset.X[int(i)] for i in rows] if dataset.modality == "image" else None,
    }


THIRDS = ("lowest third", "middle third", "highest third")


def _names(run: Run) -> np.ndarray:
    """What colours a sample on the map `(n,)`: its class, or the third of the values that it is in."""
    dataset = run.dataset
    if dataset.classes is not None:
        return np.array([str(c) for c in dataset.classes], dtype=object)[dataset.y]
    return np.array(THIRDS, dtype=object)[np.searchsorted(np.quantile(dataset.y, [1 / 3, 2 / 3]), dataset.y)]


def _paths(run: Run, again: Again, codes: np.ndarray) -> list[View]:
    """Pictures drawn on the way from one class to another: the two that are most alike, and the least."""
    dataset, part, split = run.dataset, again.part, again.split
    if dataset.classes is None or dataset.modality != "image":
        return []
    there = np.unique(dataset.y[split.train])
    means = np.stack([codes[split.train][dataset.y[split.train] == k].mean(axis=0) for k in there])
    between = euclidean_distances(means)
    upper = np.triu_indices(len(there), 1)
    order = np.argsort(between[upper], kind="stable")
    chosen = [(int(upper[0][p]), int(upper[1][p])) for p in dict.fromkeys(order[[0, -1]].tolist())]
    paths = []
    for a, b in chosen:
        ends = [_typical(run, again, codes, there[k], means[k]) for k in (a, b)]
        pictures = _as_pictures(_path(part, [dataset.X[i] for i in ends], codes[ends], there[[a, b]]))
        if pictures is not None:
            names = {"from": str(dataset.classes[there[a]]), "to": str(dataset.classes[there[b]])}
            paths.append(names | {"pictures": list(pictures)})
    return paths


def _typical(run: Run, again: Again, codes: np.ndarray, k: int, mean: np.ndarray) -> int:
    """The training sample of a class whose code is nearest to the middle of the class."""
    mine = again.split.train[run.dataset.y[again.split.train] == k]
    return int(mine[np.linalg.norm(codes[mine] - mean, axis=1).argmin()])


def _path(part: Any, pictures: list[np.ndarray], codes: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Pictures from one to another, `(STEPS, …)`."""
    if hasattr(part, "interpolate"):
        beside = {"labels": tuple(labels)} if accepts(part.interpolate, "labels") else {}
        return np.asarray(part.interpolate(*pictures, **beside, steps=STEPS))
    share = np.linspace(0, 1, STEPS)[:, None]
    return np.asarray(part.decode((1 - share) * codes[0] + share * codes[1]))


def _losses(predictions: Predictions, again: Again) -> View | None:
    """The course of the loss and its terms: over all fits where those are stored, else of this one."""
    stored = predictions.row(again.candidate.name).history
    own = getattr(again.part, "history_", None) or []
    if own and not (stored and all(h and h[0].keys() == own[0].keys() for h in stored)):
        stored = [own]
    return loss_curve(stored)


# --- a generator of made-up examples


def _generator(run: Run, again: Again, told: list[dict[str, float]], pictured: bool) -> View:
    """`told` is what the candidate counted in each of its trainings."""
    dataset, split, estimator = run.dataset, again.split, again.candidate.estimator
    X, y = take(dataset.X, split.train), dataset.y[split.train]
    labels = wanted_labels(y, estimator.ratio)
    made = again.part.sample(labels)
    total = len(labels)
    if again.part.SPACE == "X" and dataset.modality == "image" and total > EXAMINED:
        some = np.sort(_turns(labels)[:EXAMINED])
        made, labels = made[some], labels[some]
    Z = again.described(X)
    if again.part.SPACE == "X" and dataset.modality == "image":
        looked = again.described(Images.unnamed(np.asarray(made)))  # nothing of it is to be kept
    else:
        looked = again.described(made) if again.part.SPACE == "X" else np.asarray(made, dtype=float)
    groups = None if dataset.groups is None else dataset.groups[split.train]
    fates = np.full(len(labels), ENTERED, dtype=object)
    if estimator.customs:
        found = examine(Z, y, looked, labels, groups, model=estimator.estimator.head)
        for fate, stopped in ((FAR, found.far), (OTHER, found.disagrees), (COPY, found.copy)):
            fates[np.asarray(stopped)] = fate
    count = {fate: int((fates == fate).sum()) for fate in (ENTERED, COPY, OTHER, FAR)}
    view: View = {
        "candidate": again.candidate.name,
        "label": again.candidate.label,
        "technique": again.candidate.technique,
        "space": again.part.SPACE,
        "customs": bool(estimator.customs),
        "ratio": number(float(estimator.ratio)),
        "made": total,
        "examined": len(labels),
        "entered": count[ENTERED],
        "copies": count[COPY],
        "other_class": count[OTHER],
        "far": count[FAR],
        "trainings": len(told) or None,
        "proved": sum(int(t.get("proved", 1)) for t in told) if told else None,
        "classes": [],
        "stopped": [],
    }
    if pictured and dataset.classes is not None:
        near = split.train[euclidean_distances(looked, Z).argmin(axis=1)]
        _show(run, view, made, labels, fates, near)
    return view


def _turns(labels: np.ndarray) -> np.ndarray:
    """Positions in an order in which the classes take turns."""
    turn = np.empty(len(labels), dtype=int)
    for label in np.unique(labels):
        turn[labels == label] = np.arange((labels == label).sum())
    return np.lexsort((labels, turn))


def _show(run: Run, view: View, made: Any, labels: np.ndarray, fates: np.ndarray, near: np.ndarray) -> None:
    """The first ones of each class as they were drawn, and some more of those that were stopped."""
    classes = run.dataset.classes
    assert classes is not None
    used: set[int] = set()

    def shown(j: int) -> View:
        used.add(j)
        made_up = made.iloc[j].to_dict() if isinstance(made, pd.DataFrame) else np.asarray(made[j])
        of = str(classes[labels[j]])
        return _pair(run, int(near[j]), made_up) | {"fate": fates[j], "of": of}

    for k in np.unique(labels)[:CLASSES]:
        mine = np.flatnonzero(labels == k)
        view["classes"].append(
            {
                "class": str(classes[k]),
                "examined": len(mine),
                "entered": int((fates[mine] == ENTERED).sum()),
                "pairs": [shown(int(j)) for j in mine[:OF_A_CLASS]],
            }
        )
    more = [int(j) for j in _turns(fates) if fates[j] != ENTERED and int(j) not in used]
    view["stopped"] = [shown(j) for j in more[:STOPPED]]
