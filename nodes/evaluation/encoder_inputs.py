"""Inputs for the encoders that a user may have, shared by the nodes that score pictures."""

from comfy_api.latest import io

from ...host.clip_scores import NONE, aesthetic_files, vision_files
from ..sockets import FileCombo


def encoder_inputs(text_name: str) -> list[io.Input]:
    """Image encoder, text encoder and aesthetic head; `text_name` is the id of the second."""
    return [
        FileCombo(
            "clip_vision",
            options=vision_files(),
            default=NONE,
            optional=True,
            tooltip="An image encoder in models/clip_vision: CLIP, SigLIP, DINOv2 or DINOv3. Adds scores, and is not "
            "needed.",
        ),
        io.Clip.Input(
            text_name,
            optional=True,
            tooltip="The text encoder paired with clip_vision: a full CLIP-L file with ViT-L/14, an SDXL checkpoint's "
            "with ViT-bigG, an SD2 checkpoint's with ViT-H. Adds CLIP scores.",
        ),
        FileCombo(
            "aesthetic",
            options=aesthetic_files(),
            default=NONE,
            optional=True,
            tooltip="A LAION aesthetic head in models/aesthetic; needs ViT-L/14 as clip_vision. A number to publish, "
            "which decides nothing.",
        ),
    ]
