"""The inputs that several material nodes share: all maps, the size of the surface and the direction of green."""

from collections.abc import Sequence

import torch
from comfy_api.latest import io

from ...common.conventions import CONVENTIONS
from ...material.engine_presets import MAPS
from ...material.map_inputs import read_map
from ...material.surface_size import SurfaceSize
from ..shown_where import shown_where
from ..sockets import SurfaceSocket

CATEGORY = "Tilewright/material"

MAP_TOOLTIPS = {
    "basecolor": "The colour without light, as sRGB. A fourth channel is alpha.",
    "height": "The height, 0 to 1, as grey.",
    "normal": "The normal map.",
    "roughness": "The roughness, 0 is a mirror, as grey.",
    "metallic": "The metallic map, 1 is metal, as grey.",
    "occlusion": "The ambient occlusion, 1 is open, as grey.",
    "opacity": "The opacity, 0 is see-through, as grey.",
    "emissive": "The colour of emitted light, as sRGB.",
}


def map_sockets() -> list[io.Image.Input]:
    """A socket for each of `MAPS`."""
    return [io.Image.Input(name, optional=True, tooltip=MAP_TOOLTIPS[name]) for name in MAPS]


def connected_maps(*images: torch.Tensor | None) -> dict[str, torch.Tensor]:
    """The maps that are there, (B, C, H, W) by name, of one image or None for each of `MAPS`."""
    return {
        name: read_map(image, f"The {name} map")[0]
        for name, image in zip(MAPS, images, strict=True)
        if image is not None
    }


def height_cm_input(optional: bool = False) -> io.Float.Input:
    """The `height_cm` widget."""
    return io.Float.Input(
        "height_cm",
        display_name="height depth (cm)",
        optional=optional,
        default=5.0,
        min=0.0,
        max=10000.0,
        step=0.1,
        extra_dict=shown_where(surface=False),
        tooltip="How far the surface rises from black (0) to white (1) in the height map, in cm. 0 is flat.",
    )


def size_cm_input(optional: bool = False) -> io.Float.Input:
    """The `size_cm` widget."""
    return io.Float.Input(
        "size_cm",
        display_name="surface size (cm)",
        optional=optional,
        default=100.0,
        min=0.01,
        max=1000000.0,
        step=1.0,
        extra_dict=shown_where(surface=False),
        tooltip="How wide the surface is that the image shows, in cm. Pixels are square, so this gives its height too.",
    )


def surface_input() -> io.Input:
    """The optional `surface` socket, which stands above the widgets of the same meaning."""
    return SurfaceSocket.Input(
        "surface",
        optional=True,
        tooltip="The cm of another node's surface output, in place of those typed here: say them once.",
    )


def surface_output() -> io.Output:
    """The `surface` output: the cm that the node worked with."""
    return SurfaceSocket.Output("surface", tooltip="The cm that were used here, for the surface input of other nodes.")


def handed_on_inputs(**acts: Sequence[str]) -> list[io.Input]:
    """`height_cm` and `size_cm` of nodes that use no cm themselves: what their `surface` output hands on."""
    depth, size = height_cm_input(optional=True), size_cm_input(optional=True)
    for one in (depth, size):
        one.advanced, one.extra_dict = True, shown_where(**acts)
        one.tooltip = f"{one.tooltip} Handed on by the surface output; link that to the nodes that follow."
    return [depth, size]


def said_size(surface: SurfaceSize | None, height_cm: float, size_cm: float) -> tuple[SurfaceSize, list[str]]:
    """The cm to work with, the socket's before the widgets', and what the report says of that."""
    return (SurfaceSize(height_cm, size_cm), []) if surface is None else (surface, [str(surface)])


def repair_input(what: str) -> io.Boolean.Input:
    """The `repair` switch."""
    return io.Boolean.Input(
        "repair",
        display_name="repair NaN",
        advanced=True,
        default=False,
        optional=True,
        tooltip=f"Replaces pixels that are NaN or infinite by the mean {what} instead of stopping.",
    )


def convention_input(tooltip: str, optional: bool = False) -> io.Combo.Input:
    """The `convention` widget: OpenGL | DirectX."""
    return io.Combo.Input(
        "convention",
        display_name="normal format",
        options=CONVENTIONS,
        default=CONVENTIONS[0],
        optional=optional,
        tooltip=tooltip,
    )
