"""Sampling from a model while it trains."""

from typing import Any

import torch

from .flow import Schedule
from .loop import Denoiser
from .text_rows import TextConditioning


@torch.no_grad()
def sample(
    denoise: Denoiser,
    schedule: Schedule,
    noise: torch.Tensor,
    prompt: TextConditioning,
    empty: TextConditioning,
    steps: int = 20,
    guidance: float = 6.0,
) -> torch.Tensor:
    """Latents (B, C, H, W) from noise by DDIM (Song et al. 2021, eq. 12, sigma 0) with classifier-free guidance.

    On a flow that is Euler's method.
    """
    timesteps = schedule.picture_timesteps(steps, noise.device)
    both: Any = type(prompt).stack([prompt, empty])  # type: ignore[list-item]  # both are of one kind
    latents = noise
    for t, t_next in zip(timesteps[:-1], timesteps[1:], strict=True):
        cond, uncond = denoise(torch.cat([latents, latents]), t.expand(2 * len(latents)), both).chunk(2)
        prediction = uncond + guidance * (cond - uncond)
        rows, next_rows = t.expand(len(latents)), t_next.expand(len(latents))
        clean = schedule.clean(latents, prediction, rows)
        latents = schedule.add_noise(clean, schedule.noise(latents, prediction, rows), next_rows)
    return clean
