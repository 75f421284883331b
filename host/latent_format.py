"""Latents between the scale of a VAE and that of a denoiser, and what they look like."""

from typing import Any

import comfy.latent_formats
import torch

from .protocols import Model, Vae


def latent_colors() -> dict[str, tuple[float, torch.Tensor, torch.Tensor]]:
    """Scale, factors (4, 3) and bias (3,) with which the host previews latents of SD1 (and SD2) and of SDXL."""
    formats = {"SD1": comfy.latent_formats.SD15(), "SDXL": comfy.latent_formats.SDXL()}
    return {
        name: (
            kind.scale_factor,
            torch.tensor(kind.latent_rgb_factors),
            torch.tensor(kind.latent_rgb_factors_bias or [0.0, 0.0, 0.0]),
        )
        for name, kind in formats.items()
    }


def scale_latents(model: Model, latents: torch.Tensor) -> torch.Tensor:
    """VAE latents (B, C, h, w) in the scale that the denoiser works in."""
    return _in_format(model, "process_in", latents)


def _in_format(model: Model, way: str, latents: torch.Tensor) -> torch.Tensor:
    """Latents of images through a latent format, which for a video model has an axis of time (of one frame)."""
    kind: Any = model.get_model_object("latent_format")
    if kind.latent_dimensions == 3:
        return getattr(kind, way)(latents.unsqueeze(2)).squeeze(2)
    return getattr(kind, way)(latents)


@torch.inference_mode()
def decode_latents(model: Model, vae: Vae, latents: torch.Tensor) -> torch.Tensor:
    """Latents in the denoiser's scale as pictures (B, H, W, 3) in 0..1, on the CPU."""
    scaled = _in_format(model, "process_out", latents)
    pictures = vae.decode(scaled.unsqueeze(2) if vae.latent_dim == 3 else scaled)
    pictures = pictures.reshape(-1, *pictures.shape[-3:])  # a video VAE gives frames
    with torch.inference_mode(False):
        return pictures.to("cpu", torch.float32, copy=True).clamp(0, 1)
