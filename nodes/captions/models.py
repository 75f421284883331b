"""Nodes that caption with models which look at the images."""

from comfy_api.latest import io

from ...captions.captioning import COMBINING, REPLACE, Describe, blip, caption_images, florence
from ...captions.report import caption_report
from ...captions.tagging import TagChoice, read_vocabulary, tagger
from ...common.caption_files import split_phrases
from ...common.texture_dataset import TextureDataset
from ...host.captioners import load_captioner, load_tagger
from ...host.edit_sets import listing_of, previewed
from ...host.progress import progress_callback
from ..offered import offered
from ..sockets import TextureDatasetSocket

BLIP_SOURCE = "Salesforce/blip-image-captioning-base"
FLORENCE_SOURCE = "florence-community/Florence-2-base"
TAGGER_SOURCE = "SmilingWolf/wd-vit-tagger-v3"
FLORENCE_TASKS = {"short": "<CAPTION>", "detailed": "<DETAILED_CAPTION>", "long": "<MORE_DETAILED_CAPTION>"}


def _batch_size_input() -> io.Int.Input:
    return io.Int.Input(
        "batch_size",
        display_name="batch size",
        advanced=True,
        default=4,
        min=1,
        max=256,
        tooltip="Images the model looks at together.",
    )


def _existing_input() -> io.Combo.Input:
    return io.Combo.Input(
        "existing",
        display_name="existing captions",
        options=COMBINING,
        default=REPLACE,
        optional=True,
        tooltip="Where new captions go: in place of the existing ones, before them or after them.",
    )


def _sentence_inputs() -> list[io.Input]:
    return [
        _batch_size_input(),
        io.Int.Input(
            "max_tokens",
            display_name="max tokens",
            advanced=True,
            default=60,
            min=1,
            max=1000,
            optional=True,
            tooltip="Longest caption, in the model's tokens.",
        ),
        io.Int.Input(
            "beams",
            display_name="num beams",
            advanced=True,
            default=3,
            min=1,
            max=16,
            optional=True,
            tooltip="Captions that are followed at once to find the best. 1 is fastest.",
        ),
        _existing_input(),
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
    return io.NodeOutput(captioned, captioned.captions, report, ui=previewed(dataset=listing_of(captioned)))


class CaptionBLIP(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="TilewrightCaptionBLIP",
            display_name="Caption with BLIP",
            category="Tilewright/captions",
            description="Captions each image with a BLIP model from models/captioners. Nothing is downloaded.",
            search_aliases=[
                "image to text",
                "auto caption",
                "describe image",
                "salesforce",
                "captioning",
                "interrogate",
            ],
            inputs=[
                TextureDatasetSocket.Input("dataset", tooltip="The images to caption."),
                io.String.Input(
                    "model",
                    extra_dict=offered("captioners"),
                    default="blip-image-captioning-base",
                    tooltip=f"Folder below models/captioners with the files of {BLIP_SOURCE} or its kin.",
                ),
                io.String.Input(
                    "prompt",
                    default="",
                    tooltip="How captions begin, such as 'a texture of'; empty for anything.",
                ),
                *_sentence_inputs(),
            ],
            outputs=_outputs(),
            has_intermediate_output=True,
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
            search_aliases=["image to text", "auto caption", "describe image", "microsoft", "captioning", "vlm"],
            inputs=[
                TextureDatasetSocket.Input("dataset", tooltip="The images to caption."),
                io.String.Input(
                    "model",
                    extra_dict=offered("captioners"),
                    default="Florence-2-base",
                    tooltip=f"Folder below models/captioners with the files of {FLORENCE_SOURCE} or its kin.",
                ),
                io.Combo.Input(
                    "detail", options=list(FLORENCE_TASKS), default="detailed", tooltip="How much a caption tells."
                ),
                *_sentence_inputs(),
            ],
            outputs=_outputs(),
            has_intermediate_output=True,
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


class CaptionTagger(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="TilewrightCaptionTagger",
            display_name="Caption with Tagger",
            category="Tilewright/captions",
            description="Captions each image with tags from a WD or DeepDanbooru tagger in models/captioners (ONNX). "
            "Nothing is downloaded.",
            search_aliases=[
                "wd14 tagger",
                "deepdanbooru",
                "danbooru tags",
                "auto tag",
                "interrogate",
                "onnx",
                "wd tagger",
                "tags",
                "tagging",
            ],
            inputs=[
                TextureDatasetSocket.Input("dataset", tooltip="The images to tag."),
                io.String.Input(
                    "model",
                    extra_dict=offered("taggers"),
                    default="wd-vit-tagger-v3",
                    tooltip=f"Folder below models/captioners with model.onnx and selected_tags.csv of {TAGGER_SOURCE} "
                    "or its kin, or with the .onnx and tags.txt of DeepDanbooru.",
                ),
                io.Float.Input(
                    "threshold",
                    default=0.35,
                    min=0.0,
                    max=1.0,
                    step=0.01,
                    tooltip="How sure the tagger must be of a tag. Lower gives more tags, and more wrong ones.",
                ),
                io.Float.Input(
                    "character_threshold",
                    display_name="character threshold",
                    advanced=True,
                    default=0.85,
                    min=0.0,
                    max=1.0,
                    step=0.01,
                    tooltip="The same for names of characters. Textures show none.",
                ),
                _batch_size_input(),
                io.String.Input(
                    "blacklist",
                    display_name="remove tags",
                    default="",
                    multiline=True,
                    optional=True,
                    tooltip="Tags never to write, separated by commas, such as 'no humans, simple background'.",
                ),
                io.Boolean.Input(
                    "underscores",
                    display_name="keep underscores",
                    advanced=True,
                    default=False,
                    optional=True,
                    tooltip="Write tags with underscores, as in brick_wall. Off writes spaces, except in emoticons.",
                ),
                _existing_input(),
            ],
            outputs=_outputs(),
            has_intermediate_output=True,
        )

    @classmethod
    def execute(
        cls,
        dataset: TextureDataset,
        model: str,
        threshold: float,
        character_threshold: float,
        batch_size: int,
        blacklist: str = "",
        underscores: bool = False,
        existing: str = REPLACE,
    ) -> io.NodeOutput:
        run, size, folder = load_tagger(model, TAGGER_SOURCE)
        unwanted = split_phrases(blacklist.replace("\n", ","))
        choice = TagChoice(threshold, character_threshold, unwanted, underscores)
        return _captioned(dataset, tagger(run, size, read_vocabulary(folder), choice), batch_size, existing)
