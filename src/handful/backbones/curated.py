"""Backbones worth a download: few, with what they cost and what they may be used for.

None comes by pip, so that each needs a network once. Sizes are those of the weights in float32; everything
else is timm's own description of them, but for the input size of DINOv2: made for 518 pixels, it is given
224, a fifth of the patches, and its positions are interpolated.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Curated:
    """A pretrained network of timm under a short name.

    `megabytes` are to be downloaded, `size` is the side of its input in pixels, `dim` the number of features
    of its level `last`, `good_at` a few words on where it is worth its time.
    """

    name: str
    architecture: str
    megabytes: int
    size: int
    dim: int
    licence: str
    good_at: str


_APACHE = "Apache-2.0"
_DINOV3 = "DINOv3 License (Meta's own terms: read them)"

CURATED = {
    c.name: c
    for c in (
        Curated(
            "mobilenetv4_small",
            "mobilenetv4_conv_small.e2400_r224_in1k",
            15,
            224,
            1280,
            _APACHE,
            "where every millisecond counts",
        ),
        Curated(
            "resnet50",
            "resnet50.a1_in1k",
            102,
            224,
            2048,
            _APACHE,
            "comparing with what others have published",
        ),
        Curated(
            "efficientnetv2_small",
            "tf_efficientnetv2_s.in21k_ft_in1k",
            86,
            300,
            1280,
            _APACHE,
            "photographs; learned from 21,000 kinds of things",
        ),
        Curated(
            "convnext_tiny",
            "convnext_tiny.in12k_ft_in1k",
            114,
            224,
            768,
            _APACHE,
            "photographs; learned from 12,000 kinds of things; can be fine-tuned",
        ),
        Curated(
            "dinov2_small",
            "vit_small_patch14_dinov2.lvd142m",
            88,
            224,
            768,
            _APACHE,
            "few examples of any kind of picture: learned without labels",
        ),
        Curated(
            "dinov2_base",
            "vit_base_patch14_dinov2.lvd142m",
            346,
            224,
            1536,
            _APACHE,
            "as dinov2_small, larger",
        ),
        Curated(
            "dinov3_small",
            "vit_small_patch16_dinov3.lvd1689m",
            86,
            256,
            768,
            _DINOV3,
            "as dinov2_small, newer; frozen only",
        ),
        Curated(
            "clip_base",
            "vit_base_patch16_clip_224.laion2b",
            345,
            224,
            1536,
            _APACHE,
            "drawings, signs and screenshots too: learned from pictures and their captions",
        ),
        Curated(
            "siglip_base",
            "vit_base_patch16_siglip_224.v2_webli",
            371,
            224,
            768,
            _APACHE,
            "as clip_base, newer",
        ),
    )
}
