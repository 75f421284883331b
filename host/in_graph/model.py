"""From the host's MODEL to the trainer's denoiser, noise schedule and trainable layers."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import comfy.model_management
import torch

from ...common.axes import Axes
from ...common.errors import InputError
from ...common.wrapped_convolutions import wrap_in_place
from ...training.checkpoint import DTYPES
from ...training.config import TrainingConfig
from ...training.data import Conditioning, Example
from ...training.loop import Denoiser
from ...training.lora import is_spatial
from ...training.memory.plan import NOTHING, MemoryPlan
from ...training.metadata import BaseModel
from ...training.noise import NoiseSchedule
from .. import folders, unet_blocks
from .. import training as host_training
from ..block_stream import stream_blocks
from ..lora_remainders import check_plain, silenced
from ..material_sets import check_sharing
from ..protocols import Model
from ..shared_attention import sharing_options
from ..weight_files import read_weights, spoilt_tensors


def noise_schedule(model: Model, base: BaseModel, config: TrainingConfig) -> NoiseSchedule:
    """The model's own noise schedule, with zero terminal SNR where the objective asks for it."""
    schedule = NoiseSchedule.from_sigmas(host_training.known_unet_facts(model).sigmas, base.prediction)
    if not config.objective.zero_terminal_snr:
        return schedule
    if base.prediction != "v":
        raise InputError(
            "zero_terminal_snr is on, but the model predicts noise, and from pure noise it learns nothing that way. "
            "Switch it off, or load a v-prediction checkpoint."
        )
    return schedule.with_zero_terminal_snr()


def training_dtype(config: TrainingConfig, device: torch.device) -> torch.dtype:
    """The precision of the frozen UNet; the LoRA's weights are float32 whatever it is."""
    if config.precision != "auto":
        return DTYPES[config.precision]
    if device.type == "cpu" or not comfy.model_management.should_use_bf16(device):
        return torch.float32
    return torch.bfloat16


def training_unet(
    model: Model,
    config: TrainingConfig,
    device: torch.device,
    dtype: torch.dtype,
    wraps: bool,
    plan: MemoryPlan | None = None,
) -> torch.nn.Module:
    """The frozen UNet of `model` for training: wrapped, compiled and sparing memory as `config` and `plan` ask."""
    plan = plan or MemoryPlan.of(config)
    unet = host_training.unet_for_training(model, device, dtype, plan)
    if wraps:
        wrap_in_place(unet, Axes(x=True, y=True), what="The model")
    if device.type == "cuda":  # there its convolutions are faster, while a CPU would need copies of shared weights
        unet.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch types it for tensors only
    if config.acceleration == "compile" and device.type != "meta":
        unet_blocks.compile_blocks(unet)
    stream_blocks(host_training.unet_blocks(unet), plan, device)
    if plan.recomputed != NOTHING:
        unet_blocks.recompute_activations(unet, bool(config.network.dropout), plan.recomputed)
    return unet


@contextmanager
def told_if_compiling_fails(config: TrainingConfig) -> Iterator[None]:
    """Turn an error of torch.compile into an `InputError` that says what to do."""
    if config.acceleration != "compile":
        yield
        return
    from torch._dynamo.exc import TorchDynamoException

    try:
        yield
    except TorchDynamoException as error:
        reason = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise InputError(f"torch.compile does not work here: {reason} Switch acceleration off.") from None


def unet_denoiser(unet: torch.nn.Module) -> Denoiser:
    """The UNet as the trainer calls it, with inputs brought to its precision and the prediction in float32."""
    weight = next(unet.parameters())

    def denoise(
        noisy: torch.Tensor, timesteps: torch.Tensor, conditioning: Conditioning, maps: int = 1
    ) -> torch.Tensor:
        cond = conditioning.to(weight.device, weight.dtype)
        options = sharing_options(unet, maps, host_training.SDPA)  # its own: the UNet writes into it
        call = partial(unet, noisy.to(weight.dtype), timesteps.float(), cond.context, y=cond.vector)
        return call(transformer_options=options).float()

    return denoise


def unet_layers(model: Model, unet: torch.nn.Module, config: TrainingConfig) -> dict[str, torch.nn.Module]:
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


def starting_weights(config: TrainingConfig, in_unet: bool = True) -> dict[str, torch.Tensor] | None:
    """The weights of the file in the LoRA folders that the LoRA starts from, if one is chosen. Raises `InputError` for
    one that cannot be read, that holds NaN, or whose material sets were trained otherwise than this run's."""
    if not config.network.start_from:
        return None
    path = folders.model_file("loras", config.network.start_from, "start_from")
    what = f"The LoRA to start from, {config.network.start_from},"
    weights, metadata = read_weights(path, what)
    if config.objective.is_together:
        check_sharing(metadata, in_unet, what)
    check_plain(weights, what)
    if spoilt_tensors(weights):
        raise InputError(f"{what} holds NaN or infinite values: its training diverged. Choose another file.")
    if zero := silenced(weights):
        raise InputError(
            f"{what} has an alpha of 0, such as {zero[0]}, at which its layers change nothing: it would be begun anew. "
            "Choose another file, or start from nothing."
        )
    return dict(weights)


def trains_wrapped(config: TrainingConfig, examples: list[Example]) -> bool:
    """Whether the UNet's convolutions wrap: as configured, or where every example tiles."""
    if config.objective.wrap == "auto":
        return all(example.tileable for example in examples)
    return config.objective.wrap == "on"
