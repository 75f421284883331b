"""Nodes that part datasets and put them together."""

from comfy_api.latest import io

from ...common.texture_dataset import TextureDataset
from ...dataset.report import join_report
from ...dataset.split_join import MORE, ROLES, join_datasets, split_by_material
from ...host.edit_sets import listing_of, previewed
from ..sockets import TextureDatasetSocket


class SplitDataset(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="TilewrightSplitDataset",
            display_name="Split Dataset",
            category="Tilewright/dataset",
            description=(
                "Holds some materials back for validation, all maps of a material together. "
                "A dataset that grows keeps its split."
            ),
            search_aliases=["train validation split", "hold out", "test set", "held out", "validation set"],
            inputs=[
                TextureDatasetSocket.Input("dataset", tooltip="The dataset to divide."),
                io.Float.Input(
                    "fraction",
                    display_name="validation share",
                    default=0.1,
                    min=0.0,
                    max=1.0,
                    step=0.01,
                    tooltip="The share of materials to hold back. Each is drawn by itself, so small sets may get "
                    "a few more or fewer.",
                ),
                io.Int.Input(
                    "seed",
                    default=0,
                    min=0,
                    max=2**53,
                    control_after_generate=io.ControlAfterGenerate.fixed,
                    tooltip="Another seed holds other materials back.",
                ),
            ],
            outputs=[
                TextureDatasetSocket.Output("train", tooltip="Materials to train on, and all regularisation images."),
                TextureDatasetSocket.Output("validation", tooltip="The materials that were held back."),
            ],
            has_intermediate_output=True,
        )

    @classmethod
    def execute(cls, dataset: TextureDataset, fraction: float, seed: int) -> io.NodeOutput:
        train, validation = split_by_material(dataset, fraction, seed)
        shown = previewed(train=listing_of(train), validation=listing_of(validation))
        return io.NodeOutput(train, validation, ui=shown)


class JoinDatasets(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="TilewrightJoinDatasets",
            display_name="Join Datasets",
            category="Tilewright/dataset",
            description=(
                "Puts two datasets together: more materials to train on, or regularisation images that keep the "
                "model's idea of what it knows already."
            ),
            search_aliases=[
                "merge datasets",
                "combine datasets",
                "regularisation images",
                "prior preservation",
                "class images",
            ],
            inputs=[
                TextureDatasetSocket.Input(
                    "dataset", tooltip="The images to train on. Their background and buckets are kept."
                ),
                TextureDatasetSocket.Input("other", tooltip="The images to add."),
                io.Combo.Input(
                    "role",
                    display_name="use other as",
                    options=ROLES,
                    default=MORE,
                    tooltip="What the other images are for. 'more images' are trained on like the first; "
                    "'regularisation' images show what the LoRA should leave as it is.",
                ),
                io.Int.Input(
                    "repeats",
                    display_name="num_repeats",
                    advanced=True,
                    default=1,
                    min=1,
                    max=1000,
                    optional=True,
                    tooltip="Multiplies how often each of the other images is seen in an epoch.",
                ),
            ],
            outputs=[
                TextureDatasetSocket.Output("dataset", tooltip="All images, the other ones last."),
                io.String.Output("report", tooltip="How many images there are of each kind."),
            ],
            has_intermediate_output=True,
        )

    @classmethod
    def execute(cls, dataset: TextureDataset, other: TextureDataset, role: str, repeats: int = 1) -> io.NodeOutput:
        joined = join_datasets(dataset, other, role, repeats)
        return io.NodeOutput(joined, join_report(joined), ui=previewed(dataset=listing_of(joined)))
