"""Two small real data sets that ship with the package, with their licences beside them."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path


def clothes() -> Path:
    """The folder of 300 photographs of clothes, a folder per class (Fashion-MNIST, MIT).

    >>> sorted(folder.name for folder in clothes().iterdir() if folder.is_dir())[:3]
    ['ankle_boot', 'bag', 'coat']
    """
    return Path(str(files(__name__) / "clothes"))


def wine() -> Path:
    """The CSV file of 178 wines, 13 measurements and the column `target` (UCI, CC BY 4.0).

    >>> wine().name
    'wine.csv'
    """
    return Path(str(files(__name__) / "wine" / "wine.csv"))
