"""Made-up pictures: a conditional variational autoencoder, and three ways to draw codes from it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

from handful.data.dataset import Images
from handful.nets.manifold import manifold_codes, radius
from handful.nets.train import Recipe
from handful.strategies.generators import Generator
from handful.strategies.pixels import Pixels, resized
from handful.strategies.stage import remembered

if TYPE_CHECKING:
    from handful.nets.picture_vae import PictureVAE as Network

# Chosen on other draws than those that benchmarks/vae.py reports (see its first lines).
RECIPE = Recipe(batch=32, lr=8e-3, weight_decay=0.01, ema=0.98, clip=10.0)
WIDTH = 16
COLLAPSED = (
    "The autoencoder has collapsed: its code says nothing of a picture beyond the class, so that all that it "
    "makes up of a class are nearly the same. A smaller beta or more steps can help."
)
SAMPLERS = ("prior", "posterior", "riemannian")


class PictureVAE(Generator):
    """Pictures made up by a variational autoencoder (see `handful.nets.picture_vae`).

    Parameters
    ----------
    latent : numbers of a code, at most
    beta, free_bits : weight of the KL, and the nats a latent may hold at no cost
    conditional : one network that is told the class; otherwise the codes of the class alone decide
    sampler : where new codes come from. "posterior": around the codes of training pictures of the class, as
        uncertain as the encoder is of them; "riemannian": between those codes, by the geometry of the latent
        space (see `handful.nets.manifold`); "prior": the standard normal, for conditional networks only
    spread : how far from the codes, or from zero, against the usual distance
    size : pixels a side that the network draws, a multiple of 16; samples are enlarged to the size of X
    augment : a policy of `handful.nets.augment` that changes what it learns from; not one that mixes
    epochs : passes over the pictures; None: as many as a fixed number of steps takes

    After `fit`: `classes_`, `weights_`, `plan_`, `history_` (for each epoch `train_reconstruction` and
    `train_kl`, nats a picture), `steps_`, `n_parameters_`, `codes_` and `deviations_` `(n, latent)` of the
    training pictures, `labels_` `(n,)`, `n_latent_active_` (latents that tell pictures of a class apart),
    `collapsed_` (none does) and `warning_` (that in a sentence, or None).
    """

    SPACE = "X"

    def __init__(
        self,
        latent: int = 16,
        beta: float = 1.0,
        free_bits: float = 0.0,
        conditional: bool = True,
        sampler: str = "riemannian",
        spread: float = 1.0,
        size: int = 32,
        augment: str = "none",
        epochs: int | None = None,
        random_state: int = 0,
    ) -> None:
        self.latent = latent
        self.beta = beta
        self.free_bits = free_bits
        self.conditional = conditional
        self.sampler = sampler
        self.spread = spread
        self.size = size
        self.augment = augment
        self.epochs = epochs
        self.random_state = random_state

    def fit(self, X: Any, y: np.ndarray, groups: np.ndarray | None = None) -> PictureVAE:
        """X `Images` or `(n, S, S, 3)` uint8, y `(n,)` labels; groups do not matter, as nothing validates."""
        from handful.nets.train import count_trainable
        from handful.nets.vae import active_units

        if self.sampler not in SAMPLERS:
            raise ValueError(f"sampler is one of {', '.join(SAMPLERS)}, but this is {self.sampler!r}.")
        if self.sampler == "prior" and not self.conditional:
            raise ValueError(
                "a network that is not told the class cannot draw one of a class from the prior."
            )
        images = X if isinstance(X, Images) else Images.from_array(np.asarray(X))
        self.labels_ = np.asarray(y)
        self.classes_ = np.unique(self.labels_)
        self.side_ = images.size
        pictures = self._pictures(images)
        self.plan_ = self._plan(pictures)
        # All samplers draw from one training.
        as_trained = clone(self).set_params(sampler=SAMPLERS[0], spread=1.0)
        self.weights_, told = remembered(
            as_trained, lambda: self._learned(pictures), images, self.labels_.astype(str)
        )
        self.history_, self.steps_ = told["history"], told["steps"]
        self.n_parameters_ = count_trainable(self._network)
        self.codes_, self.deviations_ = self._encoded(pictures, self._given(self.labels_))
        apart = _within(self.codes_, self.labels_) if self.conditional else self.codes_
        self.n_latent_active_ = active_units(apart)
        self.collapsed_ = self.n_latent_active_ == 0
        self.warning_ = COLLAPSED if self.collapsed_ else None
        return self

    def sample(self, labels: np.ndarray, seed: int | None = None) -> np.ndarray:
        """Made-up pictures `(m, S, S, 3)` uint8 with these labels, as large as those learned from."""
        labels = np.asarray(labels)
        self._known(labels)
        random = np.random.default_rng([self.random_state if seed is None else seed, 53])
        z = np.empty((len(labels), self.latent))
        for label in np.unique(labels):
            at = np.flatnonzero(labels == label)
            z[at] = self._drawn(label, len(at), random)
        return self.decode(z, labels)

    def encode(self, X: Any, labels: np.ndarray | None = None) -> np.ndarray:
        """The codes of pictures `(n, S, S, 3)`, `(n, latent)`; without labels, their mean over all labels."""
        images = X if isinstance(X, Images) else Images.from_array(np.asarray(X))
        return self._encoded(self._pictures(images), self._given(labels, len(images)))[0]

    def decode(self, z: np.ndarray, labels: np.ndarray | None = None) -> np.ndarray:
        """Pictures `(m, S, S, 3)` uint8 of codes `(m, latent)`; without labels, as if of all at once."""
        return self._decoded(np.asarray(z), self._given(labels, len(z)))

    def reconstruct(self, X: Any, labels: np.ndarray | None = None) -> np.ndarray:
        """What the network keeps of pictures: `(n, S, S, 3)` uint8."""
        return self.decode(self.encode(X, labels), labels)

    def interpolate(
        self, a: np.ndarray, b: np.ndarray, labels: tuple[Any, Any] | None = None, steps: int = 7
    ) -> np.ndarray:
        """From picture a `(S, S, 3)` to b on a straight line of codes, and of their labels where given.

        Returns `(steps, S, S, 3)` uint8, of which the first and last are the reconstructions of a and b.
        """
        ends = self._given(None if labels is None else np.asarray(labels), 2)
        codes = self._encoded(self._pictures(Images.from_array(np.stack([a, b]))), ends)[0]
        share = np.linspace(0, 1, steps)[:, None]
        line = [(1 - share) * first + share * last for first, last in (codes, ends)]
        return self._decoded(*line)

    def _learned(self, pictures: np.ndarray) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Weights, and the course of the training."""
        import torch

        from handful.nets.augment import augmented
        from handful.nets.device import device
        from handful.nets.picture_vae import epochs_for, vae_loss
        from handful.nets.train import train

        n = len(pictures)
        epochs = epochs_for(n, RECIPE.batch) if self.epochs is None else self.epochs
        whole = torch.from_numpy(pictures).to(device())
        labels = torch.from_numpy(self._given(self.labels_)).to(device())

        def inputs(rows: np.ndarray, random: np.random.Generator | None) -> torch.Tensor:
            at = torch.from_numpy(rows).to(device())
            x = whole[at] if random is None else augmented(whole[at], self.augment, random)
            return torch.cat([x.flatten(1), labels[at]], dim=1)  # (b, pixels + K)

        trained = train(
            self._network,
            inputs,
            np.zeros(n),  # what a picture should become is the picture itself
            replace(RECIPE, epochs=epochs),
            seed=self.random_state,
            loss=vae_loss(beta=self.beta, free_bits=self.free_bits),
            device=device(),
        )
        steps = trained.epochs * max(1, round(n / RECIPE.batch))
        return trained.weights, {"history": trained.history, "steps": steps}

    def _plan(self, pictures: np.ndarray) -> dict[str, Any]:
        """What rebuilds the module."""
        return {
            "channels": pictures.shape[1],
            "size": self.size,
            "width": WIDTH,
            "latent": self.latent,
            "n_classes": len(self.classes_) if self.conditional else 0,
            "mean": pictures.mean(axis=(0, 2, 3)),
            "std": np.maximum(pictures.std(axis=(0, 2, 3)), 1e-3),
        }

    def _network(self) -> Network:
        from handful.nets.picture_vae import PictureVAE as Network

        return Network(**self.plan_)

    def _pictures(self, images: Images) -> np.ndarray:
        """`(n, channels, size, size)` float32 in 0…1; one channel where all that was learned from is grey."""
        flat = Pixels(self.size).transform(images)
        planes = flat.reshape(-1, self.size, self.size, 3).transpose(0, 3, 1, 2)
        if hasattr(self, "plan_"):
            grey = self.plan_["channels"] == 1
        else:
            grey = bool((planes == planes[:, :1]).all())
        return np.ascontiguousarray(planes.mean(axis=1, keepdims=True) if grey else planes)

    def _given(self, labels: np.ndarray | None, n: int = 0) -> np.ndarray:
        """Labels as the network is told them, `(n, K)`, or `(n, 0)` where it is told none."""
        if not self.conditional:
            return np.zeros((n if labels is None else len(labels), 0), dtype=np.float32)
        K = len(self.classes_)
        if labels is None:
            return np.full((n, K), 1 / K, dtype=np.float32)
        self._known(labels)
        return np.eye(K, dtype=np.float32)[np.searchsorted(self.classes_, labels)]

    def _known(self, labels: np.ndarray) -> None:
        strange = sorted(set(labels.tolist()) - set(self.classes_.tolist()), key=str)
        if strange:
            known = ", ".join(map(str, self.classes_))
            raise ValueError(f"{strange[0]!r} is none of the classes learned from, which are {known}.")

    def _encoded(self, pictures: np.ndarray, given: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Means and standard deviations of the codes, each `(n, latent)`."""
        mu, log_var = self._through("encode", pictures, given)
        return mu, np.exp(0.5 * log_var)

    def _decoded(self, z: np.ndarray, given: np.ndarray) -> np.ndarray:
        (planes,) = self._through("decode", z, given)
        small = np.round(255 * planes.transpose(0, 2, 3, 1)).astype(np.uint8)  # (m, size, size, channels)
        rgb = np.broadcast_to(small, (*small.shape[:3], 3))
        return np.stack([resized(np.ascontiguousarray(picture), self.side_) for picture in rgb])

    def _through(self, way: str, x: np.ndarray, given: np.ndarray) -> list[np.ndarray]:
        """What one half of the trained network makes of x and labels, in arrays of `(n, …)` float64."""
        import torch

        from handful.nets.device import device
        from handful.nets.train import PREDICTED_AT_ONCE, from_arrays

        check_is_fitted(self, "weights_")
        half = getattr(from_arrays(self._network, self.weights_).to(device()), way)
        pieces = []
        with torch.inference_mode():
            for rows in np.array_split(np.arange(len(x)), max(1, -(-len(x) // PREDICTED_AT_ONCE))):
                both = [torch.as_tensor(part[rows]).float().to(device()) for part in (x, given)]
                out = half(*both)
                pieces.append([part.cpu().numpy() for part in (out if isinstance(out, tuple) else (out,))])
        return [np.concatenate(parts).astype(float) for parts in zip(*pieces, strict=True)]

    def _drawn(self, label: Any, m: int, random: np.random.Generator) -> np.ndarray:
        """m new codes `(m, latent)` for one class."""
        if self.sampler == "prior":
            return self.spread * random.standard_normal((m, self.latent))
        at = np.flatnonzero(self.labels_ == label)
        mu, std = self.codes_[at], self.deviations_[at]
        if self.sampler == "posterior":
            rows = random.integers(len(at), size=m)
            return mu[rows] + self.spread * std[rows] * random.standard_normal((m, self.latent))
        usual = radius(self.codes_)
        return manifold_codes(mu, std, m, random, spread=self.spread, usual=usual or 1.0)


def _within(codes: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Codes of classes with two members or more, less the mean of the class; all as they are without such."""
    classes, at, counts = np.unique(labels, return_inverse=True, return_counts=True)
    means = np.stack([codes[at == k].mean(axis=0) for k in range(len(classes))])
    several = counts[at] > 1
    return (codes - means[at])[several] if several.any() else codes
