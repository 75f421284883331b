"""The forward process of a discrete diffusion model, and what its network is asked to predict."""

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class NoiseSchedule:
    """alphas_cumprod (T,) is the share of signal power at each timestep; prediction is "eps" or "v".

    x_t = sqrt(a) x_0 + sqrt(1 - a) noise, with a = alphas_cumprod[t] (Ho et al. 2020, eq. 4).
    """

    alphas_cumprod: torch.Tensor
    prediction: str

    @classmethod
    def from_sigmas(cls, sigmas: torch.Tensor, prediction: str) -> "NoiseSchedule":
        """From the ratio of noise to signal, sigma = sqrt((1 - a) / a), per timestep."""
        return cls(1 / (1 + sigmas.double() ** 2), prediction)

    def __len__(self) -> int:
        return len(self.alphas_cumprod)

    def add_noise(self, latents: torch.Tensor, noise: torch.Tensor, timesteps: torch.Tensor) -> torch.Tensor:
        """x_t for latents and noise (B, C, H, W) and timesteps (B,)."""
        signal, disturbance = self._amplitudes(timesteps, latents)
        return signal * latents + disturbance * noise

    def target(self, latents: torch.Tensor, noise: torch.Tensor, timesteps: torch.Tensor) -> torch.Tensor:
        """The noise itself, or v = sqrt(a) noise - sqrt(1 - a) x_0 (Salimans and Ho 2022, appendix D)."""
        if self.prediction == "eps":
            return noise
        signal, disturbance = self._amplitudes(timesteps, latents)
        return signal * noise - disturbance * latents

    def snr(self, timesteps: torch.Tensor) -> torch.Tensor:
        """Signal power over noise power, a / (1 - a), in float32 (B,)."""
        alphas = self.alphas_cumprod.to(timesteps.device)[timesteps]
        return (alphas / (1 - alphas)).float()

    def _amplitudes(self, timesteps: torch.Tensor, like: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        alphas = self.alphas_cumprod.to(timesteps.device)[timesteps].view(-1, 1, 1, 1)
        return alphas.sqrt().to(like), (1 - alphas).sqrt().to(like)


def sample_timesteps(count: int, schedule_length: int, generator: torch.Generator) -> torch.Tensor:
    """`count` timesteps, each as likely as any other."""
    return torch.randint(0, schedule_length, (count,), generator=generator)
