"""A GPU that is not there: tensors of the CPU that are said to lie elsewhere, and refuse to meet others.

What it shows is where everything lies: a tensor that was left on the CPU, an index from the GPU into a tensor
of the CPU, a generator of the wrong device. What it cannot show is half precision, speed and memory.

It changes torch for good, so it is for a process of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

import torch
from torch.overrides import TorchFunctionMode
from torch.utils import backend_registration
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

NAME = "standin"
backend_registration._setup_privateuseone_for_python_backend(NAME)
THERE = torch.device(NAME, 0)
aten = torch.ops.aten
COPY = aten.copy_.default
INDEX = (aten.index.Tensor, aten.index_put.default, aten.index_put_.default, aten._index_put_impl_.default)

operations = 0  # that were done there


class Elsewhere(torch.Tensor):
    """A tensor on the device; `held` has its values."""

    held: torch.Tensor

    @staticmethod
    def __new__(cls, held: torch.Tensor) -> Elsewhere:
        made = torch.Tensor._make_wrapper_subclass(
            cls,
            held.shape,
            strides=held.stride(),
            storage_offset=held.storage_offset(),
            dtype=held.dtype,
            layout=held.layout,
            device=THERE,
            requires_grad=held.requires_grad,
        )
        made.held = held
        return made

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _run(func, args, kwargs or {})


def _run(func: Any, args: tuple, kwargs: dict[str, Any]) -> Any:
    tensors = [t for t in tree_leaves((args, kwargs)) if isinstance(t, torch.Tensor)]
    to = torch.device(kwargs["device"]).type if kwargs.get("device") is not None else None
    any_there = any(isinstance(t, Elsewhere) for t in tensors)
    if not any_there and to != NAME:
        return func(*args, **kwargs)
    if to is None and func is not COPY:
        _check(func, args, tensors)
    if kwargs.get("generator") is not None:
        raise RuntimeError(f"{func}: a generator of the cpu for {NAME}")
    here = {k: v for k, v in kwargs.items() if k != "pin_memory"}
    if to is not None:
        here["device"] = torch.device("cpu")
    out = func(*tree_map(_held, args), **tree_map(_held, here))
    global operations
    operations += 1
    if to == "cpu":
        return out
    if args and out is _held(args[0]):  # done in place
        return args[0]
    return tree_map(lambda t: Elsewhere(t) if isinstance(t, torch.Tensor) else t, out)


def _check(func: Any, args: tuple, tensors: list[torch.Tensor]) -> None:
    if func in INDEX:  # an index may lie on the CPU, what is indexed may not
        if not isinstance(args[0], Elsewhere):
            raise RuntimeError(f"{func}: indices on {NAME} into a tensor on the cpu")
    elif any(not isinstance(t, Elsewhere) and t.dim() > 0 for t in tensors):
        raise RuntimeError(f"{func}: tensors on {NAME} and on the cpu")


def _held(value: Any) -> Any:
    return value.held if isinstance(value, Elsewhere) else value


class _Dispatch(TorchDispatchMode):
    """Also what makes a tensor there, or takes one there."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _run(func, args, kwargs or {})


class _Names(TorchFunctionMode):
    """Whoever says cuda gets the device."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return func(*map(_named, args), **{k: _named(v) for k, v in (kwargs or {}).items()})


def _named(value: Any) -> Any:
    if isinstance(value, (str, torch.device)) and str(value).split(":")[0] == "cuda":
        return THERE
    return value


class _OfTheCpu(torch.Generator):
    """The device has none of its own."""

    def __new__(cls, device: Any = "cpu") -> _OfTheCpu:
        return super().__new__(cls, "cpu")


def _without_gradients(mode: Any = True) -> Any:
    if callable(mode):
        return torch.no_grad()(mode)
    return torch.no_grad() if mode else torch.enable_grad()


@contextmanager
def pretended_gpu() -> Iterator[None]:
    """Inside, handful finds a GPU."""
    fork = torch.random.fork_rng
    with ExitStack() as inside:
        inside.enter_context(patch("handful.backbones.engine.cuda_available", lambda: True))
        inside.enter_context(patch("torch.random.fork_rng", lambda devices=(): fork(devices=[])))
        inside.enter_context(patch("torch.Generator", _OfTheCpu))
        inside.enter_context(patch("torch.inference_mode", _without_gradients))  # allows no such tensors
        inside.enter_context(_Names())
        inside.enter_context(_Dispatch())
        yield
