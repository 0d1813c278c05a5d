"""A model of numbers, categories, texts and pictures is kept and asked like any other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import handful
from handful.data.load import load
from handful.model.model import Model
from handful.model.save import save
from handful.model.unlike import TableSpace, unlike
from handful.settings import Settings
from handful.strategies.chain import Chain
from handful.strategies.heads import SVMHead
from handful.strategies.tables import TableEncoder
from tests.conftest import mixed


def written(folder: Path) -> pd.DataFrame:
    """The rows of `mixed` as a table with files."""
    dataset = mixed()
    X = dataset.X.copy()
    X["photo"] = [None if p is None else f"{i}.png" for i, p in enumerate(dataset.X["photo"])]
    for i, picture in enumerate(dataset.X["photo"]):
        if picture is not None:
            Image.fromarray(picture.pixels).save(folder / f"{i}.png")
    return X.assign(y=np.array(["a", "b", "c"])[dataset.y])


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> tuple[Model, Path]:
    folder = tmp_path_factory.mktemp("mixed")
    written(folder).to_csv(folder / "t.csv", index=False)
    dataset = load(folder / "t.csv", Settings(target="y"), folder / "run")
    chain = Chain([TableEncoder()], SVMHead()).fit(dataset.X, dataset.y)
    flag = unlike(dataset.X, np.arange(len(dataset)), "table", [chain])
    members = [("svm", chain)]
    model = Model("svm", members, "classification", "table", dataset.classes, dataset.origin, unlike=flag)
    return model, folder


def test_a_saved_model_predicts_the_same_for_new_rows(model: tuple[Model, Path]) -> None:
    fitted, folder = model
    again = handful.load(save(fitted, folder / "model"))
    frame, other = (one.predict_frame(folder / "t.csv") for one in (fitted, again))
    pd.testing.assert_frame_equal(frame, other)
    assert frame["prediction"].tolist() == list("aaaaaaaabbbbbbbbcccccccc")


def test_a_damaged_picture_is_missing_and_its_row_is_predicted(model: tuple[Model, Path]) -> None:
    fitted, folder = model
    (folder / "bad.png").write_bytes(b"no picture")
    rows = pd.read_csv(folder / "t.csv").assign(photo=lambda X: [str(folder / "bad.png")] * len(X))
    with pytest.warns(UserWarning, match=r"bad\.png is not an image"):
        frame = fitted.predict_frame(rows)
    assert frame["prediction"].notna().all() and "problem" not in frame


def test_rows_with_another_text_and_picture_lie_farther_off(model: tuple[Model, Path]) -> None:
    fitted, _ = model
    assert fitted.unlike is not None and isinstance(fitted.unlike.space, TableSpace)
    X = mixed().X.iloc[8:12]
    other = X.assign(
        photo=mixed().X["photo"].array.take([16, 17, 18, 19]), note=mixed().X["note"].array[16:20]
    )
    assert (fitted.unlike.distance(other) > fitted.unlike.distance(X)).all()
