"""The nodes that cut a bad spot out of a texture and put it back mended."""

import torch
from comfy_api.latest import io

from ...common.axes import Axes
from ...common.errors import InputError
from ...common.layout import to_bhwc
from ...seamless.region import GRID, Region, crop, crop_weight, find_region, stitch, whole_region
from ..image_inputs import read_images
from ..sockets import axes_input

CATEGORY = "Tilewright/seamless"
RegionSocket = io.Custom("TEXTURE_REGION")


class CropRegion(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="TilewrightCropRegion",
            display_name="Crop Region",
            category=CATEGORY,
            description="Cuts a masked spot out of a texture with its surroundings, across the border where it tiles, "
            "and enlarges it to the size a model paints at. Stitch Region puts it back.",
            search_aliases=[
                "inpaint crop",
                "crop and stitch",
                "mend texture",
                "fix spot",
                "mask detailer",
                "inpaint",
                "clone stamp",
                "heal",
            ],
            inputs=[
                io.Image.Input("image", tooltip="The texture, or several maps of it as a batch: all are cut alike."),
                io.Mask.Input("mask", tooltip="White on the bad spot. Of a batch what any of them marks."),
                io.Int.Input(
                    "size",
                    display_name="size (px)",
                    default=512,
                    min=64,
                    max=4096,
                    step=GRID,
                    tooltip="The longer side of the picture to paint, in pixels: 512 for SD 1.5, 1024 for SDXL.",
                ),
                io.Float.Input(
                    "context",
                    display_name="context padding",
                    default=1.0,
                    min=0.0,
                    max=16.0,
                    step=0.1,
                    tooltip="How much of the texture goes along on every side, as a multiple of the spot's size. More "
                    "shows the model more of the pattern and enlarges less.",
                ),
                io.Int.Input(
                    "grow",
                    display_name="grow mask (px)",
                    advanced=True,
                    default=8,
                    min=0,
                    max=1024,
                    tooltip="By how many pixels the spot is grown: what is replaced wholly.",
                ),
                io.Int.Input(
                    "feather",
                    display_name="feather (px)",
                    advanced=True,
                    default=16,
                    min=0,
                    max=1024,
                    tooltip="Over how many more pixels the new picture fades into the old one.",
                ),
                axes_input("The axes along which the texture tiles: a spot on the border is one spot there."),
                io.Boolean.Input(
                    "fill",
                    display_name="fill mask first",
                    advanced=True,
                    default=True,
                    optional=True,
                    tooltip="Lays the colours of the surroundings over the spot, so that nothing of it leaks into what "
                    "is painted. Off to paint on what is there, at a low denoise.",
                ),
            ],
            outputs=[
                io.Image.Output("image", tooltip="The spot with its surroundings, to be painted anew."),
                io.Mask.Output("mask", tooltip="What is to be painted, grown and faded, in the size of the picture."),
                RegionSocket.Output("region", tooltip="Where it was cut, for Stitch Region: for all maps alike."),
                io.String.Output("report", tooltip="Where the region lies, and how much it was enlarged."),
            ],
        )

    @classmethod
    def execute(
        cls,
        image: torch.Tensor,
        mask: torch.Tensor,
        size: int = 512,
        context: float = 1.0,
        grow: int = 8,
        feather: int = 16,
        axes: str = "both",
        fill: bool = True,
    ) -> io.NodeOutput:
        pictures = read_images(image)
        region = find_region(_marked(mask, pictures).float(), Axes.parse(axes), size, context, grow, feather)
        return io.NodeOutput(to_bhwc(crop(pictures, region, fill)), crop_weight(region), region, _report(region))


class StitchRegion(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="TilewrightStitchRegion",
            display_name="Stitch Region",
            category=CATEGORY,
            description="Puts a region that was painted anew back into its texture. With a mask the patch may be the "
            "whole texture. Outside the mask every value stays as it was, bit for bit.",
            search_aliases=[
                "inpaint stitch",
                "crop and stitch",
                "paste region",
                "uncrop",
                "inpaint",
                "clone stamp",
                "heal",
            ],
            inputs=[
                io.Image.Input("image", tooltip="The texture that the region was cut from, or another map of it."),
                io.Image.Input("patch", tooltip="The painted picture, or several of them to choose from, in any size."),
                RegionSocket.Input(
                    "region", optional=True, tooltip="From Crop Region. Without it the patch is the whole texture."
                ),
                io.Boolean.Input(
                    "match_color",
                    display_name="match color",
                    default=True,
                    tooltip="Takes out the mean difference in colour around the spot, which a model's decoder adds to "
                    "all of the picture.",
                ),
                io.Boolean.Input(
                    "normals",
                    display_name="is a normal map",
                    advanced=True,
                    default=False,
                    optional=True,
                    tooltip="Turn on for normal maps: where both are blended, normals get unit length again.",
                ),
                io.Mask.Input(
                    "mask",
                    optional=True,
                    tooltip="Without a region: where the patch replaces the texture, such as the mask of Offset Image.",
                ),
                axes_input("Without a region: the axes along which the texture tiles.", optional=True),
                io.Boolean.Input(
                    "colors_around",
                    display_name="colors of surroundings",
                    default=False,
                    optional=True,
                    tooltip="Gives what was painted the colours around it and leaves it its detail, where a model "
                    "paints a seam or a spot in colours of its own. Off where other colours are wanted.",
                ),
            ],
            outputs=[
                io.Image.Output("image", tooltip="The texture with the region put back."),
                io.Mask.Output("mask", tooltip="Where the texture changed, in its own size."),
            ],
        )

    @classmethod
    def execute(
        cls,
        image: torch.Tensor,
        patch: torch.Tensor,
        region: Region | None = None,
        match_color: bool = True,
        normals: bool = False,
        mask: torch.Tensor | None = None,
        axes: str = "both",
        colors_around: bool = False,
    ) -> io.NodeOutput:
        texture, painted = read_images(image), read_images(patch, "The patch")
        if (region is None) == (mask is None):
            raise InputError(
                "Connect either region, from Crop Region, or mask, for a patch that is the whole texture painted anew."
            )
        region = region or whole_region(_marked(mask, texture).float(), Axes.parse(axes))
        mended = stitch(texture, painted, region, match_color and not normals, normals, colors_around and not normals)
        return io.NodeOutput(to_bhwc(mended), region.placed_weight().expand(len(mended), -1, -1))


def _marked(mask: torch.Tensor, pictures: torch.Tensor) -> torch.Tensor:
    """What any mask of a batch marks, (H, W) as the pictures (B, C, H, W) are. Raises `InputError` for another size."""
    marked = read_images(mask, "The mask").amax((0, 1))
    if marked.shape != pictures.shape[-2:]:
        raise InputError(
            f"The mask is {marked.shape[1]} x {marked.shape[0]} pixels, the image {pictures.shape[3]} x "
            f"{pictures.shape[2]}. Give both the same size. A picture without alpha loads with an empty mask of 64 x "
            "64."
        )
    return marked


def _report(region: Region) -> str:
    bottom, right = ((region.top + region.height) % region.texture[0], (region.left + region.width) % region.texture[1])
    lines = [
        f"{region.width} x {region.height} pixels from column {region.left}, row {region.top} to column {right}, row "
        f"{bottom}, painted at {region.patch[1]} x {region.patch[0]} ({region.enlargement:.2f} times)."
    ]
    if region.crosses_border:
        lines.append("It runs across the border of the texture.")
    if region.enlargement < 1:
        lines.append("It is painted smaller than it is and will be softer than the rest: raise size or lower context.")
    if region.axes.x or region.axes.y:
        lines.append("It spans the whole texture and closes on itself: paint it with Seamless Model and Seamless VAE.")
    return "\n".join(lines)
