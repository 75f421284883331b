"""TAESD (Bohan, "Tiny AutoEncoder for Stable Diffusion"), walked layer by layer over whole feature maps.

Encoder and decoder are plain sequences of convolutions, residual blocks, ReLUs and doublings.
"""

import torch

from .feature_map import FeatureMap, StoredMap
from .tiled_layers import TiledLayers

relu = torch.nn.functional.relu


def run(sequence: torch.nn.Sequential, images: torch.Tensor, layers: TiledLayers) -> torch.Tensor:
    """What the encoder or decoder makes of (B, C, H, W), one image of the batch after the other."""
    cell = 2 ** sum(isinstance(layer, torch.nn.Upsample) for layer in sequence)
    return torch.stack([_run_one(sequence, StoredMap(single, cell), layers) for single in images])


def _run_one(sequence: torch.nn.Sequential, h: StoredMap, layers: TiledLayers) -> torch.Tensor:
    before, doubled = None, False
    layers_of_sequence = list(sequence)
    for layer, following in zip(layers_of_sequence, [*layers_of_sequence[1:], None], strict=True):
        if isinstance(layer, torch.nn.Conv2d):
            after = relu if isinstance(following, torch.nn.ReLU) else None
            h = layers.convolution(layer, h, before=before, after=after, doubled=doubled, kept=following is None)
            before, doubled = None, False
        elif isinstance(layer, torch.nn.Upsample):
            doubled = True
        elif hasattr(layer, "fuse"):
            h = _block(layer, h, layers)
        elif not isinstance(layer, torch.nn.ReLU):
            before = layer  # the decoder's soft clamp of the latent
    return h.values


def _block(block: torch.nn.Module, x: FeatureMap, layers: TiledLayers) -> FeatureMap:
    first, _, second, _, third = block.conv
    h = layers.convolution(first, x, after=relu)
    h = layers.convolution(second, h, after=relu)
    return layers.convolution(third, h, after=relu, add=x)
