"""The inputs that the nodes for sd-scripts share."""

from collections.abc import Mapping
from typing import Any

import folder_paths
from comfy_api.latest import io

from ...sd_scripts.base_checkpoint import AUTO, FAMILIES
from ...sd_scripts.settings import ATTENTIONS, CACHES, FILE_FORMATS, KohyaOptions
from ..sockets import TextureDatasetSocket
from .run_inputs import name_input, option_inputs, rate_inputs, size_inputs

NONE = "none"


def what_inputs(written: str) -> list[io.Input]:
    """Dataset, checkpoint, name and sizes; `written` says where the file goes."""
    return [
        TextureDatasetSocket.Input("dataset", tooltip="The images to learn, with their captions."),
        io.Combo.Input(
            "checkpoint",
            options=folder_paths.get_filename_list("checkpoints"),
            tooltip="The base model, read by sd-scripts itself. Its family chooses the script.",
        ),
        name_input(written),
        *size_inputs("512 for SD1, 768 for SD2 v-prediction, 1024 for SDXL"),
    ]


def course_inputs(rate: float) -> list[io.Input]:
    """Learning rate, `rate` if nothing is said, seed, length in epochs, precision, memory and the four option nodes."""
    return [
        *rate_inputs(rate, "Start weights, order and noise. sd-scripts takes its last 32 bits."),
        *option_inputs("With accelerate it is what you configured there."),
    ]


def script_inputs() -> list[io.Input]:
    """What only sd-scripts has, and where it is."""
    return [*_image_inputs(), *_machine_inputs(), *_installation_inputs()]


def _image_inputs() -> list[io.Input]:
    return [
        io.Combo.Input(
            "family",
            options=[AUTO, *FAMILIES],
            default=AUTO,
            optional=True,
            tooltip="Auto reads it off the checkpoint's weights. SDXL has scripts of its own.",
        ),
        io.Combo.Input(
            "vae",
            options=[NONE, *folder_paths.get_filename_list("vae")],
            default=NONE,
            optional=True,
            advanced=True,
            tooltip="A VAE in place of the checkpoint's own.",
        ),
        io.Combo.Input(
            "cache_latents",
            options=list(CACHES),
            default=CACHES[0],
            optional=True,
            tooltip="Encode each image once. Disk is for sets that memory does not hold.",
        ),
        io.Boolean.Input(
            "buckets",
            default=True,
            optional=True,
            advanced=True,
            tooltip="Keep the proportions of images that are not square. Off crops them to squares.",
        ),
        io.Boolean.Input(
            "flip_augmentation",
            default=False,
            optional=True,
            tooltip="Mirror half of the images. Not for normal maps, whose green or red would then be wrong.",
        ),
        io.Boolean.Input(
            "color_augmentation",
            default=False,
            optional=True,
            tooltip="Vary hue and gamma a little at every step. Not for data maps; needs cache_latents off.",
        ),
    ]


def _machine_inputs() -> list[io.Input]:
    return [
        io.Combo.Input(
            "attention",
            options=list(ATTENTIONS),
            default="sdpa",
            optional=True,
            advanced=True,
            tooltip="sdpa is PyTorch's own and always there; xformers needs its package.",
        ),
        io.Boolean.Input(
            "half_gradients",
            default=False,
            optional=True,
            advanced=True,
            tooltip="Keep the trained weights in half precision too (full fp16 or bf16). Saves memory, costs accuracy.",
        ),
        io.Int.Input(
            "workers",
            default=0,
            min=0,
            max=64,
            optional=True,
            advanced=True,
            tooltip="Processes that load images. 0 loads in the training process: enough with cached latents.",
        ),
        io.Int.Input(
            "threads",
            default=0,
            min=0,
            max=1024,
            optional=True,
            advanced=True,
            tooltip="CPU threads of each process; 0 leaves the choice to PyTorch.",
        ),
        io.Boolean.Input(
            "accelerate",
            default=False,
            optional=True,
            tooltip="Start through accelerate launch with your own configuration: for several GPUs or machines.",
        ),
        io.Combo.Input(
            "file_format",
            options=list(FILE_FORMATS),
            default=FILE_FORMATS[0],
            optional=True,
            advanced=True,
            tooltip="safetensors loads fast and cannot carry code. ckpt is for old tools.",
        ),
        io.Boolean.Input(
            "tensorboard",
            default=False,
            optional=True,
            advanced=True,
            tooltip="Write a TensorBoard log to output/training/<name>/logs. Needs the package tensorboard.",
        ),
    ]


def _installation_inputs() -> list[io.Input]:
    return [
        io.String.Input(
            "sd_scripts",
            default="",
            optional=True,
            advanced=True,
            tooltip="Folder of the checkout, among those you allowed. Empty takes SD_SCRIPTS_PATH, else the folder "
            "sd-scripts in or beside ComfyUI.",
        ),
        io.String.Input(
            "python",
            default="",
            optional=True,
            advanced=True,
            tooltip="Folder of its virtual environment, or of packages for ComfyUI's Python. Empty looks for venv "
            "and packages in the checkout.",
        ),
        io.String.Input(
            "arguments",
            default="",
            multiline=True,
            optional=True,
            tooltip="More arguments as on sd-scripts' command line, such as --scale_weight_norms 1. They are checked "
            "before the training starts.",
        ),
    ]


def kohya_options(inputs: Mapping[str, Any]) -> KohyaOptions:
    """The options of the inputs that only sd-scripts has."""
    return KohyaOptions(
        half_gradients=inputs["half_gradients"],
        cache=inputs["cache_latents"],
        buckets=inputs["buckets"],
        flip=inputs["flip_augmentation"],
        color_changes=inputs["color_augmentation"],
        attention=inputs["attention"],
        workers=inputs["workers"],
        threads=inputs["threads"],
        file_format=inputs["file_format"],
        tensorboard=inputs["tensorboard"],
    )
