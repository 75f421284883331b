"""The node that lays one height map over another."""

from collections.abc import Sequence

import torch
from comfy_api.latest import io

from ...common.layout import grey_to_rgb, to_bhwc
from ...material.combine_heights import BLEND, MAXIMUM, METHODS, MINIMUM, combine_heights
from ...material.map_inputs import check_same_size, read_height, read_map
from ..shown_where import shown_where
from .surface_inputs import CATEGORY, repair_input


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
                _cm_input("base_cm", 5.0, "base depth (cm)", "How far the base rises from 0 to 1, in cm."),
                _cm_input("detail_cm", 1.0, "detail depth (cm)", "How far the detail rises from 0 to 1, in cm."),
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
                    "maximum, minimum and height blend: over how many cm of difference one goes over into the other. "
                    "0 is a hard edge.",
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
                    tooltip="Raises the detail by so many cm before both are compared: how full the joints are.",
                ),
                repair_input("of its channel"),
            ],
            outputs=[
                io.Image.Output("height", tooltip="Both as one height, stretched to 0..1, in full float precision."),
                io.Float.Output("height_cm", tooltip="How far the new height rises from 0 to 1, in cm."),
                io.Mask.Output("mask", tooltip="Where the detail shows, to blend the other maps alike."),
                io.String.Output("report", tooltip="The range in cm, how much of the detail shows, what was repaired."),
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
    ) -> io.NodeOutput:
        below, notes = read_height(base, repair, "The base")
        above, more = read_height(detail, repair, "The detail")
        where, of_mask = (None, []) if mask is None else read_map(mask, "The mask", repair)
        check_same_size({"base": below, "detail": above} | ({} if where is None else {"mask": where}))
        combined = combine_heights(base_cm * below, detail_cm * above + offset_cm, where, method, transition_cm)
        shown = f"The surface rises {combined.height_cm:.4g} cm; {combined.share.mean():.0%} of it shows the detail."
        unmasked = method == BLEND and mask is None
        hint = ["Without a mask height blend shows whichever is higher."] if unmasked else []
        report = "\n".join([shown, *hint, *notes, *more, *of_mask])
        height = to_bhwc(grey_to_rgb(combined.height))
        return io.NodeOutput(height, combined.height_cm, combined.share[:, 0], report)


def _cm_input(name: str, default: float, shown: str, tooltip: str, **acts: Sequence[str]) -> io.Float.Input:
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
