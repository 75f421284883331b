"""The training loop, from top to bottom."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch

from .captions import vary_captions
from .config import TrainingConfig
from .data import BatchOrder, Conditioning, Example, TextEncoder, random_shifts, roll_rows
from .lora import LoraNetwork
from .loss import elementwise_loss, masked_mean, style_distance, timestep_weights
from .noise import NoiseSchedule, sample_noise, sample_timesteps
from .optimizers import build_optimizer, rate_factor
from .randomness import generator

Denoiser = Callable[[torch.Tensor, torch.Tensor, Conditioning], torch.Tensor]
"""(noisy (B, C, H, W), timesteps (B,), conditioning) -> prediction (B, C, H, W)"""

SETTLE_EVERY = 10  # steps a GPU runs ahead before its losses are read: each reading makes it wait
VALIDATION_TIMESTEPS = 4


class Diverged(Exception):
    """The loss or a gradient was no number at `step` (from 1). The weights are those of the step before."""

    def __init__(self, step: int) -> None:
        super().__init__(f"step {step} has no finite loss or gradient")
        self.step = step


class Trainer:
    """One run. `step` counts finished steps; `losses` has one number for each that has been read back.

    Everything random is drawn from the seed and the step, so a trainer whose weights and optimizer are those of step
    n goes on exactly as one that trained up to there.
    """

    def __init__(
        self,
        network: LoraNetwork,
        denoise: Denoiser,
        encode_texts: TextEncoder,
        examples: Sequence[Example],
        schedule: NoiseSchedule,
        config: TrainingConfig,
        device: torch.device,
        validation: Sequence[Example] = (),
        loss_scaling: bool = False,
    ) -> None:
        self.network = network
        self.denoise = denoise
        self.encode_texts = encode_texts
        self.examples = examples
        self.validation = validation
        self.schedule = schedule.to(device)
        self.config = config
        self.device = device
        self.order = BatchOrder(examples, config.batch_size, config.seed)
        self.batches_per_epoch = self.order.batches_per_epoch
        self.steps_per_epoch = -(-self.batches_per_epoch // config.optimizer.accumulation)
        self.steps = config.epochs * self.steps_per_epoch or config.steps
        self.parameters = list(network.parameters())
        self.optimizer = build_optimizer(self._parameter_groups(), config.optimizer)
        self.fused = bool(self.optimizer.defaults.get("fused"))
        self.scaler = torch.amp.GradScaler(device.type, enabled=loss_scaling)
        self.ema = [parameter.detach().clone() for parameter in self.parameters] if config.optimizer.ema else []
        self.step = 0
        self.losses: list[float] = []
        self.validation_losses: list[tuple[int, float]] = []
        self._unread: list[torch.Tensor] = []
        self._broken_steps = torch.zeros((), device=device)

    def run(self) -> Iterator[int]:
        """Train to the last step, yielding the number of steps made. At each yield weights and optimizer agree.

        Raises `Diverged` when a loss or gradient is not finite.
        """
        while self.step < self.steps:
            self._set_learning_rates()
            with self._dropout_of_step():
                loss = self._accumulated_loss()
            self._update(loss)
            self._unread.append(loss)
            self.step += 1
            if not self.fused or self.device.type == "cpu" or len(self._unread) == SETTLE_EVERY:
                self.settle()
            yield self.step
        self.settle()

    def settle(self) -> None:
        """Read back the losses that the device still holds."""
        if not self._unread:
            return
        *recent, broken_steps = torch.stack([*self._unread, self._broken_steps]).tolist()
        self._unread.clear()
        if broken_steps:
            sound = len(recent) - int(broken_steps)
            self.step -= int(broken_steps)
            self.losses += recent[:sound]
            raise Diverged(self.step + 1)
        self.losses += recent

    def _set_learning_rates(self) -> None:
        factor = rate_factor(self.config.optimizer, self.step, self.steps)
        for group in self.optimizer.param_groups:
            group["lr"] = group["initial_lr"] * factor
        until = self.config.objective.text_encoder_until
        if until < 1 and self.step >= until * self.steps:
            for parameter in self.network.parameters_of("lora_te"):
                parameter.requires_grad_(False)

    def _accumulated_loss(self) -> torch.Tensor:
        count = self.config.optimizer.accumulation
        total = torch.zeros((), device=self.device)
        for micro in range(count):
            loss = self._loss(self.step * count + micro)
            self.scaler.scale(loss / count).backward()
            total += loss.detach() / count
        return total

    def _loss(self, index: int) -> torch.Tensor:
        """Loss of batch number `index` of the run."""
        batch = [self.examples[i] for i in self.order.batch(index)]
        shifts = random_shifts(batch, self._draw("roll", index)) if self.config.objective.roll else []
        latents = torch.stack([example.latent for example in batch])
        latents = roll_rows(latents, shifts) if any(map(any, shifts)) else latents
        mask = self._mask(batch, shifts)
        noise = sample_noise(latents.shape, self.config.objective, self._draw("noise", index))
        timesteps = sample_timesteps(len(batch), len(self.schedule), self._draw("timesteps", index))
        counts = torch.tensor([self._weight(example) for example in batch])

        latents, noise, timesteps, counts = (
            value.to(self.device, non_blocking=True) for value in (latents, noise, timesteps, counts)
        )
        captions = [example.caption for example in batch]
        captions = vary_captions(captions, self.config.objective, self._draw("captions", index))
        conditioning = self.encode_texts(captions, [example.size for example in batch])
        return (self._row_losses(latents, noise, timesteps, conditioning, mask) * counts).mean()

    def _row_losses(
        self,
        latents: torch.Tensor,
        noise: torch.Tensor,
        timesteps: torch.Tensor,
        conditioning: Conditioning,
        mask: torch.Tensor | None,
    ) -> torch.Tensor:
        objective = self.config.objective
        noisy = self.schedule.add_noise(latents, noise, timesteps)
        prediction = self.denoise(noisy, timesteps, conditioning)
        target = self.schedule.target(latents, noise, timesteps)
        rows = masked_mean(elementwise_loss(prediction, target, objective), mask)
        rows = rows * timestep_weights(self.schedule, timesteps, objective)
        if objective.style:
            clean = self.schedule.clean(noisy, prediction, timesteps)
            certainty = self.schedule.alphas_cumprod[timesteps].float() ** 2  # a clean latent read from noise is none
            rows = rows + objective.style * certainty * style_distance(clean, latents)
        return rows

    def _mask(self, batch: Sequence[Example], shifts: Sequence[tuple[int, int]]) -> torch.Tensor | None:
        if not self.config.objective.masked or all(example.mask is None for example in batch):
            return None
        whole = torch.ones_like(batch[0].latent[:1])
        mask = torch.stack([whole if example.mask is None else example.mask for example in batch])
        return (roll_rows(mask, shifts) if shifts else mask).to(self.device)

    def _weight(self, example: Example) -> float:
        return self.config.objective.prior_weight if example.regularisation else 1.0

    def _update(self, loss: torch.Tensor) -> None:
        self.scaler.unscale_(self.optimizer)
        trained = [parameter for parameter in self.parameters if parameter.grad is not None]
        limit = self.config.optimizer.clip_norm or float("inf")
        norm = torch.nn.utils.clip_grad_norm_(trained, limit, foreach=True)
        sound = loss.isfinite() if self.scaler.is_enabled() else loss.isfinite() & norm.isfinite()
        broken_before = self._broken_steps
        self._broken_steps = torch.where(sound & (broken_before == 0), 0.0, broken_before + 1)
        if self.scaler.is_enabled():
            self.scaler.step(self.optimizer)
            self.scaler.update()
        elif self.fused:
            self.optimizer.found_inf = self._broken_steps.clamp(
                max=1
            )  # the kernel itself then leaves the weights alone
            self.optimizer.step()
        elif not self._broken_steps:
            self.optimizer.step()
        self.optimizer.zero_grad()
        if self.ema:
            torch._foreach_lerp_(self.ema, [p.detach() for p in self.parameters], 1 - self.config.optimizer.ema)

    @torch.no_grad()
    def validate(self) -> float:
        """Mean loss of the held-out examples with the same noise and timesteps every time."""
        losses = []
        self.network.eval()  # without dropout
        for number, example in enumerate(self.validation):
            latents = example.latent.unsqueeze(0).expand(VALIDATION_TIMESTEPS, -1, -1, -1)
            noise = torch.randn(latents.shape, generator=self._draw("validation", number)).to(self.device)
            timesteps = (torch.arange(VALIDATION_TIMESTEPS) + 0.5) / VALIDATION_TIMESTEPS * len(self.schedule)
            conditioning = self.encode_texts([example.caption] * len(latents), [example.size] * len(latents))
            rows = self._row_losses(
                latents.to(self.device), noise, timesteps.long().to(self.device), conditioning, None
            )
            losses.append(rows.mean())
        self.network.train()
        self.validation_losses.append((self.step, torch.stack(losses).mean().item()))
        return self.validation_losses[-1][1]

    def kohya_state(self, dtype: torch.dtype = torch.float32) -> dict[str, torch.Tensor]:
        """The LoRA so far, of the running mean where there is one."""
        if not self.ema:
            return self.network.kohya_state(dtype)
        moving = [parameter.detach().clone() for parameter in self.parameters]
        with torch.no_grad():
            torch._foreach_copy_(self.parameters, self.ema)
            state = self.network.kohya_state(dtype)
            torch._foreach_copy_(self.parameters, moving)
        return state

    def _parameter_groups(self) -> list[dict[str, Any]]:
        rate = self.config.optimizer.learning_rate
        text_rate = self.config.optimizer.text_encoder_rate or rate / 2
        groups = [
            (list(self.network.parameters_of("lora_unet")), rate),
            (list(self.network.parameters_of("lora_te")), text_rate),
        ]
        return [{"params": members, "lr": lr, "initial_lr": lr} for members, lr in groups if members]

    def _draw(self, purpose: str, count: int) -> torch.Generator:
        return generator(self.config.seed, purpose, count)

    def _dropout_of_step(self) -> AbstractContextManager[None]:
        """Seeds torch's own generator for this step alone, where the network draws from it."""
        if not self.config.network.dropout:
            return nullcontext()
        return _seeded(self._draw("dropout", self.step).initial_seed(), self.device)


@contextmanager
def _seeded(seed: int, device: torch.device) -> Iterator[None]:
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield
