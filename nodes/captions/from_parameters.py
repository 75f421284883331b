"""The node that captions renders from the parameters they were made with."""

from comfy_api.latest import io

from ...captions.from_parameters import caption_dataset
from ...captions.report import caption_report
from ...common.texture_dataset import TextureDataset
from ...host.edit_sets import listing_of, previewed
from ..sockets import TextureDatasetSocket


class CaptionFromParameters(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="TilewrightCaptionFromParameters",
            display_name="Caption from Parameters",
            category="Tilewright/captions",
            description=(
                "Captions each render with its material, its colours and the parameters that stand out, "
                "from the manifest that the render nodes write. The same render always gets the same caption."
            ),
            search_aliases=["tag", "label", "manifest", "substance", "describe dataset", "caption renders"],
            inputs=[
                TextureDatasetSocket.Input("dataset", tooltip="Renders with a manifest. Others keep their captions."),
                io.Int.Input(
                    "details",
                    display_name="max parameters",
                    default=6,
                    min=0,
                    max=50,
                    optional=True,
                    tooltip="How many parameters to mention at most; the most extreme values win.",
                ),
                io.Boolean.Input(
                    "colors",
                    display_name="name colors",
                    default=True,
                    optional=True,
                    tooltip="Name the colours of basecolor and emissive maps, such as 'red-brown brick'.",
                ),
            ],
            outputs=[
                TextureDatasetSocket.Output("dataset", tooltip="The same images with their new captions."),
                io.String.Output("captions", is_output_list=True, tooltip="One caption for each image, in order."),
                io.String.Output("report", tooltip="Every file with its caption, and the files that kept theirs."),
            ],
            has_intermediate_output=True,
        )

    @classmethod
    def execute(cls, dataset: TextureDataset, details: int = 6, colors: bool = True) -> io.NodeOutput:
        captioned, without_record = caption_dataset(dataset, details, colors)
        report = caption_report(captioned, without_record, "kept their captions: no manifest describes them")
        return io.NodeOutput(captioned, captioned.captions, report, ui=previewed(dataset=listing_of(captioned)))
