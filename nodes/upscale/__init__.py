"""Upscale nodes: the exact tiled VAE, tiled diffusion and upscale models."""

from comfy_api.latest import io

from .tiled_diffusion import TiledDiffusion
from .tiled_vae import TiledVAEDecode, TiledVAEEncode
from .upscale_model import UpscaleWithModel

NODES: list[type[io.ComfyNode]] = [
    TiledVAEDecode,
    TiledVAEEncode,
    TiledDiffusion,
    UpscaleWithModel,
]
