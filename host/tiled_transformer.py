"""A MODEL whose denoiser is a transformer, denoising large latents in windows."""

from collections.abc import Callable
from typing import Any

import comfy.model_management
import torch

from ..common.axes import Axes
from ..common.errors import InputError
from ..upscale.windows import Window, WindowPlan, crop_all, fuse
from .flow.positions import PeriodicPositions, patch_of, periodic_positions, rotary_embedding
from .image_latents import sampling_images
from .networks import (
    AROUND_CONDS,
    AROUND_PASS,
    DENOISER,
    DenoiserPass,
    around_pass,
    compiled_apart,
    with_object_patches,
)
from .protocols import Model
from .sampling_steps import current_step
from .shared_attention import WINDOWS
from .tiled_diffusion import KEY, repeated, within
from .wrapped_transformer import WINDOW_AXES


def tiled_transformer(model: Model, plan: WindowPlan, at_once: int) -> Model:
    """A clone of `model` that denoises in the windows of `plan`, `at_once` of them in a batch."""
    network = model.get_model_object(DENOISER)
    patches: dict[str, Any] = dict(compiled_apart(network))
    rotary = rotary_embedding(network)
    if rotary is not None and (place := f"{DENOISER}.{rotary.path}.forward") not in model.object_patches:
        patches = {place: periodic_positions(network, Axes(False, False)), **patches}
    clone = with_object_patches(model, patches)
    for place in (AROUND_CONDS, AROUND_PASS):
        clone.remove_wrappers_with_key(place, KEY)
    clone.add_wrapper_with_key(AROUND_PASS, KEY, around_pass(_denoise_in_windows(plan, at_once, patch_of(network))))
    clone.add_wrapper_with_key(AROUND_CONDS, KEY, _told_the_size)
    return sampling_images(clone, "Tiled Diffusion")


def _told_the_size(
    execute: Callable[..., Any], model: Any, conds: list, latent: torch.Tensor, sigma: torch.Tensor, options: dict
) -> Any:
    known = {**options.get("transformer_options", {}), KEY: tuple(latent.shape[-2:])}
    return execute(model, conds, latent, sigma, {**options, "transformer_options": known})


def _denoise_in_windows(plan: WindowPlan, at_once: int, patch: int) -> Callable[[DenoiserPass], torch.Tensor]:
    def run(one: DenoiserPass) -> torch.Tensor:
        image = _image(one.latent)
        here = within(plan, image, one.options)
        height, width = image.shape[-2:]
        windows = here.windows(height, width, current_step(one.options), patch if not (height | width) % patch else 1)
        if len(windows) == 1 and here.axes == Axes(False, False):  # the model is left alone
            return one.predict()
        inner = here.inner_axes(height, width) if len(windows) > 1 else here.axes
        options = {**one.options, WINDOW_AXES: inner}
        if len(windows) > 1 and one.control is not None:
            raise InputError(
                "A ControlNet for transformers tells each patch of the whole image apart, and windows would meet the "
                "wrong ones. Take the ControlNet away, or make tile_size of Tiled Diffusion as large as the image."
            )
        batch, words = len(one.latent), 0 if one.context is None else one.context.shape[1]
        positions = _positions_in(one.execute.class_obj)

        def predict(group: list[Window]) -> list[torch.Tensor]:
            comfy.model_management.throw_exception_if_processing_interrupted()
            count = len(group)
            if positions is not None:
                positions.begin((group[0].height, group[0].width), words, axes=inner)
            cropped = crop_all(image, group, width)
            result = one.predict(
                latent=cropped.unsqueeze(2) if one.latent.ndim == 5 else cropped,
                sigma=repeated(one.sigma, batch, count),
                concat=None if one.concat is None else crop_all(one.concat, group, width),
                context=repeated(one.context, batch, count),
                options={**options, WINDOWS: count},
                others={name: _repeated_all(value, batch, count) for name, value in one.others.items()},
            )
            return [_image(result).unflatten(0, (batch, count))]

        try:
            fused = fuse(here, windows, image, predict, at_once)[0]
        finally:
            if positions is not None:
                positions.end()
        return fused.unsqueeze(2) if one.latent.ndim == 5 else fused

    return run


def _positions_in(model: Any) -> PeriodicPositions | None:
    """Those that Seamless Model or Tiled Diffusion has put in place, whichever came last."""
    rotary = rotary_embedding(model.diffusion_model)
    there = None if rotary is None else getattr(model.diffusion_model, rotary.path).forward
    return there if isinstance(there, PeriodicPositions) else None


def _image(latent: torch.Tensor) -> torch.Tensor:
    """(B, C, h, w) of latents that may have an axis of time with a single frame, as `image_latent` makes sure."""
    return latent if latent.ndim == 4 else latent.squeeze(2)


def _repeated_all(value: Any, batch: int, count: int) -> Any:
    return [repeated(one, batch, count) for one in value] if isinstance(value, list) else repeated(value, batch, count)
