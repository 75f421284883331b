"""A seamless MODEL of the host: which steps wrap, ControlNets that wrap along, latents shifted at every step."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import torch

from ..common.axes import Axes
from ..common.sampling_steps import step_number
from ..common.wrapped_convolutions import plain_convolutions, replaced, wrapped_convolutions
from ..seamless.latent_rolls import denoise_rolled
from .networks import AROUND_CONDS, AROUND_DENOISER, DENOISER, ModelPatcher, control_networks, unet, with_object_patches

KEY = "tilewright_seamless"


@dataclass(frozen=True)
class StepShare:
    """The steps of a sampling run from share `start` to share `end` of all of them."""

    start: float = 0.0
    end: float = 1.0

    def includes(self, options: Mapping[str, Any], timestep: torch.Tensor) -> bool:
        """Whether the step at noise level `timestep` lies within. options: the host's transformer options."""
        sigmas = options.get("sample_sigmas")
        if sigmas is None:  # a single call without a sampler
            return True
        done = step_number(sigmas, timestep) / (len(sigmas) - 1)
        return self.start <= done < self.end


def seamless_model(model: ModelPatcher, axes: Axes, share: StepShare, roll: bool) -> ModelPatcher:
    """A clone of `model` that wraps along `axes` during `share` of the steps, with its ControlNets.

    roll: show the denoiser the latent shifted by another amount at every step.
    """
    network = unet(model)
    wrapped = wrapped_convolutions(network, axes, what="The model")
    clone = with_object_patches(model, {f"{DENOISER}.{path}": conv for path, conv in wrapped.items()})
    for place in (AROUND_CONDS, AROUND_DENOISER):
        clone.remove_wrappers_with_key(place, KEY)
    clone.add_wrapper_with_key(AROUND_CONDS, KEY, _wrap_during(share, axes, list(wrapped)))
    if roll:
        clone.add_wrapper_with_key(AROUND_DENOISER, KEY, _rolled(axes))
    return clone


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
        step = step_number(options["sample_sigmas"], options["sigmas"]) if "sample_sigmas" in options else 0
        return denoise_rolled(
            lambda shifted, controls: execute(shifted, timesteps, context, y, controls, options, **others),
            latent,
            control,
            step,
            axes,
        )

    return run
