"""Rectified flow: a straight line from a clean latent to noise, and the velocity along it that a network predicts.

A timestep is sigma itself, the share of noise from 0 to 1. How the network receives it is the denoiser's affair.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from .config import ConfigError, ObjectiveConfig
from .noise import NoiseSchedule


@dataclass(frozen=True)
class ResolutionShift:
    """mu, linear in the image's tokens between two (tokens, mu) points; timesteps are shifted by e^mu.

    Esser et al. 2024 (section 5.3.2) for the idea; each family's points are those of its authors' code.
    """

    low: tuple[int, float] = (256, 0.5)
    high: tuple[int, float] = (4096, 1.15)

    def __call__(self, tokens: int) -> float:
        """The factor for an image of so many tokens."""
        (few, low), (many, high) = self.low, self.high
        return math.exp(low + (high - low) * (tokens - few) / (many - few))


@dataclass(frozen=True)
class FlowTimes:
    """Where a family's timesteps lie.

    sampling is what "auto" draws. shift is that of "shifted", sampling_shift that of pictures, by_resolution that of
    "by resolution". patch is how many latent pixels a side one token has.
    """

    sampling: str = "logit-normal"
    shift: float = 3.0
    sampling_shift: float = 3.0
    by_resolution: ResolutionShift = ResolutionShift()
    patch: int = 2


@dataclass(frozen=True)
class FlowSchedule:
    """x_sigma = (1 - sigma) x_0 + sigma noise, with the target noise - x_0 (Liu et al. 2022; Lipman et al. 2022)."""

    times: FlowTimes
    sampling: str
    shift: float = 0.0
    prediction = "flow"

    @classmethod
    def of(cls, times: FlowTimes, objective: ObjectiveConfig) -> "FlowSchedule":
        """What `objective` asks for, in a family of these `times`. Raises `ConfigError` for a shift that is none."""
        sampling = times.sampling if objective.timestep_sampling == "auto" else objective.timestep_sampling
        if sampling == "by resolution" and objective.shift:
            raise ConfigError(
                f"shift of LoRA Objective is {objective.shift:g}, but timestep_sampling 'by resolution' computes it "
                "from the image's size. Set shift to 0, or choose 'shifted'."
            )
        return cls(times, sampling, objective.shift or (times.shift if sampling == "shifted" else 1.0))

    def to(self, _device: torch.device) -> "FlowSchedule":
        return self

    def draw(self, count: int, size: Sequence[int], generator: torch.Generator) -> torch.Tensor:
        """`count` timesteps (float32) for latents of `size` (height, width)."""
        if self.sampling == "uniform":
            sigmas = torch.rand(count, generator=generator)
        else:
            sigmas = torch.randn(count, generator=generator).sigmoid()
        return shifted(sigmas, self.shift_at(size))

    def shift_at(self, size: Sequence[int]) -> float:
        """The factor of the shift for latents of `size` (height, width)."""
        if self.sampling != "by resolution":
            return self.shift
        height, width = size
        return self.times.by_resolution(-(-height // self.times.patch) * -(-width // self.times.patch))

    def at(self, fractions: Sequence[float]) -> torch.Tensor:
        """The timesteps at these fractions of the way to pure noise."""
        return torch.tensor(list(fractions), dtype=torch.float32)

    def picture_timesteps(self, steps: int, device: torch.device) -> torch.Tensor:
        """From pure noise to none, `steps` + 1 of them, lying as the family samples."""
        return shifted(torch.linspace(1, 0, steps + 1, device=device), self.times.sampling_shift)

    def add_noise(self, latents: torch.Tensor, noise: torch.Tensor, timesteps: torch.Tensor) -> torch.Tensor:
        """x_sigma for latents and noise (B, C, H, W) and timesteps (B,)."""
        sigmas = _as_rows(timesteps, latents)
        return (1 - sigmas) * latents + sigmas * noise

    def target(self, latents: torch.Tensor, noise: torch.Tensor, timesteps: torch.Tensor) -> torch.Tensor:
        """The velocity, noise - x_0."""
        return noise - latents

    def clean(self, noisy: torch.Tensor, prediction: torch.Tensor, timesteps: torch.Tensor) -> torch.Tensor:
        """The x_0 that a velocity means."""
        return noisy - _as_rows(timesteps, noisy) * prediction

    def noise(self, noisy: torch.Tensor, prediction: torch.Tensor, timesteps: torch.Tensor) -> torch.Tensor:
        """The noise that a velocity means."""
        return noisy + (1 - _as_rows(timesteps, noisy)) * prediction

    def signal_share(self, timesteps: torch.Tensor) -> torch.Tensor:
        """Share of the signal's power at each timestep, (B,) in 0..1."""
        signal, noise = (1 - timesteps).square(), timesteps.square()
        return (signal / (signal + noise)).float()

    def weights(self, timesteps: torch.Tensor, weighting: str) -> torch.Tensor | float:
        """What each timestep counts, (B,), with a mean of 1 over uniform timesteps; 1 where they count the same.

        low noise: 2 (1 - sigma). cosmap: 2 / (pi (1 - 2 sigma + 2 sigma^2)) (Esser et al. 2024, section 3.1). bell:
        a Gaussian about the middle, of deviation 1/4, lifted so that the ends count too.
        """
        if weighting == "low noise":
            return 2 * (1 - timesteps)
        if weighting == "cosmap":
            return 2 / (math.pi * (1 - 2 * timesteps + 2 * timesteps.square()))
        if weighting == "bell":
            bell = torch.exp(-8 * (timesteps - 0.5).square())
            mean = math.sqrt(math.pi / 8) * math.erf(math.sqrt(2))
            return 0.25 + 0.75 * bell / mean
        return 1.0


Schedule = NoiseSchedule | FlowSchedule


def shifted(sigmas: torch.Tensor, shift: float) -> torch.Tensor:
    """s sigma / (1 + (s - 1) sigma): for s above 1 more of the timesteps are noisy (Esser et al. 2024, eq. 23)."""
    return shift * sigmas / (1 + (shift - 1) * sigmas)


def check_flow_objective(objective: ObjectiveConfig) -> None:
    """Raise `ConfigError` for a setting that means nothing where noise is mixed in on a straight line."""
    meaningless = {
        "min_snr_gamma": objective.min_snr_gamma,
        "debiased_estimation_loss": objective.debiased,
        "zero_terminal_snr": objective.zero_terminal_snr,
    }
    for name, value in meaningless.items():
        if value:
            raise ConfigError(
                f"{name} of LoRA Objective weighs timesteps by the signal-to-noise ratio of a diffusion schedule, but "
                "this model is a flow model, which has none. Switch it off (0), and use timestep_sampling, shift or "
                "sigma_weighting in its place."
            )


def check_diffusion_objective(objective: ObjectiveConfig) -> None:
    """Raise `ConfigError` for a setting that only flow models have."""
    own = ObjectiveConfig()
    for name in ("timestep_sampling", "shift", "guidance", "sigma_weighting"):
        if getattr(objective, name) != getattr(own, name):
            raise ConfigError(
                f"{name} of LoRA Objective is {getattr(objective, name)}, which only flow models have (Flux, Z-Image, "
                f"Qwen-Image and their kin); this is a diffusion model. Set it to {getattr(own, name)}."
            )


def _as_rows(timesteps: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    return timesteps.to(like).view(-1, *(1 for _ in like.shape[1:]))
