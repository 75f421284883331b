"""The node that looks for training renders among pictures."""

import torch
from comfy_api.latest import io, ui

from ...common.texture_dataset import TextureDataset
from ...host.progress import progress_callback
from ..image_inputs import color_images
from ..sockets import TextureDatasetSocket
from .renders import NO_RENDERS, check_apart, framed_renders


class CheckOverfit(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="TilewrightCheckOverfit",
            display_name="Check Overfit",
            category="Tilewright/evaluation",
            description="Shows each picture beside the training render most like it, found however it was rolled, "
            "turned or mirrored, and tells how many are copies, whole or in pieces.",
            search_aliases=[
                "memorisation",
                "memorization",
                "overfitting",
                "copies",
                "nearest neighbour",
                "plagiarism",
                "overfit",
                "copyright",
            ],
            is_output_node=True,
            inputs=[
                io.Image.Input("images", tooltip="The pictures to check, such as those of a LoRA at one weight."),
                TextureDatasetSocket.Input("dataset", tooltip="The renders that the LoRA was trained on."),
                TextureDatasetSocket.Input(
                    "held_out",
                    optional=True,
                    tooltip="Renders that it was not trained on. How like they are to the training renders sets the "
                    "limit above which a picture counts as a copy.",
                ),
            ],
            outputs=[
                io.Float.Output("copied_share", tooltip="The share of pictures that are training renders, 0 to 1."),
                io.String.Output("report", tooltip="The verdict, what it rests on, and a line for each picture."),
                io.Image.Output(
                    "image",
                    tooltip="Each picture beside its nearest render, laid as it lies there; copied pieces framed.",
                ),
            ],
        )

    @classmethod
    def execute(
        cls, images: torch.Tensor, dataset: TextureDataset, held_out: TextureDataset | None = None
    ) -> io.NodeOutput:
        from ...evaluation.overfit import check_overfit, overfit_picture

        pictures = list(color_images(images, "images"))
        size = (pictures[0].shape[2], pictures[0].shape[1])
        check_apart(dataset, held_out, "dataset")
        training = framed_renders(dataset, size, "dataset")
        others = framed_renders(held_out, size, "held_out") if held_out is not None and len(held_out) else NO_RENDERS
        names, other_names = ([sample.file.name for sample in read.samples] for read in (training, others))
        overfit = check_overfit(pictures, training.pictures, names, others.pictures, progress_callback(), other_names)
        image = overfit_picture(overfit, pictures, training.pictures)
        text = "\n".join([overfit.report(), *training.notes, *others.notes])
        return io.NodeOutput(overfit.copied_share, text, image, ui=ui.PreviewImage(image, cls=cls))
