"""Import torchvision and timm, also where torchvision was built for another torch."""

from __future__ import annotations

from types import ModuleType
from typing import Any

# Operator definitions live as long as their Library object, so it is kept here for the whole process.
_definitions: list[Any] = []

# Only the box operators are compiled code; handful uses none of them, they must merely exist by name.
_BOX_OPERATORS = ("nms", "qnms")


def ensure_torchvision() -> ModuleType:
    """torchvision, imported; where it is whole, this is a plain import.

    The torchvision of the package index is built for CUDA. Beside a CPU build of torch its compiled part does
    not load, and importing it ends in "RuntimeError: operator torchvision::nms does not exist". Everything
    but the box operators works once these are declared, so they are declared and the import is repeated.
    """
    try:
        import torchvision
    except RuntimeError as error:
        if "operator torchvision::" not in str(error):
            raise
        _declare_box_operators()
        import torchvision
    return torchvision


def import_timm() -> ModuleType:
    """timm, imported after `ensure_torchvision` (a plain `import timm` imports torchvision itself)."""
    ensure_torchvision()
    import timm

    return timm


def _declare_box_operators() -> None:
    import torch

    library = torch.library.Library("torchvision", "FRAGMENT")
    for name in _BOX_OPERATORS:
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    _definitions.append(library)
