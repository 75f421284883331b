"""Caption nodes: words for the images of a dataset."""

from comfy_api.latest import io

from .edit import EditCaptions
from .from_parameters import CaptionFromParameters
from .models import CaptionBLIP, CaptionFlorence2, CaptionTagger
from .template import CaptionTemplate
from .texture_prompt import TexturePrompt

NODES: list[type[io.ComfyNode]] = [
    CaptionFromParameters,
    CaptionTemplate,
    CaptionBLIP,
    CaptionFlorence2,
    CaptionTagger,
    EditCaptions,
    TexturePrompt,
]
