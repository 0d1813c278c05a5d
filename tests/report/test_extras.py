from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from handful.report.extras import _augmented, _example, _examples
from handful.settings import Settings
from handful.strategies import propose
from tests.conftest import mixed, pictures


def test_the_ledger_gets_pictures_of_every_augmentation() -> None:
    data = pictures(per_class=3)
    run = SimpleNamespace(dataset=data, candidates=propose(data, Settings()))
    found = _augmented(run)
    techniques = {c.technique for c in run.candidates if (c.technique or "").startswith("augmentation")}
    assert set(found) == techniques and len(techniques) == 3
    first, mirrored = found["augmentation: flips"][:2]
    np.testing.assert_array_equal(mirrored, first[:, ::-1])
    assert len(found["augmentation: shifts"]) == 2 * 5


def test_a_row_is_shown_with_its_picture_and_its_other_columns() -> None:
    data = mixed()
    shown = _example(SimpleNamespace(dataset=data), 3)
    np.testing.assert_array_equal(shown["picture"], data.X["photo"].array[3].pixels)
    assert list(shown["row"]) == ["x0", "kind", "note"] and shown["row"]["note"] == data.X["note"][3]
    assert _example(SimpleNamespace(dataset=data), 2)["picture"] is None


def test_pictures_of_a_measured_value_are_shown_from_small_to_large() -> None:
    data = pictures("regression", per_class=8)
    shelves = _examples(SimpleNamespace(dataset=data))
    assert len(shelves) == 6
    order = np.argsort(data.y, kind="stable")
    for shelf, some in ((0, order[:4]), (5, order[-4:])):
        np.testing.assert_array_equal(list(shelves.values())[shelf], [data.X[int(i)] for i in some])
