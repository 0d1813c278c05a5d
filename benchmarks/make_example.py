"""Make the example data again: `make_example.py train-images-idx3-ubyte.gz train-labels-idx1-ubyte.gz`.

The two files are the training part of Fashion-MNIST. The pictures are stored uncompressed, so that the same
bytes come out whichever zlib Pillow was built with, and so that the size of a file says nothing about what
is in it (a compressed sandal is smaller than a coat).
"""

from __future__ import annotations

import argparse
import gzip
import shutil
from pathlib import Path

import numpy as np
from PIL import Image

# Fashion-MNIST's own order of the labels.
CLASSES = (
    "tshirt_top",
    "trouser",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "ankle_boot",
)
WINES = ("barolo", "grignolino", "barbera")
PER_CLASS = 30
SEED = 0
EXAMPLE = Path(__file__).resolve().parents[1] / "src" / "handful" / "example"


def read_idx(path: Path) -> np.ndarray:
    """The array in an idx file of unsigned bytes, gzipped or not."""
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rb") as file:
        content = file.read()
    if content[:3] != b"\0\0\x08":
        raise SystemExit(f"{path} is not an idx file of unsigned bytes.")
    dimensions = content[3]
    shape = np.frombuffer(content, ">u4", dimensions, offset=4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * dimensions).reshape(shape)


def write_clothes(images: np.ndarray, labels: np.ndarray, folder: Path) -> None:
    """A folder per class with PER_CLASS pictures each; numbers run over all classes in random order."""
    rng = np.random.default_rng(SEED)
    chosen = [
        rng.choice(np.flatnonzero(labels == code), PER_CLASS, replace=False) for code in range(len(CLASSES))
    ]
    numbers = rng.permutation(PER_CLASS * len(CLASSES)).reshape(len(CLASSES), PER_CLASS)
    for name, indices, names in zip(CLASSES, chosen, numbers, strict=True):
        shutil.rmtree(folder / name, ignore_errors=True)
        (folder / name).mkdir(parents=True)
        for index, number in zip(indices, names, strict=True):
            Image.fromarray(images[index]).save(folder / name / f"{number:03d}.png", compress_level=0)


def write_wine(path: Path) -> None:
    """UCI's wine table with named columns and classes, rows shuffled (they come sorted by class)."""
    from sklearn.datasets import load_wine

    table = load_wine(as_frame=True).frame
    table = table.rename(columns={"od280/od315_of_diluted_wines": "od280_od315"})
    table["target"] = [WINES[code] for code in table["target"]]
    table = table.sample(frac=1, random_state=SEED)
    table.to_csv(path, index=False, lineterminator="\n", float_format="%.10g")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("images", type=Path)
    parser.add_argument("labels", type=Path)
    parser.add_argument("--out", type=Path, default=EXAMPLE)
    arguments = parser.parse_args()
    write_clothes(read_idx(arguments.images), read_idx(arguments.labels), arguments.out / "clothes")
    (arguments.out / "wine").mkdir(exist_ok=True)
    write_wine(arguments.out / "wine" / "wine.csv")


if __name__ == "__main__":
    main()
