"""TAESD (Bohan, "Tiny AutoEncoder for Stable Diffusion"), walked layer by layer over whole feature maps.

Encoder and decoder are plain sequences of convolutions, residual blocks, ReLUs and upsampling by 2.
"""

from typing import Protocol, cast

import torch

from .feature_map import FeatureMap, StoredMap
from .tiled_convolution import TiledConvolution, TilePass
from .tiled_layers import TiledLayers

relu = torch.nn.functional.relu


class Block(Protocol):
    """fuse(conv(x) + skip(x)); conv holds three convolutions with ReLUs between them."""

    conv: torch.nn.Sequential
    fuse: torch.nn.ReLU


def run(sequence: torch.nn.Sequential, images: torch.Tensor, layers: TiledLayers) -> torch.Tensor:
    """What the encoder or decoder makes of (B, C, H, W), one image of the batch after the other."""
    cell = 2 ** sum(isinstance(layer, torch.nn.Upsample) for layer in sequence)
    return torch.stack([_run_one(sequence, StoredMap(single, cell), layers) for single in images])


def _run_one(sequence: torch.nn.Sequential, source: StoredMap, layers: TiledLayers) -> torch.Tensor:
    h: FeatureMap = source
    before: TilePass | None = None
    doubled = False
    *most, last = sequence
    for layer, following in zip(most, [*most[1:], last], strict=True):
        if isinstance(layer, torch.nn.Conv2d):
            after = relu if isinstance(following, torch.nn.ReLU) else None
            h = layers.convolution(TiledConvolution(layer, h, before=before, after=after, doubled=doubled))
            before, doubled = None, False
        elif isinstance(layer, torch.nn.Upsample):
            doubled = True
        elif hasattr(layer, "fuse"):
            h = _block(cast(Block, layer), h, layers)
        elif not isinstance(layer, torch.nn.ReLU):
            before = layer  # the decoder's soft clamp of the latent
    last_convolution = TiledConvolution(cast(torch.nn.Conv2d, last), h, before=before, doubled=doubled)
    return layers.stored_convolution(last_convolution).values


def _block(block: Block, x: FeatureMap, layers: TiledLayers) -> FeatureMap:
    first, _, second, _, third = cast("list[torch.nn.Conv2d]", list(block.conv))
    h = layers.convolution(TiledConvolution(first, x, after=relu))
    h = layers.convolution(TiledConvolution(second, h, after=relu))
    return layers.convolution(TiledConvolution(third, h, after=relu, add=x))
