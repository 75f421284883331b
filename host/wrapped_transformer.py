"""A seamless MODEL of the host's Flux kind: periodic rotary positions, and latents rolled at every step."""

from collections.abc import Callable
from typing import Any

import torch

from ..common.axes import Axes
from ..seamless.harmonic_positions import rotary_positions
from ..seamless.latent_rolls import step_offset
from .networks import AROUND_DENOISER, DENOISER, compiled_apart, with_object_patches
from .protocols import Model
from .sampling_steps import StepShare, current_step
from .wrapped_unet import KEY

ROWS, COLUMNS = 1, 2  # which of the position axes of Flux are the image's


def seamless_transformer(model: Model, axes: Axes, share: StepShare) -> Model:
    """A clone of `model` that wraps along `axes` during `share` of the steps.

    The text sees every patch at its own position, so the latent is also shifted by whole patches at every step: no
    place stays the edge.
    """
    network = model.get_model_object(DENOISER)
    positions = _Positions(network.pe_embedder.axes_dim, network.pe_embedder.theta)
    clone = with_object_patches(model, {f"{DENOISER}.pe_embedder.forward": positions} | compiled_apart(network))
    clone.remove_wrappers_with_key(AROUND_DENOISER, KEY)
    clone.add_wrapper_with_key(AROUND_DENOISER, KEY, _wrapped(positions, axes, share, network.patch_size))
    return clone


class _Positions:
    """The embedding of Flux with a period in patches for the axes that wrap, set anew before every run."""

    def __init__(self, channels: list[int], theta: float) -> None:
        self.channels = channels
        self.theta = theta
        self.periods: dict[int, int] = {}

    def __call__(self, ids: torch.Tensor) -> torch.Tensor:
        parts = [
            rotary_positions(ids[..., axis], channels, self.theta, self.periods.get(axis))
            for axis, channels in enumerate(self.channels[: ids.shape[-1]])
        ]
        return torch.cat(parts, dim=-3).unsqueeze(1)


def _wrapped(positions: _Positions, axes: Axes, share: StepShare, patch: int) -> Callable[..., torch.Tensor]:
    def run(execute: Callable[..., torch.Tensor], latent: torch.Tensor, *given: Any, **others: Any) -> torch.Tensor:
        options = next(value for value in given if isinstance(value, dict) and "sigmas" in value)
        height, width = latent.shape[-2:]
        if not share.includes(options, options["sigmas"]):
            positions.periods = {}
            return execute(latent, *given, **others)
        periods = {ROWS: (height, axes.y), COLUMNS: (width, axes.x)}
        positions.periods = {axis: -(-size // patch) for axis, (size, wraps) in periods.items() if wraps}
        guided = any(isinstance(value, dict) and "sigmas" not in value for value in given)
        step = current_step(options)
        # The residuals of a ControlNet are lists of patches that stay where they are.
        offset = (0, 0) if guided else step_offset(step, height, width, axes, patch)
        result = execute(latent.roll(offset, (-2, -1)), *given, **others)
        return result.roll((-offset[0], -offset[1]), (-2, -1))

    return run
