"""Between ComfyUI and the trainer: the only module that knows both.

MODEL, CLIP, VAE and dataset go in as the host has them; what the trainer gets are a denoiser, cached examples and a
noise schedule. The MODEL that was given is only read.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import comfy.model_management
import comfy.utils
import torch

from ...training.checkpoint import save_tensors
from ...training.config import ConfigError, NetworkConfig, OptimizerConfig, TrainingConfig
from ...training.data import Conditioning, Example
from ...training.loop import Denoiser, Trainer
from ...training.lora import LoraNetwork
from ...training.metadata import BaseModel, lora_metadata
from ...training.noise import NoiseSchedule
from .. import host, host_networks, host_training
from ..common.axes import Axes
from ..common.errors import InputError
from ..common.files import check_name
from ..common.images import composite, read_image
from ..common.texture_dataset import Sample, TextureDataset
from ..common.wrapped_convolutions import wrapped_convolutions
from .framing import frame_square

_BASE_MODELS = {
    ("SD1", "eps"): ("sd_v1", "stable-diffusion-v1"),
    ("SD1", "v"): ("sd_v1", "stable-diffusion-v1"),
    ("SD2", "eps"): ("sd_v2", "stable-diffusion-v2-512"),
    ("SD2", "v"): ("sd_v2_v", "stable-diffusion-v2-768-v"),
    ("SDXL", "eps"): ("sdxl_base_v1-0", "stable-diffusion-xl-v1-base"),
    ("SDXL", "v"): ("sdxl_base_v1-0", "stable-diffusion-xl-v1-base"),
}


@dataclass(frozen=True)
class TrainedLora:
    """What a run leaves: the weights in kohya's key names, their file, and the loss of each step."""

    state: dict[str, torch.Tensor]
    path: Path
    losses: list[float]


def training_config(
    steps: int | None = None,
    batch_size: int | None = None,
    resolution: int | None = None,
    rank: int | None = None,
    alpha: float | None = None,
    learning_rate: float | None = None,
    seed: int | None = None,
) -> TrainingConfig:
    """The configuration that the widgets describe; a linked widget is None until the graph runs.

    Raises `InputError` for a value that cannot be trained with.
    """
    try:
        network = NetworkConfig(**_given(rank=rank, alpha=alpha))
        optimizer = OptimizerConfig(**_given(learning_rate=learning_rate))
        whole = _given(steps=steps, batch_size=batch_size, resolution=resolution, seed=seed)
        return TrainingConfig(**whole, network=network, optimizer=optimizer)
    except ConfigError as error:
        raise InputError(str(error)) from None


def _given(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def train_lora(
    model: Any, vae: Any, clip: Any, dataset: TextureDataset, name: str, config: TrainingConfig
) -> TrainedLora:
    """Train a LoRA for `model` on `dataset` and save it as output/loras/<name>.safetensors.

    An earlier file of that name stays; the new one is numbered. A run that is cancelled, or fails, first saves what
    it has. Raises `InputError` for a model that is no UNet of SD1, SD2 or SDXL, and for a dataset without images.
    """
    base = base_model(model)
    path = _free_path(host.output_folder("loras"), check_name(name, "name"))
    examples = cached_examples(model, vae, clip, dataset, config)
    comfy.model_management.unload_all_models()
    with torch.inference_mode(False):
        device = comfy.model_management.get_torch_device()
        unet = host_training.unet_for_training(model, device, training_dtype(device))
        wrap_convolutions(unet, wraps(config, examples))
        network = LoraNetwork(lora_layers(model, unet), config.network, config.seed)
        schedule = NoiseSchedule.from_sigmas(host_training.unet_facts(model).sigmas, base.prediction)
        trainer = Trainer(network, unet_denoiser(unet), examples, schedule, config, device)
        folders = dict(Counter(sample.file.parent.name for sample in dataset.samples))

        def save() -> dict[str, torch.Tensor]:
            state = network.kohya_state()
            epochs = trainer.step // trainer.order.batches_per_epoch
            metadata = lora_metadata(name.strip(), base, config, examples, folders, trainer.step, epochs)
            save_tensors(path, state, metadata)
            return state

        return TrainedLora(_run(trainer, save), path, trainer.losses)


def _run(trainer: Trainer, save: Callable[[], dict[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
    progress = comfy.utils.ProgressBar(trainer.config.steps)
    trainer.network.attach()
    try:
        for _ in trainer.run():
            comfy.model_management.throw_exception_if_processing_interrupted()
            progress.update(1)
    finally:
        trainer.network.detach()
        state = save() if trainer.step else {}
    return state


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


def training_dtype(device: torch.device) -> torch.dtype:
    """The precision of the frozen UNet: bfloat16 on a GPU that has it, else float32. LoRA weights are float32."""
    if device.type == "cpu" or not comfy.model_management.should_use_bf16(device):
        return torch.float32
    return torch.bfloat16


def unet_denoiser(unet: torch.nn.Module) -> Denoiser:
    """The UNet as the trainer calls it, with inputs brought to its precision and the prediction in float32."""
    weight = next(unet.parameters())

    def denoise(noisy: torch.Tensor, timesteps: torch.Tensor, conditioning: Conditioning) -> torch.Tensor:
        told = conditioning.to(weight.device, weight.dtype)
        options = dict(host_training.SDPA)  # the UNet writes into it
        return unet(
            noisy.to(weight.dtype), timesteps.float(), told.context, y=told.vector, transformer_options=options
        ).float()

    return denoise


def lora_layers(model: Any, unet: torch.nn.Module) -> dict[str, torch.nn.Module]:
    """The layers a LoRA is trained on, by kohya's name: every Linear and projection of the transformers."""
    names = host_training.kohya_names(model)
    return {
        names[path]: layer
        for path, layer in unet.named_modules()
        if isinstance(layer, torch.nn.Linear | torch.nn.Conv2d) and _in_transformer(path)
    }


def _in_transformer(path: str) -> bool:
    return "transformer_blocks." in path or path.endswith((".proj_in", ".proj_out"))


def wraps(config: TrainingConfig, examples: Sequence[Example]) -> bool:
    """Whether the UNet's convolutions wrap: as told, or where every example tiles."""
    if config.objective.wrap == "auto":
        return all(example.tileable for example in examples)
    return config.objective.wrap == "on"


def wrap_convolutions(unet: torch.nn.Module, wrap: bool) -> None:
    """Make the convolutions see the opposite edge instead of zeros beyond each edge."""
    for layer in unet.modules():
        if wrap and isinstance(layer, torch.nn.Conv2d):
            layer.padding_mode = "circular"


def cached_examples(model: Any, vae: Any, clip: Any, dataset: TextureDataset, config: TrainingConfig) -> list[Example]:
    """Every sample as scaled latent and encoded caption, on the CPU in float32."""
    if not dataset.samples:
        raise InputError("The dataset has no images. Load a folder that holds some, or loosen what cleaning removes.")
    side = config.resolution
    texts = {caption: encode_text(model, clip, caption, side) for caption in {s.caption for s in dataset.samples}}
    wrapped = wrapped_vae(vae)
    examples = []
    for sample in dataset.samples:
        comfy.model_management.throw_exception_if_processing_interrupted()
        image, tileable = _framed(sample, dataset.background, side)
        latent = encode_image(model, wrapped if tileable else vae, image)
        examples.append(Example(latent, texts[sample.caption], sample.caption, sample.repeats, tileable))
    return examples


def _framed(sample: Sample, background: tuple[float, float, float], side: int) -> tuple[torch.Tensor, bool]:
    image = composite(read_image(sample.file), background)
    image = image.expand(3, -1, -1) if image.shape[0] == 1 else image
    return frame_square(image, side, sample.tileable)


def wrapped_vae(vae: Any) -> Any:
    """A VAE of the same weights that takes an image for the torus it is."""
    network = host_networks.wrappable_autoencoder(vae)
    outside = host_networks.convolutions_padded_outside(network)
    replacements = wrapped_convolutions(network, Axes(x=True, y=True), what="The VAE", padded_outside=outside)
    return host_networks.vae_with_object_patches(vae, replacements)


@torch.inference_mode()
def encode_image(model: Any, vae: Any, image: torch.Tensor) -> torch.Tensor:
    """(3, H, W) in 0..1 -> latent (C, h, w) in the denoiser's scale."""
    latent = vae.encode(image.movedim(0, -1).unsqueeze(0))  # CHW -> BHWC
    return _kept(host_training.scale_latents(model, latent)[0])


@torch.inference_mode()
def encode_text(model: Any, clip: Any, caption: str, side: int) -> Conditioning:
    """What the denoiser is told for `caption` and an image of `side` pixels."""
    encoded = clip.encode_from_tokens(clip.tokenize(caption), return_pooled=True, return_dict=True)
    context, vector = host_training.model_conditioning(model, encoded["cond"], encoded["pooled_output"], side, side)
    return Conditioning(_kept(context), None if vector is None else _kept(vector))


def _kept(tensor: torch.Tensor) -> torch.Tensor:
    with torch.inference_mode(False):  # autograd cannot save what was made under inference mode
        return tensor.to("cpu", torch.float32, copy=True)


def _free_path(folder: Path, name: str) -> Path:
    path, count = folder / f"{name}.safetensors", 1
    while path.exists():
        count += 1
        path = folder / f"{name}_{count:05}.safetensors"
    return path
