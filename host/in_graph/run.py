"""One training, from the host's objects to its files."""

import gc
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import comfy.model_management
import torch

from ...common.errors import InputError
from ...common.files import check_name
from ...common.texture_dataset import TextureDataset
from ...training.checkpoint import save_tensors
from ...training.config import TrainingConfig
from ...training.data import Example, split_validation
from ...training.loop import Diverged, Trainer
from ...training.lora import LoraNetwork
from ...training.metadata import BaseModel, lora_metadata
from ...training.run_files import RunFiles, check_room, check_writable, files_of_run, told_if_disk_fails
from ...training.state import load_state, run_fingerprint, save_state
from .. import folders
from .latents import cached_examples, check_vae, wrapped_vae
from .live_view import LiveView
from .model import (
    DTYPES,
    base_model,
    check_device,
    noise_schedule,
    start_from,
    told_if_compiling_fails,
    training_dtype,
    training_unet,
    trains_wrapped,
    unet_denoiser,
    unet_layers,
)
from .text_conditioning import text_encoder


@dataclass(frozen=True)
class TrainedLora:
    """What a run leaves: the weights in kohya's key names, their file and the run's others, and the losses.

    validation and fixed (see `Trainer.measure`) have pairs of step and loss.
    """

    state: dict[str, torch.Tensor]
    files: RunFiles
    losses: list[float]
    validation: list[tuple[int, float]]
    fixed: list[tuple[int, float]]


def train_lora(
    model: Any,
    vae: Any,
    clip: Any,
    dataset: TextureDataset,
    name: str,
    config: TrainingConfig,
    node_id: str | None = None,
) -> TrainedLora:
    """Train a LoRA for `model` on `dataset` and save it as output/loras/<name>.safetensors.

    A run of the same settings, images and model that was cancelled goes on where it stopped; any other one leaves
    an earlier file of that name alone and is numbered. However a run ends, it first saves what it has. Raises
    `InputError` for a model that is no UNet of SD1, SD2 or SDXL, for a dataset without images, when the loss is no
    number any more, and when memory or disk are too small.
    """
    base = base_model(model)
    check_name(name, "name")
    device = comfy.model_management.get_torch_device()
    check_device(config, device)
    check_writable(folders.output_folder("loras"), folders.output_folder("training"))
    with _told_to_artists(), told_if_compiling_fails(config):
        check_vae(model, vae)
        examples = cached_examples(model, vae, dataset, config)
        with torch.inference_mode(False):
            return _Run(model, vae, clip, base, name.strip(), examples, dataset, config, device, node_id).train()


@contextmanager
def _told_to_artists() -> Iterator[None]:
    """Say what went wrong and what to do; whatever was trained is saved by then. Gives back the memory either way."""
    try:
        yield
    except Diverged as error:
        raise InputError(
            f"The loss became NaN or infinite at step {error.step}, so the training stopped. The {error.step - 1} "
            "steps before are saved. Lower the learning rate, or use bfloat16 or float32."
        ) from None
    except comfy.model_management.OOM_EXCEPTION:
        raise InputError(
            "The device ran out of memory; the steps made so far are saved. Lower batch_size, resolution or rank, or "
            "switch gradient_checkpointing on."
        ) from None
    finally:
        gc.collect()  # the UNet's blocks refer to themselves, and the host needs the memory now
        comfy.model_management.soft_empty_cache()


class _Run:
    """One training, from the host's objects to its files."""

    def __init__(
        self,
        model: Any,
        vae: Any,
        clip: Any,
        base: BaseModel,
        name: str,
        examples: list[Example],
        dataset: TextureDataset,
        config: TrainingConfig,
        device: torch.device,
        node_id: str | None,
    ) -> None:
        self.config, self.base, self.name, self.examples = config, base, name, examples
        self.folders = dict(Counter(sample.file.parent.name for sample in dataset.samples))
        texts, text_layers = text_encoder(model, clip, examples, config, device)
        comfy.model_management.unload_all_models()  # nothing but the UNet in training takes memory from here on
        wraps = trains_wrapped(config, examples)
        dtype = training_dtype(config, device)
        unet = training_unet(model, config, device, dtype, wraps)
        self.fingerprint = run_fingerprint(config, examples, unet)
        network = LoraNetwork({**unet_layers(model, unet, config), **text_layers}, config.network, config.seed)
        if config.network.start_from:
            start_from(network, config.network.start_from)
        trained, held_out = split_validation(examples, config.saving.validation_share, config.seed)
        schedule = noise_schedule(model, base, config)
        self.trainer = Trainer(
            network, unet_denoiser(unet), texts, trained, schedule, config, device, held_out, dtype == torch.float16
        )
        self.files = self._own_files()
        tiling_vae = wrapped_vae(vae) if wraps else vae
        self.view = LiveView(self.trainer, self.files, tiling_vae, model, config, node_id, wraps)

    def _own_files(self) -> RunFiles:
        loras, runs = folders.output_folder("loras"), folders.output_folder("training")
        resumed = self.fingerprint if self.config.saving.resume else None
        files = files_of_run(loras, runs, self.name, resumed, self.trainer.steps)
        size = sum(parameter.numel() for parameter in self.trainer.parameters)
        check_room(files, 4 * size * 4)  # a file, and a state with two moments
        return files

    def train(self) -> TrainedLora:
        trainer = self.trainer
        if self.files.state.exists():
            load_state(self.files.state, trainer)
        trainer.network.attach()
        try:
            self._go()
        finally:
            trainer.network.detach()
            state = self._save_all()
        measured = trainer.measurements
        return TrainedLora(state, self.files, trainer.losses, measured.validation, measured.fixed)

    def _go(self) -> None:
        saving, trainer = self.config.saving, self.trainer
        if not trainer.measurements.fixed:
            trainer.measurements.take(0)
        for step in trainer.run():
            comfy.model_management.throw_exception_if_processing_interrupted()
            trainer.measurements.take(step)
            if self._is_checkpoint(step):
                self._save_checkpoint(step)
            if step % saving.state_every == 0:
                self._save_state()
            self.view.after_step(step)

    def _is_checkpoint(self, step: int) -> bool:
        saving, epoch = self.config.saving, self.trainer.steps_per_epoch
        by_steps = saving.every_steps and step % saving.every_steps == 0
        by_epochs = saving.every_epochs and step % (saving.every_epochs * epoch) == 0
        return bool(by_steps or by_epochs) and step < self.trainer.steps

    def _save_checkpoint(self, step: int) -> None:
        tensors = self.trainer.kohya_state(DTYPES[self.config.saving.precision])
        with told_if_disk_fails(self.files.lora.parent):
            self.files.save_checkpoint(f"step{step:08}", tensors, self._metadata(), self.config.saving.keep_last)

    def _save_state(self) -> None:
        self.trainer.settle()
        with told_if_disk_fails(self.files.state):
            save_state(self.files.state, self.trainer, self.fingerprint, self.files.lora.name)

    def _save_all(self) -> dict[str, torch.Tensor]:
        with suppress(Diverged):  # then the steps after the last sound one are taken back
            self.trainer.settle()
        if not self.trainer.step:
            return {}
        tensors = self.trainer.kohya_state(DTYPES[self.config.saving.precision])
        with told_if_disk_fails(self.files.lora):
            save_tensors(self.files.lora, tensors, self._metadata())
        self._save_state()
        return self.trainer.kohya_state()

    def _metadata(self) -> dict[str, str]:
        return lora_metadata(self.name, self.base, self.config, self.examples, self.folders, self.trainer)
