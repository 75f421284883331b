"""The node that lays one height map over another."""

from collections.abc import Sequence

import torch
from comfy_api.latest import io

from ...common.layout import grey_to_rgb, to_bhwc
from ...material.combine_heights import BLEND, MAXIMUM, METHODS, MINIMUM, combine_heights
from ...material.map_inputs import check_same_size, read_height, read_map
from ...material.surface_size import SurfaceSize
from ..shown_where import shown_where
from ..sockets import SurfaceSocket
from .surface_inputs import CATEGORY, handed_on_inputs, repair_input, surface_output


class CombineHeights(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="TilewrightCombineHeights",
            display_name="Combine Heights",
            category=CATEGORY,
            description="Lays one height map over another in true cm: detail added to large shapes, stones sunk into "
            "mud, sand blown into joints.",
            search_aliases=[
                "height blend",
                "add heights",
                "blend displacement",
                "max height",
                "layer materials",
                "heightmap",
                "displacement blend",
            ],
            inputs=[
                io.Image.Input("base", tooltip="The height below, 0 to 1. Of a colour image the luminance is taken."),
                io.Image.Input("detail", tooltip="The height above it, 0 to 1, of the same size."),
                io.Combo.Input(
                    "method",
                    display_name="blend mode",
                    options=METHODS,
                    default="add",
                    tooltip="add and subtract pile up; maximum and minimum take the higher or lower one; height blend "
                    "shows the detail where it stands highest first, as the mask grows brighter.",
                ),
                _cm_input(
                    "base_cm", 5.0, "base depth (cm)", "How far the base rises from 0 to 1, in cm.", surface=False
                ),
                _cm_input(
                    "detail_cm",
                    1.0,
                    "detail depth (cm)",
                    "How far the detail rises from 0 to 1, in cm.",
                    detail_surface=False,
                ),
                io.Mask.Input(
                    "mask",
                    optional=True,
                    tooltip="Where the detail counts: 1 fully, 0 not at all. With height blend grey lets only its "
                    "highest parts through.",
                ),
                _cm_input(
                    "transition_cm",
                    0.5,
                    "transition (cm)",
                    "maximum, minimum and height blend: the difference in height, in cm, over which one passes into "
                    "the other. 0 is a hard edge.",
                    method=[MAXIMUM, MINIMUM, BLEND],
                ),
                io.Float.Input(
                    "offset_cm",
                    display_name="detail offset (cm)",
                    advanced=True,
                    optional=True,
                    default=0.0,
                    min=-10000.0,
                    max=10000.0,
                    step=0.1,
                    tooltip="Raises the detail by so many cm before both are combined: how full the joints are.",
                ),
                repair_input("of its channel"),
                SurfaceSocket.Input(
                    "surface",
                    display_name="base surface",
                    optional=True,
                    tooltip="The cm of the base, from the node that made it, in place of those typed here.",
                ),
                SurfaceSocket.Input(
                    "detail_surface",
                    optional=True,
                    tooltip="The cm of the detail, from the node that made it, in place of those typed here.",
                ),
                *handed_on_inputs()[1:],
            ],
            outputs=[
                io.Image.Output("height", tooltip="Both as one height, stretched to 0..1, in full float precision."),
                io.Float.Output("height_cm", tooltip="How far the new height rises from 0 to 1, in cm."),
                io.Mask.Output("mask", tooltip="Where the detail shows, to blend the other maps alike."),
                io.String.Output("report", tooltip="The range in cm, how much of the detail shows, what was repaired."),
                surface_output(),
            ],
        )

    @classmethod
    def execute(
        cls,
        base: torch.Tensor,
        detail: torch.Tensor,
        method: str = "add",
        base_cm: float = 5.0,
        detail_cm: float = 1.0,
        transition_cm: float = 0.5,
        mask: torch.Tensor | None = None,
        offset_cm: float = 0.0,
        repair: bool = False,
        surface: SurfaceSize | None = None,
        detail_surface: SurfaceSize | None = None,
        size_cm: float = 100.0,
    ) -> io.NodeOutput:
        below, notes = read_height(base, repair, "The base")
        above, more = read_height(detail, repair, "The detail")
        where, of_mask = (None, []) if mask is None else read_map(mask, "The mask", repair)
        check_same_size({"base": below, "detail": above} | ({} if where is None else {"mask": where}))
        base_cm = base_cm if surface is None else surface.height_cm
        detail_cm = detail_cm if detail_surface is None else detail_surface.height_cm
        combined = combine_heights(base_cm * below, detail_cm * above + offset_cm, where, method, transition_cm)
        shown = f"The surface rises {combined.height_cm:.4g} cm; {combined.share.mean():.0%} of it shows the detail."
        unmasked = method == BLEND and mask is None
        hint = ["Without a mask height blend shows whichever is higher."] if unmasked else []
        width, of_width = _width(surface, detail_surface, size_cm)
        report = "\n".join([shown, *of_width, *hint, *notes, *more, *of_mask])
        height = to_bhwc(grey_to_rgb(combined.height))
        made = SurfaceSize(combined.height_cm, width)
        return io.NodeOutput(height, combined.height_cm, combined.share[:, 0], report, made)


def _width(base: SurfaceSize | None, detail: SurfaceSize | None, typed: float) -> tuple[float, list[str]]:
    """How wide the surface is in cm, and what the report says where the two heights were made for other widths."""
    said = [one.size_cm for one in (base, detail) if one is not None]
    if not said:
        return typed, []
    if max(said) <= 1.01 * min(said):
        return said[0], []
    note = f"The base is {said[0]:.4g} cm wide and the detail {said[1]:.4g} cm: the detail is scaled to the base's."
    return said[0], [note]


def _cm_input(name: str, default: float, shown: str, tooltip: str, **acts: Sequence[str] | bool) -> io.Float.Input:
    return io.Float.Input(
        name,
        display_name=shown,
        default=default,
        min=0.0,
        max=10000.0,
        step=0.1,
        extra_dict=shown_where(**acts),
        tooltip=tooltip,
    )
