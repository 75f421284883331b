"""The pack's own socket types, and the inputs that several nodes share."""

from comfy_api.latest import io

from ..common.axes import AXES_OPTIONS
from ..common.map_files import AUTOMATIC, LIGHT_OPTIONS
from ..host.wrapped_axes import AUTO

TextureDatasetSocket = io.Custom("TEXTURE_DATASET")
SurfaceSocket = io.Custom("TILEWRIGHT_SURFACE")
NONE = "none"  # no file


class FileCombo(io.Combo.Input):
    """A choice among files of the host's model folders, which the node looks up under any name that the host knows."""


def following_axes_input(tooltip: str, follows: str) -> io.Combo.Input:
    """The `axes` widget of nodes that can read from the input `follows` what wraps."""
    return io.Combo.Input(
        "axes",
        display_name="tiling axes",
        options=[*AXES_OPTIONS, AUTO],
        default=AUTO,
        tooltip=f"{tooltip} auto wraps along the axes that the {follows} wraps along, and along none if it does not.",
    )


def axes_input(tooltip: str, default: str = "both", optional: bool = False) -> io.Combo.Input:
    """The `axes` widget: both | x | y | none."""
    return io.Combo.Input(
        "axes", display_name="tiling axes", options=AXES_OPTIONS, default=default, tooltip=tooltip, optional=optional
    )


def light_input() -> io.Combo.Input:
    """The `light` widget: what the colours of float files are."""
    return io.Combo.Input(
        "light",
        display_name="float color space",
        advanced=True,
        options=LIGHT_OPTIONS,
        default=AUTOMATIC,
        optional=True,
        tooltip="What basecolor and emissive maps hold in float files: auto takes EXR for linear light, as its "
        "convention is, and float TIFF for sRGB. Data maps are never converted.",
    )


def layer_input() -> io.String.Input:
    """The `layer` widget of EXR files."""
    return io.String.Input(
        "layer",
        display_name="EXR layer",
        advanced=True,
        default="",
        optional=True,
        tooltip="Which layer of an EXR to take, such as ViewLayer.Combined; empty for its main one. The report names "
        "the layers.",
    )
