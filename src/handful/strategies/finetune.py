"""Fine-tuning: the last layers of a pretrained network are trained on, from the linear probe as their start.

Kumar et al., "Fine-tuning can distort pretrained features and underperform out-of-distribution", ICLR 2022:
with a random head the first steps spoil the features; a head that is right from the start leaves them as they
are unless the data has something better to say. Batch normalisation keeps its statistics, deeper layers learn
more slowly, and the weights are pulled towards where they came from (Li et al., "Explicit inductive bias for
transfer learning with convolutional networks", ICML 2018).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted

from handful.backbones import foremost
from handful.backbones.registry import Backbone, get
from handful.data.dataset import Dataset, Finding, Images
from handful.data.views import PLAIN
from handful.errors import HandfulError
from handful.nets.augment import POLICIES
from handful.nets.device import device
from handful.scoring import softmax
from handful.settings import Settings
from handful.strategies import contrastive
from handful.strategies.candidate import Candidate
from handful.strategies.heads import LogisticHead, RidgeHead
from handful.strategies.inner import validation_part

if TYPE_CHECKING:
    import torch

    from handful.backbones.cut import Cut, Tail
    from handful.nets.train import Inputs, Recipe

# What the activations of all pictures and views may take: on the disk, and in each worker's memory.
MOST_BYTES = 600_000_000


class _FineTuned(BaseEstimator):
    """Shared by both tasks. See `FineTunedClassifier`."""

    def __init__(
        self,
        backbone: str = "lite0",
        level: str = "last",
        depth: int | None = 4,
        views: tuple[str, ...] = (PLAIN,),
        policy: str = "none",
        size: int | None = None,
        epochs: int = 12,
        lr: float = 3e-4,
        layer_decay: float = 0.7,
        towards_start: float = 0.01,
        smoothing: float = 0.1,
        validate: bool = False,
        random_state: int = 0,
    ) -> None:
        self.backbone = backbone
        self.level = level
        self.depth = depth
        self.views = views
        self.policy = policy
        self.size = size
        self.epochs = epochs
        self.lr = lr
        self.layer_decay = layer_decay
        self.towards_start = towards_start
        self.smoothing = smoothing
        self.validate = validate
        self.random_state = random_state

    def _cut(self, backbone: Backbone) -> Cut:
        from handful.backbones.cut import cut

        return cut(backbone, self.level, self.depth, self.size)

    def warm(self, images: Images, progress: Any = None) -> None:
        """Compute the activations that `fit` and `predict` will ask for."""
        from handful.backbones.front import warm

        cut = self._cut(get(self.backbone))
        if cut.first:
            warm(images, cut, _with_plain(self.views), device=device(), progress=progress)

    def _recipe(self, n: int) -> Recipe:
        from handful.nets.train import Recipe

        return Recipe(
            epochs=self.epochs,
            batch=int(np.clip(n // 8, 8, 32)),  # a few steps in an epoch, also with few pictures
            lr=self.lr,
            weight_decay=0.0,  # the pull towards the start takes its place
            warmup=0.1,
            smoothing=self.smoothing,
            ema=0.9,
            patience=max(3, self.epochs // 3),
            towards_start=self.towards_start,
        )

    def _train(
        self, X: Any, targets: np.ndarray, probe: Any, n_classes: int | None, held: np.ndarray | None
    ) -> None:
        """From the linear probe on; targets `(n,)` are class numbers, or standardised values."""
        from handful.backbones.torchvision_guard import import_timm
        from handful.nets.train import count_trainable, train

        images = X if isinstance(X, Images) else Images.from_array(np.asarray(X))
        backbone = get(self.backbone)
        cut, where, recipe = self._cut(backbone), device(), self._recipe(len(targets))
        import_timm()
        from timm.optim import param_groups_layer_decay as layered

        inputs = _inputs(images, cut, self.views, self.policy, where)

        def begin(tail: Any, rows: np.ndarray) -> None:
            start_from_probe(tail, inputs, rows, targets, probe, where)

        found = train(
            lambda: cut.tail(n_classes or 1),
            inputs,
            targets,
            recipe,
            seed=self.random_state,
            n_classes=n_classes,
            held=held,
            groups=lambda m: layered(m, recipe.weight_decay, layer_decay=self.layer_decay),
            start=begin,
            device=where,
        )
        self.weights_, self.history_, self.epochs_ = found.weights, found.history, found.epochs
        self.n_parameters_ = count_trainable(lambda: cut.tail(n_classes or 1))
        self.sha256_ = backbone.sha256

    def save_network(self, path: Path) -> str:
        """Write the whole network's weights as a file; returns the name that the registry gets it by."""
        from handful.backbones.cut import rejoined
        from handful.backbones.registry import save_weights

        check_is_fitted(self, "weights_")
        backbone = get(self.backbone)
        return save_weights(rejoined(self._cut(backbone), self.weights_), backbone, path)

    def unchanged_levels(self) -> list[str]:
        """The backbone's levels that lie in the frozen front."""
        from handful.backbones.cut import chain

        backbone = get(self.backbone)
        first = self._cut(backbone).first
        return [level for level, end in chain(backbone).ends.items() if end <= first]

    def _outputs(self, X: Any) -> np.ndarray:
        """The network's output `(n, d)`, averaged over the views that it was trained on."""
        from handful.nets.train import PREDICTED_AT_ONCE, from_arrays, outputs

        check_is_fitted(self, "weights_")
        images = X if isinstance(X, Images) else Images.from_array(np.asarray(X))
        backbone = get(self.backbone)
        if backbone.sha256 != self.sha256_:
            raise HandfulError(
                f"this model was fine-tuned from other weights of {self.backbone!r} than those that are here "
                f"(SHA-256 {self.sha256_[:16]}…, here {backbone.sha256[:16]}…)."
            )
        cut, where = self._cut(backbone), device()
        module = from_arrays(lambda: cut.tail(self.weights_["linear.bias"].shape[0]), self.weights_)
        found = []
        for first in range(0, max(1, len(images)), PREDICTED_AT_ONCE):
            some = images[np.arange(first, min(first + PREDICTED_AT_ONCE, len(images)))]
            looks = [_looked_at(some, cut, name, where) for name in self.views]
            each = [outputs(module, look, np.arange(len(some)), where).numpy() for look in looks]
            found.append(np.mean(each, axis=0, dtype=float))
        return np.concatenate(found)


class FineTunedClassifier(ClassifierMixin, _FineTuned):
    """The last steps of a backbone and a linear head, trained on from the linear probe.

    What lies before the cut is run once for each picture and view and cached, so that an epoch costs only the
    layers that learn. With nothing frozen (`depth` None) the pixels themselves go through the whole network.

    Parameters
    ----------
    backbone : a name as for `handful.backbones.get`
    level : "last", or "blockN": where the network ends and the head begins
    depth : steps that are trained, counted back from the level; None: all
    views : fixed views to train on (`handful.data.views`), one drawn at random each time; predictions look at
        all of them, and average what the network says
    policy : where nothing is frozen, how batches are augmented (`nets.augment.POLICIES`) instead of views
    size : side of the pictures in pixels; the backbone's own unless given
    epochs, lr, towards_start, smoothing : see `nets.train.Recipe`
    layer_decay : each step's learning rate is
        `layer_decay` times that of the step after it
    validate : whether a part of the training part first finds the number of epochs, at twice the cost

    Attributes
    ----------
    weights_ : dict of arrays, of the trained part only; the front comes from the registry
    history_ : a dict of numbers an epoch
    """

    def fit(self, X: Any, y: np.ndarray, groups: np.ndarray | None = None) -> FineTunedClassifier:
        """X `Images` or `(n, S, S, 3)` uint8, y `(n,)` labels, groups `(n,)` or None."""
        self.classes_, codes = np.unique(y, return_inverse=True)
        held = validation_part(codes, groups, self.random_state, classes=True) if self.validate else None
        probe = LogisticHead(random_state=self.random_state)
        self._train(X, codes, Probe(probe, groups), len(self.classes_), held)
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        return softmax(self._outputs(X))

    def predict(self, X: Any) -> np.ndarray:
        return self.classes_[self._outputs(X).argmax(axis=1)]


class FineTunedRegressor(RegressorMixin, _FineTuned):
    """As `FineTunedClassifier`, for numbers: the probe is ridge regression."""

    def fit(self, X: Any, y: np.ndarray, groups: np.ndarray | None = None) -> FineTunedRegressor:
        """X `Images` or `(n, S, S, 3)` uint8, y `(n,)` values, groups `(n,)` or None."""
        y = np.asarray(y, dtype=float)
        self.mean_, self.scale_ = float(y.mean()), float(y.std()) or 1.0
        held = validation_part(y, groups, self.random_state, classes=False) if self.validate else None
        probe = RidgeHead(random_state=self.random_state)
        self._train(X, (y - self.mean_) / self.scale_, Probe(probe, groups), None, held)
        return self

    def predict(self, X: Any) -> np.ndarray:
        return self._outputs(X)[:, 0] * self.scale_ + self.mean_


class Probe:
    """A linear model and the groups that its inner folds keep whole: fitted, gives `(K, d)` and `(K,)`."""

    def __init__(self, model: Any, groups: np.ndarray | None) -> None:
        self.model = model
        self.groups = groups

    def fit(self, Z: np.ndarray, targets: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        self.model.fit(Z, targets, None if self.groups is None else self.groups[rows])
        return np.atleast_2d(self.model.coef_), np.atleast_1d(self.model.intercept_)


def start_from_probe(
    tail: Tail, inputs: Inputs, rows: np.ndarray, targets: np.ndarray, probe: Probe, where: str
) -> None:
    """Give the head a linear probe's weights, on the standardised features of the plain pictures `rows`."""
    import torch

    from handful.nets.train import PREDICTED_AT_ONCE

    tail.eval().to(where)
    pieces = np.array_split(rows, max(1, -(-len(rows) // PREDICTED_AT_ONCE)))
    with torch.inference_mode():
        Z = torch.cat([tail.features(inputs(piece, None).to(where)).cpu() for piece in pieces]).numpy()
    scaler = StandardScaler().fit(Z)
    coef, intercept = probe.fit(scaler.transform(Z), targets[rows], rows)
    tail.to("cpu")
    with torch.no_grad():
        for old, new in (
            (tail.mean, scaler.mean_),
            (tail.scale, scaler.scale_),
            (tail.linear.weight, coef),
            (tail.linear.bias, intercept),
        ):
            old.copy_(torch.as_tensor(new, dtype=torch.float32))


def _inputs(images: Images, cut: Cut, views: tuple[str, ...], policy: str, where: str) -> Inputs:
    """Rows to a batch behind the cut: of a view at random while training, else of the plain picture."""
    import torch

    from handful.backbones.front import activations

    if cut.first == 0:
        return _whole_pictures(images, cut, policy, where)
    names = _with_plain(views)
    matrices = activations(images, cut, names, device=where)
    # The float16 rows stay where the network is: on a GPU they are sent once.
    stored = [torch.from_numpy(matrix).to(where) for matrix in matrices]
    trained = [names.index(v) for v in views]

    def inputs(rows: np.ndarray, random: np.random.Generator | None) -> torch.Tensor:
        if random is None or trained == [0]:
            return cut.restored(stored[0][torch.from_numpy(rows).to(where)].float())
        drawn = np.array(trained)[random.integers(len(trained), size=len(rows))]
        out = torch.empty((len(rows), cut.width), device=where)
        for v in np.unique(drawn):
            mine = torch.from_numpy(np.flatnonzero(drawn == v)).to(where)
            out[mine] = stored[v][torch.from_numpy(rows[drawn == v]).to(where)].float()
        return cut.restored(out)

    return inputs


def _looked_at(images: Images, cut: Cut, name: str, where: str) -> Inputs:
    """Rows to a batch behind the cut, of one view; nothing that is not stored yet is stored."""
    import torch

    from handful.backbones.front import activations

    if cut.first == 0:
        return _whole_pictures(images, cut, "none", where)
    stored = torch.from_numpy(activations(images, cut, (name,), device=where, keep=False)[0]).to(where)
    return lambda rows, _: cut.restored(stored[torch.from_numpy(rows).to(where)].float())


def _with_plain(views: tuple[str, ...]) -> tuple[str, ...]:
    return (PLAIN, *(v for v in views if v != PLAIN))


def _whole_pictures(images: Images, cut: Cut, policy: str, where: str) -> Inputs:
    """Rows to a batch of pictures, for a network of which nothing is frozen; augmented where they are."""
    import torch

    from handful.backbones.front import pixels_at
    from handful.nets.augment import augmented

    pixels = torch.from_numpy(pixels_at(images, cut, where)).to(where)
    front = cut.front().to(where)

    def inputs(rows: np.ndarray, random: np.random.Generator | None) -> torch.Tensor:
        batch = pixels[torch.from_numpy(rows).to(where)]
        if random is not None and policy != "none":
            unit = batch.permute(0, 3, 1, 2).float() / 255
            batch = 255 * augmented(unit, policy, random).permute(0, 2, 3, 1)
        return front.normalised(batch)

    return inputs


# Fixed views to train on: seen a little moved, nearer and farther; mirrored too, or not.
MOVED = (PLAIN, "left", "right", "up", "down", "nearer", "farther")
MIRRORED = (*MOVED, "flip")
TURNED = (PLAIN, *POLICIES["geometric"].views)


def candidates(dataset: Dataset, settings: Settings) -> list[Candidate]:
    """From `standard` on, for each backbone that can be cut: its last steps trained on.

    `thorough` adds views without a mirror and in any orientation, of which the folds choose, and more trained
    steps for as long as a validation part says; where a GPU was asked for, the whole network is trained too.
    A backbone that cannot be cut is passed over (`notes` says so). Texts have a way of their own.
    """
    if dataset.modality == "text":
        return contrastive.candidates(dataset, settings)
    if dataset.modality != "image" or settings.effort == "quick":
        return []
    return [found for name in foremost(settings) for found in _of_backbone(name, dataset, settings)]


def _of_backbone(name: str, dataset: Dataset, settings: Settings) -> list[Candidate]:
    if _whole_only(name):
        return []
    plans: list[tuple[str, dict[str, Any]]] = [("", {"views": MIRRORED})]
    if settings.effort == "thorough":
        plans.append(("unmirrored", {"views": MOVED}))
        plans.append(("turned", {"views": TURNED}))
        plans.append(("deeper", {"views": MIRRORED, "depth": 6, "validate": True}))
    if settings.device == "cuda":
        whole = {"depth": None, "policy": "light", "epochs": 20, "lr": 2e-4, "layer_decay": 0.75}
        plans.append(("whole", whole))
    found = [_candidate(name, extra, plan, dataset) for extra, plan in plans]
    return [candidate for candidate in found if candidate is not None]


def notes(dataset: Dataset, settings: Settings) -> list[Finding]:
    """The backbones that are used frozen only, since they cannot be cut."""
    if dataset.modality == "text":
        return contrastive.notes(dataset, settings)
    if dataset.modality != "image" or settings.effort == "quick":
        return []
    if settings.families is not None and "finetune" not in settings.families:
        return []
    why = [(name, _whole_only(name)) for name in foremost(settings)]
    return [Finding("not tried", "note", f"Fine-tuning was not tried: {w}", [b]) for b, w in why if w]


def _whole_only(name: str) -> str | None:
    """Why a backbone cannot be cut; None where it can."""
    from handful.backbones.cut import CutError, chain

    try:
        chain(get(name))
    except CutError as error:
        return str(error)
    return None


_EXTRA = {
    "": "its last layers trained on",
    "turned": "its last layers trained on, on pictures in any orientation",
    "unmirrored": "its last layers trained on, on pictures that are never mirrored",
    "deeper": "more of its last layers trained on, for as long as a validation part says",
    "whole": "all its layers trained on",
}


def _candidate(name: str, extra: str, plan: dict[str, Any], dataset: Dataset) -> Candidate | None:
    """None where the activations of the plain pictures alone would take too much."""
    classes = dataset.task == "classification"
    estimator = (FineTunedClassifier if classes else FineTunedRegressor)(backbone=name, **plan)
    if not _made_affordable(estimator, len(dataset)):
        return None
    return Candidate(
        f"{name} fine-tuned {extra}".strip(),
        f"{name}, {_EXTRA[extra]}",
        "finetune",
        estimator,
        cost=66 if extra == "whole" else 65,
        base=f"{name} last {'logistic' if classes else 'ridge'}",
        technique="fine-tuning",
        deep=True,
    )


def _made_affordable(estimator: Any, n: int) -> bool:
    """Fewer trained steps where that makes activations smaller, then fewer views; False: still too much."""
    if estimator.depth is None:
        return True
    backbone, depths = get(estimator.backbone), range(estimator.depth, 0, -1)
    for depth in depths:
        a_view = 2 * n * estimator.set_params(depth=depth)._cut(backbone).width
        if a_view * len(estimator.views) <= MOST_BYTES:
            return True
    estimator.set_params(views=estimator.views[: MOST_BYTES // a_view])
    return len(estimator.views) > 0
