"""The autoencoder of Wan and Qwen-Image on single frames, walked layer by layer over whole feature maps.

Wan Team, "Wan: Open and Advanced Large-Scale Video Generative Models" (2025): causal convolutions in time, of which a
single frame meets only the last tap. Norms are over the channels of a place, so no statistics of the image are needed.
The Protocols name the layers as the published code does.
"""

from collections.abc import Sequence
from typing import Any, Protocol, cast

import torch

from .feature_map import FeatureMap, StoredMap
from .tiled_convolution import TiledConvolution, TilePass
from .tiled_layers import TiledLayers


class ChannelNorm(Protocol):
    scale: float
    gamma: torch.Tensor
    bias: torch.Tensor | None


class ResidualBlock(Protocol):
    """residual holds norm, SiLU, convolution, norm, SiLU, dropout, convolution; shortcut changes the channels."""

    residual: Sequence[Any]
    shortcut: Any


class AttentionBlock(Protocol):
    norm: ChannelNorm
    to_qkv: torch.nn.Conv2d
    proj: torch.nn.Conv2d


class Resampling(Protocol):
    """resample is an upsampling by 2, or a padding of zeros on the right and below, and a convolution."""

    mode: str
    resample: Sequence[Any]


class Decoder(Protocol):
    conv1: torch.nn.Conv3d
    middle: Sequence[Any]
    upsamples: Sequence[Any]
    head: Sequence[Any]


class Encoder(Protocol):
    conv1: torch.nn.Conv3d
    downsamples: Sequence[Any]
    middle: Sequence[Any]
    head: Sequence[Any]


def decode(decoder: Decoder, latents: torch.Tensor, layers: TiledLayers) -> torch.Tensor:
    """What `decoder` makes of (B, C, h, w): (B, 3, H, W), one image of the batch after the other."""
    cell = 2 ** sum(hasattr(layer, "resample") for layer in decoder.upsamples)
    return torch.stack([_run(decoder, _decoding(decoder), StoredMap(single, cell), layers) for single in latents])


def encode(encoder: Encoder, images: torch.Tensor, layers: TiledLayers) -> torch.Tensor:
    """What `encoder` makes of (B, 3, H, W): (B, C, h, w), one image of the batch after the other."""
    return torch.stack([_run(encoder, _encoding(encoder), StoredMap(single, 1), layers) for single in images])


class FrameConvolution:
    """A convolution over time and space as the one over space that a single frame meets."""

    def __init__(self, conv: torch.nn.Conv3d) -> None:
        self.conv = conv
        self.in_channels, self.out_channels, self.groups = conv.in_channels, conv.out_channels, conv.groups
        self.kernel_size, self.stride, self.padding = conv.kernel_size[1:], conv.stride[1:], conv.padding[1:]

    def __call__(self, tile: torch.Tensor) -> torch.Tensor:
        """(1, C, h, w) -> (1, D, h, w)"""
        result: torch.Tensor = self.conv(tile.unsqueeze(2))
        return result.squeeze(2)


def channel_norm(norm: ChannelNorm) -> TilePass:
    """Each place's channels brought to the length sqrt(C), times a weight, as a function of tiles (1, C, h, w)."""

    def normalise(tile: torch.Tensor) -> torch.Tensor:
        weight = norm.gamma.to(tile).view(1, -1, 1, 1)
        normed = torch.nn.functional.normalize(tile, dim=1) * norm.scale * weight
        return normed if norm.bias is None else normed + norm.bias.to(tile).view(1, -1, 1, 1)

    return normalise


def _decoding(decoder: Decoder) -> list[Any]:
    return [*decoder.middle, *decoder.upsamples]


def _encoding(encoder: Encoder) -> list[Any]:
    return [*encoder.downsamples, *encoder.middle]


def _run(network: Decoder | Encoder, parts: Sequence[Any], source: StoredMap, layers: TiledLayers) -> torch.Tensor:
    h = layers.convolution(TiledConvolution(_of_frame(network.conv1), source))
    for part in parts:
        if hasattr(part, "residual"):
            h = _residual(part, h, layers)
        elif hasattr(part, "to_qkv"):
            h = _attention(part, h, layers)
        else:
            h = _resampled(part, h, layers)
    norm, _, conv = network.head
    return layers.stored_convolution(TiledConvolution(_of_frame(conv), h, before=_norm_silu(norm))).values


def _residual(block: ResidualBlock, x: FeatureMap, layers: TiledLayers) -> FeatureMap:
    norm1, _, conv1, norm2, _, _, conv2 = block.residual
    shortcut = None if isinstance(block.shortcut, torch.nn.Identity) else _of_frame(block.shortcut)
    h = layers.convolution(TiledConvolution(_of_frame(conv1), x, before=_norm_silu(norm1)))
    return layers.convolution(TiledConvolution(_of_frame(conv2), h, before=_norm_silu(norm2), add=x, shortcut=shortcut))


def _attention(block: AttentionBlock, x: FeatureMap, layers: TiledLayers) -> FeatureMap:
    together = layers.stored_convolution(TiledConvolution(block.to_qkv, x, before=channel_norm(block.norm)))
    query, key, value = together.thirds()
    return layers.convolution(TiledConvolution(block.proj, layers.attention(query, key, value), add=x))


def _resampled(part: Resampling, h: FeatureMap, layers: TiledLayers) -> FeatureMap:
    conv = part.resample[-1]
    if part.mode.startswith("upsample"):
        return layers.convolution(TiledConvolution(conv, h, doubled=True))
    return layers.convolution(TiledConvolution(conv, h, pad_after=1))


def _norm_silu(norm: ChannelNorm) -> TilePass:
    normalise = channel_norm(norm)
    return lambda tile: torch.nn.functional.silu(normalise(tile))


def _of_frame(conv: torch.nn.Conv3d) -> torch.nn.Conv2d:
    return cast(torch.nn.Conv2d, FrameConvolution(conv))
