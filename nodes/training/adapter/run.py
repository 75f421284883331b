"""One training, from the host's objects to its files."""

import gc
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import comfy.model_management
import torch

from ....training.checkpoint import save_tensors
from ....training.config import ConfigError, TrainingConfig
from ....training.data import Example, split_validation
from ....training.loop import Diverged, Trainer
from ....training.lora import LoraNetwork
from ....training.metadata import BaseModel, lora_metadata
from ....training.state import load_state, run_fingerprint, save_state
from ... import host
from ...common.errors import InputError
from ...common.files import check_name
from ...common.texture_dataset import TextureDataset
from ...host import training as host_training
from ..run_files import RunFiles, check_room, files_of_run, told_if_disk_fails
from .encoding import Texts, cached_examples, wrapped_vae
from .live import LiveView
from .model import (
    DTYPES,
    base_model,
    noise_schedule,
    start_from,
    training_dtype,
    trains_wrapped,
    unet_denoiser,
    unet_layers,
    wrap_convolutions,
)


@dataclass(frozen=True)
class TrainedLora:
    """What a run leaves: the weights in kohya's key names, their file and the run's others, and the losses.

    validation has pairs of step and loss.
    """

    state: dict[str, torch.Tensor]
    files: RunFiles
    losses: list[float]
    validation: list[tuple[int, float]]


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
    examples = cached_examples(model, vae, dataset, config)
    comfy.model_management.unload_all_models()
    try:
        with torch.inference_mode(False):
            return _Run(model, vae, clip, base, name.strip(), examples, dataset, config, node_id).train()
    except ConfigError as error:
        raise InputError(str(error)) from None
    except Diverged as error:
        raise InputError(
            f"The loss was no number any more at step {error.step}, so the training stopped. The {error.step - 1} "
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
        node_id: str | None,
    ) -> None:
        self.config, self.base, self.name, self.examples = config, base, name, examples
        self.folders = dict(Counter(sample.file.parent.name for sample in dataset.samples))
        device = comfy.model_management.get_torch_device()
        dtype = training_dtype(config, device)
        unet = host_training.unet_for_training(model, device, dtype)
        fingerprint = run_fingerprint(config, examples, unet)
        wraps = trains_wrapped(config, examples)
        wrap_convolutions(unet, wraps)
        if config.gradient_checkpointing:
            host_training.recompute_activations(unet)
        layers = unet_layers(model, unet, config)
        texts, text_layers = self._texts(model, clip, device)
        network = LoraNetwork({**layers, **text_layers}, config.network, config.seed)
        if config.network.start_from:
            start_from(network, config.network.start_from)
        trained, held_out = split_validation(examples, config.saving.validation_share, config.seed)
        schedule = noise_schedule(model, base, config)
        self.trainer = Trainer(
            network, unet_denoiser(unet), texts, trained, schedule, config, device, held_out, dtype == torch.float16
        )
        self.fingerprint = fingerprint
        loras, runs = host.output_folder("loras"), host.output_folder("training")
        resumed = fingerprint if config.saving.resume else None
        self.files = files_of_run(loras, runs, name, resumed, self.trainer.steps)
        size = sum(parameter.numel() for parameter in network.parameters())
        check_room(self.files, 4 * size * 4)  # a file, and a state with two moments
        self.view = LiveView(
            self.trainer, self.files, wrapped_vae(vae) if wraps else vae, model, config, node_id, wraps
        )

    def _texts(self, model: Any, clip: Any, device: torch.device) -> tuple[Texts, dict[str, torch.nn.Module]]:
        objective = self.config.objective
        if not self.config.network.text_encoder:
            encode = host_training.text_encoding(clip, objective.clip_skip)
            return Texts(model, clip, encode, objective.max_tokens, device), {}
        stage = host_training.text_encoders_for_training(clip, device)
        encode = host_training.trained_text_encoding(stage, objective.clip_skip, device)
        names = host_training.kohya_text_names(clip)
        layers = {names[path]: layer for path, layer in stage.named_modules() if path in names}
        return Texts(model, clip, encode, objective.max_tokens, device, remember=False), layers

    def train(self) -> TrainedLora:
        trainer = self.trainer
        if self.files.state.exists():
            load_state(self.files.state, trainer)
        elif not self.config.network.text_encoder:
            self._remember_texts()
        trainer.network.attach()
        try:
            self._go()
        finally:
            trainer.network.detach()
            state = self._save_all()
        return TrainedLora(state, self.files, trainer.losses, trainer.validation_losses)

    def _remember_texts(self) -> None:
        """Encode every caption now, so that the text encoder leaves the device before the UNet's steps need it."""
        captions = {(example.caption, example.size) for example in self.examples}
        for caption, size in sorted(captions):
            self.trainer.encode_texts([caption], [size])
        comfy.model_management.unload_all_models()

    def _go(self) -> None:
        saving, trainer = self.config.saving, self.trainer
        if trainer.validation and not trainer.validation_losses:
            trainer.validate()
        for step in trainer.run():
            comfy.model_management.throw_exception_if_processing_interrupted()
            if trainer.validation and step % saving.validation_every == 0:
                trainer.validate()
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
