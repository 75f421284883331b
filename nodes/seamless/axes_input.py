"""The `axes` widget of nodes that need at least one axis to wrap."""

from comfy_api.latest import io

from ...common.axes import AXES_OPTIONS


def seamless_axes_input() -> io.Combo.Input:
    """The `axes` widget of nodes that have nothing to do where no axis wraps."""
    return io.Combo.Input(
        "axes",
        display_name="tiling axes",
        options=[name for name in AXES_OPTIONS if name != "none"],
        default="both",
        tooltip="The axes that tile: x joins the left edge to the right one, y the top to the bottom.",
    )
