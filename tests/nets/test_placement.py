"""On a GPU every tensor lies where it is needed: networks learn and predict on one that is not there.

Half precision is off on it, so what they say must be what they say on the CPU.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
from sklearn.base import clone
from torch.utils import backend_registration

from handful.strategies.candidate import Candidate

ROOT = Path(__file__).parents[2]
WITH_NETWORKS = {
    "table classification": ("mlp", "autoencoder svm", "svm + row vae"),
    "table regression": ("mlp",),
    "image classification": (
        "lite0 last logistic",
        "cnn light",
        "ae logistic",
        "cnn pretrained",
        "thumbnail svm + picture vae",
        "lite0 fine-tuned",
        "lite0 fine-tuned whole",
    ),
    "text classification": ("bag", "minilm logistic", "minilm contrastive"),
}


def compare() -> dict[str, dict]:
    """For each: what was done on the device, the error if there was one, and how far it is from the CPU."""
    from handful.backbones.engine import BATCH, on_device
    from handful.backbones.torchvision_guard import ensure_torchvision
    from handful.protocol.evaluate import fit_and_predict
    from handful.protocol.splits import compare_splits
    from handful.settings import Settings
    from handful.strategies import propose
    from tests.conftest import pictures, table, texts
    from tests.standins import gpu

    BATCH["cuda"] = 4
    ensure_torchvision()
    with gpu.pretended_gpu():  # what is decorated when it is imported
        import sentence_transformers  # noqa: F401

    makers = {"table": table, "image": lambda task: pictures(task, 3), "text": lambda task: texts(task, 4)}
    found = {}
    for about, names in WITH_NETWORKS.items():
        kind, task = about.split()
        dataset = makers[kind](task)
        K = None if dataset.classes is None else len(dataset.classes)
        split = compare_splits(dataset, Settings())[0]
        with patch("handful.backbones.engine.cuda_available", lambda: True):
            offered = propose(dataset, Settings(jobs=1, budget="thorough", device="cuda"))
        known = {c.name: smaller(c) for c in offered}
        for name in names:
            with steady(), on_device("cpu"):
                here = fit_and_predict(known[name], split, dataset, K)
            before = gpu.operations
            with steady(), gpu.pretended_gpu(), on_device("cuda"):
                there = fit_and_predict(known[name], split, dataset, K)
            error = (there.error or here.error or {}).get("traceback")
            apart = None if error else float(np.abs(here.test - there.test).max())
            found[f"{about}: {name}"] = {
                "operations": gpu.operations - before,
                "error": error,
                "apart": apart,
            }
    return found


def steady() -> AbstractContextManager:
    """Steps that keep rounding small: the first of Adam is as large for a gradient that is only rounding."""
    import torch

    return patch("torch.optim.AdamW", partial(torch.optim.AdamW, eps=1e-2))


def smaller(candidate: Candidate) -> Candidate:
    """With few epochs, and fine-tuned on two views of pictures of a tenth of a backbone's pixels."""
    tuned = {"epochs": 1, "size": 64, "views": ("plain", "flip")}
    less = tuned if "fine-tuned" in candidate.name else {"epochs": 2}
    ends = {p: p.split("__")[-1] for p in candidate.estimator.get_params()}
    params = {p: less[end] for p, end in ends.items() if end in less}
    return replace(candidate, estimator=clone(candidate.estimator).set_params(**params))


def left_behind() -> list[str]:
    """What the device says where a network forgot something on the CPU."""
    import torch

    from tests.standins import gpu

    class Forgetful(torch.nn.Linear):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return super().forward(x) + self.shift

    said = []
    network = Forgetful(3, 2)
    network.shift = torch.ones(2)  # no buffer, so it does not move
    with gpu.pretended_gpu():
        x, here = torch.ones(4, 3, device="cuda"), torch.arange(4)
        assert x[here].device.type == gpu.NAME
        for wrong in (
            lambda: network.to("cuda")(x),
            lambda: here[x[:, 0].long()],
            lambda: torch.rand(3, device="cuda", generator=torch.Generator()),
        ):
            try:
                wrong()
            except RuntimeError as error:
                said.append(str(error))
    return said


if __name__ == "__main__":
    print(json.dumps({"compared": compare(), "left behind": left_behind()}))


def test_networks_learn_on_the_device_what_they_learn_on_the_cpu(tmp_path: Path) -> None:
    if not hasattr(backend_registration, "_setup_privateuseone_for_python_backend"):
        pytest.skip("this torch has no devices in Python")
    # A cache of its own: features and codes that are known are not computed again, wherever they came from.
    mine = os.environ | {"HANDFUL_CACHE": str(tmp_path)}
    call = [sys.executable, "-W", "ignore", "-m", __name__]
    done = subprocess.run(call, env=mine, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    compared = told["compared"]
    assert len(compared) == sum(map(len, WITH_NETWORKS.values()))
    failed = {name: found["error"] for name, found in compared.items() if found["error"] is not None}
    assert not failed, "\n".join(f"{name}: {error}" for name, error in failed.items())
    elsewhere = {name: found["operations"] for name, found in compared.items()}
    assert min(elsewhere.values()) > 10, elsewhere
    apart = {name: found["apart"] for name, found in compared.items()}
    assert max(apart.values()) < 0.002, apart
    # What it is worth: three mistakes are noticed.
    assert len(told["left behind"]) == 3 and all("standin" in said for said in told["left behind"])
