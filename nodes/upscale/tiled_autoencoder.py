"""The decoder of Stable Diffusion's autoencoders, walked layer by layer over whole feature maps."""

import torch

from .feature_map import FeatureMap
from .tiled_layers import TiledLayers


def decode(decoder: torch.nn.Module, latent: torch.Tensor, layers: TiledLayers) -> torch.Tensor:
    """What `decoder` makes of (B, C, H, W), one image of the batch after the other.

    Rombach et al., "High-Resolution Image Synthesis with Latent Diffusion Models" (2022): a middle with attention,
    then per level residual blocks and an upsampler.
    """
    return torch.stack([_decode_one(decoder, FeatureMap(single, _cell(decoder)), layers) for single in latent])


def _decode_one(decoder: torch.nn.Module, latent: FeatureMap, layers: TiledLayers) -> torch.Tensor:
    h = layers.convolution(decoder.conv_in, latent)
    h = _residual(decoder.mid.block_1, h, layers)
    h = _attention(decoder.mid.attn_1, h, layers)
    h = _residual(decoder.mid.block_2, h, layers)
    for level in reversed(decoder.up):
        for number, block in enumerate(level.block):
            h = _residual(block, h, layers)
            if len(level.attn) > 0:
                h = _attention(level.attn[number], h, layers)
        if hasattr(level, "upsample"):
            h = layers.convolution(level.upsample.conv, h, upscale=2)
    image = layers.convolution(decoder.conv_out, h, before=layers.norm_silu(decoder.norm_out, h)).values
    return torch.tanh(image) if decoder.tanh_out else image


def _residual(block: torch.nn.Module, x: FeatureMap, layers: TiledLayers) -> FeatureMap:
    h = layers.convolution(block.conv1, x, before=layers.norm_silu(block.norm1, x))
    normalised = layers.norm_silu(block.norm2, h)
    if block.in_channels == block.out_channels:
        return layers.convolution(block.conv2, h, before=normalised, add=x)
    return layers.convolution(block.conv2, h, before=normalised, add=x, shortcut=block.nin_shortcut)


def _attention(block: torch.nn.Module, x: FeatureMap, layers: TiledLayers) -> FeatureMap:
    normalised = layers.norm(block.norm, x)
    query, key, value = (layers.convolution(conv, x, before=normalised) for conv in (block.q, block.k, block.v))
    return layers.convolution(block.proj_out, layers.attention(query, key, value), add=x)


def _cell(decoder: torch.nn.Module) -> int:
    """Pixels of the picture per cell of the latent."""
    return 2 ** sum(hasattr(level, "upsample") for level in decoder.up)
