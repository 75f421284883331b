"""The host's networks that the pack can patch, and patched clones of MODEL and VAE objects.

This is the only place that knows the classes of ComfyUI's networks.
"""

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Protocol

import comfy.ops
import torch
from comfy.cldm.cldm import ControlNet
from comfy.ldm.models.autoencoder import AutoencodingEngine
from comfy.ldm.modules.diffusionmodules.mmdit import MMDiT
from comfy.ldm.modules.diffusionmodules.model import Decoder, Downsample, Encoder
from comfy.ldm.modules.diffusionmodules.openaimodel import UNetModel
from comfy.ldm.wan.vae import Resample, WanVAE
from comfy.patcher_extension import WrappersMP
from comfy.taesd import taesd

from ..common.errors import InputError
from .flow.positions import rotary_embedding
from .protocols import Model, Vae

DENOISER = "diffusion_model"  # its attribute path in the model of a ModelPatcher
_PATCHED = "_tilewright_patched"  # marks the classes of patched denoisers

# Places where a ModelPatcher takes wrappers: around a whole sampling, all conditionings of a step, and one run of the
# denoiser.
AROUND_RUN = WrappersMP.OUTER_SAMPLE  # before the model is loaded: see `around_run`
AROUND_CONDS = WrappersMP.CALC_COND_BATCH
AROUND_DENOISER = WrappersMP.DIFFUSION_MODEL
AROUND_PASS = WrappersMP.APPLY_MODEL  # the same with its inputs by name, for every kind of denoiser: see `around_pass`


class Execute(Protocol):
    """The rest of the wrappers around a denoiser, and at last it itself: class_obj."""

    class_obj: Any

    def __call__(self, *given: Any, **others: Any) -> torch.Tensor: ...


@dataclass(frozen=True)
class DenoiserPass:
    """One run of a denoiser with the inputs that the host hands through the wrappers around it.

    latent is (B, C, h, w), (B, C, 1, h, w) for some kinds; sigma (B,); context the text, (B, words, channels); options
    the transformer options; others what a kind takes beside.
    """

    execute: Execute
    latent: torch.Tensor
    sigma: torch.Tensor
    concat: torch.Tensor | None
    context: torch.Tensor | None
    control: Any
    options: Mapping[str, Any]
    others: Mapping[str, Any]

    def predict(self, **changed: Any) -> torch.Tensor:
        """What the denoiser and the wrappers nearer to it make of these inputs, those in `changed` instead."""
        one = replace(self, **changed)
        return one.execute(one.latent, one.sigma, one.concat, one.context, one.control, one.options, **one.others)


def around_pass(run: Callable[[DenoiserPass], torch.Tensor]) -> Callable[..., torch.Tensor]:
    """`run` as a wrapper for `AROUND_PASS`."""

    def wrapper(
        execute: Execute,
        latent: torch.Tensor,
        sigma: torch.Tensor,
        concat: torch.Tensor | None = None,
        context: torch.Tensor | None = None,
        control: Any = None,
        options: Mapping[str, Any] | None = None,
        **others: Any,
    ) -> torch.Tensor:
        return run(
            DenoiserPass(execute, latent, sigma, concat, context, control, {} if options is None else options, others)
        )

    return wrapper


@dataclass(frozen=True)
class SamplingRun:
    """One whole sampling with the inputs that the host hands through the wrappers around it.

    noise and latent are (B, C, h, w) or of another kind's shape; sigmas (steps + 1,); mask is where to paint, None for
    everywhere; placed and others what the host takes beside, by place and by name.
    """

    execute: Execute
    noise: torch.Tensor
    latent: torch.Tensor
    sampler: Any
    sigmas: torch.Tensor
    mask: torch.Tensor | None
    placed: Sequence[Any]
    others: Mapping[str, Any]

    def sample(self, **changed: Any) -> torch.Tensor:
        """What the sampler makes of these inputs, those in `changed` instead."""
        one = replace(self, **changed)
        return one.execute(one.noise, one.latent, one.sampler, one.sigmas, one.mask, *one.placed, **one.others)


def around_run(run: Callable[[SamplingRun], torch.Tensor]) -> Callable[..., torch.Tensor]:
    """`run` as a wrapper for `AROUND_RUN`."""

    def wrapper(
        execute: Execute,
        noise: torch.Tensor,
        latent: torch.Tensor,
        sampler: Any,
        sigmas: torch.Tensor,
        mask: torch.Tensor | None = None,
        *placed: Any,
        **others: Any,
    ) -> torch.Tensor:
        return run(SamplingRun(execute, noise, latent, sampler, sigmas, mask, placed, others))

    return wrapper


def denoiser(model: Model | None) -> torch.nn.Module:
    """The network of a MODEL. Raises `InputError` for none."""
    if model is None:
        raise InputError(
            "The model is empty: the node it comes from gave none. Load one with Load Checkpoint or Load Diffusion "
            "Model and connect it."
        )
    return model.get_model_object(DENOISER)


def unet(model: Model) -> torch.nn.Module:
    """The denoiser of a MODEL. Raises `InputError` unless it is a UNet, which sees position only through padding."""
    network = denoiser(model)
    if not isinstance(network, UNetModel):
        raise InputError(
            f"The model is of the kind {type(network).__name__}. Known are UNets (Stable Diffusion 1, 2, XL and their "
            "kin), Flux.1, Flux.2, Chroma, Z-Image, Lumina 2, Qwen-Image, Krea 2, Anima and SD3. Connect one of those."
        )
    return network


def is_transformer(model: Model) -> bool:
    """Whether the denoiser of a MODEL is a transformer that can be moved about a torus: see host/flow/positions."""
    network = denoiser(model)
    return isinstance(network, MMDiT) or rotary_embedding(network) is not None


def pixels_per_cell(model: Model) -> int:
    """How many pixels a side one cell of the latents of a MODEL stands for."""
    return int(model.model.latent_format.spacial_downscale_ratio)


def control_networks(conds: Sequence[Sequence[Mapping[str, Any]] | None]) -> Iterator[torch.nn.Module]:
    """The networks of all ControlNets and T2I adapters that the conditionings use, each once."""
    seen = set()
    for control in (cond.get("control") for group in conds for cond in group or ()):
        while control is not None:
            network = getattr(control, "control_model", None) or getattr(control, "t2i_model", None)
            if network is not None and id(network) not in seen:
                seen.add(id(network))
                yield network
            control = control.previous_controlnet


def is_unet_control(network: torch.nn.Module) -> bool:
    """Whether `network` is a ControlNet for UNets, which sees position only through padding."""
    return isinstance(network, ControlNet)


def autoencoder(vae: Vae | None) -> torch.nn.Module:
    """The network of a VAE. Raises `InputError` for none and for a VAE without weights."""
    if vae is None or vae.first_stage_model is None:
        raise InputError(
            "The VAE is empty: the checkpoint it came from holds none. Load one with the Load VAE node and connect it."
        )
    return vae.first_stage_model


def wrappable_autoencoder(vae: Vae) -> torch.nn.Module:
    """The network of a VAE. Raises `InputError` unless every layer that reaches beyond its own pixel can wrap."""
    network = autoencoder(vae)
    if not any(known(network) for known in (is_image_autoencoder, is_tiny_autoencoder, is_frame_autoencoder)):
        raise InputError(
            f"The VAE is of the kind {type(network).__name__}. Autoencoders of Stable Diffusion 1, 2 and XL, those "
            "built like them (SD3, Flux, Flux.2), of Wan 2.1 and Qwen-Image, and TAESD can be made seamless. Connect "
            "one of those."
        )
    return network


def is_image_autoencoder(network: torch.nn.Module) -> bool:
    """Whether `network` is the autoencoder of Stable Diffusion 1, 2 or XL, or one of the same build."""
    return (
        isinstance(network, AutoencodingEngine)
        and type(network.decoder) is Decoder
        and type(network.encoder) is Encoder
    )


def is_tiny_autoencoder(network: torch.nn.Module) -> bool:
    """Whether `network` is TAESD or one of the same build; those that shuffle pixels or have norms are not."""
    return isinstance(network, taesd.TAESD) and type(network.taesd_decoder) is taesd.Decoder


def is_frame_autoencoder(network: torch.nn.Module) -> bool:
    """Whether `network` is the autoencoder of Wan 2.1 and Qwen-Image, which takes an image for a video of one frame."""
    return type(network) is WanVAE


def convolutions_padded_outside(network: torch.nn.Module) -> set[str]:
    """The downsamplers that get a zero column on the right and a zero row below before their convolution."""
    named = list(network.named_modules())
    downsamples = {f"{name}.conv" for name, layer in named if isinstance(layer, Downsample) and layer.with_conv}
    of_frames = {
        f"{name}.resample.1" for name, layer in named if isinstance(layer, Resample) and layer.mode.startswith("down")
    }
    return downsamples | of_frames


def with_object_patches(model: Model, patches: Mapping[str, Any]) -> Model:
    """A clone that shares the weights of `model` and runs with `patches` (attribute path -> object) in place."""
    clone = model.clone()
    for path, replacement in patches.items():
        clone.add_object_patch(path, replacement)
    return clone


def compiled_apart(network: torch.nn.Module) -> dict[str, type]:
    """The object patch under which torch.compile tells a patched denoiser from the same one without patches.

    Where the host takes a method's patch back, it leaves a bound method on the layer, whose code torch.compile reuses
    for whatever stands there later: it does not guard such attributes. The class of a module it always guards.
    """
    kind = type(network)
    return {f"{DENOISER}.__class__": _patched_kind(kind.__mro__[1] if _PATCHED in vars(kind) else kind)}


@cache
def _patched_kind(kind: type) -> type:
    return type(
        kind.__name__, (kind,), {"__module__": kind.__module__, "__qualname__": kind.__qualname__, _PATCHED: True}
    )


def vae_with_object_patches(vae: Vae, patches: Mapping[str, Any]) -> Vae:
    """A VAE that shares the weights of `vae` and runs with `patches` in place."""
    clone = copy.copy(vae)
    clone.patcher = with_object_patches(vae.patcher, patches)
    return clone


def norm_weights(norm: torch.nn.GroupNorm, like: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Weight and bias of a norm on the device of `like`, wherever the host keeps them, as float32 copies."""
    weight, bias, stream = comfy.ops.cast_bias_weight(norm, like, offloadable=True)
    copies = weight.float().clone(), bias.float().clone()
    comfy.ops.uncast_bias_weight(norm, weight, bias, stream)
    return copies
