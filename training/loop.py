"""The training loop, from top to bottom."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch.amp.grad_scaler import GradScaler
from torch.optim.swa_utils import get_ema_multi_avg_fn

from .batches import Batch, Batches, forward_inputs
from .config import TrainingConfig
from .cuda_graph import CapturedPass, Inputs
from .data import Example
from .flow import Schedule
from .lora import LoraNetwork
from .loss import objective_loss, style_loss
from .measure import Measurements
from .optimizers import build_optimizer, check_warmup, rate_factor
from .parallel import ALONE, Share
from .randomness import generator
from .text_rows import TextConditioning, conditioning_of

Denoiser = Callable[..., torch.Tensor]
"""(noisy (B, C, H, W), timesteps (B,), what `TextEncoder` made of the captions) -> prediction (B, C, H, W); with a
fourth argument where so many rows at a time are the maps of a material and see each other"""

TextEncoder = Callable[[Sequence[str], Sequence[tuple[int, int]]], TextConditioning]
"""(captions, sizes in pixels) -> the conditioning of as many rows"""

SETTLE_EVERY = 10  # steps a GPU runs ahead before its losses are read: each reading makes it wait


class Diverged(Exception):
    """Non-finite (NaN or infinite) loss or gradient at `step` (from 1). The weights are those of the step before."""

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
        schedule: Schedule,
        config: TrainingConfig,
        device: torch.device,
        validation: Sequence[Example] = (),
        loss_scaling: bool = False,
        share: Share = ALONE,
    ) -> None:
        share.check(config.batch_size)
        self.share = share
        self.network, self.denoise, self.encode_texts = network, denoise, encode_texts
        self.schedule = schedule.to(device)
        self.config, self.device = config, device
        self.batches = Batches(examples, config, schedule)
        self.batches_per_epoch = self.batches.order.batches_per_epoch
        self.steps_per_epoch = -(-self.batches_per_epoch // config.optimizer.accumulation)
        self.steps = config.epochs * self.steps_per_epoch or config.steps
        check_warmup(config.optimizer, self.steps)
        self.parameters: list[torch.Tensor] = list(network.parameters())
        self.optimizer = build_optimizer(_parameter_groups(network, config), config.optimizer)
        self.fused = bool(self.optimizer.defaults.get("fused"))
        self.scaler = GradScaler(device.type, enabled=loss_scaling)
        # Not AveragedModel: it copies the module, and with it the frozen layers that each LoRA layer stands beside.
        self.ema = [parameter.detach().clone() for parameter in self.parameters] if config.optimizer.ema else []
        self.move_ema = get_ema_multi_avg_fn(config.optimizer.ema)
        self.step = 0
        self.losses: list[float] = []
        self.measurements = Measurements(self.batches, validation, config, self.steps, self.mean_loss)
        self._unread: list[torch.Tensor] = []
        self._broken_steps = torch.zeros((), device=device)
        captured = config.acceleration == "CUDA graph"
        self._pass = CapturedPass(self.forward_backward, self.parameters) if captured else self.forward_backward

    def run(self) -> Iterator[int]:
        """Train to the last step, yielding the number of steps made. At each yield weights and optimizer agree.

        Raises `Diverged` when a loss or gradient is not finite.
        """
        batches = self.batches.ahead(self.step * self.config.optimizer.accumulation, self.device)
        while self.step < self.steps:
            self._unread.append(self.train_step(batches))
            self.step += 1
            if not self.fused or self.device.type == "cpu" or len(self._unread) == SETTLE_EVERY:
                self.settle()
            yield self.step
        self.settle()

    def train_step(self, batches: Iterator[Batch]) -> torch.Tensor:
        """One update of the weights. Returns the mean loss of its batches, still on the device."""
        self._set_rates()
        loss = torch.zeros((), device=self.device)
        with self._seeded_dropout():
            for _ in range(self.config.optimizer.accumulation):
                # Draw; then forward and backward, as below.
                loss += self._pass(self.inputs(self.share.rows(next(batches))))

        trained = [parameter for parameter in self.parameters if parameter.grad is not None]
        loss = self.share.averaged([parameter.grad for parameter in trained if parameter.grad is not None], loss)
        self.scaler.unscale_(self.optimizer)
        longest = self.config.optimizer.clip_norm or float("inf")
        norm = torch.nn.utils.clip_grad_norm_(trained, longest, foreach=True)
        self._update(loss.isfinite() & (norm.isfinite() | self.scaler.is_enabled()))
        self.optimizer.zero_grad(set_to_none=self.config.acceleration != "CUDA graph")
        if self.ema:
            self.move_ema(self.ema, self.parameters, self.step)
        return loss

    def forward_backward(self, inputs: Inputs) -> torch.Tensor:
        """The loss of a batch as its part of a step; adds its gradient to those of the parameters."""
        loss = self.batch_loss(inputs) / self.config.optimizer.accumulation
        self.scaler.scale(loss).backward()
        return loss.detach()

    def batch_loss(self, inputs: Inputs) -> torch.Tensor:
        """Mean over the rows, each with its weight."""
        return (self.row_losses(inputs) * inputs["loss_weights"]).mean()

    def row_losses(self, inputs: Inputs) -> torch.Tensor:
        """The loss of each row, (B,): noise the latents, predict, compare with the target."""
        latents, noise, timesteps = inputs["latents"], inputs["noise"], inputs["timesteps"]
        noisy = self.schedule.add_noise(latents, noise, timesteps)
        if "given" in inputs:
            noisy = torch.where(inputs["given"].view(-1, 1, 1, 1), latents, noisy)
            prediction = self.denoise(noisy, timesteps, conditioning_of(inputs), inputs["given"].shape[1])
        else:
            prediction = self.denoise(noisy, timesteps, conditioning_of(inputs))
        target = self.schedule.target(latents, noise, timesteps)
        loss = objective_loss(prediction, target, timesteps, inputs.get("mask"), self.schedule, self.config.objective)
        if self.config.objective.style:
            loss = loss + style_loss(prediction, noisy, latents, timesteps, self.schedule, self.config.objective)
        return loss

    def _update(self, finite: torch.Tensor) -> None:
        """Update the weights, unless this step or one before it, which has not been read back yet, was not finite."""
        self._broken_steps = torch.where(finite & (self._broken_steps == 0), 0.0, self._broken_steps + 1)
        if self.scaler.is_enabled():
            self.scaler.step(self.optimizer)
            self.scaler.update()
        elif self.fused:
            # The kernel then leaves the weights alone, as it does for GradScaler.
            self.optimizer.found_inf = self._broken_steps.clamp(max=1)  # type: ignore[attr-defined]
            self.optimizer.step()
        elif not self._broken_steps:
            self.optimizer.step()

    def inputs(self, batch: Batch) -> Inputs:
        """Everything that a forward pass reads, on the device."""
        return forward_inputs(batch.to(self.device), self.encode_texts(batch.captions, batch.sizes))

    def _set_rates(self) -> None:
        """Set the learning rates of the coming step, and freeze the text encoder from `text_encoder_until` on."""
        factor = rate_factor(self.config.optimizer, self.step, self.steps)
        for group in self.optimizer.param_groups:
            group["lr"] = group["initial_lr"] * factor
        if self.step >= self.config.objective.text_encoder_until * self.steps:
            for parameter in self.network.parameters_of("lora_te"):
                parameter.requires_grad_(False)

    def settle(self) -> None:
        """Read back the losses that the device still holds."""
        if not self._unread:
            return
        *recent, broken_steps = torch.stack([*self._unread, self._broken_steps]).tolist()
        self._unread.clear()
        if broken_steps:
            finite = len(recent) - int(broken_steps)
            self.step -= int(broken_steps)
            self.losses += recent[:finite]
            raise Diverged(self.step + 1)
        self.losses += recent

    @torch.no_grad()
    def mean_loss(self, batches: Iterable[Batch]) -> float:
        """Mean loss of all rows of `batches`, without dropout."""
        self.network.eval()
        losses = [self.row_losses(self.inputs(batch)) for batch in batches]
        self.network.train()
        return torch.cat(losses).mean().item()

    def kohya_state(self, dtype: torch.dtype = torch.float32) -> dict[str, torch.Tensor]:
        """The LoRA so far, of the moving average where there is one."""
        if not self.ema:
            return self.network.kohya_state(dtype)
        moving = [parameter.detach().clone() for parameter in self.parameters]
        with torch.no_grad():
            torch._foreach_copy_(self.parameters, self.ema)
            state = self.network.kohya_state(dtype)
            torch._foreach_copy_(self.parameters, moving)
        return state

    @contextmanager
    def _seeded_dropout(self) -> Iterator[None]:
        """Seeds torch's own generator for this step alone, where the network draws from it."""
        if not self.config.network.dropout:
            yield
            return
        with torch.random.fork_rng([self.device] if self.device.type == "cuda" else []):
            own = f"dropout {self.share.rank}" if self.share.rank else "dropout"
            torch.manual_seed(generator(self.config.seed, own, self.step).initial_seed())
            yield


def _parameter_groups(network: LoraNetwork, config: TrainingConfig) -> list[dict[str, Any]]:
    groups = [
        (list(network.parameters_of("lora_unet")), config.optimizer.learning_rate),
        (list(network.parameters_of("lora_te")), config.optimizer.text_rate),
    ]
    return [{"params": members, "lr": lr, "initial_lr": lr} for members, lr in groups if members]
