"""All pooled levels of an encoder from one pass.

Far from ImageNet the middle of a network is worth 2-4 points more than its end, at less cost; so a backbone
offers several levels, one pass computes them all, and the folds choose.

`last` is what the encoder itself pools for its classifier; of a transformer with a class token, that token
and the mean of its patches (as in DINOv2's linear probes). `last_max` the mean and the maximum over space of
its final feature map, `blockN` the mean, maximum and standard deviation over space after block N.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

N_BLOCKS = 4  # how many blocks are offered, the last ones


def mean_max_std(x: Tensor) -> Tensor:
    """Mean, maximum and (population) standard deviation over space: (n, C, H, W) -> (n, 3C) float32.

    In float32 whatever the network computes in: squares of half-precision activations overflow.

    >>> mean_max_std(torch.tensor([[[[1.0, 3.0]]]]))
    tensor([[2., 3., 1.]])
    """
    x = x.float()
    mean = x.mean((2, 3))  # (n, C)
    variance = (x - mean[:, :, None, None]).square().mean((2, 3))  # two passes: no cancellation
    deviation = variance.clamp(min=1e-12).sqrt()  # at 0 the gradient of the root is infinite
    return torch.cat([mean, x.amax((2, 3)), deviation], 1)  # (n, 3C)


def mean_max(x: Tensor) -> Tensor:
    """Mean and maximum over space: (n, C, H, W) -> (n, 2C) float32."""
    x = x.float()
    return torch.cat([x.mean((2, 3)), x.amax((2, 3))], 1)


class Levels(nn.Module):
    """An encoder that takes `(n, S, S, 3)` uint8 and returns its levels, in the order of `names`.

    Parameters
    ----------
    encoder : a timm model
        EfficientNet-like ones are walked block by block; any other through `forward_intermediates`.
    mean, std : three numbers each, for pixels in 0…1
    """

    mean: Tensor
    std: Tensor

    def __init__(self, encoder: nn.Module, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        self.encoder = encoder
        self.walk = _walk_blocks if _is_efficientnet(encoder) else _walk_intermediates
        self.blocks = _block_numbers(encoder)
        self.names = ("last", "last_max", *(f"block{b}" for b in self.blocks))
        # In units of uint8, so that normalising is one subtraction and one division.
        self.register_buffer("mean", 255 * torch.tensor(mean, dtype=torch.float32).view(1, 3, 1, 1))
        self.register_buffer("std", 255 * torch.tensor(std, dtype=torch.float32).view(1, 3, 1, 1))

    def forward(self, pixels: Tensor) -> tuple[Tensor, ...]:
        x = pixels.permute(0, 3, 1, 2).float()  # (n, 3, S, S), channels last in memory
        x = (x - self.mean) / self.std
        last, final, inner = self.walk(self.encoder, x, self.blocks)
        return (last.float(), mean_max(final), *(mean_max_std(block) for block in inner))


def dimensions(levels: Levels, size: int) -> dict[str, int]:
    """Name -> number of features of each level, found by sending one black picture through."""
    with torch.inference_mode():
        out = levels(torch.zeros(1, size, size, 3, dtype=torch.uint8))
    return {name: int(x.shape[1]) for name, x in zip(levels.names, out, strict=True)}


def _is_efficientnet(encoder: Any) -> bool:
    """timm's EfficientNet class: also MobileNetV2, MnasNet, and others with stem, blocks and head."""
    return type(encoder).__module__ == "timm.models.efficientnet" and hasattr(encoder, "conv_head")


def _block_numbers(encoder: Any) -> tuple[int, ...]:
    if _is_efficientnet(encoder):
        n = len(encoder.blocks)
        return tuple(range(max(0, n - N_BLOCKS), n))
    if not hasattr(encoder, "forward_intermediates"):
        return ()
    # The numbers are timm's indices of intermediates. A staged network (ResNet) has about five, of which the
    # last four are its stages; a transformer one per layer, of which four are spread over the second half.
    n = len(getattr(encoder, "feature_info", ()))
    if n <= 2 * N_BLOCKS - 1:
        return tuple(range(max(0, n - N_BLOCKS), n))
    first = n // 2
    return tuple(first + (n - 1 - first) * i // (N_BLOCKS - 1) for i in range(N_BLOCKS))


def pooled(encoder: Any, final: Tensor, prefix_tokens: int) -> Tensor:
    """The level `last` of final features: a map, or tokens `(n, T, C)`, to `(n, d)`.

    prefix_tokens : how many tokens, the first for the class, come before the patches; 0: pooled as it does
    """
    if prefix_tokens and final.ndim == 3:
        return torch.cat([final[:, 0], final[:, prefix_tokens:].mean(1)], 1)  # (n, 2C)
    return encoder.forward_head(final, pre_logits=True)


def class_prefix(encoder: Any) -> int:
    """`prefix_tokens` for `pooled`: 0 without a class token, and where attention pools the patches."""
    classy = getattr(encoder, "cls_token", None) is not None and getattr(encoder, "attn_pool", None) is None
    return int(getattr(encoder, "num_prefix_tokens", 0)) if classy else 0


Walk = tuple[Tensor, Tensor, list[Tensor]]  # pooled for the classifier, final map, maps of the blocks


def _walk_blocks(encoder: Any, x: Tensor, blocks: Sequence[int]) -> Walk:
    # timm's own forward_intermediates stops only where the resolution changes: not after blocks 3 and 5.
    x = encoder.bn1(encoder.conv_stem(x))
    inner = []
    for number, block in enumerate(encoder.blocks):
        x = block(x)
        if number in blocks:
            inner.append(x)
    final = encoder.bn2(encoder.conv_head(x))
    return encoder.global_pool(final), final, inner


def _walk_intermediates(encoder: Any, x: Tensor, blocks: Sequence[int]) -> Walk:
    if not blocks:
        final = encoder.forward_features(x)
        return pooled(encoder, final, class_prefix(encoder)), _as_map(final), []
    final, inner = encoder.forward_intermediates(x, indices=list(blocks), output_fmt="NCHW")
    # The final features come in the network's own layout (tokens, channels last); the last intermediate is
    # the same place as a map, and one layout for all of them is worth more than the last normalisation.
    return pooled(encoder, final, class_prefix(encoder)), inner[-1], list(inner)


def _as_map(features: Tensor) -> Tensor:
    """Final features as (n, C, H, W): tokens (n, T, C) become a map of one column."""
    return features if features.ndim == 4 else features.transpose(1, 2)[..., None]
