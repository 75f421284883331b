"""The forward process of a discrete diffusion model, and what its network is asked to predict."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from .config import ObjectiveConfig


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

    def to(self, device: torch.device) -> "NoiseSchedule":
        dtype = torch.float32 if device.type == "mps" else torch.float64  # Apple's GPUs have no double precision
        return replace(self, alphas_cumprod=self.alphas_cumprod.to(device, dtype))

    def with_zero_terminal_snr(self) -> "NoiseSchedule":
        """The schedule stretched until its last timestep is pure noise (Lin et al. 2024, algorithm 1)."""
        roots = self.alphas_cumprod.sqrt()
        stretched = (roots - roots[-1]) * roots[0] / (roots[0] - roots[-1])
        return replace(self, alphas_cumprod=stretched**2)

    def draw(self, count: int, _size: Sequence[int], generator: torch.Generator) -> torch.Tensor:
        """`count` timesteps, for latents of any size."""
        return sample_timesteps(count, len(self), generator)

    def at(self, fractions: Sequence[float]) -> torch.Tensor:
        """The timesteps at these fractions of the schedule."""
        return torch.tensor([int(fraction * len(self)) for fraction in fractions])

    def picture_timesteps(self, steps: int, device: torch.device) -> torch.Tensor:
        """From the noisiest timestep to the first, `steps` + 1 of them, evenly spaced."""
        return torch.linspace(len(self) - 1, 0, steps + 1, device=device).round().long()

    def signal_share(self, timesteps: torch.Tensor) -> torch.Tensor:
        """Share of the signal's power at each timestep, (B,) in 0..1."""
        return self.alphas_cumprod[timesteps].float()

    def add_noise(self, latents: torch.Tensor, noise: torch.Tensor, timesteps: torch.Tensor) -> torch.Tensor:
        """x_t for latents and noise (B, C, H, W) and timesteps (B,)."""
        signal, noise_scale = self._amplitudes(timesteps, latents)
        return signal * latents + noise_scale * noise

    def target(self, latents: torch.Tensor, noise: torch.Tensor, timesteps: torch.Tensor) -> torch.Tensor:
        """The noise itself, or v = sqrt(a) noise - sqrt(1 - a) x_0 (Salimans and Ho 2022, appendix D)."""
        if self.prediction == "eps":
            return noise
        signal, noise_scale = self._amplitudes(timesteps, latents)
        return signal * noise - noise_scale * latents

    def clean(self, noisy: torch.Tensor, prediction: torch.Tensor, timesteps: torch.Tensor) -> torch.Tensor:
        """The x_0 that a prediction means."""
        signal, noise_scale = self._amplitudes(timesteps, noisy)
        if self.prediction == "eps":
            return (noisy - noise_scale * prediction) / signal
        return signal * noisy - noise_scale * prediction

    def noise(self, noisy: torch.Tensor, prediction: torch.Tensor, timesteps: torch.Tensor) -> torch.Tensor:
        """The noise that a prediction means."""
        if self.prediction == "eps":
            return prediction
        signal, noise_scale = self._amplitudes(timesteps, noisy)
        return signal * prediction + noise_scale * noisy

    def snr(self, timesteps: torch.Tensor) -> torch.Tensor:
        """Signal power over noise power, a / (1 - a), in float32 (B,)."""
        alphas = self.alphas_cumprod[timesteps]
        return (alphas / (1 - alphas)).float()

    def _amplitudes(self, timesteps: torch.Tensor, like: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        alphas = self.alphas_cumprod[timesteps].view(-1, 1, 1, 1)
        return alphas.sqrt().to(like), (1 - alphas).sqrt().to(like)


def sample_timesteps(count: int, schedule_length: int, generator: torch.Generator) -> torch.Tensor:
    """`count` timesteps, each as likely as any other."""
    return torch.randint(0, schedule_length, (count,), generator=generator)


def sample_noise(shape: torch.Size, objective: ObjectiveConfig, generator: torch.Generator) -> torch.Tensor:
    """Gaussian noise (B, C, H, W), with an offset per channel and coarser octaves where the objective asks for them."""
    noise = torch.randn(shape, generator=generator)
    if objective.multires_noise:
        noise = _with_octaves(noise, objective, generator)
    if objective.noise_offset:
        noise = noise + objective.noise_offset * torch.randn((*shape[:2], 1, 1), generator=generator)
    return noise


def _with_octaves(noise: torch.Tensor, objective: ObjectiveConfig, generator: torch.Generator) -> torch.Tensor:
    """Each octave 2 to 4 times coarser and `multires_discount` times weaker than the last; variance 1 again after."""
    height, width = noise.shape[-2:]
    for octave in range(1, objective.multires_noise + 1):
        coarseness = (2 + 2 * torch.rand((), generator=generator).item()) ** octave
        size = max(1, int(height / coarseness)), max(1, int(width / coarseness))
        coarse = torch.randn((*noise.shape[:2], *size), generator=generator)
        fine = torch.nn.functional.interpolate(coarse, (height, width), mode="bilinear")
        noise = noise + fine * objective.multires_discount**octave
        if 1 in size:
            break
    return noise / noise.std()
