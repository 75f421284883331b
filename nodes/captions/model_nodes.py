"""Nodes that caption with models which look at the images."""

from comfy_api.latest import io

from ..common.progress_adapter import progress_callback
from ..common.sockets import TextureDatasetSocket
from ..common.texture_dataset import TextureDataset
from .captioning import COMBINING, REPLACE, Describe, blip, caption_images, florence
from .model_adapter import load_captioner
from .report import caption_report

BLIP_SOURCE = "Salesforce/blip-image-captioning-base"
FLORENCE_SOURCE = "florence-community/Florence-2-base"
FLORENCE_TASKS = {"short": "<CAPTION>", "detailed": "<DETAILED_CAPTION>", "long": "<MORE_DETAILED_CAPTION>"}


def _shared_inputs() -> list[io.Input]:
    return [
        io.Int.Input("batch_size", default=4, min=1, max=256, tooltip="Images the model looks at together."),
        io.Int.Input(
            "max_tokens", default=60, min=1, max=1000, optional=True, tooltip="Longest caption, in the model's tokens."
        ),
        io.Int.Input(
            "beams",
            default=3,
            min=1,
            max=16,
            optional=True,
            tooltip="Captions that are followed at once to find the best. 1 is fastest.",
        ),
        io.Combo.Input(
            "existing",
            options=COMBINING,
            default=REPLACE,
            optional=True,
            tooltip="Where new captions go: in place of the existing ones, before them or after them.",
        ),
    ]


def _outputs() -> list[io.Output]:
    return [
        TextureDatasetSocket.Output("dataset", tooltip="The same images with their new captions."),
        io.String.Output("captions", is_output_list=True, tooltip="One caption for each image, in order."),
        io.String.Output("report", tooltip="Every file with its caption, and files that could not be read."),
    ]


def _captioned(dataset: TextureDataset, describe: Describe, batch_size: int, existing: str) -> io.NodeOutput:
    captioned, unreadable = caption_images(dataset, describe, batch_size, existing, progress_callback())
    report = caption_report(captioned, unreadable, "kept their captions: the files cannot be read")
    return io.NodeOutput(captioned, captioned.captions, report)


class CaptionBLIP(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="TilewrightCaptionBLIP",
            display_name="Caption with BLIP",
            category="Tilewright/captions",
            description="Captions each image with a BLIP model from models/captioners. Nothing is downloaded.",
            search_aliases=["image to text", "auto caption", "describe image", "salesforce"],
            inputs=[
                TextureDatasetSocket.Input("dataset", tooltip="The images to caption."),
                io.String.Input(
                    "model",
                    default="blip-image-captioning-base",
                    tooltip=f"Folder below models/captioners with the files of {BLIP_SOURCE} or its kin.",
                ),
                io.String.Input(
                    "prompt",
                    default="",
                    tooltip="How captions begin, such as 'a texture of'; empty for anything.",
                ),
                *_shared_inputs(),
            ],
            outputs=_outputs(),
        )

    @classmethod
    def execute(
        cls,
        dataset: TextureDataset,
        model: str,
        prompt: str,
        batch_size: int,
        max_tokens: int = 60,
        beams: int = 3,
        existing: str = REPLACE,
    ) -> io.NodeOutput:
        loaded, processor = load_captioner(model, "BlipForConditionalGeneration", "BlipProcessor", BLIP_SOURCE)
        return _captioned(dataset, blip(loaded, processor, prompt, max_tokens, beams), batch_size, existing)


class CaptionFlorence2(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="TilewrightCaptionFlorence2",
            display_name="Caption with Florence-2",
            category="Tilewright/captions",
            description="Captions each image with a Florence-2 model from models/captioners. Nothing is downloaded.",
            search_aliases=["image to text", "auto caption", "describe image", "microsoft"],
            inputs=[
                TextureDatasetSocket.Input("dataset", tooltip="The images to caption."),
                io.String.Input(
                    "model",
                    default="Florence-2-base",
                    tooltip=f"Folder below models/captioners with the files of {FLORENCE_SOURCE} or its kin.",
                ),
                io.Combo.Input(
                    "detail", options=list(FLORENCE_TASKS), default="detailed", tooltip="How much a caption tells."
                ),
                *_shared_inputs(),
            ],
            outputs=_outputs(),
        )

    @classmethod
    def execute(
        cls,
        dataset: TextureDataset,
        model: str,
        detail: str,
        batch_size: int,
        max_tokens: int = 60,
        beams: int = 3,
        existing: str = REPLACE,
    ) -> io.NodeOutput:
        loaded, processor = load_captioner(
            model, "Florence2ForConditionalGeneration", "Florence2Processor", FLORENCE_SOURCE
        )
        describe = florence(loaded, processor, FLORENCE_TASKS[detail], max_tokens, beams)
        return _captioned(dataset, describe, batch_size, existing)
