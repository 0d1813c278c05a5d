"""The one training loop, for every network that is trained here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from handful.errors import HandfulError

if TYPE_CHECKING:
    import torch

# What a network gets to see: rows `(b,)` to a batch. With a generator the draw may be an altered one, for
# training; without, it is the plain sample, for validation and prediction.
Inputs = Callable[[np.ndarray, "np.random.Generator | None"], "torch.Tensor"]
# Mixes a batch and its targets, as mixup and CutMix do.
Mix = Callable[["torch.Tensor", "torch.Tensor", np.random.Generator], "tuple[torch.Tensor, torch.Tensor]"]
# Named terms of (output, targets, progress), whose sum is made small; `progress` is the share of all steps
# that are done, and 1 when something is validated.
Loss = Callable[["torch.Tensor", "torch.Tensor", float], "dict[str, torch.Tensor]"]
# Gives a new network, on the CPU, what it begins with, from the samples at these positions.
Start = Callable[["torch.nn.Module", np.ndarray], None]
ParameterGroups = Callable[["torch.nn.Module"], "list[dict[str, Any]]"]

PREDICTED_AT_ONCE = 256
ERROR = "error"  # the one term of the usual losses


class TrainingError(HandfulError, ArithmeticError):
    """The loss has become infinite or undefined."""


@dataclass(frozen=True)
class Recipe:
    """How a network is trained.

    Parameters
    ----------
    epochs : at most so many passes over the data; `patience` without a better validation loss end it sooner
    batch : samples a step; fewer where there are not twice as many
    lr : peak learning rate of AdamW, reached after the first `warmup` share of all steps, then a cosine to 0
    weight_decay : not for norms and biases
    smoothing : label smoothing (Szegedy et al. 2016), for classes
    balance : classes count in proportion to frequency ** -balance; 1 would be even, at a price in accuracy
    ema : decay of the moving average of the weights, which is what validates and serves; None: none
    clip : the largest norm of the gradient
    towards_start : strength of the pull towards the weights at the start (L2-SP, Li et al. 2018)
    """

    epochs: int = 60
    batch: int = 32
    lr: float = 1e-3
    weight_decay: float = 0.05
    warmup: float = 0.1
    smoothing: float = 0.1
    balance: float = 0.5
    ema: float | None = 0.98
    clip: float = 1.0
    patience: int = 12
    towards_start: float = 0.0


@dataclass
class Trained:
    """A trained network's weights as arrays, and a dict of numbers for each epoch of the validated training:
    `epoch`, `train_loss`, and where something was held out `val_loss` and `val_score` (accuracy or R²); of a
    loss with several terms also `train_TERM` and `val_TERM`.
    """

    weights: dict[str, np.ndarray]
    epochs: int
    history: list[dict[str, float]] = field(default_factory=list)


def train(
    make: Callable[[], torch.nn.Module],
    inputs: Inputs,
    targets: np.ndarray,
    recipe: Recipe,
    *,
    seed: int,
    n_classes: int | None = None,
    held: np.ndarray | None = None,
    mix: Mix | None = None,
    groups: ParameterGroups | None = None,
    loss: Loss | None = None,
    start: Start | None = None,
    device: str = "cpu",
) -> Trained:
    """Train on part of the samples to find how many epochs it takes, then on all of them for as many.

    Parameters
    ----------
    make : builds the network as it starts; its output is `(b, n_classes)` logits, or `(b, 1)` values; while
        it trains also `(b, m, ·)`, of m members inside one network, whose losses are averaged
    inputs : rows of the training samples to a batch, see `Inputs`
    targets : `(n,)` class numbers, or `(n,)` or `(n, d)` numbers where `n_classes` is None
    held : positions that validate; None: nothing validates, and all epochs are run
    groups : parameter groups with `lr_scale`, for layer-wise learning rates
    loss : of (output, targets `(b, n_classes)` or `(b, d)`, progress), see `Loss`; cross entropy or squared
        error unless given
    start : what the network begins with, of those samples alone that it then learns from, see `Start`

    Raises TrainingError where the loss is not finite.
    """
    import torch

    def begun(rows: np.ndarray) -> torch.nn.Module:
        module = make()
        if start is not None:
            start(module, rows)
        return module

    with _seeded(torch, seed, device):
        goal = _targets(torch, targets, n_classes)
        criterion = loss or _criterion(torch, targets, n_classes, recipe, device)
        everyone = np.arange(len(goal))
        if held is None or len(held) == 0:
            module, history = _run(
                begun(everyone), inputs, goal, everyone, None, recipe, seed, criterion, mix, groups, device
            )
            return Trained(to_arrays(module), recipe.epochs, history)
        learn = np.setdiff1d(everyone, held)
        _, history = _run(
            begun(learn), inputs, goal, learn, held, recipe, seed, criterion, mix, groups, device
        )
        best = 1 + int(np.argmin([h["val_loss"] for h in history]))
        torch.manual_seed(seed)
        final = replace(recipe, epochs=best)
        module, _ = _run(
            begun(everyone), inputs, goal, everyone, None, final, seed, criterion, mix, groups, device
        )
        return Trained(to_arrays(module), best, history)


def _run(
    module: torch.nn.Module,
    inputs: Inputs,
    goal: torch.Tensor,
    learn: np.ndarray,
    held: np.ndarray | None,
    recipe: Recipe,
    seed: int,
    criterion: Loss,
    mix: Mix | None,
    groups: ParameterGroups | None,
    device: str,
) -> tuple[torch.nn.Module, list[dict[str, float]]]:
    """One training from the start to its last epoch, or until validation has not improved for long."""
    import torch

    from handful.backbones.torchvision_guard import import_timm

    import_timm()
    from timm.optim import param_groups_weight_decay
    from timm.scheduler import CosineLRScheduler
    from timm.utils import ModelEmaV3

    random = np.random.default_rng([seed, 17])
    module = module.to(device)
    start = [p.detach().clone() for p in module.parameters()] if recipe.towards_start else []
    batches = max(1, round(len(learn) / recipe.batch))
    steps = batches * recipe.epochs
    parameters = groups(module) if groups else param_groups_weight_decay(module, recipe.weight_decay)
    # fused: one call a step instead of one a tensor, which small networks on one core spend much time in
    optimiser = torch.optim.AdamW(parameters, lr=recipe.lr, weight_decay=recipe.weight_decay, fused=True)
    warm = round(recipe.warmup * steps)
    schedule = CosineLRScheduler(
        optimiser,
        max(1, steps - warm),
        warmup_t=warm,
        warmup_lr_init=0,
        warmup_prefix=True,
        t_in_epochs=False,
    )
    average = ModelEmaV3(module, decay=recipe.ema, use_warmup=True) if recipe.ema else None
    precise = torch.autocast("cuda") if device.startswith("cuda") else nullcontext()
    scaler = torch.amp.GradScaler("cuda", enabled=device.startswith("cuda"))
    history: list[dict[str, float]] = []
    step = 0
    for epoch in range(1, recipe.epochs + 1):
        module.train()
        totals: dict[str, float] = {}
        for rows in np.array_split(random.permutation(learn), batches):
            schedule.step_update(step)
            x, t = inputs(rows, random).to(device), goal[torch.from_numpy(rows)].to(device)
            if mix is not None:
                x, t = mix(x, t, random)
            with precise:
                terms = criterion(module(x), t, step / steps)
                value = torch.stack(list(terms.values())).sum()
            if not torch.isfinite(value):
                raise TrainingError(
                    f"the loss became {float(value.detach())} in epoch {epoch}: the inputs hold huge values, "
                    f"or the learning rate {recipe.lr:g} is too large for them."
                )
            for name, term in terms.items():
                totals[name] = totals.get(name, 0.0) + float(term.detach()) * len(rows)
            if recipe.towards_start:
                value = value + 0.5 * recipe.towards_start * _distance(module, start)
            optimiser.zero_grad(set_to_none=True)
            scaler.scale(value).backward()
            scaler.unscale_(optimiser)
            torch.nn.utils.clip_grad_norm_(module.parameters(), recipe.clip)
            scaler.step(optimiser)
            scaler.update()
            step += 1
            if average is not None:
                average.update(module, step=step)
        seen = {"epoch": float(epoch), **_told("train", {k: v / len(learn) for k, v in totals.items()})}
        served = module if average is None else average.module
        if held is not None:
            seen |= _validate(served, inputs, goal, held, criterion, device)
        history.append(seen)
        if held is not None and _waited(history) >= recipe.patience:
            break
    return served, history


def outputs(module: torch.nn.Module, inputs: Inputs, rows: np.ndarray, device: str = "cpu") -> torch.Tensor:
    """The network's output for the plain samples `rows`, `(len(rows), d)` on the CPU."""
    import torch

    module = module.to(device).eval()
    pieces = np.array_split(rows, max(1, -(-len(rows) // PREDICTED_AT_ONCE)))
    with torch.inference_mode():
        return torch.cat([module(inputs(piece, None).to(device)).float().cpu() for piece in pieces])


def to_arrays(module: torch.nn.Module) -> dict[str, np.ndarray]:
    """Weights and buffers as arrays, which can be saved without pickle."""
    return {k: v.detach().cpu().numpy().copy() for k, v in module.state_dict().items()}


def from_arrays(make: Callable[[], torch.nn.Module], weights: dict[str, np.ndarray]) -> torch.nn.Module:
    """The network with these weights, in eval mode."""
    import torch

    module = _made(make)
    module.load_state_dict({k: torch.as_tensor(np.asarray(v)) for k, v in weights.items()})
    return module.eval()


def count_trainable(make: Callable[[], torch.nn.Module]) -> int:
    """Numbers of a network that training can change."""
    return sum(p.numel() for p in _made(make).parameters() if p.requires_grad)


def _made(make: Callable[[], torch.nn.Module]) -> torch.nn.Module:
    """A network as it starts; what it draws for that is not taken from the caller's random numbers."""
    import torch

    with torch.random.fork_rng(devices=[]):
        return make()


@contextmanager
def _seeded(torch: Any, seed: int, device: str) -> Iterator[None]:
    """Every random number of torch from the seed, and one thread, so that sums are the same everywhere; then
    the caller's generator and threads as they were.
    """
    devices = [torch.device(device)] if device.startswith("cuda") else []
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.random.fork_rng(devices=devices):
            torch.manual_seed(seed)
            yield
    finally:
        torch.set_num_threads(threads)


def _targets(torch: Any, targets: np.ndarray, n_classes: int | None) -> Any:
    """`(n, n_classes)` rows of 0 and 1, or `(n, d)` numbers."""
    if n_classes is None:
        values = torch.as_tensor(np.asarray(targets, dtype=np.float32))
        return values.reshape(len(values), -1)
    return torch.nn.functional.one_hot(
        torch.as_tensor(np.asarray(targets, dtype=np.int64)), n_classes
    ).float()


def _told(part: str, terms: dict[str, float]) -> dict[str, float]:
    """The loss, and its terms where there are several."""
    each = {f"{part}_{name}": value for name, value in terms.items()} if len(terms) > 1 else {}
    return {f"{part}_loss": sum(terms.values()), **each}


def _criterion(torch: Any, targets: np.ndarray, n_classes: int | None, recipe: Recipe, device: str) -> Loss:
    plain = _plain_criterion(torch, targets, n_classes, recipe, device)

    def of_each_member(output: Any, t: Any, progress: float) -> dict[str, Any]:
        if output.ndim == 3:
            t = t.repeat_interleave(output.shape[1], dim=0)  # (b * m, ·)
            output = output.flatten(0, 1)
        return {ERROR: plain(output, t)}

    return of_each_member


def _plain_criterion(
    torch: Any, targets: np.ndarray, n_classes: int | None, recipe: Recipe, device: str
) -> Any:
    if n_classes is None:
        return torch.nn.MSELoss()
    counts = np.bincount(targets, minlength=n_classes)
    weights = np.maximum(counts, 1.0) ** -recipe.balance
    weights *= counts.sum() / (weights * counts).sum()  # a sample weighs 1 on average
    return torch.nn.CrossEntropyLoss(
        torch.as_tensor(weights, dtype=torch.float32, device=device), label_smoothing=recipe.smoothing
    )


def _distance(module: Any, start: list[Any]) -> Any:
    return sum(
        ((p - s) ** 2).sum() for p, s in zip(module.parameters(), start, strict=True) if p.requires_grad
    )


def _validate(
    module: Any, inputs: Inputs, goal: Any, held: np.ndarray, criterion: Loss, device: str
) -> dict[str, float]:
    import torch

    found, truth = outputs(module, inputs, held, device), goal[held]
    with torch.inference_mode():
        terms = criterion(found.to(device), truth.to(device), 1.0)
    told = _told("val", {k: _finite(float(v)) for k, v in terms.items()})
    if list(terms) != [ERROR]:  # of another loss only the loss can say what the output is worth
        return told
    if truth.shape[1] > 1:
        return {**told, "val_score": float((found.argmax(1) == truth.argmax(1)).float().mean())}
    spread = float(((truth - truth.mean()) ** 2).sum())
    score = 1 - float(((truth - found) ** 2).sum()) / spread if spread > 0 else 0.0
    return {**told, "val_score": score}


def _finite(value: float) -> float:
    return value if np.isfinite(value) else float(np.finfo(np.float32).max)


def _waited(history: list[dict[str, float]]) -> int:
    """Epochs since the best validation loss."""
    return len(history) - 1 - int(np.argmin([h["val_loss"] for h in history]))
