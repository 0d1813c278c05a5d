"""Small datasets for the tests of this room."""

import numpy as np
import pandas as pd
from PIL import Image

from handful import example
from handful.data.dataset import Dataset, Images


def table(X, y, groups=None, task="classification"):
    """A table from a DataFrame and labels; strings become object, numbers float64."""
    X = X.apply(lambda c: c.astype(np.float64) if c.dtype.kind in "fiub" else c.astype(object))
    y = np.asarray(y)
    classes = None
    if task == "classification":
        classes, y = np.unique(y, return_inverse=True)
        classes = classes.astype(object)
    return Dataset(
        X,
        y.astype(np.int64 if task == "classification" else np.float64),
        np.array([str(i) for i in range(len(y))], object),
        pd.DataFrame(index=range(len(y))),
        task,
        "table",
        classes,
        None if groups is None else np.asarray(groups),
        {"target": "outcome"},
    )


def texts(X, y):
    """Texts from a list of strings and labels."""
    dataset = table(pd.DataFrame({"x": range(len(X))}), y)
    dataset.X, dataset.modality = np.array(X, object), "text"
    return dataset


def pictures(pixels, y, names=None, groups=None):
    """Images from a list of square RGB arrays."""
    classes, codes = np.unique(np.asarray(y), return_inverse=True)
    ids = np.array(names or [f"{i}.png" for i in range(len(codes))], object)
    return Dataset(
        Images.from_array(np.stack(pixels)),
        codes.astype(np.int64),
        ids,
        pd.DataFrame(index=range(len(codes))),
        "classification",
        "image",
        classes.astype(object),
        None if groups is None else np.asarray(groups),
    )


def clothes(per_class=6, side=64):
    """Real photographs, and their classes: `per_class` of each of the ten classes of the example."""
    pixels, labels = [], []
    for folder in sorted(f for f in example.clothes().iterdir() if f.is_dir()):
        for path in sorted(folder.glob("*.png"))[:per_class]:
            with Image.open(path) as picture:
                pixels.append(np.asarray(picture.convert("RGB").resize((side, side))))
            labels.append(folder.name)
    return pixels, labels


def small_embedding(images):
    """A real, cheap embedding: the standardised grey picture at 16 x 16, `(n, 256)`."""
    grey = (
        np.asarray(images).mean(axis=3).reshape(len(images), 16, images.size // 16, 16, -1).mean(axis=(2, 4))
    )
    grey = grey.reshape(len(images), -1).astype(np.float32)
    return grey - grey.mean(axis=1, keepdims=True)


def kinds(dataset):
    return [finding.kind for finding in dataset.findings]


def finding(dataset, kind):
    """The one finding of this kind."""
    [found] = [one for one in dataset.findings if one.kind == kind]
    return found
