"""Between ComfyUI and the trainer: MODEL, CLIP, VAE and dataset go in as the host has them, a LoRA comes out.

The MODEL and CLIP that were given are only read. What trains is a UNet of our own that shares their weights.
"""

from collections import Counter
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import comfy.model_management
import comfy.utils
import folder_paths
import torch

from ...training.checkpoint import save_tensors
from ...training.config import ConfigError, TrainingConfig
from ...training.data import Conditioning, Example, split_validation
from ...training.loop import Denoiser, Diverged, Trainer
from ...training.lora import LoraNetwork, is_spatial
from ...training.metadata import BaseModel, lora_metadata
from ...training.noise import NoiseSchedule
from ...training.state import load_state, run_fingerprint, save_state
from .. import host, host_training
from ..common.errors import InputError
from ..common.files import check_name
from ..common.texture_dataset import TextureDataset
from .encoding import Texts, cached_examples, wrapped_vae
from .live import LiveView
from .run_files import RunFiles, check_room, files_of_run, told_if_disk_fails

_BASE_MODELS = {
    ("SD1", "eps"): ("sd_v1", "stable-diffusion-v1"),
    ("SD1", "v"): ("sd_v1", "stable-diffusion-v1"),
    ("SD2", "eps"): ("sd_v2", "stable-diffusion-v2-512"),
    ("SD2", "v"): ("sd_v2_v", "stable-diffusion-v2-768-v"),
    ("SDXL", "eps"): ("sdxl_base_v1-0", "stable-diffusion-xl-v1-base"),
    ("SDXL", "v"): ("sdxl_base_v1-0", "stable-diffusion-xl-v1-base"),
}
_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


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
    with torch.inference_mode(False):
        run = _Run(model, vae, clip, base, name.strip(), examples, dataset, config, node_id)
        return run.train()


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
        self.files = files_of_run(loras, runs, name, fingerprint, config.saving.resume)
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
        except Diverged as error:
            raise InputError(
                f"The loss was no number any more at step {error.step}, so the training stopped. "
                f"{self.files.lora.name} holds the step before. Lower the learning rate, or use bfloat16 or float32."
            ) from None
        except comfy.model_management.OOM_EXCEPTION:
            raise InputError(
                f"The device ran out of memory after {trainer.step} steps; they are saved. Lower batch_size, "
                "resolution or rank, or switch gradient_checkpointing on."
            ) from None
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
        tensors = self.trainer.kohya_state(_DTYPES[self.config.saving.precision])
        with told_if_disk_fails(self.files.lora.parent):
            self.files.save_checkpoint(f"step{step:08}", tensors, self._metadata(), self.config.saving.keep_last)

    def _save_state(self) -> None:
        self.trainer.settle()
        with told_if_disk_fails(self.files.state):
            save_state(self.files.state, self.trainer, self.fingerprint, self.files.lora.name)

    def _save_all(self) -> dict[str, torch.Tensor]:
        if not self.trainer.step:
            return {}
        tensors = self.trainer.kohya_state(_DTYPES[self.config.saving.precision])
        with told_if_disk_fails(self.files.lora):
            save_tensors(self.files.lora, tensors, self._metadata())
        self._save_state()
        return self.trainer.kohya_state()

    def _metadata(self) -> dict[str, str]:
        return lora_metadata(self.name, self.base, self.config, self.examples, self.folders, self.trainer)


def base_model(model: Any) -> BaseModel:
    """The family of `model`; raises `InputError` for one that cannot be trained here."""
    facts = host_training.unet_facts(model)
    if facts is None:
        kind = host_training.model_kind(model)
        raise InputError(
            f"The model is of the kind {kind}, which this trainer does not know. It trains LoRAs for text-to-image "
            "models of Stable Diffusion 1, Stable Diffusion 2 and SDXL that predict noise or velocity. Load such a "
            "checkpoint, without sampling patches of another kind."
        )
    return BaseModel(*_BASE_MODELS[facts.family, facts.prediction], facts.prediction)


def noise_schedule(model: Any, base: BaseModel, config: TrainingConfig) -> NoiseSchedule:
    """The model's own schedule, without signal at its end where the objective asks for that."""
    schedule = NoiseSchedule.from_sigmas(host_training.unet_facts(model).sigmas, base.prediction)
    if not config.objective.zero_terminal_snr:
        return schedule
    if base.prediction != "v":
        raise InputError(
            "zero_terminal_snr is on, but the model predicts noise, and from pure noise that teaches nothing. Switch "
            "it off, or load a v-prediction checkpoint."
        )
    return schedule.with_zero_terminal_snr()


def training_dtype(config: TrainingConfig, device: torch.device) -> torch.dtype:
    """The precision of the frozen UNet; the LoRA's weights are float32 whatever it is."""
    if config.precision != "auto":
        return _DTYPES[config.precision]
    if device.type == "cpu" or not comfy.model_management.should_use_bf16(device):
        return torch.float32
    return torch.bfloat16


def unet_denoiser(unet: torch.nn.Module) -> Denoiser:
    """The UNet as the trainer calls it, with inputs brought to its precision and the prediction in float32."""
    weight = next(unet.parameters())

    def denoise(noisy: torch.Tensor, timesteps: torch.Tensor, conditioning: Conditioning) -> torch.Tensor:
        told = conditioning.to(weight.device, weight.dtype)
        options = dict(host_training.SDPA)  # the UNet writes into it
        call = partial(unet, noisy.to(weight.dtype), timesteps.float(), told.context, y=told.vector)
        return call(transformer_options=options).float()

    return denoise


def unet_layers(model: Any, unet: torch.nn.Module, config: TrainingConfig) -> dict[str, torch.nn.Module]:
    """The layers a LoRA is trained on, by kohya's name.

    Every Linear and projection of the transformers, and with a conv_rank the 3x3 convolutions, within `blocks`.
    """
    names = host_training.kohya_names(model)
    return {
        names[path]: layer
        for path, layer in unet.named_modules()
        if isinstance(layer, torch.nn.Linear | torch.nn.Conv2d)
        and (_in_transformer(path) or (config.network.conv_rank and is_spatial(layer) and _in_block(path)))
        and _selected(path, config.network.blocks)
    }


def _in_transformer(path: str) -> bool:
    return "transformer_blocks." in path or path.endswith((".proj_in", ".proj_out"))


def _in_block(path: str) -> bool:
    """Inside the UNet's levels: its first and last convolution are left alone, as kohya does."""
    return path.startswith(("input_blocks.", "middle_block.", "output_blocks.")) and path != "input_blocks.0.0"


def _selected(path: str, blocks: str) -> bool:
    if blocks == "attention":
        return ".attn1." in path or ".attn2." in path
    if blocks == "cross-attention":
        return ".attn2." in path
    if blocks == "up":
        return path.startswith("output_blocks.")
    if blocks == "middle and up":
        return path.startswith(("middle_block.", "output_blocks."))
    return True


def start_from(network: LoraNetwork, file: str) -> None:
    """Fill `network` with the weights of a file in the LoRA folders."""
    path = folder_paths.get_full_path("loras", file)
    if path is None:
        folders = "\n".join(f"  {folder}" for folder in folder_paths.get_folder_paths("loras"))
        raise InputError(f"start_from is {file!r}, but there is no such LoRA. Looked in:\n{folders}")
    try:
        network.load_kohya_state(comfy.utils.load_torch_file(path, safe_load=True))
    except ConfigError as error:
        raise InputError(str(error)) from None


def trains_wrapped(config: TrainingConfig, examples: list[Example]) -> bool:
    """Whether the UNet's convolutions wrap: as told, or where every example tiles."""
    if config.objective.wrap == "auto":
        return all(example.tileable for example in examples)
    return config.objective.wrap == "on"


def wrap_convolutions(unet: torch.nn.Module, wrap: bool) -> None:
    """Make the convolutions see the opposite edge instead of zeros beyond each edge."""
    for layer in unet.modules():
        if wrap and isinstance(layer, torch.nn.Conv2d):
            layer.padding_mode = "circular"


def as_input_error(build: Any, **settings: Any) -> Any:
    """`build(**settings)` without the settings that are None, its complaint turned into an `InputError`."""
    try:
        return build(**{name: value for name, value in settings.items() if value is not None})
    except ConfigError as error:
        raise InputError(str(error)) from None


def training_config(
    options: dict[str, Any], rank: int | None, alpha: float | None, learning_rate: float | None, **whole: Any
) -> TrainingConfig:
    """The configuration that the main node's widgets and the connected option nodes describe together.

    options has `network`, `optimizer`, `objective` and `saving`, or lacks them. A linked widget is None until the
    graph runs. Raises `InputError` for a value that cannot be trained with.
    """
    base = TrainingConfig()
    network = options.get("network") or base.network
    optimizer = options.get("optimizer") or base.optimizer
    network = as_input_error(partial(replace, network), rank=rank, alpha=alpha)
    optimizer = as_input_error(partial(replace, optimizer), learning_rate=learning_rate)
    rest = {name: options.get(name) for name in ("objective", "saving")}
    return as_input_error(TrainingConfig, network=network, optimizer=optimizer, **rest, **whole)
