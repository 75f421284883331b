"""The axes along which a MODEL or VAE wraps already, for nodes that follow it."""

from collections.abc import Mapping
from typing import Any

from ..common.axes import Axes
from ..common.wrapped_convolutions import WrappedConvolution, WrappedFrames
from .flow.positions import PeriodicPositions
from .protocols import Model, Vae

AUTO = "auto"


def axes_of_model(name: str, model: Model) -> Axes:
    """The axes that the widget's `name` stands for; "auto" are those that Seamless Model gave `model`, if any."""
    return _followed(model.object_patches) if name == AUTO else Axes.parse(name)


def axes_of_vae(name: str, vae: Vae) -> Axes:
    """The axes that the widget's `name` stands for; "auto" are those that Seamless VAE gave `vae`, if any."""
    return _followed(vae.patcher.object_patches) if name == AUTO else Axes.parse(name)


def _followed(patches: Mapping[str, Any]) -> Axes:
    known = WrappedConvolution | WrappedFrames | PeriodicPositions
    wrapped = (patch.axes for patch in patches.values() if isinstance(patch, known))
    return next(wrapped, Axes(False, False))
