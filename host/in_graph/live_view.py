"""What a run shows while it trains: a line of text, its log, and sample pictures."""

import time
from collections import deque
from functools import partial

import comfy.model_management
import comfy.utils
import torch

from ...common.image_writing import write_png
from ...common.map_words import described
from ...training.config import TrainingConfig
from ...training.loop import Trainer
from ...training.measure import loss_transfer
from ...training.pace import TOLD_EVERY, pace
from ...training.plot import smoothed
from ...training.preflight import course_warnings
from ...training.randomness import generator
from ...training.run_files import RunFiles, told_if_disk_fails
from ...training.sampling import sample
from ..latent_format import decode_latents
from ..node_text import tell_node
from ..protocols import Vae
from ..run_record import RunRecord
from .text_conditioning import sampled_rows
from .trained_flow import TrainedFlow
from .trained_unet import TrainedUnet

SAMPLE_STEPS = 20


class LiveView:
    """Tells the node how the run is going, and keeps its sample pictures. notes stand below that to the end."""

    def __init__(
        self,
        trainer: Trainer,
        files: RunFiles,
        vae: Vae,
        trained: TrainedUnet | TrainedFlow,
        config: TrainingConfig,
        node_id: str | None,
        notes: list[str],
        record: RunRecord,
    ) -> None:
        self.trainer, self.files, self.vae, self.trained = trainer, files, vae, trained
        self.config, self.node_id, self.notes, self.record = config, node_id, notes, record
        self.bar = comfy.utils.ProgressBar(trainer.steps, node_id=node_id)
        self.recent: deque[float] = deque([time.monotonic()], maxlen=50)
        self.line_shown = time.monotonic()

    def after_step(self, step: int, sample_now: bool = False) -> None:
        """Show the state of things after `step`, with samples where they are due or asked for now."""
        every = self.config.saving.sample_every
        samples = sample_now or (every > 0 and step % every == 0)
        if samples:
            self._sample_all(step)
        trainer = self.trainer
        self.record.step(step, trainer.optimizer.param_groups[0]["lr"], trainer.losses)
        self.recent.append(time.monotonic())
        self.bar.update_absolute(step)
        if self.recent[-1] - self.line_shown > TOLD_EVERY or step == self.trainer.steps:
            self.line_shown = self.recent[-1]
            measured = self.trainer.measurements
            warnings = course_warnings(measured.fixed, measured.validation)
            tell_node(self.node_id, "\n".join([self._line(step), *warnings, *self.notes]))

    def prompts(self) -> list[str]:
        """What is sampled: the prompts that were given, else the caption of a training image."""
        caption = self.trainer.batches.examples[0].caption
        return self.config.saving.sample_prompts() or [
            described(caption) if self.config.objective.is_together else caption
        ]

    def _sample_all(self, step: int) -> None:
        began, prompts = time.monotonic(), self.prompts()
        self.trainer.network.eval()  # without dropout
        for number, prompt in enumerate(prompts):
            self._sample(prompt, number, step)
        self.trainer.network.train()
        comfy.model_management.unload_all_models()  # the VAE has drawn them
        self.record.log.event("sampled", step, prompts=prompts, seconds=round(time.monotonic() - began, 2))

    def _line(self, step: int) -> str:
        speed = (len(self.recent) - 1) / max(1e-6, self.recent[-1] - self.recent[0])
        epoch = (step - 1) // self.trainer.steps_per_epoch + 1
        parts = [f"step {step}/{self.trainer.steps}", f"epoch {epoch}", *pace(self.trainer.steps - step, speed)]
        if self.trainer.losses:
            parts.append(f"loss {smoothed(self.trainer.losses)[-1]:.4f}")
        parts += [f"fixed noise {loss:.4f}" for _, loss in self.trainer.measurements.fixed[-1:]]
        measured = self.trainer.measurements
        parts += [f"validation {loss:.4f}" for _, loss in measured.validation[-1:]]
        share = loss_transfer(measured.validation, measured.fixed)
        parts += [] if share is None else [f"loss transfer {share:.2f}"]
        return " · ".join(parts)

    def _sample(self, prompt: str, number: int, step: int) -> None:
        """Save one picture of the LoRA as it is, always from the same noise."""
        side = self.config.resolution
        cells = side // self.vae.spacial_compression_encode()
        examples = self.trainer.batches.examples
        texts, empty = (sampled_rows(text, examples, self.config) for text in (prompt, ""))
        shape = (len(texts), examples[0].latent.shape[0], cells, cells)
        noise = torch.randn(shape, generator=generator(self.config.seed, "sample", number)).to(self.trainer.device)
        cond, uncond = (self.trainer.encode_texts(rows, [(side, side)] * len(rows)) for rows in (texts, empty))
        denoise = self.trainer.denoise
        with self.trained.pictures(denoise):
            scale = self.trained.picture_scale
            together = partial(denoise, maps=len(texts)) if len(texts) > 1 else denoise
            latent = sample(together, self.trainer.schedule, noise, cond, uncond, SAMPLE_STEPS, scale)
        pictures = decode_latents(self.trained.model, self.vae, latent).movedim(-1, 1)
        picture = torch.cat(list(pictures), dim=2)  # the maps of a material side by side
        file = self.files.folder / "samples" / f"step{step:08}_{number}.png"
        with told_if_disk_fails(file):
            write_png(file, picture)
