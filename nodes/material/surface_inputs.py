"""The widgets that several material nodes share: the size of the surface and the direction of green."""

from comfy_api.latest import io

from ...common.conventions import CONVENTIONS

CATEGORY = "Tilewright/material"


def height_cm_input(optional: bool = False) -> io.Float.Input:
    """The `height_cm` widget."""
    return io.Float.Input(
        "height_cm",
        optional=optional,
        default=5.0,
        min=0.0,
        max=10000.0,
        step=0.1,
        tooltip="How far the surface rises from black (0) to white (1) in the height map, in cm. 0 is flat.",
    )


def size_cm_input(optional: bool = False) -> io.Float.Input:
    """The `size_cm` widget."""
    return io.Float.Input(
        "size_cm",
        optional=optional,
        default=100.0,
        min=0.01,
        max=1000000.0,
        step=1.0,
        tooltip="How wide the surface is that the image shows, in cm. Pixels are square, so this gives its height too.",
    )


def repair_input(what: str) -> io.Boolean.Input:
    """The `repair` switch."""
    return io.Boolean.Input(
        "repair",
        default=False,
        optional=True,
        tooltip=f"Replaces pixels that are NaN or infinite by the mean {what} instead of stopping.",
    )


def convention_input(tooltip: str, optional: bool = False) -> io.Combo.Input:
    """The `convention` widget: OpenGL | DirectX."""
    return io.Combo.Input("convention", options=CONVENTIONS, default=CONVENTIONS[0], optional=optional, tooltip=tooltip)
