"""handful: the best model you can honestly get from a handful of labelled examples."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from handful.estimator import HandfulClassifier, HandfulRegressor
    from handful.fit import embed, fit, load

_WHERE = {
    "fit": "handful.fit",
    "load": "handful.fit",
    "embed": "handful.fit",
    "HandfulClassifier": "handful.estimator",
    "HandfulRegressor": "handful.estimator",
}
__all__ = ["HandfulClassifier", "HandfulRegressor", "__version__", "embed", "fit", "load"]


def __getattr__(name: str) -> Any:
    """Import the public names where they are first used, so that `import handful` stays quick."""
    if name in _WHERE:
        from importlib import import_module

        return getattr(import_module(_WHERE[name]), name)
    raise AttributeError(f"module 'handful' has no attribute {name!r}")


class _Package(ModuleType):
    """`handful.fit` is the function, also after the module of the same name has been imported."""

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in _WHERE and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
