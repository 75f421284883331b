"""A seamless MODEL whose denoiser is a transformer: positions that close on themselves, moved at every step."""

import logging
from collections.abc import Callable, Mapping
from typing import Any

import torch

from ..common.axes import Axes
from ..seamless.latent_rolls import step_offset
from .flow.positions import PeriodicPositions, patch_of, periodic_positions, rotary_embedding
from .image_latents import sampling_images
from .networks import (
    AROUND_DENOISER,
    AROUND_PASS,
    DENOISER,
    DenoiserPass,
    around_pass,
    compiled_apart,
    with_object_patches,
)
from .protocols import Model
from .sampling_steps import StepShare, current_step
from .wrapped_unet import KEY

WINDOW_AXES = "tilewright_window_axes"  # in the transformer options, where Tiled Diffusion runs single windows


def seamless_transformer(model: Model, axes: Axes, share: StepShare) -> Model:
    """A clone of `model` that wraps along `axes` during `share` of the steps.

    Where the text has a place in line with the image, that place moves at every step: no place stays the edge. A
    transformer without rotary positions (SD3) cannot wrap; its latents are rolled instead.
    """
    network = model.get_model_object(DENOISER)
    patches: dict[str, Any] = dict(compiled_apart(network))
    rotary = rotary_embedding(network)
    if rotary is None:
        logging.warning(
            "Seamless Model: %s knows places by a table and cannot wrap. Its latents are rolled at every step, which "
            "spreads the seam and does not close it.",
            type(network).__name__,
        )
        run = _rolled(axes, share, patch_of(network))
    else:
        positions = periodic_positions(network, axes)
        patches = {f"{DENOISER}.{rotary.path}.forward": positions, **patches}
        run = _wrapped(positions, axes, share)
    clone = with_object_patches(model, patches)
    for place in (AROUND_DENOISER, AROUND_PASS):
        clone.remove_wrappers_with_key(place, KEY)
    clone.add_wrapper_with_key(AROUND_PASS, KEY, around_pass(run))
    return sampling_images(clone, "Seamless Model")


def moved_image(options: Mapping[str, Any], offset: tuple[int, int]) -> dict[str, Any]:
    """The transformer options under which networks of Lumina's kind move the image by whole patches (rows, columns)."""
    rope = dict(options.get("rope_options") or {})
    for name, patches in zip(("shift_y", "shift_x"), offset, strict=True):
        rope[name] = rope.get(name, 0.0) + patches
    return {**options, "rope_options": rope}


def _wrapped(positions: PeriodicPositions, axes: Axes, share: StepShare) -> Callable[[DenoiserPass], torch.Tensor]:
    def run(one: DenoiserPass) -> torch.Tensor:
        if not share.includes(one.options, one.sigma):
            positions.end()
            return one.predict()
        height, width = one.latent.shape[-2:]
        _warn_of_cut_patches(height, width, positions.patch)
        offset = step_offset(current_step(one.options), height, width, axes, positions.patch)
        words = 0 if one.context is None else one.context.shape[1]
        positions.begin((height, width), words, offset, one.options.get(WINDOW_AXES))
        options = one.options
        if not positions.joint:
            options = moved_image(options, (offset[0] // positions.patch, offset[1] // positions.patch))
        try:
            return one.predict(options=options)
        finally:
            positions.end()

    return run


def _rolled(axes: Axes, share: StepShare, patch: int) -> Callable[[DenoiserPass], torch.Tensor]:
    def run(one: DenoiserPass) -> torch.Tensor:
        # The residuals of a ControlNet are lists of patches that stay where they are.
        still = one.control is not None or one.concat is not None or not share.includes(one.options, one.sigma)
        offset = (0, 0) if still else step_offset(current_step(one.options), *one.latent.shape[-2:], axes, patch)
        result = one.predict(latent=one.latent.roll(offset, (-2, -1)))
        return result.roll((-offset[0], -offset[1]), (-2, -1))

    return run


def _warn_of_cut_patches(height: int, width: int, patch: int) -> None:
    if height % patch or width % patch:
        logging.warning(
            "Seamless Model: the latent of %s x %s cells is no multiple of the model's patches of %s, so the last ones "
            "are filled up and the texture does not close exactly. Choose multiples of 16 pixels.",
            width,
            height,
            patch,
        )
