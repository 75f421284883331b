"""The pack's own socket types, and the inputs that several nodes share."""

from comfy_api.latest import io

from ..common.axes import AXES_OPTIONS

TextureDatasetSocket = io.Custom("TEXTURE_DATASET")


def axes_input(tooltip: str, default: str = "both") -> io.Combo.Input:
    """The `axes` widget: both | x | y | none."""
    return io.Combo.Input("axes", options=AXES_OPTIONS, default=default, tooltip=tooltip)
