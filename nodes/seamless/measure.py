"""Showing and measuring whether a texture tiles."""

from typing import Any

import torch
from comfy_api.latest import io, ui

from ...common.errors import InputError
from ...common.layout import to_bhwc
from ...common.seams import LEAST_SIDE, SEAM
from ...host.viewed_files import viewed_file
from ...material.map_writers import png_bytes
from ...seamless.offset import tile_image
from ...seamless.seam_report import heat_strips, measure_seams, seam_strips
from ..image_inputs import read_images

CATEGORY = "Tilewright/seamless"
LARGEST_PREVIEW = 16384
TILES = "tilewright_tiles"  # the key under which the editor's view finds its textures
MOST = 8  # textures of a batch that the view shows
LARGEST_MEASURED = 4096  # pixels of a side: beyond, measuring takes longer than one waits for a preview


class TilePreview(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="TilewrightTilePreview",
            display_name="Tile Preview",
            category=CATEGORY,
            description="Repeats a texture side by side, to see whether it tiles.",
            search_aliases=[
                "repeat image",
                "tile image",
                "2x2 preview",
                "pattern preview",
                "repeat texture",
                "tiling preview",
                "3x3",
                "endless texture",
            ],
            is_output_node=True,
            inputs=[
                io.Image.Input("image", tooltip="The texture to repeat."),
                io.Int.Input("columns", default=2, min=1, max=16, tooltip="How many copies side by side."),
                io.Int.Input("rows", default=2, min=1, max=16, tooltip="How many copies one below the other."),
            ],
            outputs=[io.Image.Output("image", tooltip="The copies as one image.")],
        )

    @classmethod
    def execute(cls, image: torch.Tensor, columns: int, rows: int) -> io.NodeOutput:
        image = read_images(image)
        height, width = image.shape[-2] * rows, image.shape[-1] * columns
        if max(height, width) > LARGEST_PREVIEW:
            raise InputError(
                f"{columns} x {rows} copies are {width} x {height} pixels, more than a preview of {LARGEST_PREVIEW} a "
                "side can show. Choose fewer copies, or scale the texture down first."
            )
        return io.NodeOutput(to_bhwc(tile_image(image, columns, rows)), ui={TILES: tile_views(image)})


def tile_views(image: torch.Tensor) -> list[dict[str, Any]]:
    """What the editor's view shows of the first of (B, C, H, W): files in temp, and what Measure Seams says."""
    return [
        _tile_view(image[number : number + 1]) | {"number": number + 1, "of": len(image)}
        for number in range(min(len(image), MOST))
    ]


def _tile_view(image: torch.Tensor) -> dict[str, Any]:
    rows, columns = image.shape[-2:]
    color = image[:, : 4 if image.shape[1] >= 4 else 3 if image.shape[1] == 3 else 1]
    pictures, seams = {"tile": color[0]}, {}
    if LEAST_SIDE <= min(rows, columns) and max(rows, columns) <= LARGEST_MEASURED:
        report = measure_seams(image)
        pictures["strip_x"], pictures["strip_y"] = seam_strips(image, report)
        seams = {"x": report.x[0].verdict, "y": report.y[0].verdict, "text": report.badges, "figures": str(report)}
    files = {name: viewed_file(f"{name}.png", png_bytes(picture, 8)) for name, picture in pictures.items()}
    return {"files": files, "pixels": [columns, rows], "seams": seams}


class MeasureSeams(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="TilewrightMeasureSeams",
            display_name="Measure Seams",
            category=CATEGORY,
            description=(
                "Tells whether a texture tiles: whether a line shows where it meets its own copy, and whether a band "
                "along its edge is softer, more detailed or of another colour than its inside."
            ),
            search_aliases=[
                "seam check",
                "tileable test",
                "is it seamless",
                "seamless check",
                "tiling check",
                "compare",
            ],
            is_output_node=True,
            inputs=[
                io.Image.Input("image", tooltip="The texture, or a batch of them, each measured by itself."),
                io.Image.Input(
                    "before",
                    optional=True,
                    tooltip="The texture before a repair, to see whether its seam only moved inside.",
                ),
                io.Combo.Input(
                    "on_seam",
                    display_name="if a seam shows",
                    options=["report", "stop"],
                    default="report",
                    optional=True,
                    tooltip="Whether to stop the workflow, with the report as its message, where a seam shows.",
                ),
            ],
            outputs=[
                io.Float.Output("seam_x", tooltip="Q at the left-right wrap; of a batch, the largest."),
                io.Float.Output("seam_y", tooltip="Q at the top-bottom wrap; of a batch, the largest."),
                io.String.Output(
                    "report", tooltip="In plain words what each edge is like, and the figures behind that."
                ),
                io.String.Output(
                    "verdict", tooltip="The worst of the batch: seamless, doubtful, seam, or nothing to measure."
                ),
                io.Boolean.Output("passed", tooltip="Whether no image of the batch has a seam."),
            ],
        )

    @classmethod
    def execute(cls, image: torch.Tensor, before: torch.Tensor | None = None, on_seam: str = "report") -> io.NodeOutput:
        image = read_images(image)
        report = measure_seams(image, None if before is None else read_images(before, "The image before"))
        passed = report.verdict != SEAM
        if on_seam == "stop" and not passed:
            raise InputError(f"The texture does not tile:\n{report}\nRepair it, or set on_seam to report.")
        preview = ui.PreviewImage(to_bhwc(heat_strips(image, report)), cls=cls)
        shown = {**preview.as_dict(), "text": [str(report)], "badges": [str(report)]}
        return io.NodeOutput(report.worst_x, report.worst_y, str(report), report.verdict, passed, ui=shown)
