"""Contrastive fine-tuning of a text encoder: its last blocks learn which texts belong together, then a head.

Tunstall et al., "Efficient few-shot learning without prompts" (SetFit), 2022: n examples are about n² pairs,
so a loss on pairs finds more to learn from in a handful of texts than one on labels. Three things make it
affordable on a CPU: what lies before the last blocks is run once for each text and kept, all pairs of a batch
are used at once, and training looks at the beginning of long texts only.

A second head stays on the vectors as they were, and the two are averaged. Few texts can spoil an encoder as
well as teach it (output-space ensembling, Wortsman et al., "Robust fine-tuning of zero-shot models", 2022):
the average was as often right as the trained head, and its probabilities were better.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted

from handful.backbones import used
from handful.backbones.text_registry import get_text
from handful.data.dataset import Dataset, Finding
from handful.errors import HandfulError, MissingExtraError
from handful.nets.device import device
from handful.settings import Settings
from handful.strategies.candidate import Candidate, count_parameters
from handful.strategies.chain import Chain
from handful.strategies.heads import LogisticHead
from handful.strategies.named import with_names

if TYPE_CHECKING:
    import torch

    from handful.backbones.text_cut import TextCut
    from handful.nets.train import Inputs, Recipe

# What the kept states of all texts may take: on the disk, and in each worker's memory.
MOST_BYTES = 600_000_000
AT_ONCE = 32  # texts that go through the trained blocks together, to get their vectors
# Texts are seen so often in all, where there are many: the effort of a fit does not grow with the data.
PASSES = 2000
EPOCHS = 8
# What `quick` may spend on it, in CPU seconds: five folds, a learning curve and a control are about 18 fits
# of four fifths of the texts. And what a word piece costs each time that the two last blocks learn from it.
MOST_SECONDS = 100.0
FITS = 18
SECONDS_A_PIECE = 0.0004


class ContrastiveClassifier(ClassifierMixin, BaseEstimator):
    """The last blocks of a text encoder, trained on pairs; a head on the vectors before and one after it.

    Parameters
    ----------
    backbone : a name as for `handful.backbones.texts.get_text`
    depth : blocks that are trained, counted back from the end
    epochs : passes over the texts
    pieces : word pieces of each text that training looks at, from its beginning; predictions look at as many
        as the backbone takes
    lr, batch : see `nets.train.Recipe`
    head : a classifier on standardised vectors; logistic regression unless given
    names : of the classes, in the order of the codes in y, each learned from as a text of its class; or none

    Attributes
    ----------
    weights_ : dict of arrays, of the trained blocks only; the front comes from the backbone
    history_ : a dict of numbers an epoch
    heads_ : scaler and head on the vectors before training, and on those after it
    """

    def __init__(
        self,
        backbone: str = "minilm",
        depth: int = 2,
        epochs: int = 8,
        pieces: int = 64,
        lr: float = 2e-4,
        batch: int = 16,
        head: Any = None,
        names: Sequence[str] = (),
        random_state: int = 0,
    ) -> None:
        self.backbone = backbone
        self.depth = depth
        self.epochs = epochs
        self.pieces = pieces
        self.lr = lr
        self.batch = batch
        self.head = head
        self.names = names
        self.random_state = random_state

    def fit(self, X: Any, y: np.ndarray, groups: np.ndarray | None = None) -> ContrastiveClassifier:
        """X `(n,)` texts, y `(n,)` labels, groups `(n,)` or None: inner folds of the head keep them whole."""
        from handful.backbones.text_cut import states
        from handful.nets.contrast import cosine_pairs
        from handful.nets.train import train

        if self.names:
            X, y, groups = with_names(X, y, groups, self.names)
        self.classes_, codes = np.unique(y, return_inverse=True)
        cut, where = self._cut(), device()
        kept = states(X, cut, device=where)
        found = train(
            cut.tail,
            _inputs(kept, self.pieces),
            codes,
            self._recipe(),
            seed=self.random_state,
            n_classes=len(self.classes_),
            loss=cosine_pairs,
            device=where,
        )
        self.weights_, self.history_ = found.weights, found.history
        self.identity_ = cut.backbone.identity
        head = LogisticHead(random_state=self.random_state) if self.head is None else self.head
        self.heads_ = [
            Chain([StandardScaler()], head).fit(Z, y, groups) for Z in self._vectors(kept, cut, where)
        ]
        learned = [count_parameters(chain) or 0 for chain in self.heads_]
        self.n_parameters_ = sum(v.size for v in self.weights_.values()) + sum(learned)
        return self

    def warm(self, texts: Any, progress: Any = None) -> None:
        """Compute the states that `fit` and `predict` will ask for."""
        from handful.backbones.text_cut import warm_states

        warm_states(texts, self._cut(), device=device(), progress=progress)

    def _cut(self) -> TextCut:
        from handful.backbones.text_cut import cut_text

        return cut_text(get_text(self.backbone), self.depth)

    def _recipe(self) -> Recipe:
        from handful.nets.train import Recipe

        return Recipe(
            epochs=self.epochs,
            batch=self.batch,
            lr=self.lr,
            weight_decay=0.0,
            warmup=0.1,
            ema=0.9,
        )

    def _vectors(self, kept: list[np.ndarray], cut: TextCut, where: str) -> list[np.ndarray]:
        """Of whole texts `(n, d)` before training and after it."""
        from handful.nets.train import from_arrays

        return [_vectors(tail, kept, where) for tail in (cut.tail(), from_arrays(cut.tail, self.weights_))]

    def predict_proba(self, X: Any) -> np.ndarray:
        return self.each_proba(X).mean(axis=0)

    def each_proba(self, X: Any) -> np.ndarray:
        """`(2, n, K)`: what the head on the vectors before training says, and the one on those after it."""
        from handful.backbones.text_cut import states

        check_is_fitted(self, "heads_")
        cut, where = self._cut(), device()
        if cut.backbone.identity != self.identity_:
            raise HandfulError(
                f"this model was fine-tuned from other weights of {self.backbone!r} than those that are "
                "here; install the ones that it was fitted with, or fit it again."
            )
        pairs = zip(self.heads_, self._vectors(states(X, cut, device=where), cut, where), strict=True)
        return np.stack([head.predict_proba(Z) for head, Z in pairs])

    def predict(self, X: Any) -> np.ndarray:
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


def _vectors(tail: torch.nn.Module, kept: list[np.ndarray], where: str) -> np.ndarray:
    """`(n, d)` float64, texts of similar length together."""
    from handful.nets.train import outputs

    inputs = _inputs(kept, None)
    order = np.argsort([len(x) for x in kept], kind="stable")
    out = np.empty((len(kept), kept[0].shape[1] if kept else 0))
    for rows in np.array_split(order, max(1, -(-len(order) // AT_ONCE))):
        out[rows] = outputs(tail, inputs, rows, where).numpy()
    return out


def _inputs(kept: list[np.ndarray], pieces: int | None) -> Inputs:
    """Rows to a batch of states; while training of the first `pieces` only."""
    from handful.backbones.text_cut import pack

    def inputs(rows: np.ndarray, random: np.random.Generator | None) -> torch.Tensor:
        return pack([kept[i] if random is None else kept[i][:pieces] for i in rows])

    return inputs


def candidates(dataset: Dataset, settings: Settings) -> list[Candidate]:
    """For classes of texts: the last blocks of each encoder that can be cut, trained on pairs.

    In `quick` only where that takes about a minute in all, on two cores. Numbers are not predicted in this
    way: how close two values are says little of which texts belong together.
    """
    if not _wanted(dataset, settings):
        return []
    found = []
    for name in _used(settings):
        if _affordable(dataset, settings, name) and _whole_only(name) is None:
            found.append(
                Candidate(
                    f"{name} contrastive",
                    f"{name}, its last layers trained to tell pairs of texts apart",
                    "finetune",
                    ContrastiveClassifier(name, epochs=epochs_for(len(dataset)), head=LogisticHead()),
                    cost=65,
                    base=f"{name} logistic",
                    technique="contrastive fine-tuning",
                    deep=True,
                )
            )
    return found


def notes(dataset: Dataset, settings: Settings) -> list[Finding]:
    """The encoders that are used frozen only, since they cannot be cut."""
    if not _wanted(dataset, settings) or settings.effort == "quick":  # where loading them would be a wait
        return []
    why = [(name, _whole_only(name)) for name in _used(settings)]
    return [Finding("not tried", "note", f"Fine-tuning was not tried: {w}", [b]) for b, w in why if w]


def _wanted(dataset: Dataset, settings: Settings) -> bool:
    if dataset.modality != "text" or dataset.task != "classification":
        return False
    return settings.families is None or "finetune" in settings.families


def _used(settings: Settings) -> list[str]:
    """The encoders with a network in them; static word vectors have nothing to train on."""
    return [name for name in used(settings, "text") if get_text(name).kind == "transformer"]


def epochs_for(n: int) -> int:
    """Passes over n texts: `EPOCHS`, fewer where there are many, so that a fit does not take ever longer."""
    return int(np.clip(round(PASSES / n), 2, EPOCHS))


def _affordable(dataset: Dataset, settings: Settings, name: str) -> bool:
    """Whether the states of all texts may be kept, and whether `quick` may train."""
    from handful.data.texts import words

    backbone = get_text(name)
    lengths = np.array([1.4 * words(text) + 2 for text in dataset.X])  # word pieces, about
    if 2 * np.minimum(lengths, 256).sum() * backbone.dimension > MOST_BYTES:
        return False
    if settings.effort != "quick":
        return True
    estimator = ContrastiveClassifier()
    seen = np.minimum(lengths, estimator.pieces).sum() * epochs_for(len(dataset))
    return FITS * 0.8 * seen * SECONDS_A_PIECE <= MOST_SECONDS


def _whole_only(name: str) -> str | None:
    """Why an encoder cannot be cut; None where it can."""
    from handful.backbones.text_cut import TextCutError, cut_text

    try:
        cut_text(get_text(name), 1)
    except (TextCutError, MissingExtraError) as error:
        return str(error)
    return None
