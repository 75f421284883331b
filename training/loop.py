"""The training loop, from top to bottom."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch

from .batches import Batch, Batches
from .config import TrainingConfig
from .cuda_graph import GraphedPass, Inputs
from .data import Conditioning, Example, TextEncoder
from .lora import LoraNetwork
from .loss import elementwise_loss, masked_mean, style_distance, timestep_weights
from .noise import NoiseSchedule
from .optimizers import build_optimizer, rate_factor
from .randomness import generator

Denoiser = Callable[[torch.Tensor, torch.Tensor, Conditioning], torch.Tensor]
"""(noisy (B, C, H, W), timesteps (B,), conditioning) -> prediction (B, C, H, W)"""

SETTLE_EVERY = 10  # steps a GPU runs ahead before its losses are read: each reading makes it wait
VALIDATION_FRACTIONS = (0.125, 0.375, 0.625, 0.875)  # of the schedule, at which each held-out image is measured
FIXED_ROWS = 8  # images measured to see whether the run learns, each at a fraction of the schedule of its own


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
        self.batches = Batches(examples, config, len(schedule))
        self.batches_per_epoch = self.batches.order.batches_per_epoch
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
        self.fixed_losses: list[tuple[int, float]] = []
        self._unread: list[torch.Tensor] = []
        self._broken_steps = torch.zeros((), device=device)
        graphed = config.acceleration == "CUDA graph"
        self._pass = GraphedPass(self._forward_backward, self.parameters) if graphed else self._forward_backward

    def run(self) -> Iterator[int]:
        """Train to the last step, yielding the number of steps made. At each yield weights and optimizer agree.

        Raises `Diverged` when a loss or gradient is not finite.
        """
        batches = self.batches.ahead(self.step * self.config.optimizer.accumulation, self.device)
        while self.step < self.steps:
            self._set_learning_rates()
            with self._dropout_of_step():
                loss = self._accumulated_loss(batches)
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

    def _accumulated_loss(self, batches: Iterator[Batch]) -> torch.Tensor:
        total = torch.zeros((), device=self.device)
        for _ in range(self.config.optimizer.accumulation):
            total += self._pass(self._inputs(next(batches)))
        return total

    def _inputs(self, batch: Batch) -> Inputs:
        """Everything that a pass reads, on the device."""
        conditioning = self.encode_texts(batch.captions, batch.sizes)
        there = batch.to(self.device)
        inputs = {
            "latents": there.latents,
            "noise": there.noise,
            "timesteps": there.timesteps,
            "counts": there.counts,
            "mask": there.mask,
            "context": conditioning.context,
            "vector": conditioning.vector,
        }
        return {name: value for name, value in inputs.items() if value is not None}

    def _forward_backward(self, inputs: Inputs) -> torch.Tensor:
        """The loss of a batch as its part of a step; adds its gradient to those of the parameters."""
        loss = self._loss(inputs) / self.config.optimizer.accumulation
        self.scaler.scale(loss).backward()
        return loss.detach()

    def _loss(self, inputs: Inputs) -> torch.Tensor:
        return (self._row_losses(inputs) * inputs["counts"]).mean()

    def _row_losses(self, inputs: Inputs) -> torch.Tensor:
        """(B,) as the objective says."""
        objective = self.config.objective
        latents, noise, timesteps = inputs["latents"], inputs["noise"], inputs["timesteps"]
        noisy = self.schedule.add_noise(latents, noise, timesteps)
        prediction = self.denoise(noisy, timesteps, Conditioning(inputs["context"], inputs.get("vector")))
        target = self.schedule.target(latents, noise, timesteps)
        rows = masked_mean(elementwise_loss(prediction, target, objective), inputs.get("mask"))
        rows = rows * timestep_weights(self.schedule, timesteps, objective)
        if objective.style:
            clean = self.schedule.clean(noisy, prediction, timesteps)
            certainty = self.schedule.alphas_cumprod[timesteps].float() ** 2  # a clean latent read from noise is none
            rows = rows + objective.style * certainty * style_distance(clean, latents)
        return rows

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
            self.optimizer.found_inf = self._broken_steps.clamp(max=1)  # the kernel then leaves the weights alone
            self.optimizer.step()
        elif not self._broken_steps:
            self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=self.config.acceleration != "CUDA graph")
        if self.ema:
            torch._foreach_lerp_(self.ema, [p.detach() for p in self.parameters], 1 - self.config.optimizer.ema)

    @property
    def measure_every(self) -> int:
        """Steps between two measurements: as told, or so that they are 20 at most and take 5 % of the time at most."""
        rows = self.config.batch_size * self.config.optimizer.accumulation
        affordable = -(-20 * FIXED_ROWS // (3 * rows))  # a row only measured costs a third of one trained on
        return self.config.saving.measure_every or max(affordable, -(-self.steps // 20))

    def measure(self) -> float:
        """Mean loss of a few training images whose noise and timesteps never change, so it shows what was learnt.

        The loss of the steps themselves tells more about the timesteps they met.
        """
        own = [example for example in self.examples if not example.regularisation] or self.examples
        chosen = [own[number * len(own) // FIXED_ROWS] for number in range(FIXED_ROWS)]
        rows = [(example, (number + 0.5) / FIXED_ROWS) for number, example in enumerate(chosen)]
        self.fixed_losses.append((self.step, self._mean_loss(self.batches.fixed(rows, "fixed noise"))))
        return self.fixed_losses[-1][1]

    def validate(self) -> float:
        """Mean loss of the held-out examples with the same noise and timesteps every time."""
        rows = [(example, fraction) for example in self.validation for fraction in VALIDATION_FRACTIONS]
        self.validation_losses.append((self.step, self._mean_loss(self.batches.fixed(rows, "validation"))))
        return self.validation_losses[-1][1]

    @torch.no_grad()
    def _mean_loss(self, batches: Iterator[Batch]) -> float:
        self.network.eval()  # without dropout
        losses = [self._row_losses(self._inputs(batch)) for batch in batches]
        self.network.train()
        return torch.cat(losses).mean().item()

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
        optimizer = self.config.optimizer
        groups = [
            (list(self.network.parameters_of("lora_unet")), optimizer.learning_rate),
            (list(self.network.parameters_of("lora_te")), optimizer.text_rate),
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
