"""Stable Diffusion's autoencoders, walked layer by layer over whole feature maps.

Rombach et al., "High-Resolution Image Synthesis with Latent Diffusion Models" (2022): levels of residual blocks, a
resampling between two levels, and attention in the middle, at the size of the latent.
"""

import torch

from .feature_map import FeatureMap, StoredMap
from .tiled_layers import TiledLayers


def decode(decoder: torch.nn.Module, latents: torch.Tensor, layers: TiledLayers) -> torch.Tensor:
    """What `decoder` makes of (B, C, h, w), one image of the batch after the other."""
    cell = 2 ** sum(hasattr(level, "upsample") for level in decoder.up)
    return torch.stack([_decode_one(decoder, StoredMap(single, cell), layers) for single in latents])


def encode(encoder: torch.nn.Module, images: torch.Tensor, layers: TiledLayers) -> torch.Tensor:
    """What `encoder` makes of (B, C, H, W), one image of the batch after the other."""
    return torch.stack([_encode_one(encoder, StoredMap(single, 1), layers) for single in images])


def _decode_one(decoder: torch.nn.Module, latent: StoredMap, layers: TiledLayers) -> torch.Tensor:
    h = layers.convolution(decoder.conv_in, latent)
    h = _middle(decoder.mid, h, layers)
    for level in reversed(decoder.up):
        h = _blocks(level, h, layers)
        if hasattr(level, "upsample"):
            h = layers.convolution(level.upsample.conv, h, doubled=True)
    normalised = layers.norm_silu(decoder.norm_out, h)
    image = layers.convolution(decoder.conv_out, h, before=normalised, kept=True).values
    return torch.tanh(image) if decoder.tanh_out else image


def _encode_one(encoder: torch.nn.Module, image: StoredMap, layers: TiledLayers) -> torch.Tensor:
    h = layers.convolution(encoder.conv_in, image)
    for level in encoder.down:
        h = _blocks(level, h, layers)
        if hasattr(level, "downsample"):
            h = layers.convolution(level.downsample.conv, h, pad_after=1)
    h = _middle(encoder.mid, h, layers)
    normalised = layers.norm_silu(encoder.norm_out, h)
    return layers.convolution(encoder.conv_out, h, before=normalised, kept=True).values


def _blocks(level: torch.nn.Module, h: FeatureMap, layers: TiledLayers) -> FeatureMap:
    for number, block in enumerate(level.block):
        h = _residual(block, h, layers)
        if len(level.attn) > 0:
            h = _attention(level.attn[number], h, layers)
    return h


def _middle(middle: torch.nn.Module, h: FeatureMap, layers: TiledLayers) -> FeatureMap:
    h = _residual(middle.block_1, h, layers)
    h = _attention(middle.attn_1, h, layers)
    return _residual(middle.block_2, h, layers)


def _residual(block: torch.nn.Module, x: FeatureMap, layers: TiledLayers) -> FeatureMap:
    h = layers.convolution(block.conv1, x, before=layers.norm_silu(block.norm1, x))
    normalised = layers.norm_silu(block.norm2, h)
    shortcut = None if block.in_channels == block.out_channels else block.nin_shortcut
    return layers.convolution(block.conv2, h, before=normalised, add=x, shortcut=shortcut)


def _attention(block: torch.nn.Module, x: FeatureMap, layers: TiledLayers) -> FeatureMap:
    normalised = layers.norm(block.norm, x)
    query, key, value = (
        layers.convolution(conv, x, before=normalised, kept=True) for conv in (block.q, block.k, block.v)
    )
    return layers.convolution(block.proj_out, layers.attention(query, key, value), add=x)
