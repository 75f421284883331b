"""The node that scores a batch of pictures by themselves."""

import torch
from comfy_api.latest import io

from ...evaluation.image_scores import ImageScores, plain_scores, prompts_of
from ...host.clip_scores import NONE, load_encoders
from ...host.protocols import Clip
from ..image_inputs import color_images
from .encoder_inputs import encoder_inputs


class ScoreImages(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="TilewrightScoreImages",
            display_name="Score Images",
            category="Tilewright/evaluation",
            description="Scores each picture of a batch and sums them up as fine-tuners publish it: mean, deviation, "
            "quartiles, skewness and kurtosis, with the errors that say how far to believe them.",
            search_aliases=[
                "clip score",
                "aesthetic score",
                "clipscore",
                "image statistics",
                "compare models",
                "compare",
                "comparison",
                "aesthetic",
            ],
            is_output_node=True,
            inputs=[
                io.Image.Input("images", tooltip="The pictures; those of one prompt stand together."),
                io.String.Input(
                    "prompts",
                    default="",
                    multiline=True,
                    tooltip="What the pictures were asked for, one a line: one line for all, or one for equally many "
                    "images in a row.",
                ),
                *encoder_inputs("clip"),
                io.String.Input(
                    "name",
                    display_name="model name",
                    advanced=True,
                    default="model",
                    optional=True,
                    tooltip="What to call the model that painted them, in the table.",
                ),
            ],
            outputs=[
                io.String.Output("report", tooltip="The summary of each score."),
                io.String.Output("csv", tooltip="A line for each picture, then the summary."),
            ],
        )

    @classmethod
    def execute(
        cls,
        images: torch.Tensor,
        prompts: str,
        clip_vision: str = NONE,
        clip: Clip | None = None,
        aesthetic: str = NONE,
        name: str = "model",
    ) -> io.NodeOutput:
        pictures = color_images(images, "images")
        texts = prompts_of(prompts, len(pictures))
        encoders = load_encoders(clip_vision, clip, aesthetic)
        result = ImageScores(name, texts, {**encoders(list(pictures), texts), **plain_scores(pictures)})
        return io.NodeOutput(result.report(), result.csv(), ui={"text": [result.report()], "badges": [result.means]})
