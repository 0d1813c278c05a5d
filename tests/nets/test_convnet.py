"""The network for pictures has the size that its table says, and a block begins as the way around it."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch

from handful.nets.convnet import make_convnet, width_for
from handful.nets.train import count_trainable


def test_parameters_are_those_of_the_table_in_the_docstring() -> None:
    assert [
        [count_trainable(partial(make_convnet, 3, 10, width=width_for(n, scale))) for scale in (1.0, 0.25)]
        for n in (150, 600, 601)
    ] == [[79_338, 5_538], [176_218, 11_878], [311_242, 20_602]]


@pytest.mark.parametrize(("channels", "size"), [(3, 32), (1, 32), (3, 64)])
def test_a_batch_becomes_one_row_a_picture(channels: int, size: int) -> None:
    network = make_convnet(channels, 4, size=size, width=4)
    assert network(torch.rand(2, channels, size, size)).shape == (2, 4)


def test_brightness_and_contrast_of_the_training_part_are_taken_out() -> None:
    torch.manual_seed(0)
    plain = make_convnet(1, 2, width=4).eval()
    scaled = make_convnet(1, 2, width=4, mean=np.array([0.3]), std=np.array([0.1])).eval()
    weights = {k: v for k, v in plain.state_dict().items() if k not in ("trunk.mean", "trunk.std")}
    scaled.load_state_dict(weights, strict=False)
    x = torch.rand(3, 1, 32, 32)
    torch.testing.assert_close(scaled(0.1 * x + 0.3), plain(x), rtol=1e-4, atol=1e-5)
