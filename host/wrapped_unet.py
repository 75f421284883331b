"""A seamless MODEL of the host: which steps wrap, ControlNets that wrap along, latents rolled at every step."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any

import torch

from ..common.axes import Axes
from ..common.wrapped_convolutions import plain_convolutions, replaced, wrapped_convolutions
from ..seamless.latent_rolls import denoise_rolled
from .image_latents import sampling_images
from .networks import (
    AROUND_CONDS,
    AROUND_DENOISER,
    DENOISER,
    compiled_apart,
    control_networks,
    unet,
    with_object_patches,
)
from .protocols import Model
from .sampling_steps import StepShare, current_step

KEY = "tilewright_seamless"


def seamless_model(model: Model, axes: Axes, share: StepShare, roll: bool) -> Model:
    """A clone of `model` that wraps along `axes` during `share` of the steps, with its ControlNets.

    roll: give the denoiser the latent rolled by another offset at every step.
    """
    network = unet(model)
    wrapped = wrapped_convolutions(network, axes, what="The model")
    patches = {f"{DENOISER}.{path}": conv for path, conv in wrapped.items()}
    clone = with_object_patches(model, patches | compiled_apart(network))
    for place in (AROUND_CONDS, AROUND_DENOISER):
        clone.remove_wrappers_with_key(place, KEY)
    clone.add_wrapper_with_key(AROUND_CONDS, KEY, _wrap_during(share, axes, list(wrapped)))
    if roll:
        clone.add_wrapper_with_key(AROUND_DENOISER, KEY, _rolled(axes))
    return sampling_images(clone, "Seamless Model")


def _wrap_during(share: StepShare, axes: Axes, paths: Sequence[str]) -> Callable[..., Any]:
    def run(
        execute: Callable[..., Any], model: Any, conds: list, latent: torch.Tensor, timestep: Any, options: dict
    ) -> Any:
        with ExitStack() as stack:
            if share.includes(options.get("transformer_options", {}), timestep):
                for network in control_networks(conds):
                    stack.enter_context(replaced(network, wrapped_convolutions(network, axes, what="The ControlNet")))
            else:
                network = getattr(model, DENOISER)
                stack.enter_context(replaced(network, plain_convolutions(network, paths)))
            return execute(model, conds, latent, timestep, options)

    return run


def _rolled(axes: Axes) -> Callable[..., torch.Tensor]:
    def run(
        execute: Callable[..., torch.Tensor],
        latent: torch.Tensor,
        timesteps: Any,
        context: Any,
        y: Any,
        control: Any,
        options: dict,
        **others: Any,
    ) -> torch.Tensor:
        step = current_step(options)
        return denoise_rolled(
            lambda shifted, controls: execute(shifted, timesteps, context, y, controls, options, **others),
            latent,
            control,
            step,
            axes,
        )

    return run
