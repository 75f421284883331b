"""The nodes that shade: what a surface hides from the light, and where it bends."""

from dataclasses import asdict

import comfy.utils
import torch
from comfy_api.latest import io

from ...common.axes import Axes
from ...common.layout import grey_to_rgb, to_bhwc
from ...host.viewed_files import live_for_view
from ...material.curvature import curvature_range, mean_curvature
from ...material.filters import gaussian_blur
from ...material.map_inputs import read_height
from ...material.normals import encode_normals, slope_scale
from ...material.occlusion import horizon_occlusion
from ...material.surface_size import SurfaceSize
from ..sockets import axes_input
from .surface_inputs import (
    CATEGORY,
    convention_input,
    height_cm_input,
    repair_input,
    said_size,
    size_cm_input,
    surface_input,
    surface_output,
)


class Occlusion(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="TilewrightOcclusion",
            display_name="Occlusion",
            category=CATEGORY,
            description="Makes the ambient occlusion of a height map from the true horizon all round every pixel, and "
            "the bent normals with it.",
            search_aliases=[
                "ambient occlusion",
                "ao map",
                "bent normal",
                "hbao",
                "cavity shadow",
                "ambient occlusion map",
                "ao",
                "texture maps",
                "cavity",
                "pbr",
            ],
            has_intermediate_output=True,
            inputs=[
                io.Image.Input("height", tooltip="The height, 0 to 1, white is high. Of a colour image the luminance."),
                height_cm_input(),
                size_cm_input(),
                io.Float.Input(
                    "radius_cm",
                    display_name="max distance (cm)",
                    default=10.0,
                    min=0.01,
                    max=100000.0,
                    step=0.5,
                    tooltip="How far away something may stand and still block the light, in cm. Time grows with it.",
                ),
                io.Int.Input(
                    "slices",
                    advanced=True,
                    display_name="quality (slices)",
                    default=16,
                    min=1,
                    max=128,
                    tooltip="Vertical slices in which the horizon is found, both ways. 16 is within 1 %; 4 for drafts.",
                ),
                axes_input("The axes along which the height tiles. Beyond the other borders nothing stands."),
                convention_input("Where green points in the bent normals: OpenGL up, DirectX down.", optional=True),
                repair_input("height"),
                surface_input(),
            ],
            outputs=[
                io.Image.Output("occlusion", tooltip="1 where the whole sky is open, darker where it is not."),
                io.Image.Output("bent_normal", tooltip="The mean open direction as a normal map, in tangent space."),
                io.String.Output("report", tooltip="How far was looked, and what was used of a colour image."),
                surface_output(),
            ],
        )

    @classmethod
    def execute(
        cls,
        height: torch.Tensor,
        height_cm: float = 5.0,
        size_cm: float = 100.0,
        radius_cm: float = 10.0,
        slices: int = 16,
        axes: str = "both",
        convention: str = "OpenGL",
        repair: bool = False,
        surface: SurfaceSize | None = None,
    ) -> io.NodeOutput:
        heights, notes = read_height(height, repair)
        said, of_size = said_size(surface, height_cm, size_cm)
        rows, columns = heights.shape[-2:]
        progress = comfy.utils.ProgressBar(rows)
        found = horizon_occlusion(
            heights * slope_scale(said.height_cm, said.size_cm, columns),
            min(radius_cm * columns / said.size_cm, rows + columns),  # nothing new stands beyond
            slices,
            Axes.parse(axes),
            bent=True,
            on_rows=progress.update_absolute,
        )
        up = -1 if convention == "OpenGL" else 1
        bent = found.bent_normals * heights.new_tensor([1, up, 1])[:, None, None]
        away = radius_cm * columns / said.size_cm
        reach = f"Light was looked for in {2 * slices} directions, up to {away:.4g} pixels away."
        report = "\n".join([reach, *of_size, *notes])
        live = live_for_view(heights, axes=axes, **asdict(said))
        occlusion, normals = to_bhwc(grey_to_rgb(found.visibility)), to_bhwc(encode_normals(bent))
        return io.NodeOutput(occlusion, normals, report, said, ui=live)


class Curvature(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="TilewrightCurvature",
            display_name="Curvature",
            category=CATEGORY,
            description="Finds ridges and grooves of a height map: signed mean curvature, and convex, concave and "
            "cavity masks of it.",
            search_aliases=[
                "edge wear mask",
                "cavity map",
                "convexity",
                "concavity",
                "dirt mask",
                "edge wear",
                "texture maps",
                "convex",
                "wear mask",
            ],
            has_intermediate_output=True,
            inputs=[
                io.Image.Input("height", tooltip="The height, 0 to 1, white is high. Of a colour image the luminance."),
                height_cm_input(),
                size_cm_input(),
                axes_input("The axes along which the height tiles. The others are continued smoothly at the border."),
                io.Float.Input(
                    "smooth_cm",
                    display_name="blur (cm)",
                    default=0.2,
                    min=0.0,
                    max=10000.0,
                    step=0.1,
                    tooltip="Shapes smaller than this, in cm, are smoothed away first: pixels and noise bend most.",
                ),
                io.Float.Input(
                    "full_radius_cm",
                    advanced=True,
                    display_name="full white radius (cm)",
                    default=0.0,
                    min=0.0,
                    max=100000.0,
                    step=0.1,
                    tooltip="The radius, in cm, of the edge that becomes full white. 0 takes the sharpest of the map: "
                    "all but one pixel in 200 stay within range.",
                ),
                repair_input("height"),
                surface_input(),
            ],
            outputs=[
                io.Image.Output(
                    "curvature", tooltip="Signed mean curvature: flat is 0.5, ridges bright, grooves dark."
                ),
                io.Image.Output("convexity", tooltip="Ridges and edges only, white on black: where paint wears off."),
                io.Image.Output("concavity", tooltip="Grooves and corners only, white on black: where dirt settles."),
                io.Image.Output("cavity", tooltip="Dark in grooves, white elsewhere: to multiply over a basecolor."),
                io.String.Output(
                    "report", tooltip="The radius in cm that became full white, and what was used of colours."
                ),
                surface_output(),
            ],
        )

    @classmethod
    def execute(
        cls,
        height: torch.Tensor,
        height_cm: float = 5.0,
        size_cm: float = 100.0,
        axes: str = "both",
        smooth_cm: float = 0.2,
        full_radius_cm: float = 0.0,
        repair: bool = False,
        surface: SurfaceSize | None = None,
    ) -> io.NodeOutput:
        heights, notes = read_height(height, repair)
        said, of_size = said_size(surface, height_cm, size_cm)
        wrap, pixels_per_cm = Axes.parse(axes), heights.shape[-1] / said.size_cm
        smooth = gaussian_blur(heights, smooth_cm * pixels_per_cm / 2, wrap, torch.float64)
        ridges = mean_curvature(smooth, said.height_cm * pixels_per_cm, wrap, torch.float32).mul_(
            -pixels_per_cm
        )  # in 1/cm
        full = 1 / full_radius_cm if full_radius_cm > 0 else curvature_range(ridges)
        part = (ridges / full).clamp(-1, 1) if full > 0 else ridges
        convex, concave = part.clamp(min=0), (-part).clamp(min=0)
        images = [to_bhwc(grey_to_rgb(image)) for image in (0.5 + part / 2, convex, concave, 1 - concave)]
        sharpest = f"{1 / full:.3g} cm" if full > 0 else "nothing: the surface is flat"
        report = "\n".join([f"The radius that became full white is {sharpest}.", *of_size, *notes])
        return io.NodeOutput(*images, report, said, ui=live_for_view(heights, axes=axes, **asdict(said)))
