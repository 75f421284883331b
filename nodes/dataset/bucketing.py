"""The node that sets the sizes which a dataset is trained at."""

from dataclasses import replace

from comfy_api.latest import io

from ...common.buckets import Buckets
from ...common.texture_dataset import TextureDataset
from ...dataset.bucketing import bucket_dataset
from ...dataset.report import bucket_report
from ...host.edit_sets import listing_of, previewed
from ..sockets import TextureDatasetSocket
from ..validation import refusing


class BucketDataset(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="TilewrightBucketDataset",
            display_name="Bucket Dataset",
            category="Tilewright/dataset",
            description=(
                "Sets the sizes that images of different shapes are trained at, as kohya's aspect-ratio buckets, "
                "and tells how many images each holds. Without this node the trainer uses the defaults."
            ),
            search_aliases=[
                "aspect ratio bucketing",
                "enable_bucket",
                "bucket_no_upscale",
                "resolution",
                "buckets",
                "arb",
            ],
            inputs=[
                TextureDatasetSocket.Input("dataset", tooltip="The images to train on."),
                io.Int.Input(
                    "resolution",
                    default=512,
                    min=64,
                    max=4096,
                    step=64,
                    tooltip="The resolution that Train Texture LoRA is set to. The report is made for it; no size "
                    "has a larger area than its square.",
                ),
                io.Int.Input(
                    "minimum",
                    display_name="min_bucket_reso",
                    advanced=True,
                    default=0,
                    min=0,
                    max=8192,
                    step=8,
                    tooltip="Shortest side of a bucket in pixels. 0 is half the resolution. Longer images are cut.",
                ),
                io.Int.Input(
                    "maximum",
                    display_name="max_bucket_reso",
                    advanced=True,
                    default=0,
                    min=0,
                    max=8192,
                    step=8,
                    tooltip="Longest side of a bucket in pixels. 0 is twice the resolution.",
                ),
                io.Int.Input(
                    "step",
                    display_name="bucket_reso_steps",
                    advanced=True,
                    default=64,
                    min=8,
                    max=512,
                    step=8,
                    tooltip="Sides are multiples of this. 64 suits every model; SDXL can take 32, which cuts less.",
                ),
                io.Boolean.Input(
                    "upscale",
                    display_name="upscale small images",
                    default=True,
                    tooltip="Enlarge images that are smaller than their bucket. Off trains them at a smaller size of "
                    "their own; minimum and maximum do not count then.",
                ),
            ],
            outputs=[
                TextureDatasetSocket.Output(
                    "dataset", tooltip="The same images, which the trainer brings to these sizes."
                ),
                io.String.Output("report", tooltip="Images per bucket, and those that are enlarged, cut or stretched."),
            ],
            has_intermediate_output=True,
        )

    @classmethod
    @refusing
    def validate_inputs(cls, minimum: int | None = 0, maximum: int | None = 0) -> None:
        Buckets(minimum or 0, maximum or 0)

    @classmethod
    def execute(
        cls, dataset: TextureDataset, resolution: int, minimum: int, maximum: int, step: int, upscale: bool
    ) -> io.NodeOutput:
        bucketed = replace(dataset, buckets=Buckets(minimum, maximum, step, upscale))
        report = bucket_report(bucket_dataset(bucketed, resolution), resolution)
        return io.NodeOutput(bucketed, report, ui=previewed(dataset=listing_of(bucketed)))
