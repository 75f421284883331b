"""Showing and measuring whether a texture tiles."""

import torch
from comfy_api.latest import io, ui

from ...common.errors import InputError
from ...common.layout import to_bchw, to_bhwc
from ...seamless.offset import tile_image
from ...seamless.seam_report import heat_strips, measure_seams

CATEGORY = "Tilewright/seamless"


class TilePreview(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="TilewrightTilePreview",
            display_name="Tile Preview",
            category=CATEGORY,
            description="Repeats a texture side by side, to see whether it tiles.",
            search_aliases=["repeat image", "tile image", "2x2 preview"],
            inputs=[
                io.Image.Input("image", tooltip="The texture to repeat."),
                io.Int.Input("columns", default=2, min=1, max=16, tooltip="How many copies side by side."),
                io.Int.Input("rows", default=2, min=1, max=16, tooltip="How many copies one below the other."),
            ],
            outputs=[io.Image.Output("image", tooltip="The copies as one image.")],
        )

    @classmethod
    def execute(cls, image: torch.Tensor, columns: int, rows: int) -> io.NodeOutput:
        return io.NodeOutput(to_bhwc(tile_image(to_bchw(image), columns, rows)))


class MeasureSeams(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="TilewrightMeasureSeams",
            display_name="Measure Seams",
            category=CATEGORY,
            description=(
                "Measures how visible the line is where a texture meets its own copy. Q compares the step across "
                "that line with the strongest step inside the texture: up to 1.05 is seamless, up to 1.2 doubtful."
            ),
            search_aliases=["seam check", "tileable test", "is it seamless"],
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
                    options=["report", "stop"],
                    default="report",
                    optional=True,
                    tooltip="Whether to stop the workflow, with the report as its message, where a seam shows.",
                ),
            ],
            outputs=[
                io.Float.Output("seam_x", tooltip="Q at the left-right wrap; of a batch, the largest."),
                io.Float.Output("seam_y", tooltip="Q at the top-bottom wrap; of a batch, the largest."),
                io.String.Output("report", tooltip="Verdict, Q, R, R2 and Q2 per axis and image, in words."),
                io.String.Output("verdict", tooltip="The worst of the batch: seamless, doubtful or seam."),
                io.Boolean.Output("passed", tooltip="Whether no image of the batch has a seam."),
            ],
        )

    @classmethod
    def execute(cls, image: torch.Tensor, before: torch.Tensor | None = None, on_seam: str = "report") -> io.NodeOutput:
        image = to_bchw(image)
        report = measure_seams(image, None if before is None else to_bchw(before))
        passed = report.verdict != "seam"
        if on_seam == "stop" and not passed:
            raise InputError(f"The texture does not tile:\n{report}\nRepair it, or set on_seam to report.")
        preview = ui.PreviewImage(to_bhwc(heat_strips(image)), cls=cls)
        return io.NodeOutput(report.worst_x, report.worst_y, str(report), report.verdict, passed, ui=preview)
