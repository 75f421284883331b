"""Pictures from a model while it trains."""

import torch

from .data import Conditioning
from .loop import Denoiser
from .noise import NoiseSchedule


@torch.no_grad()
def sample(
    denoise: Denoiser,
    schedule: NoiseSchedule,
    noise: torch.Tensor,
    prompt: Conditioning,
    empty: Conditioning,
    steps: int = 20,
    guidance: float = 6.0,
) -> torch.Tensor:
    """Latents (B, C, H, W) from noise by DDIM (Song et al. 2021, eq. 12, sigma 0) with classifier-free guidance."""
    timesteps = torch.linspace(len(schedule) - 1, 0, steps + 1, device=noise.device).round().long()
    both = Conditioning.stack([prompt, empty])
    latents = noise
    for t, t_next in zip(timesteps[:-1], timesteps[1:], strict=True):
        cond, uncond = denoise(torch.cat([latents, latents]), t.expand(2 * len(latents)), both).chunk(2)
        prediction = uncond + guidance * (cond - uncond)
        rows, next_rows = t.expand(len(latents)), t_next.expand(len(latents))
        clean = schedule.clean(latents, prediction, rows)
        latents = schedule.add_noise(clean, schedule.noise(latents, prediction, rows), next_rows)
    return clean
