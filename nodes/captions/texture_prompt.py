"""The node that writes prompts for textures."""

from comfy_api.latest import io

from ...captions.texture_prompt import CLIP, PARTS, WRITING, Vocabulary, parse_order, write_prompt
from ...captions.wildcards import OWN_LISTS, read_lists
from ...common.texture_dataset import TextureDataset
from ...host import folders
from ..shown_where import shown_where
from ..sockets import TextureDatasetSocket
from ..validation import refusing

NEGATIVE = (
    "perspective, horizon, cast shadow, highlights, glare, vignette, depth of field, blurry, border, frame, text, "
    "watermark, logo, person, object in the foreground"
)


class TexturePrompt(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="TilewrightTexturePrompt",
            display_name="Texture Prompt",
            category="Tilewright/captions",
            description="Writes a prompt for a texture from its parts, with choices drawn by a seed, and the negative "
            "prompt that keeps light and perspective out.",
            search_aliases=[
                "prompt builder",
                "wildcards",
                "dynamic prompts",
                "negative prompt",
                "random prompt",
                "texture description",
            ],
            inputs=[
                _part("material", "brick wall", "What it is: the one part that no texture can do without."),
                _part("details", "", "What is on it or how it is laid: chipped edges, wide joints."),
                _part("colors", "", "Its colours: red-brown bricks, pale mortar."),
                _part("style", "photographic", "How it is made: photographic, hand-painted, pixel art."),
                _part(
                    "quality",
                    "highly detailed, sharp focus",
                    "Words that most models connect with good pictures.",
                    True,
                ),
                _part(
                    "light", "flat even light, without shadows", "Keeps light out of it: the engine adds its own.", True
                ),
                _part("view", "seamless texture, seen from straight above", "Keeps it flat, frontal and full.", True),
                _part("trigger", "", "The word that calls your LoRA."),
                _part("lora_words", "", "Further words that your LoRAs were trained with.", True),
                io.String.Input(
                    "negative",
                    display_name="negative prompt",
                    advanced=True,
                    default=NEGATIVE,
                    multiline=True,
                    tooltip="What must not be seen. What the prompt itself asks for is left out of it.",
                ),
                io.Combo.Input(
                    "text_encoder",
                    display_name="text encoder",
                    advanced=True,
                    options=WRITING,
                    default=CLIP,
                    tooltip="CLIP (SD 1.5, SDXL) reads tags between commas, the first weigh most; T5 (Flux, SD 3) "
                    "reads sentences.",
                ),
                io.Int.Input(
                    "seed",
                    default=0,
                    min=0,
                    max=0xFFFFFFFFFFFFFFFF,
                    control_after_generate=True,
                    tooltip="Draws choices: {red|grey}, {3::red|grey} and __colors__, a word list. Each part draws "
                    "by itself.",
                ),
                io.String.Input(
                    "order",
                    default=", ".join(PARTS),
                    optional=True,
                    advanced=True,
                    tooltip="The order of the parts as tags. For a LoRA put trigger where its captions had it: first, "
                    "if Caption Template wrote them.",
                ),
                TextureDatasetSocket.Input(
                    "dataset",
                    optional=True,
                    tooltip="What your LoRA was trained on: choices then prefer words that its captions hold, and the "
                    "report names words that none holds.",
                ),
                io.Int.Input(
                    "caption_phrases",
                    display_name="phrases from captions",
                    extra_dict=shown_where(dataset=True),
                    advanced=True,
                    default=0,
                    min=0,
                    max=20,
                    optional=True,
                    tooltip="So many phrases more are taken from one caption of the dataset, drawn by the seed.",
                ),
            ],
            outputs=[
                io.String.Output("prompt", tooltip="The prompt, for a text encode node."),
                io.String.Output("negative", tooltip="The negative prompt."),
                io.String.Output("report", tooltip="What was left out, what no caption holds, how long the prompt is."),
            ],
        )

    @classmethod
    @refusing
    def validate_inputs(cls, order: str | None = None) -> None:
        if order is not None:
            parse_order(order)

    @classmethod
    def fingerprint_inputs(cls, **_: object) -> list:
        return sorted(read_lists([OWN_LISTS, *folders.word_list_folders()]).items())

    @classmethod
    def execute(
        cls,
        material: str,
        details: str,
        colors: str,
        style: str,
        quality: str,
        light: str,
        view: str,
        trigger: str,
        lora_words: str,
        negative: str,
        text_encoder: str,
        seed: int,
        order: str = ", ".join(PARTS),
        dataset: TextureDataset | None = None,
        caption_phrases: int = 0,
    ) -> io.NodeOutput:
        given = (quality, style, material, details, light, view, colors, trigger, lora_words)
        parts = dict(zip(PARTS, given, strict=True))
        lists = read_lists([OWN_LISTS, *folders.word_list_folders()])
        vocabulary = Vocabulary(tuple(dataset.captions) if dataset else ())
        prompt = write_prompt(parts, negative, text_encoder, order, lists, seed, vocabulary, caption_phrases)
        return io.NodeOutput(prompt.positive, prompt.negative, "\n".join([prompt.positive, "", *prompt.notes]).strip())


def _part(name: str, default: str, tooltip: str, advanced: bool = False) -> io.String.Input:
    return io.String.Input(name, default=default, tooltip=tooltip, advanced=advanced or None)
