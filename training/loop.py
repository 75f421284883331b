"""The training loop, from top to bottom."""

from collections.abc import Callable, Iterator, Sequence

import torch

from .config import TrainingConfig
from .data import BatchOrder, Conditioning, Example, roll_latents
from .lora import LoraNetwork
from .loss import denoising_loss
from .noise import NoiseSchedule, sample_timesteps
from .randomness import generator

Denoiser = Callable[[torch.Tensor, torch.Tensor, Conditioning], torch.Tensor]
"""(noisy (B, C, H, W), timesteps (B,), conditioning) -> prediction (B, C, H, W)"""


class Trainer:
    """One run. `step` counts finished steps and `losses` holds one number for each.

    Everything random is drawn from the seed and the step, so a trainer set to step n goes on exactly as one that
    trained up to there.
    """

    def __init__(
        self,
        network: LoraNetwork,
        denoise: Denoiser,
        examples: Sequence[Example],
        schedule: NoiseSchedule,
        config: TrainingConfig,
        device: torch.device,
    ) -> None:
        self.network = network
        self.denoise = denoise
        self.examples = examples
        self.schedule = schedule
        self.config = config
        self.device = device
        self.order = BatchOrder(examples, config.batch_size, config.seed)
        self.optimizer = torch.optim.AdamW(
            network.parameters(),
            lr=config.optimizer.learning_rate,
            betas=config.optimizer.betas,
            weight_decay=config.optimizer.weight_decay,
            fused=True,
        )
        self.step = 0
        self.losses: list[float] = []

    def run(self) -> Iterator[float]:
        """Train to the last step, yielding each step's loss. Between two yields weights and optimizer agree."""
        while self.step < self.config.steps:
            loss = self._loss(self.step)
            loss.backward()
            self.optimizer.step()
            self.optimizer.zero_grad()
            self.losses.append(loss.item())
            self.step += 1
            yield self.losses[-1]

    def _loss(self, step: int) -> torch.Tensor:
        batch = [self.examples[i] for i in self.order.batch(step)]
        latents = torch.stack([example.latent for example in batch])
        if self.config.objective.roll:
            tileable = [example.tileable for example in batch]
            latents = roll_latents(latents, tileable, generator(self.config.seed, "roll", step))
        noise = torch.randn(latents.shape, generator=generator(self.config.seed, "noise", step))
        draw = generator(self.config.seed, "timesteps", step)
        timesteps = sample_timesteps(len(batch), len(self.schedule), draw)

        latents, noise, timesteps = (x.to(self.device, non_blocking=True) for x in (latents, noise, timesteps))
        conditioning = Conditioning.stack([example.conditioning for example in batch])
        prediction = self.denoise(self.schedule.add_noise(latents, noise, timesteps), timesteps, conditioning)
        return denoising_loss(prediction, self.schedule.target(latents, noise, timesteps)).mean()
