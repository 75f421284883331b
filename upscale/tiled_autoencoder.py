"""Stable Diffusion's autoencoders, walked layer by layer over whole feature maps.

Rombach et al., "High-Resolution Image Synthesis with Latent Diffusion Models" (2022): levels of residual blocks, a
resampling between two levels, and self-attention in the middle, at the size of the latent. The Protocols name the
layers as the published code does.
"""

from collections.abc import Sequence
from typing import Protocol

import torch

from .feature_map import FeatureMap, StoredMap
from .tiled_convolution import TiledConvolution
from .tiled_layers import TiledLayers


class ResidualBlock(Protocol):
    in_channels: int
    out_channels: int
    norm1: torch.nn.GroupNorm
    conv1: torch.nn.Conv2d
    norm2: torch.nn.GroupNorm
    conv2: torch.nn.Conv2d
    nin_shortcut: torch.nn.Conv2d  # only where the channels change


class AttentionBlock(Protocol):
    norm: torch.nn.GroupNorm
    q: torch.nn.Conv2d
    k: torch.nn.Conv2d
    v: torch.nn.Conv2d
    proj_out: torch.nn.Conv2d


class Middle(Protocol):
    block_1: ResidualBlock
    attn_1: AttentionBlock
    block_2: ResidualBlock


class Resampling(Protocol):
    conv: torch.nn.Conv2d


class Level(Protocol):
    """`upsample` or `downsample` is there where another level follows."""

    block: Sequence[ResidualBlock]
    attn: Sequence[AttentionBlock]
    upsample: Resampling
    downsample: Resampling


class Decoder(Protocol):
    conv_in: torch.nn.Conv2d
    mid: Middle
    up: Sequence[Level]
    norm_out: torch.nn.GroupNorm
    conv_out: torch.nn.Conv2d
    tanh_out: bool


class Encoder(Protocol):
    conv_in: torch.nn.Conv2d
    down: Sequence[Level]
    mid: Middle
    norm_out: torch.nn.GroupNorm
    conv_out: torch.nn.Conv2d


def decode(decoder: Decoder, latents: torch.Tensor, layers: TiledLayers) -> torch.Tensor:
    """What `decoder` makes of (B, C, h, w): (B, 3, H, W), one image of the batch after the other."""
    cell = 2 ** sum(hasattr(level, "upsample") for level in decoder.up)
    return torch.stack([_decode_one(decoder, StoredMap(single, cell), layers) for single in latents])


def encode(encoder: Encoder, images: torch.Tensor, layers: TiledLayers) -> torch.Tensor:
    """What `encoder` makes of (B, 3, H, W): (B, C, h, w), one image of the batch after the other."""
    return torch.stack([_encode_one(encoder, StoredMap(single, 1), layers) for single in images])


def _decode_one(decoder: Decoder, latent: StoredMap, layers: TiledLayers) -> torch.Tensor:
    h = layers.convolution(TiledConvolution(decoder.conv_in, latent))
    h = _middle(decoder.mid, h, layers)
    for level in reversed(decoder.up):
        h = _blocks(level, h, layers)
        if hasattr(level, "upsample"):
            h = layers.convolution(TiledConvolution(level.upsample.conv, h, doubled=True))
    image = _out(decoder, h, layers)
    return torch.tanh(image) if decoder.tanh_out else image


def _encode_one(encoder: Encoder, image: StoredMap, layers: TiledLayers) -> torch.Tensor:
    h = layers.convolution(TiledConvolution(encoder.conv_in, image))
    for level in encoder.down:
        h = _blocks(level, h, layers)
        if hasattr(level, "downsample"):
            h = layers.convolution(TiledConvolution(level.downsample.conv, h, pad_after=1))
    return _out(encoder, _middle(encoder.mid, h, layers), layers)


def _out(network: Decoder | Encoder, h: FeatureMap, layers: TiledLayers) -> torch.Tensor:
    normalised = layers.norm_silu(network.norm_out, h)
    return layers.stored_convolution(TiledConvolution(network.conv_out, h, before=normalised)).values


def _blocks(level: Level, h: FeatureMap, layers: TiledLayers) -> FeatureMap:
    for number, block in enumerate(level.block):
        h = _residual(block, h, layers)
        if len(level.attn) > 0:
            h = _attention(level.attn[number], h, layers)
    return h


def _middle(middle: Middle, h: FeatureMap, layers: TiledLayers) -> FeatureMap:
    h = _residual(middle.block_1, h, layers)
    h = _attention(middle.attn_1, h, layers)
    return _residual(middle.block_2, h, layers)


def _residual(block: ResidualBlock, x: FeatureMap, layers: TiledLayers) -> FeatureMap:
    h = layers.convolution(TiledConvolution(block.conv1, x, before=layers.norm_silu(block.norm1, x)))
    normalised = layers.norm_silu(block.norm2, h)
    shortcut = None if block.in_channels == block.out_channels else block.nin_shortcut
    return layers.convolution(TiledConvolution(block.conv2, h, before=normalised, add=x, shortcut=shortcut))


def _attention(block: AttentionBlock, x: FeatureMap, layers: TiledLayers) -> FeatureMap:
    normalised = layers.norm(block.norm, x)
    query, key, value = (
        layers.stored_convolution(TiledConvolution(conv, x, before=normalised)) for conv in (block.q, block.k, block.v)
    )
    return layers.convolution(TiledConvolution(block.proj_out, layers.attention(query, key, value), add=x))
