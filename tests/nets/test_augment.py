from __future__ import annotations

import numpy as np
import pytest
import torch

from handful.data.views import VIEWS
from handful.nets.augment import POLICIES, augmented, copies, examples, mixed

PICTURE = np.add.outer(np.arange(32) * 2, np.arange(32) * 5)[..., None].repeat(3, axis=2).astype(np.uint8)
BATCH = torch.from_numpy(np.stack([PICTURE, 255 - PICTURE])).permute(0, 3, 1, 2).float() / 255
CHANGING = [name for name, policy in POLICIES.items() if policy.change]


@pytest.mark.parametrize("name", CHANGING)
def test_a_policy_changes_pictures_within_their_range_and_repeats_under_its_seed(name: str) -> None:
    before = BATCH.clone()
    batch = BATCH.repeat(8, 1, 1, 1)
    first, again, other = (augmented(batch, name, np.random.default_rng(s)) for s in (0, 0, 1))
    assert first.shape == batch.shape and first.dtype == batch.dtype
    assert first.min() >= 0 and first.max() <= 1
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert not torch.equal(first[0], first[2]) or not torch.equal(first[1], first[3])  # each in its own way
    assert torch.equal(BATCH, before)


def test_flips_mirror_exactly_and_leave_the_rest() -> None:
    found = augmented(BATCH[:1].repeat(40, 1, 1, 1), "flips", np.random.default_rng(0))
    mirrored = [torch.allclose(one, BATCH[0].flip(-1), atol=1e-5) for one in found]
    plain = [torch.allclose(one, BATCH[0], atol=1e-5) for one in found]
    assert all(a != b for a, b in zip(mirrored, plain, strict=True)) and 10 < sum(mirrored) < 30


@pytest.mark.parametrize("name", ["mixup", "cutmix"])
def test_mixing_mixes_pictures_and_targets_in_the_same_share(name: str) -> None:
    black_white = torch.stack([torch.zeros(3, 32, 32), torch.ones(3, 32, 32)])
    shares = []
    for seed in range(20):
        batch, targets = mixed(black_white, torch.eye(2), name, np.random.default_rng(seed))
        torch.testing.assert_close(targets.sum(dim=1), torch.ones(2))
        torch.testing.assert_close(batch.mean(dim=(1, 2, 3)), targets[:, 1], atol=1e-4, rtol=0)
        shares.append(float(targets[0, 1]))
    assert len(set(shares)) > 10


def test_policies_that_mix_leave_single_pictures_alone_and_others_leave_targets_alone() -> None:
    random = np.random.default_rng(0)
    assert augmented(BATCH, "mixup", random) is BATCH
    assert mixed(BATCH, torch.eye(2), "flips", random)[1].equal(torch.eye(2))
    assert augmented(BATCH, "none", random) is BATCH


def test_every_policy_says_what_it_does_and_when_it_is_safe() -> None:
    for policy in POLICIES.values():
        assert policy.label and policy.words and policy.safe and policy.unsafe
        assert set(policy.views) <= set(VIEWS)
    assert "digits" in POLICIES["flips"].unsafe and "stains" in POLICIES["photometric"].unsafe
    assert "6 and 9" in POLICIES["geometric"].unsafe and "text" in POLICIES["geometric"].unsafe


def test_examples_show_a_technique_as_the_ledger_names_it() -> None:
    assert [caption for caption, _ in examples(PICTURE, "augmentation: shifts", 2)] == ["left", "down"]
    assert examples(PICTURE, "flip")[0][1].tolist() == PICTURE[:, ::-1].tolist()
    for name in POLICIES:
        shown = examples(PICTURE, name, 3, other=255 - PICTURE)
        assert len(shown) == (0 if name == "none" else min(3, len(POLICIES[name].views) or 3))
        assert all(one.shape == PICTURE.shape and one.dtype == np.uint8 for _, one in shown)
    assert examples(PICTURE, "augmentation: copies with noise") == [] == examples(PICTURE, "mixup")


def test_a_copy_depends_on_its_seed_alone() -> None:
    alone, among = copies(PICTURE, "moves", [7])[0], copies(PICTURE, "moves", [3, 7])[1]
    np.testing.assert_array_equal(alone, among)
