"""A MODEL of the host that denoises large latents in windows, and its ControlNets with it."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import comfy.model_management
import torch

from ..common.axes import Axes
from ..common.errors import InputError
from ..common.wrapped_convolutions import plain_convolutions, replaced, wrapped_convolutions
from ..upscale.windows import Window, WindowPlan, crop_all, crop_controls, fuse
from .image_latents import sampling_images
from .networks import (
    AROUND_CONDS,
    AROUND_DENOISER,
    Execute,
    compiled_apart,
    control_networks,
    is_unet_control,
    unet,
    with_object_patches,
)
from .protocols import Model
from .sampling_steps import current_step
from .shared_attention import WINDOWS

KEY = "tilewright_tiled_diffusion"
UNIT = 8  # latent cells that a UNet's coarsest level sees as one


def tiled_diffusion(model: Model, plan: WindowPlan, at_once: int) -> Model:
    """A clone of `model` that denoises in the windows of `plan`, `at_once` of them in a batch."""
    clone = with_object_patches(model, compiled_apart(unet(model)))
    for place in (AROUND_CONDS, AROUND_DENOISER):
        clone.remove_wrappers_with_key(place, KEY)
    clone.add_wrapper_with_key(AROUND_DENOISER, KEY, _denoise_in_windows(plan, at_once))
    clone.add_wrapper_with_key(AROUND_CONDS, KEY, _control_in_windows(plan, at_once))
    return sampling_images(clone, "Tiled Diffusion")


def _denoise_in_windows(plan: WindowPlan, at_once: int) -> Callable[..., torch.Tensor]:
    def run(
        execute: Execute,
        latent: torch.Tensor,
        timesteps: torch.Tensor,
        context: torch.Tensor,
        y: torch.Tensor | None,
        control: Mapping[str, Any] | None,
        options: dict,
        **others: Any,
    ) -> torch.Tensor:
        here = within(plan, latent, options)
        windows = _windows(here, latent, options, control is not None)
        if len(windows) == 1:
            with replaced(execute.class_obj, _convolutions_of_one_window(execute.class_obj, here)):
                return execute(latent, timesteps, context, y, control, options, **others)
        batch, width = latent.shape[0], latent.shape[-1]

        def predict(group: list[Window]) -> list[torch.Tensor]:
            comfy.model_management.throw_exception_if_processing_interrupted()
            count = len(group)
            given = [repeated(value, batch, count) for value in (timesteps, context, y)]
            controls = None if control is None else crop_controls(control, group, width)
            more = {name: repeated(value, batch, count) for name, value in others.items()}
            within_rows = {**options, WINDOWS: count}
            result = execute(crop_all(latent, group, width), *given, controls, within_rows, **more)
            return [result.unflatten(0, (batch, count))]

        with replaced(execute.class_obj, _convolutions(execute.class_obj, here, latent)):
            return fuse(here, windows, latent, predict, at_once)[0]

    return run


def _control_in_windows(plan: WindowPlan, at_once: int) -> Callable[..., Any]:
    def run(
        execute: Callable[..., Any], model: Any, conds: list, latent: torch.Tensor, sigma: torch.Tensor, options: dict
    ) -> Any:
        known = {**options.get("transformer_options", {}), KEY: tuple(latent.shape[-2:])}
        options, steps = {**options, "transformer_options": known}, {"sigmas": sigma, **known}
        with ExitStack() as stack:
            for network in control_networks(conds):
                if is_unet_control(network):
                    forward = _control_forward(network, network.forward, plan, at_once, steps)
                    stack.enter_context(replaced(network, {"forward": forward}))
            return execute(model, conds, latent, sigma, options)

    return run


def _control_forward(
    network: torch.nn.Module, whole: Callable[..., dict], plan: WindowPlan, at_once: int, options: Mapping[str, Any]
) -> Callable[..., dict]:
    def forward(x: torch.Tensor, hint: torch.Tensor, **others: Any) -> dict[str, list[torch.Tensor]]:
        here = within(plan, x, options)
        windows = _windows(here, x, options, controlled=True)
        if len(windows) == 1:
            with replaced(network, _convolutions_of_one_window(network, here)):
                return whole(x=x, hint=hint, **others)
        batch, width = x.shape[0], x.shape[-1]
        names: list[str] = []

        def predict(group: list[Window]) -> list[torch.Tensor]:
            comfy.model_management.throw_exception_if_processing_interrupted()
            count = len(group)
            given = {name: repeated(value, batch, count) for name, value in others.items()}
            result = whole(x=crop_all(x, group, width), hint=crop_all(hint, group, width), **given)
            names[:] = [name for name, parts in result.items() for _ in parts]
            return [part.unflatten(0, (batch, count)) for parts in result.values() for part in parts]

        with replaced(network, _convolutions(network, here, x)):
            fused = fuse(here, windows, x, predict, at_once)
        controls: dict[str, list[torch.Tensor]] = {}
        for name, part in zip(names, fused, strict=True):
            controls.setdefault(name, []).append(part)
        return controls

    return forward


def within(plan: WindowPlan, latent: torch.Tensor, options: Mapping[str, Any]) -> WindowPlan:
    """The plan for `latent`, which is only a part of the whole one where a conditioning has an area.

    A part wraps only along the axes that it spans.
    """
    height, width = latent.shape[-2:]
    rows, columns = options.get(KEY, (height, width))
    axes = Axes(x=plan.axes.x and width == columns, y=plan.axes.y and height == rows)
    return replace(plan, axes=axes)


def _windows(plan: WindowPlan, latent: torch.Tensor, options: Mapping[str, Any], controlled: bool) -> Sequence[Window]:
    height, width = latent.shape[-2:]
    step = current_step(options)
    whole = height % UNIT == 0 and width % UNIT == 0
    if controlled and not whole and plan.side < max(height, width):
        raise InputError(
            f"The latent is {width} x {height} cells. With a ControlNet, Tiled Diffusion takes multiples of {UNIT} "
            f"cells, that is {UNIT * 8} pixels. Choose such a size."
        )
    return plan.windows(height, width, step, UNIT if whole else 1)


def _convolutions(network: torch.nn.Module, plan: WindowPlan, latent: torch.Tensor) -> dict[str, Any]:
    """Convolutions that wrap inside a window along the axes it spans, whatever they do on the whole latent."""
    inner = plan.inner_axes(*latent.shape[-2:])
    wrapped = wrapped_convolutions(network, inner, what="The model")
    return wrapped if inner != Axes(False, False) else plain_convolutions(network, wrapped)


def _convolutions_of_one_window(network: torch.nn.Module, plan: WindowPlan) -> dict[str, Any]:
    """Convolutions that wrap along the axes of the plan; none to replace where it has none: the model is left alone."""
    return {} if plan.axes == Axes(False, False) else wrapped_convolutions(network, plan.axes, what="The model")


def repeated(value: Any, batch: int, count: int) -> Any:
    """A tensor with one row per image gets one per image and window; everything else stays."""
    if isinstance(value, torch.Tensor) and value.ndim > 0 and value.shape[0] == batch:
        return value.repeat_interleave(count, 0)
    return value
