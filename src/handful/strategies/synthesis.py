"""Generated examples: a candidate, its base, that learned from made-up examples too.

Generators enlarge the training part of a fold; what they make never comes into a validation part. Whether it
helps is not believed: each is a line of the ledger.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, clone, is_classifier

from handful.backbones import used
from handful.data.columns import PICTURE, TEXTS, columns_of
from handful.data.dataset import Dataset, Images
from handful.settings import Settings
from handful.strategies import classic, transfer
from handful.strategies.augmentation import MOST_ROWS
from handful.strategies.candidate import Candidate
from handful.strategies.chain import Chain
from handful.strategies.customs import examine
from handful.strategies.generators import KDE, SMOTE, Copies, Gaussian, Generator
from handful.strategies.heads import inner_folds
from handful.strategies.inner import MADE_UP
from handful.strategies.picture_generators import PictureVAE
from handful.strategies.row_generators import FeatureVAE, RowVAE


@dataclass(frozen=True)
class Kind:
    """A generator, its name in words, whether it is a neural network, and the only modality it suits."""

    words: str
    generator: Generator
    deep: bool = False
    modality: str | None = None


KINDS = {
    "gaussian": Kind("class-wise Gaussian", Gaussian()),
    "kde": Kind("class-wise kernel density", KDE()),
    "smote": Kind("between neighbours (SMOTE)", SMOTE()),
    "vae": Kind("variational autoencoder on features", FeatureVAE(), True),
    "row vae": Kind("variational autoencoder on rows", RowVAE(), True, "table"),
    "picture vae": Kind(
        "variational autoencoder on pictures", PictureVAE(sampler="posterior"), True, "image"
    ),
    "picture vae, curved": Kind(
        "variational autoencoder on pictures, geometry-aware", PictureVAE(sampler="riemannian"), True, "image"
    ),
    "copies": Kind("plain copies", Copies()),  # not offered: what the others are measured against
}
PROOFS = 3  # parts held out to see whether made-up examples pay
# By modality and effort: the candidate (its name, the frozen features of the first backbone filled in), the
# generator and how many it makes for each real example.
_OFFER = tuple[tuple[str, str, float], ...]


def _tried(name: str, kinds: tuple[str, ...], ratios: tuple[float, ...] = (1.0,)) -> _OFFER:
    return tuple((name, kind, ratio) for kind in kinds for ratio in ratios)


_MANY = (0.5, 1.0, 2.0)  # of a network they share one training
OFFERED: dict[str, dict[str, _OFFER]] = {
    "image": {
        "quick": (),
        "standard": _tried("{frozen} svm", ("gaussian", "smote")),
        "thorough": _tried("{frozen} svm", ("gaussian", "smote"), _MANY)
        + _tried("{frozen} svm", ("kde", "vae"))
        + _tried("thumbnail svm", ("gaussian", "smote", "picture vae"))
        + _tried("thumbnail svm", ("picture vae, curved",), _MANY),
    },
    "table": {
        "quick": (),
        "standard": (*_tried("svm", ("gaussian", "smote")), *_tried("logistic", ("gaussian",))),
        "thorough": _tried("svm", ("gaussian", "smote", "row vae"), _MANY)
        + _tried("svm", ("kde",))
        + _tried("logistic", ("gaussian", "smote", "row vae")),
    },
    "text": {
        "quick": (),
        "standard": _tried("{frozen} svm", ("gaussian", "smote")),
        "thorough": _tried("{frozen} svm", ("gaussian", "smote"), _MANY)
        + _tried("{frozen} svm", ("kde", "vae")),
    },
}


class WithSynthetic(BaseEstimator):
    """A chain that also learns from examples that a generator makes up of its training part.

    Parameters
    ----------
    estimator : Chain, a classifier
    generator : Generator; learns the samples themselves (`SPACE` "X") or the chain's features ("features")
    ratio : float > 0, or a dict of one for each label
        Examples made up for each real one, of each class.
    customs : bool
        Whether each made-up example is examined before it enters (see `handful.strategies.customs`), and
        none enters unless such examples prove their worth inside the training part first: where parts of it
        are held out, models with them must do better than without by more than a standard error.

    After `fit`: `made_` how many were made up, `entered_` how many the model learned from; where that is none
    it is the same model as the chain alone. `told_` has both numbers, how many customs turned away because a
    model `disagrees` with the label, as a `copy`, or as too `far` out (one may be several), and whether they
    `proved` their worth (1 or 0).

    Raises ValueError for a regressor: what is made up needs a class.
    """

    def __init__(
        self,
        estimator: Chain,
        generator: Generator,
        ratio: float | dict[Any, float] = 1.0,
        customs: bool = True,
    ) -> None:
        self.estimator = estimator
        self.generator = generator
        self.ratio = ratio
        self.customs = customs

    def __sklearn_tags__(self) -> Any:
        return self.estimator.__sklearn_tags__()

    def fit(self, X: Any, y: np.ndarray, groups: np.ndarray | None = None) -> WithSynthetic:
        """X as the chain takes it, y `(n,)` labels, groups `(n,)` or None."""
        if not is_classifier(self.estimator):
            raise ValueError(
                "generated examples need classes, but this estimator predicts numbers. Use it without them."
            )
        y = np.asarray(y)
        generator = clone(self.generator)
        if generator.SPACE == "features":
            self.estimator_ = self._on_features(generator, X, y, groups)
        else:
            self.estimator_ = self._on_samples(generator, X, y, groups)
        self.classes_ = self.estimator_.classes_
        if hasattr(generator, "history_"):
            self.history_ = generator.history_
        return self

    def _on_features(self, generator: Generator, X: Any, y: np.ndarray, groups: np.ndarray | None) -> Chain:
        steps, Z = prepared(self.estimator, X, y, groups)
        made = generator.fit(Z, y, groups).sample(wanted_labels(y, self.ratio))
        enters = self._examined(Z, y, made, groups)
        fitted, head = clone(self.estimator), Chain([], self.estimator.head)
        enters = self._proved(head, Z, y, groups, enters)
        rest = _fitted(head, Z, y, groups, made, enters, self.ratio)
        fitted.features_, fitted.head_, fitted.classes_ = steps, rest.head_, rest.classes_
        return fitted

    def _on_samples(self, generator: Generator, X: Any, y: np.ndarray, groups: np.ndarray | None) -> Chain:
        made = generator.fit(X, y, groups).sample(wanted_labels(y, self.ratio))
        if self.customs:
            steps, Z = prepared(self.estimator, X, y, groups)
            looked: Any = Images.unnamed(np.asarray(made)) if isinstance(X, Images) else made
            for step in steps:
                looked = step.transform(looked)
            enters = self._examined(Z, y, looked, groups)
        else:
            enters = self._examined(made, y, made, groups)
        enters = self._proved(self.estimator, X, y, groups, enters)
        return _fitted(clone(self.estimator), X, y, groups, made, enters, self.ratio)

    def _examined(self, Z: Any, y: np.ndarray, made: Any, groups: np.ndarray | None) -> np.ndarray:
        """Which of the made-up samples pass one by one `(m,)`; Z and `made` as the head sees them."""
        labels = wanted_labels(y, self.ratio)
        self.told_ = {"made": len(labels)}
        enters = np.ones(len(labels), dtype=bool)
        if self.customs:
            found = examine(Z, y, made, labels, groups, model=self.estimator.head)
            enters = found.enters
            self.told_ |= {why: int(getattr(found, why).sum()) for why in ("disagrees", "copy", "far")}
        return enters

    def _proved(
        self, chain: Chain, X: Any, y: np.ndarray, groups: np.ndarray | None, enters: np.ndarray
    ) -> np.ndarray:
        """Those that may enter, or none; X as the chain takes it."""
        if self.customs:
            proved = bool(enters.any()) and self._pays(chain, X, y, groups)
            self.told_["proved"] = int(proved)
            enters = enters & proved
        self.told_["entered"] = int(enters.sum())
        self.made_, self.entered_ = self.told_["made"], self.told_["entered"]
        return enters

    def _pays(self, chain: Chain, X: Any, y: np.ndarray, groups: np.ndarray | None) -> bool:
        """Whether made-up examples make predictions of held-out parts of X better, by over a standard error.

        The generator learns anew without each part, a network only without the first, which takes long
        enough. Better is a lower squared error of the probabilities. False where nothing can be held out.
        """
        folds = inner_folds(y, groups, PROOFS, 0, classes=True)
        folds = folds[:1] if self.generator.SPACE == "X" or hasattr(self.generator, "epochs") else folds
        gains = []
        for rows, held in folds:
            some, others = (X.iloc[r] if isinstance(X, pd.DataFrame) else X[r] for r in (rows, held))
            beside = None if groups is None else groups[rows]
            base = clone(chain).fit(some, y[rows], beside)
            added = _Examined(chain, self.generator, self.ratio).fit(some, y[rows], beside)
            truth = (y[held, None] == base.classes_).astype(float)
            without, with_them = (((m.predict_proba(others) - truth) ** 2).sum(axis=1) for m in (base, added))
            gains.append(without - with_them)
        all_gains = np.concatenate(gains) if gains else np.zeros(1)
        return bool(all_gains.mean() > all_gains.std() / np.sqrt(len(all_gains)) + 1e-12)

    def predict_proba(self, X: Any) -> np.ndarray:
        return self.estimator_.predict_proba(X)

    def predict(self, X: Any) -> np.ndarray:
        return self.estimator_.predict(X)


class _Examined(WithSynthetic):
    """With what passes customs one by one: what is looked at to see whether it pays."""

    def _pays(self, chain: Chain, X: Any, y: np.ndarray, groups: np.ndarray | None) -> bool:
        return True


def plain(estimator: Any) -> Any:
    """The estimator that looks at the samples: that of a `WithSynthetic`, else the one given."""
    if isinstance(estimator, WithSynthetic):
        return getattr(estimator, "estimator_", estimator.estimator)
    return estimator


def wanted_labels(y: np.ndarray, ratio: float | dict[Any, float]) -> np.ndarray:
    """Labels of what is to be made up: `ratio` times as many as there are of each class, at least one."""
    labels, counts = np.unique(y, return_counts=True)
    each = np.array([ratio[k] for k in labels.tolist()]) if isinstance(ratio, dict) else ratio
    return np.repeat(labels, np.maximum(1, np.round(each * counts)).astype(int))


def prepared(chain: Chain, X: Any, y: np.ndarray, groups: np.ndarray | None) -> tuple[list[Any], np.ndarray]:
    """The chain's features, fitted, and what they make of X."""
    fitted = Chain(chain.features, _Keeps()).fit(X, y, groups)
    return fitted.features_, fitted.head_.Z_


class _Keeps(BaseEstimator):
    """A head that learns nothing: it keeps what comes to it."""

    def fit(self, Z: np.ndarray, y: np.ndarray) -> _Keeps:
        self.Z_ = np.asarray(Z)
        return self


def _fitted(
    chain: Chain,
    X: Any,
    y: np.ndarray,
    groups: np.ndarray | None,
    made: Any,
    enters: np.ndarray,
    ratio: float | dict[Any, float],
) -> Chain:
    """The chain fitted on the real samples and, after them, on the made-up ones that enter."""
    rows = np.flatnonzero(enters)
    if not len(rows):
        return chain.fit(X, y, groups)
    if isinstance(X, Images):
        joined: Any = X.joined(np.asarray(made)[rows])
    elif isinstance(X, pd.DataFrame):
        joined = pd.concat([X, made.iloc[rows]], ignore_index=True)
    else:
        joined = np.concatenate([X, np.asarray(made, dtype=X.dtype)[rows]])
    unit = np.arange(len(y)) if groups is None else np.unique(groups, return_inverse=True)[1]
    together = np.concatenate([y, wanted_labels(y, ratio)[rows]])
    return chain.fit(joined, together, np.concatenate([unit, np.full(len(rows), MADE_UP)]))


def candidates(dataset: Dataset, settings: Settings) -> list[Candidate]:
    """From `standard` on, for classes: few generators, each on a candidate that may gain from it."""
    if dataset.task != "classification" or dataset.modality not in OFFERED:
        return []
    known = {c.name: c for module in (classic, transfer) for c in module.candidates(dataset, settings)}
    frozen, most = _frozen(dataset.modality, settings), MOST_ROWS[settings.effort]
    found = []
    no_way_back = isinstance(dataset.X, pd.DataFrame) and bool(columns_of(dataset.X, TEXTS, PICTURE))
    for name, kind, ratio in OFFERED[dataset.modality][settings.effort]:
        if no_way_back and KINDS[kind].generator.SPACE == "X":
            continue
        base = known.get(name.format(frozen=frozen))
        if base is not None and (1 + ratio) * len(dataset) <= most:
            found.append(with_synthetic(base, kind, ratio))
    return found


def with_synthetic(base: Candidate, kind: str, ratio: float = 1.0, customs: bool = True) -> Candidate:
    """The candidate `base`, a chain, learning from examples too that a generator of KINDS makes up."""
    about = KINDS[kind]
    many = "" if ratio == 1 else f" x{ratio:g}"
    times = "" if ratio == 1 else f", {ratio:g} times as many"
    label = f"learned from generated examples too ({about.words}{times})"
    estimator = WithSynthetic(base.estimator, about.generator, ratio, customs)
    technique = f"generated examples: {about.words}"
    made = base.plus(technique, f" + {kind}{many}", label, estimator, "synthesis", cost=2)
    return replace(made, deep=base.deep or about.deep)


def _frozen(modality: str, settings: Settings) -> str:
    """The first backbone, of pictures at the last but one of its blocks; "" where there is none."""
    from handful.backbones import levels

    if modality != "image":
        return next(iter(used(settings, modality)), "")
    names = list(levels(used(settings)[0]))
    return f"{used(settings)[0]} {names[-3] if len(names) > 2 else names[0]}"
